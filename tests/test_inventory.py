"""The inventory lists what exists and how it is linked, declared or not."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CASE_TOML, SHARED
from workbench.case import Case
from workbench.inventory import found_links, take_inventory
from workbench.sources import open_location


def shop(path: Path, *, declared: bool) -> None:
    fk = "REFERENCES customers(id)" if declared else ""
    r = random.Random(5)
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT)")
    db.execute(f"CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER {fk}, quantity INTEGER, product_id INTEGER)")
    db.execute("CREATE TABLE staff (id INTEGER PRIMARY KEY, manager_id INTEGER)")
    db.executemany("INSERT INTO customers VALUES (?, ?)", [(i, f"u{i}@x.cn") for i in range(1, 301)])
    db.executemany("INSERT INTO orders VALUES (?,?,?,?)", [(i, r.randrange(1, 301), r.randrange(1, 9), 10**6 + i) for i in range(1, 900)])
    db.executemany("INSERT INTO staff VALUES (?, ?)", [(i, None if i == 1 else 1 + i // 4) for i in range(1, 20)])
    db.commit()
    db.close()


@pytest.mark.parametrize("declared", [True, False])
def test_links_are_found_with_and_without_keys(tmp_path: Path, declared: bool) -> None:
    """orders.customer_id and staff.manager_id are found in the data; numbers that merely fit are not."""
    shop(tmp_path / "s.sqlite", declared=declared)
    with open_location(str(tmp_path / "s.sqlite")) as s:
        found = {(k.table, k.key.columns[0], k.key.ref_table) for k in found_links(s, s.tables())}
    assert found == {("staff", "manager_id", "staff")} | (set() if declared else {("orders", "customer_id", "customers")})


def test_chinook_links_come_back_from_the_data(tmp_path: Path) -> None:
    """With every declared key hidden, at least nine of Chinook's eleven links are found and none is wrong."""
    path = SHARED / "chinook.sqlite"
    if not path.exists():
        pytest.skip("../shared/data is absent")
    with open_location(str(path)) as s:
        true = {(t.name, k.columns, k.ref_table) for t in s.tables() for k in t.foreign_keys}
        bare = tuple(t.model_copy(update={"foreign_keys": ()}) for t in s.tables())
        found = {(k.table, k.key.columns, k.key.ref_table) for k in found_links(s, bare)}
    assert found <= true
    assert len(found) >= 9


def test_take_inventory_saves_tables_links_and_assets(make_case: Callable[..., Path]) -> None:
    """The step saves one value with every source's tables, unindexed links and the assets of case.toml."""
    more = '[[sources]]\nname = "shop"\nurl = "sqlite:///s.sqlite"\n[[assets]]\nname = "laptop"\nkind = "device"\n'
    folder = make_case(toml=CASE_TOML + more)
    shop(folder / "s.sqlite", declared=True)
    case = Case.open(folder)
    case.begin()
    inventory = take_inventory(case)
    assert [t.id for t in inventory.tables] == ["files.a.csv", "shop.customers", "shop.orders", "shop.staff"]
    link = next(k for k in inventory.links if k.table == "orders")
    assert link.key.declared
    assert not link.indexed
    assert inventory.assets[0].name == "laptop"
    assert case.load(type(inventory)) == inventory
