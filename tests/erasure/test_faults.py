"""PostgreSQL and MariaDB under fire: kill -9 of client or server, cut sessions, foreign locks: an undisturbed run's end state."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from kills import driver, storm
from servers import PG_BIN, Maria, Postgres, hits, server_folder

from workbench.case import Case, approvals
from workbench.erasure import Certificates, Erasure, erase, execute
from workbench.erasure.mariadb import MariaStore
from workbench.erasure.postgres import PostgresStore
from workbench.erasure.sqlstore import JOURNAL
from workbench.errors import ErasureError, WorkbenchError
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]
Server = Postgres | Maria
DB = "wb_erase_faults"
ROWS = 1500
KILLS = 12


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "postgresql" and not (PG_BIN / "postgres").exists():
        pytest.skip("no PostgreSQL server on this machine")
    if request.param == "mariadb" and not shutil.which("mariadb-install-db"):
        pytest.skip("no MariaDB server on this machine")
    with server_folder() as folder:
        made = Postgres(folder) if request.param == "postgresql" else Maria(folder, innodb_flush_log_at_trx_commit="2")
        yield made
        made.stop()


def ready(bench: Any, server: Server, line: Line, rows: int) -> None:
    """Old orders go, young ones are stripped; so are the customers that they need."""
    server.fill(DB, rows)
    bench.open(f'[[sources]]\nname = "shop"\nurl = "{server.url(DB)}"\n[settings.erase]\npatience_seconds = 1\n')
    bench.ready(line("D1", "shop", "o", "erase", [("placed", "<", "2014-01-01")]),
                line("D2", "shop", "o", "lock", [("placed", ">=", "2014-01-01")], suppress=("address",),
                     retention_class="k/2040"),
                line("D3", "shop", "c", "erase", [("", "unreferenced", "")]),
                line("D4", "shop", "c", "lock", [("", "referenced", "")], suppress=("name",), retention_class="k/2040"))


@pytest.fixture
def shop(bench: Any, server: Server, line: Line, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("FIRST", "SMALLEST", "LARGEST"):
        monkeypatch.setattr(execute, name, 200)
    ready(bench, server, line, ROWS)
    return bench


def go(folder: Path) -> Erasure:
    case = Case.open(folder)
    return erase(case, approvals.check(case))


def outcome(server: Server, folder: Path) -> dict[str, Any]:
    """What counts of an end: rows, and what result, certificates and ledger say of them."""
    case = Case.open(folder)
    erasure = case.load(Erasure)
    return {
        "orders": server.sql("SELECT id, c, placed, address FROM o ORDER BY id", DB),
        "customers": server.sql("SELECT id, name FROM c ORDER BY id", DB),
        "erasure": erasure.model_dump(include={"disposals", "tables", "problems", "verdict"}),
        "preflight": sorted((p.check, p.object) for p in erasure.preflight if p.check != "beside"),
        "certificates": [(c.disposal, c.state, c.planned, c.deleted, c.suppressed, c.archived, c.refused, c.logical,
                          c.residual_hits, c.verdict) for c in case.load(Certificates).certificates],
        "ledger": [e.predicate["phase"] for e in case.ledger.of_type("certificates/v1")],
        "open intents": case.open_intents(),
    }


def clean(server: Server) -> None:
    if isinstance(server, Postgres):
        server.sql("CHECKPOINT")
    assert hits(server.data, b"CANARY") == {}


def check(server: Server, folder: Path) -> None:
    """Run once more, undisturbed: to plan, proven, and clean by a third way of looking."""
    result = go(folder)
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    assert all(r.deleted == r.planned for r in result.disposals if r.action == "erase")
    assert all(r.suppressed == r.planned for r in result.disposals if r.action == "lock")
    planned = {r.disposal: r.planned for r in result.disposals}
    assert planned["D1"] > 200
    assert planned["D1"] + planned["D2"] == 3 * ROWS
    young = server.sql("SELECT count(*), count(nullif(address, '')) FROM o JOIN c ON c.id = o.c WHERE placed >= '2014-01-01'", DB)
    assert young == [(planned["D2"], 0)]
    assert server.sql("SELECT count(*) FROM o", DB) == [(planned["D2"],)]
    certificates = Case.open(folder).load(Certificates).certificates
    assert {c.disposal: c.deleted for c in certificates} == {r.disposal: r.deleted for r in result.disposals}
    clean(server)


def in_batch(monkeypatch: pytest.MonkeyPatch, n: int, what: Callable[[], object]) -> None:
    """Do ``what`` inside the n-th batch, before it is committed."""
    original, count = execute.write_journal, [0]

    def hook(*a: Any) -> None:
        count[0] += 1
        original(*a)
        if count[0] == n:
            what()

    monkeypatch.setattr(execute, "write_journal", hook)


@pytest.mark.parametrize("n", [2, 13])
def test_a_lost_connection_loses_nothing(shop: Any, server: Server, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server ends our session in mid-batch; the next run goes on and ends clean."""
    in_batch(monkeypatch, n, lambda: server.cut(DB))
    with pytest.raises(ErasureError, match="connection to the server was lost") as told:
        go(shop.folder)
    assert "run erase again" in told.value.todo
    check(server, shop.folder)


def test_a_killed_server_loses_nothing(shop: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """kill -9 of the server in mid-batch and its recovery; the next run goes on and ends clean."""
    in_batch(monkeypatch, 8, server.crash)
    with pytest.raises(WorkbenchError):
        go(shop.folder)
    check(server, shop.folder)


def test_a_lock_of_another_client_stops_the_run_and_no_more(shop: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another client holds a table the run ends with a clear word; once it lets go, the next run ends clean."""
    connect = PostgresStore.connect if isinstance(server, Postgres) else MariaStore.connect

    def impatient(store: Any) -> None:
        connect(store)
        store.run("SET lock_timeout = '300ms'" if isinstance(server, Postgres) else "SET SESSION innodb_lock_wait_timeout = 1")
        store.commit()

    monkeypatch.setattr(PostgresStore if isinstance(server, Postgres) else MariaStore, "connect", impatient)
    with closing(server.connect(DB)) as other:
        in_batch(monkeypatch, 3, lambda: other.cursor().execute(server.block))
        with pytest.raises(ErasureError, match="another client holds a lock") as told:
            go(shop.folder)
        assert "run erase again" in told.value.todo
    check(server, shop.folder)


def test_kills_of_the_client_change_nothing(bench: Any, server: Server, line: Line, tmp_path: Path) -> None:
    """Runs killed at points all over the run, some twice, end exactly like the undisturbed twin."""
    ready(bench, server, line, 400)
    made, filled = iter(range(10_000)), [True]

    def fresh() -> Path:
        if not filled.pop():
            server.fill(DB, 400)
        filled.append(False)
        return Path(shutil.copytree(bench.folder, tmp_path / f"wild{next(made)}"))

    def after_kill(folder: Path) -> None:
        """In one statement, so in one snapshot: as many rows are gone as the journal counts."""
        query = "SELECT (SELECT count(*) FROM {0}) + coalesce((SELECT sum(changed) FROM {1} WHERE kind = 'delete' AND work = '{2}'), 0)"
        if server.sql(f"SELECT 1 FROM information_schema.tables WHERE table_name = '{JOURNAL}'", DB):
            assert server.sql(query.format("o", JOURNAL, "wb_erase_k0"), DB) == [(1200,)]
            assert server.sql(query.format("c", JOURNAL, "wb_erase_k2"), DB) == [(400,)]
        if any(b'"state":"closed"' in p.read_bytes() for p in (folder / "values").glob("*.json")):
            clean(server)

    with driver(tmp_path) as run:
        twin = fresh()
        events = run.erase(twin)
        want = outcome(server, twin)
        assert want["erasure"]["verdict"] == "STORE_CLEAN", want["erasure"]["problems"]

        def after_run(folder: Path) -> None:
            clean(server)
            got = outcome(server, folder)
            for key, value in want.items():
                assert got[key] == value, f"{key} of {folder.name}"

        assert storm(run, KILLS, events, 11, fresh, after_kill, after_run) == KILLS
