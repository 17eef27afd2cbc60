"""BIRTHS: dates of birth written in ways that only a column's name makes dates: a spreadsheet's serial number, a year, a year and
a month, seconds since 1970, names of months. They become ISO dates before the byte pass sees them; other cells stay as they are.

Decided cell by cell, so any split of a table gives the same.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_SERIAL_0 = dt.date(1899, 12, 30)
"""day 0 of Excel's 1900 system, for serials after its 29 February 1900 (ECMA-376 part 1, 18.17.4.1). The 1904 system counts 1,462
days less: read so a birthday is four years early, still a birthday, and children are not taken for more than they are"""
_SERIALS = (2_200, 60_000)
_YEARS = (1900, 2100)
_ODD = r"^\s*(?:\d{4,6}(?:\.0+)?|-?\d{8,13}(?:\.0+)?|\d{4}[-/.年]\s?\d{1,2}月?|\d{1,2}/\d{4}|.*[A-Za-z]{3}.*)\s*$"
_MONTHS = {m: n for n, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)}


def dates_in(array: Any, today: int) -> Any:
    """The array with such cells as ISO dates; numbers become text, so that each cell is read alike whatever stands beside it."""
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        different = array.unique().drop_null()
        texts = [_written(v) for v in different.to_pylist()]
        new = pa.array([_date(t, today) or t for t in texts], pa.string())
        return new.take(pc.index_in(array, value_set=different))
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return array
    odd = pc.fill_null(pc.match_substring_regex(array, _ODD), False)
    different = pc.filter(array, odd).unique()
    found = {v: d for v in different.to_pylist() if (d := _date(v.strip(), today))}
    if not found:
        return array
    at = pc.index_in(array, value_set=pa.array(list(found), kind))
    return pc.coalesce(pa.array(list(found.values()), kind).take(at), array)


def _written(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


@lru_cache(maxsize=65_536)
def _date(text: str, today: int) -> str | None:
    """ISO date of one cell, or None."""
    try:
        day = _read(text.removesuffix(".0"))
    except (ValueError, OverflowError):
        return None
    return day.isoformat() if day and day.year >= 1890 and day.year * 10_000 + day.month * 100 + day.day <= today else None


def _read(text: str) -> dt.date | None:
    if re.fullmatch(r"-?\d+", text):
        number = int(text)
        if _YEARS[0] <= number <= _YEARS[1] and len(text) == 4:
            return dt.date(number, 1, 1)
        if _SERIALS[0] <= number <= _SERIALS[1]:
            return _SERIAL_0 + dt.timedelta(number)
        if len(text) == 6 and text[:2] in ("19", "20") and 1 <= number % 100 <= 12:
            return dt.date(number // 100, number % 100, 1)
        if len(text) == 8 and number > 0:
            return None  # 19900131 is read as it is
        seconds = number // 1000 if abs(number) >= 10**11 else number
        return dt.date(1970, 1, 1) + dt.timedelta(seconds=seconds) if abs(number) >= 10**8 or number < -(10**6) else None
    if m := re.fullmatch(r"(\d{4})[-/.年]\s?(\d{1,2})月?", text):
        return dt.date(int(m[1]), int(m[2]), 1)
    if m := re.fullmatch(r"(\d{1,2})/(\d{4})", text):
        return dt.date(int(m[2]), int(m[1]), 1)
    parts = re.findall(r"[A-Za-z]+|\d+", text)
    month = next((_MONTHS[p[:3].lower()] for p in parts if p[:3].lower() in _MONTHS), None)
    numbers = [int(p) for p in parts if p.isdigit()]
    year = next((n for n in numbers if _YEARS[0] <= n <= _YEARS[1]), None)
    day = next((n for n in numbers if 1 <= n <= 31), 1)
    return dt.date(year, month, day) if month and year and len(numbers) <= 6 else None
