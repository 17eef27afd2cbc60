"""SCANNER: the byte pass. One walk over the cells of a column, compiled, without the GIL, finds and checks candidates.

A *token* is a run of ASCII letters and digits; a *chain* is a run of digit groups joined by single separators, as people
write phones and cards. Every decision looks at one cell only, so any split of a table gives the same counters.
"""

# ruff: noqa: E501 - compiled functions pass their arrays one by one
from __future__ import annotations

from typing import Any

import numpy as np

from workbench.classification import checks
from workbench.classification.slots import COUNT
from workbench.sources.keyed import compiled

_is_date, _rid, _luhn, _issuer = checks.is_date, checks.resident_id, checks.luhn, checks.card_issuer
_REGION = checks.REGION
_uscc, _m1110, _iban, _mobile, _landline = checks.uscc, checks.mod11_10, checks.iban, checks.mobile, checks.landline
_hkid, _tw_id = checks.hkid, checks.tw_id

# byte classes
_DIGIT, _UPPER, _LOWER, _HIGH = 1, 2, 4, 8
CLASS = np.zeros(256, np.uint8)
CLASS[48:58] = _DIGIT
CLASS[65:91] = _UPPER
CLASS[97:123] = _LOWER
CLASS[128:] = _HIGH
MAILCHAR = np.zeros(256, np.uint8)
for _c in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-'":
    MAILCHAR[_c] = 1
HOSTCHAR = np.zeros(256, np.uint8)
for _c in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-":
    HOSTCHAR[_c] = 1
_MAXG = 12

(S_ID, S_USCC, S_CARD, S_MOBILE, S_LAND, S_MAIL, S_IP4, S_IP6, S_MAC, S_PLATE, S_PASS, S_PERMIT, S_ID15, S_IMEI, S_IBAN,
 S_PHONE, S_HASH, S_REG, S_UUID, S_SSN, S_DATE, S_NAME, S_ADDR, S_NAME_EN, S_DIGITS, S_WECHAT, S_PLACE, S_VIN,
 S_ADDR_EN, S_MINOR, S_NAME_TEXT, S_HK, S_TW) = range(COUNT)  # fmt: skip


SCRATCH = 512
"""first bytes of ``text`` that checks may use; normal forms of matches follow"""
TOUCHED = COUNT + 2
"""place in ``cell`` of the number of slots set; their list follows"""
# ``out``: matches noted, bytes of ``text`` used, most matches, most bytes; then three numbers a match


@compiled("void(CPointer(i8), i8, i8)")
def _flag(cell: Any, slot: Any, flag: Any) -> None:
    """Set flags of a slot without a match to count."""
    if cell[slot] == 0:
        cell[TOUCHED] += 1
        cell[TOUCHED + cell[TOUCHED]] = slot
    cell[slot] |= flag


@compiled("void(CPointer(i8), CPointer(i8), CPointer(i8), i8, b1, b1, i8, i8)")
def _note(cell: Any, count: Any, out: Any, slot: Any, strong: Any, whole: Any, a: Any, b: Any) -> None:
    """Note one match of this cell: its flags (1 any, 2 strong, 4 whole, 8 whole and strong) and where its normal form lies."""
    flag = 1
    count[slot * 10 + 8] += 1
    if strong:
        flag |= 2
        count[slot * 10 + 9] += 1
    if whole:
        flag |= 4
        if strong:
            flag |= 8
    if cell[slot] == 0:
        cell[TOUCHED] += 1
        cell[TOUCHED + cell[TOUCHED]] = slot
    cell[slot] |= flag
    n = out[0]
    if n < out[2]:
        out[3 * n + 4] = slot * 2 + (1 if strong else 0)
        out[3 * n + 5] = a
        out[3 * n + 6] = b
        out[0] = n + 1


@compiled("void(CPointer(i8), CPointer(i8), CPointer(i8), CPointer(u1), i8, b1, b1, CPointer(i8), i8, i8)")
def _digits(cell: Any, count: Any, out: Any, text: Any, slot: Any, strong: Any, whole: Any, d: Any, a: Any, b: Any) -> None:
    """A match whose normal form is the digits ``d[a:b]``."""
    at = out[1]
    if at + b - a > out[3]:
        return
    for i in range(a, b):
        text[at + i - a] = np.uint8(48 + d[i])
    out[1] = at + b - a
    _note(cell, count, out, slot, strong, whole, at, at + b - a)


@compiled("void(CPointer(i8), CPointer(i8), CPointer(i8), CPointer(u1), i8, b1, b1, CPointer(u1), i8, i8)")
def _bytes(cell: Any, count: Any, out: Any, text: Any, slot: Any, strong: Any, whole: Any, t: Any, a: Any, b: Any) -> None:
    """A match whose normal form is ``t[a:b]`` in small letters without spaces."""
    at = out[1]
    n = at
    if at + b - a > out[3]:
        return
    for i in range(a, b):
        c = t[i]
        if c != 32:
            text[n] = c + 32 if 65 <= c <= 90 else c
            n += 1
    out[1] = n
    _note(cell, count, out, slot, strong, whole, at, n)


@compiled("void(CPointer(i8), CPointer(i8), CPointer(i8), i8, b1, b1)")
def _cell(cell: Any, count: Any, out: Any, slot: Any, strong: Any, whole: Any) -> None:
    """A match that is the cell itself."""
    _note(cell, count, out, slot, strong, whole, -1, -1)


@compiled("void(CPointer(i8), CPointer(i8), CPointer(i8), CPointer(u1), b1, i8, b1, b1, CPointer(i8), i8, i8)")
def _run(cell: Any, count: Any, out: Any, text: Any, bare: Any, slot: Any, strong: Any, whole: Any, d: Any, a: Any, b: Any) -> None:
    """A match whose normal form is the digits ``d[a:b]``, which may be the cell itself."""
    if bare:
        _cell(cell, count, out, slot, strong, whole)
    else:
        _digits(cell, count, out, text, slot, strong, whole, d, a, b)


@compiled("b1(CPointer(i8), i8, i8)")
def _minor(d: Any, a: Any, today: Any) -> Any:
    born = 0
    for i in range(6, 14):
        born = born * 10 + d[a + i]
    return born + 140000 > today and born <= today


@compiled("b1(CPointer(i8), i8, i8, b1, i8, b1, CPointer(i8), CPointer(i8), CPointer(i8), b1, CPointer(u1), i8)")
def _single(d: Any, a: Any, n: Any, x: Any, plus: Any, bare: Any, cell: Any, count: Any, out: Any, whole: Any, text: Any, today: Any) -> Any:
    """One group of ``n`` digits standing alone; ``bare``: the cell is these digits. Returns matched."""
    found = False
    if n == 18:
        r = _rid(d, a, x, today)
        if r:
            count[S_ID * 10 + 0] += 1
            if r >= 2:
                count[S_ID * 10 + 1] += 1
                _run(cell, count, out, text, bare, S_ID, r == 2, whole, d, a, a + (17 if x else 18))
                if r == 2 and _minor(d, a, today):
                    count[S_ID * 10 + 6] += 1
                    _digits(cell, count, out, text, S_MINOR, True, whole, d, a, a + 17)
                return True
        if x:
            return False
        for i in range(18):
            text[64 + i] = np.uint8(48 + d[a + i])
        u = _uscc(text, 64)
        if u:
            count[S_USCC * 10 + 0] += 1
            if u == 2:
                count[S_USCC * 10 + 1] += 1
                _bytes(cell, count, out, text, S_USCC, 49 <= text[64] <= 57, whole, text, 64, 82)
                found = True
    if n == 11:
        m = _mobile(d, a)
        if m:
            count[S_MOBILE * 10 + 0] += 1
            count[S_MOBILE * 10 + 1] += m == 2
            _run(cell, count, out, text, bare, S_MOBILE, m == 2, whole, d, a, a + 11)
            return True
    if n == 13 and d[a] == 8 and d[a + 1] == 6 and _mobile(d, a + 2) == 2:
        count[S_MOBILE * 10 + 0] += 1
        count[S_MOBILE * 10 + 1] += 1
        count[S_MOBILE * 10 + 7] += 1
        _digits(cell, count, out, text, S_MOBILE, plus > 0, whole, d, a + 2, a + 13)
        found = True
        if plus > 0:
            return True
    if n == 15 and d[a] == 0 and d[a + 1] == 0 and d[a + 2] == 8 and d[a + 3] == 6 and _mobile(d, a + 4) == 2:
        count[S_MOBILE * 10 + 0] += 1
        count[S_MOBILE * 10 + 1] += 1
        count[S_MOBILE * 10 + 7] += 1
        _digits(cell, count, out, text, S_MOBILE, True, whole, d, a + 4, a + 15)
        return True
    if plus > 0 and 8 <= n <= 15 and d[a] > 0:
        count[S_PHONE * 10 + 0] += 1
        count[S_PHONE * 10 + 1] += 1
        _run(cell, count, out, text, bare, S_PHONE, True, whole, d, a, a + n)
        return True
    if 10 <= n <= 12 and d[a] == 0 and _landline(d, a, n):
        count[S_LAND * 10 + 0] += 1
        _run(cell, count, out, text, bare, S_LAND, False, whole, d, a, a + n)
        return True
    if n == 15:
        count[S_ID15 * 10 + 0] += 1
        if _REGION[d[a] * 10 + d[a + 1]] and _is_date(1900 + d[a + 6] * 10 + d[a + 7], d[a + 8] * 10 + d[a + 9], d[a + 10] * 10 + d[a + 11]):
            count[S_ID15 * 10 + 1] += 1
            _run(cell, count, out, text, bare, S_ID15, False, whole, d, a, a + n)
            found = True
        good = _luhn(d, a, a + 15)
        count[S_IMEI * 10 + 0] += 1
        if good:
            count[S_IMEI * 10 + 1] += 1
            _run(cell, count, out, text, bare, S_IMEI, False, whole, d, a, a + n)
            found = True
        count[S_REG * 10 + 0] += 1
        if _m1110(d, a, a + 15):
            count[S_REG * 10 + 1] += 1
            _run(cell, count, out, text, bare, S_REG, False, whole, d, a, a + n)
            found = True
    if 12 <= n <= 19:
        known = _issuer(d, a, n)
        good = _luhn(d, a, a + n)
        count[S_CARD * 10 + 0] += 1
        count[S_CARD * 10 + 1] += good
        if good or known:
            _run(cell, count, out, text, bare, S_CARD, good and known, whole, d, a, a + n)
            found = True
    if n == 8:
        y = d[a] * 1000 + d[a + 1] * 100 + d[a + 2] * 10 + d[a + 3]
        if 1900 <= y <= 2100 and _is_date(y, d[a + 4] * 10 + d[a + 5], d[a + 6] * 10 + d[a + 7]):
            _flag(cell, S_DATE, 5 if whole else 1)
            cell[COUNT] = y
            cell[COUNT + 1] = (d[a + 4] * 10 + d[a + 5]) * 100 + d[a + 6] * 10 + d[a + 7]
            found = True
    if whole and 5 <= n <= 12:
        _flag(cell, S_DIGITS, 5)
    return found


@compiled("b1(CPointer(i8), i8, i8, CPointer(i8), CPointer(i8), CPointer(i8), b1, i8, b1, CPointer(i8), CPointer(i8), CPointer(i8), b1, CPointer(u1), i8)")
def _joined(d: Any, g0: Any, g1: Any, gs: Any, gl: Any, seps: Any, x: Any, plus: Any, paren: Any, cell: Any, count: Any, out: Any, whole: Any, text: Any, today: Any) -> Any:
    """Groups ``g0..g1`` (at least two) read as one number. Returns matched."""
    a = gs[g0]
    n = gs[g1] + gl[g1] - a
    groups = g1 - g0 + 1
    if n > 24:
        return False
    small = 99
    for g in range(g0, g1 + 1):
        small = min(small, gl[g])
    # dates: 1999-01-31, 31/01/1999
    if groups == 3 and seps[g0] == seps[g0 + 1] and seps[g0] != 32 and 6 <= n <= 8:
        y, m, day, ok = 0, 0, 0, False
        if gl[g0] == 4 and gl[g0 + 1] <= 2 and gl[g1] <= 2:
            y = d[a] * 1000 + d[a + 1] * 100 + d[a + 2] * 10 + d[a + 3]
            for i in range(gl[g0 + 1]):
                m = m * 10 + d[gs[g0 + 1] + i]
            for i in range(gl[g1]):
                day = day * 10 + d[gs[g1] + i]
            ok = True
        elif gl[g1] == 4 and gl[g0] <= 2 and gl[g0 + 1] <= 2:
            p = gs[g1]
            y = d[p] * 1000 + d[p + 1] * 100 + d[p + 2] * 10 + d[p + 3]
            for i in range(gl[g0 + 1]):
                m = m * 10 + d[gs[g0 + 1] + i]
            for i in range(gl[g0]):
                day = day * 10 + d[a + i]
            if m > 12:
                m, day = day, m
            ok = True
        if ok and 1900 <= y <= 2100 and _is_date(y, m, day):
            _flag(cell, S_DATE, 5 if whole else 1)
            cell[COUNT] = y
            cell[COUNT + 1] = m * 100 + day
            return True
    # resident ID in groups
    if n == 18 and small >= 3:
        r = _rid(d, a, x, today)
        if r >= 2:
            count[S_ID * 10 + 0] += 1
            count[S_ID * 10 + 1] += 1
            _digits(cell, count, out, text, S_ID, r == 2, whole, d, a, a + (17 if x else 18))
            if r == 2 and _minor(d, a, today):
                count[S_ID * 10 + 6] += 1
                _digits(cell, count, out, text, S_MINOR, True, whole, d, a, a + 17)
            return True
    if x:
        return False
    # mainland mobile: 138 1234 5678, 138-12345678, +86 138-1234-5678, 86 13812345678, (+86)138...
    p = a
    left = n
    first = gl[g0]
    if n == 15 and d[a] == 0 and d[a + 1] == 0 and d[a + 2] == 8 and d[a + 3] == 6:
        p, left = a + 4, 11
        first = first - 4
    elif n == 13 and d[a] == 8 and d[a + 1] == 6:
        p, left = a + 2, 11
        first = first - 2
    if left == 11 and d[p] == 1 and first >= 0:
        inner = True
        for g in range(g0, g1 + 1):
            size = gl[g] if g > g0 else first
            if size in (1, 2) or (g > g0 and size < 3):
                inner = False
        if groups - (1 if first == 0 else 0) > 4:
            inner = False
        if inner:
            m = _mobile(d, p)
            if m:
                count[S_MOBILE * 10 + 0] += 1
                count[S_MOBILE * 10 + 1] += m == 2
                count[S_MOBILE * 10 + 7] += 1
                _digits(cell, count, out, text, S_MOBILE, m == 2, whole, d, p, p + 11)
                return True
    # the same from abroad: +86 10 62345678, 86-571-87654321
    if 11 <= n <= 13 and d[a] == 8 and d[a + 1] == 6 and gl[g0] == 2 and groups >= 3 and (plus > 0 or seps[g0] == 45):
        area = 2 if (d[a + 2] == 1 and d[a + 3] == 0) or d[a + 2] == 2 else 3
        left = n - 2 - area
        if gl[g0 + 1] == area and d[a + 2] > 0 and (left == 7 or left == 8) and d[a + 2 + area] >= 2 and (area == 2 or d[a + 2] > 2):
            count[S_LAND * 10 + 0] += 1
            count[S_LAND * 10 + 1] += 1
            _digits(cell, count, out, text, S_LAND, True, whole, d, a + 2, a + n)
            return True
    if plus > 0 and g0 == 0 and 8 <= n <= 15 and d[a] > 0:
        count[S_PHONE * 10 + 0] += 1
        count[S_PHONE * 10 + 1] += 1
        _digits(cell, count, out, text, S_PHONE, True, whole, d, a, a + n)
        return True
    # landline: 010-12345678, (0359)5782263, 0359 578 2263, with extension
    if d[a] == 0 and 3 <= gl[g0] <= 4:
        for tail in range(2):
            if tail == 1 and (groups < 3 or gl[g1] > 5):
                break
            m = n - (gl[g1] if tail else 0)
            area = _landline(d, a, m)
            if area == gl[g0] and (groups - tail == 2 or small >= 3):
                count[S_LAND * 10 + 0] += 1
                count[S_LAND * 10 + 1] += 1
                _digits(cell, count, out, text, S_LAND, True, whole, d, a, a + m)
                return True
    # payment card: 4-4-4-4(-3), 4-6-5, 4-6-4, 6-13
    if 13 <= n <= 19:
        shape = groups >= 3 and gl[g1] <= 4
        for g in range(g0, g1):
            shape = shape and gl[g] == 4
        shape = shape or (groups == 3 and gl[g0] == 4 and gl[g0 + 1] == 6 and gl[g1] in (4, 5))
        shape = shape or (groups == 2 and gl[g0] == 6 and 10 <= gl[g1] <= 13)
        if shape:
            known = _issuer(d, a, n)
            good = _luhn(d, a, a + n)
            count[S_CARD * 10 + 0] += 1
            count[S_CARD * 10 + 1] += good
            if good:
                _digits(cell, count, out, text, S_CARD, known, whole, d, a, a + n)
                return True
    # US numbers: SSN 3-2-4; phone 3-3-4 with or without 1
    if groups == 3 and n == 9 and gl[g0] == 3 and gl[g0 + 1] == 2 and seps[g0] == 45 and seps[g0 + 1] == 45:
        area = d[a] * 100 + d[a + 1] * 10 + d[a + 2]
        if area != 0 and area != 666 and area < 900 and (d[a + 3] or d[a + 4]) and (d[a + 5] or d[a + 6] or d[a + 7] or d[a + 8]):
            count[S_SSN * 10 + 0] += 1
            _digits(cell, count, out, text, S_SSN, True, whole, d, a, a + 9)
            return True
    p = a
    first_group = g0
    if (gl[g0] == 1 and d[a] == 1) or (gl[g0] == 3 and d[a] == 0 and d[a + 1] == 0 and d[a + 2] == 1):
        p = a + gl[g0]
        first_group = g0 + 1
    if (
        g1 - first_group >= 2
        and gl[first_group] == 3
        and gl[first_group + 1] == 3
        and gl[first_group + 2] == 4
        and (g1 - first_group == 2 or (g1 - first_group == 3 and gl[g1] <= 5))
        and d[p] >= 2
        and d[p + 3] >= 2
    ):
        count[S_PHONE * 10 + 0] += 1
        _digits(cell, count, out, text, S_PHONE, seps[g1 - 1] != 32 or paren, whole, d, p, p + 10)
        return True
    return False


@compiled("Tuple((i8,i8,b1))(CPointer(u1), i8, i8, i8, CPointer(i8), CPointer(i8), CPointer(i8), CPointer(i8), CPointer(i8))")
def _chain(t: Any, i: Any, s: Any, e: Any, d: Any, gs: Any, gl: Any, gp: Any, seps: Any) -> Any:
    """Read digit groups from ``t[i]``. Returns (end, groups, last is X).

    ``gs``/``gl``: start in ``d`` and length of each group; ``gp``: start and end in ``t``; ``seps``: separator after it.
    """
    n = 0
    g = 0
    while True:
        b = i
        while i < e and 48 <= t[i] <= 57 and n < 200:
            d[n] = t[i] - 48
            n += 1
            i += 1
        gs[g] = n - (i - b)
        gl[g] = i - b
        gp[g * 2 + 0] = b
        gp[g * 2 + 1] = i
        seps[g] = 0
        g += 1
        if i < e and (t[i] == 88 or t[i] == 120) and (i + 1 >= e or CLASS[t[i + 1]] & 7 == 0):
            total = n
            if total >= 17:
                d[n] = 10
                gl[g - 1] += 1
                gp[(g - 1) * 2 + 1] = i + 1
                return i + 1, g, True
        if g >= _MAXG or i + 1 >= e:
            return i, g, False
        c = t[i]
        j = i + 1
        if c == 0xC2 and t[j] == 0xA0:
            j += 1
            c = 32
        elif c == 0xE2 and i + 3 < e and t[j] == 0x80 and 0x90 <= t[i + 2] <= 0x95:
            j += 2
            c = 45
        if c == 41:
            if j < e and (t[j] == 32 or t[j] == 45):
                j += 1
        elif c == 32:
            if j < e and (t[j] == 40 or t[j] == 45):
                j += 1
                if j < e and t[j] == 32:
                    j += 1
        elif c == 120 or c == 120 - 32:
            pass  # 555-1234x77: an extension
        elif c != 45 and c != 46 and c != 47:
            return i, g, False
        if j >= e or not 48 <= t[j] <= 57:
            return i, g, False
        # the next group must be digits only
        k = j
        while k < e and 48 <= t[k] <= 57:
            k += 1
        if k < e and t[k] == 84 and k + 1 < e and 48 <= t[k + 1] <= 57:
            pass  # 1999-01-31T08:00
        elif k < e and CLASS[t[k]] & 6 and not ((t[k] == 88 or t[k] == 120) and (k + 1 >= e or CLASS[t[k + 1]] & 6 == 0)):
            return i, g, False
        seps[g - 1] = c
        i = j


@compiled("i8(CPointer(u1), i8, i8)")
def _ipv4(t: Any, i: Any, e: Any) -> Any:
    """End of a dotted quad that starts at ``i``, or 0."""
    for part in range(4):
        v = 0
        b = i
        while i < e and 48 <= t[i] <= 57 and i - b < 4:
            v = v * 10 + t[i] - 48
            i += 1
        if i == b or i - b > 3 or v > 255 or (i - b > 1 and t[b] == 48):
            return 0
        if part < 3:
            if i >= e or t[i] != 46:
                return 0
            i += 1
    if i < e and (CLASS[t[i]] & 7 or (t[i] == 46 and i + 1 < e and 48 <= t[i + 1] <= 57)):
        return 0
    return i


@compiled("b1(CPointer(u1), i8, i8)")
def _versioned(t: Any, s: Any, a: Any) -> Any:
    """Whether a word that begins with "ver" or the word 版本 stands just before ``a``: four numbers there are a version."""
    for i in range(max(s, a - 14), a - 2):
        if t[i] | 32 == 118 and t[i + 1] | 32 == 101 and t[i + 2] | 32 == 114 and (i == s or CLASS[t[i - 1]] & 6 == 0):
            return True
        if t[i] == 0xE7 and t[i + 1] == 0x89 and t[i + 2] == 0x88 and i + 5 < a and t[i + 3] == 0xE6 and t[i + 4] == 0x9C:
            return True
    return False


@compiled("i8(i8)")
def _hexval(c: Any) -> Any:
    if 48 <= c <= 57:
        return c - 48
    if 97 <= c <= 102:
        return c - 87
    if 65 <= c <= 70:
        return c - 55
    return -1


@compiled("i8(CPointer(u1), i8, i8, CPointer(u1))")
def _ipv6(t: Any, i: Any, e: Any, out: Any) -> Any:
    """End of an IPv6 address that starts at ``i``, or 0; its 16 bytes go to ``out`` (RFC 4291)."""
    groups = 0
    gap = -1
    start = i
    if i + 1 < e and t[i] == 58 and t[i + 1] == 58:
        gap = 0
        i += 2
    while i < e and groups < 8:
        quad = _ipv4(t, i, e)
        if quad and groups <= 6 and (groups == 6 or gap >= 0):
            v = 0
            part = 0
            for k in range(i, quad + 1):
                if k < quad and t[k] != 46:
                    v = v * 10 + t[k] - 48
                else:
                    out[32 + groups * 2 + part] = v
                    part += 1
                    v = 0
            groups += 2
            i = quad
            break
        v = 0
        b = i
        while i < e and i - b < 4 and _hexval(t[i]) >= 0:
            v = v * 16 + _hexval(t[i])
            i += 1
        if i == b:
            break
        out[32 + groups * 2] = v >> 8
        out[32 + groups * 2 + 1] = v & 255
        groups += 1
        if i + 1 < e and t[i] == 58 and t[i + 1] == 58:
            if gap >= 0:
                return 0
            gap = groups
            i += 2
        elif groups < 8 and i + 1 < e and t[i] == 58 and _hexval(t[i + 1]) >= 0:
            i += 1
        else:
            break
    if (gap < 0 and groups != 8) or (gap >= 0 and (groups > 7 or groups == 0 or i - start < 5)):
        return 0
    if i < e and (CLASS[t[i]] & 7 or (t[i] == 58 and i + 1 < e and (_hexval(t[i + 1]) >= 0 or t[i + 1] == 58))):
        return 0
    for k in range(16):
        out[k] = 0
    head = gap if gap >= 0 else 8
    for k in range(head * 2):
        out[k] = out[32 + k]
    for k in range((groups - head) * 2 if gap >= 0 else 0):
        out[16 - (groups - head) * 2 + k] = out[32 + head * 2 + k]
    return i


@compiled("i8(CPointer(u1), i8, i8)")
def _mac(t: Any, i: Any, e: Any) -> Any:
    """End of six hex pairs joined by : or -, or 0."""
    if i + 17 > e or (t[i + 2] != 58 and t[i + 2] != 45):
        return 0
    sep = t[i + 2]
    for k in range(17):
        if k % 3 == 2:
            if t[i + k] != sep:
                return 0
        elif _hexval(t[i + k]) < 0:
            return 0
    end = i + 17
    if end < e and (CLASS[t[end]] & 7 or t[end] == sep):
        return 0
    return end


@compiled("UniTuple(i8,2)(CPointer(u1), i8, i8, i8)")
def _mail(t: Any, at: Any, s: Any, e: Any) -> Any:
    """Start and end of the address around the @ at ``at``; end 0 when there is none."""
    b = at
    while b > s and MAILCHAR[t[b - 1]]:
        b -= 1
    while b < at and (t[b] == 46 or t[b] == 45 or t[b] == 39):
        b += 1
    if b == at or at - b > 64 or t[at - 1] == 46:
        return b, 0
    i = at + 1
    while i < e and HOSTCHAR[t[i]]:
        i += 1
    while i > at + 1 and (t[i - 1] == 46 or t[i - 1] == 45):
        i -= 1
    dot = i - 1
    while dot > at and t[dot] != 46:
        dot -= 1
    if dot <= at + 1 or i - dot - 1 < 2 or i - dot - 1 > 24 or i - at > 254:
        return b, 0
    for k in range(dot + 1, i):
        if CLASS[t[k]] & 6 == 0 and not (t[dot + 1] == 120 and t[dot + 2] == 110):
            return b, 0
    for k in range(at + 1, i - 1):
        if t[k] == 46 and (t[k + 1] == 46 or k == at + 1):
            return b, 0
    return b, i


_WORDS = ["phone", "tel", "mobile", "cell", "fax", "call", "dial", "ring", "sms", "whatsapp", "office", "desk", "messag", "answer", "reach", "hotline", "contact", "电话", "手机", "联系", "致电", "拨打", "传真", "座机", "热线", "短信"]
NEAR_WORDS = np.frombuffer("".join(_WORDS).encode(), np.uint8).copy()
NEAR_SIZES = np.array([len(w.encode()) for w in _WORDS], np.int64)
WINDOW_BEFORE, WINDOW_AFTER = 40, 12


@compiled("b1(CPointer(u1), i8, i8, i8, i8)")
def _near(t: Any, s: Any, e: Any, a: Any, b: Any) -> Any:
    """Whether a word that goes with phones stands just before ``a`` or just after ``b``."""
    for side in range(2):
        first = max(s, a - WINDOW_BEFORE) if side == 0 else b
        last = a if side == 0 else min(e, b + WINDOW_AFTER)
        for i in range(first, last):
            w = 0
            for k in range(len(NEAR_SIZES)):
                size = NEAR_SIZES[k]
                if i + size <= last:
                    same = True
                    for j in range(size):
                        c = t[i + j]
                        if 65 <= c <= 90:
                            c += 32
                        if c != NEAR_WORDS[w + j]:
                            same = False
                            break
                    if same:
                        return True
                w += size
    return False


@compiled("b1(CPointer(u1), i8, i8, i8, i8, CPointer(i8), CPointer(i8), CPointer(i8), CPointer(i8), CPointer(i8), CPointer(i8), CPointer(i8), b1, CPointer(u1))")
def _loose_phone(t: Any, s: Any, e: Any, lead: Any, h: Any, gl: Any, gp: Any, seps: Any, d: Any, cell: Any, count: Any, out: Any, whole: Any, text: Any) -> Any:
    """Groups ``0..h`` as a national number written somehow: counts for sure only beside a word that goes with phones."""
    n = 0
    years = True
    for g in range(h + 1):
        if gl[g] > 8 and h > 0:
            return False
        years = years and gl[g] == 4 and (d[n] == 1 or d[n] == 2) and (d[n + 1] == 9 or d[n + 1] == 0)
        n += gl[g]
        if g < h and (seps[g] == 47 or (seps[g] == 46 and h < 2)):
            return False
    if n < 7 or n > 12 or years or h > 5 or gl[h] < 2:
        return False
    near = _near(t, s, e, lead, gp[h * 2 + 1])
    if not near and h == 0:
        return False
    count[S_PHONE * 10 + 0] += 1
    count[S_PHONE * 10 + 1] += near
    _digits(cell, count, out, text, S_PHONE, near, whole, d, 0, n)
    return True


@compiled("i8(CPointer(u8), u8)")
def _lookup(table: Any, h: Any) -> Any:
    """Vocabulary group of a hash, or 0."""
    size = np.int64(table[0])  # the first row holds the number of rows; see rules._tables
    i = np.int64(h & np.uint64(size - 1)) + 1
    while table[i * 2] != 0:
        if table[i * 2] == h:
            return np.int64(table[i * 2 + 1])
        i = i + 1 if i < size else np.int64(1)
    return 0


@compiled("i8(CPointer(u1), i8, i8, CPointer(u1))")
def _fold(t: Any, s: Any, e: Any, out: Any) -> Any:
    """Full-width ASCII (U+FF01..FF5E) and the ideographic space as their ASCII twins; returns the new length."""
    n = 0
    i = s
    while i < e:
        if t[i] == 0xEF and i + 2 < e and t[i + 1] == 0xBC and 0x81 <= t[i + 2] <= 0xBF:
            out[n] = t[i + 2] - 0x60
            i += 3
        elif t[i] == 0xEF and i + 2 < e and t[i + 1] == 0xBD and 0x80 <= t[i + 2] <= 0x9E:
            out[n] = t[i + 2] - 0x20
            i += 3
        elif t[i] == 0xE3 and i + 2 < e and t[i + 1] == 0x80 and t[i + 2] == 0x80:
            out[n] = 32
            i += 3
        else:
            out[n] = t[i]
            i += 1
        n += 1
    return n
