"""ENGINE: runs kernel and merge over the batches of a table: one thread, several, or (extra ``dask``) several machines.

Whatever the engine, the result is the same bytes: partials join in any order to the same whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain
from threading import Event
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
            total = merge(total, kernel(batch, rules, total))
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
            waiting.add(pool.submit(kernel, batch, rules, total))
            if len(waiting) > 2 * workers:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    total = merge(total, future.result())
        for future in waiting:
            total = merge(total, future.result())
    return total


def run_streams(streams: Sequence[Callable[[], Iterable[pa.RecordBatch]]], rules: Rules, *, engine: Engine = "threads",
                workers: int = 0) -> Partial:
    """Scan a table that comes in several parts: with threads, each part is read and scanned by a thread of its own."""
    if len(streams) == 1 or engine != "threads":
        return run(chain.from_iterable(s() for s in streams), rules, engine=engine, workers=workers)
    rules.tables()
    stop = Event()

    def one(stream: Callable[[], Iterable[pa.RecordBatch]]) -> Partial:
        total: Partial = {}
        try:
            for batch in stream():
                if stop.is_set():
                    break
                total = merge(total, kernel(batch, rules, total))  # in the thread that read it: it is still in the cache
        except BaseException:
            stop.set()
            raise
        return total

    total: Partial = {}
    with ThreadPoolExecutor(len(streams)) as pool:
        try:
            for part in pool.map(one, streams):
                total = merge(total, part)
        finally:
            stop.set()
    return total


def parts_for(workers: int) -> int:
    """How many parts of a table to ask a source for; 0 workers: as many as processors, four at most."""
    return workers or min(os.cpu_count() or 1, 4)
