"""CHECKS: check digits, dates and shapes as small compiled functions over bytes.

Each has a plain-Python twin of other construction in :mod:`workbench.classification.reference`; tests hold them equal.
Digits come as values 0..9 in ``d[a:b]``, texts as bytes in ``t[a:b]``.
"""

# ruff: noqa: E501 - compiled functions pass their arrays one by one
from __future__ import annotations

from typing import Any

import numpy as np

from workbench.sources.keyed import compiled

# two-digit heads of GB/T 2260 codes in use or formerly in use; 81-83 Hong Kong, Macau, Taiwan; 9x foreigners
_REGIONS = (
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63, 64,
    65, 71, 81, 82, 83, 91,
)  # fmt: skip
REGION = np.zeros(100, np.uint8)
REGION[list(_REGIONS)] = 1
_ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], np.int64)
_USCC_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)], np.int64)
_USCC_SET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_VALUE = np.full(256, -1, np.int64)
for _n, _c in enumerate(_USCC_SET):
    USCC_VALUE[ord(_c)] = _n
_MONTH_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
# MIIT numbering plan: third digits handed out below 13x .. 19x
MOBILE = np.zeros(1000, np.uint8)
for _head, _third in ((13, "0123456789"), (14, "01456789"), (15, "012356789"), (16, "2567"), (17, "012345678"), (18, "0123456789"), (19, "012356789")):  # fmt: skip
    for _c in _third:
        MOBILE[_head * 10 + int(_c)] = 1


@compiled("b1(i8, i8, i8)")
def is_date(year: Any, month: Any, day: Any) -> Any:
    """A day of the proleptic Gregorian calendar, years 1800..2199."""
    if year < 1800 or year > 2199 or month < 1 or month > 12 or day < 1 or day > _MONTH_DAYS[month]:
        return False
    return not (month == 2 and day == 29 and not (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)))


@compiled("i8(CPointer(i8), i8, b1, i8)")
def resident_id(d: Any, a: Any, x: Any, today: Any) -> Any:
    """18 characters from ``d[a]``; ``x``: the last is X. GB 11643-1999.

    0: not the shape (region, calendar date); 1: shape only; 2: check agrees, born 1880..today; 3: check agrees, other date.
    """
    if REGION[d[a] * 10 + d[a + 1]] == 0:
        return 0
    year = d[a + 6] * 1000 + d[a + 7] * 100 + d[a + 8] * 10 + d[a + 9]
    month = d[a + 10] * 10 + d[a + 11]
    day = d[a + 12] * 10 + d[a + 13]
    if not is_date(year, month, day):
        return 0
    total = 0
    for i in range(17):
        total += d[a + i] * _ID_WEIGHTS[i]
    want = (12 - total % 11) % 11
    last = 10 if x else d[a + 17]
    if want != last:
        return 1
    return 2 if year >= 1880 and year * 10000 + month * 100 + day <= today else 3


@compiled("b1(CPointer(i8), i8, i8)")
def luhn(d: Any, a: Any, b: Any) -> Any:
    """ISO/IEC 7812-1 annex B."""
    total = 0
    for i in range(b - a):
        v = d[b - 1 - i]
        if i & 1:
            v *= 2
            if v > 9:
                v -= 9
        total += v
    return total % 10 == 0


@compiled("b1(CPointer(i8), i8, i8)")
def card_issuer(d: Any, a: Any, n: Any) -> Any:
    """Whether the head and the length belong to a card scheme of ISO/IEC 7812."""
    p2 = d[a] * 10 + d[a + 1]
    p4 = p2 * 100 + d[a + 2] * 10 + d[a + 3]
    if p2 == 62 or p2 == 81:
        return 16 <= n <= 19
    if d[a] == 4:
        return n == 13 or n == 16 or n == 18 or n == 19
    if 51 <= p2 <= 55 or 2221 <= p4 <= 2720:
        return n == 16
    if p2 == 34 or p2 == 37:
        return n == 15
    if p2 == 35:
        return 16 <= n <= 19
    if p2 == 36 or p2 == 38 or p2 == 39 or p2 == 30:
        return n == 14 or n == 16
    if p2 == 60 or p2 == 64 or p2 == 65:
        return 16 <= n <= 19
    if p2 == 50 or 56 <= p2 <= 58 or p2 == 63 or p2 == 67:
        return 12 <= n <= 19
    if p4 == 9558 or p4 == 9559 or p4 == 9843 or p4 == 9400:
        return n == 16 or n == 19
    return (p4 == 1800 or p4 == 2131) and n == 15


@compiled("i8(CPointer(u1), i8)")
def uscc(t: Any, a: Any) -> Any:
    """18 characters of GB 32100-2015 from ``t[a]``, capital or small. 0: not the shape; 1: shape; 2: check agrees."""
    total = 0
    for i in range(18):
        c = t[a + i]
        if 97 <= c <= 122:
            c -= 32
        v = USCC_VALUE[c]
        if v < 0 or (2 <= i < 8 and v > 9):
            return 0
        if i < 17:
            total += v * _USCC_WEIGHTS[i]
        elif (31 - total % 31) % 31 == v:
            first = t[a]
            if 97 <= first <= 122:
                first -= 32
            return 2 if 49 <= first <= 57 or first == 65 or first == 78 or first == 89 else 1
    return 1


@compiled("b1(CPointer(i8), i8, i8)")
def mod11_10(d: Any, a: Any, b: Any) -> Any:
    """ISO/IEC 7064 MOD 11,10: business registration numbers (GS 15-2006)."""
    p = 10
    for i in range(a, b - 1):
        s = (p + d[i]) % 10
        if s == 0:
            s = 10
        p = s * 2 % 11
    return (p + d[b - 1]) % 10 == 1


# ISO 13616 registry: length by country
IBAN_LENGTH = np.zeros(26 * 26, np.int64)
for _i in ["AD24", "AE23", "AL28", "AT20", "AZ28", "BA20", "BE16", "BG22", "BH22", "BR29", "BY28", "CH21", "CR22", "CY28", "CZ24", "DE22", "DK18", "DO28", "EE20", "EG29", "ES24", "FI18", "FO18", "FR27", "GB22", "GE22", "GI23", "GL18", "GR27", "GT28", "HR21", "HU28", "IE22", "IL23", "IQ23", "IS26", "IT27", "JO30", "KW30", "KZ20", "LB28", "LC32", "LI21", "LT20", "LU20", "LV21", "LY25", "MC27", "MD24", "ME22", "MK19", "MR27", "MT31", "MU30", "NL18", "NO15", "PK24", "PL28", "PS29", "PT25", "QA29", "RO24", "RS22", "SA24", "SC31", "SD18", "SE24", "SI19", "SK24", "SM27", "ST25", "SV28", "TL23", "TN24", "TR26", "UA29", "VA22", "VG24", "XK20"]:
    IBAN_LENGTH[(ord(_i[0]) - 65) * 26 + ord(_i[1]) - 65] = int(_i[2:])


@compiled("i8(CPointer(u1), i8, i8)")
def iban(t: Any, a: Any, b: Any) -> Any:
    """ISO 13616 mod 97-10 over ``t[a:b]`` (spaces skipped): 0 not the shape, 1 shape, 2 check agrees."""
    n = 0
    rest = 0
    for turn in range(2):
        for i in range(a, b):
            c = t[i]
            if c == 32:
                continue
            place = 0
            for j in range(a, i):
                if t[j] != 32:
                    place += 1
                if place >= 4:
                    break
            if (turn == 0) != (place >= 4):
                continue
            if 97 <= c <= 122:
                c -= 32
            if 48 <= c <= 57:
                if place < 2:
                    return 0
                rest = (rest * 10 + c - 48) % 97
            elif 65 <= c <= 90:
                if 2 <= place < 4:
                    return 0
                rest = (rest * 100 + c - 55) % 97
            else:
                return 0
            n += 1
    c0, c1 = t[a] & 0xDF, t[a + 1] & 0xDF
    if n < 15 or IBAN_LENGTH[(c0 - 65) * 26 + c1 - 65] != n:
        return 0
    return 2 if rest == 1 else 1


@compiled("b1(CPointer(u1), i8, i8, i8)")
def hkid(t: Any, a: Any, b: Any, last: Any) -> Any:
    """Hong Kong identity card: letters and six digits in ``t[a:b]``, check character ``last``. See :mod:`~.national`."""
    total = 0 if b - a == 8 else 36 * 9
    for i in range(a, b):
        weight = b - i + 1
        c = t[i]
        if 48 <= c <= 57:
            total += (c - 48) * weight
        else:
            total += ((c & 0xDF) - 55) * weight
    value = 10 if last & 0xDF == 65 else last - 48
    return 0 <= value <= 10 and (total + value) % 11 == 0


_TW_VALUES = np.array([10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31, 33], np.int64)


@compiled("b1(CPointer(u1), i8)")
def tw_id(t: Any, a: Any) -> Any:
    """Taiwan identity card and resident certificate: ten characters from ``t[a]``, of which the last eight are digits."""
    first = _TW_VALUES[(t[a] & 0xDF) - 65]
    second = t[a + 1] - 48 if 48 <= t[a + 1] <= 57 else _TW_VALUES[(t[a + 1] & 0xDF) - 65] % 10
    total = first // 10 + first % 10 * 9 + second * 8
    for i in range(2, 10):
        total += (t[a + i] - 48) * (9 - i if i < 9 else 1)
    return total % 10 == 0


@compiled("i8(CPointer(i8), i8)")
def mobile(d: Any, a: Any) -> Any:
    """11 digits of a mainland mobile number: 0 no, 1 head not handed out, 2 yes."""
    if d[a] != 1 or d[a + 1] < 3:
        return 0
    return 2 if MOBILE[100 + d[a + 1] * 10 + d[a + 2]] else 1


@compiled("i8(CPointer(i8), i8, i8)")
def landline(d: Any, a: Any, n: Any) -> Any:
    """Trunk prefix 0, area code, 7 or 8 digits (MIIT); the length of the area code with its 0, or 0."""
    if d[a] != 0 or n < 10 or n > 12:
        return 0
    head = d[a + 1]
    if head == 0 or (head == 1 and d[a + 2] != 0):
        return 0
    area = 3 if head == 1 or head == 2 else 4
    left = n - area
    if left != 7 and left != 8:
        return 0
    return 0 if d[a + area] < 2 else area
