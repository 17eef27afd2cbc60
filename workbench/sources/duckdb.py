"""DUCKDB: one database file, opened read-only, with every download and every file access of the engine switched off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import SourceUnreadable
from workbench.sources.base import BATCH_ROWS, Column, ForeignKey, Index, SourceKind, Table
from workbench.sources.catalog import SourceBase, code_of, full_name, name_parts

if TYPE_CHECKING:
    import pyarrow as pa

QUIET = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


class DuckdbSource(SourceBase):
    """One DuckDB file."""

    kind: SourceKind = "duckdb"

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(name, str(path))
        self._path = path
        self._connection: Any = None

    def _open(self) -> Any:
        if self._connection is None:
            import duckdb

            try:
                self._connection = duckdb.connect(str(self._path), read_only=True, config=dict(QUIET))
                self._connection.execute("BEGIN TRANSACTION READ ONLY")
            except duckdb.Error as e:
                raise SourceUnreadable(
                    f"the DuckDB file cannot be read ({type(e).__name__})",
                    "close the program that has it open, or check the file",
                    where=str(self._path),
                ) from None
        return self._connection

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self._open().execute(sql).fetchall())

    def _list(self) -> list[Table]:
        found = []
        constraints = self._rows(
            "SELECT schema_name, table_name, constraint_type, constraint_column_names, referenced_table, "
            "referenced_column_names FROM duckdb_constraints()"
        )
        indexes = self._rows("SELECT schema_name, table_name, index_name, is_unique, expressions FROM duckdb_indexes()")
        for schema, name, comment in self._rows(
            "SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE NOT internal AND NOT temporary"
        ):
            mine = [c for c in constraints if c[0] == schema and c[1] == name]
            full = full_name("" if schema == "main" else schema, name)
            schema_of = self._open().sql(f"SELECT * FROM {_q(schema)}.{_q(name)} LIMIT 0").to_arrow_table().schema  # noqa: S608
            found.append(
                Table(
                    source=self.name,
                    name=full,
                    columns=tuple(Column(name=f.name, type=str(f.type)) for f in schema_of),
                    primary_key=next((tuple(c[3]) for c in mine if c[2] == "PRIMARY KEY"), ()),
                    foreign_keys=tuple(
                        ForeignKey(
                            columns=tuple(c[3]), ref_table=full_name("" if schema == "main" else schema, c[4]),
                            ref_columns=tuple(c[5]),
                        )
                        for c in mine
                        if c[2] == "FOREIGN KEY"
                    ),
                    indexes=tuple(
                        Index(name=i[2], columns=tuple(p.strip(" '\"") for p in i[4].strip("[]").split(",")), unique=bool(i[3]))
                        for i in indexes
                        if i[0] == schema and i[1] == name
                    ),
                    rows=int(self._rows(f"SELECT count(*) FROM {_q(schema)}.{_q(name)}")[0][0]),  # noqa: S608
                    format="duckdb",
                    comment=comment or "",
                )
            )
        return found

    def batches(
        self, table: str, columns: Sequence[str] | None = None, *, batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """All rows as of the snapshot."""
        import duckdb

        names = list(columns) if columns is not None else [c.name for c in self.table(table).columns]
        schema, name = name_parts(table)
        place = f"{_q(schema)}.{_q(name)}" if schema else _q(name)
        try:
            found = self._open().sql(f"SELECT {', '.join(map(_q, names))} FROM {place}")  # noqa: S608
            yield from found.to_arrow_reader(batch_rows)
        except duckdb.Error as e:
            raise SourceUnreadable(
                f"the DuckDB file cannot be read ({code_of(e)})", "check the file", where=f"{self.name}.{table}"
            ) from None

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _q(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
