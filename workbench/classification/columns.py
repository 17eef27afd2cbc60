"""COLUMNS: the compiled walk over one column: every cell through the scanner, plus what whole cells look like."""

# ruff: noqa: E501 - compiled functions pass their arrays one by one
from __future__ import annotations

from typing import Any

import numpy as np

from workbench.classification.names import names_in_text
from workbench.classification.scanner import (
    CLASS,
    HOSTCHAR,
    S_ADDR,
    S_ADDR_EN,
    S_DATE,
    S_HASH,
    S_HK,
    S_IBAN,
    S_ID,
    S_IP4,
    S_IP6,
    S_MAC,
    S_MAIL,
    S_MINOR,
    S_NAME,
    S_NAME_EN,
    S_PASS,
    S_PERMIT,
    S_PLACE,
    S_PLATE,
    S_TW,
    S_USCC,
    S_UUID,
    S_VIN,
    S_WECHAT,
    SCRATCH,
    TOUCHED,
    _bytes,
    _cell,
    _chain,
    _digits,
    _flag,
    _fold,
    _hexval,
    _hkid,
    _iban,
    _ipv4,
    _ipv6,
    _joined,
    _lookup,
    _loose_phone,
    _mac,
    _mail,
    _minor,
    _rid,
    _single,
    _tw_id,
    _uscc,
    _versioned,
)  # fmt: skip
from workbench.classification.shapes import FINALS, STARTS
from workbench.classification.slots import COUNT
from workbench.sources.keyed import at_address, compiled, pointer, siphash

# what may follow a short group of digits inside a number
JOINS = np.zeros(256, np.uint8)
for _c in (32, 45, 46, 47, 41, 0xC2, 0xE2):
    JOINS[_c] = 1
# CLASS, with 16 for what begins an address or a hash, 32 for the rest, 64 for what may be full-width
KIND = CLASS.copy()
for _c in (64, 58, 36):
    KIND[_c] |= 16
KIND[KIND == 0] = 32
for _c in (0xEF, 0xE3):
    KIND[_c] |= 64
MOST_BYTES = 4 << 20
MOST_MATCHES = 200_000
"""matches of one cell whose distinct values are told apart; beyond them they still count"""
# vocabulary groups up to this number describe whole cells; above it, first words of Latin names
FIRST_NAME = 200
SURNAME_EN = 201
STREET_EN = 202


@compiled("i8(CPointer(u1), i8, i8, CPointer(u1))")
def _plate(t: Any, i: Any, e: Any, provinces: Any) -> Any:
    """End of a vehicle plate whose province character is at ``i``, or 0. GA 36-2018: letter, five places, six for new energy, or
    four and the character of a use; written with a dot, a hyphen or a space after the letter, small letters too."""
    cp = ((t[i] & 15) << 12) | ((t[i + 1] & 63) << 6) | (t[i + 2] & 63)
    if cp < 0x4E00 or cp >= 0xA000 or provinces[cp - 0x4E00] & 1 == 0:
        return 0
    small = CLASS[t[i + 3]] & 4 != 0
    if t[i + 3] | 32 == 105 or t[i + 3] | 32 == 111:
        return 0
    p = i + 4
    if t[p] == 0xC2 and t[p + 1] == 0xB7:  # middle dot, bullet, katakana dot
        p += 2
    elif (t[p] == 0xE2 and t[p + 1] == 0x80 and t[p + 2] == 0xA2) or (t[p] == 0xE3 and t[p + 1] == 0x83 and t[p + 2] == 0xBB):
        p += 3
    elif t[p] == 32 or t[p] == 45 or t[p] == 46:
        p += 1
    n = 0
    digits = 0
    while p < e and CLASS[t[p]] & 7 and n < 7:
        c = t[p]
        if CLASS[c] & 1:
            digits += 1
        elif c | 32 == 105 or c | 32 == 111 or (CLASS[c] & 4 != 0) != small:  # no I, no O; all letters alike
            return 0
        n += 1
        p += 1
    if n == 4 and digits >= 1 and p + 2 < e and t[p] >= 0xE4:
        use = ((t[p] & 15) << 12) | ((t[p + 1] & 63) << 6) | (t[p + 2] & 63)
        if use == 0x8B66 or use == 0x5B66 or use == 0x6302 or use == 0x6E2F or use == 0x6FB3 or use == 0x9886 or use == 0x8BD5 or use == 0x8D85:
            return p + 3  # 警 学 挂 港 澳 领 试 超
    if n < 5 or n > 6 or digits < (3 if small else 1) or (n == 6 and digits < 4):
        return 0
    return p


@compiled("void(CPointer(u1), i8, i8, i8, i8, i8, CPointer(i8), CPointer(i8), CPointer(i8), CPointer(i8), CPointer(u1), i8)")
def _token(t: Any, a: Any, b: Any, s: Any, e: Any, nd: Any, d: Any, cell: Any, count: Any, out: Any, text: Any, today: Any) -> None:
    """A run of letters and digits that is not all digits."""
    n = b - a
    nl = n - nd
    whole = a == s and b == e
    if n == 18:
        if nd == 17 and (t[b - 1] == 88 or t[b - 1] == 120):
            for i in range(17):
                d[i] = t[a + i] - 48
            d[17] = 10
            r = _rid(d, 0, True, today)
            if r:
                count[S_ID * 10 + 0] += 1
                if r >= 2:
                    count[S_ID * 10 + 1] += 1
                    _digits(cell, count, out, text, S_ID, r == 2, whole, d, 0, 17)
                    if r == 2 and _minor(d, 0, today):
                        count[S_ID * 10 + 6] += 1
                        _digits(cell, count, out, text, S_MINOR, True, whole, d, 0, 17)
                    return
        u = _uscc(t, a)
        if u:
            count[S_USCC * 10 + 0] += 1
            if u == 2:
                count[S_USCC * 10 + 1] += 1
                _bytes(cell, count, out, text, S_USCC, True, whole, t, a, b)
                return
    c = t[a]
    if c >= 97:
        c -= 32
    if 8 <= n <= 9 and nl <= 2 and nd >= 7 and CLASS[t[a]] & 6 and (nl == 1 or CLASS[t[a + 1]] & 6):
        # ICAO 9303: one or two letters, then digits; China: E + 8 digits, E + letter + 7 digits
        chinese = n == 9 and ((c == 69 and (nl == 1 or CLASS[t[a + 1]] & 6)) or (c == 71 and nl == 1))  # E, EA; G before 2012
        count[S_PASS * 10 + 0] += 1
        count[S_PASS * 10 + 1] += chinese
        _bytes(cell, count, out, text, S_PASS, chinese, whole, t, a, b)
        if (c == 72 or c == 77) and nd == 8 and n == 9:
            count[S_PERMIT * 10 + 0] += 1
            count[S_PERMIT * 10 + 1] += c == 77  # M of Macao: a column of permits has both, one of product numbers one
            _bytes(cell, count, out, text, S_PERMIT, False, whole, t, a, b)
    elif n == 11 and nd == 10 and (c == 72 or c == 77):
        count[S_PERMIT * 10 + 0] += 1
        count[S_PERMIT * 10 + 1] += c == 77
        _bytes(cell, count, out, text, S_PERMIT, False, whole, t, a, b)
    if 7 <= n <= 9 and CLASS[t[a]] & 6 and nl <= 3:
        heads = 2 if CLASS[t[a + 1]] & 6 else 1
        six = nd >= 6
        for i in range(a + heads, min(a + heads + 6, b)):
            six = six and CLASS[t[i]] & 1 != 0
        if six and n == heads + 7 and (CLASS[t[b - 1]] & 1 or t[b - 1] & 0xDF == 65):  # A1234563
            count[S_HK * 10 + 0] += 1
            if _hkid(t, a, b - 1, t[b - 1]):
                count[S_HK * 10 + 1] += 1
                _bytes(cell, count, out, text, S_HK, False, whole, t, a, b)
        elif six and n == heads + 6 and b + 2 < e and t[b] == 40 and t[b + 2] == 41:  # A123456(3)
            count[S_HK * 10 + 0] += 1
            if _hkid(t, a, b, t[b + 1]):
                count[S_HK * 10 + 1] += 1
                _bytes(cell, count, out, text, S_HK, True, a == s and b + 3 == e, t, a, b + 3)
    if n == 10 and nd >= 8 and CLASS[t[a]] & 6 and CLASS[t[a + 2]] & 1 and nl == (1 if CLASS[t[a + 1]] & 1 else 2):
        second = t[a + 1] if CLASS[t[a + 1]] & 1 else t[a + 1] & 0xDF
        if second == 49 or second == 50 or second == 56 or second == 57 or 65 <= second <= 68:
            count[S_TW * 10 + 0] += 1
            if _tw_id(t, a):
                count[S_TW * 10 + 1] += 1
                _bytes(cell, count, out, text, S_TW, False, whole, t, a, b)
    if nl >= 2 and n >= 15 and n <= 34 and CLASS[t[a]] & 6 and CLASS[t[a + 1]] & 6 and CLASS[t[a + 2]] & 1 and CLASS[t[a + 3]] & 1:
        r = _iban(t, a, b)
        if r:
            count[S_IBAN * 10 + 0] += 1
            if r == 2:
                count[S_IBAN * 10 + 1] += 1
                _bytes(cell, count, out, text, S_IBAN, True, whole, t, a, b)
    if n == 32 or n == 40 or n == 64 or n == 128:
        hexa = True
        for i in range(a, b):
            if _hexval(t[i]) < 0:
                hexa = False
                break
        if hexa and nd > n // 4:
            count[S_HASH * 10 + 0] += 1
            _bytes(cell, count, out, text, S_HASH, False, whole, t, a, b)
    if n == 17 and nd >= 3 and nl >= 2:
        good = True
        for i in range(a, b):
            c = t[i]
            if CLASS[c] & 4 or c == 73 or c == 79 or c == 81:
                good = False
        if good:
            count[S_VIN * 10 + 0] += 1
            _bytes(cell, count, out, text, S_VIN, False, whole, t, a, b)
    return


@compiled("i8(CPointer(u1), i8, i8)")
def _spaced_iban(t: Any, a: Any, e: Any) -> Any:
    """End of an IBAN written in groups of four from ``a``, or 0."""
    i = a
    size = 0
    end = 0
    while i < e and i - a < 44:
        if CLASS[t[i]] & 7:
            size += 1
            i += 1
            if size > 4:
                return 0
            end = i
        elif t[i] == 32 and size == 4 and i + 1 < e and CLASS[t[i + 1]] & 7:
            size = 0
            i += 1
        else:
            break
    stop = end
    while stop - a >= 18:  # words after it may look like a group; drop groups until the check agrees
        if _iban(t, a, stop) == 2:
            return stop
        k = stop
        while k > a and t[k - 1] != 32:
            k -= 1
        stop = k - 1
    return 0


@compiled("void(CPointer(u1), i8, i8, b1, CPointer(i8), CPointer(i8), CPointer(i8), CPointer(i8), CPointer(i8), CPointer(i8), CPointer(i8), CPointer(i8), CPointer(u1), i8, CPointer(u1))")
def _scan(t: Any, s: Any, e: Any, small: Any, d: Any, gs: Any, gl: Any, gp: Any, seps: Any, cell: Any, count: Any, out: Any, text: Any, today: Any, provinces: Any) -> None:
    """All candidates in ``t[s:e]``; ``small``: it has no capital letter."""
    i = s
    while i < e:
        c = t[i]
        k = CLASS[c]
        if k & 7 == 0:
            if c == 64:
                b, end = _mail(t, i, s, e)
                if end and b >= s:
                    count[5 * 10 + 0] += 1
                    _bytes(cell, count, out, text, S_MAIL, True, b == s and end == e, t, b, end)
                    i = end
                    continue
            elif c == 58 and i + 2 < e and t[i + 1] == 58 and (i == s or CLASS[t[i - 1]] & 7 == 0):
                end = _ipv6(t, i, e, text)
                if end == 0 and e - s == 3 and t[i + 2] == 49:  # ::1 and nothing else
                    count[S_IP6 * 10 + 0] += 1
                    _bytes(cell, count, out, text, S_IP6, True, True, t, s, e)
                    i = e
                    continue
                if end:
                    count[S_IP6 * 10 + 0] += 1
                    _bytes(cell, count, out, text, S_IP6, True, i == s and end == e, text, 0, 16)
                    i = end
                    continue
            elif c == 36 and i + 59 < e and t[i + 1] == 50 and t[i + 3] == 36 and t[i + 6] == 36:
                count[S_HASH * 10 + 0] += 1  # $2b$12$ and 53 characters: bcrypt
                count[S_HASH * 10 + 1] += 1
                _bytes(cell, count, out, text, S_HASH, True, i == s and i + 60 == e, t, i, i + 60)
                i += 60
                continue
            elif c >= 0xE4 and i + 7 < e and CLASS[t[i + 3]] & 6:
                end = _plate(t, i, e, provinces)
                if end:
                    count[S_PLATE * 10 + 0] += 1
                    _bytes(cell, count, out, text, S_PLATE, True, i == s and end == e, t, i, end)
                    i = end
                    continue
            i += 1
            continue
        a = i
        nd = 0
        hexa = True
        while i < e and CLASS[t[i]] & 7:
            if CLASS[t[i]] & 1:
                nd += 1
            elif hexa and _hexval(t[i]) < 0:
                hexa = False
            i += 1
        b = i
        follow = t[b] if b < e else 0
        if follow == 64 or (follow == 46 or follow == 95 or follow == 45 or follow == 43 or follow == 37):
            # is this the local part of an address?
            j = b
            while j < e and j - b < 64 and HOSTCHAR[t[j]] | (t[j] == 95) | (t[j] == 43) | (t[j] == 37):
                j += 1
            if j < e and t[j] == 64:
                m, end = _mail(t, j, s, e)
                if end and m <= a:
                    count[S_MAIL * 10 + 0] += 1
                    if small and m == s and end == e:
                        _cell(cell, count, out, S_MAIL, True, True)
                    else:
                        _bytes(cell, count, out, text, S_MAIL, True, m == s and end == e, t, m, end)
                    i = end
                    continue
        if hexa and follow == 58 and b - a <= 4:
            end = _mac(t, a, e) if b - a == 2 and (a == s or t[a - 1] != 58) else 0
            if end:
                count[S_MAC * 10 + 0] += 1
                _bytes(cell, count, out, text, S_MAC, True, a == s and end == e, t, a, end)
                i = end
                continue
            end = _ipv6(t, a, e, text)
            if end:
                count[S_IP6 * 10 + 0] += 1
                _bytes(cell, count, out, text, S_IP6, True, a == s and end == e, text, 0, 16)
                i = end
                continue
        if hexa and follow == 46 and b - a == 4 and a + 14 <= e and t[a + 9] == 46:  # 001a.2b3c.4d5e
            good = (a + 14 == e or (CLASS[t[a + 14]] & 7 == 0 and t[a + 14] != 46)) and (a == s or t[a - 1] != 46)
            letters = 0
            for q in range(14):
                if q != 4 and q != 9:
                    v = _hexval(t[a + q])
                    good = good and v >= 0
                    letters += v > 9
            if good and letters:
                count[S_MAC * 10 + 0] += 1
                _bytes(cell, count, out, text, S_MAC, True, a == s and a + 14 == e, t, a, a + 14)
                i = a + 14
                continue
        if hexa and follow == 45:
            if b - a == 2:
                end = _mac(t, a, e) if a == s or t[a - 1] != 45 else 0
                if end:
                    count[S_MAC * 10 + 0] += 1
                    _bytes(cell, count, out, text, S_MAC, True, a == s and end == e, t, a, end)
                    i = end
                    continue
            elif b - a == 8 and a + 36 <= e and t[a + 13] == 45 and t[a + 18] == 45 and t[a + 23] == 45:
                good = a + 36 == e or CLASS[t[a + 36]] & 7 == 0
                for q in range(36):
                    if q != 8 and q != 13 and q != 18 and q != 23 and _hexval(t[a + q]) < 0:
                        good = False
                        break
                if good:
                    count[S_UUID * 10 + 0] += 1
                    _bytes(cell, count, out, text, S_UUID, False, a == s and a + 36 == e, t, a, a + 36)
                    i = a + 36
                    continue
        if nd < b - a:
            if nd > 0 and b - a >= 6:
                _token(t, a, b, s, e, nd, d, cell, count, out, text, today)
            if b - a == 4 and nd == 2 and follow == 32 and CLASS[t[a]] & 6 and CLASS[t[a + 1]] & 6 and CLASS[t[a + 2]] & 1 and CLASS[t[a + 3]] & 1:
                end = _spaced_iban(t, a, e)
                if end:
                    count[S_IBAN * 10 + 0] += 1
                    count[S_IBAN * 10 + 1] += 1
                    _bytes(cell, count, out, text, S_IBAN, True, a == s and end == e, t, a, end)
                    i = end
            continue
        # a run of digits
        if follow == 46 and b - a <= 3 and (a == s or (t[a - 1] != 46 and t[a - 1] != 45)):
            end = _ipv4(t, a, e)
            if end and not _versioned(t, s, a):
                count[S_IP4 * 10 + 0] += 1
                _bytes(cell, count, out, text, S_IP4, True, a == s and end == e, t, a, end)
                i = end
                continue
        plus = 0
        paren = False
        lead = a
        if lead > s and t[lead - 1] == 40:
            lead -= 1
            paren = True
        if lead > s and t[lead - 1] == 43:
            lead -= 1
            plus = 1
            if lead > s and t[lead - 1] == 40:
                lead -= 1
        if b - a <= 4 and follow == 0xE5 and b + 2 < e and t[b + 1] == 0xB9 and t[b + 2] == 0xB4:
            # 1999年1月31日
            gl[0] = gl[1] = gl[2] = 0
            q = a
            part = 0
            while q < e and part < 3:
                while q < e and 48 <= t[q] <= 57 and gl[part] < 100000:
                    gl[part] = gl[part] * 10 + t[q] - 48
                    q += 1
                if q + 2 >= e or t[q] < 0xE5:
                    break
                q += 3
                part += 1
            if part >= 2 and 1900 <= gl[0] <= 2100 and 1 <= gl[1] <= 12 and gl[2] <= 31:
                _flag(cell, S_DATE, 5 if a == s and q >= e else 1)
                cell[COUNT] = gl[0]
                cell[COUNT + 1] = gl[1] * 100 + gl[2]
                i = q
                continue
        if b - a > 40 or (b - a < 5 and JOINS[follow] == 0):
            continue
        end, groups, x = _chain(t, a, s, e, d, gs, gl, gp, seps)
        g = 0
        while g < groups:
            found = False
            h = min(groups - 1, g + 5)
            while h >= g:
                whole = ((gp[g * 2 + 0] == a and lead == s) or gp[g * 2 + 0] == s) and gp[h * 2 + 1] == e
                last = x and h == groups - 1
                p = plus if g == 0 else 0
                if h > g:
                    found = _joined(d, g, h, gs, gl, seps, last, p, paren and g == 0, cell, count, out, whole, text, today)
                elif gl[g] >= 5 and not (g > 0 and seps[g - 1] == 46) and not (g < groups - 1 and seps[g] == 46 and gl[g] < 11):
                    found = _single(d, gs[g], gl[g], last, p, False, cell, count, out, whole, text, today)
                if found:
                    break
                h -= 1
            if not found and g == 0 and not x:
                h = groups - 1
                while h >= 0 and not found:
                    whole = (gp[(0) * 2 + 0] == a and lead == s) and gp[h * 2 + 1] == e
                    found = _loose_phone(t, s, e, lead, h, gl, gp, seps, d, cell, count, out, whole, text)
                    h -= 0 if found else 1
            g = h + 1 if found else g + 1
        i = max(end, b)
    return


@compiled("i8(CPointer(u1), i8, i8, CPointer(i8), CPointer(i8), CPointer(i8), CPointer(u1), CPointer(u8))")
def _whole_cell(t: Any, s: Any, e: Any, cell: Any, count: Any, out: Any, chars: Any, vocabulary: Any) -> Any:
    """What the cell as a whole looks like: Chinese name or address, Latin name, street, handle. Returns the number of CJK characters."""
    n = e - s
    cjk = 0
    other = 0
    surname = False
    compound = False
    given = 0
    admin = 0
    road = 0
    number = 0
    digits = 0
    province = False
    first = 0
    second = 0
    previous_digit = False
    i = s
    while i < e:
        c = t[i]
        if c >= 0xE3 and i + 2 < e and c < 0xF0:
            cp = ((c & 15) << 12) | ((t[i + 1] & 63) << 6) | (t[i + 2] & 63)
            i += 3
            if 0x4E00 <= cp < 0xA000:
                v = chars[cp - 0x4E00]
                cjk += 1
                if cjk == 1:
                    first = cp
                    surname = v & 2 != 0
                elif cjk == 2:
                    second = cp
                    pair = _lookup(vocabulary, np.uint64(0xC0DE000000000000) | np.uint64(first) << np.uint64(16) | np.uint64(cp))
                    province = pair & 1 != 0
                    compound = pair & 2 != 0
                if cjk > 1 and v & 4:
                    given += 1
                if cjk > 1 and v & 8:
                    admin += 1
                if cjk > 1 and v & 16:
                    road += 1
                if cjk > 1 and v & 32 and (previous_digit or other):
                    number += 1
            else:
                other += 1
            previous_digit = False
        else:
            if c < 128 or c >= 0xC0:
                other += 1
            previous_digit = 48 <= c <= 57
            digits += previous_digit
            i += 1
    if other == 0 and 2 <= cjk <= 4:
        rest = cjk - (2 if compound else 1)
        if (surname or compound) and 1 <= rest <= 2:
            count[S_NAME * 10 + 0] += 1
            good = (given - (1 if compound and chars[second - 0x4E00] & 4 else 0)) >= rest
            count[S_NAME * 10 + 1] += good
            _cell(cell, count, out, S_NAME, good, True)
    if cjk >= 4 and n <= 400:
        strong = (province and (admin + road + number) >= 2) or (admin >= 2 and (road or number)) or (road and number and digits and admin)
        weak = (road and number and digits > 0) or (province and admin >= 1 and cjk <= 12) or admin >= 2
        if strong or weak:
            count[S_ADDR * 10 + 0] += 1
            count[S_ADDR * 10 + 1] += strong
            _cell(cell, count, out, S_ADDR, strong, n <= 200)
    return cjk


@compiled("void(CPointer(u1), i8, i8, CPointer(i8), CPointer(i8), CPointer(i8), CPointer(u1), CPointer(u8), u8, u8)")
def _latin_cell(t: Any, s: Any, e: Any, cell: Any, count: Any, out: Any, text: Any, vocabulary: Any, k0: Any, k1: Any) -> None:
    """A cell of Latin words: a person's name in two to four words, a street with a house number."""
    n = e - s
    words = 0
    known = 0
    capital = 0
    digits = 0
    bad = False
    street = False
    i = s
    while i < e:
        c = t[i]
        if CLASS[c] & 14 or c == 39:
            b = i
            m = 0
            up = CLASS[c] & 10 != 0
            while i < e and (CLASS[t[i]] & 14 or t[i] == 39):
                text[m] = t[i] + (32 if CLASS[t[i]] & 2 else 0)
                if m < 60:
                    m += 1
                i += 1
            words += 1
            capital += up
            group = _lookup(vocabulary, siphash(text, 0, m, k0, k1))
            if group in (FIRST_NAME, SURNAME_EN):
                known += 1 if group == SURNAME_EN else 16
            elif group == STREET_EN and (m > 2 or words > 1 or text[0] == 97):  # Dr. X 1460 is no street, Av. X 1460 is
                street = True
            if i - b == 1 and i < e and t[i] == 46:
                known += 0
            continue
        if 48 <= c <= 57:
            digits += 1
        elif c != 32 and c != 46 and c != 45 and c != 44:
            bad = True
        i += 1
    if not bad and digits == 0 and 2 <= words <= 5 and n <= 60 and capital >= words - 1 and capital >= 2:
        count[S_NAME_EN * 10 + 0] += 1
        good = known >= 16
        count[S_NAME_EN * 10 + 1] += good
        _cell(cell, count, out, S_NAME_EN, good, True)
    elif not bad and digits == 0 and words == 1 and capital == 1 and known and n <= 24:
        count[S_NAME_EN * 10 + 0] += 1
        count[S_NAME_EN * 10 + 1] += 1
        _cell(cell, count, out, S_NAME_EN, True, True)
    if words >= 2 and digits >= 1 and n <= 200 and street:
        count[S_ADDR_EN * 10 + 0] += 1
        count[S_ADDR_EN * 10 + 1] += 1
        _cell(cell, count, out, S_ADDR_EN, True, n <= 120)
    elif words >= 1 and digits >= 1 and 6 <= n <= 120 and capital >= 1:
        count[S_ADDR_EN * 10 + 0] += 1
        _flag(cell, S_ADDR_EN, 5)
    return


@compiled("Tuple((i8,i8,u8))(u8, i8[::1], b1[::1], u1[::1], u8[:,::1], i8, u8, u8, u8[::1], i8[:,::1], i8[::1], i8[::1], u8[:,::1], u8[::1])")
def scan_column(address: Any, offsets: Any, valid: Any, chars: Any, vocabulary: Any, today: Any, k0: Any, k1: Any, shapes: Any, count: Any, stats: Any, groups: Any, hits: Any, hashes: Any) -> Any:
    """Walk all cells.

    Fills ``count`` (slot x counter), ``stats``, ``groups`` (cells of each vocabulary group), ``hits`` (slot and tier, hash of
    the matched value) and ``hashes`` (hash of each distinct-looking cell). Returns (hits used, hashes used, last
    states of ``shapes`` reached, see :mod:`workbench.classification.shapes`).
    """
    seen_shapes = np.uint64(0)
    starts, finals = shapes[STARTS], shapes[FINALS]
    nh = 0
    nv = 0
    longest = 0
    for row in range(len(valid)):
        longest = max(longest, offsets[row + 1] - offsets[row])
    arena = min(6 * longest + 64, MOST_BYTES)
    most = min(longest // 4 + 16, MOST_MATCHES)
    numbers = np.zeros(208 + 16 * 5 + 2 * COUNT + 8, np.int64)
    texts = np.zeros(SCRATCH + arena + 64, np.uint8)
    outs = np.zeros(3 * most + 8, np.int64)
    folded = np.zeros(64, np.uint8)
    seen = np.zeros(4096, np.uint64)
    dull = np.zeros(4096, np.uint8)  # what a cell without any match was: 1 yes, 2 Chinese, 4 ASCII, 8 digits, 16 long
    d = pointer(numbers)
    gs = pointer(numbers[208:])
    gl = pointer(numbers[224:])
    gp = pointer(numbers[240:])
    seps = pointer(numbers[272:])
    cell = pointer(numbers[288:])
    text = pointer(texts)
    out = pointer(outs)
    out[2] = most
    out[3] = SCRATCH + arena
    source = at_address(address)
    scratch = pointer(folded)
    counts = pointer(count)
    kinds = pointer(chars)
    words = pointer(vocabulary)
    room = folded.shape[0]
    stats[0] += len(valid)
    for row in range(len(valid)):
        if not valid[row]:
            continue
        s = np.int64(offsets[row])
        e = np.int64(offsets[row + 1])
        while s < e and source[s] <= 32:
            s += 1
        while e > s and source[e - 1] <= 32:
            e -= 1
        if e <= s:
            continue
        stats[1] += 1
        stats[2] += e - s
        t = source
        mask = 0
        state = np.uint64(0)
        for i in range(s, e):
            c = t[i]
            mask |= KIND[c]
            state = (state << np.uint64(1) | starts) & shapes[c]
            seen_shapes |= state
        if mask & 64:
            if room < e - s + 8:
                folded = np.zeros((e - s) * 2 + 8, np.uint8)
                scratch = pointer(folded)
                room = folded.shape[0]
            e = _fold(source, s, e, scratch)
            t = scratch
            s = np.int64(0)
            mask = 0
            for i in range(s, e):
                mask |= KIND[t[i]]
        bare = mask == 1  # digits and nothing else: one group, no chain to read
        mask &= 31
        for i in range(cell[TOUCHED]):
            cell[cell[TOUCHED + 1 + i]] = 0
        cell[TOUCHED] = 0
        out[0] = 0
        out[1] = SCRATCH
        h = siphash(t, s, e, k0, k1)
        spot = np.int64(h & np.uint64(4095))
        if seen[spot] == h:
            known = np.int64(dull[spot])
            if known:
                stats[3] += (known & 2) >> 1
                stats[4] += (known & 4) >> 2
                stats[5] += (known & 8) >> 3
                stats[10] += (known & 16) >> 4
                if known >> 5:
                    groups[known >> 5] += 1
                continue
        else:
            seen[spot] = h
            dull[spot] = 0
            hashes[nv] = h
            nv += 1
        group = 0
        if e - s <= 40:
            group = _lookup(words, h)
            if group >= FIRST_NAME:
                group = 0
            if group:
                groups[group] += 1
        if bare:
            if 5 <= e - s <= 40:
                for i in range(e - s):
                    d[i] = t[s + i] - 48
                _single(d, np.int64(0), e - s, False, np.int64(0), True, cell, counts, out, True, text, today)
        elif mask & 17:
            _scan(t, s, e, mask & 2 == 0, d, gs, gl, gp, seps, cell, counts, out, text, today, kinds)
        cjk = 0
        if mask & 8:
            cjk = _whole_cell(t, s, e, cell, counts, out, kinds, words)
            stats[3] += cjk > 0
            if cjk > 4 or (cjk > 1 and e - s > 3 * cjk + 8):  # a sentence, or a key and a name as in JSON
                names_in_text(t, s, e, cell, counts, out, text, kinds, words, k0, k1)
        if mask & 2 and e - s <= 200 and mask & 16 == 0 and cjk == 0:
            _latin_cell(t, s, e, cell, counts, out, text, words, k0, k1)
        if mask & 8 == 0:
            stats[4] += 1
            if mask & 22 == 0 and mask & 1:
                stats[5] += 1
        if 6 <= e - s <= 20 and mask & 8 == 0 and mask & 6 and CLASS[t[s]] & 6:
            good = True
            for i in range(s, e):
                if not (CLASS[t[i]] & 7 or t[i] == 95 or t[i] == 45):
                    good = False
                    break
            if good:
                _flag(cell, S_WECHAT, 5)
        if e - s > 200:
            stats[10] += 1
        if mask == 1 and not bare and 5 <= e - s <= 24:  # a decimal number of three places or more, within 180
            dot = -1
            good = True
            for i in range(s + (1 if t[s] == 45 else 0), e):
                if t[i] == 46 and dot < 0:
                    dot = i
                elif CLASS[t[i]] != 1:
                    good = False
                    break
            if good and dot > 0 and e - dot > 3:
                v = np.int64(0)
                for i in range(s + (1 if t[s] == 45 else 0), dot):
                    v = v * 10 + t[i] - 48
                if v <= 180:
                    _flag(cell, S_PLACE, 5)
        if cell[S_DATE] == 1 and CLASS[t[s]] == 1 and e - s <= 35 and mask & 12 == 0:
            cell[S_DATE] = 5  # a date with its time of day
        if cell[S_DATE]:
            year = cell[COUNT]
            stats[8] = min(stats[8], year)
            stats[9] = max(stats[9], year)
            born = year * 10000 + cell[COUNT + 1]
            if born + 140000 > today and born <= today:
                counts[S_DATE * 10 + 6] += 1
            if born > today:
                counts[S_DATE * 10 + 7] += 1
        if cell[3] & 4 and e - s == 11 and mask == 1:
            v = np.int64(0)
            for i in range(s, e):
                v = v * 10 + t[i] - 48
            stats[6] = min(stats[6], v)
            stats[7] = max(stats[7], v)
        if cell[TOUCHED] == 0 and group < 8 and not (mask & 1 and e - s >= 7):  # a failed check counts each time it is met
            number = mask & 22 == 0 and mask & 1
            dull[spot] = (
                1 | (2 if cjk > 0 else 0) | (4 if mask & 8 == 0 else 0) | (8 if mask & 8 == 0 and number else 0) | (16 if e - s > 200 else 0) | group << 5
            )
            continue
        for i in range(out[0]):
            if nh < hits.shape[1]:
                hits[0, nh] = np.uint64(out[3 * i + 4])
                a = out[3 * i + 5]
                b = out[3 * i + 6]
                same = b - a == e - s
                if same:
                    for j in range(b - a):
                        if text[a + j] != t[s + j]:
                            same = False
                            break
                hits[1, nh] = h if a < 0 or same else siphash(text, a, b, k0, k1)
                nh += 1
        for i in range(cell[TOUCHED]):
            slot = cell[TOUCHED + 1 + i]
            f = cell[slot]
            counts[slot * 10 + 3] += 1
            counts[slot * 10 + 2] += (f & 2) >> 1
            counts[slot * 10 + 5] += (f & 4) >> 2
            counts[slot * 10 + 4] += (f & 8) >> 3
    # the pointers above do not keep their arrays alive: this last use does
    if numbers.shape[0] + texts.shape[0] + outs.shape[0] + folded.shape[0] < 0:
        nh = -1
    return nh, nv, seen_shapes & finals
