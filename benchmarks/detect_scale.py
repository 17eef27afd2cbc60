"""Time and memory of a Parquet scan as rows grow: each size in a process of its own.

    .venv/bin/python benchmarks/detect_scale.py [--millions 1 5 20]

Printed: seconds of the scan proper (kernel compiled, libraries loaded, file written before), seconds a million rows, peak resident MB.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
CHILD = r"""
import resource, sys, time
import pyarrow as pa
from workbench.classification.engine import run
from workbench.classification.rules import load_rules
from workbench.sources import open_location
pa.set_cpu_count(2)
rules = load_rules(20261123)
with open_location(sys.argv[2]) as source:  # load what a first scan loads: a second or less, whatever the size
    run(source.batches(source.tables()[0].name), rules)
start, cpu = time.perf_counter(), time.process_time()
with open_location(sys.argv[1]) as source:
    (table,) = source.tables()
    part = run(source.batches(table.name), rules)
assert part["id"].stats[0] == table.rows
print(time.perf_counter() - start, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main() -> None:
    """Write, scan, print."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from detect_workload import unique_rows

    ask = argparse.ArgumentParser()
    ask.add_argument("--millions", type=int, nargs="+", default=[1, 5, 20])
    given = ask.parse_args()
    unique = pa.table({k: v for k, v in unique_rows().items() if k in ("id", "mobile", "email", "remark")})
    block = pa.concat_tables([unique] * 5).combine_chunks()  # 100,000 rows
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder, "small.parquet")
        pq.write_table(block.slice(0, 100), small)
        before = (0, 0.0, 0.0)
        for millions in given.millions:
            path = Path(folder, f"{millions}.parquet")
            with pq.ParquetWriter(path, block.schema) as out:
                for n in range(millions * 10):
                    amount = pa.array(range(n * 100_000, (n + 1) * 100_000), pa.int64())
                    if n == 0:
                        out.close()
                        out = pq.ParquetWriter(path, block.append_column("n", amount).schema)
                    out.write_table(block.append_column("n", amount))
                out.close()
            done = subprocess.run([sys.executable, "-c", CHILD, str(path), str(small)], capture_output=True, text=True, check=True)
            seconds, cpu, peak = (float(x) for x in done.stdout.split())
            more = millions - before[0]
            print(f"{millions:3} M rows x 5 columns: {seconds:6.1f} s, {seconds / millions:.2f} s/M, CPU {cpu / millions:.2f} s/M, "
                  f"each further million {(seconds - before[1]) / more:.2f} s, CPU {(cpu - before[2]) / more:.2f} s; {peak:5.0f} MB peak")
            before = (millions, seconds, cpu)
            path.unlink()


if __name__ == "__main__":
    main()
