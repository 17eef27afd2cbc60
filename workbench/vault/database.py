"""DATABASE: a fresh SQLite file or PostgreSQL database that sealed tables are restored into, and read back from.

A table is loaded with the types its engine declared; when the database refuses a value of it, once more with the types
of what was sealed, then as text, then as bytes. Which of these it was is told, never hidden.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from workbench.errors import ParameterError, SourceMissing, VaultError
from workbench.sources import LOCATION_PASSWORD_ENV, open_location
from workbench.sources.catalog import code_of, full_name
from workbench.vault.cells import as_sealed, as_text, from_python, postgres_type, python_cells, sqlite_type
from workbench.vault.model import SealedTable

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.sources.base import Source

LEVELS = ("declared", "sealed", "text", "bytes")
"""how a table was taken, best first"""
Batches = Callable[[], Iterable["pa.RecordBatch"]]
_PG_SAFE = re.compile(
    r"(SMALLINT|INTEGER|BIGINT|BOOLEAN|TEXT|DATE|BYTEA|REAL|DOUBLE PRECISION|UUID|JSONB?|INET|CIDR|MACADDR|INTERVAL|"
    r"(VARCHAR|CHAR|BIT|BIT VARYING)(\(\d+\))?|FLOAT(\(\d+\))?|NUMERIC(\(\d+(, ?\d+)?\))?|"
    r"TIME(STAMP)?(\(\d\))? (WITH|WITHOUT) TIME ZONE)(\[\])*")
"""types that a PostgreSQL without extensions has; others (enums, domains, geometry) are held as text"""
_MARIA_DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\).*")


class Fresh(Protocol):
    """An empty database under test."""

    engine: str
    location: str
    """safe to print"""

    def load(self, table: SealedTable, batches: Batches) -> str:
        """Make the table and fill it; returns the level it was taken at."""

    def back(self, table: SealedTable, schemas: Iterator[pa.Schema]) -> Iterator[pa.RecordBatch]:
        """Its rows, in the sealed types."""

    def declared(self, table: SealedTable) -> tuple[str, ...]:
        """Types of the columns as the restored catalogue declares them."""

    def drop(self) -> None:
        """Remove everything that was restored."""

    def close(self) -> None: ...


def open_fresh(url: str, password_env: str = "") -> Fresh:
    """The empty database at ``url``: ``sqlite:///new.sqlite`` or ``postgresql://user@host/db`` (no password in it).

    Raises:
        ParameterError: no URL of these engines. VaultError: the database is not empty.
        SourceMissing, SourceRefused: it is not there, or the login fails.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ParameterError("the address is not a database URL", "write it like sqlite:///new.sqlite") from None
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        path = Path(parsed.database)
        if path.exists() and path.stat().st_size:
            raise VaultError("the database to restore into is not empty", "name a new file", where=str(path))
        return SqliteFresh(path)
    if parsed.get_backend_name() != "postgresql":
        raise ParameterError("a restore test needs SQLite or PostgreSQL", "write it like sqlite:///new.sqlite")
    with open_location(url, "restored", password_env) as source:
        source.ping()
        if source.tables():
            raise VaultError("the database to restore into is not empty", "createdb another", where=source.location)
        where = source.location
    password = os.environ.get(password_env or LOCATION_PASSWORD_ENV)
    full = parsed.set(password=password) if password is not None else parsed
    return PostgresFresh(full.set(drivername="postgresql").render_as_string(hide_password=False), url, password_env, where)


def fitting(name: str, limit: int = 63) -> str:
    """``name`` as an identifier of at most ``limit`` UTF-8 bytes; what is cut gets a digest so that it stays unique."""
    clean = name.replace("\0", "") or "_"
    if len(clean.encode()) <= limit and clean == name:
        return name
    mark = "~" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return clean.encode()[: limit - len(mark)].decode(errors="ignore") + mark


def _schema_of(batches: Batches) -> pa.Schema:
    """Schema of the first segment."""
    import pyarrow as pa

    for batch in batches():
        return batch.schema
    return pa.schema([])


class SqliteFresh:
    """A new SQLite file, 0600 by the process's umask."""

    engine = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path, self.location = path, str(path)
        try:
            self._db = sqlite3.connect(path)
            self._db.execute("PRAGMA secure_delete=ON")
        except sqlite3.Error:
            raise SourceMissing("the SQLite file cannot be made", "check its folder", where=str(path)) from None
        self._level: dict[tuple[str, str], str] = {}
        self._name: dict[tuple[str, str], str] = {}

    def load(self, table: SealedTable, batches: Batches) -> str:
        """The table keeps its name; one whose name is taken by another source's is put behind its source's name."""
        key, taken = (table.source, table.table), {n.casefold() for n in self._name.values()}
        name = self._name[key] = f"{table.source}.{table.table}" if table.table.casefold() in taken else table.table
        schema = _schema_of(batches)
        for level in LEVELS[table.engine != "sqlite":2]:
            try:
                self._fill(name, table, schema, batches, level)
            except (sqlite3.Error, OverflowError):
                self._db.rollback()
                continue
            self._level[key] = level
            return level
        raise VaultError("SQLite refuses a sealed table", "this is a fault of the program: tell its makers", where=name)

    def _fill(self, name: str, table: SealedTable, schema: pa.Schema, batches: Batches, level: str) -> None:
        own = level == "declared"
        shape = {c.name: c for c in table.columns} if own else {}
        self._db.execute(f"DROP TABLE IF EXISTS {_q(name)}")
        names = schema.names or [c.name for c in table.columns]
        columns = []
        for n in names:
            c = shape.get(n)
            kind = re.sub(r"[^\w (),]", "", c.declared) if c else sqlite_type(schema.field(n).type) if schema.names else "TEXT"
            columns.append(f"{_q(n)} {kind}" + (" NOT NULL" if c and not c.nullable else ""))
        if own and table.primary_key and set(table.primary_key) <= set(names):
            columns.append(f"PRIMARY KEY ({', '.join(map(_q, table.primary_key))})")
        self._db.execute(f"CREATE TABLE {_q(name)} ({', '.join(columns)})")
        insert = f"INSERT INTO {_q(name)} VALUES ({', '.join('?' * len(names))})"  # noqa: S608
        for batch in batches():
            if batch.num_rows:
                self._db.executemany(insert, zip(*(python_cells(c) for c in batch.columns), strict=True))
        self._db.commit()

    def back(self, table: SealedTable, schemas: Iterator[pa.Schema]) -> Iterator[pa.RecordBatch]:
        """Sealed from SQLite: by the reader that read the source; else cell by cell, cast to the sealed types."""
        import pyarrow as pa

        key = (table.source, table.table)
        name = self._name[key]
        if self._level[key] == "declared":
            from workbench.sources.sqlite import SqliteSource

            with SqliteSource(self.path, "restored") as source:
                yield from source.batches(name)
            return
        schema = next(schemas, pa.schema([]))
        cursor = self._db.execute(f"SELECT * FROM {_q(name)}")  # noqa: S608
        while rows := cursor.fetchmany(32_768):
            cells = [from_python(list(column), f.type) for column, f in zip(zip(*rows, strict=True), schema, strict=True)]
            yield pa.RecordBatch.from_arrays(cells, names=schema.names)

    def declared(self, table: SealedTable) -> tuple[str, ...]:
        from workbench.sources.sqlite import SqliteSource

        with SqliteSource(self.path, "restored") as source:
            return tuple(c.declared for c in source.table(self._name[(table.source, table.table)]).columns)

    def drop(self) -> None:
        """Overwrite the file with noise, sync, remove: as good as a file system allows, and no better."""
        self._db.close()
        from workbench.vault.store import wipe

        wipe(self.path)

    def close(self) -> None:
        self._db.close()


class PostgresFresh:
    """An empty PostgreSQL database; each source becomes a schema."""

    engine = "postgresql"

    def __init__(self, dsn: str, url: str, password_env: str, location: str) -> None:
        import psycopg

        self._url, self._env, self.location = url, password_env, location
        self._db = psycopg.connect(dsn, autocommit=True)
        self._made: list[str] = []
        self._place: dict[tuple[str, str], tuple[str, str, Sequence[str]]] = {}
        self._level: dict[tuple[str, str], str] = {}
        self._source: Source | None = None

    def load(self, table: SealedTable, batches: Batches) -> str:
        import psycopg

        key = (table.source, table.table)
        schema = _schema_of(batches)
        place = fitting(f"s_{table.source}" if table.source in ("public", "information_schema") or
                        table.source.startswith("pg_") else table.source)
        if place not in self._made:
            self._db.execute(f"CREATE SCHEMA {_q(place)}")
            self._made.append(place)
        names = schema.names or [c.name for c in table.columns]
        self._place[key] = (place, fitting(table.table), names)
        first = 0 if table.engine in ("postgresql", "mariadb") else 1
        for level in LEVELS[first:]:
            try:
                with self._db.transaction():
                    self._fill(table, schema, batches, level)
            except psycopg.Error as e:
                if not (e.sqlstate or "").startswith(("22", "23", "42")):  # not about the data: full disk, lost session
                    raise VaultError(f"PostgreSQL stopped while a table was restored ({code_of(e)})",
                                     "look at the server's log, then run it again", where=table.table) from None
                continue
            self._level[key] = level
            return level
        raise VaultError("PostgreSQL refuses a sealed table", "this is a fault of the program: tell its makers",
                         where=table.table)

    def _fill(self, table: SealedTable, schema: pa.Schema, batches: Batches, level: str) -> None:
        place, own, names = self._place[(table.source, table.table)]
        shape = {c.name: c for c in table.columns}
        kinds = {n: self._type(schema.field(n).type if schema.names else None, table.engine,
                               shape[n].declared if n in shape else "", level) for n in names}
        columns = [f"{_q(fitting(n))} {kinds[n]}" for n in names]
        if level == "declared":
            columns = [c + ("" if shape[n].nullable else " NOT NULL") for c, n in zip(columns, names, strict=True)]
            if table.primary_key and set(table.primary_key) <= set(names):
                columns.append(f"PRIMARY KEY ({', '.join(_q(fitting(n)) for n in table.primary_key)})")
        full = f"{_q(place)}.{_q(own)}"
        self._db.execute(f"CREATE TABLE {full} ({', '.join(columns)})")
        if not names:
            return
        with self._db.cursor() as cursor, cursor.copy(f"COPY {full} FROM STDIN (FORMAT csv, ENCODING 'UTF8')") as copy:
            for batch in batches():
                copy.write(_csv(batch, [kinds[n] == "BYTEA" for n in names]))

    @staticmethod
    def _type(kind: pa.DataType | None, engine: str, declared: str, level: str) -> str:
        if level == "declared" and engine == "postgresql" and _PG_SAFE.fullmatch(declared):
            return declared
        if level == "declared" and engine == "mariadb" and (found := _MARIA_DECIMAL.fullmatch(declared)):
            return f"NUMERIC({found[1]}, {found[2]})"
        best = postgres_type(kind) if kind is not None else "TEXT"
        if level in ("declared", "sealed") or best in ("DATE", "TIMESTAMP", "TIMESTAMPTZ", "BYTEA"):
            return best
        return "TEXT" if level == "text" else "BYTEA"

    def back(self, table: SealedTable, schemas: Iterator[pa.Schema]) -> Iterator[pa.RecordBatch]:
        """By the reader that reads PostgreSQL sources, cast to the sealed types where they differ.

        What was taken as text or bytes is left so: its digest is that of the value's text.
        """
        import pyarrow as pa

        key = (table.source, table.table)
        place, own, names = self._place[key]
        schema = next(schemas, None) if self._level[key] in LEVELS[:2] else None
        for batch in self._reader().batches(full_name(place, own)):
            kinds = [schema.field(n).type for n in names] if schema else [f.type for f in batch.schema]
            yield pa.RecordBatch.from_arrays([as_sealed(c, k) for c, k in zip(batch.columns, kinds, strict=True)],
                                             names=list(names))

    def _reader(self) -> Source:
        """One snapshot over all that was restored; so load everything before the first reading."""
        if self._source is None:
            self._source = open_location(self._url, "restored", self._env)
        return self._source

    def declared(self, table: SealedTable) -> tuple[str, ...]:
        place, own, _ = self._place[(table.source, table.table)]
        return next(tuple(c.declared for c in t.columns) for t in self._reader().tables() if t.name == full_name(place, own))

    def drop(self) -> None:
        if self._source is not None:
            self._source.close()
        for place in self._made:
            self._db.execute(f"DROP SCHEMA {_q(place)} CASCADE")
        self._db.close()

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
        self._db.close()


def _csv(batch: pa.RecordBatch, binary: Sequence[bool]) -> bytes:
    """CSV in which null is nothing and the empty text is ``""``, as COPY tells them apart."""
    import pyarrow as pa
    import pyarrow.csv as pc

    cells = []
    for column, raw in zip(batch.columns, binary, strict=True):
        text = as_text(column)
        if raw and not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)
                        or pa.types.is_fixed_size_binary(column.type)):
            text = as_text(text.cast(pa.large_binary()))
        cells.append(text)
    sink = pa.BufferOutputStream()
    pc.write_csv(pa.RecordBatch.from_arrays(cells, names=batch.schema.names), sink, pc.WriteOptions(include_header=False))
    return bytes(sink.getvalue())


def _q(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
