"""KILLS: erasures in forked children that send themselves SIGKILL at the n-th event of their own progress.

    python kills.py < lines of "FOLDER N"     # N = 0: count the events, kill nothing

Answers ``killed`` or ``done EVENTS`` a line. An event is a statement sent to a database (counted before and after), a
file opened, renamed, linked or removed, and every ten thousand steps inside one statement of SQLite. So a kill's place
depends on the work done and never on the clock, and the modules are loaded once for all children.
"""

from __future__ import annotations

import importlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WATCHED = {"open", "os.rename", "os.remove", "os.link", "os.mkdir", "os.truncate", "os.rmdir"}
SIZE = 100
"""rows a batch, so that small data has many batches"""
WARM = ("duckdb", "workbench.erasure.duckdb", "workbench.erasure.filejob", "workbench.erasure.flow",
        "workbench.erasure.mariadb", "workbench.erasure.postgres", "workbench.erasure.sqlite",
        "workbench.erasure.sqljob", "workbench.vault.archive", "workbench.vault.restoring", "workbench.sources",
        "pyarrow.parquet", "networkx", "psycopg", "pymysql", "sqlalchemy.dialects.postgresql.psycopg",
        "sqlalchemy.dialects.mysql.pymysql", "sqlalchemy.dialects.sqlite.pysqlite")


class Bomb:
    """Counts events; goes off at the n-th."""

    def __init__(self, at: int) -> None:
        self.at, self.events = at, 0

    def tick(self) -> int:
        self.events += 1
        if self.events == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def plant(self) -> None:
        """Watch this process."""
        from workbench.erasure import execute
        from workbench.erasure.duckdb import DuckStore
        from workbench.erasure.sqlite import SqliteStore
        from workbench.erasure.sqlstore import SqlStore

        execute.FIRST = execute.SMALLEST = execute.LARGEST = SIZE
        for name in ("run", "commit"):
            for store in (SqlStore, SqliteStore, DuckStore):
                if name in vars(store):
                    setattr(store, name, self._around(getattr(store, name)))
        connect = SqliteStore.connect

        def connected(store: Any) -> None:
            connect(store)
            store.cx.set_progress_handler(self.tick, 10_000)

        SqliteStore.connect = connected  # type: ignore[method-assign]
        sys.addaudithook(lambda name, _: self.tick() and None if name in WATCHED else None)

    def _around(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*a: Any, **k: Any) -> Any:
            self.tick()
            out = method(*a, **k)
            self.tick()
            return out

        return counted


def run_child(folder: str, at: int) -> None:
    """Erase in this process, with a bomb in it."""
    from workbench.case import Case, approvals
    from workbench.erasure import erase

    bomb = Bomb(at)
    bomb.plant()
    case = Case.open(folder)
    erase(case, approvals.check(case))
    sys.stdout.write(f"done {bomb.events}\n")


def main() -> None:
    """Serve requests until the input ends."""
    sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout under test
    from workbench.erasure.scan import Scanner

    for name in WARM:
        importlib.import_module(name)
    Scanner([b"warmed up"]).count(b"the compiled loop is warmed up")
    for line in sys.stdin:
        folder, at = line.rsplit(" ", 1)
        pid = os.fork()
        if not pid:
            try:
                run_child(folder, int(at))
                sys.stdout.flush()
            except BaseException:
                import traceback

                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status:
            sys.stdout.write("killed\n" if status == -signal.SIGKILL else f"failed {status}\n")
            sys.stdout.flush()


class Driver:
    """The other end: asks for erasures, and says how they ended."""

    def __init__(self, log: Path) -> None:
        self.log = log
        with log.open("wb") as f:
            self.process = subprocess.Popen([sys.executable, __file__], cwd=Path(__file__).parents[2], text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=f)

    def erase(self, folder: Path, at: int = 0) -> int:
        """Events of a run that ended, 0 of one that was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{folder} {at}\n")
        self.process.stdin.flush()
        told = self.process.stdout.readline().split() or ["nothing"]
        assert told[0] in ("killed", "done"), self.log.read_text()[-3000:]
        return int(told[1]) if told[0] == "done" else 0

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.communicate()


@contextmanager
def driver(folder: Path) -> Iterator[Driver]:
    """A driver for one test; its log lies in ``folder``."""
    made = Driver(folder / "driver.log")
    try:
        yield made
    finally:
        made.close()


def storm(made: Driver, kills: int, events: int, seed: int, fresh: Callable[[], Path],
          after_kill: Callable[[Path], None], after_run: Callable[[Path], None]) -> int:
    """Kill runs at points spread evenly over ``events``, and resumed ones twice more; each is brought to its end.

    Returns:
        how many kills there were: ``kills``, wherever the points fell.
    """
    rng, killed, place = random.Random(seed), 0, 0
    while killed < kills:
        folder = fresh()
        first = 1 + int(events * ((place := place + 0.618_034) % 1) * 0.98)  # golden section: even for any number
        for at in (first, *(rng.randint(1, max(1, events // 3)) for _ in range(2))):
            if killed < kills and not made.erase(folder, at):
                killed += 1
                after_kill(folder)
        made.erase(folder)
        after_run(folder)
    return killed


if __name__ == "__main__":
    main()
