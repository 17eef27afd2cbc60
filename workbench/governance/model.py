"""What the registers hold. Counts, names of tables, times and people's ids; never a value of the data."""

from __future__ import annotations

from typing import Literal

from workbench.values import Value

Sort = Literal["leak", "tamper", "misuse", "error"]
Severity = Literal["low", "medium", "severe"]


class Tick(Value):
    """A step of a playbook, done: when and by whom."""

    step: str
    at: str
    person: str
    note: str = ""


class Incident(Value):
    """One incident (or drill), as it stands; each change is saved as a new value of the same id."""

    id: str
    case_id: str
    sort: Sort
    origin: str
    """what opened it: ledger, quarantine, added, removed, grants, erasure, person, drill ..."""
    mark: str
    """what tells it from another of the same origin; the same thing opens one incident, not two"""
    opened_at: str
    discovered_at: str
    places: tuple[str, ...] = ()
    """tables, files or ledger entries by name"""
    records: int = 0
    persons: int | None = None
    """None: not known yet"""
    categories: tuple[str, ...] = ()
    facts: dict[str, bool] = {}  # noqa: RUF012 - pydantic copies it
    """see data/conditions.yaml"""
    events: dict[str, str] = {}  # noqa: RUF012
    """start of a clock -> UTC time"""
    ticks: tuple[Tick, ...] = ()
    state: Literal["open", "closed"] = "open"
    closed_at: str = ""
    closed_by: str = ""
    report: str = ""
    """closing words: cause, effect, remedy, what changes"""
    unlogged: bool = False
    """kept beside the ledger because the ledger itself does not verify"""

    @property
    def drill(self) -> bool:
        """It is an exercise."""
        return self.origin == "drill"


class Draft(Value):
    """A notice about an incident, filled from the case as far as the case knows."""

    incident: str
    rule: str
    to: str
    lang: str
    title: str
    fields: tuple[tuple[str, str, str], ...]
    """(field id, label, text)"""
    missing: tuple[str, ...]
    """fields that a person has to write"""
    provision: str
    confidence: str


class Grants(Value):
    """Who may read or write each source, as it stood when somebody answered for it. Accounts are keyed labels."""

    case_id: str
    at: str
    person: str
    reason: str
    rights: dict[str, tuple[str, ...]]
    """source -> sorted ``label privilege object`` lines"""


class Finding(Value):
    """What an inspection found."""

    id: str
    check: str
    asset: str
    severity: Severity
    zh: str
    en: str
    owner: str
    found_at: str
    found_by: str
    due: str
    remedy_zh: str
    remedy_en: str
    state: Literal["open", "cleared"] = "open"
    cleared_at: str = ""
    cleared_by: str = ""


class Result(Value):
    """How one check ended."""

    check: str
    zh: str
    en: str
    ok: bool
    findings: tuple[str, ...] = ()
    """ids"""
    next_due: str = ""


class Inspection(Value):
    """One inspection: every check and what it found."""

    id: str
    case_id: str
    inspector: str
    at: str
    results: tuple[Result, ...]
    objection: bool
    """whether a severe finding stopped the plan"""
    sample: tuple[str, ...] = ()
    """certificates drawn for a closer look, by the inspector's own committed randomness"""
    seed: str = ""
    commitment: str = ""
    """SHA-256 of the seed, noted before the draw"""
