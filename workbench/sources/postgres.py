"""POSTGRESQL: read through ADBC (COPY, binary) inside one REPEATABLE READ, read-only transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import SourceMissing, SourceRefused, SourceUnreadable
from workbench.sources.base import BATCH_ROWS, SourceKind, Table
from workbench.sources.catalog import SourceBase, code_of, columns_from, inspect_tables

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import URL, Engine

# types ADBC turns into Arrow ones faithfully; every other type is read as its text form
_NATIVE = {
    "BIGINT", "INTEGER", "SMALLINT", "BOOLEAN", "TEXT", "VARCHAR", "CHAR", "DATE", "TIMESTAMP", "DOUBLE_PRECISION",
    "REAL", "FLOAT", "BYTEA", "BPCHAR",
}  # fmt: skip


class PostgresSource(SourceBase):
    """One PostgreSQL database (one schema of it, or all that are not the system's)."""

    kind: SourceKind = "postgresql"

    def __init__(self, url: URL, name: str, schema: str = "") -> None:
        super().__init__(name, url.render_as_string(hide_password=True))
        self._url = url.set(drivername="postgresql+psycopg")
        self._only = schema
        self._engine: Engine | None = None
        self._connection: Any = None
        self._place: dict[str, tuple[str, str]] = {}
        self._text: dict[str, set[str]] = {}

    def _connect(self) -> Any:
        if self._connection is not None:
            return self._connection
        import adbc_driver_postgresql.dbapi as adbc
        from sqlalchemy import create_engine
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.pool import NullPool

        self._engine = create_engine(
            self._url, poolclass=NullPool, isolation_level="REPEATABLE READ", execution_options={"postgresql_readonly": True}
        )
        try:  # psycopg first: it tells a refused login from a missing server
            with self._engine.connect():
                pass
        except DBAPIError as e:
            raise _login_error(e, self.location) from None
        try:
            plain = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
            self._connection = adbc.connect(plain, autocommit=False)
            with self._connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        except adbc.Error as e:
            raise SourceRefused(
                f"PostgreSQL does not open a second session ({code_of(e)})", "allow two sessions", where=self.location
            ) from None
        return self._connection

    def _list(self) -> list[Table]:
        from sqlalchemy import inspect
        from sqlalchemy.exc import DBAPIError

        self._connect()
        assert self._engine is not None
        found: list[Table] = []
        try:
            inspector = inspect(self._engine)
            default = inspector.default_schema_name or "public"
            schemas = [self._only] if self._only else [
                s for s in inspector.get_schema_names() if s != "information_schema" and not s.startswith("pg_")
            ]  # fmt: skip
            for schema in schemas:
                prefix = "" if schema in (default, self._only) else f"{schema}."
                for name in inspector.get_table_names(schema=schema):
                    self._place[prefix + name] = (schema, name)
                for table in inspect_tables(
                    inspector, self.name, schema, "postgresql",
                    lambda t, d, p=prefix: self._columns(p + t, d),  # type: ignore[misc]
                    lambda t, p=prefix: self._number(f"SELECT count(*) FROM {self._full(p + t)}"),  # type: ignore[misc]  # noqa: S608
                    lambda t, p=prefix: self._bytes(p + t),  # type: ignore[misc]
                ):  # fmt: skip
                    found.append(table.model_copy(update={"name": prefix + table.name}))
        except DBAPIError as e:
            raise SourceUnreadable(
                f"PostgreSQL did not list its tables ({code_of(e)})", "grant SELECT on them", where=self.location
            ) from None
        return found

    def _full(self, table: str) -> str:
        schema, name = self._place[table]
        return f"{_q(schema)}.{_q(name)}"

    def _columns(self, table: str, described: list[dict[str, Any]]) -> Any:
        self._text[table] = {
            d["name"] for d in described if type(d["type"]).__name__.upper() not in _NATIVE
        }
        with self._connection.cursor() as cursor:
            cursor.execute(self._select(table, [d["name"] for d in described]) + " LIMIT 0")
            schema = cursor.fetch_arrow_table().schema
        return columns_from(schema, described)

    def _select(self, table: str, names: Sequence[str]) -> str:
        text = self._text.get(table, set())
        items = ", ".join(f"{_q(n)}::text AS {_q(n)}" if n in text else _q(n) for n in names)
        return f"SELECT {items} FROM {self._full(table)}"  # noqa: S608

    def _number(self, sql: str) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return int((cursor.fetchone() or (0,))[0] or 0)

    def _bytes(self, table: str) -> int:
        literal = self._full(table).replace("'", "''")
        return self._number(f"SELECT pg_total_relation_size('{literal}'::regclass)")

    def batches(
        self, table: str, columns: Sequence[str] | None = None, *, batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """All rows as of the snapshot."""
        import adbc_driver_postgresql.dbapi as adbc

        names = list(columns) if columns is not None else [c.name for c in self.table(table).columns]
        self.tables()
        connection = self._connect()
        with connection.cursor() as cursor:
            try:
                cursor.execute(self._select(table, names))
                with cursor.fetch_record_batch() as reader:
                    for batch in reader:
                        for at in range(0, batch.num_rows, batch_rows):
                            yield batch.slice(at, batch_rows)
            except (adbc.Error, OSError) as e:
                raise SourceUnreadable(
                    f"PostgreSQL stopped while reading ({code_of(e)})", "run the scan again", where=f"{self.name}.{table}"
                ) from None

    def close(self) -> None:
        """End the snapshot."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _login_error(e: Any, where: str) -> SourceRefused | SourceMissing:
    """28xxx and 3D000 have SQLSTATEs only when the server answered with one; psycopg loses it on connect."""
    import psycopg

    text = str(e.orig)
    if isinstance(e.orig, psycopg.OperationalError) and "database" in text and "does not exist" in text:
        return SourceMissing("PostgreSQL has no such database", "check the name in the URL", where=where)
    if any(word in text for word in ("password", "authentication", "pg_hba", "role")):
        return SourceRefused(
            "PostgreSQL refused the login", "check the user and the variable that password_env names", where=where
        )
    return SourceMissing(f"PostgreSQL does not answer ({code_of(e)})", "check host and port, and that it runs", where=where)


def _q(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
