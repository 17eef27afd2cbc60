"""FILES: one file, or a folder read to the bottom; each readable part of each file is a table."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import SourceError, SourceUnreadable
from workbench.sources.base import BATCH_ROWS, Column, SourceKind, Table
from workbench.sources.catalog import SourceBase
from workbench.sources.formats import NotThisFormat, Part

if TYPE_CHECKING:
    import pyarrow as pa

# suffix -> reader module; content decides where a suffix lies
READERS = {
    ".csv": "delimited", ".tsv": "delimited", ".tab": "delimited",
    ".xlsx": "excel", ".xlsm": "excel", ".xls": "excel", ".xlsb": "excel", ".ods": "excel",
    ".parquet": "parquet", ".pq": "parquet",
    ".jsonl": "jsonlines", ".ndjson": "jsonlines", ".json": "jsonlines",
    ".txt": "text", ".log": "text", ".md": "text",
}  # fmt: skip
_MAGIC = ((b"PAR1", "parquet"),)


class FilesSource(SourceBase):
    """A file or a folder. Table names are paths relative to the root, with ``#sheet`` where a file holds several."""

    kind: SourceKind = "files"

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(name, str(root))
        self._root = root
        self._parts: dict[str, Part] = {}

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
        found = []
        for item, path in self._files():
            if path.is_symlink() or not path.is_file():
                self._unreadable[item] = "a link or a special file; not followed"
                continue
            try:
                parts = read_parts(path)
            except NotThisFormat as e:
                self._unreadable[item] = str(e)
                continue
            except (SourceError, OSError, ValueError, MemoryError, RecursionError) as e:
                self._unreadable[item] = f"cannot be read ({type(e).__name__})"
                continue
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
                        file=item,
                    )
                )
        if self._root.is_file() and not found and self._unreadable:
            raise SourceUnreadable(
                f"the file cannot be read: {next(iter(self._unreadable.values()))}",
                "check the file, or export it to CSV",
                where=str(self._root),
            )
        return found

    def batches(
        self, table: str, columns: Sequence[str] | None = None, *, batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """All rows of one part, in file order."""
        self.table(table)
        try:
            for batch in self._parts[table].read(batch_rows):
                yield batch if columns is None else batch.select(list(columns))
        except (NotThisFormat, OSError, ValueError, MemoryError) as e:
            reason = str(e) if isinstance(e, NotThisFormat) else f"reading stopped ({type(e).__name__})"
            self._unreadable[table] = reason
            raise SourceUnreadable(reason, "check the file", where=f"{self.name}.{table}") from None


def read_parts(path: Path) -> list[Part]:
    """Parts of one file, by its first bytes, then its suffix, then as text."""
    with path.open("rb") as f:
        head = f.read(16)
    module = next((m for magic, m in _MAGIC if head.startswith(magic)), None)
    module = module or READERS.get(path.suffix.lower(), "text")
    parts: list[Part] = import_module(f"workbench.sources.formats.{module}").parts(path)
    return parts
