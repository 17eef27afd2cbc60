"""XLSX, XLS: each sheet is a table; numbers keep their digits, dates become ISO text."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.sources.formats import NotThisFormat, Part, looks_like_data, text_batches, text_schema

if TYPE_CHECKING:
    import pyarrow as pa

MAX_UNPACKED = 2 << 30
MAX_RATIO = 200
MAX_CELLS = 100_000_000


def parts(path: Path) -> list[Part]:
    """One part a sheet, empty sheets left out."""
    from python_calamine import CalamineWorkbook

    refuse_bombs(path)
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        names = list(workbook.sheet_names)
    except Exception as e:
        raise NotThisFormat(f"not a readable workbook ({type(e).__name__})") from None
    kind = path.suffix.lower().lstrip(".") or "xlsx"
    found = []
    for name in names:
        rows = _rows(path, name)
        if not rows:
            continue
        skip, width = _headings(rows)
        names_row = [c or "" for c in rows[skip]] if skip >= 0 else [""] * width
        schema = text_schema([*names_row, *[""] * (width - len(names_row))])
        # lines above the headings may hold something too: they stay as rows
        count = len(rows) - (1 if skip >= 0 else 0)
        found.append(Part(name, kind, schema, count, lambda n, s=name, k=skip, c=schema: _batches(path, s, k, c, n)))  # type: ignore[misc]
    return found


def _headings(rows: list[list[str | None]]) -> tuple[int, int]:
    """(which filled row holds the headings, or -1; how many columns there are)."""
    head = 0
    width = max(len(r) for r in rows[:50])
    while head < min(10, len(rows) - 1) and sum(bool(c) for c in rows[head]) * 2 < width:
        head += 1  # a title line above the headings
    return (-1 if looks_like_data([c or "" for c in rows[head]]) else head), width


def layout(path: Path, sheet: str) -> tuple[int, int, int]:
    """(filled rows; which of them holds the headings, or -1; empty columns before the first filled one) of a sheet."""
    from python_calamine import CalamineWorkbook

    rows = _rows(path, sheet)
    start = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).start
    return len(rows), _headings(rows)[0] if rows else -1, start[1] if start else 0


def _batches(path: Path, sheet: str, skip: int, schema: pa.Schema, batch_rows: int) -> Iterator[pa.RecordBatch]:
    return text_batches(schema, (r for i, r in enumerate(_rows(path, sheet)) if i != skip), batch_rows)


def _rows(path: Path, sheet: str) -> list[list[str | None]]:
    from python_calamine import CalamineWorkbook

    try:
        page = CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet)
        if page.height * page.width > MAX_CELLS:
            raise NotThisFormat("a sheet of more than 100 million cells")
        return [cells for row in page.iter_rows() if any(cells := [_text(c) for c in row])]
    except NotThisFormat:
        raise
    except Exception as e:
        raise NotThisFormat(f"a sheet cannot be read ({type(e).__name__})") from None


def _text(cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e17 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(" ")
    return cell.isoformat() if isinstance(cell, (dt.date, dt.time)) else str(cell)


def refuse_bombs(path: Path) -> None:
    """Raise NotThisFormat for a zip container that unpacks to far more than it weighs."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as z:
            unpacked = sum(i.file_size for i in z.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as e:
        raise NotThisFormat(f"a damaged container ({type(e).__name__})") from None
    packed = max(path.stat().st_size, 1)
    if unpacked > MAX_UNPACKED or (unpacked > 50 << 20 and unpacked / packed > MAX_RATIO):
        raise NotThisFormat("unpacks to far more than it weighs; refused as a possible zip bomb")
