"""FILES: one file, or a folder read to the bottom; each readable part of each file is a table."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import SourceError, SourceUnreadable
from workbench.sources.base import BATCH_ROWS, Column, SourceKind, Table
from workbench.sources.catalog import SourceBase
from workbench.sources.formats import NotThisFormat, Part
from workbench.sources.formats.archive import MAX_DEPTH, is_archive, unpack

if TYPE_CHECKING:
    import pyarrow as pa

# suffix -> reader module; content decides where a suffix lies
READERS = {
    ".csv": "delimited", ".tsv": "delimited", ".tab": "delimited",
    ".xlsx": "excel", ".xlsm": "excel", ".xls": "excel", ".xlsb": "excel", ".ods": "excel",
    ".parquet": "parquet", ".pq": "parquet",
    ".jsonl": "jsonlines", ".ndjson": "jsonlines", ".json": "jsonlines",
    ".eml": "mail", ".mbox": "mail",
    ".pdf": "document", ".docx": "document", ".png": "document", ".jpg": "document", ".jpeg": "document", ".bmp": "document",
    ".tif": "document", ".tiff": "document", ".webp": "document",
    ".txt": "text", ".log": "text", ".md": "text",
}  # fmt: skip
_MAGIC = (
    (b"PAR1", "parquet"), (b"%PDF-", "document"), (b"\x89PNG\r\n", "document"), (b"\xff\xd8\xff", "document"),
)  # fmt: skip
# zip, compound file, and the records that begin a bare BIFF 2 to 5 stream
_WORKBOOKS = (b"PK", b"\xd0\xcf\x11\xe0", b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08")


class FilesSource(SourceBase):
    """A file or a folder. Table names are paths relative to the root, with ``#sheet`` where a file holds several."""

    kind: SourceKind = "files"

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(name, str(root))
        self._root = root
        self._parts: dict[str, Part] = {}
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._inner: dict[str, tuple[SourceBase, str]] = {}
        self._archives = 0

    def _files(self) -> Iterator[tuple[str, Path]]:
        if self._root.is_file():
            yield self._root.name, self._root
            return

        def refused(e: OSError) -> None:
            self._unreadable[str(e.filename or "?")] = f"the folder cannot be opened ({type(e).__name__})"

        for folder, inner, names in os.walk(self._root, onerror=refused, followlinks=False):
            inner.sort()
            for name in sorted(names):
                path = Path(folder, name)
                yield path.relative_to(self._root).as_posix(), path

    def _list(self) -> list[Table]:
        found: list[Table] = []
        for item, path in self._files():
            if path.is_symlink() or not path.is_file():
                self._unreadable[item] = "a link or a special file; not followed"
            else:
                found += self._read(item, path, item, 0)
        if self._root.is_file() and not found and self._unreadable:
            raise SourceUnreadable(
                f"the file cannot be read: {next(iter(self._unreadable.values()))}",
                "check the file, or export it to CSV",
                where=str(self._root),
            )
        return found

    def _read(self, item: str, path: Path, file: str, depth: int) -> list[Table]:
        """Tables of one file; of an archive, those of its members as ``archive.zip!member``."""
        try:
            with path.open("rb") as f:
                head = f.read(16)
            if is_archive(path, head):
                return self._unpack(item, path, file, depth)
            if head == b"SQLite format 3\0" or head[8:12] == b"DUCK":
                return self._database(item, path, file)
            parts = read_parts(path, head)
        except NotThisFormat as e:
            self._unreadable[item] = str(e)
            return []
        except SourceError as e:
            self._unreadable[item] = e.what
            return []
        except Exception as e:  # hostile input breaks parsers in every way there is; the rest goes on
            self._unreadable[item] = f"cannot be read ({type(e).__name__})"
            return []
        found = []
        for part in parts:
            name = f"{item}#{part.name}" if part.name else item
            self._parts[name] = part
            found.append(
                Table(
                    source=self.name,
                    name=name,
                    columns=tuple(Column(name=f.name, type=str(f.type), nullable=f.nullable) for f in part.schema),
                    rows=part.rows,
                    bytes=path.stat().st_size,
                    format=part.format,
                    file=file,
                )
            )
        return found

    def _unpack(self, item: str, path: Path, file: str, depth: int) -> list[Table]:
        if depth >= MAX_DEPTH:
            raise NotThisFormat("archives inside archives inside archives; not opened further")
        self._archives += 1
        into = self._private() / f"{self._archives:06d}"
        found: list[Table] = []

        def listed(member: str, reason: str) -> None:
            self._unreadable[f"{item}!{member}"] = reason

        for member, unpacked in unpack(path, into, listed):
            found += self._read(f"{item}!{member}", unpacked, file, depth + 1)
        return found

    def _database(self, item: str, path: Path, file: str) -> list[Table]:
        """Tables of an SQLite or DuckDB file that lies among the files."""
        from workbench.sources import open_location

        inner = open_location(str(path), self.name)
        assert isinstance(inner, SourceBase)
        found = []
        for table in inner.tables():
            name = f"{item}#{table.name}"
            self._inner[name] = (inner, table.name)
            keys = tuple(k.model_copy(update={"ref_table": f"{item}#{k.ref_table}"}) for k in table.foreign_keys)
            found.append(table.model_copy(update={"name": name, "file": file, "foreign_keys": keys}))
        return found

    def _private(self) -> Path:
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="workbench-")  # 0700
        return Path(self._scratch.name)

    def close(self) -> None:
        """Close inner databases and remove what was unpacked."""
        for inner, _ in self._inner.values():
            inner.close()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def batches(
        self, table: str, columns: Sequence[str] | None = None, *, batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """All rows of one part, in file order."""
        self.table(table)
        if table in self._inner:
            inner, name = self._inner[table]
            yield from inner.batches(name, columns, batch_rows=batch_rows)
            return
        try:
            for batch in self._parts[table].read(batch_rows):
                yield batch if columns is None else batch.select(list(columns))
        except GeneratorExit:
            raise
        except Exception as e:  # see _read
            reason = str(e) if isinstance(e, NotThisFormat) else f"reading stopped ({type(e).__name__})"
            self._unreadable[table] = reason
            raise SourceUnreadable(reason, "check the file", where=f"{self.name}.{table}") from None


def read_parts(path: Path, head: bytes) -> list[Part]:
    """Parts of one file, by its first bytes, then its suffix, then as text."""
    module = next((m for magic, m in _MAGIC if head.startswith(magic)), None)
    module = module or READERS.get(path.suffix.lower(), "text")
    if module == "excel" and head and not head.startswith(_WORKBOOKS):  # many programs write CSV or HTML and call it .xls
        module = "text" if head.lstrip().startswith((b"<", b"\xef\xbb\xbf<")) else "delimited"
    parts: list[Part] = import_module(f"workbench.sources.formats.{module}").parts(path)
    return parts
