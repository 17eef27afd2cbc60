"""DUCKDB: deleting and checkpointing removes nothing from the file (facts: 9 137 -> 9 142 hits), so the rows that stay
are copied into a fresh file, which then takes the old one's place; the old bytes are overwritten.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.erasure import coarse
from workbench.erasure.cells import text_forms
from workbench.erasure.dates import read_date
from workbench.erasure.model import Preflight, ScrubResult
from workbench.erasure.sqlstore import WORK, SqlStore
from workbench.errors import ErasureError
from workbench.sources.catalog import name_parts

if TYPE_CHECKING:
    from workbench.erasure.selection import Selection


class DuckStore(SqlStore):
    """One DuckDB file."""

    engine = "duckdb"
    enforce = False
    swaps = True

    def connect(self) -> None:
        import duckdb

        from workbench.sources.credentials import database_url

        self.errors = (duckdb.Error,)
        self.path = Path(str(database_url(self.spec, self.base).database))
        self._maps: dict[tuple[str, str], str] = {}
        self._connect()
        self._nullable = {(f"{r[0]}.{r[1]}" if r[0] != "main" else r[1], r[2]): bool(r[3]) for r in self.run(
            "SELECT schema_name, table_name, column_name, is_nullable FROM duckdb_columns() WHERE NOT internal").fetchall()}
        for name, table in self.tables.items():
            columns = tuple(c.model_copy(update={"nullable": self._nullable.get((name, c.name), True)})
                            for c in table.columns)
            self.tables[name] = table.model_copy(update={"columns": columns})

    def _connect(self) -> None:
        import duckdb

        try:
            self.cx = duckdb.connect(str(self.path), config={"autoinstall_known_extensions": "false",
                                                             "autoload_known_extensions": "false"})
        except duckdb.Error as e:
            raise self.failed(e) from None

    def release(self) -> None:
        """Let others open the file; the next statement connects again."""
        self.close()

    def run(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        if self.cx is None:
            self._connect()
        try:
            cursor = self.cx.execute(sql, list(parameters)) if parameters else self.cx.execute(sql)
        except self.errors as e:
            raise self.failed(e) from None
        return cursor

    def begin(self) -> None:
        self.run("BEGIN TRANSACTION")

    def commit(self) -> None:
        self._end("COMMIT")

    def rollback(self) -> None:
        self._end("ROLLBACK")

    def _end(self, word: str) -> None:
        import duckdb

        if self.cx is None:
            return
        try:
            self.cx.execute(word)
        except duckdb.TransactionException:
            return  # no transaction is open

    def t(self, table: str) -> str:
        schema, name = name_parts(table)
        return f"{self.q(schema or 'main')}.{self.q(name)}"

    def key(self, table: str) -> list[str]:
        return ["rowid"]

    def date_expr(self, table: str, column: str, alias: str) -> str:
        info, cell = self.tables[table].column(column), f"{alias}.{self.q(column)}"
        if info is not None and info.type.startswith(("date", "timestamp")) and "tz=" not in info.type:
            return f"strftime({cell}, '%Y-%m-%d')"
        if (table, column) not in self._maps:
            work = f"{WORK}d{len(self._maps)}"
            self.drop(work)
            self.run(f"CREATE TABLE {self.t(work)} (v VARCHAR PRIMARY KEY, d VARCHAR)")
            rows = self.run(f"SELECT DISTINCT {self.q(column)}::VARCHAR FROM {self.t(table)} "
                            f"WHERE {self.q(column)} IS NOT NULL").fetchall()
            for at in range(0, len(rows), 1000):
                block = [(r[0], read_date(r[0])) for r in rows[at : at + 1000]]
                self.run(f"INSERT INTO {self.t(work)} VALUES " + ", ".join(["(?, ?)"] * len(block)),
                         [x for pair in block for x in pair])
            self._maps[(table, column)] = self.t(work)
        return f"(SELECT m.d FROM {self._maps[(table, column)]} m WHERE m.v = {cell}::VARCHAR)"

    def forget(self) -> None:
        self._maps = {}

    def token(self, table: str, column: str) -> str:
        return "'wb-' || replace(uuid()::VARCHAR, '-', '')"

    def empty(self, table: str, column: str) -> str:
        info = self.tables[table].column(column)
        return "''::BLOB" if info is not None and "binary" in info.type else "''"

    def has(self, table: str) -> bool:
        return bool(self.run("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", (table,)).fetchone())

    def work_tables(self) -> list[str]:
        return [r[0] for r in self.run("SELECT table_name FROM duckdb_tables() WHERE starts_with(table_name, ?)",
                                       (WORK,)).fetchall()]

    @contextmanager
    def reader(self) -> Iterator[Callable[[str], Iterable[Sequence[Any]]]]:
        if self.cx is None:
            self._connect()
        own = self.cx.cursor()

        def read(sql: str) -> Iterator[Sequence[Any]]:
            cursor = own.execute(sql)
            while rows := cursor.fetchmany(5_000):
                yield from rows

        try:
            yield read
        finally:
            own.close()

    def stream(self, sql: str, block: int) -> Iterator[list[Any]]:
        with self.reader() as read:
            rows: list[Any] = []
            for row in read(sql):
                rows.append(row)
                if len(rows) >= block:
                    yield rows
                    rows = []
            if rows:
                yield rows

    def version(self) -> str:
        import duckdb

        return str(duckdb.__version__)

    def schema_text(self) -> bytes:
        return "\n".join(str(r[0]) for r in self.run("SELECT sql FROM duckdb_tables()").fetchall()).encode()

    def forms_for(self, table: str, column: str) -> Callable[[object], dict[str, bytes]]:
        info = self.tables[table].column(column)
        kind = info.type if info else ""
        if kind in ("string", "large_string", "binary", "large_binary"):
            return text_forms
        return lambda c: {}  # integers are bit-packed, so their bytes prove nothing

    # -- copy what stays -------------------------------------------------------------------------------------

    def preflight(self, touched: Sequence[str]) -> Iterator[Preflight]:
        import shutil

        free, size = shutil.disk_usage(self.path.parent).free, self.path.stat().st_size
        yield Preflight(source=self.name, check="disk", colour="green" if free > size * 1.2 else "red",
                        object=self.path.name, zh=f"新文件约需 {size} 字节", en=f"a fresh file needs up to {size} bytes",
                        todo="" if free > size * 1.2 else "free some space")

    def swap(self, sel: Selection, state: dict[str, Any], written: Callable[[], None]) -> dict[str, dict[str, int]]:
        """Build the fresh file, note its digest, put it in place, overwrite the old one; returns the counts."""
        from workbench.erasure.files import sha, sync, wipe

        temp = self.path.with_name(f".wb-erase-{self.path.name}.tmp")
        old = self.path.with_name(f".wb-erase-{self.path.name}.old")
        if "swap" not in state or sha(self.path) != state["swap"]:
            temp.unlink(missing_ok=True)
            self._build(temp, sel)
            self.close()
            state["swap"] = sha(temp)
            written()
            old.unlink(missing_ok=True)
            old.hardlink_to(self.path)
            temp.replace(self.path)
            sync(self.path.parent)
        self.close()
        if old.exists():
            wipe(old)
        self._connect()
        out = {}
        for line in sel.lines:
            out[line.disposal.id] = {
                "deleted": line.rows if line.goes else 0,
                "suppressed": line.rows if line.changes and not line.goes and line.disposal.altered else 0}
        return out

    def _build(self, temp: Path, sel: Selection) -> None:
        from workbench.erasure.selection import table_order

        self.run(f"ATTACH '{str(temp).replace(chr(39), chr(39) * 2)}' AS fresh")
        here = self.one("SELECT current_database()")
        self.run(f"COPY FROM DATABASE {self.q(str(here))} TO fresh (SCHEMA)")
        for work in self.work_tables():
            self.run(f"DROP TABLE IF EXISTS fresh.main.{self.q(work)}")
        groups, cyclic = table_order(self)
        if any(len(g) > 1 for g in groups):
            raise ErasureError("DuckDB cannot hold tables that point at each other", "report this schema", where=self.name)
        for table in (t for g in reversed(groups) for t in g):
            self._copy(table, sel, table in cyclic)
        self.run("DETACH fresh")

    def _copy(self, table: str, sel: Selection, own: bool) -> None:
        columns = [c.name for c in self.tables[table].columns]
        cells = []
        for name in columns:
            cell = f"t.{self.q(name)}"
            for line in sel.of(table):
                if not line.goes and line.changes and line.rows and name in line.disposal.altered:
                    new = self.neutral(table, name)
                    if new is None:
                        raise ErasureError(f"{table}.{name} cannot be cleared", "take it out of the plan's suppress list")
                    for g in line.disposal.coarser:
                        new = coarse.sql(self, table, g, new) if g.column == name else new
                    cell = f"CASE WHEN t.rowid IN (SELECT k0 FROM {self.t(line.work)}) THEN {new} ELSE {cell} END"
            for unlink in sel.unlinks:
                if unlink.table == table and name in unlink.columns:
                    cell = f"CASE WHEN t.rowid IN (SELECT k0 FROM {self.t(unlink.work)}) THEN NULL ELSE {cell} END"
            cells.append(cell)
        stays = [f"t.rowid NOT IN (SELECT k0 FROM {self.t(x.work)})" for x in sel.of(table) if x.goes and x.rows]
        names = ", ".join(self.q(c) for c in columns)
        where = " AND ".join(stays) or "1=1"
        self.run(f"INSERT INTO fresh.{self.t(table)} ({names}) SELECT {', '.join(cells)} FROM {self.t(table)} t "
                 f"WHERE {where} ORDER BY t.rowid")

    def flush(self) -> None:
        self.commit()
        self.run("CHECKPOINT")

    def scrub(self, touched: Sequence[str]) -> Iterator[ScrubResult]:
        left = [p.name for p in self.path.parent.glob(".wb-erase-*")]
        yield ScrubResult(source=self.name, step="fresh-file", done=not left,
                          command="COPY kept rows to a fresh file; replace; overwrite the old file")
        yield ScrubResult(source=self.name, step="volume", done=False, task=True,
                          command=f"fstrim -v {self.path.resolve().parent}", note="freed blocks of the volume")

    def files(self) -> Iterator[tuple[str, Path]]:
        yield "database", self.path
        for path in sorted(self.path.parent.iterdir()):
            if path != self.path and path.is_file() and path.name.lstrip(".").startswith((self.path.stem, "wb-erase-")):
                yield ("wal" if path.name == self.path.name + ".wal" else "beside"), path

    def where_files(self) -> str:
        return str(self.path.resolve())
