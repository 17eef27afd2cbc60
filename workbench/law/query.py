"""Questions asked of packs on a date: what binds, until when, which duties fall due, which thresholds are passed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.law.dates import (
    FOREVER,
    add,
    day_zero,
    first_bound,
    is_duration,
    keep_until,
    parse_duration,
    working_days,
)
from workbench.law.model import DatedValue, Kind, Rule, StartEvent
from workbench.law.packs_value import Packs


def rules_in_force(packs: Packs, on: dt.date, kind: Kind | None = None) -> tuple[tuple[Rule, DatedValue], ...]:
    """Rules with the value that applies on that day, sorted by id."""
    return packs.in_force(on, kind)


@dataclass(frozen=True)
class Term:
    """A retention rule on a date, with its start event resolved."""

    rule: Rule
    value: DatedValue
    events: tuple[StartEvent, ...]

    @property
    def event(self) -> StartEvent | None:
        """The start event; of several the one that needs its own column (the later one)."""
        ends = [e for e in self.events if e.kind != "row"]
        both = ends or list(self.events)
        return both[0] if both else None

    @property
    def round(self) -> str:
        """year when the term starts at a year's end."""
        return self.event.round if self.event else ""

    @property
    def keeps(self) -> bool:
        """It is a duty to keep."""
        return bool(self.value.min_term)

    def keep_until(self, event: dt.date, known: bool = True) -> dt.date | None:
        """Last day of the duty to keep for an event on that day; None where it is no such duty.

        ``known`` False: the start event is not in the data, so a floor from the record's making counts too.
        """
        if not self.value.min_term or self.value.min_term == "inherit":
            return None
        last = keep_until(event, self.value.min_term, self.round)
        if self.value.floor_term and not known:
            last = max(last, keep_until(event, self.value.floor_term))
        return last

    def first_bound(self, on: dt.date) -> dt.date | None:
        """Earliest event date still bound on ``on``; None where it is no duty to keep."""
        if not self.value.min_term or self.value.min_term == "inherit":
            return None
        return first_bound(on, self.value.min_term, self.round)

    def delete_by(self, event: dt.date, purpose_end: dt.date | None) -> dt.date | None:
        """Day by which the record must be gone; None where the rule has no maximum that can be computed."""
        days = []
        for word in filter(None, self.value.max_term.split("|")):
            if is_duration(word):
                days.append(add(day_zero(event, self.round), word))
            elif word == "destroy_after_min":
                days.append(self.keep_until(event) or event)
            elif word == "destroy_periodically" or purpose_end is None:
                continue
            else:
                days.append(purpose_end)
        return max(days) if days else None


def retention_of(packs: Packs, record: str, on: dt.date) -> tuple[Term, ...]:
    """Retention rules that bind a record type on a day, sorted by rule id; general deletion duties not included."""
    return tuple(_term(packs, r, v) for r, v in packs.binding(record, on))


def deletion_duties(packs: Packs, on: dt.date) -> tuple[Term, ...]:
    """Rules for all personal information (PIPL 47, GDPR 5(1)(e), ...)."""
    return tuple(_term(packs, r, v) for r, v in packs.general(on))


def _term(packs: Packs, rule: Rule, value: DatedValue) -> Term:
    events = tuple(packs.start_events[e] for e in value.start_event.split("|") if e)
    return Term(rule, value, events)


def strictest(terms: tuple[Term, ...], event: dt.date) -> Term | None:
    """The duty to keep that ends last for a record of that day; ties go to the smaller id."""
    keeping = [(t.keep_until(event), t) for t in terms if t.keeps and t.keep_until(event)]
    if not keeping:
        return None
    last = max(k or dt.date.min for k, _ in keeping)
    return min((t for k, t in keeping if k == last), key=lambda t: t.rule.id)


@dataclass(frozen=True)
class Due:
    """A duty of people with its clock."""

    rule: Rule
    value: DatedValue
    due: dt.date | None


def duties_of(
    packs: Packs, on: dt.date, events: Mapping[str, dt.date | None], facts: frozenset[str], persons: int
) -> tuple[Due, ...]:
    """Duties that apply to a closing, with due dates where the case holds the event.

    events: dissolution, service_end, deregistration, liquidation_closed; facts: words such as minors, hand_over,
    partners, bankruptcy; persons: distinct persons, for duties with a threshold.
    """
    out = []
    for rule, value in packs.in_force(on):
        if rule.kind not in ("obligation", "notice", "handover", "deadline") or value.within or value.clock_start:
            continue
        if rule.when and rule.when not in facts:
            continue
        if value.threshold is not None and persons < value.threshold:
            continue
        out.append(Due(rule, value, _due(value, events)))
    return tuple(out)


def _due(value: DatedValue, events: Mapping[str, dt.date | None]) -> dt.date | None:
    start = events.get(value.due.event) if value.due else None
    if not value.due or start is None:
        return None
    if value.working_days:
        return working_days(start, parse_duration(value.due.plus)[1])
    return add(start, value.due.plus)


def thresholds(packs: Packs, on: dt.date, persons: int) -> tuple[tuple[Rule, DatedValue, bool], ...]:
    """Rules with a number of persons, and whether this case passes it."""
    return tuple(
        (r, v, (persons < v.threshold) if v.below else (persons >= v.threshold))
        for r, v in packs.in_force(on, "threshold")
        if v.threshold is not None and not r.id.startswith(r.id.split(".")[0] + ".fine.")
    )


__all__ = [
    "FOREVER",
    "Due",
    "Term",
    "deletion_duties",
    "duties_of",
    "retention_of",
    "rules_in_force",
    "strictest",
    "thresholds",
]
