"""WORKLOAD: rows of twelve columns as a firm has them, with the truth of every cell's type; seeded, synthetic."""

# ruff: noqa: E501 - programs in strings and printed lines
from __future__ import annotations

import random

import pyarrow as pa

UNIQUE = 20_000
TRUTH = {
    "mobile": "cn_mobile", "id": "cn_resident_id", "card": "bank_card", "uscc": "cn_uscc", "email": "email", "ip": "ipv4",
    "order_no": None, "serial": None, "name": None, "address": None, "amount": None, "remark": "cn_resident_id",
}  # fmt: skip
"""column -> type whose values are scored; a name in no list is not scored (some peers know no names)"""
SCORED = ("cn_mobile", "cn_resident_id", "bank_card", "cn_uscc", "email", "ipv4")


def luhn(body: str) -> str:
    """The digit that makes body + digit pass."""
    total = sum(v if i % 2 else sum(divmod(2 * v, 10)) for i, v in enumerate(int(c) for c in reversed(body)))
    return str(-total % 10)


def unique_rows(n: int = UNIQUE, seed: int = 7) -> dict[str, list[str]]:
    """``n`` different rows."""
    from faker import Faker

    fake = Faker("zh_CN")
    Faker.seed(seed)
    r = random.Random(seed)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"

    def resident() -> str:
        body = f"{r.choice((110105, 310115, 440305, 510107))}{r.randrange(1950, 2012)}{r.randrange(1, 13):02d}{r.randrange(1, 29):02d}{r.randrange(1000):03d}"
        return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]

    def credit() -> str:
        body = "91" + f"{r.choice((110105, 310115, 440305))}" + "".join(r.choices(letters, k=9))
        return body + letters[(31 - sum(letters.index(c) * pow(3, i, 31) for i, c in enumerate(body)) % 31) % 31]

    def card() -> str:
        body = r.choice(("622202", "621700", "622848", "625955")) + "".join(r.choices("0123456789", k=12))
        return body + luhn(body)

    def phone() -> str:
        digits = r.choice(("138", "139", "150", "158", "177", "186", "199")) + "".join(r.choices("0123456789", k=8))
        return r.choice((digits, f"+86 {digits[:3]}-{digits[3:7]}-{digits[7:]}", f"{digits[:3]} {digits[3:7]} {digits[7:]}"))

    notes = ("周末送货", "需要开票", "老客户", "包装破损要求换货", "母亲节活动引流")
    return {
        "mobile": [phone() for _ in range(n)],
        "id": [resident() for _ in range(n)],
        "card": [card() for _ in range(n)],
        "uscc": [credit() for _ in range(n)],
        "email": [fake.email() for _ in range(n)],
        "ip": [fake.ipv4() for _ in range(n)],
        "order_no": [f"SO{20260000 + i}{r.randrange(10**4):04d}" for i in range(n)],
        "serial": ["".join(r.choices("0123456789", k=14)) for _ in range(n)],
        "name": [fake.name() for _ in range(n)],
        "address": [fake.address() for _ in range(n)],
        "amount": [f"{r.random() * 1e4:.2f}" for _ in range(n)],
        "remark": [r.choice(notes) + (f",身份证{resident()}" if i % 50 == 0 else "") for i in range(n)],
    }


def batches(rows: int, seed: int = 7) -> list[pa.RecordBatch]:
    """``rows`` rows in batches of 65,536 that share the unique rows' values."""
    unique = pa.table(unique_rows(seed=seed))
    copies = -(-rows // UNIQUE)
    table = pa.concat_tables([unique] * copies).slice(0, rows).combine_chunks()
    return table.to_batches(max_chunksize=65_536)
