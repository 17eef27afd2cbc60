"""The demo company's shop on PostgreSQL and MariaDB: planned by the planner, erased to plan, kept rows intact, bytes clean."""

from __future__ import annotations

import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from servers import PG_BIN, Maria, Postgres, server_folder

from workbench.case import Case, approvals
from workbench.erasure import Certificates, erase
from workbench.plan import make_plan

Server = Postgres | Maria
DB = "wb_erase_demo"
TABLES = ("customers", "addresses", "products", "orders", "order_items", "payments", "tickets", "staff")


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "postgresql" and not (PG_BIN / "postgres").exists():
        pytest.skip("no PostgreSQL server on this machine")
    if request.param == "mariadb" and not shutil.which("mariadb-install-db"):
        pytest.skip("no MariaDB server on this machine")
    with server_folder() as folder:
        made = Postgres(folder) if request.param == "postgresql" else Maria(folder, log_bin="bin", server_id="11")
        yield made
        made.stop()


def load(server: Server, path: Path) -> None:
    """The shop's schema and rows, in the server's own types."""
    source = sqlite3.connect(path)
    if isinstance(server, Postgres):
        server.sql(f"CREATE DATABASE {DB}")
        types = {"DATETIME": "TIMESTAMP"}
    else:
        server.sql(f"CREATE DATABASE {DB} CHARACTER SET utf8mb4")
        types = {"TEXT UNIQUE": "VARCHAR(120) UNIQUE", "NUMERIC": "DECIMAL(14,2)"}
    for (sql,) in source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").fetchall():
        server.sql(re.sub("|".join(types), lambda m: types[m[0]], sql), DB)
    cx = server.connect(DB)
    for table in TABLES:
        rows = source.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
        marks = ", ".join(["%s"] * len(rows[0]))
        cx.cursor().executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    cx.commit()
    cx.close()
    source.close()


def content(server: Server, table: str, columns: list[str]) -> dict[Any, tuple[Any, ...]]:
    """Rows by id, of these columns."""
    return {row[0]: row[1:] for row in server.sql(f"SELECT id, {', '.join(columns)} FROM {table}", DB)}


def test_the_demo_company_is_erased_to_plan(server: Server, tmp_path: Path) -> None:
    """Rows and columns left are those that the plan says; no customer's name or number is in the server's bytes."""
    from workbench.classification import classify
    from workbench.demo.company import build
    from workbench.demo.run import prepare
    from workbench.freeze import freeze
    from workbench.inventory import take_inventory
    from workbench.risk import assess
    from workbench.vault import protect

    folder = prepare(tmp_path / "work", tmp_path / "out", "zh")
    build(tmp_path / "work" / "data", customers=120)
    load(server, tmp_path / "work" / "data" / "shop.sqlite")
    toml = (folder / "case.toml").read_text(encoding="utf-8")
    (folder / "case.toml").write_text(toml.replace("sqlite:///../data/shop.sqlite", server.url(DB)), encoding="utf-8")
    people = server.sql("SELECT name, phone, id_card FROM customers", DB)
    if isinstance(server, Postgres):
        server.sql("CHECKPOINT")
    control = everything(server)
    assert sum(str(phone).encode() in control for _, phone, _ in people) > len(people) // 2, "the same search finds them before"
    before = {t: content(server, t, _columns(server, t)) for t in TABLES}
    case = Case.open(folder)
    for step in (freeze, take_inventory, classify, assess, protect):
        step(case)
    plan = make_plan(case)
    for person in ("approver-a", "approver-b"):
        approvals.approve(case, person)
    result = erase(case, approvals.check(case))
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    done = {r.disposal: r for r in result.disposals}
    for table in TABLES:
        mine = [d for d in plan.disposals if (d.set.source, d.set.table) == ("shop", table)]
        after = content(server, table, _columns(server, table))
        gone = sum(done[d.id].deleted for d in mine)
        assert len(after) == len(before[table]) - gone
        cleared = {c for d in mine for c in d.suppress}
        names = _columns(server, table)
        at = [i for i, c in enumerate(names) if c not in cleared and not _link(c)]
        assert all([row[i] for i in at] == [before[table][key][i] for i in at] for key, row in after.items())
    assert sum(r.deleted for r in result.disposals if r.source == "shop") > 100
    lost = server.sql("SELECT count(*) FROM order_items i LEFT JOIN orders o ON o.id = i.order_id WHERE o.id IS NULL", DB)
    assert lost == [(0,)]
    names = {c.disposal for c in case.load(Certificates).certificates if c.verdict == "STORE_CLEAN" and c.table.startswith("shop.")}
    assert {"customers", "orders", "payments"} <= {d.set.table for d in plan.disposals if d.id in names}
    data = everything(server)
    kept = {str(v) for row in server.sql("SELECT name, phone, id_card FROM staff", DB) for v in row}
    for _, phone, card in people:
        assert str(phone) in kept or str(phone).encode() not in data
        assert card is None or str(card) in kept or str(card).encode() not in data


def everything(server: Server) -> bytes:
    """Every byte below the data directory."""
    return b"".join(p.read_bytes() for p in server.data.rglob("*") if p.is_file())


def _columns(server: Server, table: str) -> list[str]:
    place = "current_schema()" if isinstance(server, Postgres) else "database()"
    rows = server.sql("SELECT column_name FROM information_schema.columns WHERE table_name = "
                      f"'{table}' AND table_schema = {place} ORDER BY ordinal_position", DB)
    return [str(r[0]) for r in rows][1:]


def _link(column: str) -> bool:
    """A link of a row that stays may have been emptied when the row it pointed at went."""
    return column.endswith("_id")
