"""DECIDE: from the counters of a column to findings. Check digits are proof, shapes are evidence, names only support.

How each kind of detector is decided:

========== =========================================================================================================
check      candidates that pass, against what chance would pass; one in a remark counts, one serial in eleven doesn't
number     phones: written as people write them, or a column of them that is no running number
shape      the shape is the proof (e-mail, IP, plate)
context    shape alone is weak: the column's name must agree
name       share of cells that read as a name, with or without the column's name
address    administrative, street and number words together
birth      dates in a column named for births
vocabulary cells from a closed list, or codes for them in a column named so
codes      nothing but codes, in a column named so
pattern    what a pattern finds and its check accepts
========== =========================================================================================================
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.classification.model import Confidence, Finding
from workbench.classification.partial import ColumnPartial, distinct, smallest
from workbench.classification.rules import Detector, Rules, context_hits
from workbench.classification.slots import (
    ANY,
    CHECKED,
    DIGIT_CELLS,
    FORMATTED,
    MATCHES,
    MINORS,
    NONNULL,
    NUMBER,
    ROWS,
    SEQ_MAX,
    SEQ_MIN,
    SHAPE,
    STRONG,
    WHOLE_ANY,
    WHOLE_STRONG,
    YEAR_MIN,
)  # fmt: skip
from workbench.sources.base import Column, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray


_WEAK = {"name", "title", "cname", "uname", "ename"}
"""words that head the names of things as often as those of people"""


@dataclass(frozen=True)
class Verdict:
    """A column is of this type: which tier of matches counts, and how sure."""

    confidence: Confidence
    weak: bool
    """cells whose match lacks the last proof count too"""
    shape: bool = False
    """the shape alone counts: the column's name says what it is"""
    all: bool = False
    """all cells count: they are codes"""


def decide_column(table: Table, column: Column, part: ColumnPartial, rules: Rules) -> list[Finding]:
    """Findings of one column, or one with ``detector`` None."""
    found = []
    if not part.stats[NONNULL]:
        return [nothing(table, column, part)]
    seen = (part.counts[:, ANY] + part.counts[:, SHAPE]).tolist()
    for detector in rules.detectors:
        if not _possible(detector, part, rules, seen):
            continue
        hits = context_hits(detector.context, column.name, column.comment)
        against = context_hits(detector.against, column.name, column.comment)
        if detector.kind == "name" and set(hits) <= _WEAK:
            against = against or context_hits(detector.against, table.name.removesuffix("s"))
        verdict = _verdict(detector, part, hits, bool(against), rules, column)
        if verdict is not None:
            found.append(_finding(table, column, part, detector, verdict, hits, rules))
    found = [f for f in found if f.matched]
    found = _resolve(_joined(found))
    return sorted(found, key=lambda f: f.detector or "") or [nothing(table, column, part)]


def _possible(d: Detector, part: ColumnPartial, rules: Rules, seen: list[int]) -> bool:
    """Whether any cell could speak for the type: names of columns are compared for those only (a sheet may have 20,000 columns).

    seen: candidates by slot.
    """
    if d.kind in ("vocabulary", "codes"):
        return bool(d.codes) or bool(d.group and part.groups[rules.groups[d.group]])
    if d.pattern:
        return d.id in part.extra
    return any(seen[i] for i in _slots(d))


def nothing(table: Table, column: Column, part: ColumnPartial) -> Finding:
    """The finding of a column with nothing personal in it."""
    return Finding(
        source=table.source, table=table.name, column=column.name, detector=None, category=None, sensitive=False,
        confidence=None, rows=int(part.stats[ROWS]), nonnull=int(part.stats[NONNULL]), matched=0, distinct=0,
    )  # fmt: skip


def tail(n: int, k: int, p: float) -> float:
    """P(at least k of n candidates pass by chance): binomial, by a bound where n is large."""
    if k <= 0 or n <= 0:
        return 1.0
    if k / n <= p:
        return 1.0
    if n <= 60:
        return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))
    q = k / n  # Chernoff
    kl = q * math.log(q / p) + ((1 - q) * math.log((1 - q) / (1 - p)) if q < 1 else 0.0)
    return math.exp(-n * kl) if n * kl < 700 else 0.0


def _slots(detector: Detector) -> list[int]:
    return [NUMBER[s] for s in (detector.slot, detector.also) if s]


def _verdict(d: Detector, part: ColumnPartial, hits: tuple[str, ...], against: bool, rules: Rules, column: Column) -> Verdict | None:
    nonnull, named = int(part.stats[NONNULL]), bool(hits)
    if not nonnull:
        return None
    if d.kind in ("vocabulary", "codes"):
        return None if against else _vocabulary(d, part, named, rules)
    if d.pattern:
        return _pattern(d, part, named, against)
    c = part.counts[_slots(d)].sum(axis=0)
    if d.unchecked and not against and c[SHAPE] >= 0.8 * nonnull and context_hits(d.unchecked, column.name, column.comment):
        return _check(d, c, named, against, nonnull) or Verdict("low", weak=True, shape=True)
    if not c[ANY]:
        return None
    share_any = c[WHOLE_ANY] / nonnull
    if d.slot == "bank_card" and not named and not c[STRONG] and part.counts[NUMBER["imei"]][CHECKED] >= 0.9 * c[CHECKED]:
        return None  # fifteen digits with Luhn that begin as no card does: devices
    if d.kind == "check":
        return _check(d, c, named, against, nonnull)
    if d.kind == "number":
        return _number(d, part, c, named, against)
    if d.kind == "shape":
        if against and c[WHOLE_ANY]:
            return None
        return Verdict("high" if named or c[STRONG] >= 2 else "low", weak=False) if c[STRONG] else None
    if d.kind == "context":
        if d.alone and not named and not against and _alone(d, c, nonnull):
            return Verdict("low", weak=True)
        if named and not against and share_any >= 0.3:
            return Verdict("high" if share_any >= 0.8 else "low", weak=True)
        return None
    if d.kind == "name":
        return _name(part, c, named, against, nonnull, rules, sure=bool(set(hits) - _WEAK))
    if d.kind == "address":
        return _address(part, c, named, against, nonnull)
    if named and (c[WHOLE_ANY] + c[MINORS] * 0) / nonnull >= 0.5 and part.stats[YEAR_MIN] < 2020:
        return Verdict("high", weak=True)
    return None


def _check(d: Detector, c: NDArray[np.int64], named: bool, against: bool, nonnull: int) -> Verdict | None:
    shape, passed = int(c[SHAPE]), int(c[CHECKED])
    if not passed:
        # a column of them that all lack the check digit: only the name can tell
        return Verdict("low", weak=True) if named and not against and c[WHOLE_ANY] >= 0.8 * nonnull else None
    rate = passed / max(shape, 1)
    chance = tail(shape, passed, d.chance)
    proven = rate >= 0.6 and passed >= 10
    if proven:
        return Verdict("high", weak=True)
    if chance > 0.15 or (rate < 2.5 * d.chance and shape >= 30) or (against and rate < 0.5):
        return None
    if not c[STRONG]:
        return Verdict("low", weak=True) if named else None
    sure = chance < 1e-3 or named
    return Verdict("high" if sure else "low", weak=named and rate >= 0.5)


def _alone(d: Detector, c: NDArray[np.int64], nonnull: int) -> bool:
    """Whether nearly all cells are it, checked: enough without a name, for types that say so."""
    if d.slot == "cn_hkmo_permit":  # both letters, H and M
        return bool(nonnull >= 20 and c[WHOLE_ANY] >= d.alone * nonnull and 0.02 <= c[CHECKED] / c[SHAPE] <= 0.98)
    return bool(nonnull >= 20 and c[WHOLE_ANY] >= d.alone * nonnull and c[CHECKED] >= d.alone * nonnull and c[CHECKED] >= 0.9 * c[SHAPE])


def _number(d: Detector, part: ColumnPartial, c: NDArray[np.int64], named: bool, against: bool) -> Verdict | None:
    nonnull, whole = int(part.stats[NONNULL]), int(c[WHOLE_ANY])
    inside = int(c[ANY]) - whole
    formatted = int(c[FORMATTED]) if d.slot == "cn_mobile" else int(c[CHECKED])
    if named and not (against and not formatted):
        return Verdict("high" if whole >= 0.5 * nonnull or c[STRONG] else "low", weak=True)
    if formatted * 2 >= c[MATCHES] and c[STRONG]:
        return Verdict("high" if c[STRONG] >= 3 else "low", weak=whole >= 0.5 * nonnull)
    if whole:
        numbers = max(int(part.stats[DIGIT_CELLS]), whole)
        if against or whole < 0.5 * numbers or running(part):
            return None if not inside or against else Verdict("low", weak=False)
        if whole >= 0.5 * nonnull and c[WHOLE_STRONG] >= 0.8 * whole:
            return Verdict("high" if whole >= 20 else "low", weak=True)
        if d.slot == "cn_mobile":
            return Verdict("low", weak=False)
        return None
    if d.slot == "cn_mobile" and c[STRONG] and not against:
        return Verdict("high" if c[STRONG] >= 3 else "low", weak=False)
    return Verdict("low", weak=False) if c[STRONG] else None


def running(part: ColumnPartial) -> bool:
    """Whether the 11-digit numbers of a column are a running number: they fill their range as no phones do."""
    low, high = int(part.stats[SEQ_MIN]), int(part.stats[SEQ_MAX])
    n = distinct(part.cells)
    return n >= 20 and high > low and (n / (high - low + 1) > 1e-3)


def _name(
    part: ColumnPartial, c: NDArray[np.int64], named: bool, against: bool, nonnull: int, rules: Rules, *, sure: bool
) -> Verdict | None:
    if against:
        return None
    stop = int(part.groups[rules.groups["not_a_name"]])
    anyshare, strong = (c[WHOLE_ANY] - stop) / nonnull, (c[WHOLE_STRONG] - stop) / nonnull
    if named and anyshare >= 0.5:
        return None if few(part) and not sure else Verdict("high", weak=True)
    if named and anyshare >= 0.2 and strong >= 0.1:
        return Verdict("low", weak=True)
    if strong >= 0.75 and anyshare >= 0.9 and distinct(part.cells) >= 30 and stop * 20 < nonnull:
        return Verdict("low", weak=True)
    return None


def _address(part: ColumnPartial, c: NDArray[np.int64], named: bool, against: bool, nonnull: int) -> Verdict | None:
    if against:
        return None
    share, strong = c[ANY] / nonnull, c[STRONG] / nonnull
    if named and share >= 0.3:
        return Verdict("high", weak=True)
    if strong >= 0.5:
        return Verdict("high", weak=True)
    if c[STRONG] >= 3 and c[STRONG] / max(c[ANY], 1) >= 0.5:
        return Verdict("low", weak=False)
    return None


def few(part: ColumnPartial) -> bool:
    """Whether the same few cells come again and again: people's names don't."""
    return int(part.stats[NONNULL]) >= 200 and distinct(part.cells) * 20 < int(part.stats[NONNULL])


def coded(d: Detector, part: ColumnPartial, rules: Rules) -> bool:
    """Whether four fifths of the distinct cells (of those in the sketch) are the detector's codes."""
    known = rules.code_hashes(d)
    return bool(len(part.cells)) and sum(int(h) in known for h in part.cells) >= 0.8 * len(part.cells)


def _vocabulary(d: Detector, part: ColumnPartial, named: bool, rules: Rules) -> Verdict | None:
    if named and d.codes and coded(d, part, rules):
        return Verdict("high", weak=True, all=True)
    if not d.group:
        return None
    cells = int(part.groups[rules.groups[d.group]])
    share = cells / int(part.stats[NONNULL])
    if named and share >= d.named:
        return Verdict("high", weak=True)
    if not d.needs_context and share >= d.share and distinct(part.cells) <= 80:
        return Verdict("low", weak=True)
    return None


def _pattern(d: Detector, part: ColumnPartial, named: bool, against: bool) -> Verdict | None:
    """A checked pattern proves itself as check digits do; an unchecked one as a shape does."""
    if d.id not in part.extra or (d.needs_context and not named) or against:
        return None
    c = part.extra[d.id][0]
    if d.reports and c[WHOLE_ANY] < d.share * part.stats[NONNULL]:
        return None
    if d.check and tail(int(c[SHAPE]), int(c[CHECKED]), d.chance or 0.1) > 0.15 and not named:
        return None
    return Verdict("high" if named or c[STRONG] >= 3 else "low", weak=True)


def _finding(
    table: Table, column: Column, part: ColumnPartial, d: Detector, v: Verdict, hits: tuple[str, ...], rules: Rules
) -> Finding:
    if d.kind in ("vocabulary", "codes"):
        cells = int(part.stats[NONNULL] if v.all else part.groups[rules.groups[d.group]])
        shape = checked = whole = matched = cells
        unique = min(distinct(part.cells), cells)
        minors = 0
    else:
        ids = _slots(d)
        c = part.extra[d.id][0] if d.pattern else part.counts[ids].sum(axis=0)
        most = int(part.stats[NONNULL])  # a cell may count in both slots
        matched = min(most, int(c[ANY] if v.weak else c[STRONG]))
        whole = min(most, int(c[WHOLE_ANY] if v.weak else c[WHOLE_STRONG]))
        shape, checked = max(int(c[SHAPE]), matched), int(c[CHECKED])
        minors = int(c[MINORS])
        empty = np.zeros(0, np.uint64)
        sketches = [part.values.get(i * 2 + 1, empty) for i in ids]
        if v.weak:
            sketches += [part.values.get(i * 2, empty) for i in ids]
        if d.pattern:
            sketches = [part.extra[d.id][1]]
        unique = distinct(smallest(np.concatenate(sketches)))
        if not unique and matched:
            unique = distinct(part.cells)
        if v.shape:
            matched = whole = min(shape, int(part.stats[NONNULL]))
            unique = distinct(part.cells)
        if matched == whole:
            unique = min(unique, matched)
    sensitive = d.sensitive or minors > 0
    return Finding(
        source=table.source, table=table.name, column=column.name, detector=d.reports or d.id, category=d.category, sensitive=sensitive,
        confidence=v.confidence, rows=int(part.stats[ROWS]), nonnull=int(part.stats[NONNULL]), matched=matched,
        distinct=unique, shape=shape, checked=checked, whole=whole, chance=d.chance, context=hits, rule_source=d.source,
        minors=minors,
    )  # fmt: skip


def _joined(found: list[Finding]) -> list[Finding]:
    """One finding a detector: of several ways of writing, the one that most cells have."""
    best: dict[str | None, Finding] = {}
    for f in found:
        if f.detector not in best or f.matched > best[f.detector].matched:
            best[f.detector] = f
    return list(best.values())


_BEFORE = {
    "imei": ("bank_card", "cn_business_reg", "cn_resident_id_15"),
    "cn_business_reg": ("bank_card", "imei", "cn_resident_id_15"),
    "cn_resident_id": ("bank_card", "cn_uscc"),
    "cn_uscc": ("bank_card",),
    "bank_card": ("cn_uscc", "imei", "cn_business_reg"),
    "cn_mobile": ("qq", "cn_landline", "phone"),
    "cn_landline": ("qq",),
    "birth_date": ("qq",),
}


def _resolve(found: list[Finding]) -> list[Finding]:
    """Two readings of the same cells: the better proven one stays."""
    by = {f.detector: f for f in found}
    drop = set()
    for first, others in _BEFORE.items():
        a = by.get(first)
        for other in others:
            b = by.get(other)
            if a and b and a.detector not in drop and a.context and not b.context and a.matched * 2 >= b.matched:
                drop.add(b.detector)
            if a and b and a.detector not in drop and a.matched >= 5 * b.matched and b.confidence == "low":
                drop.add(b.detector)
    if any(f.category == "identity" and f.detector != "id_document" for f in found):
        drop.add("id_document")
    return [f for f in found if f.detector not in drop]


