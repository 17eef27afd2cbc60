"""Before, with a plan, and after it: what re-identification, sealing and proven erasure do to the four risks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plan.conftest import finding, findings, inventory, planned, table
from workbench.case import Case
from workbench.erasure.left import left
from workbench.erasure.model import DisposalResult, Erasure, TableProof
from workbench.law import load_packs
from workbench.plan import remaining
from workbench.risk.assess import report_of
from workbench.risk.measure import after_erasure, assets, ledger_evidence, own_evidence
from workbench.risk.model import Left, RiskReport, RiskRuns
from workbench.risk.multipliers import model
from workbench.risk.score import Inputs

TABLES = [table("customers", ["id", "name", "phone"], rows=20_000), table("census", ["id", "gender", "born"], rows=1_000)]
FOUND = findings(finding("shop.customers.name"), finding("shop.customers.phone", detector="cn_mobile"),
                 finding("shop.census.born", detector="birth_date"), persons=20_000)


def reported(plan: dict[str, Left], now: dict[str, Left] | None = None, classes: dict[str, float] | None = None) -> RiskReport:
    inv = inventory(*TABLES)
    facts = assets(inv, FOUND, load_packs(("CN",)), plan, classes)
    whole = float(sum(a.records for a in facts))
    facts = after_erasure(facts, now or {})
    return report_of(Inputs(facts, own_evidence(inv, FOUND, facts, "2026"), model(), whole=whole), "t", FOUND, "2026-11-23")


def test_re_identification_decides_how_easily_a_table_without_names_identifies() -> None:
    """Large classes of quasi-identifiers lower EI and with it the severity; names in clear keep it at 1 whatever the classes."""
    asked = {a.asset: a for a in reported({}, classes={"shop.census": 0.2, "shop.customers": 0.0}).assets}
    unknown = {a.asset: a for a in reported({}).assets}
    assert asked["shop.census"].ei == pytest.approx(0.4)
    assert unknown["shop.census"].ei == 1.0, "not measured counts as the worst"
    assert asked["shop.customers"].ei == 1.0
    severe = {(s.asset, s.risk): s.severity for s in reported({}, classes={"shop.census": 0.2}).scores if s.state == "residual"}
    assert severe["shop.census", "leak"] < {(s.asset, s.risk): s.severity for s in reported({}).scores}["shop.census", "leak"]


def test_what_a_plan_seals_is_unreadable_and_what_it_keeps_is_not() -> None:
    """Erased < sealed < half kept in clear < untouched, in expected loss; a kept half keeps its severity."""
    both = ["shop.customers", "shop.census"]
    plans = [Left(0.0), Left(0.0, 1.0), Left(0.5, 0.5), Left(1.0)]
    reports = [reported(dict.fromkeys(both, p)) for p in plans]
    loss = [r.eal("projected") for r in reports]
    assert loss == sorted(loss)
    assert len(set(loss)) == 4
    assert loss[0] == 0
    assert loss[3] == pytest.approx(reports[3].eal("residual"))
    assert reports[2].total("leak", "projected").severity == reports[3].total("leak", "projected").severity
    assert reports[1].total("leak", "projected").severity < reports[2].total("leak", "projected").severity


def test_a_plan_s_lines_say_what_is_left() -> None:
    """Shares of a real plan: every table is in it, and clear and sealed are shares of one whole."""
    p = planned(TABLES, FOUND)
    found = remaining(p, inventory(*TABLES))
    assert set(found) == {d.set.table_id for d in p.disposals}
    assert all(0 <= x.clear + x.sealed <= 1 for x in found.values())
    assert reported(found).eal("projected") < reported(found).eal("residual")


def erasure(verdict: str, problem: str = "") -> Erasure:
    line = DisposalResult(disposal="D001", source="shop", table="customers", action="erase", planned=15_000, deleted=15_000,
                          verdict=verdict)  # type: ignore[arg-type]
    proof = TableProof(source="shop", table="customers", rows_before=20_000, rows_expected=5_000, rows_left=5_000, predicate_rows=0,
                       kept_equal=True, problem=problem)
    return Erasure(case_id="t", plan="p", dry_run=False, started="", ended="", disposals=(line,), tables=(proof,), verdict="STORE_CLEAN")


def test_only_proven_erasure_lowers_the_risk() -> None:
    """Three quarters proven gone leave a quarter; without proof, or with a problem, nothing has changed."""
    assert left(erasure("STORE_CLEAN")) == {"shop.customers": Left(0.25)}
    assert left(erasure("INCONCLUSIVE")) == {"shop.customers": Left(1.0)}
    assert left(erasure("STORE_CLEAN", problem="rows that stay changed")) == {}
    before = reported({"shop.customers": Left(0.0)})
    after = reported({"shop.customers": Left(0.0)}, now=left(erasure("STORE_CLEAN")))
    assert after.eal("residual") < before.eal("residual")
    assert reported({}, now=left(erasure("INCONCLUSIVE"))).eal("residual") == pytest.approx(reported({}).eal("residual"))


def test_once_all_is_done_the_residual_is_what_was_projected() -> None:
    """The prediction of the plan and the assessment after it agree, table by table."""
    plan = {"shop.customers": Left(0.0, 1.0), "shop.census": Left(0.0)}
    assert reported(plan, now=plan).eal("residual") == pytest.approx(reported(plan).eal("projected"), rel=0.05)


def test_runs_of_one_day_and_stage_are_one() -> None:
    """The newest of a day and stage counts; stages stay apart."""
    r = reported({})
    later = r.model_copy(update={"stage": "erased"})
    runs = RiskRuns.of([r, r.model_copy(update={"persons": 5}), later]).runs
    assert [(x.stage, x.persons) for x in runs] == [("found", 5), ("erased", 20_000)]
    assert sum(v for _, v in runs[0].residual) == pytest.approx(r.eal("residual"))


def test_a_ledger_that_lost_its_witness_is_not_called_verified(make_case: Callable[..., Path]) -> None:
    """The share comes from checking checkpoint, clocks and anchors; a note that was taken out makes it nought and says so."""
    case = Case.open(make_case())
    case.enrol("sue")
    (held,) = [e for e in ledger_evidence(case) if e.item == "ledger.verified"]
    assert held.value == 1.0
    case.append("witness/v1", {"witness/gone.note": "0" * 64}, {"person": "op", "at": case.now(), "size": 1, "witness": "sue"}, "op")
    (lost,) = [e for e in ledger_evidence(case) if e.item == "ledger.verified"]
    assert lost.value == 0.0
    assert "gone.note" in lost.note
