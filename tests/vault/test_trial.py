"""The restore test into a fresh database: the demo company, and a table as nasty as an engine allows."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from workbench.case import Case
from workbench.errors import ParameterError, VaultError
from workbench.sources import open_location
from workbench.vault import archive_rows, close_window, protect, restore_into
from workbench.vault.digest import ContentDigest

PG = "postgresql://root@127.0.0.1:5432/"
MY = "mariadb://root@127.0.0.1:3306/"
NAME = "workbench_test_trial"
MakeCase = Callable[..., Case]

NASTY = """
CREATE TYPE mood AS ENUM ('good', '坏');
CREATE TABLE "nasty ""table"" 表" (
  id bigint PRIMARY KEY, tz timestamptz, ts timestamp(3), d date, t time, tt timetz, n numeric(38,10), free numeric,
  raw bytea, f double precision, r real, word text, fixed char(7), short varchar(20), doc jsonb, plain json, tags text[],
  grid integer[], yes boolean, small smallint, u uuid, net inet, long interval, m mood, "sel ect; ""--" text NOT NULL);
INSERT INTO "nasty ""table"" 表" VALUES
 (-9223372036854775808, '2026-11-23 23:59:59.999999+08', '1969-12-31 23:59:59.999', '0001-01-01', '23:59:59.999999',
  '12:00:00+08', 1234567890123456789012345678.0123456789, 0.1000,
  '\\x00ff0a0d22', 'NaN', 'Infinity', '', '上海', '👩‍👩‍👧‍👦', '{"键": [1, null, "x"]}',
  '{"a":  1}', '{"a,b", NULL, "", "\\"q"}', '{{1,2},{3,4}}', true, -32768, '00000000-0000-0000-0000-000000000000',
  '2001:db8::1/64', '1 year 2 mons -3 days', '坏', ''),
 (9223372036854775807, '1600-02-29 00:00:00+00', 'epoch', '9999-12-31', '00:00', NULL, -0.0000000001, 'NaN', '', '-Infinity',
  '-0', E'line\\nfeed\\ttab "quote"', 'x', 'עברית العربية', 'null', 'null', '{}', NULL, false, 32767, NULL, NULL, '-0.000001 s',
  'good', 'a,b'),
 (0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, E'\\\\N'),
 (1, '2026-03-29 02:30:00 Europe/Berlin', '2262-04-11 23:47:16.854', '1900-01-01', '12:34:56', '00:00-12', 1, 1e-20, '\\x5c78',
  0.1, 1e-40, 'NULL', '       ', '\u200f', '[]', '[]', '{NULL}', '{}', true, 0, NULL, '10.0.0.1', '0', 'good', '\u3000');
CREATE SCHEMA other;
CREATE TABLE other.empty_one (id integer, note text);
CREATE TABLE one_column (v text);
INSERT INTO one_column VALUES (NULL), (''), ('x');
"""


def admin(text: str, db: str = "postgres") -> None:
    psycopg = pytest.importorskip("psycopg")
    try:
        cx = psycopg.connect(PG + db, autocommit=True)
    except psycopg.OperationalError:
        pytest.skip("no PostgreSQL server on 127.0.0.1 that lets root in")
    with cx:
        cx.execute(text)


@pytest.fixture
def make_database() -> Iterator[Callable[[str], str]]:
    """Make an empty PostgreSQL database; all are dropped in the end."""
    made = []

    def make(suffix: str) -> str:
        name = f"{NAME}_{suffix}_{os.getpid()}"
        admin(f"DROP DATABASE IF EXISTS {name}")
        admin(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        made.append(name)
        return PG + name

    yield make
    for name in made:
        admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def with_source(case: Case, url: str) -> Case:
    text = (case.folder / "case.toml").read_text(encoding="utf-8")
    (case.folder / "case.toml").write_text(text.replace("sqlite:///shop.sqlite", url), encoding="utf-8")
    return Case.open(case.folder)


def content(url: str, table: str) -> tuple[int, str]:
    with open_location(url) as source:
        digest = ContentDigest([c.name for t in source.tables() if t.name == table for c in t.columns])
        for batch in source.batches(table):
            digest.add(batch)
        return digest.rows, digest.hex()


def rows_of(test: Any, source: str) -> dict[str, Any]:
    return {c.table: c for c in test.tables if c.source == source}


def test_a_nasty_table_comes_back_from_postgresql_in_both_engines(make_case: MakeCase, make_database: Callable[[str], str],
                                                                  tmp_path: Path) -> None:
    """Every value, null, zone, decimal, byte and declared type; only the enum becomes text, and that is said."""
    admin_url = make_database("src")
    admin(NASTY, admin_url.rpartition("/")[2])
    case = with_source(make_case(), admin_url)
    backup = protect(case)
    assert {t.table for t in backup.tables if t.source == "shop"} == {'nasty "table" 表', "other.empty_one", "one_column"}
    into = make_database("dst")
    test = restore_into(case, into, keep=True)
    assert test.ok, [c for c in test.tables if not c.equal]
    assert test.tables[0].rows_sealed == test.tables[0].rows_restored
    mine = rows_of(test, "shop")
    assert mine['nasty "table" 表'].rows_restored == 4
    assert mine['nasty "table" 表'].same_types is False  # the enum
    assert mine["one_column"].same_types is True
    assert "@" not in test.into or ":" not in test.into.partition("://")[2].partition("@")[0]
    with open_location(admin_url) as old, open_location(into) as new:
        declared = [{c.name: c.declared for t in s.tables() if t.name.endswith('"table" 表') for c in t.columns} for s in (old, new)]
    assert {k for k in declared[0] if declared[0][k] != declared[1][k]} == {"m"}
    assert declared[1]["n"] == "NUMERIC(38, 10)"
    assert content(into, 'shop.nasty "table" 表') == content(admin_url, 'nasty "table" 表')
    lite = restore_into(case, f"sqlite:///{tmp_path / 'new.sqlite'}", keep=True)
    assert lite.ok, [c for c in lite.tables if not c.equal]
    with sqlite3.connect(tmp_path / "new.sqlite") as db:
        got = db.execute('SELECT n, tz, f, raw, typeof(word), typeof(yes) FROM "nasty ""table"" 表" ORDER BY id').fetchone()
    db.close()
    assert got == ("1234567890123456789012345678.0123456789", "2026-11-23 15:59:59.999999Z", "nan", b"\x00\xff\n\r\"", "text",
                   "integer")


def test_sqlite_comes_back_in_both_engines_and_nothing_stays(make_case: MakeCase, make_database: Callable[[str], str],
                                                             tmp_path: Path) -> None:
    """Mixed cells, blobs, the edges of integers, NUL in a text; the fresh database is empty again afterwards."""
    case = make_case()
    with sqlite3.connect(case.folder / "shop.sqlite") as db:
        db.execute("CREATE TABLE odd (id INTEGER PRIMARY KEY, a INTEGER, b BLOB, c REAL, d, e TEXT, f BOOLEAN, g DATETIME, h NUMERIC(9,2))")
        db.executemany("INSERT INTO odd VALUES (?,?,?,?,?,?,?,?,?)", [
            (-2**63, 2**63 - 1, b"\0\xff", float("inf"), 1, "", True, "2026-11-23 23:59:59+08:00", 1.5),
            (2**63 - 1, None, None, 0.1, None, None, None, None, None),
            (3, 7, b"", -0.0, 2, "nul\0here 上海 👍🏽", False, "", 12345678901234.25)])
    db.close()
    protect(case)
    file = tmp_path / "fresh.sqlite"
    test = restore_into(case, f"sqlite:///{file}")
    assert test.ok, [c for c in test.tables if not c.equal]
    assert all(c.same_types for c in test.tables if c.source == "shop")
    assert len(test.tables) == 8
    assert not file.exists()
    into = make_database("lite")
    test = restore_into(case, into)
    assert test.ok, [c for c in test.tables if not c.equal]
    assert rows_of(test, "shop")["odd"].note == "taken as bytes"  # PostgreSQL's text holds no NUL
    with open_location(into) as source:
        assert source.tables() == ()


def test_a_lost_or_changed_row_is_found(make_case: MakeCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that loses, changes or doubles a row on the way fails the test for exactly that table."""
    from workbench.vault import database

    case = make_case()
    protect(case)
    original = database.python_cells

    def rounding(column: pa.Array) -> list[Any]:
        cells = original(column)
        return [round(c, 1) if isinstance(c, float) else c for c in cells]

    monkeypatch.setattr(database, "python_cells", rounding)
    test = restore_into(case, f"sqlite:///{tmp_path / 'a.sqlite'}")
    assert [c.table for c in test.tables if not c.equal] == ["orders"]
    assert not test.ok


def test_the_archive_is_tested_too_and_alone_after_the_window(make_case: MakeCase, tmp_path: Path) -> None:
    """Backup and archive while the window is open; the archive alone afterwards; what is no empty database is refused."""
    case = make_case()
    protect(case)
    batch = pa.record_batch({"id": [1, 2], "name": ["王", None], "amount": pa.array(["1.10", None]).cast(pa.decimal128(12, 2))})
    archive_rows(case, [batch], disposal="D-1", source="shop", table="orders", retention_class="cn.x/2040",
                 columns=("id", "name", "amount"))
    url = f"sqlite:///{tmp_path / 'a.sqlite'}"
    test = restore_into(case, url, keep=True)
    assert test.ok
    assert [c.rows_restored for c in test.tables if c.disposal == "D-1"] == [2]
    with pytest.raises(VaultError, match="not empty"):
        restore_into(case, url)
    with pytest.raises(ParameterError, match="SQLite or PostgreSQL"):
        restore_into(case, "mariadb://root@localhost/x")
    close_window(case)
    test = restore_into(case, f"sqlite:///{tmp_path / 'b.sqlite'}")
    assert (test.ok, len(test.tables), test.set_id) == (True, 1, "archive")


def test_mariadb_comes_back(make_case: MakeCase, make_database: Callable[[str], str], tmp_path: Path) -> None:
    """A MariaDB source into both engines: unsigned edges, decimals, zero dates, blobs."""
    pymysql = pytest.importorskip("pymysql")
    try:
        cx = pymysql.connect(host="127.0.0.1", user="root", autocommit=True)
    except pymysql.err.OperationalError:
        pytest.skip("no MariaDB server on 127.0.0.1 that lets root in")
    name = f"{NAME}_{os.getpid()}"
    with cx.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            cursor.execute(f"CREATE TABLE {name}.t (id BIGINT UNSIGNED PRIMARY KEY, n DECIMAL(38,10), d DATETIME(6), z DATE, y TIME, "
                           "b BLOB, s TEXT, f DOUBLE, o TINYINT(1), bits BIT(3), e ENUM('a','坏'))")
            cursor.execute("SET sql_mode=''")
            cursor.execute(f"INSERT INTO {name}.t VALUES (18446744073709551615, 1.0000000001, '2026-11-23 23:59:59.999999', "
                           "'0000-00-00', '-838:59:59', x'00ff', '👍 上海', 0.1, 1, b'101', '坏'), "
                           "(0, NULL, NULL, NULL, NULL, NULL, '', NULL, NULL, NULL, NULL)")
            case = with_source(make_case(), MY + name)
            protect(case)
            for url in (f"sqlite:///{tmp_path / 'm.sqlite'}", make_database("maria")):
                test = restore_into(case, url)
                assert test.ok, [c for c in test.tables if not c.equal]
        finally:
            cursor.execute(f"DROP DATABASE {name}")
    cx.close()


def test_the_demo_company_by_command(make_database: Callable[[str], str], tmp_path: Path) -> None:
    """The small demo company, sealed, into SQLite and PostgreSQL by command: equal, exit 0, and the record says so."""
    from workbench.demo.company import build
    from workbench.demo.run import prepare

    folder = prepare(tmp_path / "work", tmp_path / "out", "zh")
    build(tmp_path / "work" / "data", customers=200)
    protect(Case.open(folder))
    for url in (f"sqlite:///{tmp_path / 'd.sqlite'}", make_database("demo")):
        run = subprocess.run([sys.executable, "-m", "workbench", "vault", "restore-test", str(folder), "--into", url],
                             capture_output=True, text=True, env=os.environ)
        assert run.returncode == 0, run.stdout + run.stderr
        assert "不一致" not in run.stdout
    from workbench.vault.model import RestoreTest

    tests = Case.open(folder).history(RestoreTest)
    assert [t.ok for t in tests] == [True, True]
    assert {c.table for c in tests[0].tables} >= {"customers", "orders", "payments", "staff", "newsletter_utf8.csv"}
    assert all(c.same_types for c in tests[0].tables if c.source == "shop")
