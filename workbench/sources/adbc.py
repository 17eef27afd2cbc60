"""ADBC, one level below its ``dbapi``: that imports pyarrow.dataset and so pandas, 45 MB which a reader never uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


class Session:
    """One connection with one transaction, which begins at the first query."""

    def __init__(self, database: Any, *, owner: bool = True) -> None:
        """``database``: an ``adbc_driver_manager.AdbcDatabase``; its owner closes it."""
        from adbc_driver_manager import AdbcConnection

        self._database, self._owner = database, owner
        self._connection = AdbcConnection(database)
        self._connection.set_autocommit(False)
        self._statements: list[Any] = []
        """open ones: of a reader that was stopped early and is still held"""

    def another(self) -> Session:
        """A further connection, which knows what the first one learnt of the server's types; close it first."""
        return Session(self._database, owner=False)

    @contextmanager
    def query(self, sql: str, **options: str) -> Iterator[pa.RecordBatchReader]:
        """What ``sql`` selects; ``options`` are the statement's.

        Raises: adbc_driver_manager.Error; while reading also pyarrow.ArrowException and OSError.
        """
        import pyarrow as pa
        from adbc_driver_manager import AdbcStatement

        statement = AdbcStatement(self._connection)
        self._statements.append(statement)
        try:
            statement.set_options(**options)
            statement.set_sql_query(sql)
            stream, _ = statement.execute_query()
            with pa.RecordBatchReader.from_stream(stream) as reader:
                yield reader
        finally:
            statement.close()
            self._statements.remove(statement)

    def first(self, sql: str) -> Any:
        """The first cell that ``sql`` selects, or None."""
        with self.query(sql) as reader:
            for batch in reader:
                if batch.num_rows:
                    return batch.column(0)[0].as_py()
        return None

    def rollback(self) -> None:
        """End the transaction; the next query begins another."""
        self._connection.rollback()

    def close(self) -> None:
        """End the transaction and the connection."""
        for statement in self._statements:
            statement.close()
        self._connection.close()
        if self._owner:
            self._database.close()
