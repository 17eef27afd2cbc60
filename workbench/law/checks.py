"""What a pack is refused for. Each check names file, line and rule."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable

from workbench.errors import LawError
from workbench.law.dates import is_duration
from workbench.law.model import DatedValue, Instrument, Pack, Rule

_ID = re.compile(r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$")
_ARTICLE = re.compile(r"(^|[._])(art|article|sec|section|para|clause|item|tiao)([._]|$)")
_ANCHOR = re.compile(r"^[a-z]+(\.[a-z_]+)+(/[A-Za-z0-9_-]+)*$")
_WORDS = ("permanent", "inherit")
_MAX_WORDS = ("destroy_after_min", "destroy_periodically")
Place = Callable[..., str]


def check_pack(pack: Pack, place: Place) -> None:
    """Checks that need only the pack itself.

    Raises:
        LawError: an id holds an article number or is used twice; values unsorted, or a gap that is not ``repealed``;
            a provision does not resolve to an instrument in force on its date; a bad ISO duration.
    """
    instruments = {i.id: i for i in pack.instruments}
    seen: set[str] = set()
    for n, rule in enumerate(pack.rules):
        if not _ID.match(rule.id) or _ARTICLE.search(rule.id):
            raise LawError(
                "a rule id names the duty in words, never an article or a number",
                "rename it, e.g. cn.network.log",
                where=place("rules", n, "id"),
            )
        if rule.id in seen:
            raise LawError("this rule id is used twice", "give dated values to one rule", where=place("rules", n, "id"))
        seen.add(rule.id)
        if not rule.values:
            raise LawError(
                "a rule needs at least one dated value", "add values: {DATE: {...}}", where=place("rules", n)
            )
        _check_values(rule, n, instruments, place)


def _check_values(rule: Rule, n: int, instruments: dict[str, Instrument], place: Place) -> None:
    days = [v.since for v in rule.values]
    if days != sorted(set(days)):
        raise LawError("dated values must be sorted and differ", "sort them by date", where=place("rules", n, "values"))
    for i, value in enumerate(rule.values):
        key = "undated" if value.since.year == 1 else str(value.since)
        where = place("rules", n, "values", key)
        if value.repealed:
            continue
        _check_terms(value, rule, where)
        end = rule.values[i + 1].since if i + 1 < len(rule.values) else None
        for anchor in value.provision:
            _check_anchor(anchor, value, end, instruments, where)
        if not value.provision:
            raise LawError("a value needs at least one provision", "add provision: [instrument/art_1]", where=where)


def _check_terms(value: DatedValue, rule: Rule, where: str) -> None:
    for name in ("min_term", "floor_term", "within"):
        text = getattr(value, name)
        if text and not is_duration(text) and text not in _WORDS:
            raise LawError(
                f"{name}: {text!r} is not an ISO 8601 duration", "write P6M, P30Y, PT72H or permanent", where=where
            )
    if value.due and not is_duration(value.due.plus):
        raise LawError(f"due.plus: {value.due.plus!r} is not an ISO 8601 duration", "write P10D or -P30D", where=where)
    if rule.kind == "retention" and not value.min_term and not value.max_term:
        raise LawError("a retention value needs min_term or max_term", "add min_term: P3Y", where=where)
    if value.min_term and is_duration(value.min_term) and not value.start_event:
        raise LawError("a term needs a start_event", "add start_event: record_created", where=where)
    if is_duration(value.min_term) and is_duration(value.max_term) and rule.kind != "hold":
        from workbench.law.dates import parse_duration

        low, high = parse_duration(value.min_term), parse_duration(value.max_term)
        if low[0] * 30.4 + low[1] > high[0] * 30.4 + high[1]:
            raise LawError("min_term is longer than max_term", "mend one of them", where=where)


def _check_anchor(anchor: str, value: DatedValue, end: dt.date | None, instruments: dict[str, Instrument], where: str) -> None:
    if not _ANCHOR.match(anchor):
        raise LawError(f"provision {anchor!r} is not an anchor", "write instrument/art_23/item_3", where=where)
    instrument = instruments.get(anchor.split("/")[0])
    if instrument is None:
        raise LawError(f"provision {anchor!r} names no instrument of this pack", "add it to instruments:", where=where)
    if not instrument.in_force(value.since):
        raise LawError(
            f"{instrument.id} is not in force on {value.since}", "mend the date or the expressions", where=where
        )
    last = end - dt.timedelta(1) if end is not None else dt.date.max
    hole = _first_hole(instrument, value.since, last)
    if hole is None:
        return
    if end is None and not any(e.effective > hole for e in instrument.expressions):
        raise LawError(f"{instrument.id} has ended and the rule has not", "add a later value, or repealed: true", where=where)
    raise LawError(f"gap: {instrument.id} is not in force on {hole}", "add repealed: true from that day on", where=where)


def _first_hole(instrument: Instrument, first: dt.date, last: dt.date) -> dt.date | None:
    """First day from ``first`` to ``last`` on which no expression is in force."""
    day = first
    while day <= last:
        ends = [e.until or dt.date.max for e in instrument.expressions if e.effective <= day and (e.until is None or day <= e.until)]
        if not ends:
            return day
        if max(ends) == dt.date.max:
            return None
        day = max(ends) + dt.timedelta(1)
    return None


def check_together(packs: Iterable[Pack]) -> None:
    """Checks over all packs of a case: ids unique, instruments agree, start events and record types known."""
    packs = tuple(packs)
    owner: dict[tuple[str, str], str] = {}
    instruments: dict[str, tuple[Instrument, str]] = {}
    for pack in packs:
        named = {
            "rule": [r.id for r in pack.rules],
            "record type": [t.id for t in pack.record_types],
            "category": [c.id for c in pack.categories],
            "start event": [e.id for e in pack.start_events],
        }
        for what, ids in named.items():
            for id_ in ids:
                if (what, id_) in owner:
                    raise LawError(
                        f"{what} {id_} is defined in {owner[what, id_]} and again",
                        "rename it or remove one",
                        where=pack.path,
                    )
                owner[what, id_] = pack.path
        for instrument in pack.instruments:
            other = instruments.setdefault(instrument.id, (instrument, pack.path))
            if other[0] != instrument:
                raise LawError(
                    f"{instrument.id} differs from its entry in {other[1]}", "make them agree", where=pack.path
                )
    events = {e.id for p in packs for e in p.start_events}
    types = {t.id for p in packs for t in p.record_types}
    for pack in packs:
        for rule in pack.rules:
            for value in rule.values:
                for event in filter(None, value.start_event.split("|")):
                    if event not in events:
                        raise LawError(
                            f"unknown start event {event!r}",
                            "use one of common.yaml's start_events",
                            where=f"{pack.path}, {rule.id}",
                        )
                for word in filter(None, value.max_term.split("|")):
                    if word not in events and word not in _MAX_WORDS and not is_duration(word):
                        raise LawError(
                            f"max_term: {word!r} is neither a duration nor a start event",
                            "write P5Y or purpose_end",
                            where=f"{pack.path}, {rule.id}",
                        )
            if rule.pack != "common":
                for record in rule.applies_to.record:
                    if record != "*" and record not in types:
                        raise LawError(
                            f"unknown record type {record!r}", "add it to record_types", where=f"{pack.path}, {rule.id}"
                        )
