"""CLUSTER: the same kernel on Dask (extra ``dask``): batches go out as futures, partials are joined where they are made.

A worker that dies loses only batches under way; Dask runs them again elsewhere, and a partial that was already joined is never
joined twice, because the joining itself is a task of the same graph.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workbench.classification.partial import Partial, kernel, merge
from workbench.errors import ParameterError

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.classification.rules import Rules

FAN_IN = 8
RETRIES = 3


def run_dask(batches: Iterable[pa.RecordBatch], rules: Rules, client: Any = None) -> Partial:
    """Scan on the current Dask client (or ``client``); at most a few batches a worker are under way.

    Raises: ParameterError without the extra or without a client.
    """
    try:
        from distributed import get_client
        from distributed import wait as wait_for
    except ImportError:
        raise ParameterError("the engine dask is not installed", "pip install 'winddown-workbench[dask]'") from None
    if client is None:
        try:
            client = get_client()
        except ValueError:
            raise ParameterError("no Dask client is open", "open one first: distributed.Client(address)") from None
    limit = 4 * max(1, len(client.scheduler_info()["workers"]))
    level: list[Any] = []
    running: set[Any] = set()
    for batch in batches:
        data = client.scatter(batch, hash=False, direct=False)
        future = client.submit(kernel, data, rules, pure=False, retries=RETRIES)
        del data
        level.append(future)
        running.add(future)
        if len(running) >= limit:
            running = wait_for(running, return_when="FIRST_COMPLETED").not_done  # type: ignore[no-untyped-call]
        if len(level) >= FAN_IN * 4:
            level = [_join(client, level)]
            running.add(level[0])
    if not level:
        return {}
    return dict(_join(client, level).result())


def merge_all(*parts: Partial) -> Partial:
    """Join any number of partials."""
    total: Partial = {}
    for part in parts:
        total = merge(total, part)
    return total


def _join(client: Any, parts: list[Any]) -> Any:
    while len(parts) > 1:
        parts = [
            client.submit(merge_all, *parts[i : i + FAN_IN], pure=False, retries=RETRIES) for i in range(0, len(parts), FAN_IN)
        ]
    return parts[0]
