"""One line a step on a terminal or in a log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.case.steps import Step
    from workbench.records.runner import Run


def progress_line(step: Step, number: int, of: int, done: Run | None) -> None:
    """Say that a step begins (``done`` is None) or how it ended and how long it took."""
    title = f"[{number}/{of}] {step.id:<10}{step.zh} {step.en}"
    live = sys.stdout.isatty()
    if done is None:
        if live:
            sys.stdout.write(f"{title} …")
    else:
        mark = "✓" if done.result == "done" else "✗"
        sys.stdout.write(f"{chr(13) if live else ''}{title} {mark} {done.seconds:.1f} s\n")
    sys.stdout.flush()
