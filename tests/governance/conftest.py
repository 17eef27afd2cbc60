"""A small shop whose data may be broken on purpose."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.case import Case

TOML = """
[case]
id = "gov"
company = "甲公司"
company_en = "Company A"
place = "上海"
contact = "清算组 privacy@a.example"
sectors = ["ecommerce"]
jurisdictions = @PLACES@
[dates]
service_end = 2026-08-31
claims_end = 2026-10-31
as_of = 2026-11-23
[[people]]
id = "op"
name = "操作"
roles = @OP@
[[people]]
id = "ann"
name = "安"
roles = ["approver"]
[[people]]
id = "ben"
name = "本"
roles = ["approver"]
[[people]]
id = "sue"
name = "苏"
roles = ["supervisor"]
[[people]]
id = "ivy"
name = "检"
roles = ["inspector"]
[[sources]]
name = "shop"
url = "sqlite:///data/shop.sqlite"
system = "网店 shop"
[[assets]]
name = "物流商 courier"
kind = "partner"
contract = "C-2019"
holds_data = "收件信息"
last_inspected = 2026-11-01
keeper = "office"
[settings.vault]
argon2_mib = 8
object_mib = 1
"""


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., Case]:
    """A case over one SQLite shop of 60 customers; ``op``: roles of the operator, ``places``: jurisdictions."""

    def make(op: str = '["operator"]', places: str = '["CN"]', name: str = "case") -> Case:
        folder = tmp_path / name
        (folder / "data").mkdir(parents=True)
        db = sqlite3.connect(folder / "data" / "shop.sqlite")
        db.executescript("""
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, phone TEXT, old_phone TEXT, id_card TEXT);
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id), note TEXT);
        """)
        db.executemany("INSERT INTO customers VALUES (?,?,?,?,?)",
                       [(i, f"顾客{i}", f"138{i:08d}", None, None) for i in range(1, 61)])
        db.executemany("INSERT INTO orders VALUES (?,?,?)", [(i, 1 + i % 60, "周末送货") for i in range(1, 121)])
        db.commit()
        db.close()
        (folder / "case.toml").write_text(TOML.replace("@OP@", op).replace("@PLACES@", places), encoding="utf-8")
        case = Case.open(folder)
        case.begin()
        return case

    return make


def sql(case: Case, text: str) -> None:
    """Do something to the shop's database behind the case's back."""
    db = sqlite3.connect(case.folder / "data" / "shop.sqlite")
    db.execute(text)
    db.commit()
    db.close()
