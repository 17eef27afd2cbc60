"""A child process that kills itself before its n-th durable step: the same places on a slow machine and on a fast one."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any


def dying(step: Callable[[Path], object], folder: Path, after: int) -> bool:
    """Run ``step`` on ``folder`` in a child that kills itself before its ``after``-th sync or rename; whether it was killed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: other threads may hold locks; the child uses none of theirs
        pid = os.fork()
    if pid:
        return os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    left = [after]

    def mortal(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*a: Any, **k: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*a, **k)
        return call

    try:
        for name in ("fsync", "rename", "replace", "unlink"):
            setattr(os, name, mortal(getattr(os, name)))
        step(folder)
    finally:
        os._exit(0)
