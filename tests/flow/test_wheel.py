"""The built wheel works without a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_wheel_in_an_empty_environment_runs_the_demo(tmp_path: Path) -> None:
    """Built, installed into a new environment outside any checkout, run there; notebooks and templates came along.

    The new environment borrows this one's third-party packages through a .pth file; ours come from the wheel alone.
    """
    built = subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", tmp_path / "dist", ROOT],
                           capture_output=True, text=True)
    if "not found" in built.stderr and "hatchling" in built.stderr:
        pytest.skip("hatchling is not installed")
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    home = tmp_path / "env"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel], check=True)
    site = next((home / "lib").glob("python*/site-packages"))
    borrowed = tmp_path / "borrowed"
    borrowed.mkdir()
    for path in Path(pytest.__file__).parents[1].iterdir():
        if not path.name.startswith(("workbench", "winddown", "_editable", "__editable", "_winddown", "_virtualenv")) \
                and path.suffix != ".pth":
            (borrowed / path.name).symlink_to(path)
    (site / "borrowed.pth").write_text(f"{borrowed}\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    env = {k: v for k, v in os.environ.items() if not k.startswith(("WORKBENCH_", "PYTHON"))} | {"HOME": str(outside)}
    where = subprocess.run([python, "-c", "import workbench; print(workbench.__file__)"], cwd=outside, env=env,
                           capture_output=True, text=True).stdout
    assert str(site) in where
    run = subprocess.run([home / "bin" / "workbench", "demo", "--customers", "200"], cwd=outside, env=env,
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert (outside / "reports" / "demo" / "index.html").is_file()
    check = subprocess.run([home / "bin" / "workbench", "verify", "reports/demo"], cwd=outside, env=env)
    assert check.returncode == 0
    made = subprocess.run([home / "bin" / "workbench", "new", "mine"], cwd=outside, env=env)
    assert made.returncode == 0
    assert (outside / "mine" / "notebooks" / "00_start.ipynb").is_file()
