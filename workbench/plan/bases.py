"""Which rule binds which rows: record types, dates, and the split of a table into sets by term."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from workbench.case.config import CaseConfig, RecordSpec
from workbench.classification.model import Finding, TableProfile
from workbench.errors import PlanError
from workbench.law import Packs, RecordType, guess_date, guess_record, retention_of
from workbench.law.dates import FOREVER
from workbench.law.query import Term
from workbench.law.records import words
from workbench.plan.model import Condition, Text
from workbench.plan.spans import DateSpan
from workbench.plan.texts import both
from workbench.sources.base import ForeignKey, Table

KEY_DETECTORS = ("netid",)


@dataclass
class Subject:
    """A table with everything the planner knows about it."""

    table: Table
    findings: tuple[Finding, ...]
    profile: TableProfile | None
    keys: tuple[ForeignKey, ...]
    type: RecordType | None = None
    declared: RecordSpec | None = None
    guess: str = ""
    """the word that led to the type, when it was guessed"""
    terms: tuple[Term, ...] = ()
    date: str = ""
    date_guessed: bool = False
    linked: bool = False
    """holds persons, or points at a table that does"""
    holds: tuple[str, ...] = ()
    follows: tuple[ForeignKey, str] | None = None
    """detail rows: key and parent table id"""
    notes: list[Text] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.table.id

    @property
    def personal(self) -> tuple[str, ...]:
        """Columns in which something personal was found, in table order."""
        found = {f.column for f in self.findings}
        return tuple(c.name for c in self.table.columns if c.name in found)

    @property
    def sensitive(self) -> bool:
        return any(f.sensitive for f in self.findings) or self.minors > 0

    @property
    def minors(self) -> int:
        return max([f.minors for f in self.findings] + [self.profile.minors if self.profile else 0])

    @property
    def structural(self) -> frozenset[str]:
        """Columns that hold rows together: primary key and foreign keys."""
        return frozenset(self.table.primary_key) | {c for k in self.keys for c in k.columns}


@dataclass(frozen=True)
class Band:
    """Rows of one table that share a fate by term: conditions on the date column, and until when they are kept."""

    where: tuple[Condition, ...]
    until: dt.date | None
    """last day of the duty to keep; None: no duty, or it has run out"""
    winner: Term | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    """newest event date the band can hold"""
    rows: int | None = None


def spec_for(table: Table, records: Sequence[RecordSpec]) -> RecordSpec | None:
    """The [[records]] entry for a table: an exact name before a pattern, the first of equals."""
    exact = [r for r in records if r.table == table.id]
    return (exact or [r for r in records if fnmatchcase(table.id, r.table)] or [None])[0]  # type: ignore[list-item]


def resolve(s: Subject, packs: Packs, config: CaseConfig, as_of: dt.date) -> None:
    """Fill type, terms and date column of ``s``: declared in case.toml, else guessed from names, and said so."""
    spec = spec_for(s.table, config.records)
    if spec is not None:
        found = packs.record_types.get(spec.type)
        if found is None:
            raise PlanError(
                f"[[records]] names an unknown record type {spec.type!r}",
                "workbench law list records, or 'none'",
                where=spec.table,
            )
        if spec.date and s.table.column(spec.date) is None and "*" not in spec.table:
            raise PlanError(
                f"[[records]] names a column {spec.date!r} that {spec.table} does not have",
                "mend date = ... in case.toml",
                where=spec.table,
            )
        s.declared, s.type = spec, found
    else:
        guess = guess_record(packs, s.table.name, file=bool(s.table.file))
        if guess is not None:
            s.type, s.guess = guess.type, guess.word
    if s.type is None:
        return
    s.terms = retention_of(packs, s.type.id, as_of)
    if not _keeping(s.terms) and s.type.fallback and not any(t.value.max_term for t in s.terms):
        other = packs.record_types[s.type.fallback]
        s.notes.append(
            both(
                f"{s.id}:所选规则包中无规则约束“{s.type.names.zh}”,按“{other.names.zh}”谨慎处理;如有误请在 [[records]] 写明。",
                f"{s.id}: no loaded rule binds {s.type.id}; read as {other.id} to be careful; say otherwise in [[records]].",
            )
        )
        s.type, s.terms = other, retention_of(packs, other.id, as_of)
    s.date, s.date_guessed = _date_column(s)


def _keeping(terms: Sequence[Term]) -> tuple[Term, ...]:
    return tuple(t for t in terms if t.keeps and t.value.min_term != "inherit")


def _date_column(s: Subject) -> tuple[str, bool]:
    if s.declared and s.declared.date and s.table.column(s.declared.date):
        return s.declared.date, False
    assert s.type is not None
    names = [c.name for c in s.table.columns]
    events = [e for t in s.terms for e in t.events]
    found = guess_date(names, s.type.date_columns)
    if not found and events:
        rows = [e for e in events if e.kind == "row"]
        found = guess_date(names, [c for e in (rows or events) for c in e.columns])
        if not found and rows:
            generic = guess_date(names, GENERIC_DATES)
            dated = [c.name for c in s.table.columns if c.type.startswith(("date", "timestamp"))]
            found = generic or (dated[0] if len(dated) == 1 else "")
    return found, bool(found)


GENERIC_DATES = (
    "date",
    "created_at",
    "create_time",
    "created",
    "datetime",
    "timestamp",
    "time",
    "at",
    "日期",
    "时间",
    "创建时间",
)


def bands(s: Subject, as_of: dt.date, events: Mapping[str, dt.date | None], span: DateSpan | None) -> tuple[Band, ...]:
    """Split a bound table by term: expired rows first, then one band per year in which the duty ends.

    Without a date column every row gets the latest possible reading. Together the bands hold every row once.
    """
    terms = _keeping(s.terms)
    latest = latest_event(events, as_of)
    dated, fixed = _per_row(s, terms)
    constant = [(t, t.keep_until(_fixed_event(t, events, latest), known=False)) for t in fixed]
    known = [(k, t) for t, k in constant if k is not None]

    def until(day: dt.date) -> tuple[dt.date, Term] | None:
        ends = [(k, t) for t in dated if (k := t.keep_until(day))] + known
        return max(ends, key=lambda e: (e[0], [-ord(c) for c in e[1].rule.id])) if ends else None

    if not dated or not s.date:
        best = until(latest)
        if best is None or best[0] < as_of:
            return (Band((), None, last=latest, rows=s.table.rows),)
        return (Band((), best[0], best[1], None, latest, s.table.rows),)
    firsts = [f for t in dated if (f := t.first_bound(as_of)) is not None]
    if any(k >= as_of for k, _ in known) or dt.date.min in firsts:
        firsts = [dt.date.min]
    return _by_year(s.date, min(firsts), as_of, until, span)


def _per_row(s: Subject, terms: Sequence[Term]) -> tuple[list[Term], list[Term]]:
    """Terms whose start event the date column holds, and those it does not."""
    if not s.date:
        return [], list(terms)
    declared = bool(s.declared and s.declared.date)
    by_row = [t for t in terms if t.event is None or t.event.kind == "row"]
    dated: list[Term] = []
    fixed: list[Term] = []
    for t in terms:
        event = t.event
        own = (
            event is not None
            and event.kind == "end"
            and (
                words(s.date) in {words(c) for c in event.columns}
                or (s.type is not None and not by_row and s.date_guessed)
            )
        )
        ok = declared or event is None or event.kind == "row" or own
        (dated if ok and not (event and event.kind == "case") else fixed).append(t)
    return dated, fixed


def _fixed_event(t: Term, events: Mapping[str, dt.date | None], latest: dt.date) -> dt.date:
    """The latest day on which the start event of a term can have been or will be, as far as the case knows."""
    days = [events.get(e.case) for e in t.events if e.kind == "case"]
    known = [d for d in days if d is not None]
    return max(known) if known and len(known) == len(t.events) else latest


def latest_event(events: Mapping[str, dt.date | None], as_of: dt.date) -> dt.date:
    """The latest possible date of an event the data do not hold: today, or the deregistration if that is later."""
    return max([as_of, *(d for d in events.values() if d is not None)])


def _by_year(column: str, first: dt.date, as_of: dt.date, until: Any, span: DateSpan | None) -> tuple[Band, ...]:
    """Bands from ``first`` on, one per year that has rows; what lies before ``first`` has run out."""
    out: list[Band] = []
    for low, high, newest in _segments(first, as_of, span):
        if newest is None:
            clause = Condition(column=column, op="<", value=first.isoformat())
            out.append(Band((clause,), None, last=first - dt.timedelta(1), rows=_count(span, None, first)))
            continue
        best = until(max(newest, first))
        where = []
        if low is not None:
            where.append(Condition(column=column, op=">=", value=low.isoformat()))
        if high is not None:
            where.append(Condition(column=column, op="<", value=high.isoformat()))
        out.append(Band(tuple(where), best[0], best[1], low, newest, _count(span, low, high)))
    return _merge(out)


def _segments(
    first: dt.date, as_of: dt.date, span: DateSpan | None
) -> list[tuple[dt.date | None, dt.date | None, dt.date | None]]:
    """(low, high, newest event date) of each band; newest None: run out. Together they hold every row once."""
    bounded = first > dt.date.min
    if span is None or not span.rows:
        head: list[tuple[dt.date | None, dt.date | None, dt.date | None]] = [(None, first, None)] if bounded else []
        return [*head, (first if bounded else None, None, as_of)]
    over = bounded and any(m <= _month(first) for m, _ in span.months)
    here = first.strftime("%Y-%m") if bounded else ""
    years = sorted(
        {min(int(m[:4]), as_of.year) for m, _ in span.months if m >= here} | ({as_of.year} if span.unknown else set())
    )
    years = years or [as_of.year]
    lows: list[dt.date | None] = [first if over else None, *(dt.date(y, 1, 1) for y in years[1:])]
    found: list[tuple[dt.date | None, dt.date | None, dt.date | None]] = [(None, first, None)] if over else []
    for i, year in enumerate(years):
        high = lows[i + 1] if i + 1 < len(lows) else None
        newest = min(as_of, dt.date(year, 12, 31)) if high is None else dt.date(year, 12, 31)
        found.append((lows[i], high, newest))
    return found


def _merge(found: list[Band]) -> tuple[Band, ...]:
    """Neighbours that end in the same year under the same rule become one band."""
    out: list[Band] = []
    for b in found:
        a = out[-1] if out else None
        if (
            a
            and a.winner
            and b.winner
            and a.until
            and b.until
            and a.until.year == b.until.year
            and a.winner.rule.id == b.winner.rule.id
        ):
            keep = tuple(c for c in a.where if c.op == ">=") + tuple(c for c in b.where if c.op == "<")
            rows = a.rows + b.rows if a.rows is not None and b.rows is not None else None
            out[-1] = Band(keep, max(a.until, b.until), b.winner, a.first, b.last, rows)
        else:
            out.append(b)
    return tuple(out)


def _month(day: dt.date) -> str:
    """Last month that lies partly before ``day``."""
    return (day - dt.timedelta(1)).strftime("%Y-%m") if day.year > 1 else "0000-00"


def _count(span: DateSpan | None, low: dt.date | None, high: dt.date | None) -> int | None:
    """Rows with low <= date < high; None where a bound cuts a month that has rows. Unknown dates count as newest."""
    if span is None:
        return None
    months = dict(span.months)
    if any(d is not None and d.day != 1 and months.get(d.strftime("%Y-%m")) for d in (low, high)):
        return None
    lo = low.strftime("%Y-%m") if low else "0000-00"
    hi = high.strftime("%Y-%m") if high else "9999-99"
    return sum(n for m, n in span.months if lo <= m < hi) + (span.unknown if high is None else 0)


def conflict(s: Subject, band: Band, purpose_end: dt.date | None) -> tuple[Term, dt.date] | None:
    """A hard maximum that ends before the duty to keep does, with its date; maxima that yield are no conflict."""
    if band.until is None or (band.until == FOREVER and band.last is None):
        return None
    day = band.last or FOREVER
    for t in s.terms:
        if t.rule.yields or not t.value.max_term or day == FOREVER:
            continue
        by = t.delete_by(day, purpose_end)
        if by is not None and by < band.until:
            return t, by
    return None


def hard_limit(s: Subject, band: Band, purpose_end: dt.date | None) -> dt.date | None:
    """Earliest day by which a hard maximum wants the band gone; None when no rule sets one."""
    day = band.last
    if day is None:
        return None
    days = [b for t in s.terms if not t.rule.yields and (b := t.delete_by(day, purpose_end))]
    return min(days) if days else None
