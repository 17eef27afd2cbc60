"""The house's own rules, checked on its own text."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "workbench"
ORDER = ("errors", "values", "resources", "i18n", "ledger", "case", "law", "sources", "inventory", "freeze",
         "classification", "risk", "plan", "vault", "erasure", "records", "governance", "ui", "demo", "cli")
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("workbench"):
            found.update(f"workbench.{a.name}" for a in node.names) if node.module == "workbench" else found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(a.name for a in node.names if a.name.startswith("workbench."))
    return {m for m in found if room(m) in ORDER}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_rooms_above_it(path: Path) -> None:
    """The list in architecture.md is the order; imports inside functions count too."""
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own in ("__init__", "__main__"):
        return
    assert own in ORDER, f"{own} is not in the list of rooms"
    low = [m for m in imports(path) if ORDER.index(room(m)) > ORDER.index(own)]
    assert not low


def test_importing_the_package_is_light() -> None:
    """``import workbench`` loads neither pandas nor plotly nor any other heavy part."""
    code = ("import sys, workbench; heavy = {'pandas', 'plotly', 'numpy', 'pyarrow', 'numba', 'papermill', 'duckdb'};"
            "print(sorted(heavy & set(sys.modules)))")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_help_loads_nothing_heavy() -> None:
    """``workbench --help`` must answer at once, so it may import only click and ourselves."""
    code = ("import sys; sys.argv = ['workbench', '--help']\n"
            "from workbench import cli\n"
            "try: cli.main()\nexcept SystemExit: pass\n"
            "heavy = {'pandas', 'plotly', 'numpy', 'pyarrow', 'pydantic', 'papermill', 'cryptography'}\n"
            "print('HEAVY', sorted(heavy & set(sys.modules)))")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "HEAVY []" in out
    assert "scan" in out


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.name)
def test_source_notebooks_are_thin_and_clean(path: Path) -> None:
    """No outputs, no counts, no papermill metadata; at most ten short code cells; a parameters cell; both languages."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    assert len(code) <= 10
    assert all(not c["outputs"] and c["execution_count"] is None for c in code)
    assert all(len("".join(c["source"]).splitlines()) <= 12 for c in code)
    assert sum("parameters" in c["metadata"].get("tags", []) for c in code) == 1
    marked = [t for c in cells if c["cell_type"] == "markdown" for t in c["metadata"].get("tags", [])]
    assert marked.count("lang:zh") == marked.count("lang:en") > 0
    assert "papermill" not in json.loads(path.read_text(encoding="utf-8"))["metadata"]


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    """Rule 12: packages are named by name only."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split("\n")
    if files == [""]:
        pytest.skip("not a git checkout")
    hosts = re.compile(r"pypi\.(org|python)|files\.python" + r"hosted|registry\.npm" + r"js|/(work|farm)/")
    bad = [f for f in files if f and (ROOT / f).is_file() and f != "tests/test_structure.py"
           and hosts.search((ROOT / f).read_text(encoding="utf-8", errors="replace"))]
    assert not bad


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_is_filled_and_every_file_it_names_exists(name: str) -> None:
    """No place-holder is left; pictures and linked files are there; commands it names are commands."""
    from workbench.cli import cli

    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.findall(r"@[A-Z]+@", text)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
    known = set(cli.list_commands(None))  # type: ignore[arg-type]
    for command in re.findall(r"^(?:\$ )?workbench ([a-z]+)", text, re.MULTILINE):
        assert command in known, command
