"""MARIADB, MYSQL: read through connectorx as an Arrow stream.

connectorx opens its own session, so a snapshot cannot be shared: counts are compared before and after a read, and a
difference is said. TIME and zero dates panic inside its Rust core; they are read as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import SourceMissing, SourceRefused, SourceUnreadable
from workbench.sources.base import BATCH_ROWS, SourceKind, Table
from workbench.sources.catalog import SourceBase, code_of, columns_from, inspect_tables

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import URL, Engine

# connectorx turns these into Arrow types faithfully; every other type is read as its text form
_NATIVE = {
    "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "MEDIUMINT", "TEXT", "VARCHAR", "CHAR", "LONGTEXT", "MEDIUMTEXT",
    "TINYTEXT", "DOUBLE", "FLOAT", "BLOB", "LONGBLOB", "MEDIUMBLOB", "TINYBLOB", "VARBINARY",
}  # fmt: skip


class MariadbSource(SourceBase):
    """One MariaDB or MySQL database."""

    kind: SourceKind = "mariadb"

    def __init__(self, url: URL, name: str, schema: str = "") -> None:
        super().__init__(name, url.render_as_string(hide_password=True))
        self._url = url.set(drivername="mariadb+pymysql", database=schema or url.database)
        self._engine: Engine | None = None
        self._text: dict[str, set[str]] = {}

    def _connect(self) -> Engine:
        if self._engine is None:
            from sqlalchemy import create_engine
            from sqlalchemy.exc import DBAPIError, InvalidRequestError

            self._engine = create_engine(self._url)
            try:
                with self._engine.connect():
                    pass
            except InvalidRequestError:  # the server is MySQL, not MariaDB
                self._url = self._url.set(drivername="mysql+pymysql")
                self._engine = None
                return self._connect()
            except DBAPIError as e:
                self.close()
                raise _login_error(e, self.location) from None
        return self._engine

    def _list(self) -> list[Table]:
        from sqlalchemy import inspect
        from sqlalchemy.exc import DBAPIError

        engine = self._connect()
        try:
            return list(
                inspect_tables(
                    inspect(engine), self.name, None, "mariadb", self._columns,
                    lambda t: self._number(f"SELECT count(*) FROM {_q(t)}"), self._bytes,  # noqa: S608
                )
            )  # fmt: skip
        except DBAPIError as e:
            raise SourceUnreadable(
                f"MariaDB did not list its tables ({code_of(e)})", "grant SELECT on them", where=self.location
            ) from None

    def _columns(self, table: str, described: list[dict[str, Any]]) -> Any:
        self._text[table] = {d["name"] for d in described if type(d["type"]).__name__.upper() not in _NATIVE}
        reader = self._read(self._select(table, [d["name"] for d in described]) + " LIMIT 1", 1, table)
        return columns_from(reader.schema, described)

    def _select(self, table: str, names: Sequence[str]) -> str:
        text = self._text.get(table, set())
        items = ", ".join(f"CAST({_q(n)} AS CHAR) AS {_q(n)}" if n in text else _q(n) for n in names)
        return f"SELECT {items} FROM {_q(table)}"  # noqa: S608

    def _read(self, sql: str, batch_rows: int, table: str) -> Any:
        import connectorx

        plain = self._url.set(drivername="mysql").render_as_string(hide_password=False)
        try:
            return connectorx.read_sql(plain, sql, return_type="arrow_stream", batch_size=batch_rows)
        except BaseException as e:  # a Rust panic is no Exception
            if isinstance(e, (KeyboardInterrupt, SystemExit)):
                raise
            raise self._stopped(e, table) from None

    def _stopped(self, e: BaseException, table: str) -> SourceUnreadable:
        return SourceUnreadable(
            f"MariaDB stopped while reading ({code_of(e)})", "run the scan again", where=f"{self.name}.{table}"
        )

    def _number(self, sql: str, **values: object) -> int:
        from sqlalchemy import text

        with self._connect().connect() as connection:
            return int(connection.execute(text(sql), values).scalar() or 0)

    def _bytes(self, table: str) -> int:
        return self._number(
            "SELECT data_length + index_length FROM information_schema.tables "
            "WHERE table_schema = database() AND table_name = :t",
            t=table,
        )

    def batches(
        self, table: str, columns: Sequence[str] | None = None, *, batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """All rows; a count that changed meanwhile is listed under :meth:`unreadable`."""
        described = self.table(table)
        names = list(columns) if columns is not None else [c.name for c in described.columns]
        done = 0
        reader = self._read(self._select(table, names), batch_rows, table)
        try:
            for batch in reader:
                done += batch.num_rows
                yield batch
        except GeneratorExit:
            raise
        except BaseException as e:
            if isinstance(e, (KeyboardInterrupt, SystemExit)):
                raise
            raise self._stopped(e, table) from None
        if done != described.rows:
            self._unreadable[table] = f"the table changed while it was read: {described.rows} rows counted, {done} read"

    def close(self) -> None:
        """Release the catalogue's connections."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None


def _login_error(e: Any, where: str) -> SourceRefused | SourceMissing:
    number = e.orig.args[0] if getattr(e, "orig", None) and e.orig.args else 0
    if number in (1044, 1045, 1698):
        return SourceRefused(
            f"MariaDB refused the login (error {number})",
            "check the user and the variable that password_env names",
            where=where,
        )
    if number == 1049:
        return SourceMissing("MariaDB has no such database", "check the name in the URL", where=where)
    return SourceMissing(f"MariaDB does not answer ({code_of(e)})", "check host and port, and that it runs", where=where)


def _q(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"
