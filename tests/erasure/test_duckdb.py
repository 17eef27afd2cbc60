"""DuckDB: the fresh file holds what stays, and only that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from workbench.erasure import dry_run, erase
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
