"""Terms and dates of law: ISO 8601 durations on the calendar, start events, the last day a record must be kept.

The day of the event is not counted (Civil Code 201), so a record of 15 January with a six-month term is kept through
15 July. Terms that start at the end of a year run from 31 December.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re

_ISO = re.compile(r"^(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$")
FOREVER = dt.date(9999, 12, 31)


def is_duration(text: str) -> bool:
    """Whether ``text`` is an ISO 8601 duration of whole units, such as P6M, P24M, P30D or PT72H."""
    m = _ISO.match(text)
    return bool(m) and any(m.groups()[1:]) and not text.endswith("T") if m else False


def parse_duration(text: str) -> tuple[int, int, float]:
    """(months, days, hours) of an ISO 8601 duration; ValueError when it is none."""
    m = _ISO.match(text)
    if not m or not is_duration(text):
        raise ValueError("not an ISO 8601 duration")
    sign = -1 if m[1] else 1
    y, mo, w, d, h, mi = (int(g or 0) for g in m.groups()[1:])
    return sign * (12 * y + mo), sign * (7 * w + d), sign * (h + mi / 60)


def add(day: dt.date, term: str) -> dt.date:
    """``day`` plus an ISO duration on the calendar; the end of a short month when the day does not exist there.

    >>> add(dt.date(2024, 8, 31), "P6M"), add(dt.date(2024, 2, 29), "P1Y")
    (datetime.date(2025, 2, 28), datetime.date(2025, 2, 28))
    """
    months, days, _ = parse_duration(term)
    total = day.year * 12 + day.month - 1 + months
    year, month = divmod(total, 12)
    if year >= dt.MAXYEAR:
        return FOREVER
    month += 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1])) + dt.timedelta(days)


def day_zero(event: dt.date, round_: str) -> dt.date:
    """The day before the first counted day: the event itself, or the last day of its year."""
    return dt.date(event.year, 12, 31) if round_ == "year" else event


def keep_until(event: dt.date, term: str, round_: str = "") -> dt.date:
    """Last day a record must be kept.

    >>> keep_until(dt.date(2026, 3, 5), "P30Y", "year")
    datetime.date(2056, 12, 31)
    """
    return FOREVER if term == "permanent" else add(day_zero(event, round_), term)


def first_bound(on: dt.date, term: str, round_: str = "") -> dt.date:
    """Earliest event date whose term has not run out on ``on``: rows on or after it are bound.

    >>> first_bound(dt.date(2026, 11, 23), "P3Y")
    datetime.date(2023, 11, 23)
    """
    if term == "permanent":
        return dt.date.min
    day = add(on, term.replace("P", "-P", 1)) - dt.timedelta(4)
    if round_ == "year":
        day = dt.date(day.year, 1, 1)
        while keep_until(day, term, round_) < on:
            day = dt.date(day.year + 1, 1, 1)
        return day
    while keep_until(day, term) < on:
        day += dt.timedelta(1)
    return day


def working_days(day: dt.date, count: int) -> dt.date:
    """``count`` weekdays after ``day``. Public holidays are not known here: the real date can only be later."""
    while count:
        day += dt.timedelta(1)
        count -= day.weekday() < 5
    return day
