"""A really full disk (a small tmpfs) all over the run: a clear word, and with space again the undisturbed run's end state."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "vault"))
from servers import PG_BIN, Maria, Postgres, hits
from test_full_disk import Small, full
from test_resume import calm, nothing_false_is_certified, outcome  # noqa: F401  (calm is a fixture)

from workbench.case import Case, approvals
from workbench.erasure import Erasure, erase, execute, filejob
from workbench.erasure.sqlstore import SqlStore
from workbench.errors import ErasureError, WorkbenchError
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]
POINTS = 10


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    disk = Small(tmp_path / "small")
    disk.place.chmod(0o755)
    yield disk
    disk.gone()


def go(folder: Path) -> Erasure:
    case = Case.open(folder)
    return erase(case, approvals.check(case))


def attempt(folder: Path) -> Exception | None:
    """What stopped a run, if anything did: a scrub step may also fail and say so in the result."""
    try:
        go(folder)
    except (WorkbenchError, OSError) as e:
        return e
    return None


def watched(monkeypatch: pytest.MonkeyPatch, at: int, what: Callable[[], object]) -> list[int]:
    """Do ``what`` before the ``at``-th statement or rewritten file; the list counts them."""
    count = [0]

    def counting(original: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*a: Any, **k: Any) -> Any:
            count[0] += 1
            if count[0] == at:
                what()
            return original(*a, **k)

        return counted

    monkeypatch.setattr(SqlStore, "run", counting(SqlStore.run))
    monkeypatch.setattr(filejob, "rewrite", counting(filejob.rewrite))
    return count


def test_a_full_disk_stops_the_run_and_no_more(calm: Path, small: Small, tmp_path: Path,  # noqa: F811
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """Full at ten points spread over the statements and files of a run: each time the next run ends like the twin."""
    for name in ("FIRST", "SMALLEST", "LARGEST"):
        monkeypatch.setattr(execute, name, 100)
    twin = Path(shutil.copytree(calm, tmp_path / "twin"))
    with monkeypatch.context() as m:
        total = watched(m, 0, lambda: None)
        go(twin)
    want, stopped = outcome(twin), 0
    assert want["erasure"]["verdict"] == "STORE_CLEAN"
    for n in range(POINTS):
        folder = Path(shutil.copytree(calm, small.place / f"case{n}"))
        with monkeypatch.context() as m:
            watched(m, 1 + total[0] * n // POINTS, lambda: small.leave(0))
            told = attempt(folder)
            assert told is None or full(told) or "the disk is full" in str(told), told
            stopped += told is not None
        nothing_false_is_certified(folder)
        small.empty()
        go(folder)
        got = outcome(folder)
        for key in ("rows", "schema", "files", "stores", "certificates"):
            assert got[key] == want[key], f"{key} at point {n}"
        shutil.rmtree(folder)
    assert stopped > POINTS // 2


SMALL_SERVERS: dict[str, tuple[Any, dict[str, str]]] = {
    "postgresql": (Postgres, {"min_wal_size": "32MB", "max_wal_size": "32MB", "shared_buffers": "1MB"}),
    "mariadb": (Maria, {"innodb_log_file_size": "8M", "innodb_buffer_pool_size": "8M", "innodb_fast_shutdown": "0"}),
}


@pytest.mark.parametrize("engine", [
    pytest.param("postgresql", marks=pytest.mark.skipif(not (PG_BIN / "postgres").exists(), reason="no PostgreSQL server here")),
    pytest.param("mariadb", marks=pytest.mark.skipif(not shutil.which("mariadb-install-db"), reason="no MariaDB server here")),
])
def test_a_full_data_directory_loses_nothing(bench: Any, line: Line, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    """A server's data directory fills up in mid-batch; with space again the run goes on and ends clean."""
    import tempfile

    for name in ("FIRST", "SMALLEST", "LARGEST"):
        monkeypatch.setattr(execute, name, 200)
    with tempfile.TemporaryDirectory(prefix="wb-erase-full-") as text:
        Path(text).chmod(0o755)
        small = Small(Path(text) / "small", mib=400)
        small.place.chmod(0o755)
        kind, how = SMALL_SERVERS[engine]
        server = kind(small.place, **how)
        try:
            server.fill("wb_erase_full", 4000)
            bench.open(f'[[sources]]\nname = "shop"\nurl = "{server.url("wb_erase_full")}"\n')
            bench.ready(line("D1", "shop", "o", "erase"), line("D2", "shop", "c", "erase"))
            original, count = execute.write_journal, [0]

            def filling(*a: Any) -> None:
                count[0] += 1
                if count[0] == 5:
                    small.leave(0)
                original(*a)

            monkeypatch.setattr(execute, "write_journal", filling)
            told = attempt(bench.folder)
            assert isinstance(told, ErasureError), "the full disk was not noticed"
            assert any(x in told.what for x in ("the disk is full", "the connection to the server was lost")), told
            small.empty()
            server.crash()
            result = go(bench.folder)
            assert (result.verdict, result.problems) == ("STORE_CLEAN", ())
            assert [r.deleted for r in result.disposals] == [12_000, 4_000]
            if engine == "postgresql":
                server.sql("CHECKPOINT")
            assert hits(server.data, b"CANARY") == {}
        finally:
            server.stop()
            small.gone()
