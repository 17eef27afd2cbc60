"""SQLITE: one file. Recipe: delete, rebuild full-text shadows, VACUUM, truncate the WAL, drop a persistent journal.

secure_delete makes no difference to the file once VACUUM is through (tested in all three modes); it is ON so that rows
are gone before the scrub, and so that pages which VACUUM gives back to the volume are empty.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.erasure.dates import read_date
from workbench.erasure.model import Preflight, ScrubResult
from workbench.erasure.sqlite_copy import SqliteCopy
from workbench.erasure.sqlstore import WORK
from workbench.errors import ErasureError

_COPIES = re.compile(r"\b(insert|replace|update)\b", re.I)
CACHE = 64 << 10
"""KiB; with SQLite's own 2 MB an index whose order is not the table's is read and written over and over while rows go"""


class SqliteStore(SqliteCopy):
    """Foreign keys are not enforced while we delete: the selection proved beforehand that no row that stays points at
    a row that goes, and the verifier counts orphans afterwards. So no cascade can delete what the plan keeps, and an
    unindexed child key costs nothing."""

    engine = "sqlite"
    enforce = False
    prefers_in = True
    errors = (sqlite3.Error,)
    skip_steps: frozenset[str] = frozenset()
    """for tests only: steps left out, to show that the proof notices"""
    _held: list[tuple[str, str]]

    def connect(self) -> None:
        from workbench.sources.credentials import database_url

        self.path = Path(str(database_url(self.spec, self.base).database))
        try:
            self.cx = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=rw", uri=True, timeout=3,
                                      isolation_level=None)
        except sqlite3.Error as e:
            raise self.failed(e) from None
        self.cx.create_function("wb_date", 1, read_date, deterministic=True)
        self.run("PRAGMA foreign_keys=OFF")
        self.run(f"PRAGMA cache_size=-{CACHE}")
        self.indexed = bool(self.fts())
        self.derived = frozenset(self._derived())
        self.run(f"PRAGMA secure_delete={self.secure}")
        if self.secure == "ON" and self.one("PRAGMA secure_delete") != 1:
            raise ErasureError("this SQLite cannot switch secure_delete on", "use another build of SQLite")

    def is_busy(self, e: BaseException) -> bool:
        return getattr(e, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

    def begin(self) -> None:
        self.run("BEGIN IMMEDIATE")

    def commit(self) -> None:
        if self.cx.in_transaction:
            self.run("COMMIT")

    def rollback(self) -> None:
        if self.cx.in_transaction:
            self.run("ROLLBACK")

    def key(self, table: str) -> list[str]:
        sql = str(self.one(f"SELECT sql FROM sqlite_master WHERE type='table' AND name={self.text(table)}") or "")
        without = self.one(f"SELECT wr FROM pragma_table_list({self.text(table)}) WHERE schema = 'main'") \
            if sqlite3.sqlite_version_info >= (3, 37) else re.search(r"without\s+rowid", sql.rsplit(")", 1)[-1], re.I)
        if without:
            return [self.q(c) for c in self.tables[table].primary_key]
        taken = {c.name.lower() for c in self.tables[table].columns}
        return [next(n for n in ("rowid", "_rowid_", "oid") if n not in taken)]

    def date_expr(self, table: str, column: str, alias: str) -> str:
        return f"wb_date({alias}.{self.q(column)})"

    def token(self, table: str, column: str) -> str:
        return "'wb-' || lower(hex(randomblob(8)))"

    def has(self, table: str) -> bool:
        return bool(self.one(f"SELECT 1 FROM sqlite_master WHERE name={self.text(table)}"))

    def work_tables(self) -> list[str]:
        like = f"name LIKE '{WORK.replace('_', chr(92) + '_')}%' ESCAPE '{chr(92)}'"
        return [r[0] for r in self.run(f"SELECT name FROM sqlite_master WHERE type='table' AND {like}").fetchall()]

    def version(self) -> str:
        return sqlite3.sqlite_version

    @contextmanager
    def reader(self) -> Iterator[Callable[[str], Iterable[Sequence[Any]]]]:
        cx = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
        try:
            yield cx.execute
        finally:
            cx.close()

    def schema_text(self) -> bytes:
        rows = self.run("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        return "\n".join(r[0] for r in rows).encode()

    # -- triggers ------------------------------------------------------------------------------------------

    def _derived(self) -> Iterator[str]:
        """Shadow tables of full-text indexes, and indexes that take their text from another table."""
        for name, sql in self.virtual().items():
            if re.search(r"using\s+fts[345]", sql, re.I):
                yield from (name + s for s in ("_data", "_idx", "_docsize", "_config", "_segments", "_segdir", "_stat"))
                if re.search(r"\bcontent\s*=", sql, re.I):
                    yield from (name, name + "_content")

    def triggers(self) -> Iterator[tuple[str, str, bool]]:
        """(trigger, table, whether it writes copies elsewhere); triggers that feed a full-text index are not copies."""
        fts = {n.lower() for n in self.fts()}
        for name, table, sql in self.run("SELECT name, tbl_name, sql FROM sqlite_master WHERE type='trigger'").fetchall():
            body = re.split(r"\bbegin\b", sql, maxsplit=1, flags=re.I)[-1]
            targets = {m[1].lower() for m in re.finditer(r"(?:insert\s+(?:or\s+\w+\s+)?into|replace\s+into|update)\s+"
                                                         r"[\"`\[]?(\w+)", body, re.I)}
            fires = re.search(r"\b(delete|update)\b", re.split(r"\bbegin\b", sql, maxsplit=1, flags=re.I)[0], re.I)
            yield name, table, bool(fires and _COPIES.search(body) and targets - fts - {table.lower()})

    def batch_begin(self, table: str, cyclic: bool) -> None:
        """Triggers of the table, but for those that feed a full-text index, are gone inside this transaction."""
        fts = "|".join(re.escape(n) for n in self.fts()) or "(?!)"
        rows = self.run("SELECT name, sql FROM sqlite_master WHERE type='trigger' AND tbl_name=?", (table,)).fetchall()
        self._held = [(n, sql) for n, sql in rows if not re.search(rf"into\s+[\"`\[]?({fts})\b", sql, re.I)]
        for name, _ in self._held:
            self.run(f"DROP TRIGGER {self.q(name)}")

    def batch_end(self, table: str, cyclic: bool) -> None:
        for _, sql in self._held:
            self.run(sql)

    def preflight(self, touched: Sequence[str]) -> Iterator[Preflight]:
        yield Preflight(source=self.name, check="secure_delete", colour="green", object=self.path.name,
                        zh="secure_delete 已打开并读回", en="secure_delete is ON and was read back")
        for name, table, copies in self.triggers():
            if table in touched and copies:
                yield Preflight(source=self.name, check="trigger", colour="yellow", object=name,
                                zh=f"触发器 {name} 在删除或更新时把数据写到别处；执行期间停用",
                                en=f"trigger {name} writes data elsewhere when rows are deleted or updated; it is off "
                                   "while we work",
                                todo=f"see what {name} has already copied")
        for kind, path in self.files():
            if kind == "beside":
                yield Preflight(source=self.name, check="copy", colour="yellow", object=path.name,
                                zh=f"数据库旁有文件 {path.name}，可能是备份", todo="remove it if it is a copy",
                                en=f"{path.name} lies beside the database and may be a backup")
        ok, other = self._alone()
        yield Preflight(source=self.name, check="locks", colour="green" if ok else "red", object=self.path.name,
                        zh="没有其他连接占用数据库" if ok else "另一个程序正在使用数据库", en=other,
                        todo="" if ok else "end the other program")

    def _alone(self) -> tuple[bool, str]:
        try:
            self.cx.execute("BEGIN EXCLUSIVE")
            self.cx.execute("ROLLBACK")
            return True, "no other connection holds the database"
        except sqlite3.Error:
            return False, "another program holds the database"

    # -- bytes -----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        self.commit()
        self.run("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def rewrite(self, tables: Sequence[str]) -> None:
        self.run("VACUUM")
        self.run("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def scrub(self, touched: Sequence[str]) -> Iterator[ScrubResult]:
        mode, skip = str(self.one("PRAGMA journal_mode")), self.skip_steps
        for name in self.fts() if "fts-rebuild" not in skip else ():
            yield self._step("fts-rebuild", f"INSERT INTO {self.q(name)}({self.q(name)}) VALUES('rebuild')",
                             lambda n=name: self.cx.execute(
                                 f"INSERT INTO {self.q(n)}({self.q(n)}) VALUES('integrity-check')") is not None)
        if self.has("sqlite_stat4") and "statistics" not in skip:
            yield self._step("statistics", "DELETE FROM sqlite_stat4",
                             lambda: self.one("SELECT count(*) FROM sqlite_stat4") == 0)
        if "vacuum" not in skip:
            yield self._step("vacuum", "VACUUM", lambda: self.one("PRAGMA freelist_count") == 0)
        if mode == "wal" and "wal" not in skip:
            yield self._checkpoint()
        if mode == "persist" and "journal" not in skip:
            yield self._step("journal", "PRAGMA journal_mode=DELETE", lambda: not self._side("-journal").exists())
            self.run(f"PRAGMA journal_mode={mode}").fetchall()
        yield ScrubResult(source=self.name, step="volume", done=False, task=True,
                          command=f"fstrim -v {self.path.resolve().parent}",
                          note="freed blocks of the volume; or destroy the key of an encrypted volume")

    def _checkpoint(self) -> ScrubResult:
        busy = self.run("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        wal = self._side("-wal")
        done = busy == 0 and (not wal.exists() or wal.stat().st_size == 0)
        return ScrubResult(source=self.name, step="wal", done=done, command="PRAGMA wal_checkpoint(TRUNCATE)",
                           note="" if done else "another connection keeps the WAL busy")

    def _step(self, step: str, command: str, probe: object) -> ScrubResult:
        assert callable(probe)
        try:
            self.cx.execute(command).fetchall()
            done = bool(probe())
        except sqlite3.Error as e:
            return ScrubResult(source=self.name, step=step, done=False, command=command, note=type(e).__name__)
        return ScrubResult(source=self.name, step=step, done=done, command=command)

    def _side(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def files(self) -> Iterator[tuple[str, Path]]:
        sides = {"-wal": "wal", "-shm": "shm", "-journal": "journal"}
        yield "database", self.path
        for suffix, kind in sides.items():
            if self._side(suffix).exists():
                yield kind, self._side(suffix)
        known = {self.path.name, *(self.path.name + s for s in sides)}
        for path in sorted(self.path.parent.iterdir()):
            if path.name not in known and path.name.startswith(self.path.stem) and path.is_file():
                yield "beside", path

    def where_files(self) -> str:
        return str(self.path.resolve())

    def forms(self, cell: object) -> dict[str, bytes]:
        if isinstance(cell, int) and not isinstance(cell, bool):
            # SQLite stores integers big-endian in 1, 2, 3, 4, 6 or 8 bytes; below 6 bytes chance hits are likely
            if abs(cell) >= 1 << 31:
                size = 6 if -(1 << 47) <= cell < 1 << 47 else 8
                return {"utf-8": str(cell).encode(), "integer": cell.to_bytes(size, "big", signed=True)}
            return {}
        out = super().forms(cell)
        if self.indexed and isinstance(cell, str) and len(word := max(_tokens(cell[:64]), key=len, default=b"")) >= 6:
            out["fts"] = word
        return out

    def forms_kept(self, cell: object) -> list[bytes]:
        out = super().forms_kept(cell)
        return [*out, b" ".join(_tokens(str(cell)))] if self.indexed and isinstance(cell, str) else out


def _tokens(text: str) -> list[bytes]:
    """Words as a full-text index keeps them: lower case, without accents (SQLite's unicode61)."""
    plain = "".join(unicodedata.normalize("NFD", c)[0] if ord(c) < 0x250 else c for c in text.lower())
    return [w.encode("utf-8", "ignore") for w in re.findall(r"[^\W_]+", plain)]
