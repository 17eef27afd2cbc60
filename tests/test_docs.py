"""The short pages: troubleshooting follows the error tree, every step is there, examples work, links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from workbench.case.steps import STEPS

DOCS = Path(__file__).parents[1] / "docs"
PAIRS = ("first-case", "steps", "extend", "troubleshooting")


@pytest.mark.parametrize(("lang", "name"), [("en", "troubleshooting.md"), ("zh", "troubleshooting.zh-CN.md")])
def test_troubleshooting_is_the_error_tree(lang: str, name: str) -> None:
    """An error without an entry, an entry without an error, or a page not written anew fails; `make docs` mends it."""
    spec = importlib.util.spec_from_file_location("docs_build", DOCS / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    assert (DOCS / name).read_text(encoding="utf-8") == build.page(lang)


@pytest.mark.parametrize("ending", [".md", ".zh-CN.md"])
def test_every_step_is_described(ending: str) -> None:
    """By id and notebook."""
    text = (DOCS / f"steps{ending}").read_text(encoding="utf-8")
    assert [s.id for s in STEPS if f"| `{s.id}` | [{s.notebook.removesuffix('.ipynb')}]" not in text] == []


@pytest.mark.parametrize("page", [p + e for p in PAIRS for e in (".md", ".zh-CN.md")])
def test_links_lead_somewhere(page: str) -> None:
    """To files of this repository."""
    text = (DOCS / page).read_text(encoding="utf-8")
    assert [t for t in re.findall(r"\]\(([^)#]+)", text) if not (DOCS / t).exists()] == []


def test_the_example_detector_finds_its_examples(tmp_path: Path) -> None:
    """The one in extend.md, scanned over a small file."""
    from workbench.classification import scan

    text = (DOCS / "extend.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", text, re.S)
    assert found is not None
    assert found[1] in (DOCS / "extend.zh-CN.md").read_text(encoding="utf-8")
    assert yaml.safe_load(found[1])["detectors"][0]["id"] == "member_no"
    (tmp_path / "own.yaml").write_text(found[1], encoding="utf-8")
    (tmp_path / "a.csv").write_text("member,colour\n" + "".join(f"M{100000 + 7 * i},red\n" for i in range(40)), encoding="utf-8")
    rows = scan([str(tmp_path / "a.csv")], rules=[tmp_path / "own.yaml"]).findings
    assert [(f.column, f.detector) for f in rows if f.detector] == [("member", "member_no")]
