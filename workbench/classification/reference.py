"""REFERENCE: every check of the compiled kernel once more in plain Python, built another way (strings, sums, ``datetime``).

Slow and obvious. Tests hold kernel and reference equal on random and on published values; nothing else uses it.
"""

from __future__ import annotations

import datetime as dt

_HEADS = (*range(11, 16), 21, 22, 23, *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83, 91)
_REGIONS = frozenset(str(n) for n in _HEADS)
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def resident_id(text: str) -> int:
    """0 not the shape, 1 shape, 2 check digit agrees. GB 11643-1999."""
    if len(text) != 18 or not text[:17].isdigit() or text[17] not in "0123456789Xx" or text[:2] not in _REGIONS:
        return 0
    try:
        born = dt.date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return 0
    if not 1800 <= born.year <= 2199:
        return 0
    total = sum(int(c) * (2 ** (17 - i) % 11) for i, c in enumerate(text[:17]))
    return 2 if "10X98765432"[total % 11] == text[17].upper() else 1


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    doubled = [int(c) for c in reversed(text)]
    return sum(v if i % 2 == 0 else sum(divmod(2 * v, 10)) for i, v in enumerate(doubled)) % 10 == 0


def uscc(text: str) -> int:
    """0 not the shape, 1 shape, 2 check agrees. GB 32100-2015."""
    text = text.upper()
    if len(text) != 18 or any(c not in _USCC for c in text) or not text[2:8].isdigit():
        return 0
    total = sum(_USCC.index(c) * (3**i % 31) for i, c in enumerate(text[:17]))
    return 2 if (total + _USCC.index(text[17])) % 31 == 0 and text[0] in "123456789ANY" else 1


def mod11_10(text: str) -> bool:
    """ISO/IEC 7064 MOD 11,10."""
    p = 10
    for c in text[:-1]:
        p = ((p + int(c)) % 10 or 10) * 2 % 11
    return (p + int(text[-1])) % 10 == 1


def iban(text: str) -> bool:
    """ISO 13616: letters as 10..35, first four characters moved to the end, remainder 1 modulo 97."""
    text = text.replace(" ", "").upper()
    if not 15 <= len(text) <= 34 or not text[:2].isalpha() or not text[2:4].isdigit() or not text.isalnum():
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def mobile(text: str) -> int:
    """0 no, 1 head not handed out, 2 yes: 11 digits of a mainland mobile number."""
    if len(text) != 11 or not text.isdigit() or text[0] != "1" or text[1] not in "3456789":
        return 0
    gaps = {"142", "143", "154", "160", "161", "163", "164", "168", "169", "179", "194"}
    return 1 if text[:3] in gaps else 2
