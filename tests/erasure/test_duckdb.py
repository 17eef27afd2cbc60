"""DuckDB: the fresh file holds what stays, and only that."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

sys.path.insert(0, str(Path(__file__).parent))
from kills import driver, storm

from workbench.case import Case
from workbench.erasure import Certificates, Erasure, dry_run, erase
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]


def make(path: Path) -> None:
    with duckdb.connect(str(path)) as db:
        db.execute("""
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, email VARCHAR, joined DATE);
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id),
                                 placed VARCHAR, address VARCHAR NOT NULL, total DECIMAL(12,2));
            CREATE INDEX ix ON orders(customer_id);
            CREATE VIEW v AS SELECT count(*) AS n FROM orders;
            INSERT INTO customers SELECT i, '王CANARYNAME' || lpad(i::VARCHAR, 5, '0') || hash(i),
                'canarymail' || hash(i) || '@x.example', DATE '2020-01-01' FROM range(1, 3001) t(i);
            INSERT INTO orders SELECT i, 1 + i % 3000, (2000 + i % 26)::VARCHAR || '-05-01', 'CANARYADDR' || hash(i), i / 4
                FROM range(1, 6001) t(i);
        """)


def test_the_fresh_file_holds_only_what_stays(bench: Any, line: Line) -> None:
    """Rows as planned, constraints, index and view kept, no canary in the file or beside it."""
    path = bench.folder / "shop.duckdb"
    make(path)
    assert path.read_bytes().count(b"CANARY") > 0
    bench.open('[[sources]]\nname = "shop"\nurl = "duckdb:///shop.duckdb"\n')
    plan = [
        line("D1", "shop", "orders", "erase", [("placed", "<", "2014-01-01")]),
        line("D2", "shop", "orders", "lock", [("placed", ">=", "2014-01-01")], suppress=("address",),
             retention_class="cn.accounting/2040"),
        line("D3", "shop", "customers", "erase", [("", "unreferenced", "")]),
        line("D4", "shop", "customers", "lock", [("", "referenced", "")], suppress=("name", "email"),
             retention_class="cn.accounting/2040")]
    bench.plan(*plan)
    told = dry_run(bench.case)
    result = erase(bench.case, bench.ready(*plan))
    assert result.problems == ()
    assert [r.planned for r in told.disposals] == [r.planned for r in result.disposals]
    assert result.verdict == "STORE_CLEAN", [(s.note, s.columns) for s in result.stores]
    assert b"CANARY" not in b"".join(p.read_bytes() for p in bench.folder.iterdir() if p.is_file())
    with duckdb.connect(str(path)) as db:
        kept = sum(r.planned for r in result.disposals if r.disposal == "D2")
        assert db.execute("SELECT count(*), count(nullif(address, '')) FROM orders").fetchone() == (kept, 0)
        assert db.execute("SELECT count(*) FROM orders JOIN customers c ON c.id = customer_id").fetchone() == (kept,)
        assert db.execute("SELECT n FROM v").fetchone() == (kept,)
        assert db.execute("SELECT count(*) FROM duckdb_indexes()").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'").fetchone() == (1,)


def seen(folder: Path) -> dict[str, Any]:
    """What counts of an end."""
    with duckdb.connect(str(folder / "shop.duckdb")) as db:
        rows = {t: db.execute(f"SELECT * FROM {t} ORDER BY 1").fetchall() for t in ("customers", "orders")}
        schema = db.execute("SELECT sql FROM duckdb_tables() ORDER BY 1").fetchall()
    case = Case.open(folder)
    erasure, certificates = case.load(Erasure), case.load(Certificates)
    return {"rows": rows, "schema": schema, "verdict": (erasure.verdict, erasure.problems),
            "certificates": [(c.disposal, c.state, c.planned, c.deleted, c.archived, c.verdict) for c in certificates.certificates],
            "ledger": [e.predicate["phase"] for e in case.ledger.of_type("certificates/v1")], "open": case.open_intents()}


def test_kills_all_over_a_run_change_nothing(bench: Any, line: Line, tmp_path: Path) -> None:
    """Killed at twelve points of statements and files, some twice: the undisturbed twin's end, nothing of the old file beside it."""
    bench.open('[[sources]]\nname = "shop"\nurl = "duckdb:///shop.duckdb"\n')
    make(bench.folder / "shop.duckdb")
    bench.ready(
        line("D1", "shop", "orders", "erase", [("placed", "<", "2014-01-01")]),
        line("D2", "shop", "orders", "lock", [("placed", ">=", "2014-01-01")], suppress=("address",), retention_class="cn.accounting/2040"),
        line("D3", "shop", "customers", "erase", [("", "unreferenced", "")]),
        line("D4", "shop", "customers", "lock", [("", "referenced", "")], suppress=("name", "email"),
             retention_class="cn.accounting/2040"))
    made = iter(range(1000))

    def fresh() -> Path:
        return Path(shutil.copytree(bench.folder, tmp_path / f"wild{next(made)}"))

    with driver(tmp_path) as run:
        twin = fresh()
        events = run.erase(twin)
        want = seen(twin)
        assert want["verdict"] == ("STORE_CLEAN", ())

        def after_kill(folder: Path) -> None:
            closed = [p for p in (folder / "values").glob("*.json") if b'"state":"closed"' in p.read_bytes()]
            assert not closed or b"CANARY" not in (folder / "shop.duckdb").read_bytes()

        def after_run(folder: Path) -> None:
            assert seen(folder) == want
            assert b"CANARY" not in b"".join(p.read_bytes() for p in folder.iterdir() if p.is_file())
            shutil.rmtree(folder)

        assert storm(run, 12, events, 3, fresh, after_kill, after_run) == 12
