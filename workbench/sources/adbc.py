"""ADBC, one level below its ``dbapi``: that imports pyarrow.dataset and so pandas, 45 MB which a reader never uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


class Session:
    """One connection with one transaction, which begins at the first query."""

    def __init__(self, database: Any) -> None:
        """``database``: an ``adbc_driver_manager.AdbcDatabase``; it is closed with the session."""
        from adbc_driver_manager import AdbcConnection

        self._database = database
        self._connection = AdbcConnection(database)
        self._connection.set_autocommit(False)

    @contextmanager
    def query(self, sql: str, **options: str) -> Iterator[pa.RecordBatchReader]:
        """What ``sql`` selects; ``options`` are the statement's.

        Raises: adbc_driver_manager.Error; while reading also pyarrow.ArrowException and OSError.
        """
        import pyarrow as pa
        from adbc_driver_manager import AdbcStatement

        statement = AdbcStatement(self._connection)
        try:
            statement.set_options(**options)
            statement.set_sql_query(sql)
            stream, _ = statement.execute_query()
            with pa.RecordBatchReader.from_stream(stream) as reader:
                yield reader
        finally:
            statement.close()

    def first(self, sql: str) -> Any:
        """The first cell that ``sql`` selects, or None."""
        with self.query(sql) as reader:
            for batch in reader:
                if batch.num_rows:
                    return batch.column(0)[0].as_py()
        return None

    def close(self) -> None:
        """End the transaction."""
        self._connection.close()
        self._database.close()
