"""CLOCKS: who must be told by when, from the rule packs. Where the law gives no hours, none are invented."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Literal

from workbench.governance.register import moment, stamp
from workbench.governance.texts import load
from workbench.law.dates import parse_duration
from workbench.law.model import DatedValue, Rule
from workbench.law.packs_value import Packs
from workbench.values import Value


class Clock(Value):
    """One duty to tell somebody, with its clock."""

    rule: str
    zh: str
    en: str
    to: str
    """receiver, in the words of the pack"""
    applies: Literal["yes", "no", "ask"]
    """ask: a person has to judge (a fact is unknown, or the number of persons is)"""
    why_zh: str = ""
    why_en: str = ""
    within: str = ""
    """ISO duration; empty: the law gives no number"""
    starts: str = ""
    due: str = ""
    """UTC; empty where there is no number or the clock has not started"""
    provision_zh: str = ""
    provision_en: str = ""
    confidence: str = ""
    text_zh: str = ""
    text_en: str = ""


def clocks(packs: Packs, on: dt.date, persons: int | None, events: Mapping[str, str],
           facts: Mapping[str, bool]) -> tuple[Clock, ...]:
    """Every incident rule in force on that day, those that apply first, then by what is due first.

    persons: distinct persons touched, None when unknown; events: start of a clock -> UTC time;
    facts: see ``data/conditions.yaml``; what is not in it is unknown.
    """
    found = [_clock(packs, r, v, persons, events, facts)
             for r, v in packs.in_force(on, "deadline") if r.when == "incident"]
    order = {"yes": 0, "ask": 1, "no": 2}
    return tuple(sorted(found, key=lambda c: (order[c.applies], c.due or "9", c.rule)))


def grade(packs: Packs, on: dt.date, persons: int | None) -> tuple[Rule, DatedValue] | None:
    """The highest grade that this number of persons reaches by itself; None below the lowest one or when unknown."""
    if persons is None:
        return None
    reached = [(r, v) for r, v in packs.in_force(on, "threshold")
               if v.clock_start == "grade" and v.threshold is not None and persons >= v.threshold]
    return max(reached, key=lambda p: p[1].threshold or 0) if reached else None


def _clock(packs: Packs, rule: Rule, value: DatedValue, persons: int | None, events: Mapping[str, str],
           facts: Mapping[str, bool]) -> Clock:
    applies, zh, en = _applies(rule, value, persons, facts)
    begun = events.get(value.clock_start, "")
    due = stamp(later(moment(begun), value.within)) if begun and value.within and applies != "no" else ""
    return Clock(
        rule=rule.id, zh=rule.names.zh, en=rule.names.en, to=value.report_to, applies=applies, why_zh=zh, why_en=en,
        within=value.within, starts=value.clock_start, due=due, provision_zh=packs.cite(value, "zh"),
        provision_en=packs.cite(value, "en"), confidence=value.confidence,
        text_zh=rule.text.zh if rule.text else "", text_en=rule.text.en if rule.text else "")


def _applies(rule: Rule, value: DatedValue, persons: int | None,
             facts: Mapping[str, bool]) -> tuple[Literal["yes", "no", "ask"], str, str]:
    table = load("conditions")
    for other in table["replaced_by"].get(rule.id, ()):
        if facts.get(other):
            said = table["facts"][other]
            return "no", f"由专门规则代替:{said['zh']}", f"another rule takes its place: {said['en']}"
    limb = table["or_else"].get(rule.id)
    if value.threshold is not None and not (limb and facts.get(limb)):
        if persons is None:
            return "ask", "人数未查明", "the number of persons is not known"
        if persons < value.threshold:
            n = f"{value.threshold:,.0f}"
            if limb and limb not in facts:
                said = table["facts"][limb]
                return "ask", f"未达 {n} 人,须判断:{said['zh']}", f"below {n} persons; to be judged: {said['en']}"
            return "no", f"{persons:,} 人,未达 {n} 人", f"{persons:,} persons, below {n}"
    fact = table["rules"].get(rule.id)
    if fact:
        said = table["facts"][fact]
        if fact not in facts:
            return "ask", f"须判断:{said['zh']}", f"to be judged: {said['en']}"
        if not facts[fact]:
            return "no", f"不属于:{said['zh']}", f"not so: {said['en']}"
    return "yes", "", ""


def later(at: dt.datetime, term: str) -> dt.datetime:
    """``at`` plus an ISO duration; months on the calendar, at the same time of day.

    >>> later(dt.datetime(2026, 1, 31, 8, tzinfo=dt.UTC), "P1M").isoformat()
    '2026-02-28T08:00:00+00:00'
    """
    from workbench.law.dates import add

    months, days, hours = parse_duration(term)
    if months:
        at = dt.datetime.combine(add(at.date(), f"P{months}M"), at.timetz())
    return at + dt.timedelta(days=days, hours=hours)
