"""POSTGRESQL: read through ADBC (COPY, binary) inside one REPEATABLE READ, read-only transaction.

A large table can be read in several parts at once, by ranges of its pages, each on a session that takes over that transaction's
snapshot: together they are what one reader would have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from workbench.errors import SourceMissing, SourceRefused, SourceUnreadable
from workbench.sources.adbc import Session
from workbench.sources.base import BATCH_ROWS, SourceKind, Table
from workbench.sources.catalog import SourceBase, code_of, columns_from, full_name, inspect_tables

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import URL, Engine

# types ADBC turns into Arrow ones faithfully; every other type is read as its text form
_NATIVE = {
    "BIGINT", "INTEGER", "SMALLINT", "BOOLEAN", "TEXT", "VARCHAR", "CHAR", "DATE", "TIMESTAMP", "DOUBLE_PRECISION",
    "REAL", "FLOAT", "BYTEA", "BPCHAR",
}  # fmt: skip


FEW_PAGES = 2_000
"""a table smaller than this (16 MB) is read by one session"""
TID_RANGES = 140_000
"""from this version on the server reads only the pages of a range"""
ALONE = 1 << 19
"""bytes of a batch of the only reader; as quick as 2 MiB, and 20 MiB less at the vault's peak; by default 16 MiB"""
AT_ONCE = 8 << 20
"""bytes of a batch of one of several parts; 4 and 16 MiB were slower (benchmarks/detect_read.py)"""


class PostgresSource(SourceBase):
    """One PostgreSQL database (one schema of it, or all that are not the system's)."""

    kind: SourceKind = "postgresql"

    def __init__(self, url: URL, name: str, schema: str = "") -> None:
        super().__init__(name, url.render_as_string(hide_password=True))
        self._url = url.set(drivername="postgresql+psycopg")
        self._only = schema
        self._engine: Engine | None = None
        self._connection: Session | None = None
        self._place: dict[str, tuple[str, str]] = {}
        self._text: dict[str, set[str]] = {}
        self._more: tuple[list[Any], list[Any]] = ([], [])
        self._schemas: dict[str, pa.Schema] = {}
        self._broken = False

    def _connect(self) -> Session:
        if self._connection is not None:
            return self._connection
        import adbc_driver_postgresql
        from adbc_driver_manager import Error
        from sqlalchemy import create_engine
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.pool import NullPool

        self._engine = create_engine(
            self._url, poolclass=NullPool, isolation_level="REPEATABLE READ", execution_options={"postgresql_readonly": True},
            connect_args={"client_encoding": "UTF8"},
        )
        try:  # psycopg first: it tells a refused login from a missing server
            with self._engine.connect():
                pass
        except DBAPIError as e:
            raise _login_error(e, self.location) from None
        try:
            plain = self._plain()
            self._connection = Session(adbc_driver_postgresql.connect(plain))
            _begin(self._connection)
        except Error as e:
            raise SourceRefused(
                f"PostgreSQL does not open a second session ({code_of(e)})", "allow two sessions", where=self.location
            ) from None
        return self._connection

    def _plain(self) -> str:
        """The URL for libpq; text comes in UTF-8 whatever the database keeps it in."""
        return self._url.set(drivername="postgresql").update_query_dict({"client_encoding": "UTF8"}).render_as_string(hide_password=False)

    def _list(self) -> list[Table]:
        from adbc_driver_manager import Error
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
            partitions, closed = self._partitions(schemas), self._closed(schemas)

            def named(schema: str | None, table: str) -> str:
                return full_name("" if schema is None or schema == (self._only or default) else schema, table)

            for schema in schemas:
                self._unreadable |= {named(schema, n): "no privilege to read it: GRANT SELECT" for n in closed.get(schema, ())}
                for name in inspector.get_table_names(schema=schema):
                    self._place[named(schema, name)] = (schema, name)
                for table in inspect_tables(
                    inspector, self.name, schema, "postgresql",
                    lambda t, d, s=schema: self._columns(named(s, t), d),  # type: ignore[misc]
                    lambda t, s=schema: self._number(f"SELECT count(*) FROM {self._full(named(s, t))}"),  # type: ignore[misc]  # noqa: S608
                    lambda t, s=schema: self._bytes(named(s, t)),  # type: ignore[misc]
                    referred=named, without=partitions.get(schema, set()) | closed.get(schema, set()),
                ):  # fmt: skip
                    found.append(table.model_copy(update={"name": named(schema, table.name)}))
        except (DBAPIError, Error) as e:
            raise SourceUnreadable(
                f"PostgreSQL did not list its tables ({code_of(e)})", "grant SELECT on them", where=self.location
            ) from None
        return found

    def _partitions(self, schemas: Sequence[str]) -> dict[str, set[str]]:
        """Per schema the partitions of tables in ``schemas``: their rows are their parent's, and would count twice."""
        return self._by_schema(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_class r ON r.oid = pg_partition_root(c.oid) JOIN pg_namespace m ON m.oid = r.relnamespace "
            "WHERE c.relispartition AND m.nspname = ANY(:schemas)", schemas)

    def _closed(self, schemas: Sequence[str]) -> dict[str, set[str]]:
        """Per schema the tables that this user may not read: listed as unreadable, the rest goes on."""
        return self._by_schema(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY(:schemas) "
            "AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))", schemas)

    def _by_schema(self, sql: str, schemas: Sequence[str]) -> dict[str, set[str]]:
        from sqlalchemy import text

        assert self._engine is not None
        found: dict[str, set[str]] = {}
        with self._engine.connect() as cx:
            for schema, name in cx.execute(text(sql), {"schemas": list(schemas)}):
                found.setdefault(schema, set()).add(name)
        return found

    def _full(self, table: str) -> str:
        schema, name = self._place[table]
        return f"{_q(schema)}.{_q(name)}"

    def _columns(self, table: str, described: list[dict[str, Any]]) -> Any:
        self._text[table] = {
            d["name"] for d in described if type(d["type"]).__name__.upper() not in _NATIVE
        }
        with self._connect().query(self._select(table, [d["name"] for d in described]) + " LIMIT 0") as reader:
            self._schemas[table] = reader.schema
        return columns_from(self._schemas[table], described)

    def _select(self, table: str, names: Sequence[str]) -> str:
        text = self._text.get(table, set())
        items = ", ".join(f"{_q(n)}::text AS {_q(n)}" if n in text else _q(n) for n in names)
        return f"SELECT {items} FROM {self._full(table)}"  # noqa: S608

    def _number(self, sql: str) -> int:
        return int(self._connect().first(sql) or 0)

    def _bytes(self, table: str) -> int:
        literal = self._full(table).replace("'", "''")
        return self._number(f"SELECT pg_total_relation_size('{literal}'::regclass)")

    def batches(
        self, table: str, columns: Sequence[str] | None = None, *, batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """All rows as of the snapshot."""
        names = list(columns) if columns is not None else [c.name for c in self.table(table).columns]
        self.tables()
        yield from self._read(self._connect(), table, self._select(table, names), batch_rows, ALONE)

    def _read(self, connection: Session, table: str, sql: str, batch_rows: int, hint: int) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import StatementOptions

        try:
            with connection.query(sql, **{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(hint)}) as reader:
                for batch in reader:
                    for at in range(0, batch.num_rows, batch_rows):
                        yield batch.slice(at, batch_rows)
        except (Error, pa.ArrowException, OSError) as e:
            raise SourceUnreadable(
                f"PostgreSQL stopped while reading ({code_of(e)})", "run the scan again", where=f"{self.name}.{table}"
            ) from None

    def streams(self, table: str, most: int) -> Sequence[Callable[[], Iterator[pa.RecordBatch]]]:
        """Ranges of pages of a large ordinary table; one part where the server has no such ranges or no sessions to spare."""
        from workbench.sources import copyout

        names = [c.name for c in self.table(table).columns]
        pages = self._pages(table) if most > 1 else 0
        quick = pages >= FEW_PAGES and copyout.readable(self._schemas[table])
        sessions = self._sessions(most, quick) if pages >= FEW_PAGES else []
        if len(sessions) < 2:
            return [lambda: self.batches(table)]
        ends = [pages * n // len(sessions) for n in range(1, len(sessions))]

        def part(session: Session, low: int, high: int) -> Iterator[pa.RecordBatch]:
            upper = f" AND ctid < '({high},0)'::tid" if high else ""  # the last one takes what was added since
            sql = f"{self._select(table, names)} WHERE ctid >= '({low},0)'::tid{upper}"
            try:
                if quick:
                    yield from copyout.read(session, sql, self._schemas[table])
                else:
                    yield from self._read(session, table, sql, BATCH_ROWS, AT_ONCE)
            except copyout.NotReadable as e:
                self._broken = True
                raise SourceUnreadable(f"PostgreSQL stopped while reading ({e.sqlstate or 'no more was sent'})", "run the scan again",
                                       where=f"{self.name}.{table}") from None
            except (SourceUnreadable, GeneratorExit):
                self._broken = True  # what ended early on a session leaves its transaction of no use
                raise

        return [partial(part, s, low, high) for s, low, high in zip(sessions, [0, *ends], [*ends, 0], strict=True)]

    def _pages(self, table: str) -> int:
        """Pages of an ordinary heap table on a server that reads ranges of them; otherwise 0."""
        name = self._full(table).replace("'", "''")
        return self._number(
            "SELECT CASE WHEN c.relkind IN ('r', 'm') AND a.amname = 'heap' "  # noqa: S608
            f"AND current_setting('server_version_num')::int >= {TID_RANGES} "
            "THEN pg_relation_size(c.oid) / current_setting('block_size')::int ELSE 0 END "
            f"FROM pg_class c LEFT JOIN pg_am a ON a.oid = c.relam WHERE c.oid = '{name}'::regclass")

    def _sessions(self, most: int, quick: bool) -> list[Any]:
        """Sessions that see what the first one sees; as many as the server gives, kept until :meth:`close`.

        ``quick``: psycopg's, for :mod:`copyout`; otherwise ADBC's.
        """
        import psycopg
        from adbc_driver_manager import Error

        if self._broken:
            self._let_go()
        pool = self._more[quick]
        if not pool:
            first, snapshot = self._connect(), ""
            try:
                snapshot = str(first.first("SELECT pg_export_snapshot()") or "")
                for _ in range(most):
                    if quick:
                        pool.append(psycopg.connect(self._plain()))
                        pool[-1].execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                        pool[-1].execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
                    else:
                        pool.append(first.another())  # knows the server's types: connecting anew takes 35 ms to ask for them
                        _begin(pool[-1], snapshot)
            except (Error, psycopg.Error):  # a pooler or a full server: one session reads it all
                self._let_go()
                if not snapshot:
                    first.rollback()
                    _begin(first)
        return pool[:most]

    def _let_go(self) -> None:
        self._broken = False
        for pool in self._more:
            while pool:
                pool.pop().close()

    def close(self) -> None:
        """End the snapshot."""
        self._let_go()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _begin(connection: Session, snapshot: str = "") -> None:
    """One snapshot for all that is read from here on; ``snapshot``: the one that another session exported."""
    connection.first("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    if snapshot:
        connection.first(f"SET TRANSACTION SNAPSHOT '{snapshot}'")


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
