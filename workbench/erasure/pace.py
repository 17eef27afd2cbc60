"""PACE: between two batches. Waits while paused, while a replica lags, while another client holds a lock; sizes batches.

``workbench erase pause CASE`` writes the pause file, ``resume`` takes it away; ``progress.json`` beside it says how far
the run is and how long it still takes. A run that gives up waiting has lost nothing: the journal continues it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BadSetting, ErasureError, StoreBusy

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.erasure.sqlstore import SqlStore

Progress = Callable[[str, int, int], None]
PAUSE, TOLD = "pause", "progress.json"
SMALLEST, LARGEST = 200, 200_000


def quiet(what: str, done: int, total: int) -> None:
    """No progress."""


@dataclass(frozen=True)
class Limits:
    """``[settings.erase]`` of case.toml."""

    strategy: str = ""
    """batches, set, copy or truncate instead of the planner's choice, where a table allows it; empty: the planner"""
    batch_seconds: float = 0.5
    """how long one batch should take"""
    patience_seconds: float = 600.0
    """how long to wait for a lock, or for a replica, before giving up (resumable)"""
    lag_seconds: float = 10.0
    lag_mib: float = 64.0
    """a replica further behind than this makes us wait"""
    replicas: tuple[str, ...] = ()
    """URLs of MariaDB replicas whose lag counts; PostgreSQL tells itself"""


def limits(case: Case) -> Limits:
    """``[settings.erase]``, checked and completed; its table ``volumes`` is :func:`workbench.erasure.place.volume_of`'s."""
    given = case.settings("erase")
    volumes = given.pop("volumes", {})
    if not isinstance(volumes, dict) or not set(volumes) <= {s.name for s in case.config.sources}:
        raise BadSetting("settings.erase.volumes is no table of sources", 'write: [settings.erase.volumes], then SOURCE = "volume id"',
                         where="case.toml")
    made: dict[str, Any] = {}
    for key, value in given.items():
        default = getattr(Limits, key, None) if key in Limits.__dataclass_fields__ else None
        wanted: Any = {float: (int, float), str: str, tuple: list}.get(type(default), ())
        if not wanted or not isinstance(value, wanted) or isinstance(value, bool):
            raise BadSetting(f"settings.erase.{key} is unknown or of the wrong type",
                             "known: " + ", ".join(sorted([*Limits.__dataclass_fields__, "volumes"])), where="case.toml")
        made[key] = tuple(value) if isinstance(value, list) else value
    if made.get("strategy", "") not in ("", "batches", "set", "copy", "truncate"):
        raise BadSetting("settings.erase.strategy is none of batches, set, copy, truncate", "edit case.toml", where="case.toml")
    return Limits(**made)


class Pace:
    """Paces the batches of one store."""

    def __init__(self, store: SqlStore, progress: Progress = quiet, limit: Limits | None = None,
                 folder: Path | None = None, *, clock: Callable[[], float] = time.monotonic,
                 sleep: Callable[[float], None] = time.sleep) -> None:
        self.store, self.progress, self.limit, self.folder = store, progress, limit or Limits(), folder
        self.clock, self.sleep = clock, sleep
        self._begun: dict[str, tuple[float, int]] = {}
        self._lag_at = self._told_at = float("-inf")
        self._busy_since: float | None = None

    # -- before a batch ----------------------------------------------------------------------------------------

    def wait(self, what: str, done: int, total: int) -> None:
        """Return when the next batch may run.

        Raises:
            ErasureError: a replica stays behind for longer than ``patience_seconds``.
        """
        self._begun.setdefault(what, (self.clock(), done))
        while self.paused():
            self._say("paused", what, done, total)
            self.sleep(0.2)
        began = self.clock()
        while (why := self._lagging()) is not None:
            if self.clock() - began > self.limit.patience_seconds:
                raise ErasureError(f"a replica stays behind ({why})", "let it catch up, then run erase again; it continues",
                                   where=self.store.name)
            self._say(f"waiting for a replica ({why})", what, done, total)
            self.sleep(0.2)

    def paused(self) -> bool:
        """Whether somebody asked for a pause."""
        return self.folder is not None and (self.folder / PAUSE).exists()

    def _lagging(self) -> str | None:
        if self.clock() - self._lag_at < 1.0:
            return None
        seconds, behind = self.store.lag(self.limit.replicas)
        if seconds <= self.limit.lag_seconds and behind <= self.limit.lag_mib * (1 << 20):
            self._lag_at = self.clock()
            return None
        return f"{seconds:.0f} s, {behind >> 20} MiB behind"

    # -- after a batch -----------------------------------------------------------------------------------------

    def next_size(self, size: int, took: float, smallest: int, largest: int) -> int:
        """Rows of the next batch, so that it takes about ``batch_seconds``; at most twice or half of this one."""
        wanted = size * self.limit.batch_seconds / max(took, 1e-3)
        return int(min(max(wanted, size / 2, smallest), size * 2, max(smallest, largest)))

    def done(self, what: str, done: int, total: int) -> None:
        """A batch is committed."""
        self._busy_since = None
        self._say("", what, done, total)

    def busy(self, error: StoreBusy, what: str, done: int, total: int) -> None:
        """Another client holds a lock: wait a little, or give up after ``patience_seconds`` in a row."""
        now = self.clock()
        self._busy_since = self._busy_since if self._busy_since is not None else now
        waited = now - self._busy_since
        if waited > self.limit.patience_seconds:
            raise StoreBusy(f"another client holds a lock on {what}, for {waited:.0f} s now ({error.what})",
                            "end it, then run erase again; it continues where it stopped", where=self.store.name)
        self._say(f"waiting for a lock that another client holds, {waited:.0f} of "
                  f"{self.limit.patience_seconds:.0f} s", what, done, total)
        self.sleep(0.5)

    # -- progress ----------------------------------------------------------------------------------------------

    def seconds_left(self, what: str, done: int, total: int) -> float | None:
        """By the rate so far; None before there is one."""
        at, first = self._begun.get(what, (self.clock(), done))
        took = self.clock() - at
        return (total - done) * took / (done - first) if done > first and took > 0 else None

    def _say(self, state: str, what: str, done: int, total: int) -> None:
        left = self.seconds_left(what, done, total)
        tail = f"; {state}" if state else f"; about {left:.0f} s left" if left is not None and done < total else ""
        self.progress(what + tail, done, total)
        if self.folder is not None and (self.clock() - self._told_at > 1.0 or done >= total):
            self._told_at = self.clock()
            told = {"what": what, "state": state or "running", "done": done, "total": total,
                    "seconds_left": None if left is None else round(left)}
            path = self.folder / TOLD
            path.write_text(json.dumps(told), encoding="utf-8")
            path.chmod(0o600)
