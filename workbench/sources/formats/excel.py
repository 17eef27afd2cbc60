"""XLSX, XLS: each sheet is a table; numbers keep their digits, dates become ISO text."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
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
SPARSE_CELLS = 20_000_000
"""cells between the first and the last filled one that a sheet may span, whatever its size; beyond, at least four bytes a cell"""
_FAR = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{2,3})\d{1,7}["']""")
_CELL_WITHOUT_PLACE = re.compile(rb"""<(?:\w+:)?c(?![\w:])(?![^>]*\br\s*=)[^>]*>""")
_PROBE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from python_calamine import CalamineWorkbook
book = CalamineWorkbook.from_path(sys.argv[1])
for name in book.sheet_names:
    book.get_sheet_by_name(name)
"""
PROBE_SECONDS = 300


def parts(path: Path) -> list[Part]:
    """One part a sheet, empty sheets left out."""
    from python_calamine import CalamineWorkbook

    refuse_bombs(path)
    refuse_far_cells(path)
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        names = list(workbook.sheet_names)
    except Exception as e:
        raise NotThisFormat(protected(path, e) or f"not a readable workbook ({type(e).__name__})") from None
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


def protected(path: Path, e: Exception) -> str:
    """The reason, if it is a password: the new formats then lie encrypted inside a compound file (MS-OFFCRYPTO)."""
    with path.open("rb") as f:
        compound = f.read(4) == b"\xd0\xcf\x11\xe0"
    if "password" in type(e).__name__.lower() or (compound and path.suffix.lower() in (".xlsx", ".xlsm", ".xlsb", ".docx")):
        return "protected by a password; save it without one"
    return ""


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


def refuse_far_cells(path: Path) -> None:
    """Raise NotThisFormat for a workbook whose reader would ask for more memory than there is, which ends the whole process.

    The reader makes room for all cells between the first and the last one: two cells at A1 and XFD1048576 are 549 GB.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as z:
            sheets = [i for i in z.infolist() if i.filename.lower().startswith("xl/worksheets/") and i.filename.lower().endswith(".xml")]
            if all(_spans_little(z, i) for i in sheets) and sheets:
                return
    except NotThisFormat:
        raise
    except Exception as e:
        raise NotThisFormat(f"a damaged container ({type(e).__name__})") from None
    try:  # another kind of workbook, or cells that don't say where they are: let a process of its own try
        done = subprocess.run([sys.executable, "-c", _PROBE, str(path)], capture_output=True, timeout=PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotThisFormat(f"a workbook that cannot be opened within {PROBE_SECONDS} seconds") from None
    if done.returncode < 0 or b"MemoryError" in done.stderr:
        raise NotThisFormat("a workbook that spans more cells than fit into 4 GB; delete the cells far from the others and save it again")


def _spans_little(z: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    """Whether the cells of a sheet say where they are; raises NotThisFormat when they span far more than they fill."""
    most = max(SPARSE_CELLS, info.file_size // 4)
    right, last, rest = 26, 0, b""
    with z.open(info) as f:
        while block := f.read(1 << 20):
            text = rest + block
            for letters in _FAR.findall(text):
                column = 0
                for c in letters.upper():
                    column = column * 26 + c - 64
                right = max(right, column)
            if right * (1 << 20) > most:
                last = last or _last_row(z, info)
            if right * last > most:
                raise NotThisFormat("a sheet whose cells lie too far apart to be opened; delete the far ones and save it again")
            cut = text.rfind(b"<")
            if _CELL_WITHOUT_PLACE.search(text, 0, cut):
                return False
            rest = text[max(cut, 0) :] if len(text) - cut < 1 << 16 else b""
    return True


def _last_row(z: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """The highest row that a sheet names."""
    last, rest = 1, b""
    with z.open(info) as f:
        while block := f.read(1 << 20):
            text = rest + block
            last = max(last, max((int(n) for n in re.findall(rb"""\br\s*=\s*["'][A-Za-z]{0,3}(\d{1,7})["']""", text)), default=0))
            rest = text[-64:]
    return last
