"""The four incidents, each provoked for real: they open by themselves, with the clocks of the law and full notices.

Clocks and contents are written down here by hand from the fact table (incident_deadlines.csv), not read from the packs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.governance.conftest import sql
from workbench.case import Case
from workbench.case.steps import step
from workbench.classification import classify
from workbench.errors import RecordError
from workbench.freeze import freeze
from workbench.governance.drafts import drafts
from workbench.governance.grants import note_grants
from workbench.governance.incidents import assess, clocks_of, incidents
from workbench.governance.model import Incident
from workbench.governance.watch import open_anyway, watch_folder
from workbench.inventory import take_inventory
from workbench.records.runner import Run, write_record

CANARY = "13800138000"
KNOWN = {"cii": False, "central_organ": False, "defect": False, "minors": False, "children": False, "express": False,
         "harm": True, "residents_ca": True, "high_risk": True, "processor": False}

# regime -> (jurisdiction, persons, {rule: hours until due, None where the law gives no number}); what is not here does not apply
CN_ALWAYS: dict[str, int | None] = dict.fromkeys((
    "cn.incident.pi_authority", "cn.incident.pi_persons", "cn.incident.network_authority", "cn.incident.network_interested",
    "cn.incident.data_security", "cn.incident.internal_record"))
REGIMES: dict[str, tuple[str, int, dict[str, int | None]]] = {
    "CN 50,000": ("CN", 50_000, CN_ALWAYS),
    "CN 2,000,000": ("CN", 2_000_000, CN_ALWAYS | {"cn.incident.other": 4, "cn.incident.final_report": None}),
    "GDPR": ("EU", 50_000, {"eu.gdpr.breach_authority": 72, "eu.gdpr.breach_persons": None}),
    "California": ("US-CA", 2_000, {"us.ca.breach_persons": 30 * 24, "us.ca.breach_attorney_general": None}),
}
# the contents column: words that a field's label must hold, one field each
ANNEX = ("affected unit, system and facility", "time, place, type, grade, impact and harm, measures and effect; for ransomware",
         "trend and possible further harm", "first view of the cause", "tracing leads", "further measures planned and support",
         "state of the scene", "other")
PIPL_57 = ("categories of personal information", "cause", "possible harm", "remedial measures taken", "reduce harm", "contact")
HEADINGS = ("What happened", "What information was involved", "What we are doing", "What you can do", "For more information")
CONTENTS = {
    "cn.incident.pi_authority": PIPL_57, "cn.incident.pi_persons": PIPL_57, "cn.incident.other": ANNEX,
    "cn.incident.network_interested": ("incident", "harm", "measures taken"),
    "cn.incident.internal_record": ("who found it, when, where", "categories", "number of persons", "effect on linked systems",
                                    "authorities contacted"),
    "eu.gdpr.breach_authority": ("nature", "categories", "number of persons", "number of records", "data protection officer",
                                 "harm", "measures"),
    "eu.gdpr.breach_persons": ("nature", "data protection officer", "harm", "measures"),
    "us.ca.breach_persons": HEADINGS, "us.ca.breach_attorney_general": HEADINGS,
}


def _byte(case: Case) -> None:
    path = case.folder / "ledger" / "entries.jsonl"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _canary(case: Case) -> None:
    """A record whose notebook holds a number goes through the runner's own gate."""
    import nbformat as nbf

    notebook = nbf.v4.new_notebook(cells=[nbf.v4.new_code_cell(f"x = '{CANARY}'")])
    path = case.private("records") / "02_inventory.ipynb"
    path.write_text(nbf.writes(notebook), encoding="utf-8")
    with pytest.raises(RecordError, match="quarantine"):
        write_record(case, step("inventory"), Run("inventory", "done", 1.0, ()), path, b"", len(case.ledger.entries))


def _right(case: Case) -> None:
    path = case.folder / "data" / "shop.sqlite"
    path.chmod(path.stat().st_mode | 0o004)


def _row(case: Case) -> None:
    sql(case, "DELETE FROM orders WHERE id = 7")


FOUR: dict[str, tuple[Callable[[Case], None], str, str]] = {
    "a ledger byte changed": (_byte, "tamper", "ledger"), "a canary in a record": (_canary, "leak", "quarantine"),
    "a right given behind our back": (_right, "misuse", "grants"), "a row deleted outside the plan": (_row, "error", "removed"),
}


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("what", FOUR)
def test_it_opens_with_the_right_clocks_and_full_notices(shop: Callable[..., Case], what: str, regime: str) -> None:
    provoke, sort, origin = FOUR[what]
    place, persons, due = REGIMES[regime]
    case = shop(places=f'["{place}"]')
    take_inventory(case)
    classify(case)
    freeze(case)
    note_grants(case, "ann", "as of the closing")
    assert watch_folder(case.folder) == ()
    provoke(case)
    (item,) = watch_folder(case.folder)
    assert (item.sort, item.origin) == (sort, origin)
    case = open_anyway(case.folder)
    item = assess(case, item.id, persons=persons, facts=KNOWN)

    found = {c.rule: c for c in clocks_of(case, item) if c.applies != "no"}
    assert set(found) == set(due)
    assert {c.applies for c in found.values()} == {"yes"}
    begun = dt.datetime.fromisoformat(item.discovered_at)
    for rule, hours in due.items():
        want = (begun + dt.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ") if hours else ""
        assert found[rule].due == want, rule
    _notices_are_full(case, item, set(due))
    assert CANARY not in "".join(p.read_text(encoding="utf-8") for f in ("values", "incidents")
                                 for p in (case.folder / f).glob("*.json"))


def _notices_are_full(case: Case, item: Incident, rules: set[str]) -> None:
    for lang in ("zh", "en"):
        made = {d.rule: d for d in drafts(case, item, lang)}
        assert set(made) == rules
        for rule, draft in made.items():
            assert all(text for _, _, text in draft.fields)
            if lang == "en":
                labels = [label.lower() for _, label, _ in draft.fields]
                for words in CONTENTS.get(rule, ()):
                    assert any(words.lower() in label for label in labels), (rule, words)
            said = " ".join(text for _, _, text in draft.fields)
            contact = {"contact", "dpo", "more_information"} & {name for name, _, _ in draft.fields}
            assert ("privacy@a.example" in said) or not contact


def test_clocks_that_start_later_start_when_told(shop: Callable[..., Case]) -> None:
    """The final report 30 days after the handling ends; the Attorney General 15 days after residents are told."""
    case = shop(places='["CN", "US-CA"]')
    freeze(case)
    _row(case)
    (item,) = watch_folder(case.folder)
    case = Case.open(case.folder)
    item = assess(case, item.id, persons=2_000_000, facts=KNOWN, person="sue", events={
        "handling_end": "2026-12-01T09:30:00Z", "notice": "2026-12-10T08:00:00Z"})
    due = {c.rule: c.due for c in clocks_of(case, item)}
    assert due["cn.incident.final_report"] == "2026-12-31T09:30:00Z"
    assert due["us.ca.breach_attorney_general"] == "2026-12-25T08:00:00Z"
    newest = [e for e in case.ledger.of_type("value/v1") if "incident" in e.subjects][-1]
    assert case.ledger.keys[newest.key_id][0] == "sue", "whoever assesses signs"


def test_an_incident_of_a_broken_ledger_is_worked_on_and_noted_once_it_verifies(shop: Callable[..., Case]) -> None:
    case = shop()
    freeze(case)
    path: Path = case.folder / "ledger" / "entries.jsonl"
    whole = path.read_bytes()
    _byte(case)
    (item,) = watch_folder(case.folder)
    broken = open_anyway(case.folder)
    assess(broken, item.id, persons=2_000_000, facts=KNOWN)
    assert incidents(broken)[0].persons == 2_000_000
    path.write_bytes(whole)
    (kept,) = watch_folder(case.folder)
    assert (kept.id, kept.persons, kept.unlogged) == (item.id, 2_000_000, False)
