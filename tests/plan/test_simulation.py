"""What if: a month later, a hold lifted, a rule changed, a receiver named; and what a change of law moves."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.plan.conftest import AS_OF, config, inventory, span
from workbench.classification.model import Findings
from workbench.law import load_packs
from workbench.law.commands import shipped_as
from workbench.law.loader import FOLDER, parse_pack
from workbench.plan.law_impact import of_dates, of_pack
from workbench.plan.simulate import Ground, Scenario, side_by_side, simulate
from workbench.sources.base import Table

Shop = tuple[list[Table], Findings]


@pytest.fixture
def base(shop: Shop) -> Ground:
    hold = {"id": "suit", "reason": "诉讼", "covers": ["shop.tickets"], "since": "2026-01-01"}
    cfg = config(case={"sectors": ["ecommerce"]}, holds=[hold])
    spans = (span("shop.orders.completed_at", {"2023-12": 10, "2026-03": 20}), span("shop.payments.paid_at", {"2026-03": 20}))
    return Ground(inventory(*shop[0]), shop[1], load_packs(("CN",), ("ecommerce",)), cfg, AS_OF, (), spans)


def test_scenarios_stand_side_by_side(base: Ground) -> None:
    """Lifting the hold erases the tickets; a receiver takes the customers; a later day lets a class end."""
    found = simulate(base, {
        "lifted": Scenario(lift=("suit",)), "received": Scenario(receivers={"shop.customers": "New Co"}),
        "later": Scenario(as_of=dt.date(2027, 1, 15)), "gate": Scenario(dates={"claims_end": dt.date(2027, 2, 1)}),
        "typed": Scenario(records={"shop.orders": "accounting.voucher"})})
    lifted = {d.set.table: d.action for d in found["lifted"][0].disposals}
    assert lifted["tickets"] == "erase"
    assert any(d.action == "hand_over" and d.receiver == "New Co" for d in found["received"][0].disposals)
    assert any(m.kind == "disposal" and m.place == "shop.orders" for m in found["later"][1])
    assert all(d.not_before == dt.date(2027, 2, 1) for d in found["gate"][0].disposals if d.action == "erase")
    assert any("cn.accounting.voucher" in m.after for m in found["typed"][1] if m.place == "shop.orders")
    frame = side_by_side(base, {"lifted": Scenario(lift=("suit",))}, "en")
    assert list(frame.columns) == ["as it stands", "lifted"]


def test_nothing_differs_from_itself(base: Ground) -> None:
    """A scenario that changes nothing moves nothing."""
    assert simulate(base, {"same": Scenario()})["same"][1] == ()


def test_an_older_pack_names_the_rules_and_the_lines_that_move(base: Ground) -> None:
    """With ten instead of thirty years for vouchers, the diff names that rule, and the payments' class moves."""
    path = FOLDER / "cn-base.yaml"
    text = path.read_text(encoding="utf-8").replace(
        "2016-01-01: {min_term: P30Y, start_event: fiscal_year_end+P1D, provision: [cn.acct_archives/art_14], confidence: M-high}",
        "2016-01-01: {min_term: P15Y, start_event: fiscal_year_end+P1D, provision: [cn.acct_archives/art_14], confidence: M-high}", 1)
    old = parse_pack(text.encode(), "old-cn-base.yaml")
    impact = of_pack(base, old, shipped_as(old))
    assert [c.id for c in impact.changes] == ["cn.accounting.voucher"]
    assert (impact.changes[0].what, "P15Y" in impact.changes[0].old) == ("changed", True)
    moved = [m for m in impact.moved if m.place == "shop.payments"]
    assert moved
    assert "cn.accounting.voucher/2041" in moved[0].before
    assert "cn.accounting.voucher/2056" in moved[0].after


def test_the_passing_of_a_law_s_date_shows_in_an_open_case(base: Ground) -> None:
    """Between two days the renumbered log duty is named, and lines of the case move with time."""
    impact = of_dates(base, dt.date(2025, 12, 31), dt.date(2026, 11, 23))
    assert "cn.network.log" in {c.id for c in impact.changes}
    assert any(m.kind == "disposal" for m in impact.moved)


def test_a_company_pack_wins_where_it_is_stricter(base: Ground, tmp_path: Path) -> None:
    """A contract that keeps tickets a year beats no statute; the plan names it as the rule."""
    path = tmp_path / "acme.yaml"
    path.write_text("""pack: {id: acme, version: 1.0.0, as_of: 2026-11-23, jurisdiction: ["*"], names: {zh: 甲公司, en: Acme}}
instruments:
  - {id: acme.contract, names: {zh: 客户合同, en: customer contract}, expressions: [{effective: 2020-01-01}]}
rules:
  - id: acme.orders
    kind: retention
    names: {zh: 合同约定, en: Contract term}
    applies_to: {record: [commerce.order]}
    values: {2020-01-01: {min_term: P7Y, start_event: transaction_completed, provision: [acme.contract/art_9], confidence: T}}
""", encoding="utf-8")
    packs = load_packs(("CN",), ("ecommerce",), [path])
    longer = Ground(base.inventory, base.findings, packs, base.config, base.as_of, (), base.spans).plan()
    lines = [d for d in longer.disposals if d.set.table == "orders"]
    assert {d.retention_class.split("/")[0] for d in lines if d.action == "lock"} == {"acme.orders"}
    assert any("longest wins: acme.orders" in d.reason.en for d in lines)
