"""Cases with a plan, protected and approved, for erasure."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from workbench.case import Case, approvals
from workbench.case.approvals import Approval
from workbench.plan.gates import config_digest
from workbench.plan.model import Condition, Disposal, Plan, RecordSet, Text
from workbench.vault import protect

PEOPLE = """
[case]
id = "shop"
company = "测试公司"
place = "上海"
[[people]]
id = "op"
name = "O"
roles = ["operator"]
[[people]]
id = "a1"
name = "A"
roles = ["approver"]
[[people]]
id = "a2"
name = "B"
roles = ["approver", "supervisor"]
[dates]
as_of = 2026-11-23
[settings.vault]
argon2_mib = 8
object_mib = 1
"""


def disposal(id_: str, source: str, table: str, action: str, where: Sequence[tuple[str, str, str]] = (),
             **more: object) -> Disposal:
    conditions = tuple(Condition(column=c, op=op, value=v) for c, op, v in where)  # type: ignore[arg-type]
    return Disposal(id=id_, set=RecordSet(source=source, table=table, where=conditions), action=action,  # type: ignore
                    reason=Text(zh="测试", en="test"), **more)  # type: ignore[arg-type]


def make_shop(path: Path, *, journal: str = "delete", rows: int = 600) -> None:
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA journal_mode={journal}")
    db.executescript("""
        CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, phone TEXT UNIQUE, email TEXT,
                                mobile BIGINT, boss INTEGER REFERENCES customers(id));
        CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id),
                             placed TEXT, total NUMERIC, address TEXT NOT NULL);
        CREATE TABLE items (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id), sku TEXT);
        CREATE TABLE products (sku TEXT PRIMARY KEY, title TEXT);
    """)
    db.executemany("INSERT INTO customers VALUES (?,?,?,?,?,?)", [
        (i, f"王CANARYNAME{i:05d}", f"139{i:08d}", f"canarymail{i:05d}@x.example", 13_800_000_000 + i,
         i - 1 if i > 1 else None) for i in range(1, rows + 1)])
    db.executemany("INSERT INTO orders VALUES (?,?,?,?,?)", [
        (i, 1 + i % rows, f"{2000 + i % 26}-05-01 10:00:00", i / 4, f"CANARYADDR{i:05d} 上海路{i}")
        for i in range(1, 2 * rows + 1)])
    db.executemany("INSERT INTO items VALUES (?,?,?)", [(i, 1 + i % (2 * rows), f"SKU-{i % 50:04d}")
                                                       for i in range(1, 3 * rows + 1)])
    db.executemany("INSERT INTO products VALUES (?,?)", [(f"SKU-{i:04d}", f"product {i}") for i in range(50)])
    db.commit()
    db.close()


def shop_plan(line: Callable[..., Disposal]) -> list[Disposal]:
    """Orders younger than 2014 are locked with the address cleared; their customers stay, stripped."""
    old, young = ("placed", "<", "2014-01-01"), ("placed", ">=", "2014-01-01")
    return [
        line("D001", "shop", "items", "erase", [("order_id", "parent_in", "D003")]),
        line("D002", "shop", "items", "keep", [("order_id", "parent_in", "D004")]),
        line("D003", "shop", "orders", "erase", [old]),
        line("D004", "shop", "orders", "lock", [young], suppress=("address",), retention_class="cn.accounting/2040"),
        line("D005", "shop", "customers", "erase", [("", "unreferenced", "")]),
        line("D006", "shop", "customers", "lock", [("", "referenced", "")],
             suppress=("name", "phone", "email", "mobile"), retention_class="cn.accounting/2040"),
        line("D007", "shop", "products", "keep"),
    ]


class Bench:
    """A case folder under test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.case: Case

    def open(self, sources: str) -> Case:
        (self.folder / "case.toml").write_text(PEOPLE + sources, encoding="utf-8")
        self.case = Case.open(self.folder)
        return self.case

    def plan(self, *disposals: Disposal) -> Plan:
        plan = Plan(case_id="shop", as_of=dt.date(2026, 11, 23), inventory="0" * 64, findings="0" * 64,
                    config=config_digest(self.case.config), packs=(), disposals=disposals)
        self.case.save(plan)
        return plan

    def approve(self) -> Approval:
        approvals.approve(self.case, "a1")
        approval = approvals.approve(self.case, "a2")
        assert approval is not None
        return approval

    def ready(self, *disposals: Disposal) -> Approval:
        protect(self.case)
        self.plan(*disposals)
        return self.approve()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "correct horse battery")
    folder = tmp_path / "case"
    folder.mkdir()
    return Bench(folder)


@pytest.fixture
def line() -> Callable[..., Disposal]:
    return disposal


@pytest.fixture(name="make_shop")
def _make_shop() -> Callable[..., None]:
    return make_shop


@pytest.fixture(name="shop_plan")
def _shop_plan() -> list[Disposal]:
    return shop_plan(disposal)
