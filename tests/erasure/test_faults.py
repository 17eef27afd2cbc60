"""PostgreSQL under fire: server restart, lost connection, foreign locks and kills end like an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from servers import PG_BIN, Postgres, hits, server_folder

from workbench.case import Case, approvals
from workbench.erasure import erase, execute
from workbench.errors import WorkbenchError
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]
pytestmark = pytest.mark.skipif(not (PG_BIN / "postgres").exists(), reason="no PostgreSQL server on this machine")
CHILD = """
import sys
from workbench.case import Case, approvals
from workbench.erasure import erase
case = Case.open(sys.argv[1])
erase(case, approvals.check(case))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with server_folder() as folder:
        made = Postgres(folder)
        yield made
        made.stop()


@pytest.fixture
def shop(bench: Any, server: Postgres, line: Line, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(execute, "FIRST", 300)
    monkeypatch.setattr(execute, "LARGEST", 300)
    server.sql("DROP DATABASE IF EXISTS wb_erase_faults")
    server.sql("CREATE DATABASE wb_erase_faults")
    server.sql("""
        CREATE TABLE c (id int PRIMARY KEY, name text NOT NULL);
        CREATE TABLE o (id int PRIMARY KEY, c int NOT NULL REFERENCES c(id), placed date, address text);
        CREATE INDEX ON o(c);
        INSERT INTO c SELECT i, 'CANARYNAME' || i || '王' FROM generate_series(1, 3000) i;
        INSERT INTO o SELECT i, 1 + i % 3000, date '2010-01-01' + i % 5000, 'CANARYADDR' || i FROM generate_series(1, 9000) i;
    """, "wb_erase_faults")
    bench.open(f'[[sources]]\nname = "shop"\nurl = "{server.url("wb_erase_faults")}"\n')
    bench.ready(line("D1", "shop", "o", "erase", [("placed", "<", "2019-01-01")]),
                line("D2", "shop", "o", "lock", [("placed", ">=", "2019-01-01")], suppress=("address",),
                     retention_class="k/2040"),
                line("D3", "shop", "c", "erase", [("", "unreferenced", "")]),
                line("D4", "shop", "c", "lock", [("", "referenced", "")], suppress=("name",), retention_class="k/2040"))
    yield "wb_erase_faults"
    server.sql("DROP DATABASE IF EXISTS wb_erase_faults WITH (FORCE)")


def check(bench: Any, server: Postgres, db: str) -> None:
    case = Case.open(bench.folder)
    result = erase(case, approvals.check(case))
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    assert all(r.deleted == r.planned for r in result.disposals if r.action == "erase")
    assert all(r.suppressed == r.planned for r in result.disposals if r.action == "lock")
    assert server.sql("SELECT count(*), min(placed) >= '2019-01-01' FROM o JOIN c ON c.id = o.c", db)[0][1]
    server.sql("CHECKPOINT")
    assert hits(server.data, b"CANARY") == {}


def in_batch(monkeypatch: pytest.MonkeyPatch, n: int, what: Callable[[], None]) -> None:
    """Do ``what`` inside the n-th batch, before it is committed."""
    original, count = execute.write_journal, [0]

    def hook(*a: Any) -> None:
        count[0] += 1
        original(*a)
        if count[0] == n:
            what()

    monkeypatch.setattr(execute, "write_journal", hook)


@pytest.mark.parametrize("n", [2, 9, 25])
def test_a_lost_connection_loses_nothing(bench: Any, server: Postgres, shop: str, n: int,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """The server ends our session in mid-batch; the next run goes on and ends clean."""
    in_batch(monkeypatch, n, lambda: server.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'workbench erasure'") and None)
    with pytest.raises(WorkbenchError, match="refused a statement"):
        erase(bench.case, approvals.check(bench.case))
    check(bench, server, shop)


def test_a_restarted_server_loses_nothing(bench: Any, server: Postgres, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An immediate shutdown in mid-batch and a recovery; the next run goes on and ends clean."""
    def restart() -> None:
        server.stop(signal.SIGQUIT)
        server.start()

    in_batch(monkeypatch, 12, restart)
    with pytest.raises(WorkbenchError):
        erase(bench.case, approvals.check(bench.case))
    check(bench, server, shop)


def test_a_lock_of_another_client_is_waited_for(bench: Any, server: Postgres, shop: str,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that holds a table for a few seconds delays the run and changes nothing else."""
    def hold() -> None:
        import psycopg

        with psycopg.connect(host="127.0.0.1", port=server.port, user="postgres", dbname=shop) as cx:
            cx.execute("LOCK TABLE c IN SHARE MODE")
            time.sleep(3)

    in_batch(monkeypatch, 3, lambda: threading.Thread(target=hold, daemon=True).start())
    check(bench, server, shop)


def test_kills_at_random_moments(bench: Any, server: Postgres, shop: str) -> None:
    """Ten kills spread over the run, then one plain run: the undisturbed result."""
    rng = random.Random(11)
    for _ in range(10):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(bench.folder)], cwd=Path(__file__).parents[2],
                                 stderr=subprocess.PIPE)
        time.sleep(rng.uniform(1.0, 5.0))
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
        told = child.communicate()[1]
        assert b"Traceback" not in told, told.decode()[-1500:]
        time.sleep(0.3)
    check(bench, server, shop)
