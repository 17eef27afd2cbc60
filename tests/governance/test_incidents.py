"""Incidents open themselves, with the clocks that the facts give and notices that hold what the law lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.governance.conftest import sql
from workbench.case import Case
from workbench.case.steps import step
from workbench.errors import LedgerError, ParameterError
from workbench.freeze import freeze
from workbench.governance.clocks import clocks, grade
from workbench.governance.drafts import as_text, drafts
from workbench.governance.grants import note_grants
from workbench.governance.incidents import assess, clocks_of, close, drill, open_incident, score, tick
from workbench.governance.model import Incident
from workbench.governance.register import entries
from workbench.governance.texts import load
from workbench.governance.watch import watch, watch_folder
from workbench.law import load_packs
from workbench.records.runner import quarantine

ON = dt.date(2026, 11, 23)
AT = "2026-11-23T08:00:00Z"
EVENTS = dict.fromkeys(("occurrence", "discovery", "awareness"), AT)
PLAIN = {"cii": False, "central_organ": False, "defect": False, "minors": False, "children": False,
         "express": False, "harm": True, "residents_ca": True}


def _clocks(place: str, persons: int | None, **more: str) -> dict[str, tuple[str, str, str]]:
    packs = load_packs((place,))
    return {c.rule: (c.applies, c.within, c.due) for c in clocks(packs, ON, persons, EVENTS | more, PLAIN)}


class TestClocks:
    """Expected by hand from the fact table (incident_deadlines.csv) for a discovery on 2026-11-23 08:00 UTC."""

    def test_a_chinese_firm_of_50_000_has_no_hour_deadline(self) -> None:
        found = _clocks("CN", 50_000)
        assert found["cn.incident.pi_authority"] == ("yes", "", "")
        assert found["cn.incident.pi_persons"] == ("yes", "", "")
        assert found["cn.incident.other"][0] == "no"
        assert not [r for r, (applies, _, due) in found.items() if applies == "yes" and due]

    def test_a_chinese_firm_of_2_000_000_has_four_hours_and_a_final_report(self) -> None:
        found = _clocks("CN", 2_000_000, handling_end="2026-12-01T09:30:00Z")
        assert found["cn.incident.other"] == ("yes", "PT4H", "2026-11-23T12:00:00Z")
        assert found["cn.incident.final_report"] == ("yes", "P30D", "2026-12-31T09:30:00Z")
        assert found["cn.incident.pi_authority"] == ("yes", "", "")

    def test_grades_begin_at_one_ten_and_a_hundred_million(self) -> None:
        packs = load_packs(("CN",))
        names = [g[0].id.rsplit("_", 1)[1] if (g := grade(packs, ON, n)) else "" for n in
                 (None, 999_999, 1_000_000, 10_000_000, 100_000_000)]
        assert names == ["", "", "major", "serious", "extreme"]

    def test_critical_infrastructure_reports_in_one_hour_on_its_own_line(self) -> None:
        packs = load_packs(("CN",))
        found = {c.rule: c for c in clocks(packs, ON, 2_000_000, EVENTS, {"cii": True})}
        assert found["cn.incident.cii"].due == "2026-11-23T09:00:00Z"
        assert found["cn.incident.other"].applies == "no"

    def test_gdpr_gives_72_hours_to_the_authority_and_none_for_persons(self) -> None:
        found = _clocks("EU", 50_000)
        assert found["eu.gdpr.breach_authority"] == ("yes", "PT72H", "2026-11-26T08:00:00Z")
        assert found["eu.gdpr.breach_persons"] == ("ask", "", "")
        assert not [r for r in found if r.startswith("cn.")]

    def test_california_gives_30_days_and_then_15_from_the_notice(self) -> None:
        found = _clocks("US-CA", 2_000, notice="2026-12-10T08:00:00Z")
        assert found["us.ca.breach_persons"] == ("yes", "P30D", "2026-12-23T08:00:00Z")
        assert found["us.ca.breach_attorney_general"] == ("yes", "P15D", "2026-12-25T08:00:00Z")
        assert _clocks("US-CA", 500)["us.ca.breach_attorney_general"][0] == "no", "more than 500, not 500"
        assert _clocks("US-CA", 501)["us.ca.breach_attorney_general"][0] == "yes"

    def test_a_number_is_not_the_only_way_to_be_reportable_in_japan_korea_and_singapore(self) -> None:
        """JP more than 1,000, KR 1,000, SG 500 persons; or a grave case of any size, which a person judges."""
        for place, rule, most in (("JP", "jp.appi.breach", 1_000), ("KR", "kr.pipa.breach_authority", 999),
                                  ("SG", "sg.pdpa.breach_authority", 499)):
            assert _clocks(place, most + 1)[rule][0] == "yes"
            assert _clocks(place, most)[rule][0] == "ask"
            packs = load_packs((place,))
            for grave, want in ((True, "yes"), (False, "no")):
                found = {c.rule: c.applies for c in clocks(packs, ON, most, EVENTS, {"grave": grave})}
                assert found[rule] == want

    def test_an_unknown_number_of_persons_is_asked_for_not_guessed(self) -> None:
        assert _clocks("CN", None)["cn.incident.other"][0] == "ask"


class TestWatch:
    """Each of the four, provoked for real."""

    def test_nothing_wrong_opens_nothing(self, shop: Callable[..., Case]) -> None:
        case = shop()
        freeze(case)
        note_grants(case, "ann", "as of the closing")
        assert watch(case) == ()

    @pytest.mark.parametrize("where", [0.2, 0.6, 0.95])
    def test_a_changed_byte_of_the_ledger_is_tampering(self, shop: Callable[..., Case], where: float) -> None:
        case = shop()
        freeze(case)
        path = case.folder / "ledger" / "entries.jsonl"
        data = bytearray(whole := path.read_bytes())
        spot = int(len(data) * where)
        data[spot] ^= 1
        path.write_bytes(data)
        with pytest.raises(LedgerError):
            Case.open(case.folder)
        (found,) = watch_folder(case.folder)
        assert (found.sort, found.origin, found.unlogged) == ("tamper", "ledger", True)
        assert len(watch_folder(case.folder)) == 1, "the same damage opens one incident"
        path.write_bytes(whole)
        again = Case.open(case.folder)
        (kept,) = watch(again)
        assert kept.id == found.id
        assert not kept.unlogged
        assert entries(again, Incident)

    def test_a_canary_in_a_record_is_a_leak(self, shop: Callable[..., Case], tmp_path: Path) -> None:
        from workbench.records.gate import inspect

        case = shop()
        page = tmp_path / "x.html"
        page.write_text("tel 13800138000", encoding="utf-8")
        hits = inspect([page])
        assert hits
        quarantine(case, step("inventory"), [page], hits)
        (found,) = watch(case)
        assert (found.sort, found.origin) == ("leak", "quarantine")
        assert "13800138000" not in found.canonical().decode()

    def test_a_right_given_behind_our_back_is_misuse(self, shop: Callable[..., Case]) -> None:
        case = shop()
        note_grants(case, "ann", "as of the closing")
        assert watch(case) == ()
        path = case.folder / "data" / "shop.sqlite"
        path.chmod(path.stat().st_mode | 0o004)
        (found,) = watch(case)
        assert (found.sort, found.origin) == ("misuse", "grants")

    def test_a_row_deleted_outside_the_plan_is_an_error(self, shop: Callable[..., Case]) -> None:
        case = shop()
        freeze(case)
        sql(case, "DELETE FROM orders WHERE id = 7")
        (found,) = watch(case)
        assert (found.sort, found.origin, found.places, found.records) == ("error", "removed", ("shop.orders",), 1)
        assert len(watch(case)) == 1

    def test_a_row_after_the_freeze_is_misuse_and_a_changed_one_tampering(self, shop: Callable[..., Case]) -> None:
        case = shop()
        freeze(case)
        sql(case, "INSERT INTO orders VALUES (900, 1, 'x')")
        sql(case, "UPDATE customers SET name = 'y' WHERE id = 3")
        assert {(i.sort, i.origin) for i in watch(case)} == {("misuse", "added"), ("tamper", "changed")}


class TestHandling:
    """From opening to the closing report."""

    def test_a_draft_holds_everything_that_the_law_lists(self, shop: Callable[..., Case]) -> None:
        case = shop(places='["CN", "EU", "US-CA"]')
        item = open_incident(case, "leak", "person", "test", places=("shop.customers",), records=60)
        item = assess(case, item.id, persons=2_000_000, facts=PLAIN)
        for lang in ("zh", "en"):
            by_rule = {d.rule: d for d in drafts(case, item, lang)}
            for rule, want in load("notices")["notices"].items():
                if rule in by_rule:
                    assert [f[0] for f in by_rule[rule].fields] == want
                    assert all(label and text for _, label, text in by_rule[rule].fields)
            assert {"cn.incident.pi_authority", "cn.incident.other", "eu.gdpr.breach_authority",
                    "us.ca.breach_persons"} <= set(by_rule)
            assert len(by_rule["cn.incident.other"].fields) == 8, "eight items of art. 8"
            assert "first_cause" in by_rule["cn.incident.other"].missing
            assert "privacy@a.example" in as_text(by_rule["cn.incident.pi_persons"])

    def test_it_closes_when_every_step_is_ticked_and_reported(self, shop: Callable[..., Case]) -> None:
        case = shop()
        item = open_incident(case, "error", "person", "wrong table", persons=1_500_000)
        with pytest.raises(ParameterError, match="not ticked"):
            close(case, item.id, "sue", "cause, effect, remedy, what changes")
        for s in load("playbooks")["error"]["steps"]:
            tick(case, item.id, s["id"], "op")
        with pytest.raises(ParameterError, match="may not close"):
            close(case, item.id, "op", "cause, effect, remedy, what changes")
        with pytest.raises(ParameterError, match="ticked already"):
            tick(case, item.id, "contain", "op")
        done = close(case, item.id, "sue", "cause, effect, remedy, what changes")
        assert done.state == "closed"
        final = next(c for c in clocks_of(case, done) if c.rule == "cn.incident.final_report")
        assert final.due
        assert watch(case) == ()

    def test_a_drill_is_scored_and_no_incident(self, shop: Callable[..., Case]) -> None:
        case = shop()
        item = drill(case, "leak")
        item = tick(case, item.id, "contain", "op")
        share, late = score(item)
        assert share == pytest.approx(1 / 7)
        assert "contain" not in late
        assert watch(case) == ()
        assert "演练" in drafts(case, item, "zh")[0].title

    def test_bad_input_is_refused_by_name(self, shop: Callable[..., Case]) -> None:
        case = shop()
        item = open_incident(case, "leak", "person", "x")
        with pytest.raises(ParameterError, match="no fact"):
            assess(case, item.id, facts={"nonsense": True})
        with pytest.raises(ParameterError, match="no clock"):
            assess(case, item.id, events={"nonsense": AT})
        with pytest.raises(ParameterError, match="zone"):
            assess(case, item.id, events={"discovery": "2026-11-23T08:00:00"})
        with pytest.raises(ParameterError, match="below zero"):
            assess(case, item.id, persons=-1)
        with pytest.raises(ParameterError, match="no step"):
            tick(case, item.id, "nonsense", "op")
        with pytest.raises(ParameterError, match="no incident"):
            tick(case, "I-none", "contain", "op")
        with pytest.raises(ParameterError, match="no sort"):
            open_incident(case, "fire", "person", "x")  # type: ignore[arg-type]
