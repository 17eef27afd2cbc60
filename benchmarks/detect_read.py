"""Scan of a ten-column table end to end, beside the bare Arrow reader and pandas.read_sql, in one run, alternating.

    .venv/bin/python benchmarks/detect_read.py [--rows 1000000] [--turns 3]

SQLite always; PostgreSQL on 127.0.0.1:5432 in a database of its own (wb_detect_bench, dropped afterwards) where it answers.
Printed: medians of rows/s by the clock, and the scan's share of the bare reader.
"""

# ruff: noqa: E501 - programs in strings and printed lines
from __future__ import annotations

import argparse
import datetime as dt
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
DDL = (
    "CREATE TABLE t (id BIGINT PRIMARY KEY, name VARCHAR(40), phone VARCHAR(20), id_card VARCHAR(18), email VARCHAR(80), "
    "city VARCHAR(40), amount DOUBLE PRECISION, quantity INTEGER, status VARCHAR(20), created_at TIMESTAMP)"
)
PG = "postgresql://root@127.0.0.1:5432/"


def rows(n: int) -> Iterator[tuple[object, ...]]:
    """Customers' rows; 20,000 different people."""
    from detect_workload import unique_rows

    u = unique_rows()
    r = random.Random(1)
    start = dt.datetime(2020, 1, 1)
    m = len(u["id"])
    for i in range(n):
        k = i % m
        yield (
            i, u["name"][k], u["mobile"][k], u["id"][k], u["email"][k], ("上海", "北京", "深圳")[k % 3], r.random() * 1e4,
            k % 50, ("已完成", "已取消")[k % 2], str(start + dt.timedelta(seconds=i)),
        )  # fmt: skip


def clock(work: Callable[[], object], n: int) -> float:
    """Rows per second of one go."""
    start = time.perf_counter()
    work()
    return n / (time.perf_counter() - start)


def measure(name: str, location: str, pandas_url: str, n: int, turns: int) -> None:
    """Alternate bare read, scan and (once) pandas; print medians."""
    import pandas as pd
    from sqlalchemy import create_engine

    from workbench.classification.engine import parts_for, run, run_streams
    from workbench.classification.rules import load_rules
    from workbench.sources import open_location

    rules = load_rules(20261123)
    with open_location(location) as warm:  # compile, connect, list
        warm.tables()
        run(iter([next(iter(warm.batches("t")))]), rules)

    def bare() -> None:
        with open_location(location) as source:
            source._tables = known  # type: ignore[attr-defined]
            assert sum(b.num_rows for b in source.batches("t")) == n

    def scan() -> None:
        with open_location(location) as source:
            source._tables = known  # type: ignore[attr-defined]
            run_streams(source.streams("t", parts_for(0)), rules)

    with open_location(location) as source:
        known = source.tables()
        place = getattr(source, "_place", None)

    if place:  # PostgreSQL lists where its tables are; listing is timed for neither

        def bare() -> None:
            with open_location(location) as source:
                source.tables()
                start.append(time.perf_counter())
                assert sum(b.num_rows for b in source.batches("t")) == n

        def scan() -> None:
            with open_location(location) as source:
                source.tables()
                start.append(time.perf_counter())
                run_streams(source.streams("t", parts_for(0)), rules)

    start: list[float] = []

    def timed(work: Callable[[], object]) -> float:
        start.clear()
        begin = time.perf_counter()
        work()
        return n / (time.perf_counter() - (start[-1] if start else begin))

    reads, scans = [], []
    for _ in range(turns):
        reads.append(timed(bare))
        scans.append(timed(scan))
    engine = create_engine(pandas_url)
    pandas = clock(lambda: pd.read_sql("SELECT * FROM t", engine), n)
    engine.dispose()
    a, b = statistics.median(reads), statistics.median(scans)
    print(f"{name:10} bare {a:10,.0f} rows/s  scan {b:10,.0f} rows/s = {b / a:.0%}  pandas.read_sql {pandas:9,.0f} rows/s, scan {b / pandas:.1f}x")


def main() -> None:
    """Run both engines."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--rows", type=int, default=1_000_000)
    ask.add_argument("--turns", type=int, default=3)
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.sqlite")
        db = sqlite3.connect(path)
        db.execute(DDL)
        db.executemany("INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?,?)", rows(given.rows))
        db.commit()
        db.close()
        measure("sqlite", str(path), f"sqlite:///{path}", given.rows, given.turns)
    try:
        import psycopg

        admin = psycopg.connect(PG + "postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        print("postgresql no server answers")
        return
    admin.execute("DROP DATABASE IF EXISTS wb_detect_bench")
    admin.execute("CREATE DATABASE wb_detect_bench")
    try:
        with psycopg.connect(PG + "wb_detect_bench", autocommit=True) as db2:
            db2.execute(DDL)
            with db2.cursor() as cursor, cursor.copy("COPY t FROM STDIN") as copy:
                for row in rows(given.rows):
                    copy.write_row(row)
            db2.execute("VACUUM ANALYZE t")
        measure("postgresql", PG + "wb_detect_bench", (PG + "wb_detect_bench").replace("postgresql:", "postgresql+psycopg:"), given.rows, given.turns)
    finally:
        admin.execute("DROP DATABASE IF EXISTS wb_detect_bench WITH (FORCE)")


if __name__ == "__main__":
    main()
