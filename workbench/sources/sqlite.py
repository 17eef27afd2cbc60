"""SQLITE: one database file, read through ADBC without creating or touching any file beside it.

A read-only connection to a WAL database would still create ``-wal`` and ``-shm``. So: no journal beside the file means
we open it ``immutable``; a live writer's ``-wal`` and ``-shm`` are joined as a reader; a journal left behind by a
crash is read from a private copy. https://www.sqlite.org/wal.html#read_only_databases
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from workbench.errors import SourceRefused, SourceUnreadable
from workbench.sources.adbc import Session
from workbench.sources.base import BATCH_ROWS, SourceKind, Table
from workbench.sources.catalog import SourceBase, code_of, columns_from, inspect_tables

if TYPE_CHECKING:
    import pyarrow as pa


def read_only_uri(path: Path, scratch: Path | None = None) -> str:
    """A ``file:`` URI that reads ``path`` and writes nothing; ``scratch`` holds a copy when a crash left a journal."""
    wal, shm, journal = (path.with_name(path.name + s) for s in ("-wal", "-shm", "-journal"))
    crashed = (wal.exists() and wal.stat().st_size > 0 and not shm.exists()) or (
        journal.exists() and journal.stat().st_size > 0
    )
    if crashed and scratch is not None:
        copy = scratch / "copy.sqlite"
        shutil.copyfile(path, copy)
        for side in (wal, journal):
            if side.exists():
                shutil.copyfile(side, copy.with_name(copy.name + side.name[len(path.name) :]))
        return f"file:{quote(str(copy))}?mode=rw"
    live = wal.exists() and shm.exists()
    return f"file:{quote(str(path.resolve()))}?mode=ro" + ("" if live else "&immutable=1")


class SqliteSource(SourceBase):
    """One SQLite file; every read belongs to one snapshot."""

    kind: SourceKind = "sqlite"

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(name, str(path))
        self._path = path
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._session: Session | None = None
        self._mixed: dict[str, set[str]] = {}
        try:
            with path.open("rb") as f:
                head = f.read(16)
        except PermissionError:
            raise SourceRefused("this account may not read the file", "ask for read access", where=str(path)) from None
        if head != b"SQLite format 3\0":
            raise SourceUnreadable(
                "this file is not an SQLite database", "name it as path = ... if it is a file to read", where=str(path)
            )

    def _open(self) -> Session:
        if self._session is None:
            import adbc_driver_sqlite
            from adbc_driver_manager import Error

            self._scratch = tempfile.TemporaryDirectory(prefix="workbench-")
            self._uri = read_only_uri(self._path, Path(self._scratch.name))
            try:
                self._session = Session(adbc_driver_sqlite.connect(self._uri))
                self._session.first("SELECT count(*) FROM sqlite_master")  # the first read starts the snapshot
            except (Error, OSError) as e:
                self.close()
                raise self._unreadable_error(e) from None
        return self._session

    def _unreadable_error(self, e: BaseException) -> SourceUnreadable:
        return SourceUnreadable(
            f"the SQLite file cannot be read ({code_of(e)})",
            "check it with: sqlite3 FILE 'PRAGMA integrity_check'",
            where=str(self._path),
        )

    def _list(self) -> list[Table]:
        import sqlite3

        from sqlalchemy import create_engine, inspect
        from sqlalchemy.exc import DatabaseError
        from sqlalchemy.pool import NullPool

        self._open()
        uri = self._uri
        engine = create_engine(
            "sqlite://", creator=lambda: sqlite3.connect(uri, uri=True, check_same_thread=False), poolclass=NullPool
        )
        try:
            inspector = inspect(engine)
            return list(
                inspect_tables(
                    inspector,
                    self.name,
                    None,
                    "sqlite",
                    lambda t, d: columns_from(self._schema(t, d), self._computed(t, d)),
                    self._rows,
                    self._bytes,
                )
            )
        except (DatabaseError, sqlite3.Error, OSError) as e:
            raise self._unreadable_error(e) from None
        finally:
            engine.dispose()

    def _computed(self, table: str, described: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The reflected columns, with the expression of generated ones also where it is written short: ``x AS (...)``."""
        if any("computed" in d and not d["computed"].get("sqltext") for d in described):
            sql = str(self._open().first(f"SELECT sql FROM sqlite_master WHERE name = {_text(table)}") or "")  # noqa: S608
            for d in described:
                if "computed" in d and not d["computed"].get("sqltext"):
                    found = re.search(rf"[\[(,\s\"'`]{re.escape(d['name'])}[\]\"'`]?\s[^,(]*?\bAS\s*\(", sql, re.IGNORECASE)
                    d["computed"] = {**d["computed"], "sqltext": _within(sql[found.end():]) if found else "?"}
        return described

    def _schema(self, table: str, described: list[dict[str, Any]]) -> pa.Schema:
        import pyarrow as pa
        from adbc_driver_manager import Error

        try:
            with self._open().query(f"SELECT * FROM {_q(table)}") as reader:  # noqa: S608
                return reader.schema
        except (Error, pa.ArrowException, OSError):  # a damaged page: this table will say so when it is read, the others are sound
            return pa.schema([(d["name"], pa.string()) for d in described])

    def _rows(self, table: str) -> int:
        import pyarrow as pa
        from adbc_driver_manager import Error

        try:
            return self._number(f"SELECT count(*) FROM {_q(table)}")  # noqa: S608
        except (Error, pa.ArrowException, OSError):
            return 0

    def _number(self, sql: str) -> int:
        return int(self._open().first(sql) or 0)

    def _bytes(self, table: str) -> int:
        from adbc_driver_manager import Error

        try:
            return self._number(f"SELECT sum(pgsize) FROM dbstat WHERE name = {_text(table)}")  # noqa: S608
        except (Error, OSError):
            return 0  # this build of SQLite has no dbstat

    def batches(
        self, table: str, columns: Sequence[str] | None = None, *, batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """All rows in storage order.

        SQLite types cells, not columns: when a cell does not fit the type of its column's first rows, that column goes
        on as text from there.
        """
        import pyarrow as pa
        from adbc_driver_manager import Error

        names = list(columns) if columns is not None else [c.name for c in self.table(table).columns]
        mixed = self._mixed.setdefault(table, set())
        done = 0
        while True:
            selected = ", ".join(f"CAST({_q(n)} AS TEXT) AS {_q(n)}" if n in mixed else _q(n) for n in names)
            sql = f"SELECT {selected} FROM {_q(table)} LIMIT -1 OFFSET {done}"  # noqa: S608
            try:
                with self._open().query(sql, **{"adbc.sqlite.query.batch_rows": str(batch_rows)}) as reader:
                    for batch in reader:
                        done += batch.num_rows
                        yield batch
                return
            except (Error, pa.ArrowException, OSError) as e:
                at = re.search(r"mismatch in column (\d+)", str(e))
                if not at or names[int(at[1])] in mixed:
                    raise self._unreadable_error(e) from None
                mixed.add(names[int(at[1])])

    def close(self) -> None:
        """Close the connection and remove the private copy, if any."""
        if self._session is not None:
            self._session.close()
            self._session = None
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None


def _within(text: str) -> str:
    """What stands before the bracket that closes one opened just before ``text``."""
    depth = 1
    for at, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if not depth:
            return text[:at]
    return text


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _q(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
