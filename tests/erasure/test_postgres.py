"""PostgreSQL: a private server, so that every byte of its data directory can be looked at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from servers import PG_BIN, Postgres, hits, server_folder

from workbench.erasure import dry_run, erase
from workbench.erasure.postgres import PostgresStore
from workbench.errors import ErasureError
from workbench.plan.model import Disposal
from workbench.vault import protect

Line = Callable[..., Disposal]
pytestmark = pytest.mark.skipif(not (PG_BIN / "postgres").exists(), reason="no PostgreSQL server on this machine")
CHINOOK = Path(__file__).resolve().parents[3] / "shared" / "data" / "chinook_pg.sql"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with server_folder() as folder:
        made = Postgres(folder)
        yield made
        made.stop()


SHOP = """
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, phone varchar(20) UNIQUE, mobile bigint,
    email text, born date, updated timestamptz DEFAULT now(), boss bigint REFERENCES customers(id));
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers(id), placed text,
    total numeric(12,2), address text NOT NULL, doc jsonb, note uuid NOT NULL UNIQUE DEFAULT gen_random_uuid());
CREATE INDEX ON orders(customer_id); CREATE INDEX ON customers(boss); CREATE INDEX ON customers(email);
CREATE TABLE log (at timestamptz, who text, what text);
INSERT INTO customers SELECT i, '王CANARYNAME' || lpad(i::text, 5, '0'), '139' || lpad(i::text, 8, '0'), 13800000000 + i,
    'canarymail' || i || '@x.example', '1990-01-01', now(), CASE WHEN i > 1 THEN i - 1 END
    FROM generate_series(1, 800) i;
INSERT INTO orders(id, customer_id, placed, total, address, doc) SELECT i, 1 + i % 800, (2000 + i % 26)::text || '/5/1',
    i / 4.0, 'CANARYADDR' || lpad(i::text, 5, '0') || ' 上海路', jsonb_build_object('who', 'CANARYJSON' || i)
    FROM generate_series(1, 1600) i;
INSERT INTO log SELECT now(), 'CANARYLOG' || i, 'CANARYWHAT' || i FROM generate_series(1, 300) i;
CREATE MATERIALIZED VIEW emails AS SELECT email, name FROM customers;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated = now(); RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();
CREATE FUNCTION copy_row() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO log VALUES (now(), OLD.name, 'gone'); RETURN OLD; END $$;
CREATE TRIGGER keep_copy AFTER DELETE ON customers FOR EACH ROW EXECUTE FUNCTION copy_row();
ANALYZE;
"""


def plan(line: Line) -> list[Disposal]:
    old, young = ("placed", "<", "2014-01-01"), ("placed", ">=", "2014-01-01")
    return [
        line("D1", "shop", "orders", "erase", [old]),
        line("D2", "shop", "orders", "lock", [young], suppress=("address", "doc"), retention_class="cn.accounting/2040"),
        line("D3", "shop", "customers", "erase", [("", "unreferenced", "")]),
        line("D4", "shop", "customers", "lock", [("", "referenced", "")], retention_class="cn.accounting/2040",
             suppress=("name", "phone", "mobile", "email", "born")),
        line("D5", "shop", "log", "erase"),
    ]


@pytest.fixture
def shop(bench: Any, server: Postgres) -> Iterator[str]:
    server.sql("DROP DATABASE IF EXISTS wb_erase_shop")
    server.sql("CREATE DATABASE wb_erase_shop")
    server.sql(SHOP, "wb_erase_shop")
    bench.open(f'[[sources]]\nname = "shop"\nurl = "{server.url("wb_erase_shop")}"\n')
    yield "wb_erase_shop"
    server.sql("DROP DATABASE IF EXISTS wb_erase_shop WITH (FORCE)")


def test_every_byte_of_the_cluster_is_clean(bench: Any, server: Postgres, shop: str, line: Line) -> None:
    """Heap, indexes, toast, matview, statistics and WAL hold no canary; kept rows, triggers and views are intact."""
    server.sql("CHECKPOINT")
    assert sum(hits(server.data, b"CANARY").values()) > 5000
    approval = bench.ready(*plan(line))
    result = erase(bench.case, approval)
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    server.sql("CHECKPOINT")
    assert hits(server.data, b"CANARY") == {}
    assert hits(server.data, b"canarymail") == {}
    assert hits(server.data, (13_800_000_007).to_bytes(8, "little")) == {}
    assert server.sql("SELECT count(*), count(nullif(address,'')), count(doc) FROM orders", shop) == [(733, 0, 0)]
    assert server.sql("SELECT count(*) FROM orders o JOIN customers c ON c.id = o.customer_id", shop) == [(733,)]
    assert server.sql("SELECT count(*) FROM log", shop) == [(0,)]
    assert server.sql("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1", shop) == [
        ("keep_copy", "O"), ("touched", "O")]
    assert server.sql("SELECT count(*), count(email) FROM emails", shop)[0][1] == 0
    assert server.sql("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'wb_erase%'", shop) == [(0,)]
    assert server.sql("SELECT count(*) FROM pg_settings WHERE name = 'wal_recycle' AND setting = 'on'") == [(1,)]
    named = {(p.check, p.object) for p in result.preflight}
    assert ("trigger", "keep_copy") in named
    assert ("matview", "public.emails") in named


def test_names_with_a_per_cent_sign(bench: Any, server: Postgres, line: Line) -> None:
    """The driver takes % in a statement for a place where a value goes."""
    server.sql("DROP DATABASE IF EXISTS wb_erase_percent")
    server.sql("CREATE DATABASE wb_erase_percent")
    server.sql("""
        CREATE TABLE "q%" (id int PRIMARY KEY, who text);
        INSERT INTO "q%" SELECT i, 'kept' || i FROM generate_series(1, 99) i;
        CREATE TABLE "q%%" ("p%sum" text PRIMARY KEY, who text);
        INSERT INTO "q%%" SELECT i, 'CANARYQ' || i FROM generate_series(1, 99) i;
        CREATE TABLE "o'%s" (id int PRIMARY KEY, "谁%" text);
        INSERT INTO "o'%s" SELECT i, 'CANARYO' || i FROM generate_series(1, 99) i;
    """, "wb_erase_percent")
    bench.open(f'[[sources]]\nname = "s"\nurl = "{server.url("wb_erase_percent")}"\n')
    result = erase(bench.case, bench.ready(
        line("D1", "s", "q%", "keep"), line("D2", "s", "q%%", "erase"),
        line("D3", "s", "o'%s", "lock", suppress=("谁%",), retention_class="cn.accounting/2040")))
    assert (result.verdict, result.problems) == ("STORE_CLEAN", ()), [s.note for s in result.stores]
    assert server.sql('SELECT (SELECT count(*) FROM "q%"), (SELECT count(*) FROM "q%%"), '
                      """(SELECT count(*) FROM "o'%s" WHERE "谁%" IS NULL)""", "wb_erase_percent") == [(99, 0, 99)]
    server.sql("DROP DATABASE wb_erase_percent WITH (FORCE)")


@pytest.mark.parametrize("step", ["matviews", "vacuum-full", "statistics", "wal"])
def test_a_left_out_step_shows(bench: Any, server: Postgres, shop: str, line: Line, step: str,
                               monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof fails, naming the class of file, when one scrub step is left out."""
    monkeypatch.setattr(PostgresStore, "skip_steps",
                        frozenset({step} | ({"analyze"} if step == "statistics" else set())))
    if step == "statistics":
        original = PostgresStore._step
        monkeypatch.setattr(PostgresStore, "_step", lambda self, name, commands, probe, **k: original(
            self, name, [c.replace("FULL, ANALYZE", "FULL") for c in commands], probe, **k))
    result = erase(bench.case, bench.ready(*plan(line)))
    assert result.verdict == "FAILED"
    wanted = {"matviews": "matview", "vacuum-full": "heap", "statistics": "statistics", "wal": "wal"}[step]
    assert wanted in {f.sort for f in result.stores[0].files if f.residual_hits}, result.stores[0].files


def test_a_forgotten_slot_stops_the_run_by_name(bench: Any, server: Postgres, shop: str, line: Line) -> None:
    """An idle replication slot is red before the first row, with the command that removes it."""
    server.sql("SELECT pg_create_physical_replication_slot('old_replica', true)")
    try:
        approval = bench.ready(*plan(line))
        told = dry_run(bench.case)
        assert any("old_replica" in p for p in told.problems)
        with pytest.raises(ErasureError, match="pg_drop_replication_slot"):
            erase(bench.case, approval)
        assert server.sql("SELECT count(*) FROM customers", shop) == [(800,)]
    finally:
        server.sql("SELECT pg_drop_replication_slot('old_replica')")


def test_a_dump_in_the_data_directory_is_named(bench: Any, server: Postgres, shop: str, line: Line) -> None:
    """A forgotten dump below the data directory makes the verdict FAILED and is named."""
    approval = bench.ready(*plan(line))
    dump = server.data / "before_migration.sql"
    dump.write_text("".join(f"canarymail{i}@x.example\n" for i in range(800)))
    try:
        result = erase(bench.case, approval)
        assert any("before_migration.sql" in p for p in result.problems)
    finally:
        dump.unlink()


def test_a_row_inserted_behind_our_back_is_named(bench: Any, server: Postgres, shop: str, line: Line,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that arrives while we delete makes its table's proof fail by name."""
    from workbench.erasure.sqljob import SqlJob

    original = SqlJob.execute

    def execute(self: SqlJob) -> None:
        original(self)
        server.sql("INSERT INTO log VALUES (now(), 'late', 'row')", shop)

    monkeypatch.setattr(SqlJob, "execute", execute)
    result = erase(bench.case, bench.ready(*plan(line)))
    assert any("shop.log: 1 rows more" in p for p in result.problems)
    assert result.verdict == "FAILED"


def test_an_inheriting_table_stops_the_run_by_name(bench: Any, server: Postgres, shop: str, line: Line) -> None:
    """Rows of a child table are its parent's too: they would go with it whatever the plan says of the child."""
    server.sql("CREATE TABLE old_log () INHERITS (log)", shop)
    found = [p for p in dry_run(bench.ready(*plan(line), line("D6", "shop", "old_log", "keep")) and bench.case).preflight
             if p.check == "inherits"]
    assert [(p.colour, p.object) for p in found] == [("red", "old_log")]


def test_not_null_cycle_and_self_reference(bench: Any, server: Postgres, line: Line) -> None:
    """Two tables that must point at each other (one link checked late, one with a trigger), a staff tree and a
    partitioned table are erased completely; another database that holds the same words is named, and is no residue."""
    server.sql("CREATE DATABASE wb_erase_other")
    server.sql("CREATE TABLE t AS SELECT 'CANARYSTAFF' || i AS who FROM generate_series(1, 50) i", "wb_erase_other")
    server.sql("CHECKPOINT")
    server.sql("DROP DATABASE IF EXISTS wb_erase_cycle")
    server.sql("CREATE DATABASE wb_erase_cycle")
    server.sql("""
        CREATE TABLE store (id int PRIMARY KEY, manager int NOT NULL, title text);
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
        CREATE TRIGGER touched AFTER DELETE ON store FOR EACH ROW EXECUTE FUNCTION touch();
        CREATE TABLE paid (at date, who text) PARTITION BY RANGE (at);
        CREATE TABLE paid_old PARTITION OF paid DEFAULT;
        INSERT INTO paid SELECT '2020-01-01', 'CANARYPAID' || i FROM generate_series(1, 50) i;
        CREATE TABLE staff (id int PRIMARY KEY, store int NOT NULL REFERENCES store(id), name text,
                            boss int NOT NULL REFERENCES staff(id));
        BEGIN;
        INSERT INTO store SELECT i, i, 'CANARYSTORE' || i FROM generate_series(1, 50) i;
        INSERT INTO staff SELECT i, i, 'CANARYSTAFF' || i, greatest(1, i - 1) FROM generate_series(1, 50) i;
        COMMIT;
        ALTER TABLE store ADD FOREIGN KEY (manager) REFERENCES staff(id) DEFERRABLE INITIALLY DEFERRED;
    """, "wb_erase_cycle")
    bench.open(f'[[sources]]\nname = "c"\nurl = "{server.url("wb_erase_cycle")}"\n')
    result = erase(bench.case, bench.ready(line("D1", "c", "staff", "erase", [("id", "not_null", "")]),
                                           line("D2", "c", "staff", "keep", [("id", "is_null", "")]),
                                           line("D3", "c", "store", "erase"), line("D4", "c", "paid", "erase")))
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    assert server.sql("SELECT (SELECT count(*) FROM staff), (SELECT count(*) FROM store)", "wb_erase_cycle") == [(0, 0)]
    assert any("look into the database file" in t for t in result.tasks)
    server.sql("DROP DATABASE wb_erase_other WITH (FORCE)")
    assert hits(server.data, b"CANARYST") == {}
    assert hits(server.data, b"CANARYPAID") == {}
    server.sql("DROP DATABASE wb_erase_cycle WITH (FORCE)")


def test_chinook_invoices_join_after_customers_are_stripped(bench: Any, server: Postgres, line: Line) -> None:
    """Chinook on PostgreSQL: erased to plan, joins intact, nothing of a customer left in the cluster."""
    if not CHINOOK.exists():
        pytest.skip("the shared sample is not here")
    import subprocess

    subprocess.run(["psql", "-q", "-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "-f", str(CHINOOK)],
                   check=True, capture_output=True)
    db = server.sql("SELECT datname FROM pg_database WHERE datname LIKE 'chinook%'")[0][0]
    bench.open(f'[[sources]]\nname = "chinook"\nurl = "{server.url(str(db))}"\n')
    people = server.sql("SELECT email, phone FROM customer", str(db))
    total = server.sql("SELECT count(*), sum(total) FROM invoice", str(db))
    rest = ["album", "artist", "employee", "genre", "media_type", "playlist", "playlist_track", "track", "invoice_line"]
    result = erase(bench.case, bench.ready(
        line("D1", "chinook", "invoice", "lock", retention_class="cn.accounting/2040",
             suppress=("billing_address", "billing_city", "billing_state", "billing_postal_code")),
        line("D2", "chinook", "customer", "lock", retention_class="cn.accounting/2040",
             suppress=("first_name", "last_name", "company", "address", "city", "state", "postal_code", "phone", "fax",
                       "email")),
        *[line(f"K{i}", "chinook", t, "keep") for i, t in enumerate(rest)]))
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    data = b"".join(p.read_bytes() for p in server.data.rglob("*") if p.is_file())
    assert all(str(email).encode() not in data for email, _ in people)
    assert server.sql("SELECT count(*), sum(total) FROM invoice JOIN customer USING (customer_id)", str(db)) == total
    protect(bench.case)
    server.sql(f'DROP DATABASE "{db}" WITH (FORCE)')
