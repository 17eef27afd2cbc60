"""WHOLE: files that are not written again row by row: documents, old workbooks, databases in a folder.

A document of which every row leaves (erased, or sealed because a duty keeps it) is destroyed; from an archive its member
is left out (see ``members``). The proof looks for pieces of the file's own bytes: text in a PDF is packed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.erasure.members import dig, kind_of

if TYPE_CHECKING:
    from workbench.sources.base import Table

CELL = "(file)"
"""stands for a column in controls and in the archive: the file's own bytes"""
ROWWISE = ("csv", "text", "jsonl", "parquet", "xlsx")
PIECES, PIECE = 60, 64


def chain(table: Table) -> list[str]:
    """Names of the member of an archive that the table lies in, and of those around it; empty for a file of its own."""
    rest = table.name.removeprefix(table.file)
    return rest[1:].split("#", 1)[0].split("!") if table.file and rest.startswith("!") else []


def member_of(table: Table) -> str:
    """Name of the first-level member of an archive that the table lies in; empty for a file of its own."""
    return next(iter(chain(table)), "")


def rowwise(table: Table) -> bool:
    """Whether its rows can be taken out of the file (or member) one by one."""
    return table.format.split("/")[0] in ROWWISE


def unit_of(table: Table, path: Path) -> str:
    """What is destroyed or stays as one: a file, or a member of an archive."""
    names = chain(table)
    if not names:
        return table.file
    with path.open("rb") as f:
        return "!".join([table.file, *names]) if kind_of(f) else table.file


def unit_bytes(data: bytes, table: Table) -> bytes:
    """The bytes of a table's file, or of the member that it lies in."""
    return dig(data, iter(chain(table))) if chain(table) and kind_of(io.BytesIO(data)) else data


def pieces(data: bytes) -> Iterator[bytes]:
    """Up to 60 pieces of a file's bytes, those that repeat themselves least: what is everywhere proves nothing."""
    step = max(PIECE, len(data) // 600)
    found = {data[at:at + PIECE] for at in range(0, max(1, len(data) - PIECE + 1), step)}
    yield from sorted(found, key=lambda p: (-len(set(p)), p))[:PIECES]
