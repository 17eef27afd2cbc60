"""An unapproved plan, a plan changed after approval, the same person twice: one sentence, exit 2, nothing changed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.case import Case
from workbench.case.opening import open_record
from workbench.classification import classify
from workbench.demo.company import build
from workbench.demo.run import prepare
from workbench.freeze import freeze
from workbench.inventory import take_inventory
from workbench.plan import make_plan
from workbench.plan.model import Plan
from workbench.records import runner
from workbench.vault import protect

ENV = {k: v for k, v in os.environ.items() if not k.startswith("WORKBENCH_")} | {
    "WORKBENCH_VAULT_PASSPHRASE": "correct horse battery staple"}


def workbench(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "workbench", *map(str, args)], capture_output=True, text=True, env=ENV)


def snapshot(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in (".running", ".lock")}


def refused(folder: Path, says: str, *args: str | Path) -> None:
    before = snapshot(folder)
    done = workbench(*args)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert says in line
    assert "Next: workbench" in line
    assert snapshot(folder) == before


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder with the data and a case that is planned and not approved; every step has its record."""
    folder = prepare(tmp_path, tmp_path / "out", "en")
    build(tmp_path / "data", customers=200)
    case = Case.open(folder)
    open_record(case), freeze(case), take_inventory(case), classify(case), protect(case), make_plan(case)
    for step in ("case", "freeze", "inventory", "classify", "assess", "protect", "plan"):
        # the records themselves are tested elsewhere; here they only have to stand
        if step == "assess":
            from workbench.risk import assess

            assess(case)
        case.append("record/v1", {}, {"step": step, "result": "done", "person": "operator", "at": case.now()}, "operator")
    assert runner.recorded(case, runner.STEPS[6])
    return tmp_path


def test_an_unapproved_plan_is_not_run(planned: Path) -> None:
    """Refused before a kernel starts; the data, the ledger and the vault stay as they are."""
    refused(planned, "the plan is not approved", "run", planned / "case")


def test_the_same_person_cannot_approve_twice(planned: Path) -> None:
    """The second signature has to be another person's."""
    assert workbench("approve", planned / "case", "--as", "approver-a").returncode == 0
    refused(planned, "already approved", "approve", planned / "case", "--as", "approver-a")
    refused(planned, "1 of 2 approvals", "run", planned / "case")


def test_a_plan_changed_after_approval_is_not_run(planned: Path) -> None:
    """One word changed in the plan's file: its digest is not what two people signed."""
    for person in ("approver-a", "approver-b"):
        assert workbench("approve", planned / "case", "--as", person).returncode == 0
    case = Case.open(planned / "case")
    path = case.folder / "values" / f"{case.load(Plan).digest}.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"action":"lock"', '"action":"keep"', 1), encoding="utf-8")
    refused(planned, "changed after it was", "run", planned / "case")
    refused(planned, "changed after it was", "approve", planned / "case", "--as", "approver-a")


def test_a_new_plan_voids_the_approval_of_the_old(planned: Path) -> None:
    """Made again after case.toml changed: other digest, no approval."""
    for person in ("approver-a", "approver-b"):
        assert workbench("approve", planned / "case", "--as", person).returncode == 0
    toml = planned / "case" / "case.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("claims_end = 2026-10-31", "claims_end = 2026-10-30"),
                    encoding="utf-8")
    case = Case.open(planned / "case")
    make_plan(case)
    case.append("record/v1", {}, {"step": "plan", "result": "done", "person": "operator", "at": case.now()}, "operator")
    refused(planned, "the plan changed after it was approved", "run", planned / "case")
