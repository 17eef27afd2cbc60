"""The worked cases: derived by hand from the facts, one row each in ``worked_cases.csv``, and never from the program."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest

from tests.plan.conftest import config, finding, findings, planned, span, table
from workbench.law import load_packs, retention_of
from workbench.law.query import strictest
from workbench.plan import Disposal, Plan

CASES = list(csv.DictReader(Path(__file__).with_name("worked_cases.csv").read_text(encoding="utf-8").splitlines()))


def make(case: dict[str, str]) -> Plan:
    on, event = dt.date.fromisoformat(case["on"]), case["event"]
    spec = {"table": "shop.t", "type": case["record"], "date": "event_on" if event else ""}
    cfg = config(
        case={"jurisdictions": case["place"].split(), "sectors": case["sectors"].split()}, records=[spec],
        dates={"claims_end": "2018-01-01", "dissolution": "2017-06-01", "service_end": min(on, dt.date(2026, 8, 31)).isoformat()},
        holds=[{"id": "suit", "reason": "诉讼", "covers": ["shop.*"], "since": "2015-01-01"}] if case["extra"] == "hold" else [])
    child = case["extra"] == "child"
    columns = ["id", "name", *(["event_on"] if event else [])]
    spans = [span("shop.t.event_on", {event[:7]: 1})] if event else []
    return planned([table("t", columns)], findings(finding("shop.t.name", minors=int(child)), minors=int(child)), cfg, on, spans)


def of_row(p: Plan, event: str) -> Disposal:
    """The one disposal whose conditions a row of that date meets."""
    def holds(d: Disposal) -> bool:
        return all(event < c.value if c.op == "<" else event >= c.value for c in d.set.where if c.op in ("<", ">="))

    found = [d for d in p.disposals if holds(d)]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['n']}-{c['record']}")
def test_a_worked_case_comes_out_as_derived_by_hand(case: dict[str, str]) -> None:
    """Disposal, last day of keeping and binding rules are those of the table."""
    p = make(case)
    d = of_row(p, case["event"] or "2026-01-01")
    assert d.action == case["disposal"]
    assert set(case["rules"].split()) <= {r.id for r in d.rules}
    if case["extra"].startswith("law="):
        assert f"第{case['extra'][4:]}条" in d.rules[0].provision
    if not case["keep_until"]:
        return
    last = dt.date.fromisoformat(case["keep_until"])
    assert d.keep_until is not None
    assert d.keep_until >= last
    if case["event"]:
        assert d.keep_until.year - last.year <= 1
        assert exact(case) == last
    else:
        assert d.keep_until == last


def exact(case: dict[str, str]) -> dt.date | None:
    """The law's own answer for the row's day, before rows of a year are put into one class."""
    packs = load_packs(case["place"].split(), case["sectors"].split())
    on, day = dt.date.fromisoformat(case["on"]), dt.date.fromisoformat(case["event"])
    record = case["record"]
    terms = retention_of(packs, record, on)
    if not any(t.keeps for t in terms):
        terms = retention_of(packs, packs.record_types[record].fallback, on)
    best = strictest(terms, day)
    return best.keep_until(day) if best else None


def test_there_are_more_than_a_hundred() -> None:
    """A hundred at least, each with its own words."""
    assert len(CASES) >= 100
    assert len({c["what"] for c in CASES}) == len(CASES)
