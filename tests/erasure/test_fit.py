"""Constants fitted on site: in a place of their own that is gone afterwards, also after Ctrl-C; estimates say so."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))
from servers import PG_BIN, Postgres, server_folder

from workbench.erasure import dry_run
from workbench.erasure.cli import erase as commands
from workbench.erasure.fit import SMALLEST, fit, solve
from workbench.erasure.strategy import FITTED, fitted, shipped
from workbench.errors import ErasureError, ParameterError
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]
SQLITE = '[[sources]]\nname = "shop"\nurl = "sqlite:///shop.sqlite"\n'


def test_known_constants_are_found_again_and_none_is_negative() -> None:
    """Two tables, rows half as wide again as the rates' own; then runs that got quicker the more went."""
    def took(gone: int, kept: int) -> float:
        return 2 * 0.05 + gone * 3 / 1e6 + kept * 2 * 1.5 / 1e6

    rows = [(100_000, 900_000), (500_000, 500_000), (900_000, 100_000), (50_000, 50_000)]
    rate = solve([(g, k, took(g, k), 1.5) for g, k in rows])
    assert (rate.fixed, rate.gone, rate.kept) == (0.05, 3.0, 2.0)
    falling = solve([(g, k, 5 * k / 1e6, 1.0) for g, k in rows])
    assert (falling.fixed, falling.gone, falling.kept) == (0.0, 0.0, 5.0)


def test_sqlite_is_measured_beside_the_users_file_and_the_estimates_say_so(bench: Any, line: Line) -> None:
    """Their file keeps every byte, nothing stays beside it, and a dry run names when and on how many rows."""
    path = bench.folder / "shop.sqlite"
    db = sqlite3.connect(path)
    db.executescript("CREATE TABLE a (id INTEGER PRIMARY KEY, placed TEXT); INSERT INTO a VALUES (1, '2001-01-01'), (2, '2025-01-01')")
    db.close()
    before = hashlib.sha256(path.read_bytes()).digest()
    case = bench.open(SQLITE)
    out = CliRunner().invoke(commands, ["fit", str(bench.folder), "--rows", str(SMALLEST)])
    assert out.exit_code == 0, out.output
    assert out.output.count("copy, ") == 4
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert not list(bench.folder.glob("wb_erase_fit*"))
    rates = fitted(bench.folder / "erasure-private")
    assert rates is not None
    assert rates.engines["sqlite"] != shipped().engines["sqlite"]
    assert rates.engines["mariadb"] == shipped().engines["mariadb"]
    assert set(rates.measured) == {"sqlite"}
    bench.ready(line("D1", "shop", "a", "erase", [("placed", "<", "2024-01-01")]),
                line("D2", "shop", "a", "keep", [("placed", ">=", "2024-01-01")]))
    told = {r.disposal: r.reason for r in dry_run(case).disposals}["D1"]
    assert f"by constants fitted here ({rates.measured['sqlite']})" in told
    assert f"{SMALLEST} rows" in told
    (bench.folder / "erasure-private" / FITTED).write_text("{}")
    with pytest.raises(ErasureError, match=r"holds no constants.*workbench erase fit"):
        dry_run(case)


def test_what_cannot_be_measured_is_refused(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too few rows, no such source, no room: each says what to type."""
    sqlite3.connect(bench.folder / "shop.sqlite").close()
    (bench.folder / "shop.sqlite").touch()
    case = bench.open(SQLITE)
    with pytest.raises(ParameterError, match=r"--rows 5 is too small.*--rows 120000"):
        fit(case, rows=5)
    with pytest.raises(ParameterError, match=r"one of: shop"):
        fit(case, source="other")
    monkeypatch.setattr("workbench.erasure.fit.ROOM", 1 << 40)
    with pytest.raises(ErasureError, match=r"free some space, or --rows"):
        fit(case, rows=SMALLEST)


@pytest.fixture(scope="module")
def pg() -> Iterator[Postgres]:
    with server_folder() as folder:
        made = Postgres(folder, fsync="off")
        yield made
        made.stop()


@pytest.mark.skipif(not (PG_BIN / "postgres").exists(), reason="no PostgreSQL server on this machine")
def test_postgresql_is_measured_in_a_schema_that_goes_also_after_ctrl_c(bench: Any, pg: Postgres) -> None:
    """A user without the right is told which one; another fit's schema is left alone; nobody's table is read."""
    pg.sql("CREATE DATABASE shop")
    pg.sql("CREATE TABLE o (id int PRIMARY KEY, n int); INSERT INTO o VALUES (1, 1); CREATE ROLE few LOGIN; "
           "REVOKE ALL ON o FROM PUBLIC", "shop")
    schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'wb_erase_fit'"

    case = bench.open(f'[[sources]]\nname = "shop"\nurl = "{pg.url("shop").replace("postgres@", "few@")}"\n')
    with pytest.raises(ErasureError, match=r"may not make a scratch schema.*GRANT CREATE ON DATABASE"):
        fit(case, rows=SMALLEST)

    case = bench.open(f'[[sources]]\nname = "shop"\nurl = "{pg.url("shop")}"\n')

    def interrupted(text: str) -> None:
        assert pg.sql(schemas, "shop") == [(1,)]
        with pytest.raises(ErasureError, match=r"is there already.*DROP SCHEMA .wb_erase_fit. CASCADE"):
            fit(case, rows=SMALLEST)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(case, rows=SMALLEST, told=interrupted)
    assert pg.sql(schemas, "shop") == [(0,)]
    assert fitted(bench.folder / "erasure-private") is None

    rates = fit(case, rows=SMALLEST)
    assert set(rates.measured) == {"postgresql"}
    assert rates.engines["postgresql"]["batches"].seconds(3_000, 3_000, 1.0) > 0
    assert pg.sql(schemas, "shop") == [(0,)]
    assert pg.sql("SELECT * FROM o", "shop") == [(1, 1)]
