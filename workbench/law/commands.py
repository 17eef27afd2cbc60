"""What ``workbench law`` does, as functions that return values: list, show, check, diff."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import LawError
from workbench.law.loader import load_pack, shipped
from workbench.law.model import CONFIDENCE_ORDER, UNDATED, DatedValue, Pack, Rule
from workbench.law.packs_value import Packs


@dataclass(frozen=True)
class Row:
    """A rule on a date, for a table."""

    id: str
    kind: str
    zh: str
    en: str
    term: str
    provision: str
    since: str
    confidence: str
    signed_off: bool
    pack: str


def term_of(v: DatedValue) -> str:
    """The heart of a value in a few words: terms, dates, thresholds."""
    parts = [v.min_term and f">= {v.min_term}", v.max_term and f"<= {v.max_term}", v.start_event and f"from {v.start_event}",
             v.due and f"{v.due.event} {v.due.plus}", v.within and f"within {v.within}",
             v.threshold is not None and f"{'<' if v.below else '>='} {v.threshold:,.0f}"]
    return ", ".join(str(p) for p in parts if p)


def since_of(v: DatedValue) -> str:
    """The value's first day, or a dash where the facts give none."""
    return "–" if v.since == UNDATED else v.since.isoformat()


def row(packs: Packs, rule: Rule, v: DatedValue, lang: str = "en") -> Row:
    """One rule as a table row."""
    return Row(rule.id, rule.kind, rule.names.zh, rule.names.en, term_of(v), packs.cite(v, lang), since_of(v), v.confidence,
               bool(rule.review.by), rule.pack)


def list_rules(packs: Packs, on: dt.date, kind: str = "", word: str = "", lang: str = "en") -> tuple[Row, ...]:
    """Rules in force on a day, of one kind, whose id or name holds a word."""
    rows = (row(packs, r, v, lang) for r, v in packs.in_force(on))
    return tuple(r for r in rows if (not kind or r.kind == kind) and (not word or word in f"{r.id} {r.zh} {r.en}".lower()))


def show_rule(packs: Packs, id_: str) -> Rule:
    """The rule of that id with all its dated values; LawError names near ones."""
    rule = packs.rule(id_)
    if rule is None:
        import difflib

        near = difflib.get_close_matches(id_, [r.id for r in packs.rules], 3)
        raise LawError(f"no rule {id_!r} in the packs", "workbench law list" + (f"; near: {', '.join(near)}" if near else ""))
    return rule


@dataclass(frozen=True)
class Checked:
    """Result of ``law check``: what was read, and what a reader must know about it."""

    packs: int
    rules: int
    values: int
    unsigned: tuple[str, ...]
    weak: tuple[tuple[str, str], ...]
    """(rule id, confidence) of rules that rest on memory"""


def check(paths: Sequence[Path] = ()) -> Checked:
    """Load packs (the shipped ones without ``paths``; with them, those beside the shipped ones) and sum up.

    Raises:
        LawError: the first thing that is wrong, with file, line and rule.
    """
    base = shipped()
    packs = Packs.merge([*base, *(load_pack(p) for p in paths)])
    rules = packs.rules
    weak = tuple((r.id, r.values[-1].confidence) for r in rules if CONFIDENCE_ORDER.index(r.values[-1].confidence) > 1)
    return Checked(len(packs.packs), len(rules), sum(len(r.values) for r in rules),
                   tuple(r.id for r in rules if not r.review.by), weak)


@dataclass(frozen=True)
class Change:
    """What differs for one rule. what: added, removed, changed, renumbered (only the article moved)."""

    id: str
    what: str
    zh: str
    en: str
    old: str = ""
    new: str = ""
    old_law: str = ""
    new_law: str = ""
    since: str = ""


def diff_dates(packs: Packs, before: dt.date, after: dt.date) -> tuple[Change, ...]:
    """What the law says differently on two days, rule by rule."""
    return _changes(packs, packs, before, after)


def diff_packs(old: Packs, new: Packs, on: dt.date) -> tuple[Change, ...]:
    """What two sets of packs say differently on one day."""
    return _changes(old, new, on, on)


def _changes(old: Packs, new: Packs, before: dt.date, after: dt.date) -> tuple[Change, ...]:
    ids = sorted({r.id for r in old.rules} | {r.id for r in new.rules})
    found = (_change(id_, old, new, before, after) for id_ in ids)
    return tuple(c for c in found if c is not None)


def _change(id_: str, old: Packs, new: Packs, before: dt.date, after: dt.date) -> Change | None:
    a_rule, b_rule = old.rule(id_), new.rule(id_)
    a = a_rule.at(before) if a_rule else None
    b = b_rule.at(after) if b_rule else None
    names = (b_rule or a_rule)
    assert names is not None
    zh, en = names.names.zh, names.names.en
    if a is None and b is None:
        return None
    if a is None or b is None:
        what, v = ("removed", a) if b is None else ("added", b)
        assert v is not None
        law = (old if b is None else new).cite(v)
        both = {"old": term_of(v), "old_law": law} if b is None else {"new": term_of(v), "new_law": law}
        return Change(id_, what, zh, en, since=since_of(v), **both)
    same_rule = a_rule and b_rule and _scope(a_rule) == _scope(b_rule)
    core = {"since", "provision", "confidence"}
    if same_rule and a.model_dump(exclude=core) == b.model_dump(exclude=core):
        if a.provision == b.provision:
            return None
        return Change(id_, "renumbered", zh, en, term_of(a), term_of(b), old.cite(a), new.cite(b), since_of(b))
    return Change(id_, "changed", zh, en, term_of(a), term_of(b), old.cite(a), new.cite(b), since_of(b))


def _scope(rule: Rule) -> tuple[object, ...]:
    return rule.applies_to, rule.yields, rule.receiver


def shipped_as(pack: Pack) -> Pack:
    """The shipped pack of the same id; LawError when this workbench ships none."""
    for p in shipped():
        if p.id == pack.id:
            return p
    raise LawError(f"this workbench ships no pack {pack.id!r} to compare with", "name the newer version with --new")


def with_pack(packs: Packs, replacement: Pack) -> Packs:
    """Packs in which the one of the same id is replaced, or the new one added."""
    kept = [replacement if p.id == replacement.id else p for p in packs.packs]
    return Packs.merge(kept if replacement in kept else [*kept, replacement])


def table(rows: Iterable[Sequence[str]], head: Sequence[str]) -> str:
    """Rows as aligned text; Chinese characters count double."""
    from unicodedata import east_asian_width

    def width(s: str) -> int:
        return sum(2 if east_asian_width(c) in "WF" else 1 for c in s)

    grid = [list(head), *(list(r) for r in rows)]
    wide = [max(width(r[i]) for r in grid) for i in range(len(head))]
    return "\n".join("  ".join(c + " " * (w - width(c)) for c, w in zip(r, wide, strict=True)).rstrip() for r in grid)
