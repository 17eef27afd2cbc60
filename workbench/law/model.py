"""What a rule pack holds, as values: instruments, dated rules, categories, start events, record types.

A rule names a duty (``cn.network.log``). Article, term and threshold are *dated values* of the rule: on each date the
newest value whose date has come is in force, unless it says ``repealed``. ``undated`` means the facts give no date.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal[
    "obligation", "retention", "deadline", "notice", "handover", "threshold", "category", "level", "matrix", "hold"
]
Confidence = Literal["T", "T2", "M-high", "M-med", "M-low"]
CONFIDENCE_ORDER = ("T", "T2", "M-high", "M-med", "M-low")
UNDATED = dt.date.min


class _Item(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Names(_Item):
    """One thing in both languages."""

    zh: str
    en: str


class Expression(_Item):
    """A text of an instrument in force from ``effective`` to ``until`` (both inclusive; None: no known end)."""

    effective: dt.date
    until: dt.date | None = None
    change: str = ""


class Instrument(_Item):
    """A law, regulation, standard or piece of guidance."""

    id: str
    names: Names
    expressions: tuple[Expression, ...]

    def in_force(self, on: dt.date) -> bool:
        """Whether some expression is in force on that day."""
        return any(e.effective <= on and (e.until is None or on <= e.until) for e in self.expressions)


class Due(_Item):
    """A date relative to an event of the case."""

    event: str
    plus: str
    """ISO 8601 duration; a minus sign in front means before the event"""


class DatedValue(_Item):
    """What a rule says from a date on."""

    since: dt.date
    repealed: bool = False
    min_term: str = ""
    """ISO duration, ``permanent``, or ``inherit``"""
    max_term: str = ""
    """ISO duration, a start event, ``destroy_after_min``, ``destroy_periodically``; a|b is the later of both"""
    start_event: str = ""
    floor_term: str = ""
    """least term from the record's making, where the start event is unknown"""
    provision: tuple[str, ...] = ()
    """anchors such as cn.csl/art_23/item_3"""
    confidence: Confidence = "M-low"
    due: Due | None = None
    threshold: float | None = None
    below: bool = False
    """the rule applies under the threshold"""
    turnover_share: float | None = None
    working_days: bool = False
    within: str = ""
    """deadline of an incident report: ISO duration, or empty where the text gives no number"""
    clock_start: str = ""
    report_to: str = ""
    table: dict[str, dict[str, str]] = {}
    """matrix: row -> column -> result"""


class Review(_Item):
    """Who signed the rule off, and when; empty: nobody has."""

    by: str | None = None
    on: dt.date | None = None


class AppliesTo(_Item):
    """What a rule binds. ``record`` ids of record types; ``*``: every set of personal information."""

    record: tuple[str, ...] = ()
    person: Literal["", "child"] = ""


class Rule(_Item):
    """A duty with its dated values."""

    id: str
    kind: Kind
    names: Names
    applies_to: AppliesTo = AppliesTo()
    values: tuple[DatedValue, ...]
    """oldest first"""
    yields: bool = False
    """its maximum gives way to any statutory minimum (PIPL 47(2), GDPR 17(3)(b))"""
    gate: Literal["", "claims", "report"] = ""
    when: str = ""
    """fact of the case that makes it apply: minors, hand_over, partners, bankruptcy, biometric, ..."""
    receiver: Names | None = None
    plan_only: bool = False
    text: Names | None = None
    note: Names | None = None
    facts: tuple[str, ...] = ()
    """rows of the fact table it was written from"""
    review: Review = Review()
    maps_to: dict[str, tuple[str, ...]] = {}
    pack: str = ""
    jurisdictions: tuple[str, ...] = ()

    def at(self, on: dt.date) -> DatedValue | None:
        """The value in force on that day, or None before the first or after repeal."""
        past = [v for v in self.values if v.since <= on]
        return past[-1] if past and not past[-1].repealed else None


class Category(_Item):
    """A category of personal information."""

    id: str
    names: Names
    sensitive: Literal["no", "standard", "pipl"]
    """pipl: sensitive in law (PIPL 28); standard: only in GB/T 35273 Annex B"""
    dpc: int = Field(ge=1, le=4)
    """data processing context of ENISA's severity: 1 simple .. 4 sensitive"""
    maps_to: dict[str, tuple[str, ...]] = {}
    note: Names | None = None


class StartEvent(_Item):
    """When a term starts. row: on the record's own date; end: needs its own column; case: a date of the case."""

    id: str
    names: Names
    kind: Literal["row", "end", "case"]
    round: Literal["", "year"] = ""
    case: str = ""
    columns: tuple[str, ...] = ()


class RecordType(_Item):
    """What rows can be in law, and the words by which a table is guessed to hold them."""

    id: str
    names: Names
    tables: tuple[str, ...] = ()
    date_columns: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """words of personal columns that the duty needs; the others are planned for deletion"""
    party: bool = False
    """needs the name of the person it points at (buyer)"""
    detail: bool = False
    """shares its parent's fate"""
    plain: bool = False
    """catalogue and reference data: kept unless something certain is found in it"""
    fallback: str = ""
    """read as this type where no loaded rule binds it"""


class Pack(_Item):
    """One YAML file."""

    id: str
    version: str
    as_of: dt.date
    jurisdiction: tuple[str, ...]
    sectors: tuple[str, ...] = ()
    names: Names
    sha256: str
    path: str = ""
    instruments: tuple[Instrument, ...] = ()
    rules: tuple[Rule, ...] = ()
    categories: tuple[Category, ...] = ()
    start_events: tuple[StartEvent, ...] = ()
    record_types: tuple[RecordType, ...] = ()
