"""PDF: one of our inert pages printed by Chromium, with its charts, tagged, on A4. The page asks for nothing, offline or not."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from workbench.errors import RecordError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 600
"""a page of plotly charts on a loaded machine"""


def browser() -> str | None:
    """Path of a Chromium, or None."""
    return next((p for n in NAMES if (p := shutil.which(n))), None)


def print_pdf(page: Path, out: Path) -> Path:
    """Print the HTML file ``page`` to ``out``; returns ``out``.

    Raises:
        RecordError: there is no Chromium, or it made nothing.
    """
    program = browser()
    if program is None:
        raise RecordError("a PDF needs Chromium, and there is none", "install chromium, or use --format docx or html")
    with tempfile.TemporaryDirectory(prefix="wb-pdf-") as profile:
        made = Path(profile) / "out.pdf"
        command = [program, "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions",
                   "--disable-background-networking", "--disable-component-update", "--disable-sync",
                   "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}/p", "--no-pdf-header-footer",
                   "--generate-pdf-document-outline", "--export-tagged-pdf", "--virtual-time-budget=8000",
                   f"--print-to-pdf={made}", page.resolve().as_uri()]
        if os.geteuid() == 0:  # Chromium refuses its sandbox to root
            command.insert(1, "--no-sandbox")
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(command, check=False, timeout=SECONDS, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        if not made.is_file() or not made.stat().st_size:
            raise RecordError("Chromium printed nothing", "try --format html and print from a browser", where=str(page))
        shutil.copyfile(made, out)
    return out
