"""PARTIAL: what one batch says about its columns. ``merge`` is associative and commutative, so any engine may split and join.

Counters add; extremes take the lower or the higher; distinct values go into a bottom-k sketch of keyed 64-bit hashes
(Bar-Yossef et al. 2002): exact below k, an estimate above, the same whatever the order. Without the key a sketch tells
nothing about a person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.classification.rules import context_hits
from workbench.classification.slots import COUNT, COUNTERS, SEQ_MAX, SEQ_MIN, STATS, YEAR_MAX, YEAR_MIN

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from workbench.classification.rules import Rules

K = 2048
GROUPS = 16
NOTHING = np.zeros(0, np.uint64)
_LOW = np.array([SEQ_MIN, YEAR_MIN])
_HIGH = np.array([SEQ_MAX, YEAR_MAX])
_BIG = np.int64(1) << np.int64(62)


def fresh_stats() -> NDArray[np.int64]:
    """Neutral statistics."""
    stats = np.zeros(STATS, np.int64)
    stats[_LOW] = _BIG
    stats[_HIGH] = -_BIG
    return stats


def smallest(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The k smallest distinct hashes, sorted."""
    share = 3 * K / max(1, len(hashes))  # hashes are uniform: of n different ones, k lie below k/n of the range
    if share < 1 / 4:  # most can't be among the k smallest: look below a likely bound first
        low = _below(hashes, share)
        if len(low) < K and len(low) > K // 8:  # values repeat: the bound for as many different ones as these tell of
            low = _below(hashes, 1.3 * share * K / len(low))
        if len(low) >= K:
            return low[:K]
    return _sorted(hashes)[:K]


def added(sketch: NDArray[np.uint64], hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The sketch of what ``sketch`` saw and of ``hashes``. A full one tells which of them need not be looked at."""
    if len(sketch) < K:
        return joined(sketch, smallest(hashes))
    return joined(sketch, _sorted(np.compress(hashes < sketch[K - 1], hashes)))


def _below(hashes: NDArray[np.uint64], share: float) -> NDArray[np.uint64]:
    return _sorted(np.compress(hashes <= np.uint64(min(1.0, share) * float((1 << 64) - 2048)), hashes))


def joined(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The k smallest of two sorted sketches."""
    return _sorted(np.concatenate([a, b]), "stable")[:K]  # a stable sort merges two sorted runs in one go


def _sorted(hashes: NDArray[np.uint64], kind: Literal["stable"] | None = None) -> NDArray[np.uint64]:
    """Sorted and distinct; numpy's unique hashes first, which is slower on hashes."""
    if len(hashes) < 2:
        return hashes.copy()
    ordered = np.sort(hashes, kind=kind)
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]


def distinct(sketch: NDArray[np.uint64]) -> int:
    """How many distinct values the sketch saw: exact below k."""
    if len(sketch) < K:
        return len(sketch)
    return int((K - 1) * (1 << 64) // int(sketch[K - 1]))


@dataclass
class ColumnPartial:
    """One column of one or more batches."""

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((COUNT, COUNTERS), np.int64))
    stats: NDArray[np.int64] = field(default_factory=fresh_stats)
    groups: NDArray[np.int64] = field(default_factory=lambda: np.zeros(GROUPS, np.int64))
    cells: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    """sketch of all cells"""
    values: dict[int, NDArray[np.uint64]] = field(default_factory=dict)
    """slot * 2 + strong -> sketch of matched values"""
    extra: dict[str, tuple[NDArray[np.int64], NDArray[np.uint64]]] = field(default_factory=dict)
    """pattern detector -> its counters and the sketch of its matches"""

    def merged(self, other: ColumnPartial) -> ColumnPartial:
        """Both together."""
        stats = self.stats + other.stats
        stats[_LOW] = np.minimum(self.stats[_LOW], other.stats[_LOW])
        stats[_HIGH] = np.maximum(self.stats[_HIGH], other.stats[_HIGH])
        values = dict(self.values)
        for key, sketch in other.values.items():
            values[key] = joined(values[key], sketch) if key in values else sketch
        extra = dict(self.extra)
        for name, (counts, sketch) in other.extra.items():
            if name in extra:
                extra[name] = (extra[name][0] + counts, joined(extra[name][1], sketch))
            else:
                extra[name] = (counts, sketch)
        return ColumnPartial(
            self.counts + other.counts,
            stats,
            self.groups + other.groups,
            joined(self.cells, other.cells),
            values,
            extra,
        )


Partial = dict[str, ColumnPartial]
"""column name -> what was seen"""


def kernel(batch: pa.RecordBatch, rules: Rules, known: Partial | None = None) -> Partial:
    """Scan every cell of one batch.

    ``known``: what the result will be merged into. Its sketches go into the result's, which is then found sooner; the merged whole
    is the same.
    """
    known = known or {}
    return {name: scan_array(column, rules, name, known.get(name)) for name, column in zip(batch.schema.names, batch.columns, strict=True)}


def merge(a: Partial, b: Partial) -> Partial:
    """Join two partials of the same table."""
    out = dict(a)
    for name, column in b.items():
        out[name] = out[name].merged(column) if name in out else column
    return out


def _places(rules: Rules) -> tuple[str, ...]:
    return next((d.context for d in rules.detectors if d.slot == "coordinate"), ())


def _births(rules: Rules) -> tuple[str, ...]:
    return next((d.context for d in rules.detectors if d.kind == "birth"), ())


def scan_array(array: Any, rules: Rules, name: str = "", known: ColumnPartial | None = None) -> ColumnPartial:
    """Scan one column of one batch; the column's name decides which pattern detectors run."""
    import pyarrow as pa

    from workbench.classification import quick
    from workbench.classification.columns import scan_column
    from workbench.classification.patterns import scan_patterns
    from workbench.sources.keyed import text_of, views

    part = ColumnPartial(cells=known.cells, values=dict(known.values)) if known else ColumnPartial()
    kind = array.type
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        part.stats[0], part.stats[1] = len(array), len(array) - array.null_count
        return part
    if pa.types.is_dictionary(kind):
        return scan_array(array.dictionary_decode(), rules, name, known)
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if context_hits(_births(rules), name):
        from workbench.classification.births import dates_in

        array = dates_in(array, rules.today)
        kind = array.type
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if number or pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        rest = quick.scan(array, rules, part, number and bool(context_hits(_places(rules), name)))
        if rest is None:
            return part
        array = rest
    text = text_of(array)  # views point into it: it must live until the walk is over
    data, offsets, valid = views(text)
    chars, vocabulary = rules.tables()
    room = int(offsets[-1] - offsets[0]) // 4 + 16 * len(array) + 64
    hits = np.empty((2, room), np.uint64)
    hashes = np.empty(len(array), np.uint64)
    k0, k1 = np.uint64(rules.key[0]), np.uint64(rules.key[1])
    shapes = rules.shapes()
    nh, nv, seen = scan_column(
        data, offsets, valid, chars, vocabulary, np.int64(rules.today), k0, k1, shapes.table, part.counts, part.stats, part.groups,
        hits, hashes,
    )
    for id_, counts, found in scan_patterns(text, shapes.wanted(rules.patterns(name), int(seen)), rules.key):
        part.extra[id_] = (counts, smallest(found))
    del text
    before, part.cells = part.cells, added(part.cells, hashes[:nv])
    if nh:
        slots, found = hits[0, :nh].view(np.int64), hits[1, :nh]
        many = np.bincount(slots)
        for slot in np.flatnonzero(many):
            mine = found if many[slot] == nh else np.compress(slots == slot, found)
            so_far = part.values.get(int(slot), NOTHING)
            whole = np.array_equal(mine, hashes[:nv]) and np.array_equal(so_far, before)  # each cell is one match: one sketch
            part.values[int(slot)] = part.cells if whole else added(so_far, mine)
    return part
