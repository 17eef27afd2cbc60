"""Time and memory of a Parquet scan as rows grow: each size in a process of its own.

    .venv/bin/python benchmarks/detect_scale.py [--millions 1 5 20]

Printed, medians of three processes: seconds of the scan proper, seconds a million rows, peak resident MB. Before it the same
process scans a file of 400,000 rows of the same columns (its seconds stand at the end): libraries are loaded and memory is
touched once, whatever the size. No cell is like another: one that was seen before costs less.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
ROWS = 100_000
CHILD = r"""
import resource, sys, time
import pyarrow as pa
from workbench.classification.engine import run
from workbench.classification.rules import load_rules
from workbench.sources import open_location
pa.set_cpu_count(2)
rules = load_rules(20261123)
start = time.perf_counter()
with open_location(sys.argv[2]) as source:  # load what a first scan loads, touch the memory that it works in
    run(source.batches(source.tables()[0].name), rules)
first = time.perf_counter() - start
start, cpu = time.perf_counter(), time.process_time()
with open_location(sys.argv[1]) as source:
    (table,) = source.tables()
    part = run(source.batches(table.name), rules)
assert part["id"].stats[0] == table.rows
print(time.perf_counter() - start, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, first)
"""


WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def rows(block: int) -> pa.Table:
    """100,000 made-up rows, none of which is in another block: a cell seen before costs less, and would bend the line."""
    import numpy as np

    n = np.arange(block * ROWS, (block + 1) * ROWS, dtype=np.int64)
    days = (np.datetime64("1950-01-01") + n % 20_000).astype(str)
    body = np.char.add(np.char.add("310101", np.char.replace(days, "-", "")), np.char.zfill((n // 20_000 % 1000).astype(str), 3))
    digits = body.astype("S17").view(np.uint8).reshape(-1, 17).astype(np.int64) - 48
    ids = np.char.add(body, np.array(list("10X98765432"))[digits @ np.array(WEIGHTS) % 11])
    number = (n + 50_000_000).astype(str)  # as wide in the first row as in the last
    return pa.table({
        "id": ids.tolist(), "mobile": np.char.add("1", (3_000_000_000 + n * 97 % 6_000_000_000).astype(str)).tolist(),
        "email": np.char.add(np.char.add("user", number), "@example.com").tolist(),
        "remark": np.char.add(np.char.add("订单 ", number), " 已送到前台, 请电话通知").tolist(), "n": n + 50_000_000})


def main() -> None:
    """Write, scan, print."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--millions", type=int, nargs="+", default=[1, 5, 20])
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder, "small.parquet")
        pq.write_table(pa.concat_tables([rows(n) for n in range(1_000, 1_004)]), small)
        before = (0, 0.0, 0.0)
        for millions in given.millions:
            path = Path(folder, f"{millions}.parquet")
            with pq.ParquetWriter(path, rows(0).schema) as out:
                for n in range(millions * 1_000_000 // ROWS):
                    out.write_table(rows(n))
            runs = [subprocess.run([sys.executable, "-c", CHILD, str(path), str(small)], capture_output=True, text=True, check=True)
                    for _ in range(3)]
            seconds, cpu, peak, first = (median(x) for x in zip(*([float(x) for x in r.stdout.split()] for r in runs), strict=True))
            more = millions - before[0]
            print(f"{millions:3} M rows x 5 columns: {seconds:6.1f} s, {seconds / millions:.2f} s/M, CPU {cpu / millions:.2f} s/M, "
                  f"each further million {(seconds - before[1]) / more:.2f} s, CPU {(cpu - before[2]) / more:.2f} s; {peak:5.0f} MB peak; "
                  f"400,000 rows before, with all that is loaded once: {first:.1f} s", flush=True)
            before = (millions, seconds, cpu)
            path.unlink()


if __name__ == "__main__":
    main()
