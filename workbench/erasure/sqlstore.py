"""SQLSTORE: what erasure needs of a database, in words that every engine understands; engines override the rest.

Work tables are called ``wb_erase_*``, hold keys and counts only, and are dropped before the scrub.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.erasure.cells import text_forms, to_batch
from workbench.erasure.model import Preflight, ScrubResult
from workbench.errors import ErasureError, StoreBusy
from workbench.sources.base import ForeignKey, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.case.config import SourceSpec

WORK = "wb_erase_"
_PERCENT = {q: re.compile(f"{q}(?:[^{q}]|{q}{q})*{q}|'(?:[^']|'')*'|%s|%") for q in '"`'}
"""names, texts, marks and per cent signs, by the sign around names"""
JOURNAL = "wb_erase_journal"


_CAUSES = (
    (("55P03", "1205", "SQLITE_BUSY", "SQLITE_LOCKED"), ("another client holds a lock that is needed", "end that client, or wait; ")),
    (("53100", "1021", "1114", "SQLITE_FULL"), ("the disk is full", "free some space; ")),
    (("57P0", "08", "2006", "2013", "1927", "OperationalError", "InterfaceError"),
     ("the connection to the server was lost", "see that the server runs; ")),
)
"""(how a driver's code begins: SQLSTATE, number or name; what it means, what to do first)"""


class SqlStore:
    """One database opened for erasure. Subclasses: SqliteStore, PostgresStore, MariaStore, DuckStore."""

    engine = ""
    mark = "?"
    """where a value goes in a statement"""
    quote = '"'
    """what stands around a name"""
    prefers_in = False
    """whether a subquery that stands alone beats one that looks at each row (SQLite, when a child has no index)"""
    swaps = False
    """whether the rows that stay are copied into a fresh store instead of deleting the others"""
    cycle_in_one = False
    """whether rows that point at each other are deleted in one statement"""
    enforce = True
    """whether foreign keys are enforced while we delete (so that children need an index)"""
    errors: tuple[type[BaseException], ...] = ()
    derived: frozenset[str] = frozenset()
    """tables that the engine makes from others (full-text shadows): they hold nothing of their own that could stay"""

    def __init__(self, spec: SourceSpec, base: Path, timezone: str = "UTC") -> None:
        self.spec, self.base, self.name, self.timezone = spec, base, spec.name, timezone
        self.tables: dict[str, Table] = {}
        self.cx: Any = None

    # -- connection ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect and read the catalogue."""
        from workbench.sources import open_source

        with warnings.catch_warnings(), open_source(self.spec, self.base) as source:
            warnings.simplefilter("ignore")  # a killed run's work tables may hold row addresses, which SQLAlchemy warns of
            self.tables = {t.name: t for t in source.tables() if not t.name.startswith(WORK)}
        self.connect()

    def connect(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection; idempotent."""
        if self.cx is not None:
            self.cx.close()
            self.cx = None

    def run(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """Execute one statement; a driver's error becomes an ErasureError that holds no value."""
        try:
            cursor = self.cx.cursor()
            cursor.execute(self.bindable(sql), tuple(parameters)) if parameters else cursor.execute(sql)
            return cursor
        except self.errors as e:
            raise self.failed(e) from None

    def bindable(self, sql: str) -> str:
        """SQL for a statement with values: where a driver writes marks as ``%s``, any other per cent sign is doubled, in names too."""
        if self.mark != "%s":
            return sql
        return _PERCENT[self.quote].sub(lambda m: m[0] if m[0] == "%s" else m[0].replace("%", "%%"), sql)

    def failed(self, e: BaseException) -> ErasureError:
        """The error for a driver's exception: what kind it is, its class and SQLSTATE; never its text, which may hold values."""
        from workbench.sources.catalog import code_of

        code = code_of(e)
        what, todo = next((told for codes, told in _CAUSES if code.rsplit(" ", 1)[-1].startswith(codes)),
                          (f"{self.engine} refused a statement", ""))
        kind = StoreBusy if self.is_busy(e) else ErasureError
        return kind(f"{what} ({code})", todo + "nothing of that batch was changed; run erase again, it continues",
                            where=self.name)

    def is_busy(self, e: BaseException) -> bool:
        """Whether a driver's exception means that another client holds a lock."""
        return False

    def lag(self, replicas: Sequence[str]) -> tuple[float, int]:
        """(seconds, bytes) that the slowest replica is behind; zeros where there is none."""
        return 0.0, 0

    def live(self) -> tuple[str, str]:
        """(zh, en) why only short transactions will do, such as a replica that follows; empty when there is no reason."""
        return "", ""

    def one(self, sql: str) -> Any:
        """First cell of the first row."""
        row = self.run(sql).fetchone()
        return row[0] if row else None

    def begin(self) -> None:
        """Start a transaction where the driver does not do so itself."""

    def commit(self) -> None:
        try:
            self.cx.commit()
        except self.errors as e:
            raise self.failed(e) from None

    def rollback(self) -> None:
        try:
            self.cx.rollback()
        except self.errors:
            return  # the connection is gone, and the transaction with it

    # -- names and keys --------------------------------------------------------------------------------------

    def q(self, name: str) -> str:
        """A quoted identifier."""
        if "\0" in name:
            raise ErasureError("an identifier holds a NUL character", "rename it", where=self.name)
        return '"' + name.replace('"', '""') + '"'

    def t(self, table: str) -> str:
        """A quoted table name with its schema."""
        return self.q(table)

    def key(self, table: str) -> list[str]:
        """Column expressions that identify a row."""
        raise NotImplementedError

    def stable_key(self, table: str) -> bool:
        """Whether a row's key is the same after an update and in a fresh store."""
        return not self.swaps and "ctid" not in self.key(table)

    def key_of(self, table: str, alias: str) -> list[str]:
        """:meth:`key` with a table alias in front."""
        return [f"{alias}.{k}" for k in self.key(table)]

    def match(self, table: str, alias: str, work: str) -> str:
        """Join condition of a row with its line in a work table."""
        return " AND ".join(f"{work}.k{i} = {k}" for i, k in enumerate(self.key_of(table, alias)))

    def links(self) -> Iterator[tuple[str, ForeignKey]]:
        """(child table, foreign key), in a fixed order."""
        for name in sorted(self.tables):
            for key in self.tables[name].foreign_keys:
                if key.ref_table in self.tables:
                    yield name, key

    # -- values ----------------------------------------------------------------------------------------------

    def kind(self, table: str, column: str) -> str:
        """The engine's own name of a column's type."""
        raise NotImplementedError

    def date_expr(self, table: str, column: str, alias: str) -> str:
        """SQL that gives the ISO date of a cell, or NULL."""
        raise NotImplementedError

    def neutral(self, table: str, column: str) -> str | None:
        """SQL of what a suppressed cell gets: NULL, an empty typed value or a token; None when nothing fits."""
        owner = self.tables[table]
        info = owner.column(column)
        if info is None:
            return None
        if any(column in k.ref_columns and k.ref_table == table for _, k in self.links()):
            return None  # other rows point at this column
        unique = column in owner.primary_key or any(i.unique and column in i.columns for i in owner.indexes)
        if info.nullable and column not in owner.primary_key:
            return "NULL"
        textual = bool(re.match(r"(large_)?(string|binary)", info.type))
        if unique:
            return self.token(table, column) if textual else None
        if textual:
            return self.empty(table, column)
        if info.type.startswith(("date", "timestamp")):
            return "'1970-01-01'"
        if info.type.startswith("time"):
            return "'00:00:00'"
        if info.type.startswith("bool"):
            return "FALSE" if self.engine != "sqlite" else "0"
        return "0"

    def empty(self, table: str, column: str) -> str:
        """The empty value of a text column."""
        return "''"

    def token(self, table: str, column: str) -> str:
        """SQL of a random token, different in each row."""
        raise NotImplementedError

    # -- work tables -----------------------------------------------------------------------------------------

    def make_keys(self, work: str, table: str, where: str) -> int:
        """Write the keys of the rows of ``table`` (alias t) that meet ``where``; returns how many."""
        keys = self.key_of(table, "t")
        order = ", ".join(keys)
        columns = ", ".join(f"{k} AS k{i}" for i, k in enumerate(keys))
        self.drop(work)
        self.run(f"CREATE TABLE {self.t(work)} AS SELECT row_number() OVER (ORDER BY {order}) AS seq, {columns} "
                 f"FROM {self.t(table)} t WHERE {where}")
        self.index_keys(work, len(keys))
        return int(self.one(f"SELECT count(*) FROM {self.t(work)}"))

    def index_keys(self, work: str, width: int) -> None:
        """Make a work table quick to enter by position and by its ``width`` key columns."""
        self.run(f"CREATE UNIQUE INDEX {self.q(work + '_s')} ON {self.t(work)} (seq)")
        self.run(f"CREATE INDEX {self.q(work + '_k')} ON {self.t(work)} ({', '.join(f'k{i}' for i in range(width))})")

    def drop(self, work: str) -> None:
        self.run(f"DROP TABLE IF EXISTS {self.t(work)}")

    def make_journal(self) -> None:
        self.run(f"CREATE TABLE IF NOT EXISTS {self.t(JOURNAL)} (kind VARCHAR(16) NOT NULL, work VARCHAR(64) NOT NULL, "
                 f"done BIGINT NOT NULL, changed BIGINT NOT NULL, PRIMARY KEY (kind, work))")

    def journal(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(kind, work table) -> (last seq done, rows changed)."""
        if not self.has(JOURNAL):
            return {}
        rows = self.run(f"SELECT kind, work, done, changed FROM {self.t(JOURNAL)}").fetchall()
        return {(r[0], r[1]): (int(r[2]), int(r[3])) for r in rows}

    def has(self, table: str) -> bool:
        """Whether that table exists."""
        raise NotImplementedError

    def work_tables(self) -> list[str]:
        """Every work table there is."""
        raise NotImplementedError

    def delete_sql(self, table: str, work: str) -> str:
        """Deletes rows of one batch; two marks: seq above, seq up to."""
        keys = ", ".join(self.key(table))
        columns = ", ".join(f"k{i}" for i in range(len(self.key(table))))
        left = keys if len(self.key(table)) == 1 else f"({keys})"
        return (f"DELETE FROM {self.t(table)} WHERE {left} IN "
                f"(SELECT {columns} FROM {self.t(work)} WHERE seq > {self.mark} AND seq <= {self.mark})")

    def batch(self, kind: str, table: str, work: str, sql: str, done: int, upto: int) -> int:
        """Run one batch inside the caller's transaction; returns how many rows it changed."""
        return int(self.run(sql, self.bounds(table, done, upto)).rowcount)

    def bounds(self, table: str, done: int, upto: int) -> tuple[int, ...]:
        """What the marks of :meth:`delete_sql` and :meth:`update_sql` take."""
        return done, upto

    def update_sql(self, table: str, work: str, sets: str) -> str:
        """Updates rows of one batch; two marks."""
        keys = ", ".join(self.key(table))
        columns = ", ".join(f"k{i}" for i in range(len(self.key(table))))
        left = keys if len(self.key(table)) == 1 else f"({keys})"
        return (f"UPDATE {self.t(table)} SET {sets} WHERE {left} IN "
                f"(SELECT {columns} FROM {self.t(work)} WHERE seq > {self.mark} AND seq <= {self.mark})")

    def cannot_copy(self, table: str) -> tuple[str, str]:
        """(zh, en) what :meth:`copy_kept` could not carry over; empty when it can do this table."""
        return "该引擎不支持", "this engine has no such way"

    def copy_kept(self, table: str, lines: Sequence[Any], later: Collection[str] = ()) -> None:
        """Empty a table of everything but the rows in none of ``lines``' work tables, with the journal's lines.

        The table stays what it is: only its rows are copied out, all of them dropped with their bytes, and those that
        stay put back, under a lock, so a row that came in behind our back stays and the verifier counts it.

        Raises:
            CannotCopy: something of the table would not be as before; nothing was changed.
            StoreBusy: another client holds a lock; nothing was changed.
        """
        raise NotImplementedError

    def finish_copy(self) -> None:
        """Complete a :meth:`copy_kept` that was killed, where the engine cannot do it in one transaction."""

    def finish_links(self) -> None:
        """Validate links that a :meth:`copy_kept` left to a later one."""

    def size(self, table: str) -> int:
        """Bytes of a table with its indexes; 0 when unknown."""
        return 0

    def free(self) -> int:
        """Bytes free where the store lies."""
        place = self.where_files()
        return shutil.disk_usage(place).free if place else 1 << 62

    rewritten: frozenset[str] = frozenset()
    """tables whose bytes are new already, so the scrub need not write them again"""

    def rewrite(self, tables: Sequence[str]) -> None:
        """Write tables anew without what was deleted: the dearest step of the scrub, alone, to measure it."""
        raise NotImplementedError

    def swap(self, sel: Any, state: dict[str, Any], written: Callable[[], None]) -> dict[str, dict[str, int]]:
        """Copy what stays into a fresh store and put it in place; counts by disposal."""
        raise NotImplementedError

    def release(self) -> None:
        """Let another connection read the store, where an engine allows only one."""

    def batch_begin(self, table: str, cyclic: bool) -> None:
        """Called in each batch's transaction before its statement: triggers off, links off in cycles."""

    def triggers_pause(self, table: str) -> None:
        """Switch a table's own triggers off, in the transaction, until :meth:`batch_end`."""

    def batch_end(self, table: str, cyclic: bool) -> None:
        """Called in each batch's transaction after its statement: as it was."""

    def triggers_off(self, tables: Sequence[str], saved: dict[str, str]) -> dict[str, str]:
        """Take triggers away where that cannot be done inside a batch; name -> what makes them again."""
        return saved

    pending_triggers: Callable[[dict[str, str]], None] = staticmethod(lambda saved: None)
    """set by the job: writes definitions down before the first trigger is dropped"""

    def triggers_on(self, saved: dict[str, str]) -> None:
        """Put them back."""

    def update_extra(self, table: str) -> str:
        """Assignments added to every update so that nothing else in the row changes."""
        return ""

    def delete_cycle(self, lines: Sequence[Any]) -> None:
        """Delete rows of tables that point at each other, where the engine enforces links while we delete."""
        raise NotImplementedError

    @contextmanager
    def reader(self) -> Iterator[Callable[[str], Iterable[Sequence[Any]]]]:
        """The verifier's own read-only connection: SELECT text -> rows, in bounded memory."""
        raise NotImplementedError
        yield

    def schema_text(self) -> bytes:
        """What the schema itself says (defaults, checks, comments): words found there prove nothing."""
        return b""

    def sample(self, table: str, columns: Sequence[str], work: str, rows: int, limit: int) -> Iterator[list[Any]]:
        """Up to ``limit`` rows spread evenly over a work table."""
        names = ", ".join(self.read_expr(table, c) for c in columns)
        stride = max(1, rows // limit)
        yield from self.stream(f"SELECT {names} FROM {self.t(table)} t JOIN {self.t(work)} w "
                               f"ON {self.match(table, 't', 'w')} WHERE w.seq % {stride} = 0", 2_000)

    def ends(self, table: str, column: str, work: str) -> list[Any]:
        """Smallest and largest cell of a column among the rows of a work table."""
        cell = self.read_expr(table, column)
        try:
            return list(self.run(f"SELECT min({cell}), max({cell}) FROM {self.t(table)} t JOIN {self.t(work)} w "
                                 f"ON {self.match(table, 't', 'w')}").fetchone())
        except ErasureError:  # a type without an order
            self.rollback()
            return []

    def stream(self, sql: str, block: int) -> Iterator[list[Any]]:
        """Rows of a SELECT in blocks, in bounded memory."""
        cursor = self.run(sql)
        while rows := cursor.fetchmany(block):
            yield list(rows)

    def read_expr(self, table: str, column: str) -> str:
        """How a column (alias t) is read so that its cells equal those in the sealed backup."""
        return f"t.{self.q(column)}"

    def forms_for(self, table: str, column: str) -> Callable[[object], dict[str, bytes]]:
        """:meth:`forms` for the cells of one column."""
        return self.forms

    def rows(self, table: str, columns: Sequence[str], work: str, *, batch: int = 10_000) -> Iterator[list[Any]]:
        """Rows of ``table`` whose keys are in ``work``, in blocks of Python tuples."""
        names = ", ".join(self.read_expr(table, c) for c in columns)
        yield from self.stream(f"SELECT {names} FROM {self.t(table)} t JOIN {self.t(work)} w "
                               f"ON {self.match(table, 't', 'w')} ORDER BY w.seq", batch)

    def arrow(self, table: str, columns: Sequence[str], work: str) -> Iterator[pa.RecordBatch]:
        """:meth:`rows` as record batches typed as the catalogue says."""
        types = {c.name: c.type for c in self.tables[table].columns}
        for block in self.rows(table, columns, work):
            yield to_batch(block, columns, types)

    # -- engine's own ----------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Settings that must stand before the first deletion."""

    def preflight(self, touched: Sequence[str]) -> Iterator[Preflight]:
        """Engine-specific checks."""
        yield from ()

    def flush(self) -> None:
        """Bring everything to the files, so that a scan of bytes means something."""

    def scrub(self, touched: Sequence[str]) -> Iterator[ScrubResult]:
        """Carry out the recipe to zero residue; each step probes itself."""
        raise NotImplementedError

    def files(self) -> Iterator[tuple[str, Path]]:
        """(class, path) of every file of the store and of what lies beside it."""
        raise NotImplementedError

    def where_files(self) -> str:
        """Folder or file of the store, for its fingerprint; empty when it cannot be reached from here."""
        return ""

    def version(self) -> str:
        return ""

    def forget(self) -> None:
        """Clean up after a dry run where DDL cannot be rolled back."""

    def forms_kept(self, cell: object) -> list[bytes]:
        """A cell that stays, as bytes to look for needles in."""
        if isinstance(cell, bytes | bytearray | memoryview):
            return [bytes(cell)]
        return [str(cell).encode("utf-8", "replace")]

    def forms(self, cell: object) -> dict[str, bytes]:
        """Bytes that ``cell`` may take in this store's files, by encoding name."""
        return text_forms(cell)
