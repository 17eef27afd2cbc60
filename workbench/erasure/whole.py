"""WHOLE: files that are not written again row by row: documents, old workbooks, databases in a folder, archives.

A document of which every row leaves (erased, or sealed because a duty keeps it) is destroyed; from a zip the members that
leave are left out and the others copied. The proof looks for pieces of the file's own bytes: text in a PDF is packed.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.erasure.files import short, wipe

if TYPE_CHECKING:
    from workbench.erasure.rewrite import Chosen
    from workbench.sources.base import Table

CELL = "(file)"
"""stands for a column in controls and in the archive: the file's own bytes"""
ROWWISE = ("csv", "text", "jsonl", "parquet", "xlsx")
PIECES, PIECE = 60, 64


def member_of(table: Table) -> str:
    """Name of the first-level member of an archive that the table lies in; empty for a file of its own."""
    rest = table.name.removeprefix(table.file)
    return rest[1:].split("!", 1)[0].split("#", 1)[0] if table.file and rest.startswith("!") else ""


def rowwise(table: Table) -> bool:
    """Whether its rows can be taken out of the file (or member) one by one."""
    return table.format.split("/")[0] in ROWWISE and "!" not in table.name.removeprefix(table.file)[1:]


def unit_of(table: Table, path: Path) -> str:
    """What is destroyed or stays as one: a file, or a member of a zip."""
    member = member_of(table)
    return f"{table.file}!{member}" if member and zipfile.is_zipfile(path) else table.file


def cannot_leave_out(path: Path, chosen: Sequence[Chosen]) -> str:
    """Why members cannot be taken out of this archive, or nothing."""
    if not zipfile.is_zipfile(path):
        return "only a zip can lose single members; this archive can only be erased whole"
    with zipfile.ZipFile(path) as box:
        if any(i.flag_bits & 1 for i in box.infolist()):
            return "the archive holds encrypted members"
    for c in chosen:
        kind = c.table.format.split("/")[0]
        if not (c.all_go or c.untouched) and not (rowwise(c.table) and kind != "xlsx"):
            return f"its member of the format {kind} can only be erased whole"
    return ""


def leave_out(path: Path, temp: Path, tables: Sequence[Table], chosen: dict[str, Chosen]) -> None:
    """Write the zip again without the members that go, with the rows that stay of the others; these keep their bytes."""
    from workbench.erasure.rewrite import rewrite
    from workbench.sources.formats.archive import _legible

    with zipfile.ZipFile(path) as old, zipfile.ZipFile(temp, "w") as new:
        new.comment = old.comment
        for info in old.infolist():
            name = _legible(info)
            held = [t for t in tables if (t.name.removeprefix(f"{t.file}!") + "#").startswith((f"{name}#", f"{name}!"))]
            mine = [chosen[t.name] for t in held]
            if mine and all(c.all_go for c in mine):
                continue
            data = b"" if info.is_dir() else old.read(info)
            if any(not c.untouched for c in mine):
                stem = path.with_name(f".wb-erase-{short(path)}-member.tmp")
                inner, out = stem, stem.with_name(stem.name + ".new.tmp")
                try:
                    inner.write_bytes(data)
                    data = out.read_bytes() if rewrite(inner, out, held, chosen, inside=True) else b""
                finally:
                    for left in (inner, out):
                        with contextlib.suppress(FileNotFoundError):
                            wipe(left)
            fresh = zipfile.ZipInfo(name, info.date_time)
            fresh.external_attr, fresh.compress_type, fresh.comment = info.external_attr, info.compress_type, info.comment
            new.writestr(fresh, data)


def unit_bytes(data: bytes, table: Table) -> bytes:
    """The bytes of a table's file, or of the zip member that it lies in."""
    from workbench.sources.formats.archive import _legible

    member = member_of(table)
    if member and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as box:
            return next((box.read(i) for i in box.infolist() if _legible(i) == member), b"")
    return data


def pieces(data: bytes) -> Iterator[bytes]:
    """Up to 60 pieces of a file's bytes, those that repeat themselves least: what is everywhere proves nothing."""
    step = max(PIECE, len(data) // 600)
    found = {data[at:at + PIECE] for at in range(0, max(1, len(data) - PIECE + 1), step)}
    yield from sorted(found, key=lambda p: (-len(set(p)), p))[:PIECES]
