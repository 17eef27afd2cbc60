"""SHAPES: what every match of a pattern must look like, found in the byte pass, so that the pattern itself seldom runs.

A shape is a row of byte classes of fixed length, written as a simple pattern: ``[A-Za-z]{6}\\d{2}``; a character beyond ASCII
is as many places as it has bytes in UTF-8, in brackets (at the end only) its first byte. All shapes together are
one bit-parallel automaton of at most 64 states (Shift-And: Baeza-Yates and Gonnet 1992), three operations a byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.classification.rules import Detector

_PART = re.compile(r"(\\d|\[[^\]\\^]+(?:\\d)?\]|[A-Za-z0-9\u0080-\U0010ffff])(?:\{(\d+)\})?", re.ASCII)
STATES = 64
STARTS, FINALS = 256, 257
"""places in the table after the masks of the 256 bytes: first states, last states"""


def classes(shape: str) -> list[list[int]]:
    """The byte class of each place; ParameterError for anything but literals, digits, brackets and counts.

    >>> [len(c) for c in classes(r"A[0-9a-f]{2}\\d")]
    [1, 16, 16, 10]
    """
    out: list[list[int]] = []
    at = 0
    while at < len(shape):
        m = _PART.match(shape, at)
        if not m:
            raise ParameterError(f"shape {shape!r} has more than literals, digits, brackets and counts", "write it simpler")
        at = m.end()
        if m[1][0] > "\x7f":
            out += [[b] for b in m[1].encode()] * int(m[2] or 1)
            continue
        one, more = re.compile(m[1], re.ASCII), {c.encode()[0] for c in m[1] if c > "\x7f"}
        if more and (at < len(shape) or m[2]):
            raise ParameterError(f"shape {shape!r} has characters beyond ASCII in brackets before its end", "write it simpler")
        out += [[b for b in range(128) if one.fullmatch(chr(b))] + sorted(more)] * int(m[2] or 1)
    return out


@dataclass(frozen=True)
class Shapes:
    """The automaton and which of its last states belongs to which detector."""

    table: NDArray[np.uint64]
    """256 masks, then STARTS and FINALS"""
    finals: dict[str, int]

    def wanted(self, detectors: Sequence[Detector], seen: int) -> list[Detector]:
        """Detectors whose shape was seen (``seen``: last states reached), and those that name none."""
        return [d for d in detectors if not d.shape or seen & self.finals[d.shape]]


@cache
def automaton(shapes: tuple[str, ...]) -> Shapes:
    """The table for these shapes; ParameterError when they need more than 64 states."""
    table = np.zeros(258, np.uint64)
    finals = {}
    state = 0
    for shape in shapes:
        places = classes(shape)
        if state + len(places) > STATES:
            raise ParameterError("the detectors' shapes need more than 64 places", f"leave the shape {shape!r} out")
        table[STARTS] |= np.uint64(1 << state)
        for allowed in places:
            for b in allowed:
                table[b] |= np.uint64(1 << state)
            state += 1
        finals[shape] = 1 << (state - 1)
        table[FINALS] |= np.uint64(finals[shape])
    return Shapes(table, finals)
