"""No needle and no value is left in a server's log, our log, the ledger, values, private files, certificates or messages."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from servers import PG_BIN, Maria, Postgres, hits, server_folder

from workbench.erasure import erase
from workbench.errors import ErasureError
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]
DB = "wb_erase_trace"
ROWS = 300
FORMS = [f(text) for text in ("CANARYNAME", "CANARYADDR", "canaryname") for f in (
    str.encode, lambda t: t.encode("utf-16-le"), lambda t: t.encode("utf-16-be"), lambda t: t.encode().hex().encode())]


def traces(folder: Path) -> dict[str, dict[str, int]]:
    """Files below ``folder`` that hold a canary in any form."""
    return {form[:24].decode("latin-1"): found for form in FORMS if (found := hits(folder, form))}


def erased(bench: Any, line: Line, url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """Protect, plan and erase with every logger open; the case folder holds no canary but in the sealed vault."""
    bench.open(f'[[sources]]\nname = "shop"\nurl = "{url}"\n')
    approval = bench.ready(
        line("D1", "shop", "o", "erase", [("placed", "<", "2014-01-01")]),
        line("D2", "shop", "o", "lock", [("placed", ">=", "2014-01-01")], suppress=("address",), retention_class="k/2040"),
        line("D3", "shop", "c", "erase", [("", "unreferenced", "")]),
        line("D4", "shop", "c", "lock", [("", "referenced", "")], suppress=("name",), retention_class="k/2040"))
    with caplog.at_level(logging.DEBUG):
        result = erase(bench.case, approval)
    assert sum(c.control_hits for s in result.stores for c in s.columns) > ROWS, "the control did not see the canaries"
    assert traces(bench.folder) == {}
    told = caplog.text + "".join(capfd.readouterr())
    assert "CANARY" not in told


@pytest.mark.skipif(not (PG_BIN / "postgres").exists(), reason="no PostgreSQL server on this machine")
def test_postgresql_logs_every_statement_and_no_value(bench: Any, line: Line, caplog: pytest.LogCaptureFixture,
                                                      capfd: pytest.CaptureFixture[str]) -> None:
    """With log_statement=all and bound parameters logged, the server's log has our statements and none of their values."""
    with server_folder() as folder:
        server = Postgres(folder, log_statement="all", log_min_duration_statement="0", log_parameter_max_length="-1",
                          log_parameter_max_length_on_error="-1")
        try:
            server.fill(DB, ROWS)
            log = folder / "pg.log"
            assert b"CANARY" in log.read_bytes(), "the log does not tell of statements"
            log.write_bytes(b"")  # what the test itself wrote
            erased(bench, line, server.url(DB), caplog, capfd)
            text = log.read_bytes()
            assert b"wb_erase_k0" in text
            assert b"CANARY" not in text
            assert "王".encode() not in text
        finally:
            server.stop()


@pytest.mark.skipif(not shutil.which("mariadb-install-db"), reason="no MariaDB server on this machine")
def test_mariadb_logs_every_statement_and_no_value(bench: Any, line: Line, caplog: pytest.LogCaptureFixture,
                                                   capfd: pytest.CaptureFixture[str]) -> None:
    """With the general, slow and annotated binary logs on, none of them holds a value afterwards."""
    with server_folder() as folder:
        server = Maria(folder, log_bin="bin", server_id="9", binlog_format="ROW")
        try:
            server.fill(DB, ROWS)
            server.sql("SET GLOBAL general_log_file = 'all.log'; SET GLOBAL general_log = ON; SET GLOBAL slow_query_log = ON; "
                       "SET GLOBAL long_query_time = 0")
            erased(bench, line, server.url(DB), caplog, capfd)
            text = (server.data / "all.log").read_bytes()
            assert b"wb_erase_k0" in text
            assert b"CANARY" not in text
            assert hits(server.data, b"CANARY") == {}
        finally:
            server.stop()


def test_a_refusal_names_no_value(bench: Any, line: Line, make_shop: Callable[..., None], shop_plan: list[Disposal],
                                  caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """A row that breaks a check while it is cleared stops the run; neither error, ledger nor log quotes it."""
    import sqlite3

    path = bench.folder / "shop.sqlite"
    make_shop(path, rows=ROWS)
    with sqlite3.connect(path) as db:
        db.executescript("CREATE TABLE n (id INTEGER PRIMARY KEY, who TEXT NOT NULL CHECK (length(who) > 3));"
                         "INSERT INTO n SELECT id, name FROM customers;")
    db.close()
    bench.open('[[sources]]\nname = "shop"\nurl = "sqlite:///shop.sqlite"\n')
    approval = bench.ready(*shop_plan, line("D9", "shop", "n", "anonymise", suppress=("who",)))
    with caplog.at_level(logging.DEBUG), pytest.raises(ErasureError) as told:
        erase(bench.case, approval)
    assert "n refuses to have who changed" in str(told.value)
    assert "CANARY" not in str(told.value) + caplog.text + "".join(capfd.readouterr())
    private = [p for p in bench.folder.rglob("*") if p.is_file() and not p.name.startswith("shop.sqlite")]
    assert len(private) > 10
    assert all(b"CANARY" not in p.read_bytes() for p in private)
