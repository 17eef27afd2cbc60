"""DATES: how a cell is read as a date, the same in every store.

ISO with ``-``, ``/``, ``.`` or 年月日; eight digits; seconds or milliseconds since 1970 as a 10- or 13-digit number;
the engines' own date types. Anything else is no date, and a plan then takes the cautious reading.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

_PARTS = re.compile(r"\s*(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)")
_COMPACT = re.compile(r"\s*(\d{4})(\d{2})(\d{2})(?:[T ]?\d{4,6})?\s*\Z")
_EPOCH = re.compile(r"\s*(\d{10}|\d{13})\s*\Z")


def read_date(cell: object) -> str | None:
    """ISO date of a cell, or None when it is not one.

    >>> read_date("2021/3/5 10:00"), read_date("20210305"), read_date("soon"), read_date(1614902400)
    ('2021-03-05', '2021-03-05', None, '2021-03-05')
    """
    if cell is None:
        return None
    if isinstance(cell, dt.date):  # datetime is one too
        return f"{cell.year:04d}-{cell.month:02d}-{cell.day:02d}"
    return _of_text(str(cell) if not isinstance(cell, float) else f"{cell:.0f}")


@lru_cache(maxsize=1 << 16)
def _of_text(text: str) -> str | None:
    found = _PARTS.match(text) or _COMPACT.match(text)
    try:
        if found:
            return dt.date(int(found[1]), int(found[2]), int(found[3])).isoformat()
        if (epoch := _EPOCH.match(text)) is not None:
            seconds = int(epoch[1]) / (1000 if len(epoch[1]) == 13 else 1)
            return dt.datetime.fromtimestamp(seconds, dt.UTC).date().isoformat()
    except ValueError:
        return None
    return None
