"""Real SQLite, DuckDB, PostgreSQL and MariaDB: catalogue, rows, snapshot; and not a byte of theirs is touched."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import samples
from workbench.case.config import SourceSpec
from workbench.errors import ParameterError, SourceMissing, SourceRefused, SourceUnreadable
from workbench.sources import open_location, open_source
from workbench.sources.base import Source
from workbench.sources.catalog import full_name, name_parts

PG = "postgresql://root@127.0.0.1:5432/"
MY = "mariadb://root@127.0.0.1:3306/"


def rows(source: Source, table: str) -> list[dict[str, object]]:
    return [r for b in source.batches(table) for r in b.to_pylist()]


def state(folder: Path) -> dict[str, tuple[str, int]]:
    return {p.name: (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in folder.iterdir()}


class TestSqlite:
    @pytest.mark.parametrize("mode", ["delete", "wal"])
    def test_nothing_is_written(self, tmp_path: Path, mode: str) -> None:
        """Reading leaves the folder as it was: no -wal, no -shm, same bytes, same times."""
        path = tmp_path / "a%b c.sqlite"
        db = sqlite3.connect(path)
        db.execute(f"PRAGMA journal_mode={mode}")
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
        db.execute("INSERT INTO t VALUES (1, 'x')")
        db.commit()
        db.close()
        before = state(tmp_path)
        with open_location(str(path)) as s:
            assert rows(s, "t") == [{"id": 1, "v": "x"}]
        assert state(tmp_path) == before

    def test_a_live_writer_is_read_beside(self, tmp_path: Path) -> None:
        """Rows still in another program's -wal are seen."""
        path = tmp_path / "a.sqlite"
        db = sqlite3.connect(path)
        db.execute("PRAGMA journal_mode=wal")
        db.execute("CREATE TABLE t (v TEXT)")
        db.execute("INSERT INTO t VALUES ('x')")
        db.commit()
        with open_location(str(path)) as s:
            assert len(rows(s, "t")) == 1
        db.close()

    def test_a_crashed_writers_journal_is_read_from_a_copy(self, tmp_path: Path) -> None:
        """Rows in a -wal left by a crash are seen; the folder stays as it was."""
        path, there = tmp_path / "a.sqlite", tmp_path / "there"
        there.mkdir()
        db = sqlite3.connect(path)
        db.execute("PRAGMA journal_mode=wal")
        db.execute("CREATE TABLE t (v TEXT)")
        db.execute("INSERT INTO t VALUES ('x')")
        db.commit()
        for name in ("a.sqlite", "a.sqlite-wal"):
            (there / name).write_bytes((tmp_path / name).read_bytes())
        db.close()
        before = state(there)
        with open_location(str(there / "a.sqlite")) as s:
            assert len(rows(s, "t")) == 1
        assert state(there) == before

    def test_cells_that_change_type_are_read_to_the_end(self, tmp_path: Path) -> None:
        """Text in an integer column, first seen after the first batch, stops nothing."""
        path = tmp_path / "a.sqlite"
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT)")
        cells = [(i, i if i < 70_000 else f"text {i}", None if i < 66_000 else "later") for i in range(70_010)]
        db.executemany("INSERT INTO t VALUES (?,?,?)", cells)
        db.commit()
        db.close()
        with open_location(str(path)) as s:
            got = rows(s, "t")
            assert len(got) == s.tables()[0].rows == 70_010
            assert got[-1]["a"] == "text 70009"
            assert [r["id"] for r in got] == list(range(70_010))

    def test_keys_links_and_hostile_names(self, tmp_path: Path) -> None:
        """Primary keys, foreign keys and indexes are listed; a quote in a name is only a quote."""
        path = tmp_path / "a.sqlite"
        db = sqlite3.connect(path)
        db.executescript(
            'CREATE TABLE "a""; DROP TABLE b;--" (id INTEGER PRIMARY KEY, "sel ect" TEXT);'
            'CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES "a""; DROP TABLE b;--"(id));'
            "CREATE INDEX ix ON b(a_id); INSERT INTO b VALUES (1, 1);"
        )
        db.close()
        with open_location(str(path)) as s:
            by = {t.name: t for t in s.tables()}
            assert by["b"].foreign_keys[0].ref_table == 'a"; DROP TABLE b;--'
            assert by["b"].indexes[0].columns == ("a_id",)
            assert rows(s, 'a"; DROP TABLE b;--') == []
            assert rows(s, "b") == [{"id": 1, "a_id": 1}]

    def test_a_damaged_file_is_unreadable(self, tmp_path: Path) -> None:
        """A file that claims to be SQLite and isn't gives one sentence."""
        path = tmp_path / "a.sqlite"
        path.write_bytes(b"SQLite format 3\0" + b"13812345678" * 500)
        with open_location(str(path)) as s, pytest.raises(SourceUnreadable) as e:
            s.tables()
        assert "138" not in str(e.value)


def test_duckdb(tmp_path: Path) -> None:
    """A DuckDB file is read, keys included, and stays as it was."""
    import duckdb

    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("CREATE TABLE p (id INTEGER PRIMARY KEY, name VARCHAR); CREATE TABLE c (id INTEGER, p_id INTEGER REFERENCES p(id))")
        db.execute("INSERT INTO p VALUES (1, '张伟'); INSERT INTO c VALUES (1, 1)")
    before = state(tmp_path)
    with open_location(str(path)) as s:
        by = {t.name: t for t in s.tables()}
        assert by["c"].foreign_keys[0].ref_table == "p"
        assert by["p"].primary_key == ("id",)
        assert rows(s, "p") == [{"id": 1, "name": "张伟"}]
    assert state(tmp_path) == before


@pytest.fixture
def postgres() -> Iterator[str]:
    import psycopg

    try:
        admin = psycopg.connect(PG + "postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        pytest.skip("no PostgreSQL answers on 127.0.0.1:5432")
    admin.execute("DROP DATABASE IF EXISTS wb_detect_test")
    admin.execute("CREATE DATABASE wb_detect_test")
    with psycopg.connect(PG + "wb_detect_test", autocommit=True) as db:
        db.execute("CREATE TABLE people (id SERIAL PRIMARY KEY, name TEXT, n NUMERIC(10,2), j JSONB, u UUID,"
                   " t TIMESTAMPTZ, i INET, a TEXT[])")
        db.execute("INSERT INTO people (name, n, j, i) VALUES ('张伟', 1.5, '{\"tel\":\"1\"}', '10.0.0.1'), (NULL, NULL, NULL, NULL)")
        db.execute("CREATE TABLE orders (id INT PRIMARY KEY, people_id INT REFERENCES people(id))")
        db.execute("CREATE SCHEMA other; CREATE TABLE other.notes (t TEXT)")
    yield PG + "wb_detect_test"
    admin.execute("DROP DATABASE IF EXISTS wb_detect_test WITH (FORCE)")
    admin.close()


class TestPostgres:
    def test_through_the_command(self, postgres: str) -> None:
        """``workbench scan URL`` finds what was put in, and shows no value."""
        import psycopg

        with psycopg.connect(postgres, autocommit=True) as db:
            db.execute("CREATE TABLE clients (card TEXT, tel TEXT, mail TEXT)")
            db.execute("INSERT INTO clients VALUES (%s, %s, %s)", (samples.ID, samples.PHONE, samples.MAIL))
        assert {"cn_resident_id", "cn_mobile", "email", "ipv4"} <= samples.commanded(postgres)

    def test_catalogue_and_rows(self, postgres: str) -> None:
        """Tables of all schemas, types without a loss, links."""
        with open_location(postgres) as s:
            by = {t.name: t for t in s.tables()}
            assert set(by) == {"people", "orders", "other.notes"}
            assert by["orders"].foreign_keys[0].ref_table == "people"
            assert by["people"].rows == 2
            first = rows(s, "people")[0]
            assert (first["name"], first["n"], first["j"], first["i"]) == ("张伟", "1.50", '{"tel": "1"}', "10.0.0.1/32")

    def test_links_between_schemas_and_partitions(self, postgres: str) -> None:
        """A key into or inside another schema names the table as the list does; rows of a partition are listed once."""
        import psycopg

        with psycopg.connect(postgres, autocommit=True) as db:
            db.execute("""
                ALTER TABLE other.notes ADD id int PRIMARY KEY, ADD people_id int REFERENCES people(id);
                CREATE TABLE other.lines (note int REFERENCES other.notes(id));
                ALTER TABLE people ADD note int REFERENCES other.notes(id);
                CREATE TABLE paid (at date, n int) PARTITION BY RANGE (at);
                CREATE TABLE other.paid_old PARTITION OF paid DEFAULT;
                INSERT INTO paid VALUES ('2020-01-01', 1);
                CREATE TABLE "other.notes" (dot text); CREATE SCHEMA "odd.one"; CREATE TABLE "odd.one"."a b" (x text)""")
        with open_location(postgres) as s:
            by = {t.name: t for t in s.tables()}
            assert set(by) == {"people", "orders", "paid", "other.notes", "other.lines", '"other.notes"', '"odd.one".a b'}
            assert by["paid"].rows == 1
            assert [c.name for c in by['"other.notes"'].columns] == ["dot"]
            assert [name_parts(full_name(*p)) for p in (("a", "b"), ("", "a.b"), ("a.b", 'c"d'), ("", '"x'), ("", "y"))] == [
                ("a", "b"), ("", "a.b"), ("a.b", 'c"d'), ("", '"x'), ("", "y")]
            assert {n: t.foreign_keys[0].ref_table for n, t in by.items() if t.foreign_keys} == {
                "people": "other.notes", "orders": "people", "other.notes": "people", "other.lines": "other.notes"}

    def test_one_snapshot(self, postgres: str) -> None:
        """A row that arrives after the catalogue was read is not in the batches: counts and content agree."""
        import psycopg

        with open_location(postgres) as s:
            before = s.tables()
            with psycopg.connect(postgres, autocommit=True) as db:
                db.execute("INSERT INTO people (name) VALUES ('new')")
            assert len(rows(s, "people")) == next(t for t in before if t.name == "people").rows

    def test_parts_are_the_whole_as_of_the_snapshot(self, postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ranges of pages read at once by several sessions: each row once, none that came or went since; the scan agrees byte for byte."""
        import psycopg

        from workbench.classification.engine import run, run_streams
        from workbench.classification.rules import load_rules

        monkeypatch.setattr("workbench.sources.postgres.FEW_PAGES", 4)
        with psycopg.connect(postgres, autocommit=True) as db:
            db.execute("INSERT INTO people (name) SELECT '王' || i FROM generate_series(3, 9000) i")
            db.execute("CREATE VIEW seen AS SELECT * FROM people")
            db.execute("CREATE TABLE parted (id INT) PARTITION BY RANGE (id)")
            db.execute("CREATE TABLE parted_1 PARTITION OF parted DEFAULT; INSERT INTO parted SELECT generate_series(1, 9000)")
        with open_location(postgres) as s:
            s.tables()
            with psycopg.connect(postgres, autocommit=True) as db:
                db.execute("DELETE FROM people WHERE id % 2 = 0; INSERT INTO people (name) SELECT 'new' FROM generate_series(1, 9000)")
            parts = [[r["id"] for b in part() for r in b.to_pylist()] for part in s.streams("people", 3)]
            assert len(parts) == 3
            assert all(len(p) > 1000 for p in parts[:2])
            assert sorted(i for p in parts for i in p) == list(range(1, 9001))
            assert len(s.streams("orders", 3)) == 1, "small"
            assert sum(b.num_rows for part in s.streams("parted", 3) for b in part()) == 9000, "no pages of its own"
            rules = load_rules(20261124)
            whole, joined = run(s.batches("people"), rules), run_streams(s.streams("people", 3), rules)
            assert all((whole[c].counts == joined[c].counts).all() and (whole[c].cells == joined[c].cells).all() for c in whole)

    def test_a_part_that_breaks_off_breaks_no_other_table(self, postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that ends a session in mid-read: that table is unreadable, the next is read."""
        import psycopg

        from workbench.classification.engine import run_streams
        from workbench.classification.rules import load_rules
        from workbench.errors import SourceUnreadable

        monkeypatch.setattr("workbench.sources.postgres.FEW_PAGES", 4)
        with psycopg.connect(postgres, autocommit=True) as db:
            db.execute("INSERT INTO people (name) SELECT '王' || i FROM generate_series(3, 9000) i")
            with open_location(postgres) as s:
                parts = s.streams("people", 3)
                ended = db.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
                                   "AND pid <> pg_backend_pid() AND query LIKE 'SET TRANSACTION SNAPSHOT%'").fetchone()
                assert ended == (3,)
                with pytest.raises(SourceUnreadable, match="stopped while reading"):
                    run_streams(parts, load_rules(20261124))
                assert len([r for part in s.streams("people", 3) for b in part() for r in b.to_pylist()]) == 9000

    def test_a_table_that_may_not_be_read_is_named_and_the_rest_goes_on(self, postgres: str) -> None:
        """A user with rights on one table only."""
        import psycopg

        with psycopg.connect(postgres, autocommit=True) as db:
            db.execute("DROP ROLE IF EXISTS wb_half; CREATE ROLE wb_half LOGIN; GRANT SELECT ON people TO wb_half")
        try:
            with open_location(postgres.replace("root@", "wb_half@")) as s:
                assert [t.name for t in s.tables()] == ["people"]
                assert [(u.item, u.reason) for u in s.unreadable()] == [
                    (t, "no privilege to read it: GRANT SELECT") for t in ("orders", "other.notes")]
        finally:
            with psycopg.connect(postgres, autocommit=True) as db:
                db.execute("DROP OWNED BY wb_half; DROP ROLE wb_half")

    def test_read_only(self, postgres: str) -> None:
        """The session can't write."""
        with open_location(postgres) as s:
            s.tables()
            with pytest.raises(Exception, match="read-only"):
                s._connection.first("INSERT INTO people (name) VALUES ('x')")  # type: ignore[attr-defined]

    def test_refusals_are_sentences(self, postgres: str) -> None:
        """No database, no role, no server: each one clear sentence without the driver's words."""
        with pytest.raises(SourceMissing, match="no such database"), open_location(PG + "wb_detect_nope") as s:
            s.tables()
        with pytest.raises(SourceRefused, match="refused the login"), open_location("postgresql://wb_nobody@127.0.0.1:5432/postgres") as s:
            s.tables()
        with pytest.raises(SourceMissing, match="does not answer"), open_location("postgresql://root@127.0.0.1:1/x") as s:
            s.tables()


@pytest.fixture
def mariadb() -> Iterator[str]:
    import pymysql

    try:
        admin = pymysql.connect(host="127.0.0.1", user="root", connect_timeout=3)
    except pymysql.Error:
        pytest.skip("no MariaDB answers on 127.0.0.1:3306")
    with admin.cursor() as c:
        c.execute("DROP DATABASE IF EXISTS wb_detect_test")
        c.execute("CREATE DATABASE wb_detect_test CHARACTER SET utf8mb4")
        c.execute("USE wb_detect_test")
        c.execute("SET sql_mode=''")
        c.execute("CREATE TABLE people (id INT PRIMARY KEY, name VARCHAR(20), t TIME, d DATE, n DECIMAL(10,2), u BIGINT UNSIGNED)")
        c.execute("INSERT INTO people VALUES (1, '张伟', '30:00:00', '0000-00-00', 1.5, 18446744073709551615),"
                  "(2, NULL, NULL, NULL, NULL, NULL)")
        c.execute("CREATE TABLE `we``ird` (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES people(id))")
        admin.commit()
    yield MY + "wb_detect_test"
    with admin.cursor() as c:
        c.execute("DROP DATABASE IF EXISTS wb_detect_test")
    admin.close()


class TestMariadb:
    def test_through_the_command(self, mariadb: str) -> None:
        """``workbench scan URL`` finds what was put in, and shows no value."""
        import pymysql

        with pymysql.connect(host="127.0.0.1", user="root", database="wb_detect_test", autocommit=True) as db, db.cursor() as c:
            c.execute("CREATE TABLE clients (card VARCHAR(18), tel VARCHAR(20), mail VARCHAR(40))")
            c.execute("INSERT INTO clients VALUES (%s, %s, %s)", (samples.ID, samples.PHONE, samples.MAIL))
        assert {"cn_resident_id", "cn_mobile", "email"} <= samples.commanded(mariadb)

    def test_catalogue_and_rows(self, mariadb: str) -> None:
        """Times over 24 h, zero dates and unsigned numbers, which break drivers, come through."""
        with open_location(mariadb) as s:
            by = {t.name: t for t in s.tables()}
            assert by["we`ird"].foreign_keys[0].ref_table == "people"
            first, second = rows(s, "people")
            assert first == {"id": 1, "name": "张伟", "t": "30:00:00", "d": "0000-00-00", "n": "1.50", "u": 18446744073709551615}
            assert second["name"] is None
            assert rows(s, "we`ird") == []

    def test_refusals_are_sentences(self, mariadb: str) -> None:
        """Wrong user and wrong database are told apart."""
        with pytest.raises(SourceRefused, match="refused the login"), open_location("mariadb://wb_nobody@127.0.0.1:3306/test") as s:
            s.tables()
        with pytest.raises(SourceMissing, match="no such database"), open_location(MY + "wb_detect_nope") as s:
            s.tables()


class TestCredentials:
    def test_password_in_the_address_is_refused(self) -> None:
        """A command line is visible to others: no password there."""
        with pytest.raises(ParameterError, match="holds a password") as e:
            open_location("postgresql://u:secret@h/db")
        assert "secret" not in str(e.value)

    def test_unset_variable_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The variable that should hold the password is named, with what to type."""
        monkeypatch.delenv("SHOP_PW", raising=False)
        spec = SourceSpec(name="shop", url="postgresql://u@h/db", password_env="SHOP_PW")
        with pytest.raises(SourceRefused, match="SHOP_PW"):
            open_source(spec, tmp_path)

    def test_password_stays_out_of_location(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is printed never holds the password."""
        monkeypatch.setenv("SHOP_PW", "s3cret")
        spec = SourceSpec(name="shop", url="postgresql://u@127.0.0.1:1/db", password_env="SHOP_PW")
        source = open_source(spec, tmp_path)
        assert "s3cret" not in source.location

    def test_unknown_engines_are_refused(self) -> None:
        """An engine we don't read is said to be one, with what to do."""
        with pytest.raises(SourceUnreadable, match="not an engine"):
            open_location("oracle://u@h/db")
