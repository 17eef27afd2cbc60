"""FORMATS: one small reader per file format; each turns a file into parts (a table, a sheet, a document)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_BYTES = 16 << 20
CELL_BYTES = 1 << 20


class NotThisFormat(Exception):
    """The file is not what its name claims; the text is the reason and holds no value."""


@dataclass(frozen=True)
class Part:
    """One table of a file: its name after ``#`` (empty when the file is the table), columns, exact rows, and a reader."""

    name: str
    format: str
    schema: pa.Schema
    rows: int
    read: Callable[[int], Iterator[pa.RecordBatch]]


Reader = Callable[[Path], list[Part]]


def text_schema(names: Sequence[str]) -> pa.Schema:
    """A schema of string columns with unique, non-empty names."""
    import pyarrow as pa

    return pa.schema([(n, pa.string()) for n in unique_names(names)])


def unique_names(names: Sequence[str]) -> list[str]:
    """Stripped names; empty ones become ``column3``, a second ``phone`` becomes ``phone_2``."""
    out: list[str] = []
    for i, raw in enumerate(names, 1):
        base = str(raw).strip().lstrip("\ufeff").replace("\x00", "") or f"column{i}"
        name, n = base, 1
        while name in out:
            n += 1
            name = f"{base}_{n}"
        out.append(name)
    return out


def text_batches(
    schema: pa.Schema, rows: Iterable[Sequence[str | None]], batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Rows of cells as record batches, bounded in rows and bytes; short rows are padded, surplus cells joined to the last."""
    import pyarrow as pa

    width = len(schema)
    columns: list[list[str | None]] = [[] for _ in range(width)]
    count = size = 0
    for row in rows:
        cells = list(row)
        if len(cells) > width:
            extra = " ".join(c for c in cells[width - 1 :] if c)
            cells = [*cells[: width - 1], extra]
        for i in range(width):
            cell = cells[i] if i < len(cells) else None
            if cell is not None:
                cell = clean(cell)
                size += len(cell)
            columns[i].append(cell)
        count += 1
        if count >= batch_rows or size >= BATCH_BYTES:
            yield pa.record_batch([pa.array(c, pa.string()) for c in columns], schema=schema)
            columns = [[] for _ in range(width)]
            count = size = 0
    if count:
        yield pa.record_batch([pa.array(c, pa.string()) for c in columns], schema=schema)


def clean(cell: str) -> str:
    """The cell without lone surrogates, which Arrow refuses."""
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError:
        return cell.encode("utf-8", "replace").decode("utf-8")
    return cell


def looks_like_data(cells: Sequence[str]) -> bool:
    """Whether a first row holds data rather than headings: long numbers, addresses with @, dates."""
    for cell in cells:
        text = str(cell).strip()
        digits = sum(c.isdigit() for c in text)
        if "@" in text and "." in text:
            return True
        if digits >= 6 and digits * 10 >= len(text) * 6:
            return True
    return False
