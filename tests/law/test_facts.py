"""Every row of the two fact tables is a rule, with its term, start, mark and dates; one day before its start it is not."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest

from workbench.law import all_packs
from workbench.law.model import UNDATED

HERE = Path(__file__).parent
RETENTION = list(csv.DictReader((HERE / "retention_expected.csv").read_text(encoding="utf-8").splitlines()))
INCIDENTS = list(csv.DictReader((HERE / "incident_expected.csv").read_text(encoding="utf-8").splitlines()))
CAUTIOUS = {"cn.tax.records": "fiscal_year_end"}
"""start events that the facts themselves call unstated, with the cautious reading"""
SPLIT = {"cn.aml.customer_id.old": {"cn.aml.customer_id": "business_relationship_end", "cn.aml.transaction": "transaction_end"}}


def test_there_are_all_rows_and_no_row_is_missing_from_the_packs() -> None:
    """112 retention rows and 28 incident rows; each is named in some rule's ``facts``."""
    assert len({r["fact"] for r in RETENTION}) == 112
    assert len(INCIDENTS) == 28
    named = {f for rule in all_packs().rules for f in rule.facts}
    assert {r["fact"] for r in RETENTION} | {r["fact"] for r in INCIDENTS} <= named


@pytest.mark.parametrize("row", RETENTION, ids=lambda r: f"{r['fact']}-{r['rule']}")
def test_a_retention_row_holds_from_its_date_and_not_before(row: dict[str, str]) -> None:
    """Term, start event, maximum and mark on the first day; the former value, or none, on the day before."""
    rule = all_packs().rule(row["rule"])
    assert rule is not None
    since = dt.date.fromisoformat(row["from"]) if row["from"] else UNDATED
    value = rule.at(since if row["from"] else dt.date(2026, 11, 23))
    assert value is not None
    assert value.since == since
    assert value.confidence == row["confidence"]
    assert value.max_term == row["max_term"]
    term = row["min_term"].split("+")[-1] if "+P" in row["min_term"] else row["min_term"]
    assert value.min_term == ("inherit" if term.startswith("inherit") else term)
    event = SPLIT.get(row["fact"], {}).get(row["rule"]) or CAUTIOUS.get(row["rule"], row["start_event"])
    assert value.start_event == ("" if event == "n/a" else event)
    if row["from"]:
        earlier = rule.at(since - dt.timedelta(1))
        assert earlier is None or earlier.since < since
    if row["to"]:
        later = rule.at(dt.date.fromisoformat(row["to"]) + dt.timedelta(1))
        assert later is None or later.since > since


@pytest.mark.parametrize("row", INCIDENTS, ids=lambda r: r["fact"])
def test_an_incident_row_holds_from_its_date_and_invents_no_hour(row: dict[str, str]) -> None:
    """A number of hours or days only where the facts give one; the mark as in the facts."""
    rule = all_packs().rule(row["rule"])
    assert rule is not None
    value = rule.at(dt.date.fromisoformat(row["from"]) if row["from"] else dt.date(2026, 11, 23))
    assert value is not None
    first = row["deadline"].split(" ")[0]
    assert value.within == (first if first.startswith("P") else "")
    assert value.confidence == row["confidence"]
    if row["from"]:
        before = rule.at(dt.date.fromisoformat(row["from"]) - dt.timedelta(1))
        assert before is None or before.within == ""


CHANGES = [
    ("cn.aml.customer_id", "2025-01-01", "P5Y", "P10Y"), ("cn.hazchem.sale", "2026-05-01", "P1Y", "P3Y"),
    ("de.voucher", "2025-01-01", "P10Y", "P8Y"), ("cn.medical.vaccination", "2019-12-01", "P5Y", "P5Y"),
    ("cn.network.log", "2026-01-01", "P6M", "P6M"),
]


@pytest.mark.parametrize(("rule", "day", "old", "new"), CHANGES)
def test_the_known_changes_of_law_take_effect_on_their_day(rule: str, day: str, old: str, new: str) -> None:
    """The former term through the day before, the new one from the day on."""
    found = all_packs().rule(rule)
    assert found is not None
    on = dt.date.fromisoformat(day)
    before, after = found.at(on - dt.timedelta(1)), found.at(on)
    assert before is not None
    assert after is not None
    assert (before.min_term, after.min_term) == (old, new)
    assert before != after
