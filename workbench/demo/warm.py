"""Compile the byte kernels once, in a process beside the demo's first steps: half a minute that need not be waited for.

numba keeps what it compiled beside the package (or in the user's cache), so later runs find it there.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


def compiled() -> bool:
    """Whether numba has kept kernels of an earlier run, beside the package or in the user's cache."""
    import os

    import workbench

    places = (Path(workbench.__file__).parent, Path(os.environ.get("NUMBA_CACHE_DIR") or Path.home() / ".cache" / "numba"))
    return any(next(p.rglob("*.nbi"), None) is not None for p in places if p.is_dir())


def warm() -> None:
    """Read three rows of every column type and search three bytes: all kernels are compiled after this."""
    import datetime as dt

    import pyarrow as pa
    import pyarrow.parquet as pq

    from workbench.classification import scan
    from workbench.erasure.scan import Scanner
    from workbench.sources.keyed import hash_rows

    table = pa.table({
        "text": ["red", "李蓝", None], "number": [1, 2, None], "share": [0.5, 1.5, None],
        "at": [dt.datetime(2026, 1, 1), None, None], "day": [dt.date(2026, 1, 1), None, None],
        "flag": [True, False, None],
    })
    with tempfile.TemporaryDirectory(prefix="wb-warm-") as folder:
        pq.write_table(table, Path(folder) / "a.parquet")
        (Path(folder) / "a.csv").write_text("id,colour\n1,red\n2,蓝\n", encoding="utf-8")
        scan([folder])
    for batch in table.to_batches():
        hash_rows(batch, (1, 2))
    Scanner([b"abcdef"]).count(b"xxabcdefxx")


@contextlib.contextmanager
def beside() -> Iterator[None]:
    """Run :func:`warm` in a process of its own beside the block, and wait for its end: compiling twice takes longer."""
    process = subprocess.Popen([sys.executable, "-c", "from workbench.demo.warm import warm; warm()"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
        process.wait(timeout=180)
    finally:
        process.kill()
        process.wait()
