"""Legal holds: what they cover stays, the rest goes, the restore window waits, and a late one stops the run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.case import Case, approvals
from workbench.classification import classify
from workbench.demo.company import build
from workbench.demo.run import prepare
from workbench.erasure import erase
from workbench.errors import PlanError
from workbench.freeze import check_freeze, freeze
from workbench.inventory import take_inventory
from workbench.plan import make_plan
from workbench.records.archive import WindowOpen, end_window, expected_changes
from workbench.vault import protect

HOLD = '\n[[holds]]\nid = "lawsuit"\nreason = "pending"\ncovers = ["{covers}"]\nsince = 2026-01-01\n'


@pytest.fixture
def planned(tmp_path: Path) -> Callable[[str], Case]:
    """A small demo company, planned and approved; the argument is added to case.toml before."""

    def go(extra: str = "") -> Case:
        folder = prepare(tmp_path, tmp_path / "out", "en")
        toml = folder / "case.toml"
        toml.write_text(toml.read_text(encoding="utf-8") + extra, encoding="utf-8")
        build(tmp_path / "data", customers=200)
        case = Case.open(folder)
        freeze(case), take_inventory(case), classify(case), protect(case), make_plan(case)
        approvals.approve(case, "approver-a")
        approvals.approve(case, "approver-b")
        return case

    return go


def count(case: Case, table: str) -> int:
    with sqlite3.connect(case.folder.parent / "data" / "shop.sqlite") as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_a_hold_added_after_the_plan_stops_the_erasure(planned: Callable[..., Case]) -> None:
    """Approved as it was, case.toml now says otherwise: refused before the first row, data as before."""
    folder = planned().folder
    toml = folder / "case.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + HOLD.format(covers="*"), encoding="utf-8")
    before = (folder.parent / "data" / "shop.sqlite").read_bytes()
    case = Case.open(folder)
    with pytest.raises(PlanError, match=r"case\.toml was changed after the plan"):
        erase(case, approvals.check(case))
    assert (folder.parent / "data" / "shop.sqlite").read_bytes() == before


def test_what_a_hold_covers_stays_and_the_rest_goes(planned: Callable[..., Case]) -> None:
    """Tickets under a hold are all there with their words; addresses are gone; the restore window stays open."""
    case = planned(HOLD.format(covers="shop.tickets"))
    tickets = count(case, "tickets")
    erase(case, approvals.check(case))
    check_freeze(case, expected_changes(case))
    assert count(case, "tickets") == tickets > 20
    assert count(case, "addresses") == 0
    window = end_window(case)
    assert isinstance(window, WindowOpen)
    assert "lawsuit" in window.en


def test_a_hold_that_covers_nothing_is_refused(planned: Callable[..., Case]) -> None:
    """A mistyped table would protect nothing and look as if it did."""
    with pytest.raises(PlanError, match=r"shop\.tikets"):
        planned(HOLD.format(covers="shop.tikets"))
