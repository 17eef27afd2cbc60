"""PACKS: the rule packs of one case, merged, and the pure questions asked of them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from functools import cached_property

from workbench.law.checks import check_together
from workbench.law.model import (
    CONFIDENCE_ORDER,
    Category,
    DatedValue,
    Instrument,
    Kind,
    Pack,
    RecordType,
    Rule,
    StartEvent,
)

_PART = re.compile(r"^([a-z]+)_(.+)$")
_ZH = {"art": "第{}条", "para": "第{}款", "item": "第{}项", "s": "第{}节", "reg": "第{}条", "dpp": "第{}保障资料原则"}
_EN = {
    "art": "art. {}",
    "para": "para. {}",
    "item": "item {}",
    "s": "s. {}",
    "reg": "reg. {}",
    "dpp": "DPP {}",
    "cfr": "CFR {}",
    "ccr": "CCR {}",
}


class Packs:
    """Merged packs. Immutable; every question takes the date it is asked for."""

    def __init__(self, packs: tuple[Pack, ...]) -> None:
        self.packs = packs

    @classmethod
    def merge(cls, packs: Iterable[Pack]) -> Packs:
        """Packs in the order given, after the checks that need all of them; LawError when two contradict."""
        together = tuple(packs)
        check_together(together)
        return cls(together)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, sorted by id."""
        return tuple(sorted((r for p in self.packs for r in p.rules), key=lambda r: r.id))

    @cached_property
    def categories(self) -> tuple[Category, ...]:
        """The category tree, in pack order."""
        return tuple(c for p in self.packs for c in p.categories)

    @cached_property
    def start_events(self) -> dict[str, StartEvent]:
        """Start events by id."""
        return {e.id: e for p in self.packs for e in p.start_events}

    @cached_property
    def record_types(self) -> dict[str, RecordType]:
        """Record types by id."""
        return {t.id: t for p in self.packs for t in p.record_types}

    @cached_property
    def instruments(self) -> dict[str, Instrument]:
        """Instruments by id."""
        return {i.id: i for p in self.packs for i in p.instruments}

    @cached_property
    def _binding(self) -> dict[str, tuple[Rule, ...]]:
        table: dict[str, list[Rule]] = {}
        for rule in self.rules:
            for record in rule.applies_to.record:
                table.setdefault(record, []).append(rule)
        return {k: tuple(v) for k, v in table.items()}

    def rule(self, id_: str) -> Rule | None:
        """The rule of that id, or None."""
        return next((r for r in self.rules if r.id == id_), None)

    def category(self, id_: str | None) -> Category | None:
        """The category of that id, or None."""
        return next((c for c in self.categories if c.id == id_), None)

    def in_force(self, on: dt.date, kind: Kind | None = None) -> tuple[tuple[Rule, DatedValue], ...]:
        """Rules with their value on that day, sorted by id."""
        pairs = ((r, r.at(on)) for r in self.rules if kind is None or r.kind == kind)
        return tuple((r, v) for r, v in pairs if v is not None)

    def binding(self, record: str, on: dt.date, kind: Kind = "retention") -> tuple[tuple[Rule, DatedValue], ...]:
        """Rules of a kind that bind a record type on a day; general ones (``*``) are not among them."""
        pairs = ((r, r.at(on)) for r in self._binding.get(record, ()) if r.kind == kind)
        return tuple((r, v) for r, v in pairs if v is not None)

    def general(self, on: dt.date) -> tuple[tuple[Rule, DatedValue], ...]:
        """Retention rules that bind all personal information (``*``): the deletion duties."""
        return self.binding("*", on)

    def cite(self, value: DatedValue, lang: str = "") -> str:
        """Law and article for people; both languages when ``lang`` is empty."""
        if not lang:
            return f"{self.cite(value, 'zh')} / {self.cite(value, 'en')}"
        return ("、" if lang == "zh" else "; ").join(self._anchor(a, lang) for a in value.provision)

    def _anchor(self, anchor: str, lang: str) -> str:
        head, *parts = anchor.split("/")
        instrument = self.instruments.get(head)
        name = (instrument.names.zh if lang == "zh" else instrument.names.en) if instrument else head
        words = []
        for part in parts:
            m = _PART.match(part)
            form = (_ZH if lang == "zh" else _EN).get(m[1]) if m else None
            words.append(form.format(m[2]) if m and form else (m[2] if m else part))
        if lang == "zh":
            return f"{name}{''.join(words)}" if words else name
        return f"{name}, {' '.join(words)}" if words else name

    def refs(self) -> tuple[tuple[str, str, str], ...]:
        """(id, version, sha256) of each pack, sorted by id; ``plan`` turns them into PackRefs."""
        return tuple(sorted((p.id, p.version, p.sha256) for p in self.packs))

    def weakest(self, ids: Iterable[str], on: dt.date) -> str:
        """The least confidence among rules, as the packs mark it; empty for none."""
        marks = [v.confidence for i in ids if (r := self.rule(i)) and (v := r.at(on))]
        return max(marks, key=CONFIDENCE_ORDER.index) if marks else ""
