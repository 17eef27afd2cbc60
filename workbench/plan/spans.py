"""How many rows each month has in a date column: the only thing the planner learns from data. Counts, no values.

:func:`read_day` is the one reading of a cell as a date; erasure uses it too, so plan and execution agree.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from workbench.values import Value

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.sources.base import Source

_TEXT = re.compile(r"^\s*(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})(?!\d)")
_PACKED = re.compile(r"^\s*(\d{4})(\d{2})(\d{2})(?:\d{6})?\s*$")


class DateSpan(Value):
    """Rows per month of one date column."""

    source: str
    table: str
    column: str
    months: tuple[tuple[str, int], ...]
    """(YYYY-MM, rows), sorted"""
    unknown: int = 0
    """cells that are null or no date: the cautious reading counts them as newest"""

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(n for _, n in self.months) + self.unknown


def read_day(cell: Any) -> dt.date | None:
    """A cell as a date: dates and timestamps; text that begins with year, month, day; Unix seconds or milliseconds.

    >>> read_day("2024/3/5 12:00"), read_day("20240305"), read_day("记-202403"), read_day(None)
    (datetime.date(2024, 3, 5), datetime.date(2024, 3, 5), None, None)
    """
    if isinstance(cell, dt.datetime):
        return cell.date()
    if isinstance(cell, dt.date):
        return cell
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        text = str(int(cell)) if cell == cell and abs(cell) < 1e17 else ""
        if 1e9 <= cell < 1e13:
            seconds = cell / 1000 if cell >= 1e11 else cell
            return dt.datetime.fromtimestamp(seconds, dt.UTC).date()
        cell = text
    if not isinstance(cell, str):
        return None
    m = _PACKED.match(cell) or _TEXT.match(cell)
    if not m:
        return None
    try:
        return dt.date(int(m[1]), int(m[2]), int(m[3]))
    except ValueError:
        return None


def month_counts(column: pa.Array) -> tuple[Counter[str], int]:
    """Rows per month of an Arrow array of any type, and how many cells are no date."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    counts: Counter[str] = Counter()
    unknown = 0
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        keys = pc.strftime(column.cast(pa.timestamp("us")), format="%Y-%m")
        for item in pc.value_counts(keys).to_pylist():
            if item["values"] is None:
                unknown += item["counts"]
            else:
                counts[item["values"]] += item["counts"]
        return counts, unknown
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = pc.utf8_slice_codeunits(column, 0, 20)
    for item in pc.value_counts(column).to_pylist():
        day = read_day(item["values"])
        if day is None:
            unknown += item["counts"]
        else:
            counts[f"{day.year:04d}-{day.month:02d}"] += item["counts"]
    return counts, unknown


def measure(source: Source, table: str, column: str) -> DateSpan:
    """Scan one column of a source."""
    counts: Counter[str] = Counter()
    unknown = 0
    for batch in source.batches(table, [column]):
        more, none = month_counts(batch.column(0))
        counts.update(more)
        unknown += none
    return DateSpan(
        source=source.name, table=table, column=column, months=tuple(sorted(counts.items())), unknown=unknown
    )
