"""What the byte pass recognises in single cells, and what it leaves alone."""

from __future__ import annotations

import pytest

from workbench.classification.texts import count_candidates, count_values

ID = "11010519491231002X"
CARD = "6222021234567890128"

FOUND = [
    ("cn_resident_id", [ID, f"身份证{ID}。", f"id={ID},ok", "１１０１０５１９４９１２３１００２Ｘ", "110105 19491231 002X",
                        "11010519491231002x"]),
    ("cn_mobile", ["13812345678", "138 1234 5678", "138-1234-5678", "+8613812345678", "+86 138-1234-5678", "0086 13812345678",
                   "008613812345678", "(+86)138-1234-5678", "电话:13812345678,谢谢", "86-13812345678", "+86138-1234-5678",
                   "１３８１２３４５６７８", "138\u00a01234\u00a05678"]),
    ("cn_landline", ["010-12345678"[:3] + "-82345678", "(0359)5782263", "(0895)-5983597", "0376-85312997", "021 6234 5678",
                     "0755-82345678-801"]),
    ("bank_card", [CARD, "6222 0212 3456 7890 128", "4111-1111-1111-1111", "3782 822463 10005", "卡号4111111111111111"]),
    ("cn_uscc", ["91350100M000100Y43", "税号91350100M000100Y43。"]),
    ("email", ["li@example.com", "mail: a.b+c@x-y.co.uk.", "<zhang_3@163.com>", "联系li@example.com,谢谢"]),
    ("ipv4", ["192.168.1.10", "from 8.8.8.8:53", "登录IP 10.0.0.1"]),
    ("ipv6", ["2001:db8::1", "fe80::1ff:fe23:4567:890a", "::1234:5678", "2a7c:8457:3f90:5530:6bfd:7d88:3a6a:41e2", "::ffff:192.0.2.1"]),
    ("mac", ["00:1A:2b:3c:4d:5e", "00-1a-2b-3c-4d-5e"]),
    ("iban", ["GB82WEST12345698765432", "GB82 WEST 1234 5698 7654 32 please"]),
    ("phone", ["+1 415-555-2671", "+44 20 7946 0958", "(415) 555-2671", "415-555-2671"]),
    ("us_ssn", ["536-90-4399"]),
    ("cn_plate", ["京A12345", "沪AD12345", "车牌粤B8888K,"]),
    ("person_name_zh", ["张伟", "欧阳文华", "李子涵"]),
    ("address_zh", ["北京市朝阳区建国路88号", "广东省深圳市南山区科技园路1号万科城2栋3单元401室"]),
]
LEFT = [
    ("cn_resident_id", ["110105194912310021", "1101051949123100", "999999199001011234", "11010519491331002X", f"9{ID}", f"{ID}5"]),
    ("cn_mobile", ["12812345678", "138123456789", "1381234567", "3.13812345678", "2013812345678", "A13812345678B"]),
    ("bank_card", ["6222021234567890127", "1234567890123456", "0000000000000000"]),
    ("email", ["a@b", "@example.com", "user@localhost", "a@@b.com", "x@.com"]),
    ("ipv4", ["256.1.1.1", "1.2.3", "1.2.3.4.5", "01.02.03.04", "v1.2.3.4"]),
    ("ipv6", ["12:34:56", "::", "00:1A:2B:3C:4D:5E", "a::b::c"]),
    ("person_name_zh", ["苹果", "已完成", "王", "客户服务部门"]),
]


@pytest.mark.parametrize(("slot", "texts"), FOUND, ids=[s for s, _ in FOUND])
def test_values_are_found(slot: str, texts: list[str]) -> None:
    """Every way of writing it is found, one by one."""
    missed = [i for i, text in enumerate(texts) if not count_values([text]).get(slot)]
    assert missed == []


@pytest.mark.parametrize(("slot", "texts"), LEFT, ids=[s for s, _ in LEFT])
def test_near_misses_are_left(slot: str, texts: list[str]) -> None:
    """What only looks like it does not count as proven."""
    wrong = [i for i, text in enumerate(texts) if count_values([text]).get(slot)]
    assert wrong == []


def test_several_values_in_one_cell_count_each() -> None:
    """Two phones and an ID in one remark are all seen."""
    got = count_values([f"打13812345678或13912345678,证{ID}"])
    assert got["cn_mobile"] == 1  # one cell
    assert got["cn_resident_id"] == 1


def test_whole_and_embedded_are_told_apart() -> None:
    """A cell that is the number and a cell that holds it are counted apart."""
    assert count_candidates(["13812345678", "call 13812345678 now"])["cn_mobile"] == (2, 1, 2)
