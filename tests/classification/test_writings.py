"""Ways of writing that a column's name explains: codes, masks, serial numbers, packed addresses, headings of other languages."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.classification import checks, national
from workbench.classification.births import dates_in
from workbench.classification.decide import decide_column
from workbench.classification.partial import kernel, merge
from workbench.classification.rules import context_hits, load_rules, words_of
from workbench.classification.texts import count_candidates, count_values
from workbench.sources.base import Column, Table

TODAY = 20261123
RULES = load_rules(TODAY)


def found(name: str, cells: list[Any], table: str = "t") -> dict[str | None, int]:
    """Detector -> matched, of a column of that name."""
    batch = pa.record_batch([pa.array(cells)], [name])
    about = Table(source="s", name=table, columns=(Column(name=name, type=str(batch.schema[0].type)),), rows=len(cells))
    return {f.detector: f.matched for f in decide_column(about, about.columns[0], kernel(batch, RULES)[name], RULES)}


@pytest.mark.parametrize(
    ("name", "detector", "cells"),
    [
        ("xb", "gender", ["1", "2", "1", "9"]), ("gender", "gender", [1, 2, 0, None]), ("sex_code", "gender", [1.0, 2.0, None]),
        ("mzdm", "ethnicity", ["01", "03", "11"]), ("hyzk", "marital_status", [10, 20, 90]), ("gj", "nationality", ["CHN", "USA"]),
        ("xx", "blood_type", ["A", "AB", "O"]), ("religion_code", "religion", ["00", "10"]), ("age", "age", [3, 44, 101]),
        ("cvv2", "card_cvv", ["007", "123", "999"]), ("zzmm", "political_status", ["群众", "共青团员"]),
    ],
)  # fmt: skip
def test_codes_in_a_column_named_so(name: str, detector: str, cells: list[Any]) -> None:
    """Codes of the standards count as text, as integers and as floats; without the name they say nothing."""
    filled = sum(c is not None for c in cells)
    assert found(name, cells) == {detector: filled}
    if detector != "political_status":  # its words are proof enough
        assert found("state", cells) == {None: 0}


def test_other_numbers_are_no_codes() -> None:
    assert found("gender", [17, 18, 19, 20]) == {None: 0}
    assert found("age", [1700, 1800]) == {None: 0}
    assert found("age_limit", [16, 18]) == {None: 0}


@pytest.mark.parametrize(
    ("name", "detector", "cells"),
    [
        ("phone", "cn_mobile", ["138****1234", "139****4321"]), ("x", "cn_mobile", ["138****1234", "139****4321"]),
        ("id_no", "cn_resident_id", ["110101********1234", "310101********123X"]), ("card", "bank_card", ["6222 **** **** 1234"] * 2),
        ("姓名", "person_name", ["张**", "李*华"]), ("last_ip", "ipv4", [3232235777, 134744072]), ("regip", "ipv4", ["3232235777"]),
        ("ssn", "us_ssn", ["536904399", "219099999"]), ("geo_point", "location", ["31.230416,121.473701"] * 2),
        ("ppt_no", "passport", ["C01X00T47", "123456789"]), ("openid", "wechat_openid", ["oABCDEFGHIJKLMNOPQRSTUVWXYZ_"]),
        ("icd10", "health", ["I10.x00", "E11.900"]), ("主诉", "health", ["腰痛3天", "头晕"]), ("zjhm", "id_document", ["AB12345678"] * 2),
        ("mac", "mac", ["001A2B3C4D5E"]), ("acct", "bank_card", ["1234567890123456"] * 9), ("uan", "cn_housing_fund", ["100123456789"]),
        ("身份证", "cn_resident_id", ["110101199001010000"] * 9), ("vin", "vin", ["LSVAB4BR5EN123456"]),
    ],
)  # fmt: skip
def test_loose_writings_where_the_name_agrees(name: str, detector: str, cells: list[Any]) -> None:
    """Masked, packed, spoilt and plain values of a type are reported under its own id."""
    assert found(name, cells) == {detector: len(cells)}


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("product", ["Dr. Martens 1460"] * 9), ("app_ver", ["1.2.3.4"] * 9), ("x", ["{\"ver\": \"1.2.3.4\"}", "版本 1.2.3.4"]),
        ("order_no", ["1234567890123456"] * 9), ("session_id", ["3232235777"]), ("v", ["31.230416"]), ("zip", [3232235777]),
        ("drug_code", ["H12345678", "H87654321"] * 20), ("sku", ["A1234567", "B7654321", "C1111111"] * 9),
    ],
)  # fmt: skip
def test_look_alikes_stay(name: str, cells: list[Any]) -> None:
    assert found(name, cells) == {None: 0}


def test_a_few_names_again_and_again_are_things() -> None:
    """Herbs in a column called name; with people in it the same column is one of names."""
    assert found("name", ["黄芪", "白芍", "马应龙", "云南白药"] * 100) == {None: 0}
    r = random.Random(1)
    people = ["".join((r.choice("王李张刘陈杨赵"), r.choice("伟芳娜敏静强磊"), r.choice("伟芳娜敏静强磊"))) for _ in range(400)]
    assert found("name", people) == {"person_name": 400}


@pytest.mark.parametrize(
    ("heading", "cells", "detector"),
    [
        ("氏名", ["佐藤 太郎", "山田花子"], "person_name"), ("이름", ["김서연", "이민준"], "person_name"),
        ("prénom", ["Zoé", "Élodie"], "person_name"), ("Nachname", ["Müller", "Weiß"], "person_name"),
        ("주소", ["서울특별시 강남구 테헤란로 12"], "address"), ("電話番号", ["090-1234-5678"], "phone"),
        ("fecha_nacimiento", ["31-01-1990"], "birth_date"), ("生年月日", ["1990年1月2日"], "birth_date"),
        ("NINumber", ["AB123456C"], "gb_nino"), ("brxm", ["张伟"], "person_name"), ("JHR1DH", ["13812345678"], "cn_mobile"),
    ],
)  # fmt: skip
def test_headings_of_other_languages_and_pinyin(heading: str, cells: list[str], detector: str) -> None:
    assert list(found(heading, cells)) == [detector]


def test_words_of_a_heading() -> None:
    """Run-together words and accents; a star stands for the rest of a word."""
    assert {"ni", "number"} <= words_of("NINumber")
    assert context_hits(("*xm", "*phone*", "telephone"), "jhrxm") == ("xm",)
    assert context_hits(("*phone*",), "userPhoneNo") == context_hits(("*phone*",), "userphoneno") == ("phone",)
    assert context_hits(("telephone",), "Téléphone") == ("telephone",)


BORN = [
    ("33000", "1990-05-07"), ("33000.0", "1990-05-07"), ("1985", "1985-01-01"), ("1985-03", "1985-03-01"), ("1985年3月", "1985-03-01"),
    ("198503", "1985-03-01"), ("07-May-1990", "1990-05-07"), ("7 MAY 1990", "1990-05-07"), ("May 7, 1990", "1990-05-07"),
    ("642038400", "1990-05-07"), ("642038400000", "1990-05-07"), ("-157766400", "1965-01-01"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "day"), BORN)
def test_birthdays_as_numbers_and_words(text: str, day: str) -> None:
    """Spreadsheet serials, years, months, seconds and milliseconds since 1970, names of months."""
    assert dates_in(pa.array([text]), TODAY).to_pylist() == [day]
    assert found("出生日期", [text] * 3) == {"birth_date": 3}
    assert "birth_date" not in found("hired", [text] * 3)


@given(st.lists(st.none() | st.integers(-10**13, 10**13) | st.integers(0, 60_000), max_size=30), st.integers(0, 30))
def test_births_split_anywhere_are_the_same(values: list[int | None], cut: int) -> None:
    """A column of births gives the same partial whatever stands together in a batch."""
    def scanned(part: list[int | None]) -> Any:
        return kernel(pa.record_batch([pa.array(part, pa.int64())], ["birthday"]), RULES)

    whole, parts = scanned(values)["birthday"], merge(scanned(values[:cut]), scanned(values[cut:]))["birthday"]
    assert (whole.counts == parts.counts).all()
    assert (whole.stats == parts.stats).all()
    assert (whole.cells == parts.cells).all()


WRITTEN = [
    ("cn_plate", ["粤B·12345", "粤B 12345", "沪A-D12345", "鲁b12345", "京A1234警", "粤ZAB12港", "停在京A·8K888旁"],
     ["京A1234", "A12345", "沪I12345"]),
    ("cn_landline", ["+86 10 62345678", "+86-571-87654321", "86-571-87654321"], ["86-571-8765", "+1 571 8765432"]),
    ("mac", ["001a.2b3c.4d5e"], ["00:11:22:33:44:55:66", "0011.2233.4455", "00-11-22-33-44-55-66"]),
    ("ipv6", ["::1"], ["std::1", "::2"]),
    ("hk_id", ["A123456(3)", "证件A123456(3)"], ["A123456(4)", "A12345(6)"]),
]  # fmt: skip


@pytest.mark.parametrize(("slot", "right", "wrong"), WRITTEN, ids=[s for s, *_ in WRITTEN])
def test_further_ways_of_writing(slot: str, right: list[str], wrong: list[str]) -> None:
    assert [t for t in right if not count_values([t]).get(slot)] == []
    assert [t for t in wrong if count_values([t]).get(slot)] == []


def test_identity_cards_of_hong_kong_and_taiwan_equal_the_reference() -> None:
    """The compiled checks agree with the plain ones on random bodies."""
    r = random.Random(3)
    for _ in range(2_000):
        body = "".join(r.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=r.choice((1, 2)))) + f"{r.randrange(10**6):06d}"
        last = r.choice("0123456789A")
        t = np.frombuffer((body + last).encode(), np.uint8)
        assert count_candidates([body + last]).get("hk_id", (0, 0, 0))[2] == national.hkid(body + last), t
        taiwan = r.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") + r.choice("1289ABCD") + f"{r.randrange(10**8):08d}"
        assert count_candidates([taiwan]).get("tw_id", (0, 0, 0))[2] == national.tw_id(taiwan)
    assert callable(checks.hkid)


def test_a_column_of_them_needs_no_name() -> None:
    """Nearly all cells pass: cards of Hong Kong, devices, permits with both letters."""
    r = random.Random(4)
    bodies = [f"{r.choice('ABCDEGHK')}{r.randrange(10**6):06d}" for _ in range(60)]
    cards = [b + next(c for c in "0123456789A" if national.hkid(b + c)) for b in bodies]
    assert found("positive", cards) == {"hk_id": 60}
    assert list(found("positive", [f"{r.choice('HM')}{r.randrange(10**8):08d}" for _ in range(60)])) == ["cn_hkmo_permit"]
    assert list(found("positive", ["490154203237518", "356938035643809"] * 20)) == ["imei"]


def test_every_report_names_a_detector_of_the_same_category() -> None:
    by = {d.id: d for d in RULES.detectors}
    assert [d.id for d in RULES.detectors if d.reports and by[d.reports].category != d.category] == []


def test_whole_floats_are_read_as_digits() -> None:
    """Phones that a spreadsheet or pandas made floats."""
    assert found("手机", [13812345678.0, None, 13912345678.0]) == {"cn_mobile": 2}
