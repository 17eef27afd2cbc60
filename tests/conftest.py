"""Shared fixtures: case folders that tests may break."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CASE_TOML = """
[case]
id = "t-case"
company = "甲公司"
company_en = "Company A"
place = "上海"
[dates]
service_end = 2026-08-31
claims_end = 2026-10-31
as_of = 2026-11-23
[[people]]
id = "op"
name = "操作"
roles = ["operator"]
[[people]]
id = "ann"
name = "安"
roles = ["approver"]
[[people]]
id = "ben"
name = "本"
roles = ["approver"]
[[people]]
id = "sue"
name = "苏"
roles = ["supervisor"]
[[sources]]
name = "files"
path = "data"
"""
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("WORKBENCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "correct horse battery staple")


@pytest.fixture
def make_case(tmp_path: Path) -> Callable[..., Path]:
    """Write a case folder; keyword ``toml`` replaces the text of case.toml."""

    def make(name: str = "case", toml: str = CASE_TOML) -> Path:
        folder = tmp_path / name
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "a.csv").write_text("id,colour\n1,red\n2,blue\n", encoding="utf-8")
        (folder / "case.toml").write_text(toml, encoding="utf-8")
        return folder

    return make


@pytest.fixture
def shared_data() -> Path:
    """The folder of public input beside the checkout; skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not beside this checkout")
    return SHARED


@pytest.fixture
def case_toml() -> str:
    """Text of a small valid case.toml."""
    return CASE_TOML


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo over 400 customers, run once for all tests: ``work`` (data, case), ``out`` (bundle) and ``log``."""
    base = tmp_path_factory.mktemp("demo")
    env = {k: v for k, v in os.environ.items() if not k.startswith("WORKBENCH_")}
    command = [sys.executable, "-m", "workbench", "demo", "--customers", "400", "--work", "work", "--out", "out"]
    run = subprocess.run(command, cwd=base, capture_output=True, text=True, env=env)
    assert run.returncode == 0, run.stderr
    (base / "log").write_text(run.stdout + run.stderr, encoding="utf-8")
    return base
