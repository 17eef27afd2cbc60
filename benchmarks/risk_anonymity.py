"""k, l, t on synthetic Chinese customers: 10 M rows x 5 quasi-identifiers in DuckDB, and pyCANON on a table it can finish.

Run: python benchmarks/risk_anonymity.py [ROWS]     (pyCANON lives in its own environment: --pycanon PYTHON)
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.risk.anonymity import connect, measure

QI = ("district", "birth_year", "gender", "occupation", "education")
CANON = """
import sys, time, json, pandas as pd
from pycanon import anonymity as a
d = pd.read_parquet(sys.argv[1]); qi = {qi}; t = time.perf_counter()
r = dict(k=int(a.k_anonymity(d, qi)), l=int(a.l_diversity(d, qi, ["illness"])), e=float(a.entropy_l_diversity(d, qi, ["illness"])),
         t=float(a.t_closeness(d, qi, ["illness"])))
print(json.dumps(dict(r, seconds=time.perf_counter() - t)))
"""


def customers(rows: int, path: Path, seed: int = 7) -> None:
    """Skewed columns in row groups, so that nothing large is held at once."""
    rng = np.random.default_rng(seed)
    writer = None
    for start in range(0, rows, 1_000_000):
        n = min(1_000_000, rows - start)
        table = pa.table({
            "district": (rng.zipf(1.3, n) % 2900).astype(np.int32),
            "birth_year": np.clip(rng.normal(1982, 14, n), 1930, 2020).astype(np.int16),
            "gender": rng.integers(0, 2, n, dtype=np.int8), "occupation": (rng.zipf(1.5, n) % 300).astype(np.int16),
            "education": rng.integers(0, 8, n, dtype=np.int8), "illness": (rng.zipf(1.6, n) % 40).astype(np.int16)})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def main() -> None:
    """Print seconds, memory and results as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="?", type=int, default=10_000_000)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--pycanon", help="python of an environment that holds pycanon")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.parquet"
        customers(args.rows, path)
        con = connect(args.memory, folder)
        t = time.perf_counter()
        only_k = measure(con, f"read_parquet('{path}')", QI)
        a = time.perf_counter() - t
        t = time.perf_counter()
        full = measure(con, f"read_parquet('{path}')", QI, "illness")
        b = time.perf_counter() - t
        out = {"rows": args.rows, "k_seconds": round(a, 2), "k_l_t_seconds": round(b, 2), "classes": full.classes, "uniques": full.uniques,
               "k": only_k.k, "distinct_l": full.distinct_l, "entropy_l": full.entropy_l, "t": full.t,
               "peak_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2)}
        if args.pycanon:
            small = Path(folder) / "small.parquet"
            customers(1_000, small)
            table = pq.read_table(small)  # as words: numbers would get pyCANON's ordered distance
            names = pa.array([f"i{v}" for v in table["illness"].to_pylist()])
            pq.write_table(table.set_column(table.schema.get_field_index("illness"), "illness", names), small)
            t = time.perf_counter()
            ours = measure(con, f"read_parquet('{small}')", QI, "illness")
            mine = time.perf_counter() - t
            got = json.loads(subprocess.run([args.pycanon, "-c", CANON.format(qi=list(QI)), str(small)], check=True, capture_output=True,
                                            text=True).stdout)
            out["pycanon"] = {"rows": 1_000, "theirs": got, "ours_seconds": round(mine, 4), "ratio": round(got["seconds"] / mine),
                              "equal": [ours.k == got["k"], ours.distinct_l == got["l"], abs((ours.t or 0) - got["t"]) < 1e-9]}
        print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
