"""QUICK: numbers, dates and times without making text of them. What could be an identifier still goes the long way.

Decided value by value, never batch by batch, so any split gives the same partial: integers of eight digits and more, decimals
that are whole and large, and decimals of columns named for places become text; dates and times are counted as they are.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.classification.slots import (
    ANY,
    ASCII,
    DIGIT_CELLS,
    MINORS,
    NONNULL,
    NUMBER,
    ROWS,
    SHAPE,
    WHOLE_ANY,
    YEAR_MAX,
    YEAR_MIN,
)  # fmt: skip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.classification.partial import ColumnPartial
    from workbench.classification.rules import Rules

SMALL = 10_000
MIDDLE = 10_000_000
LARGE = 1e6
WHOLE = 9e18


def scan(array: Any, rules: Rules, part: ColumnPartial, place: bool) -> Any | None:
    """Count what needs no text into ``part``; the values that do, as an array, or None. Nulls are done here."""
    if pa.types.is_floating(array.type) and place:
        return array
    total, filled = len(array), array.drop_null()
    part.stats[ROWS] += total - len(filled)
    if not len(filled):
        return None
    if pa.types.is_integer(array.type):
        return _integers(filled, rules, part)
    if pa.types.is_floating(array.type):
        return _floats(filled, rules, part)
    _days(filled, rules, part)
    return None


def _integers(filled: Any, rules: Rules, part: ColumnPartial) -> Any | None:
    values = filled.to_numpy(zero_copy_only=False)
    small = (values >= 0) & (values < SMALL)
    n = int(np.count_nonzero(small))
    if n:
        seen = np.flatnonzero(np.bincount(values[small].astype(np.int64), minlength=1))
        _sketch(part, _small_hashes(rules.key)[seen])
        part.stats[ROWS] += n
        part.stats[NONNULL] += n
        part.stats[ASCII] += n
        part.stats[DIGIT_CELLS] += n
    middle = (values >= SMALL) & (values < MIDDLE)
    m = int(np.count_nonzero(middle))
    if m:  # five to seven digits: too short for anything but an account number of that length
        _sketch(part, hash_bits(values[middle].astype(np.int64), rules.key))
        for counter in (ANY, WHOLE_ANY):
            part.counts[NUMBER["digits"]][counter] += m
        part.stats[ROWS] += m
        part.stats[NONNULL] += m
        part.stats[ASCII] += m
        part.stats[DIGIT_CELLS] += m
    return None if n + m == len(values) else filled.filter(pa.array(~(small | middle)))


def _floats(filled: Any, rules: Rules, part: ColumnPartial) -> Any | None:
    values = filled.to_numpy(zero_copy_only=False).astype(np.float64)
    with np.errstate(invalid="ignore"):
        far = (np.abs(values) >= LARGE) & (values == np.floor(values))
    near = values[~far]
    if len(near):
        _sketch(part, hash_bits(near.view(np.int64), rules.key))
        part.stats[ROWS] += len(near)
        part.stats[NONNULL] += len(near)
        part.stats[ASCII] += len(near)
    if len(near) == len(values):
        return None
    digits = far & (np.abs(values) < WHOLE)
    whole = filled.filter(pa.array(digits)).cast(pa.int64(), safe=False).cast(pa.string())  # 13812345678, not 1.38e+10
    rest = far & ~digits
    return pa.concat_arrays([whole, filled.filter(pa.array(rest)).cast(pa.string())]) if rest.any() else whole


def _days(filled: Any, rules: Rules, part: ColumnPartial) -> None:
    n = len(filled)
    different, many = _counted(pc.cast(filled, pa.date32(), safe=False).cast(pa.int32()).to_numpy(zero_copy_only=False))
    days = pa.array(different, pa.int32()).cast(pa.date32())
    year, month, day = (f(days).to_numpy(zero_copy_only=False).astype(np.int64) for f in (pc.year, pc.month, pc.day))
    plain = year * 10_000 + month * 100 + day
    dated = (year >= 1900) & (year <= 2100)
    count = part.counts[NUMBER["date"]]
    count[SHAPE] += n
    count[ANY] += int(many[dated].sum())
    count[WHOLE_ANY] += int(many[dated].sum())
    count[MINORS] += int(many[(plain + 140_000 > rules.today) & (plain <= rules.today) & dated].sum())
    if dated.any():
        part.stats[YEAR_MIN] = min(part.stats[YEAR_MIN], year[dated].min())
        part.stats[YEAR_MAX] = max(part.stats[YEAR_MAX], year[dated].max())
    width = pa.int32() if filled.type == pa.date32() else pa.int64()
    _sketch(part, hash_bits(filled.cast(width).to_numpy(zero_copy_only=False).astype(np.int64), rules.key))
    part.stats[ROWS] += n
    part.stats[NONNULL] += n
    part.stats[ASCII] += n


def _counted(days: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Different days, and how often each."""
    low, high = int(days.min()), int(days.max())
    if high - low > 1 << 17:  # more than three and a half centuries: the table of days would outgrow the batch
        return np.unique(days, return_counts=True)
    table = np.bincount(days - low)
    found = np.flatnonzero(table)
    return (found + low).astype(np.int32), table[found]


def _sketch(part: ColumnPartial, hashes: NDArray[np.uint64]) -> None:
    from workbench.classification.partial import added

    part.cells = added(part.cells, hashes)


def hash_bits(bits: NDArray[np.int64], key: tuple[int, int]) -> NDArray[np.uint64]:
    """A keyed mix of 64 bits (the finaliser of MurmurHash3 twice, keyed before each): for counting only."""
    h = bits.view(np.uint64) ^ np.uint64(key[0])
    for k in (key[1], key[0]):
        h ^= h >> np.uint64(33)
        h *= np.uint64(0xFF51AFD7ED558CCD)
        h ^= np.uint64(k)
        h ^= h >> np.uint64(33)
        h *= np.uint64(0xC4CEB9FE1A85EC53)
        h ^= h >> np.uint64(33)
    return h


@cache
def _small_hashes(key: tuple[int, int]) -> NDArray[np.uint64]:
    from workbench.sources.keyed import hash_cells

    return hash_cells(pa.array([str(i) for i in range(SMALL)]), key)
