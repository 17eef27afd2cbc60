"""ENGINE: runs kernel and merge over the batches of a table: one thread, several, or (extra ``dask``) several machines.

Whatever the engine, the result is the same bytes: partials join in any order to the same whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Literal

from workbench.classification.partial import Partial, kernel, merge

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.classification.rules import Rules

Engine = Literal["serial", "threads", "dask"]


def run(batches: Iterable[pa.RecordBatch], rules: Rules, *, engine: Engine = "threads", workers: int = 0) -> Partial:
    """Scan all batches of one table; memory holds at most a few batches a worker."""
    if engine == "serial":
        total: Partial = {}
        for batch in batches:
            total = merge(total, kernel(batch, rules))
        return total
    if engine == "dask":
        from workbench.classification.cluster import run_dask

        return run_dask(batches, rules)
    workers = workers or min(os.cpu_count() or 1, 16)
    rules.tables()  # built once, not once a thread
    total = {}
    with ThreadPoolExecutor(workers) as pool:
        waiting: set[Future[Partial]] = set()
        for batch in batches:
            waiting.add(pool.submit(kernel, batch, rules))
            if len(waiting) > 2 * workers:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    total = merge(total, future.result())
        for future in waiting:
            total = merge(total, future.result())
    return total
