"""Pause, locks, replicas, batch sizes and links without an index: waited for, named, never lost."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))
from servers import PG_BIN, Postgres, server_folder

from workbench.case import Case, approvals
from workbench.erasure import dry_run, erase, execute
from workbench.erasure.cli import erase as commands
from workbench.erasure.pace import Limits, Pace, limits
from workbench.erasure.place import volume_of
from workbench.erasure.strategy import Sizes, best, shipped
from workbench.errors import BadSetting, ErasureError, StoreBusy
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]
SQLITE = '[[sources]]\nname = "shop"\nurl = "sqlite:///shop.sqlite"\n'


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, on_sleep: Callable[[int], None] = lambda n: None) -> None:
        self.now, self.naps, self.on_sleep = 0.0, 0, on_sleep

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.naps += 1
        self.on_sleep(self.naps)


class Store:
    """Stands for a store whose replica is as far behind as the list says."""

    name = "shop"

    def __init__(self, *lags: tuple[float, int]) -> None:
        self.lags = list(lags)

    def lag(self, replicas: Any) -> tuple[float, int]:
        return self.lags.pop(0) if len(self.lags) > 1 else self.lags[0]


def pace(store: Any, clock: Clock, told: list[str], **more: Any) -> Pace:
    return Pace(store, lambda what, done, total: told.append(what), clock=clock, sleep=clock.sleep, **more)


def test_a_pause_is_kept_until_it_is_taken_back(bench: Any, make_shop: Callable[..., None], shop_plan: list[Disposal],
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    """By command line, in mid-run: no batch runs meanwhile, and the end is an undisturbed run's."""
    make_shop(bench.folder / "shop.sqlite")
    bench.open(SQLITE)
    bench.ready(*shop_plan)
    monkeypatch.setattr(execute, "FIRST", 100)
    monkeypatch.setattr(execute, "LARGEST", 100)
    run, told, done = CliRunner(), list[str](), [0]
    assert run.invoke(commands, ["pause", str(bench.folder)]).exit_code == 0

    def watch(what: str, rows: int, total: int) -> None:
        told.append(what)
        if what.endswith("paused"):
            assert rows == done[0] or rows == 0
            if told.count(what) == 3:
                assert "paused" in run.invoke(commands, ["progress", str(bench.folder)]).output
                assert run.invoke(commands, ["resume", str(bench.folder)]).exit_code == 0
        done[0] = rows

    result = erase(bench.case, approvals.check(bench.case), progress=watch)
    assert sum(t.endswith("paused") for t in told) >= 3
    assert result.verdict == "STORE_CLEAN"
    assert result.problems == ()
    assert "rows" in run.invoke(commands, ["progress", str(bench.folder)]).output


def test_a_replica_that_lags_is_waited_for_and_not_for_ever() -> None:
    """It says how far behind the replica is; after the stated patience the run stops, resumable."""
    told, clock = list[str](), Clock()
    pace(Store((30.0, 0), (25.0, 5 << 20), (0.0, 99 << 20), (1.0, 0)), clock, told).wait("shop.o delete", 5, 10)
    assert [t.split("; ")[1] for t in told] == ["waiting for a replica (30 s, 0 MiB behind)",
                                                "waiting for a replica (25 s, 5 MiB behind)",
                                                "waiting for a replica (0 s, 99 MiB behind)"]
    with pytest.raises(ErasureError, match="stays behind"):
        pace(Store((30.0, 0)), clock, told, limit=Limits(patience_seconds=3)).wait("shop.o delete", 5, 10)


def test_a_lock_is_waited_for_and_not_for_ever() -> None:
    """Each wait says how long it has been; after the stated patience in a row the run stops, resumable."""
    told, clock = list[str](), Clock()
    mine = pace(Store((0.0, 0)), clock, told, limit=Limits(patience_seconds=2))
    for _ in range(3):
        mine.busy(StoreBusy("x"), "shop.o delete", 5, 10)
    mine.done("shop.o delete", 6, 10)
    for _ in range(5):
        mine.busy(StoreBusy("x"), "shop.o delete", 5, 10)
    assert "1 of 2 s" in told[2]
    with pytest.raises(StoreBusy, match="holds a lock on"):
        mine.busy(StoreBusy("x"), "shop.o delete", 5, 10)


@pytest.mark.parametrize(("size", "took", "wanted"), [(1000, 0.5, 1000), (1000, 5.0, 500), (1000, 0.01, 2000),
                                                      (300, 9.0, 200), (150_000, 0.1, 200_000)])
def test_batches_grow_and_shrink_to_their_time(size: int, took: float, wanted: int) -> None:
    """At most by the half or twice, never outside the limits."""
    assert Pace(Store((0.0, 0)), limit=Limits(batch_seconds=0.5)).next_size(size, took, 200, 200_000) == wanted  # type: ignore[arg-type]


def test_the_time_left_follows_the_rate() -> None:
    """Half done in ten seconds: ten more."""
    clock, told = Clock(), list[str]()
    mine = pace(Store((0.0, 0)), clock, told)
    mine.wait("shop.o delete", 0, 100)
    clock.now += 10
    mine.done("shop.o delete", 50, 100)
    assert told[-1] == "shop.o delete; about 10 s left"


@pytest.mark.parametrize("bad", ['strategy = "fast"', "batch_second = 1.0", "patience_seconds = true", 'lag_mib = "1"',
                                 "volumes = 3", 'volumes = {other = "x"}'])
def test_settings_are_checked(bench: Any, bad: str) -> None:
    """An unknown or mistyped key names what is known."""
    with pytest.raises(BadSetting, match=r"settings\.erase"):
        limits(bench.open(f"{SQLITE}[settings.erase]\n{bad}\n"))


def test_a_volume_can_be_named(bench: Any) -> None:
    """Beside the other settings of the step."""
    case = bench.open(f'{SQLITE}[settings.erase]\nbatch_seconds = 1.0\n[settings.erase.volumes]\nshop = "SN 4711"\n')
    assert limits(case).batch_seconds == 1.0
    assert volume_of(case, "shop", None) == "SN 4711"


def test_another_program_in_sqlite_is_waited_for(bench: Any, make_shop: Callable[..., None], shop_plan: list[Disposal]) -> None:
    """A writer that begins in mid-run delays it, with a message; when it ends, the run goes on."""
    path = bench.folder / "shop.sqlite"
    make_shop(path)
    bench.open(SQLITE)
    bench.ready(*shop_plan)
    other: list[sqlite3.Connection] = []
    waited = threading.Event()

    def watch(what: str, rows: int, total: int) -> None:
        if "orders suppress" in what and not other:
            other.append(sqlite3.connect(path, check_same_thread=False, isolation_level=None))
            other[0].execute("BEGIN IMMEDIATE")
        elif "waiting for a lock that another client holds" in what and not waited.is_set():
            waited.set()
            other[0].execute("ROLLBACK")
            other[0].close()

    result = erase(bench.case, approvals.check(bench.case), progress=watch)
    assert waited.is_set()
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN"


def test_a_run_that_gives_up_on_a_lock_is_resumed(bench: Any, make_shop: Callable[..., None], shop_plan: list[Disposal]) -> None:
    """The stated time is over: it stops with what to do next; the next run ends as if nothing had been."""
    path = bench.folder / "shop.sqlite"
    make_shop(path)
    bench.open(SQLITE + "[settings.erase]\npatience_seconds = 0\n")
    bench.ready(*shop_plan)
    other: list[sqlite3.Connection] = []

    def watch(what: str, rows: int, total: int) -> None:
        if "orders suppress" in what and not other:
            other.append(sqlite3.connect(path, isolation_level=None))
            other[0].execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreBusy, match="another client holds a lock on"):
        erase(bench.case, approvals.check(bench.case), progress=watch)
    other[0].close()
    result = erase(Case.open(bench.folder), approvals.check(bench.case))
    assert result.problems == ()


# -- links without an index ------------------------------------------------------------------------------------


def test_the_planner_weighs_links_without_an_index() -> None:
    """Row by row they would cost hours, so the kept rows are copied instead, and the estimate of both is told."""
    sizes = Sizes(gone=100_000, rows=1_000_000, unindexed=5_000_000)
    choice = best("postgresql", sizes, shipped())
    assert choice.strategy == "copy"
    assert choice.others["batches"] > 3_600
    assert "keyset batches" in choice.en


@pytest.mark.parametrize("engine", ["postgresql", "mariadb", "sqlite"])
def test_the_choice_follows_the_share(engine: str) -> None:
    """A little goes row by row, most goes by copying the rest, everything by TRUNCATE; a replica allows batches only."""
    def pick(gone: int, **more: Any) -> str:
        return best(engine, Sizes(gone, 6_000_000, **more), shipped()).strategy

    assert pick(60_000) in ("batches", "set")
    assert pick(5_800_000) == "copy"
    assert pick(6_000_000) == "truncate"
    assert pick(5_800_000, live=("副本", "a replica")) == "batches"
    assert pick(5_800_000, cannot_copy=("分区", "partitions")) in ("batches", "set")
    assert pick(5_800_000, bytes=10**9, free=10**6) in ("batches", "set")


def test_sqlite_names_a_link_without_an_index(bench: Any, make_shop: Callable[..., None], shop_plan: list[Disposal]) -> None:
    """With the index that would help and both times; it does not stop the run, because links are checked as a set here."""
    make_shop(bench.folder / "shop.sqlite")
    bench.open(SQLITE)
    bench.ready(*shop_plan)
    found = {p.object: p for p in dry_run(bench.case).preflight if p.check == "child-index"}
    assert found["orders(customer_id)"].colour == "yellow"
    assert " s without, " in found["orders(customer_id)"].en
    sqlite3.connect(bench.folder / "shop.sqlite").execute(found["orders(customer_id)"].todo)  # the command works as it stands
    assert "orders(customer_id)" not in {p.object for p in dry_run(bench.case).preflight if p.check == "child-index"}


@pytest.mark.skipif(not (PG_BIN / "postgres").exists(), reason="no PostgreSQL server on this machine")
def test_postgresql_stops_before_the_first_row_at_a_link_without_an_index(bench: Any, line: Line) -> None:
    """Red with both times and the index; once it is made the same plan runs."""
    with server_folder() as folder:
        server = Postgres(folder)
        try:
            server.sql("CREATE DATABASE wb_erase_unindexed")
            server.sql("CREATE TABLE c (id int PRIMARY KEY, name text); "
                       "CREATE TABLE o (id int PRIMARY KEY, c int REFERENCES c(id), placed date);"
                       "INSERT INTO c SELECT i, 'CANARYNAME' || i FROM generate_series(1, 50000) i;"
                       "INSERT INTO o SELECT i, 1 + i % 50000, '2001-01-01' FROM generate_series(1, 50000) i; ANALYZE",
                       "wb_erase_unindexed")
            bench.open(f'[[sources]]\nname = "shop"\nurl = "{server.url("wb_erase_unindexed")}"\n'
                       '[settings.erase]\nstrategy = "batches"\n')
            bench.ready(line("D1", "shop", "o", "erase"), line("D2", "shop", "c", "erase"))
            with pytest.raises(ErasureError, match="the foreign key has no index") as stopped:
                erase(bench.case, approvals.check(bench.case))
            assert server.sql("SELECT count(*) FROM o", "wb_erase_unindexed") == [(50000,)]
            server.sql(stopped.value.todo, "wb_erase_unindexed")
            result = erase(Case.open(bench.folder), approvals.check(bench.case))
            assert result.problems == ()
            assert server.sql("SELECT count(*) FROM o", "wb_erase_unindexed") == [(0,)]
        finally:
            server.stop()
