"""Dask gives the same bytes as one thread, also when a worker is killed in mid-run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.classification.test_engines import RULES, same, table
from workbench.classification.cluster import run_dask
from workbench.classification.engine import run
from workbench.errors import ParameterError

distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")


def test_without_a_client_it_says_what_to_do() -> None:
    """No open client is one sentence with the next step."""
    with pytest.raises(ParameterError, match="no Dask client"):
        run_dask([], RULES)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        distributed.Client(cluster) as opened,
    ):
        yield opened


def test_dask_equals_serial(client: Any) -> None:
    """Forty batches on three workers join to the partial of one thread."""
    batches = table(8_000).to_batches(max_chunksize=200)
    assert same(run_dask(batches, RULES, client), run(batches, RULES, engine="serial"))


def test_a_killed_worker_changes_nothing(client: Any) -> None:
    """A worker that dies by SIGKILL in mid-run costs time, not a row."""
    batches = table(40_000).to_batches(max_chunksize=500)
    pids = list(client.run(os.getpid).values())

    def with_a_murder() -> Iterator[Any]:
        for i, batch in enumerate(batches):
            if i == 12:
                os.kill(pids[0], signal.SIGKILL)
            yield batch

    assert same(run_dask(with_a_murder(), RULES, client), run(batches, RULES, engine="serial"))
