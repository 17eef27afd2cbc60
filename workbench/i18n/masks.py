"""MASKS: what may be shown of a value. A safety net behind "never print one"; not the control itself."""

from __future__ import annotations

import re
from typing import Any

MASKS = (
    ("email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("id", re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
                      r"(?![0-9A-Za-z])")),
    ("mobile", re.compile(r"(?<![0-9A-Za-z.])(?:(?:\+|00)86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?![0-9A-Za-z])")),
    ("card", re.compile(r"(?<![0-9A-Za-z.])(?:62|4\d|5[1-5]|35|37)\d{2}(?:[ -]?\d{4}){2,3}(?:[ -]?\d{1,3})?"
                        r"(?![0-9A-Za-z.])")),
    ("secret", re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")),
)
DIGEST = re.compile(r"^[0-9a-f]{32,128}$")
UUID = re.compile(r"(?<![\w@.+-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w@.+-])")
"""one in five hundred random ones (RFC 9562) holds twelve digits that could be a card's"""


def mask(text: str) -> str:
    """``text`` with everything that looks like a personal number, mail address or password replaced by its kind."""
    if DIGEST.match(text):  # a hash may hold eleven digits in a row and is not a phone number
        return text
    pieces = UUID.split(text)
    for name, pattern in MASKS:
        pieces = [pattern.sub(f"[{name}]", piece) for piece in pieces]
    return "".join(a + b for a, b in zip(pieces, [*UUID.findall(text), ""], strict=True))


def mask_tree(value: Any) -> Any:
    """The same for every string and long whole number in a JSON-like tree, keys included."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, int | float) and 1e10 <= abs(value) < 1e20 and value == int(value):
        shown = str(int(value))
        return value if mask(shown) == shown else mask(shown)
    if isinstance(value, dict):
        return {mask(k) if isinstance(k, str) else k: mask_tree(v) for k, v in value.items()}
    if isinstance(value, list):
        return [mask_tree(v) for v in value]
    return value
