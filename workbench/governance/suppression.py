"""SUPPRESSION: published counts that identify nobody. Primary: below the minimum; complementary: what gives one away."""

from __future__ import annotations

from collections.abc import Mapping

HIDDEN = "–"


def suppress(counts: Mapping[str, int], *, minimum: int, total: bool = False) -> dict[str, str]:
    """Counts as text, small ones hidden. ``total``: their sum is published too, so one hidden count is never alone.

    Zero says that nobody is there and stays, except that it may be hidden to keep another company. What is hidden
    adds up to at least ``minimum`` when the total is known: else the sum of the hidden ones would be a small count.

    >>> suppress({"a": 120, "b": 4, "c": 15}, minimum=10, total=True)
    {'a': '120', 'b': '–', 'c': '–'}
    >>> suppress({"a": 120, "b": 4, "c": 15}, minimum=10)
    {'a': '120', 'b': '–', 'c': '15'}
    """
    hidden = {k for k, n in counts.items() if 0 < n < minimum}
    if hidden and total:
        rest = sorted((k for k in counts if k not in hidden), key=lambda k: (counts[k] == 0, counts[k], k))
        while rest and (len(hidden) < 2 or sum(counts[k] for k in hidden) < minimum):
            hidden.add(rest.pop(0))
    return {k: HIDDEN if k in hidden else f"{n:,}" for k, n in counts.items()}


def total_text(counts: Mapping[str, int], *, minimum: int) -> str:
    """The total, hidden when it is small or when all but zeros are hidden behind it.

    >>> total_text({"a": 3}, minimum=10), total_text({"a": 120, "b": 4}, minimum=10)
    ('–', '124')
    """
    whole = sum(counts.values())
    return HIDDEN if 0 < whole < minimum or (len(counts) == 1 and 0 < whole < minimum) else f"{whole:,}"
