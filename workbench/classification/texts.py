"""TEXTS: the detectors on a handful of strings: for gates that must hold nothing personal, for tests, for the review panel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from workbench.classification.slots import CHECKED, NAMES, STRONG


def count_values(texts: Sequence[str]) -> dict[str, int]:
    """How many of the texts hold a value that proves itself (check digit or shape), by detector slot; never which."""
    import pyarrow as pa

    from workbench.classification.partial import scan_array

    part = scan_array(pa.array(texts, pa.large_string()), _rules())
    return {name: int(part.counts[i][STRONG]) for i, name in enumerate(NAMES) if part.counts[i][STRONG]}


def count_candidates(texts: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """(texts with any candidate, texts where it is all there is, candidates whose check agreed), by slot."""
    import pyarrow as pa

    from workbench.classification.partial import scan_array
    from workbench.classification.slots import ANY, WHOLE_ANY

    part = scan_array(pa.array(texts, pa.large_string()), _rules())
    return {
        name: (int(c[ANY]), int(c[WHOLE_ANY]), int(c[CHECKED]))
        for name, c in zip(NAMES, part.counts, strict=True)
        if c[ANY]
    }


@cache
def _rules():  # type: ignore[no-untyped-def]
    import datetime as dt

    from workbench.classification.rules import load_rules

    return load_rules(int(dt.datetime.now(dt.UTC).strftime("%Y%m%d")))
