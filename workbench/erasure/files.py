"""FILES: what erasing a file needs whatever its format: digests, syncing, overwriting, and which disposal a row meets."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.erasure.cells import text_forms
from workbench.erasure.dates import read_date
from workbench.plan.model import Disposal


def file_forms(cell: object) -> dict[str, bytes]:
    """Bytes that a cell may take in a file: also UTF-16BE and the escapes of JSON and XML."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        cell = str(cell)
    out = text_forms(cell)
    if isinstance(cell, str) and cell[:1] in "[{":  # a list or an object: its strings are stored one by one
        from workbench.erasure.postgres import leaf_forms

        out |= {f"inner {k}": v for k, v in leaf_forms(cell).items()}
    if isinstance(cell, str) and out:
        text = cell[:64]
        out["utf-16-be"] = text.encode("utf-16-be", "ignore")
        if '"' in text:
            out["csv"] = text.replace('"', '""').encode()
        if not text.isascii():
            out["json"] = json.dumps(text)[1:-1].encode()
            out["xml"] = text.encode("ascii", "xmlcharrefreplace")
    return out


def short(path: Path) -> str:
    return hashlib.sha256(path.name.encode()).hexdigest()[:12]


def sha(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def wipe(path: Path) -> None:
    """Overwrite a file once with random bytes, sync, rename and unlink it; one pass is enough (NIST SP 800-88 r2).

    On copy-on-write file systems and flash this proves nothing; the certificate says so.
    """
    if path.stat().st_nlink == 1:
        with path.open("r+b") as f:
            left = f.seek(0, 2)
            f.seek(0)
            while left > 0:
                left -= f.write(os.urandom(min(left, 1 << 20)))
            f.flush()
            os.fsync(f.fileno())
    hidden = path.with_name(f".wb-erase-{secrets.token_hex(6)}.old")
    path.rename(hidden)
    hidden.unlink()
    sync(path.parent)


def matches(disposals: Iterable[Disposal], row: dict[str, Any]) -> Disposal | None:
    """The executor's own reading of the conditions (the verifier has another)."""
    for d in disposals:
        for c in d.set.where:
            cell = row.get(c.column)
            if c.op == "is_null" and cell is not None:
                break
            if c.op == "not_null" and cell is None:
                break
            if c.op in ("<", ">="):
                date = read_date(cell)
                older = date is not None and date < c.value
                if older != (c.op == "<"):
                    break
        else:
            return d
    return None
