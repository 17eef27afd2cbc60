"""SOURCE: what every database, file or folder of files looks like to the rest of the house.

A source lists its tables and streams each of them as Arrow record batches, read-only, in one snapshot where the
engine has one. A *table* is a database table, a sheet (``clients.xlsx#客户``), a CSV, a Parquet file, or a document
(one row per line or paragraph, column ``text``). It never lists or returns a value outside a batch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self, runtime_checkable

from workbench.values import Value

if TYPE_CHECKING:
    import pyarrow as pa

SourceKind = Literal["sqlite", "postgresql", "mariadb", "duckdb", "files"]
BATCH_ROWS = 65_536


class Column(Value):
    """One column as its engine declares it."""

    name: str
    type: str
    """Arrow type name, e.g. string, int64, timestamp[us]"""
    nullable: bool = True
    comment: str = ""
    declared: str = ""
    """the engine's own words, e.g. NUMERIC(38, 10); empty for files"""
    generated: str = ""
    """the expression that makes it from other columns; empty for a column of its own"""


class ForeignKey(Value):
    """Rows of the holding table point at rows of ``ref_table`` in the same source."""

    columns: tuple[str, ...]
    ref_table: str
    ref_columns: tuple[str, ...]
    declared: bool = True
    """False: found in the data, not in the catalogue"""


class Index(Value):
    """An index or unique constraint."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


class Table(Value):
    """A table, sheet or document of one source: shape and size, no values."""

    source: str
    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    rows: int
    """exact count"""
    bytes: int = 0
    """size on disk as the engine or file system tells it; 0 when it does not"""
    format: str = ""
    """sqlite, csv/gb18030, xlsx, parquet, text, ..."""
    file: str = ""
    """for files: path relative to the source's root"""
    comment: str = ""

    @property
    def id(self) -> str:
        """``source.table``, unique in a case."""
        return f"{self.source}.{self.name}"

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((c for c in self.columns if c.name == name), None)

    def made_of(self, name: str) -> set[str]:
        """Columns that a generated column is made of; empty for one of its own."""
        column = self.column(name)
        if column is None or not column.generated:
            return set()
        return {c.name for c in self.columns
                if c.name != name and re.search(rf"(?<!\w){re.escape(c.name)}(?!\w)", column.generated, re.IGNORECASE)}


class Unreadable(Value):
    """An item that could not be read; the rest went on."""

    source: str
    item: str
    reason: str
    """class of the failure, never a value"""


@runtime_checkable
class Source(Protocol):
    """An opened source. Use as a context manager."""

    name: str
    kind: SourceKind
    location: str
    """URL without password, or path: safe to print"""

    def tables(self) -> tuple[Table, ...]:
        """Every table, sorted by name."""

    def ping(self) -> None:
        """Connect; SourceMissing or SourceRefused when that fails."""

    def unreadable(self) -> tuple[Unreadable, ...]:
        """Items met so far that could not be read."""

    def batches(
        self, table: str, columns: Sequence[str] | None = None, *, batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """All rows of ``table`` as record batches of at most ``batch_rows`` rows, bounded memory."""

    def streams(self, table: str, most: int) -> Sequence[Callable[[], Iterator[pa.RecordBatch]]]:
        """All rows of ``table`` in at most ``most`` parts that may be read at the same time, each by one thread."""

    def close(self) -> None:
        """Release connections; idempotent."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: type[BaseException] | BaseException | TracebackType | None) -> None: ...
