"""Every compiled check equals its plain reference, and both agree with published test values."""

from __future__ import annotations

import random
from pathlib import Path

import numba
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.classification import checks as compiled
from workbench.classification import reference
from workbench.sources.keyed import hash_cells, pointer, siphash_reference

digits = st.text("0123456789", min_size=1, max_size=30)


def d(text: str) -> np.ndarray:
    return np.array([10 if c in "Xx" else int(c) for c in text], np.int64)


def t(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8).copy()


_resident_id, _luhn, _card_issuer, _uscc = compiled.resident_id, compiled.luhn, compiled.card_issuer, compiled.uscc
_mod11_10, _iban, _mobile = compiled.mod11_10, compiled.iban, compiled.mobile


class checks:  # the compiled checks read pointers; these doors take arrays
    resident_id = staticmethod(numba.njit(lambda v, a, x, today: _resident_id(pointer(v), a, x, today)))
    luhn = staticmethod(numba.njit(lambda v, a, b: _luhn(pointer(v), a, b)))
    card_issuer = staticmethod(numba.njit(lambda v, a, n: _card_issuer(pointer(v), a, n)))
    uscc = staticmethod(numba.njit(lambda v, a: _uscc(pointer(v), a)))
    mod11_10 = staticmethod(numba.njit(lambda v, a, b: _mod11_10(pointer(v), a, b)))
    iban = staticmethod(numba.njit(lambda v, a, b: _iban(pointer(v), a, b)))
    mobile = staticmethod(numba.njit(lambda v, a: _mobile(pointer(v), a)))


class TestResidentId:
    def test_equals_the_reference_on_random_bodies(self) -> None:
        """Kernel and reference agree on 20,000 numbers, right and wrong, dated and undated."""
        r = random.Random(1)
        seen = set()
        for _ in range(20_000):
            region = r.choice(("11", "44", "65", "83", "91", "00", "47"))
            body = f"{region}{r.randrange(10**4):04d}{r.randrange(1850, 2100)}{r.randrange(1, 14):02d}"
            body += f"{r.randrange(0, 33):02d}{r.randrange(1000):03d}"
            last = r.choice("0123456789X")
            want = reference.resident_id(body + last)
            got = checks.resident_id(d(body + last), 0, last == "X", 20261123)
            assert min(got, 2) == want
            seen.add(got)
        assert seen == {0, 1, 2, 3}

    def test_agrees_with_stdnum_on_check_digits(self) -> None:
        """python-stdnum's check digit of a body is the one the kernel accepts."""
        from stdnum.cn.ric import calc_check_digit

        for body in ("11010519491231002", "44052418800101001", "62020119900101123"):
            last = calc_check_digit(body + "0")  # it leaves the last character out
            assert checks.resident_id(d(body + last), 0, last == "X", 20261123) == 2


class TestCards:
    @settings(max_examples=300, deadline=None)
    @given(digits)
    def test_luhn_equals_the_reference(self, text: str) -> None:
        """Luhn in the kernel is Luhn in plain Python."""
        assert checks.luhn(d(text), 0, len(text)) == reference.luhn(text)

    @pytest.mark.parametrize("text", ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "3530111333300000"])
    def test_published_test_cards_have_issuer_and_luhn(self, text: str) -> None:
        """Card schemes' own test numbers are cards."""
        assert checks.luhn(d(text), 0, len(text))
        assert checks.card_issuer(d(text), 0, len(text))


class TestCodes:
    @pytest.mark.parametrize("text", ["91350100M000100Y43", "91110000600037341L", "9131000060000000XX"[:18]])
    def test_uscc_equals_reference_and_stdnum(self, text: str) -> None:
        """Credit codes from the standard's and stdnum's examples are judged alike."""
        from stdnum.cn import uscc

        got = checks.uscc(t(text), 0)
        assert got == reference.uscc(text)
        if uscc.is_valid(text):
            assert got == 2

    def test_uscc_equals_the_reference_on_random_codes(self) -> None:
        """Kernel and reference agree on 5,000 random codes."""
        r = random.Random(2)
        for _ in range(5_000):
            text = r.choice("19AN5IY") + "".join(r.choice(reference._USCC) for _ in range(1)) + f"{r.randrange(10**6):06d}"
            text += "".join(r.choice(reference._USCC) for _ in range(10))
            assert checks.uscc(t(text), 0) == reference.uscc(text)

    @settings(max_examples=300, deadline=None)
    @given(st.text("0123456789", min_size=15, max_size=15))
    def test_mod_11_10_equals_reference_and_stdnum(self, text: str) -> None:
        """Business registration check equals the reference and stdnum's ISO 7064."""
        from stdnum.iso7064 import mod_11_10

        assert checks.mod11_10(d(text), 0, 15) == reference.mod11_10(text) == mod_11_10.is_valid(text)

    @pytest.mark.parametrize("text", ["GB82WEST12345698765432", "DE89370400440532013000", "FR1420041010050500013M02606"])
    def test_published_ibans_pass_and_changed_ones_fail(self, text: str) -> None:
        """IBANs of the registry's examples pass; with two digits swapped they don't."""
        assert checks.iban(t(text), 0, len(text)) == 2
        assert reference.iban(text)
        other = text[:-2] + text[-1] + text[-2]
        assert (checks.iban(t(other), 0, len(other)) == 2) == reference.iban(other)

    @settings(deadline=None)
    @given(st.text("0123456789", min_size=11, max_size=11))
    def test_mobile_equals_the_reference(self, text: str) -> None:
        """Mobile heads are the same in kernel and reference."""
        assert checks.mobile(d(text), 0) == reference.mobile(text)


@settings(deadline=None)
@given(st.binary(max_size=80), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_siphash_equals_the_reference(data: bytes, a: int, b: int) -> None:
    """The compiled keyed hash is SipHash-1-3 as written in plain Python."""
    assert int(hash_cells(pa.array([data]), (a, b))[0]) == siphash_reference(data, (a, b))


def test_every_file_with_compiled_functions_is_in_the_stamp_of_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A change in any of them throws away all that was compiled: functions live on inside their callers otherwise."""
    from workbench.sources import kernel_cache

    root = kernel_cache.ROOT
    mine = {p.relative_to(root).as_posix() for p in root.rglob("*.py") if "\n@compiled(" in p.read_text(encoding="utf-8")}
    assert mine == set(kernel_cache.FILES)
    before = kernel_cache.stamp()
    for name in mine:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((root / name).read_bytes())
    monkeypatch.setattr(kernel_cache, "ROOT", tmp_path)
    kernel_cache.stamp.cache_clear()
    assert kernel_cache.stamp() == before
    (tmp_path / "classification" / "checks.py").write_text("changed")
    kernel_cache.stamp.cache_clear()
    assert kernel_cache.stamp() != before
    kernel_cache.stamp.cache_clear()
