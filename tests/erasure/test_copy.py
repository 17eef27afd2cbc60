"""Copying what stays: everything that hangs on a table is as before, a kill at any point ends like an undisturbed run."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from servers import PG_BIN, Maria, Postgres, hits, server_folder

from workbench.case import Case, approvals
from workbench.erasure import Certificates, dry_run, erase, execute, postgres_keys
from workbench.erasure.postgres_copy import PostgresCopy
from workbench.erasure.postgres_replace import PostgresReplace
from workbench.erasure.sqlite_copy import SqliteCopy
from workbench.erasure.stores import ENGINES
from workbench.erasure.strategy import CannotCopy
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]
EXPRESSIONS = pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
COPY = '[settings.erase]\nstrategy = "copy"\n'
NO_PG = pytest.mark.skipif(not (PG_BIN / "postgres").exists(), reason="no PostgreSQL server on this machine")
NO_MARIA = pytest.mark.skipif(not Path("/usr/sbin/mariadbd").exists(), reason="no MariaDB server on this machine")


KILL = """
import os, signal, sys
from importlib import import_module
from workbench.case import Case, approvals
from workbench.erasure import erase
store = getattr(import_module("workbench.erasure." + sys.argv[2]), sys.argv[3])
nth, seen, original = int(sys.argv[4]), [0], store.run
def run(self, sql, parameters=()):
    if sql.startswith(("TRUNCATE", "UNLOCK", "ALTER TABLE")) or "wb_erase_kept" in sql or (
            "wb_erase_journal" in sql and sql.startswith(("INSERT", "UPDATE", "DELETE"))):
        seen[0] += 1
        if seen[0] == nth:
            os.kill(os.getpid(), signal.SIGKILL)
    return original(self, sql, parameters)
store.run = run
case = Case.open(sys.argv[1])
erase(case, approvals.check(case))
"""


def killed(folder: Path, module: str, store: str, step: int, look: Callable[[], None] = lambda: None) -> None:
    """Kill one run after the other, each ``step`` changing statements further on, until one comes through; ``look`` after each."""
    nth = 1
    while True:
        child = subprocess.run([sys.executable, "-c", KILL, str(folder), module, store, str(nth)], cwd=Path(__file__).parents[2],
                               stderr=subprocess.PIPE, check=False)
        assert b"Traceback" not in child.stderr, child.stderr.decode()[-2000:]
        if child.returncode != -signal.SIGKILL:
            return
        look()
        nth += step


def plan(line: Line) -> list[Disposal]:
    """Old orders go, younger ones stay without their address; customers without a staying order go."""
    return [line("D1", "shop", "o", "erase", [("placed", "<", "2024-01-01")]),
            line("D2", "shop", "o", "lock", [("placed", ">=", "2024-01-01")], suppress=("address",), retention_class="k/2040"),
            line("D3", "shop", "c", "erase", [("", "unreferenced", "")]),
            line("D4", "shop", "c", "keep", [("", "referenced", "")]),
            line("D5", "shop", "log", "erase")]


# -- SQLite ----------------------------------------------------------------------------------------------------

LITE = """
CREATE TABLE c (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL COLLATE NOCASE, tag TEXT UNIQUE,
                upper_name TEXT GENERATED ALWAYS AS (upper(name)) STORED, any_value);
CREATE TABLE o (id INTEGER PRIMARY KEY, c INTEGER NOT NULL REFERENCES c(id) ON DELETE CASCADE, placed TEXT DEFAULT 'x',
                address TEXT CHECK (length(address) < 99), amount NUMERIC);
CREATE TABLE log (at TEXT, what TEXT, PRIMARY KEY (at, what)) WITHOUT ROWID;
CREATE INDEX o_c ON o(c);
CREATE INDEX o_expr ON o(lower(address)) WHERE amount > 1;
CREATE UNIQUE INDEX c_tag ON c(tag, name);
CREATE VIEW v AS SELECT o.id, c.name FROM o JOIN c ON c.id = o.c;
CREATE TRIGGER copies AFTER DELETE ON o BEGIN INSERT INTO log VALUES (old.id, 'gone'); END;
CREATE TRIGGER checks BEFORE INSERT ON o BEGIN SELECT RAISE(ABORT, 'closed'); END;
"""


def lite(path: Path) -> None:
    db = sqlite3.connect(path)
    db.executescript(LITE.replace("CREATE TRIGGER checks", "--").replace("BEFORE INSERT", "--"))
    db.executemany("INSERT INTO c(id, name, tag, any_value) VALUES (?,?,?,?)",
                   [(i, f"CANARYNAME{i:05d}王", f"mark-{i:04d}", b"\x01" if i % 2 else i / 3) for i in range(1, 401)])
    db.executemany("INSERT INTO o VALUES (?,?,?,?,?)", [(i, 1 + i % 400, f"{2005 + (i * 7) % 20}-01-02", f"CANARYADDR{i:05d}",
                                                        i / 7 if i % 3 else None) for i in range(1, 1601)])
    db.executemany("INSERT INTO log VALUES (?,?)", [(str(i), f"CANARYLOG{i}") for i in range(300)])
    db.execute("ANALYZE")
    db.execute(LITE.strip().splitlines()[-1])
    db.commit()
    db.close()


def schema(path: Path) -> tuple[list[Any], ...]:
    db = sqlite3.connect(path)
    out = (db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall(),
           db.execute("SELECT * FROM sqlite_sequence").fetchall(),
           db.execute("SELECT tbl, idx FROM sqlite_stat1 ORDER BY 1, 2").fetchall(),
           db.execute("PRAGMA integrity_check").fetchall())
    db.close()
    return out


def kept(path: Path) -> list[Any]:
    db = sqlite3.connect(path)
    rows = db.execute("SELECT id, c, placed, amount FROM o WHERE placed >= '2024' ORDER BY 1").fetchall()
    more = db.execute("SELECT *, typeof(any_value) FROM c WHERE id IN (SELECT c FROM o WHERE placed >= '2024')").fetchall()
    db.close()
    return rows + more


@EXPRESSIONS
@pytest.mark.parametrize(("journal", "way"), [("delete", "_replace"), ("wal", "_replace"), ("wal", "_refill")])
def test_sqlite_keeps_all_that_hangs_on_a_table(bench: Any, line: Line, journal: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Generated columns, collations, sequence, partial and expression indexes, triggers, views, statistics; bytes are clean."""
    other = {"_replace": "_refill", "_refill": "_replace"}[way]

    def cannot(self: SqliteCopy, table: str, stays: str) -> int:
        raise CannotCopy("不能", "cannot")

    monkeypatch.setattr(SqliteCopy, other, cannot)
    path = bench.folder / "shop.sqlite"
    lite(path)
    sqlite3.connect(path).execute(f"PRAGMA journal_mode={journal}")
    before, rows = schema(path), kept(path)
    bench.open(f'[[sources]]\nname = "shop"\nurl = "sqlite:///shop.sqlite"\n{COPY}')
    result = erase(bench.case, bench.ready(*plan(line)))
    assert result.problems == (), [c for s in result.stores for c in s.columns if c.residual_hits]
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    assert {r.disposal: r.strategy for r in result.disposals if r.planned} == {
        "D1": "copy kept rows and swap", "D2": "keyset batches", "D3": "copy kept rows and swap", "D4": "", "D5": "truncate"}
    assert all(r.deleted == r.planned for r in result.disposals if r.action == "erase")
    assert schema(path) == before
    assert kept(path) == rows
    assert b"CANARYADDR" not in path.read_bytes()
    told = {c.disposal: c.technique for c in bench.case.load(Certificates).certificates}
    assert "of the table goes" in told["D1"]
    assert told["D4"] == ""


@pytest.mark.parametrize(("made", "replaced"), [
    ("CREATE TABLE \"it's \"\"t\"(id INTEGER PRIMARY KEY, n INT, up INT REFERENCES \"it's \"\"t\"(id))", True),
    ("CREATE TABLE [b r]( -- ) a remark\n id INTEGER PRIMARY KEY AUTOINCREMENT, n INT, up REFERENCES [b r])", True),
    ("create table main.t (n int, up, id text primary key) without rowid", True),
    ("CREATE TABLE IF NOT EXISTS `t` (id TEXT UNIQUE, n INT, up) STRICT".replace("up)", "up ANY)"), True),
    ("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT CHECK (t.n >= 0), up)", False),
    ("CREATE TABLE t AS SELECT 1 AS id, 2 AS n, 3 AS up", True)])
def test_sqlite_replaces_a_table_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str, replaced: bool) -> None:
    """Its text is the same afterwards; one that names itself in a check is refilled instead."""
    from workbench.case.config import SourceSpec
    from workbench.erasure.fit import deleted, prepared
    from workbench.erasure.sqlite import SqliteStore
    from workbench.erasure.strategy import Choice

    path = tmp_path / "s.sqlite"
    db = sqlite3.connect(path)
    db.execute(made)
    (name,) = next(iter(db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")))
    quoted = '"' + name.replace('"', '""') + '"'
    db.execute(f"DELETE FROM {quoted}")
    db.executemany(f"INSERT INTO {quoted} (id, n, up) VALUES (?, ?, ?)", [(i if "text" not in made.lower() else f"k{i}", i % 10, None)
                                                                       for i in range(1, 101)])
    db.execute(f"CREATE INDEX by_n ON {quoted} (n)")
    db.execute(f"CREATE VIEW seen AS SELECT n FROM {quoted}")
    db.commit()
    whole = ("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2", "PRAGMA integrity_check",
             f"SELECT * FROM {quoted} WHERE n > 4 ORDER BY id")
    before = [db.execute(sql).fetchall() for sql in whole]
    db.close()
    went, original = list[str](), SqliteCopy._refill
    monkeypatch.setattr(SqliteCopy, "_refill", lambda self, table, stays: (went.append(table), original(self, table, stays))[1])
    store = SqliteStore(SourceSpec(name="s", url="sqlite:///s.sqlite"), tmp_path)
    store.open()
    sel = prepared(store, 5, (name,))
    _, gone = deleted(store, sel, {name: Choice("copy", 0.0, "", "")})
    store.drop("wb_erase_journal")
    store.close()
    db = sqlite3.connect(path)
    assert gone == 50
    assert [db.execute(sql).fetchall() for sql in whole] == before
    assert db.execute("SELECT count(*) FROM seen").fetchall() == [(50,)]
    assert bool(went) is not replaced
    db.close()


@EXPRESSIONS
def test_sqlite_leaves_a_table_that_feeds_full_text_to_batches(bench: Any, line: Line) -> None:
    """The reason stands in the preflight."""
    path = bench.folder / "shop.sqlite"
    lite(path)
    db = sqlite3.connect(path)
    db.executescript("CREATE VIRTUAL TABLE f USING fts5(address, content='o', content_rowid='id');"
                     "CREATE TRIGGER feeds AFTER DELETE ON o BEGIN INSERT INTO f(f, rowid, address) "
                     "VALUES ('delete', old.id, old.address); END; INSERT INTO f(f) VALUES ('rebuild');")
    db.close()
    bench.open(f'[[sources]]\nname = "shop"\nurl = "sqlite:///shop.sqlite"\n{COPY}')
    bench.ready(*plan(line), *(line(f"F{n}", "shop", t, "keep") for n, t in enumerate(
        r[0] for r in sqlite3.connect(path).execute("SELECT name FROM sqlite_master WHERE name LIKE 'f%' AND type='table'"))))
    told = dry_run(bench.case)
    by = {p.object: p.en for p in told.preflight if p.check == "technique"}
    assert by["o"].startswith("keyset batches")
    assert "feed a full-text index" in by["o"]
    assert by["c"].startswith("copy kept rows")


# -- PostgreSQL ------------------------------------------------------------------------------------------------

PG = """
CREATE ROLE wb_copy_reader;
CREATE TABLE c (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone int, name text NOT NULL COLLATE "C", tag varchar(20),
    twice bigint GENERATED ALWAYS AS (id * 2) STORED, boss bigint REFERENCES c(id), EXCLUDE USING btree (tag WITH =));
ALTER TABLE c DROP COLUMN gone;
CREATE TABLE o (id serial PRIMARY KEY, c bigint NOT NULL, placed date DEFAULT '2001-01-01', address text, amount numeric(9,3),
    CONSTRAINT link FOREIGN KEY (c) REFERENCES c(id) ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED) WITH (fillfactor = 77);
ALTER TABLE o ADD CONSTRAINT old_check CHECK (amount >= 0) NOT VALID;
CREATE TABLE log (at timestamptz DEFAULT now(), what text);
CREATE INDEX o_c ON o(c); CREATE INDEX o_part ON o (lower(address)) INCLUDE (amount) WHERE amount > 1;
CREATE UNIQUE INDEX c_tag ON c (tag, name DESC NULLS LAST) WITH (fillfactor = 80);
CREATE INDEX o_marked ON o(placed); COMMENT ON INDEX o_marked IS 'kept'; CLUSTER o USING o_marked;
CREATE STATISTICS o_stat ON c, placed FROM o;
COMMENT ON TABLE o IS 'orders'; COMMENT ON COLUMN o.c IS 'who'; COMMENT ON CONSTRAINT link ON o IS 'the link';
GRANT SELECT ON o TO wb_copy_reader; GRANT SELECT (name) ON c TO wb_copy_reader;
ALTER TABLE o ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON o FOR SELECT TO wb_copy_reader USING (amount > 2);
CREATE VIEW v AS SELECT o.*, c.name FROM o JOIN c ON c.id = o.c;
CREATE VIEW grouped AS SELECT c.id, c.name, count(*) FROM c JOIN o ON o.c = c.id GROUP BY c.id;
CREATE MATERIALIZED VIEW m AS SELECT c, count(*) AS n FROM o GROUP BY c;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log(what) VALUES ('CANARYCOPY'); RETURN OLD; END $$;
CREATE TRIGGER t_row AFTER DELETE OR INSERT ON o FOR EACH ROW EXECUTE FUNCTION f();
CREATE TRIGGER t_cut BEFORE TRUNCATE ON o EXECUTE FUNCTION f();
CREATE TRIGGER t_off AFTER UPDATE ON c FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE c DISABLE TRIGGER t_off;
CREATE TRIGGER t_rep AFTER DELETE ON c FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE c ENABLE ALWAYS TRIGGER t_rep;
ALTER TABLE o DISABLE TRIGGER USER; ALTER TABLE c DISABLE TRIGGER t_rep;
SET CONSTRAINTS ALL IMMEDIATE;
INSERT INTO c(name, tag) SELECT 'CANARYNAME' || i || '王', 'tag' || i FROM generate_series(1, 600) i;
UPDATE c SET boss = NULL;
INSERT INTO o(c, placed, address, amount) SELECT 1 + i % 600, date '2005-01-01' + (i * 7) % 7300,
    'CANARYADDR' || i || repeat(md5(i::text), CASE WHEN i % 50 = 0 THEN 300 ELSE 0 END), i / 8.0 FROM generate_series(1, 2400) i;
INSERT INTO log(what) SELECT 'CANARYLOG' || i FROM generate_series(1, 200) i;
ALTER TABLE o ENABLE TRIGGER USER; ALTER TABLE c ENABLE ALWAYS TRIGGER t_rep;
ANALYZE;
"""
CATALOGUE = """
SELECT 'column', attrelid::regclass::text, attname, atttypid::text || attnotnull::text || attidentity::text || attgenerated::text ||
    coalesce(attacl::text, '') || attcollation::text, coalesce(pg_get_expr(d.adbin, d.adrelid), '') ||
    coalesce(col_description(attrelid, attnum), '')
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE attrelid IN ('o'::regclass, 'c'::regclass, 'log'::regclass) AND NOT attisdropped
UNION ALL SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisclustered::text || indisvalid::text ||
    indisprimary::text,
    coalesce(obj_description(indexrelid), '') FROM pg_index WHERE indrelid IN ('o'::regclass, 'c'::regclass, 'log'::regclass)
UNION ALL SELECT 'constraint', conname, conrelid::regclass::text, pg_get_constraintdef(oid) || convalidated::text,
    coalesce(obj_description(oid, 'pg_constraint'), '') FROM pg_constraint WHERE conrelid <> 0 AND connamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid), tgenabled::text, '' FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'table', oid::regclass::text, relacl::text, coalesce(reloptions::text, '') || relrowsecurity::text,
    obj_description(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'wb_erase%'
UNION ALL SELECT 'view', viewname, definition, '', '' FROM pg_views WHERE schemaname = 'public'
UNION ALL SELECT 'policy', polname, pg_get_expr(polqual, polrelid), '', '' FROM pg_policy
UNION ALL SELECT 'statistics', stxname, pg_get_statisticsobjdef(oid), '', '' FROM pg_statistic_ext
UNION ALL SELECT 'owned', objid::regclass::text, refobjid::regclass::text, refobjsubid::text, '' FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND refobjid IN ('o'::regclass, 'c'::regclass)
    AND objid::regclass::text LIKE '%seq'
UNION ALL SELECT 'sequence', c.oid::regclass::text, '', '', '' FROM pg_class c WHERE relkind = 'S'
ORDER BY 1, 2, 3
"""


@pytest.fixture(scope="module")
def pg() -> Iterator[Postgres]:
    with server_folder() as folder:
        made = Postgres(folder)
        yield made
        made.stop()


@pytest.fixture
def pg_shop(bench: Any, pg: Postgres, line: Line) -> Iterator[str]:
    pg.sql("DROP DATABASE IF EXISTS wb_erase_copy")
    pg.sql("DROP ROLE IF EXISTS wb_copy_reader")
    pg.sql("CREATE DATABASE wb_erase_copy")
    pg.sql(PG, "wb_erase_copy")
    bench.open(f'[[sources]]\nname = "shop"\nurl = "{pg.url("wb_erase_copy")}"\n{COPY}')
    bench.ready(*plan(line))
    yield "wb_erase_copy"
    pg.sql("DROP DATABASE IF EXISTS wb_erase_copy WITH (FORCE)")


@NO_PG
def test_postgresql_keeps_all_that_hangs_on_a_table(bench: Any, pg: Postgres, pg_shop: str) -> None:
    """The catalogue, the sequences' next values and the kept rows are the same; every byte of the cluster is clean."""
    before = pg.sql(CATALOGUE, pg_shop)
    rows = pg.sql("SELECT id, c, placed, amount FROM o WHERE placed >= '2024-01-01' ORDER BY 1", pg_shop)
    result = erase(bench.case, approvals.check(bench.case))
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    assert {r.strategy for r in result.disposals if r.action == "erase"} == {"copy kept rows and swap", "truncate"}
    assert pg.sql(CATALOGUE, pg_shop) == before
    assert pg.sql("SELECT id, c, placed, amount FROM o ORDER BY 1", pg_shop) == rows
    assert pg.sql("SELECT nextval('o_id_seq'), nextval(pg_get_serial_sequence('c', 'id'))", pg_shop) == [(2401, 601)]
    assert pg.sql("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'wb_erase%'", pg_shop) == [(0,)]
    pg.sql("CHECKPOINT")
    assert hits(pg.data, b"CANARYADDR") == {}


@NO_PG
def test_postgresql_goes_in_batches_where_a_copy_would_differ(bench: Any, pg: Postgres, pg_shop: str,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue that would differ rolls the copy back; the rows then go in batches and the certificate says so."""
    original, asked = PostgresCopy._catalogue, list[str]()

    def differs(self: PostgresCopy, t: str) -> list[Any]:
        asked.append(t)
        return [*original(self, t), len(asked) if t.endswith('"o"') else 0]

    monkeypatch.setattr(PostgresCopy, "_catalogue", differs)
    before = pg.sql(CATALOGUE, pg_shop)
    result = erase(bench.case, approvals.check(bench.case))
    assert result.problems == ()
    assert {r.disposal: r.strategy for r in result.disposals}["D1"] == "keyset batches"
    assert "copy kept rows and swap was planned" in {r.disposal: r.reason for r in result.disposals}["D1"]
    assert all(r.deleted == r.planned for r in result.disposals if r.action == "erase")
    assert pg.sql(CATALOGUE, pg_shop) == before


@NO_PG
def test_postgresql_killed_inside_a_copy_ends_like_an_undisturbed_run(bench: Any, pg: Postgres, pg_shop: str) -> None:
    """The server rolls the one transaction back; nothing is lost or counted twice."""
    before = pg.sql(CATALOGUE, pg_shop)
    rows = pg.sql("SELECT id, c, placed, amount FROM o WHERE placed >= '2024-01-01' ORDER BY 1", pg_shop)
    killed(bench.folder, "postgres", "PostgresStore", 4)
    case = Case.open(bench.folder)
    result = erase(case, approvals.check(case))
    assert result.problems == ()
    assert all(r.deleted == r.planned for r in result.disposals if r.action == "erase")
    assert pg.sql(CATALOGUE, pg_shop) == before
    assert pg.sql("SELECT id, c, placed, amount FROM o ORDER BY 1", pg_shop) == rows


@NO_PG
@pytest.mark.parametrize(("made", "why"), [
    ("CREATE PUBLICATION p FOR TABLE o", "published"), ("CREATE TABLE heir () INHERITS (o)", "inheritance"),
    ("CREATE RULE r AS ON INSERT TO o DO ALSO NOTHING", "rules"), ("ALTER TABLE o DISABLE TRIGGER ALL", "switched off"),
])
def test_postgresql_names_what_a_copy_cannot_carry(bench: Any, pg: Postgres, pg_shop: str, made: str, why: str) -> None:
    """In the preflight, before the first row."""
    pg.sql(made, pg_shop)
    from workbench.erasure.postgres import PostgresStore

    store = PostgresStore(bench.case.config.sources[0], bench.folder)
    store.open()
    try:
        assert why in store.cannot_copy("o")[1]
        assert store.cannot_copy("log") == ("", "")
    finally:
        store.close()


@NO_PG
def test_a_row_that_comes_in_behind_our_back_stays_and_is_noticed(bench: Any, pg: Postgres, pg_shop: str,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the whole table was to be truncated."""
    original = execute._copy

    def late(store: Any, table: str, *a: Any) -> None:
        if table in ("log", "o"):
            pg.sql({"log": "INSERT INTO log(what) VALUES ('late one')",
                    "o": "INSERT INTO o(c, placed, amount) SELECT c, '2001-01-01', 1 FROM o WHERE placed > '2024-01-01' LIMIT 1"}[table],
                   pg_shop)
        original(store, table, *a)

    monkeypatch.setattr(execute, "_copy", late)
    result = erase(bench.case, approvals.check(bench.case))
    assert result.verdict == "FAILED"
    assert any(p.startswith("shop.o: 1 rows more") for p in result.problems), result.problems
    assert any(p.startswith("shop.log: ") and "rows more" in p for p in result.problems), result.problems
    assert pg.sql("SELECT count(*) FROM log WHERE what = 'late one'", pg_shop)[0] == (1,)


PLAIN = """
CREATE TABLE c (id bigserial PRIMARY KEY, name varchar(60) NOT NULL, tag text UNIQUE, n int DEFAULT 7 CHECK (n >= 0), gone int);
ALTER TABLE c DROP COLUMN gone;
CREATE TABLE o (id int PRIMARY KEY, c bigint NOT NULL, up int REFERENCES o(id) DEFERRABLE, placed date, amount numeric(9,3) DEFAULT 1.5,
    address text COLLATE "C", CONSTRAINT link FOREIGN KEY (c) REFERENCES c(id));
CREATE TABLE log (what text PRIMARY KEY);
CREATE INDEX o_c ON o (c); CREATE INDEX part ON o (lower(address)) WHERE amount > 3;
COMMENT ON TABLE o IS 'orders, it''s'; COMMENT ON COLUMN o.placed IS '日期'; COMMENT ON CONSTRAINT link ON o IS 'a link';
ALTER TABLE o ADD CONSTRAINT later CHECK (amount < 1e6) NOT VALID; COMMENT ON CONSTRAINT later ON o IS 'unchecked';
CREATE ROLE wb_copy_reader; GRANT SELECT ON o TO wb_copy_reader WITH GRANT OPTION; GRANT INSERT ON o TO PUBLIC;
INSERT INTO c(name, tag, n) SELECT 'CANARYNAME' || i, 'tag' || i, i FROM generate_series(1, 600) i;
INSERT INTO o SELECT i, 1 + i % 600, NULL, date '2005-01-01' + (i * 7) % 7300, i / 8.0, 'CANARYADDR' || i FROM generate_series(1, 2400) i;
INSERT INTO log SELECT 'CANARYLOG' || i FROM generate_series(1, 200) i;
ANALYZE;
"""


@pytest.fixture
def pg_plain(bench: Any, pg: Postgres, line: Line) -> Iterator[str]:
    pg.sql("DROP DATABASE IF EXISTS wb_erase_plain WITH (FORCE)")
    pg.sql("DROP ROLE IF EXISTS wb_copy_reader")
    pg.sql("CREATE DATABASE wb_erase_plain")
    pg.sql(PLAIN, "wb_erase_plain")
    bench.open(f'[[sources]]\nname = "shop"\nurl = "{pg.url("wb_erase_plain")}"\n{COPY}')
    bench.ready(*plan(line))
    yield "wb_erase_plain"
    pg.sql("DROP DATABASE IF EXISTS wb_erase_plain WITH (FORCE)")
    pg.sql("DROP ROLE IF EXISTS wb_copy_reader")


@NO_PG
@EXPRESSIONS
@pytest.mark.parametrize("hindered", ["", "a view", "a definition that would differ"])
def test_postgresql_replaces_a_plain_table_and_refills_any_other(bench: Any, pg: Postgres, pg_plain: str, hindered: str,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    """A new table has all that the old one had: catalogue, serial, grants, comments, links; every byte is clean."""
    if hindered == "a view":
        pg.sql("CREATE VIEW v AS SELECT id, amount FROM o", pg_plain)
    if hindered == "a definition that would differ":
        original, asked = PostgresReplace._spelled, list[str]()

        def differs(self: PostgresReplace, t: str, *more: Any) -> list[Any]:
            asked.append(t)
            columns, table, indexes, *rest = original(self, t, *more)
            return [columns, table, [*indexes, len(asked)], *rest]

        monkeypatch.setattr(PostgresReplace, "_spelled", differs)
    before, old = pg.sql(CATALOGUE, pg_plain), pg.sql("SELECT 'o'::regclass::oid", pg_plain)
    rows = pg.sql("SELECT id, c, up, placed, amount FROM o WHERE placed >= '2024-01-01' ORDER BY 1", pg_plain)
    result = erase(bench.case, approvals.check(bench.case))
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    assert "copy kept rows and swap" in {r.strategy for r in result.disposals}
    assert pg.sql(CATALOGUE, pg_plain) == before
    assert pg.sql("SELECT id, c, up, placed, amount FROM o ORDER BY 1", pg_plain) == rows
    assert (pg.sql("SELECT 'o'::regclass::oid", pg_plain) == old) is bool(hindered)
    assert pg.sql("SELECT nextval(pg_get_serial_sequence('c', 'id'))", pg_plain) == [(601,)]
    assert pg.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'wb_erase%'", pg_plain) == [(0,)]
    pg.sql("CHECKPOINT")
    assert hits(pg.data, b"CANARYADDR") == {}


@NO_PG
@EXPRESSIONS
def test_postgresql_killed_while_it_replaces_tables_ends_like_an_undisturbed_run(bench: Any, pg: Postgres, pg_plain: str) -> None:
    """Links that wait for a later table are validated whatever happens in between."""
    before = pg.sql(CATALOGUE, pg_plain)
    rows = pg.sql("SELECT id, c, up, placed, amount FROM o WHERE placed >= '2024-01-01' ORDER BY 1", pg_plain)
    waited = list[object]()
    killed(bench.folder, "postgres", "PostgresStore", 5,
           lambda: waited.append(pg.sql("SELECT convalidated FROM pg_constraint WHERE conname = 'link'", pg_plain)))
    assert [(False,)] in waited
    case = Case.open(bench.folder)
    result = erase(case, approvals.check(case))
    assert result.problems == ()
    assert all(r.deleted == r.planned for r in result.disposals if r.action == "erase")
    assert pg.sql(CATALOGUE, pg_plain) == before
    assert pg.sql("SELECT id, c, up, placed, amount FROM o ORDER BY 1", pg_plain) == rows


# -- MariaDB ---------------------------------------------------------------------------------------------------

MARIA = """
CREATE TABLE c (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) CHARACTER SET utf8mb4 NOT NULL COMMENT 'who', tag VARCHAR(20) UNIQUE,
    twice BIGINT AS (n * 2) STORED, n INT CHECK (n >= 0), at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    boss BIGINT, CONSTRAINT own FOREIGN KEY (boss) REFERENCES c(id), FULLTEXT KEY words (name)) ENGINE=InnoDB COMMENT='customers';
CREATE TABLE o (id BIGINT PRIMARY KEY, c BIGINT NOT NULL, placed DATE, address TEXT, amount DECIMAL(9,3), zero DATE NOT NULL,
    KEY by_part (address(7), amount DESC),
    CONSTRAINT link FOREIGN KEY (c) REFERENCES c(id) ON DELETE RESTRICT) ENGINE=InnoDB ROW_FORMAT=COMPRESSED;
CREATE TABLE log (what VARCHAR(60) PRIMARY KEY) ENGINE=InnoDB;
CREATE VIEW v AS SELECT o.id, c.name FROM o JOIN c ON c.id = o.c;
INSERT INTO c(id, name, tag, n) SELECT seq, CONCAT('CANARYNAME', seq, '王'), CONCAT('tag', seq), seq FROM seq_1_to_600;
SET SESSION sql_mode = '';
INSERT INTO o SELECT seq, 1 + seq % 600, '2005-01-01' + INTERVAL (seq * 7) % 7300 DAY,
    CONCAT('CANARYADDR', seq, REPEAT(MD5(seq), IF(seq % 50 = 0, 300, 0))), seq / 8, '0000-00-00' FROM seq_0_to_2399;
INSERT INTO log SELECT CONCAT('CANARYLOG', seq) FROM seq_1_to_200;
CREATE TRIGGER t1 AFTER DELETE ON o FOR EACH ROW INSERT INTO log VALUES (CONCAT('CANARYCOPY', OLD.id));
CREATE TRIGGER t2 BEFORE UPDATE ON c FOR EACH ROW SET NEW.n = NEW.n;
"""
@pytest.fixture(scope="module")
def maria() -> Iterator[Maria]:
    with server_folder() as folder:
        made = Maria(folder)
        yield made
        made.stop()


@pytest.fixture
def maria_shop(bench: Any, maria: Maria, line: Line) -> Iterator[str]:
    maria.sql("DROP DATABASE IF EXISTS wb_copy")
    maria.sql("CREATE DATABASE wb_copy CHARACTER SET utf8mb4")
    maria.sql(MARIA, "wb_copy")
    bench.open(f'[[sources]]\nname = "shop"\nurl = "{maria.url("wb_copy")}"\n{COPY}')
    bench.ready(*plan(line))
    yield "wb_copy"
    maria.sql("DROP DATABASE IF EXISTS wb_copy")


def definitions(maria: Maria) -> list[Any]:
    out: list[Any] = [maria.sql(f"SHOW CREATE TABLE {t}", "wb_copy") for t in ("c", "o", "log", "v")]
    out.append([r[:4] for r in maria.sql("SHOW TRIGGERS", "wb_copy")])
    out.append(maria.sql("SELECT constraint_name, table_name, referenced_table_name FROM information_schema.referential_constraints "
                         "WHERE constraint_schema = 'wb_copy' ORDER BY 1"))
    return out


@NO_MARIA
def test_mariadb_keeps_all_that_hangs_on_a_table(bench: Any, maria: Maria, maria_shop: str) -> None:
    """Definitions with AUTO_INCREMENT, triggers, links and the kept rows (a zero id, a zero date) are the same."""
    before = definitions(maria)
    rows = maria.sql("SELECT id, c, placed, amount, zero FROM o WHERE placed >= '2024-01-01' ORDER BY 1", maria_shop)
    result = erase(bench.case, approvals.check(bench.case))
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    assert {r.strategy for r in result.disposals if r.action == "erase"} == {"copy kept rows and swap", "truncate"}
    assert all(r.deleted == r.planned for r in result.disposals if r.action == "erase")
    assert definitions(maria) == before
    assert maria.sql("SELECT id, c, placed, amount, zero FROM o ORDER BY 1", maria_shop) == rows
    assert hits(maria.data, b"CANARYADDR") == {}


@NO_MARIA
def test_mariadb_killed_at_every_point_of_a_copy_ends_like_an_undisturbed_run(bench: Any, maria: Maria, maria_shop: str) -> None:
    """Each kill falls on the next statement of the copy, so the kept rows are lost at none and counted twice at none.

    Nobody reads a table with fewer rows than stay: it is the old one, the new one, or for one kill of all not there.
    """
    rows = maria.sql("SELECT id, c, placed, amount FROM o WHERE placed >= '2024-01-01' ORDER BY 1", maria_shop)
    seen = list[int]()

    def look() -> None:
        if maria.sql("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'wb_copy' AND table_name = 'o'") == [(1,)]:
            seen.append(int(str(maria.sql("SELECT count(*) FROM o WHERE placed >= '2024-01-01'", maria_shop)[0][0])))
        else:
            seen.append(-1)

    killed(bench.folder, "mariadb", "MariaStore", 1, look)
    assert seen.count(-1) == 1
    assert {n for n in seen if n >= 0} == {len(rows)}
    case = Case.open(bench.folder)
    result = erase(case, approvals.check(case))
    assert result.problems == ()
    assert all(r.deleted == r.planned for r in result.disposals if r.action == "erase")
    assert maria.sql("SELECT id, c, placed, amount FROM o ORDER BY 1", maria_shop) == rows
    assert maria.sql("SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'wb_erase%'") == [(0,)]


# -- runs of keys ----------------------------------------------------------------------------------------------


@NO_MARIA
@NO_PG
@pytest.mark.parametrize(("engine", "kind", "ends"), [
    ("mariadb", "BIGINT UNSIGNED", (0, (1 << 64) - 1)), ("mariadb", "BIGINT", (-(1 << 63), (1 << 63) - 1)),
    ("postgresql", "BIGINT", (-(1 << 63), (1 << 63) - 1))])
@pytest.mark.parametrize("strategy", ["batches", "copy"])
@pytest.mark.parametrize("ends_go", [True, False])
def test_what_lies_between_runs_of_keys_stays(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                              engine: str, kind: str, ends: tuple[int, int], strategy: str, ends_go: bool) -> None:
    """Down to the least and the greatest number there is, and a row that came in between two runs after the selection."""
    from workbench.case.config import SourceSpec
    from workbench.erasure.fit import deleted, prepared
    from workbench.erasure.strategy import Choice

    server = request.getfixturevalue("maria" if engine == "mariadb" else "pg")
    going = {*range(100, 400), *range(401, 900), *(ends if ends_go else ())}
    rows = {*range(50, 1000), *ends} - {400}
    server.sql("DROP DATABASE IF EXISTS wb_runs")
    server.sql("CREATE DATABASE wb_runs")
    server.sql(f"CREATE TABLE t (id {kind} PRIMARY KEY, n INT)", "wb_runs")
    server.sql("INSERT INTO t VALUES " + ",".join(f"({i}, {0 if i in going else 9})" for i in sorted(rows)), "wb_runs")
    monkeypatch.setattr(execute, "FIRST", 120)
    monkeypatch.setattr(postgres_keys, "LARGE", 0)
    module, name = ENGINES[engine]
    store = getattr(import_module(f"workbench.erasure.{module}"), name)(SourceSpec(name="s", url=server.url("wb_runs")), tmp_path)
    store.open()
    try:
        sel = prepared(store, 1, ("t",))
        server.sql("INSERT INTO t VALUES (400, 0)", "wb_runs")
        _, gone = deleted(store, sel, {"t": Choice(strategy, 0.0, "", "")}, rewrite=False)
    finally:
        store.close()
    assert gone == len(going)
    assert {int(str(r[0])) for r in server.sql("SELECT id FROM t", "wb_runs")} == (rows - going) | {400}
    server.sql("DROP DATABASE wb_runs")


@NO_MARIA
@pytest.mark.parametrize("spoilt", ["DELETE FROM wb_erase_k0_r LIMIT 1", "DROP TABLE wb_erase_k0_r"])
def test_mariadb_makes_runs_again_that_are_not_the_keys(maria: Maria, tmp_path: Path, spoilt: str) -> None:
    """Also where the server numbers rows in steps of seven."""
    from workbench.case.config import SourceSpec
    from workbench.erasure.fit import deleted, prepared
    from workbench.erasure.mariadb import MariaStore
    from workbench.erasure.strategy import Choice

    maria.sql("DROP DATABASE IF EXISTS wb_runs; CREATE DATABASE wb_runs; SET GLOBAL auto_increment_increment = 7")
    maria.sql("CREATE TABLE t (id INT PRIMARY KEY, n INT); INSERT INTO t SELECT seq, seq % 100 >= 90 FROM seq_1_to_3000", "wb_runs")
    store = MariaStore(SourceSpec(name="s", url=maria.url("wb_runs")), tmp_path)
    store.open()
    try:
        sel = prepared(store, 1, ("t",))
        assert maria.sql("SELECT count(*), min(seq), max(seq) FROM wb_erase_k0", "wb_runs") == [(2700, 1, 2700)]
        assert len(maria.sql("SELECT * FROM wb_erase_k0_r", "wb_runs")) == 31
        maria.sql(spoilt, "wb_runs")
        _, gone = deleted(store, sel, {"t": Choice("copy", 0.0, "", "")}, rewrite=False)
    finally:
        store.close()
        maria.sql("SET GLOBAL auto_increment_increment = 1")
    assert gone == 2700
    assert [r[0] for r in maria.sql("SELECT id FROM t ORDER BY id", "wb_runs")] == [i for i in range(1, 3001) if i % 100 >= 90]
    maria.sql("DROP DATABASE wb_runs")


@pytest.mark.parametrize("strategy", ["batches", "set", "copy"])
@pytest.mark.parametrize("seed", range(3))
def test_sqlite_deletes_runs_of_row_numbers_and_nothing_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: str,
                                                                seed: int) -> None:
    """Whatever the batches cut, the least and the greatest number included; a row that came in between stays."""
    from workbench.case.config import SourceSpec
    from workbench.erasure.fit import deleted, prepared
    from workbench.erasure.sqlite import SqliteStore
    from workbench.erasure.strategy import Choice

    chance = random.Random(seed)
    rows, at = {-(1 << 63), (1 << 63) - 1}, -500
    going = set(rows) if seed else set()
    while at < 3_000:
        run, gap = chance.choice([1, 9, 40, 200]), chance.choice([0, 1, 3, 30])
        going |= set(range(at, at + run))
        at += run + gap
        rows |= set(range(at, at + gap))
        at += gap + 1
    late = next(i for i in range(3_000) if i not in going | rows)
    db = sqlite3.connect(tmp_path / "s.sqlite")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT)")
    db.executemany("INSERT INTO t VALUES (?, ?)", [(i, 0 if i in going else 9) for i in rows | going])
    db.commit()
    monkeypatch.setattr(execute, "FIRST", 120)
    store = SqliteStore(SourceSpec(name="s", url="sqlite:///s.sqlite"), tmp_path)
    store.open()
    sel = prepared(store, 1, ("t",))
    db.execute("INSERT INTO t VALUES (?, 0)", (late,))
    db.commit()
    _, gone = deleted(store, sel, {"t": Choice(strategy, 0.0, "", "")})
    store.close()
    assert gone == len(going)
    assert {r[0] for r in db.execute("SELECT id FROM t")} == (rows - going) | {late}
    db.close()
