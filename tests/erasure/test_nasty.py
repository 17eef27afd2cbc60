"""Awkward schemas on every engine: odd names, composite keys, no keys, generated columns, cascades, links that bind."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import shutil

from servers import PG_BIN, Maria, Postgres, hits, server_folder

from workbench.erasure import dry_run, erase
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]


@pytest.fixture(scope="module")
def pg() -> Iterator[Postgres]:
    if not (PG_BIN / "postgres").exists():
        pytest.skip("no PostgreSQL server on this machine")
    with server_folder() as folder:
        made = Postgres(folder)
        yield made
        made.stop()


@pytest.fixture(scope="module")
def maria() -> Iterator[Maria]:
    if not shutil.which("mariadb-install-db"):
        pytest.skip("no MariaDB server on this machine")
    with server_folder() as folder:
        made = Maria(folder)
        yield made
        made.stop()


def nasty_plan(line: Line, person: str, order: str, odd: str) -> list[Disposal]:
    """Persons go, but for those that a locked order needs; orders are locked; the rest goes."""
    return [
        line("D1", "n", order, "lock", suppress=("note",), retention_class="k/2040"),
        line("D2", "n", "visit", "erase", [("at", "<", "2020-01-01")]),
        line("D3", "n", "visit", "keep", [("at", ">=", "2020-01-01")]),
        line("D4", "n", odd, "erase"),
        line("D5", "n", "detail", "erase", [("a,b", "parent_in", "D4")]),
        line("D6", "n", "detail", "keep", [("a,b", "parent_gone", odd)]),
        line("D7", "n", person, "erase"),
    ]


SQLITE = '''
CREATE TABLE "Per ""son" ("select" TEXT PRIMARY KEY, name TEXT NOT NULL, full TEXT GENERATED ALWAYS AS (name || '!') STORED)
    WITHOUT ROWID;
CREATE TABLE "订单" (id INTEGER PRIMARY KEY, who TEXT NOT NULL REFERENCES "Per ""son"("select") ON DELETE CASCADE,
    note TEXT NOT NULL CHECK (length(note) < 100));
CREATE TABLE visit (rowid TEXT, at, who TEXT);
CREATE TABLE "odd;--" (a INTEGER, b TEXT, x TEXT, PRIMARY KEY (a, b));
CREATE TABLE detail (a INTEGER, b TEXT, n TEXT, FOREIGN KEY (a, b) REFERENCES "odd;--"(a, b) ON DELETE SET NULL);
'''


def fill(run: Callable[[str, list[tuple[Any, ...]]], None], mark: str, person: str, order: str, odd: str, name: str) -> None:
    run(f"INSERT INTO {person} ({name}, name) VALUES ({mark}, {mark})",
        [(f"key{i:05d}", f"CANARYPERSON{i:05d}赵") for i in range(200)])
    run(f"INSERT INTO {order} (id, who, note) VALUES ({mark}, {mark}, {mark})",
        [(i, f"key{i:05d}", f"CANARYNOTE{i:05d}") for i in range(50)])
    run(f"INSERT INTO visit VALUES ({mark}, {mark}, {mark})",
        [(f"r{i % 7}", f"{2015 + i % 10}年3月{1 + i % 9}日" if i % 3 else None, f"{'CANARY' if i % 3 and i % 10 < 5 else 'KEPT'}V{i:04d}")
         for i in range(300)])
    run(f"INSERT INTO {odd} (a, b, x) VALUES ({mark}, {mark}, {mark})",
        [(i, f"b{i % 3}", f"CANARYODD{i:05d}") for i in range(80)])
    run(f"INSERT INTO detail VALUES ({mark}, {mark}, {mark})",
        [(i, f"b{i % 3}", f"CANARYDET{i:05d}") for i in range(80)] + [(None, None, "KEPTDETAIL")])


def judge(result: Any, counts: dict[str, int]) -> None:
    by = {r.disposal: r for r in result.disposals}
    assert (by["D7"].planned, by["D7"].refused, by["D7"].deleted) == (200, 50, 150), by["D7"]
    assert [p for p in result.problems if "D7" not in p] == []
    assert any("50 rows were left" in p for p in result.problems)
    assert {k: by[k].verdict for k in ("D1", "D2", "D4", "D5")} == dict.fromkeys(("D1", "D2", "D4", "D5"), "STORE_CLEAN")
    assert counts == {"person": 50, "order": 50, "visit": counts["visit"], "odd": 0, "detail": 1}
    assert counts["visit"] == by["D3"].planned
    assert by["D1"].suppressed == 50


def test_nasty_on_sqlite(bench: Any, line: Line) -> None:
    """SQLite: WITHOUT ROWID, a column called rowid, generated columns, quotes and dashes in names."""
    path = bench.folder / "n.sqlite"
    db = sqlite3.connect(path)
    db.executescript(SQLITE)
    fill(lambda sql, rows: db.executemany(sql, rows) and None, "?", '"Per ""son"', '"订单"', '"odd;--"', '"select"')
    db.commit()
    db.close()
    bench.open('[[sources]]\nname = "n"\nurl = "sqlite:///n.sqlite"\n')
    plan = nasty_plan(line, 'Per "son', "订单", "odd;--")
    bench.plan(*plan)
    dry_run(bench.case)
    result = erase(bench.case, bench.ready(*plan))
    db = sqlite3.connect(path)
    judge(result, {k: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for k, t in (
        ("person", '"Per ""son"'), ("order", '"订单"'), ("visit", "visit"), ("odd", '"odd;--"'), ("detail", "detail"))})
    assert db.execute('SELECT count(*) FROM "订单" JOIN "Per ""son" ON "select" = who').fetchone() == (50,)
    db.close()
    data = path.read_bytes()
    for gone in (b"CANARYNOTE", b"CANARYV", b"CANARYODD", b"CANARYDET"):
        assert gone not in data


def test_nasty_on_postgres(bench: Any, line: Line, pg: Postgres) -> None:
    """PostgreSQL: odd names, two schemas, cascades, enums, arrays, a table without a key."""
    import psycopg

    pg.sql("DROP DATABASE IF EXISTS wb_erase_nasty")
    pg.sql("CREATE DATABASE wb_erase_nasty")
    pg.sql('''
        CREATE TYPE mood AS ENUM ('ok', 'bad');
        CREATE TABLE "Per ""son" ("select" text PRIMARY KEY, name varchar(60) NOT NULL,
            full_name text GENERATED ALWAYS AS (name || '!') STORED, n int GENERATED ALWAYS AS IDENTITY,
            m mood NOT NULL DEFAULT 'ok', tags text[] NOT NULL DEFAULT '{}');
        CREATE TABLE "订单" (id int PRIMARY KEY, who text NOT NULL REFERENCES "Per ""son"("select") ON DELETE CASCADE,
            note text NOT NULL CHECK (length(note) < 100));
        CREATE INDEX ON "订单"(who);
        CREATE TABLE visit (rowid text, at text, who text);
        CREATE TABLE "odd;--" (a int, b text, x text, PRIMARY KEY (a, b));
        CREATE TABLE detail (a int, b text, n text, FOREIGN KEY (a, b) REFERENCES "odd;--"(a, b) ON DELETE SET NULL);
        CREATE VIEW who AS SELECT name FROM "Per ""son";
    ''', "wb_erase_nasty")
    with psycopg.connect(host="127.0.0.1", port=pg.port, user="postgres", dbname="wb_erase_nasty") as cx:
        fill(lambda sql, rows: cx.cursor().executemany(sql, rows), "%s", '"Per ""son"', '"订单"', '"odd;--"', '"select"')
    bench.open(f'[[sources]]\nname = "n"\nurl = "{pg.url("wb_erase_nasty")}"\n')
    plan = nasty_plan(line, 'Per "son', "订单", "odd;--")
    bench.plan(*plan)
    dry_run(bench.case)
    result = erase(bench.case, bench.ready(*plan))
    judge(result, {k: pg.sql(f"SELECT count(*) FROM {t}", "wb_erase_nasty")[0][0] for k, t in (
        ("person", '"Per ""son"'), ("order", '"订单"'), ("visit", "visit"), ("odd", '"odd;--"'), ("detail", "detail"))})
    for gone in (b"CANARYNOTE", b"CANARYV", b"CANARYODD", b"CANARYDET"):
        assert hits(pg.data, gone) == {}
    pg.sql("DROP DATABASE wb_erase_nasty WITH (FORCE)")


def test_nasty_on_mariadb(bench: Any, line: Line, maria: Maria) -> None:
    """MariaDB: odd names, cascades, composite links."""
    import pymysql

    maria.sql("DROP DATABASE IF EXISTS wb_erase_nasty; CREATE DATABASE wb_erase_nasty CHARACTER SET utf8mb4")
    maria.sql('''
        CREATE TABLE `Per "son` (`select` VARCHAR(20) PRIMARY KEY, name VARCHAR(60) NOT NULL,
            full_name VARCHAR(80) AS (CONCAT(name, '!')) STORED);
        CREATE TABLE `订单` (id INT PRIMARY KEY, who VARCHAR(20) NOT NULL, note VARCHAR(90) NOT NULL CHECK (length(note) < 80),
            FOREIGN KEY (who) REFERENCES `Per "son`(`select`) ON DELETE CASCADE);
        CREATE TABLE visit (rowid VARCHAR(9), at VARCHAR(30), who VARCHAR(30), n INT AUTO_INCREMENT PRIMARY KEY);
        CREATE TABLE `odd;--` (a INT, b VARCHAR(9), x VARCHAR(30), PRIMARY KEY (a, b));
        CREATE TABLE detail (a INT, b VARCHAR(9), n VARCHAR(30), i INT AUTO_INCREMENT UNIQUE KEY,
            FOREIGN KEY (a, b) REFERENCES `odd;--`(a, b) ON DELETE SET NULL);
    ''', "wb_erase_nasty")
    cx = pymysql.connect(host="127.0.0.1", port=maria.port, user="root", database="wb_erase_nasty", autocommit=True,
                         charset="utf8mb4")

    def run(sql: str, rows: list[tuple[Any, ...]]) -> None:
        sql = sql.replace("INTO visit VALUES", "INTO visit (rowid, at, who) VALUES")
        cx.cursor().executemany(sql.replace("INTO detail VALUES", "INTO detail (a, b, n) VALUES"), rows)

    fill(run, "%s", '`Per "son`', "`订单`", "`odd;--`", "`select`")
    cx.close()
    bench.open(f'[[sources]]\nname = "n"\nurl = "{maria.url("wb_erase_nasty")}"\n')
    plan = nasty_plan(line, 'Per "son', "订单", "odd;--")
    bench.plan(*plan)
    dry_run(bench.case)
    result = erase(bench.case, bench.ready(*plan))
    judge(result, {k: maria.sql(f"SELECT count(*) FROM {t}", "wb_erase_nasty")[0][0] for k, t in (
        ("person", '`Per "son`'), ("order", "`订单`"), ("visit", "visit"), ("odd", "`odd;--`"), ("detail", "detail"))})
    for gone in (b"CANARYNOTE", b"CANARYV", b"CANARYODD", b"CANARYDET"):
        assert hits(maria.data, gone) == {}
    maria.sql("DROP DATABASE wb_erase_nasty")
