"""A small closing company on disk: an SQLite shop and a folder of files, with canaries."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.case import Case

PASS = "correct horse battery"  # of throw-away vaults only


CASE_TOML = """
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
[[sources]]
name = "shop"
url = "sqlite:///shop.sqlite"
[[sources]]
name = "exports"
path = "exports"
[settings.vault]
argon2_mib = 8
object_mib = 1
[dates]
as_of = 2026-11-23
"""


def build_shop(path: Path, customers: int = 300) -> None:
    with sqlite3.connect(path) as db:
        db.executescript("""
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, phone TEXT UNIQUE, email TEXT,
                                    created TEXT, photo BLOB);
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id),
                                 placed TEXT, total NUMERIC, address TEXT NOT NULL);
            CREATE INDEX ix_orders ON orders(customer_id);
            CREATE TABLE empty_one (id INTEGER PRIMARY KEY, note TEXT);
        """)
        db.executemany("INSERT INTO customers VALUES (?,?,?,?,?,?)", [
            (i, f"王CANARYNAME{i:05d}", f"139{i:08d}", f"canarymail{i:05d}@x.example", f"20{10 + i % 16}-03-01",
             b"\x00\xffCANARYBLOB%05d" % i) for i in range(1, customers + 1)])
        db.executemany("INSERT INTO orders VALUES (?,?,?,?,?)", [
            (i, 1 + i % customers, f"20{10 + i % 16}-05-0{1 + i % 9} 10:00:00", i / 4, f"CANARYADDR{i:05d} 上海路")
            for i in range(1, 3 * customers + 1)])
    db.close()


@pytest.fixture
def make_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Case]:
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", PASS)

    def make(name: str = "case", customers: int = 300, extra: str = "") -> Case:
        folder = tmp_path / name
        (folder / "exports").mkdir(parents=True)
        (folder / "case.toml").write_text(CASE_TOML + extra, encoding="utf-8")
        build_shop(folder / "shop.sqlite", customers)
        (folder / "exports" / "clients.csv").write_bytes(
            "编号,姓名,电话\n".encode("gb18030")
            + "".join(f"{i},李CANARYCSV{i:04d},138{i:08d}\n" for i in range(50)).encode("gb18030"))
        (folder / "exports" / "chat.txt").write_text("CANARYCHAT 你好\n第二行\n", encoding="utf-8")
        return Case.open(folder)

    return make
