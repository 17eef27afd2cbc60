"""CLUSTER: the same kernel on Dask (extra ``dask``): batches go out, partials come back and are joined here.

A batch stays in hand until its partial has arrived; when a worker dies with it, it goes out again. Nothing is joined twice,
because only what has arrived is joined, once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workbench.classification.partial import Partial, kernel, merge
from workbench.errors import ParameterError, WorkbenchError

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.classification.rules import Rules

RETRIES = 5
PAUSES = 8


def run_dask(batches: Iterable[pa.RecordBatch], rules: Rules, client: Any = None) -> Partial:
    """Scan on the current Dask client (or ``client``); at most two batches a worker are under way.

    Raises: ParameterError without the extra or without a client; WorkbenchError when a batch fails five times.
    """
    try:
        from distributed import get_client
    except ImportError:
        raise ParameterError("the engine dask is not installed", "pip install 'winddown-workbench[dask]'") from None
    if client is None:
        try:
            client = get_client()
        except ValueError:
            raise ParameterError("no Dask client is open", "open one first: distributed.Client(address)") from None
    crew = _Crew(client, rules)
    for batch in batches:
        crew.send(batch)
        crew.collect(2 * max(1, len(client.scheduler_info(n_workers=-1)["workers"])))
    crew.collect(0)
    return crew.total


class _Crew:
    """Batches under way and the partial joined so far."""

    def __init__(self, client: Any, rules: Rules) -> None:
        self.client, self.rules = client, rules
        self.total: Partial = {}
        self._running: dict[Any, tuple[pa.RecordBatch, Any, int]] = {}

    def send(self, batch: pa.RecordBatch, tries: int = 0) -> None:
        if tries > RETRIES:
            raise WorkbenchError("a batch failed on five workers", "look at the workers' memory, or use engine = threads")
        for pause in range(PAUSES + 1):
            try:
                data = self.client.scatter(batch, hash=False)
                break
            except OSError:  # it was being handed to a worker that died
                if pause == PAUSES:
                    raise WorkbenchError("no worker takes a batch", "look at the cluster, or use engine = threads") from None
                time.sleep(0.2 * (pause + 1))
        future = self.client.submit(kernel, data, self.rules, pure=False)
        self._running[future] = (batch, data, tries)

    def collect(self, most: int) -> None:
        """Wait until at most ``most`` batches are under way."""
        while len(self._running) > most:
            ready = [f for f in self._running if f.status != "pending"]
            for future in ready:
                batch, _, tries = self._running.pop(future)
                if future.status == "finished":
                    try:
                        part = future.result(timeout=60)
                    except Exception:  # its worker died between finishing and telling
                        part = None
                    if part is not None:
                        self.total = merge(self.total, part)
                        continue
                self.send(batch, tries + 1)
            if not ready:
                time.sleep(0.005)
