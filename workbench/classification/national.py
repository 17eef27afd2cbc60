"""NATIONAL: check digits of national numbers that python-stdnum lacks, from public standards."""

from __future__ import annotations


def hkid(text: str) -> bool:
    """Hong Kong identity card: letters weigh 9, 8 (a space counts 36), digits 7..2, remainder of 11. Immigration Department."""
    plain = "".join(c for c in text.upper() if c.isalnum())
    if not 8 <= len(plain) <= 9:
        return False
    letters, digits, last = plain[:-7], plain[-7:-1], plain[-1]
    if not letters.isalpha() or not digits.isdigit() or last not in "0123456789A":
        return False
    values = [36] * (2 - len(letters)) + [ord(c) - 55 for c in letters] + [int(c) for c in digits]
    total = sum(v * w for v, w in zip(values, range(9, 1, -1), strict=True))
    return (total + int(last, 16)) % 11 == 0


_TW = {c: i for i, c in enumerate("ABCDEFGHJKLMNPQRSTUVXYWZIO", 10)}


def tw_id(text: str) -> bool:
    """Taiwan identity card and resident certificate: letter as two digits, weights 1 9 8 ... 1 1, remainder of 10."""
    text = text.upper()
    if len(text) != 10 or text[0] not in _TW or not text[2:].isdigit() or text[1] not in "1289ABCD":
        return False
    second = _TW[text[1]] % 10 if text[1].isalpha() else int(text[1])
    n = _TW[text[0]]
    digits = [n // 10, n % 10, second, *(int(c) for c in text[2:])]
    return sum(d * w for d, w in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0


def cn_org_code(text: str) -> bool:
    """Organisation code, eight characters and a check character: GB 11714-1997."""
    plain = text.upper().replace("-", "")
    if len(plain) != 9 or not plain[:8].isalnum() or not plain.isascii():
        return False
    total = sum(int(c, 36) * w for c, w in zip(plain, (3, 7, 9, 10, 5, 8, 4, 2), strict=False))
    return plain[8] == "0123456789X0"[(11 - total % 11) % 11 if total % 11 != 1 else 10]


def jp_my_number(text: str) -> bool:
    """Japanese Individual Number, 12 digits: Ordinance 85 of 2014, art. 5."""
    digits = [int(c) for c in text if c.isdigit()]
    if len(digits) != 12:
        return False
    total = sum(d * (n + 1 if n <= 6 else n - 5) for n, d in enumerate(reversed(digits[:11]), 1))
    return digits[11] == (0 if total % 11 <= 1 else 11 - total % 11)


def us_ssn(text: str) -> bool:
    """US social security number, nine digits: no area 000, 666 or 9xx, no group 00, no serial 0000. SSA."""
    digits = "".join(c for c in text if c.isdigit())
    return len(digits) == 9 and digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def packed_ipv4(text: str) -> bool:
    """An IPv4 address as one 32-bit number, signed or not; 1.0.0.0 to 223.255.255.255 (RFC 791, RFC 5771)."""
    number = int(text)
    return -(1 << 31) <= number < 1 << 32 and 1 <= (number & 0xFFFFFFFF) >> 24 <= 223


def digits_4(text: str) -> bool:
    """At least four digits: no word."""
    return sum(c.isdigit() for c in text) >= 4
