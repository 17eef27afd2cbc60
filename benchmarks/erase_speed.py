"""Keyset batches with the journal, against one big DELETE and pt-archiver, on a private MariaDB and on SQLite.

    python benchmarks/erase_speed.py [--parents 50000] [--share 0.5] [--engine mariadb|sqlite]

One run, wall time of the deletion alone (no scrub, no proof), rows a second, and ratios against the issue's targets.
A peer that is not installed is said to be so.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "erasure")]


def sqlite_data(path: Path, parents: int) -> None:
    db = sqlite3.connect(path)
    db.executescript("PRAGMA journal_mode=WAL; CREATE TABLE c (id INTEGER PRIMARY KEY, name TEXT, n INTEGER);"
                     "CREATE TABLE o (id INTEGER PRIMARY KEY, c INTEGER NOT NULL REFERENCES c(id), t TEXT, n INTEGER);")
    db.executemany("INSERT INTO c VALUES (?,?,?)", ((i, f"name {i} xxxxxxxxxx", i % 100) for i in range(parents)))
    db.executemany("INSERT INTO o VALUES (?,?,?,?)", ((i, i % parents, f"order {i} yyyyyyyyyyyyyyyy", i % parents % 100)
                                                      for i in range(5 * parents)))
    db.execute("CREATE INDEX oc ON o(c)")
    db.commit()
    db.close()


MARIA = """
CREATE DATABASE wb_erase_bench; USE wb_erase_bench;
CREATE TABLE c (id BIGINT PRIMARY KEY, name VARCHAR(40), n INT) ENGINE=InnoDB;
CREATE TABLE o (id BIGINT PRIMARY KEY, c BIGINT NOT NULL, t VARCHAR(60), n INT, FOREIGN KEY (c) REFERENCES c(id)) ENGINE=InnoDB;
INSERT INTO c SELECT seq, CONCAT('name ', seq, ' xxxxxxxxxx'), seq % 100 FROM seq_1_to_{p};
INSERT INTO o SELECT seq, 1 + seq % {p}, CONCAT('order ', seq, ' yyyyyyyyyyyyyyyy'), (1 + seq % {p}) % 100 FROM seq_1_to_{o};
"""


def ours(spec: Any, base: Path, share: float) -> tuple[int, float]:
    """Rows and seconds of :func:`carry_out` over children and parents."""
    from workbench.erasure.execute import carry_out, counts
    from workbench.erasure.selection import Line, Selection, table_order
    from workbench.erasure.stores import ENGINES
    from workbench.plan.model import Disposal, RecordSet, Text

    module, name = ENGINES[spec.url.split(":")[0]]
    store = getattr(__import__(f"workbench.erasure.{module}", fromlist=[name]), name)(spec, base)
    store.open()
    store.begin()
    lines = []
    for i, table in enumerate(("o", "c")):
        d = Disposal(id=f"D{i}", set=RecordSet(source="b", table=table), action="erase", reason=Text(zh="", en=""))
        line = Line(d, f"wb_erase_k{i}")
        line.rows = store.make_keys(line.work, table, f"t.n < {int(share * 100)}")
        lines.append(line)
    store.commit()
    groups, cyclic = table_order(store)
    sel = Selection(lines, order=[t for g in groups for t in g], cyclic=cyclic)
    start = time.perf_counter()
    carry_out(store, sel)
    seconds = time.perf_counter() - start
    done = sum(c["deleted"] for c in counts(store, lines).values())
    store.close()
    return done, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parents", type=int, default=50_000)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--engine", choices=("mariadb", "sqlite"), default="mariadb")
    options = parser.parse_args()
    print(f"{options.engine}: {options.parents:,} parents, {5 * options.parents:,} children, {options.share:.0%} deleted")
    (maria if options.engine == "mariadb" else sqlite)(options.parents, options.share)
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB (target < 300)")


def report(rates: dict[str, float]) -> None:
    for name, rate in rates.items():
        print(f"{name:40} {rate:10,.0f} rows/s")
    mine = rates["keyset batches with journal"]
    for peer, want in (("pt-archiver default", 5.0), ("pt-archiver bulk", 2.0)):
        if peer in rates:
            ratio = mine / rates[peer]
            print(f"ours / {peer}: {ratio:.1f} (target {want}) {'reached' if ratio >= want else 'MISSED'}")
        elif "sqlite" not in rates:
            print(f"{peer}: not installed, not compared")


def sqlite(parents: int, share: float) -> None:
    from workbench.case.config import SourceSpec

    with tempfile.TemporaryDirectory() as text:
        base, rates = Path(text), dict[str, float]()
        sqlite_data(base / "b.sqlite", parents)
        shutil.copyfile(base / "b.sqlite", base / "plain.sqlite")
        rows, seconds = ours(SourceSpec(name="b", url="sqlite:///b.sqlite"), base, share)
        rates["keyset batches with journal"] = rows / seconds
        db = sqlite3.connect(base / "plain.sqlite")
        db.execute("PRAGMA secure_delete=ON")
        start = time.perf_counter()
        n = sum(db.execute(f"DELETE FROM {t} WHERE n < {int(share * 100)}").rowcount for t in ("o", "c"))
        db.commit()
        rates["one DELETE a table, no journal"] = n / (time.perf_counter() - start)
        db.close()
        report(rates)


def maria(parents: int, share: float) -> None:
    from servers import Maria, server_folder

    from workbench.case.config import SourceSpec

    with server_folder() as folder:
        server, rates = Maria(folder, innodb_buffer_pool_size="512M", innodb_log_file_size="256M"), dict[str, float]()
        try:
            for name in ("keyset batches with journal", "one DELETE a table, no journal", "pt-archiver default",
                         "pt-archiver bulk"):
                if name.startswith("pt-") and not shutil.which("pt-archiver"):
                    continue
                server.sql("DROP DATABASE IF EXISTS wb_erase_bench")
                server.sql(MARIA.format(p=parents, o=5 * parents))
                if name.startswith("keyset"):
                    rows, seconds = ours(SourceSpec(name="b", url=server.url("wb_erase_bench")), folder, share)
                else:
                    rows, seconds = other(server, name, share)
                rates[name] = rows / seconds
        finally:
            server.stop()
        report(rates)


def other(server: Any, name: str, share: float) -> tuple[int, float]:
    db, cut = "wb_erase_bench", int(share * 100)
    if name.startswith("one"):
        before = server.sql("SELECT (SELECT count(*) FROM o) + (SELECT count(*) FROM c)", db)[0][0]
        start = time.perf_counter()
        for table in ("o", "c"):
            server.sql(f"DELETE FROM {table} WHERE n < {cut}", db)
        seconds = time.perf_counter() - start
        return before - server.sql("SELECT (SELECT count(*) FROM o) + (SELECT count(*) FROM c)", db)[0][0], seconds
    words = ["pt-archiver", "--source", f"h=127.0.0.1,P={server.port},u=root,D={db},t=o", "--purge", "--where", f"n < {cut}",
             "--no-check-charset"]
    words += ["--bulk-delete", "--limit", "5000", "--commit-each"] if name.endswith("bulk") else []
    before = server.sql("SELECT count(*) FROM o", db)[0][0]
    start = time.perf_counter()
    subprocess.run(words, check=True, capture_output=True)
    seconds = time.perf_counter() - start
    return before - server.sql("SELECT count(*) FROM o", db)[0][0], seconds


if __name__ == "__main__":
    main()
