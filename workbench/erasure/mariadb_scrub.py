"""MARIADB, what stands before and after the deletion: the preflight, the recipe to zero residue, the files."""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import os
import re
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from workbench.erasure.model import Preflight, ScrubResult
from workbench.erasure.sqlstore import WORK, SqlStore
from workbench.errors import ErasureError

SCRUB = "innodb_immediate_scrub_data_uncompressed"
DOUBLEWRITE = 536_853_855
"""the number that says that a doublewrite buffer was made (TRX_SYS_DOUBLEWRITE_MAGIC_N)"""


class MariaScrub(SqlStore):
    """The half of a MariaStore that looks and cleans; the other half selects and deletes."""

    db = ""

    def trigger_rows(self, tables: Sequence[str]) -> list[tuple[str, str, str]]:
        rows = self.run("SELECT trigger_name, event_object_table, action_statement FROM information_schema.triggers "
                        "WHERE trigger_schema = %s AND event_manipulation IN ('DELETE', 'UPDATE')", (self.db,)).fetchall()
        return [(r[0], r[1], r[2]) for r in rows if r[1] in tables]

    # -- preflight -------------------------------------------------------------------------------------------

    def _variable(self, name: str) -> str:
        row = self.run("SHOW GLOBAL VARIABLES LIKE %s", (name,)).fetchone()
        return str(row[1]) if row else ""

    def prepare(self) -> None:
        """Freed pages are overwritten from now on; without the privilege, the store proof tells."""
        self.scrubs_pages = self._variable(SCRUB)
        if self.scrubs_pages == "OFF" and "scrub-pages" not in self.skip_steps:
            try:
                self.run(f"SET GLOBAL {SCRUB} = ON")
                self.scrubs_pages = "ON"
            except ErasureError:
                self.rollback()

    skip_steps: frozenset[str] = frozenset()
    """for tests only: steps left out, to show that the proof notices"""

    def live(self) -> tuple[str, str]:
        try:
            there = self.one("SELECT count(*) FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'")
        except ErasureError:
            there = 0
        return (f"{there} 个副本在跟随", f"{there} replicas follow") if there else ("", "")

    def preflight(self, touched: Sequence[str]) -> Iterator[Preflight]:
        def say(check: str, colour: str, thing: str, zh: str, en: str, todo: str = "") -> Preflight:
            return Preflight.model_validate({"source": self.name, "check": check, "colour": colour, "object": thing,
                                             "zh": zh, "en": en, "todo": todo})

        if self.scrubs_pages != "ON":
            yield say("scrub-pages", "yellow", SCRUB, "释放的页不会被清零", "freed pages are not overwritten", f"SET GLOBAL {SCRUB} = ON;")
        for table in touched:
            engine = self.run("SELECT engine FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
                              (self.db, table)).fetchone()
            if engine and engine[0] != "InnoDB":
                yield say("engine", "red", table, f"存储引擎 {engine[0]} 没有事务", f"the engine {engine[0]} has no transactions",
                          f"ALTER TABLE {self.t(table)} ENGINE = InnoDB;")
            self.key(table)
        for name, table, body in self.trigger_rows(touched):
            if re.search(r"\b(insert|replace|update)\b", body, re.I):
                yield say("trigger", "yellow", name, f"{table} 上的触发器会写到别处；执行期间停用",
                          f"trigger on {table} writes elsewhere; it is off while we work")
        try:
            dumps = self.run("SELECT id, host FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'").fetchall()
        except ErasureError:
            dumps = ()
        for number, _ in dumps:
            yield say("replica", "yellow", f"connection {number}", "有副本在读取二进制日志", "a replica reads the binary log",
                      "let it catch up, then erase its copies")
        for name in ("general_log", "slow_query_log"):
            if self._variable(name) == "ON":
                yield say("log", "yellow", name, "日志可能记下数据", "this log may hold data", f"SET GLOBAL {name} = OFF;")
        data = self._data()
        if data is None:
            yield say("bytes", "yellow", "datadir", "读不到数据目录，只能证明到逻辑级",
                      "the data directory cannot be read from here; proof stays at the logical level", "run on the server")

    # -- scrub -----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Dirty pages go to the files: without this a scan of the table's file sees too little."""
        self.commit()
        tables = ", ".join(self.t(t) for t in sorted(self.tables))
        if not tables:
            return
        try:
            self.run(f"FLUSH TABLES {tables} FOR EXPORT")
            self.run("UNLOCK TABLES")
        except ErasureError:
            self.rollback()
        self.commit()

    def _step(self, step: str, commands: Sequence[str], probe: Callable[[], bool] = lambda: True) -> ScrubResult:
        told = "; ".join(commands)
        try:
            for command in commands:
                self.run(command).fetchall()
            self.commit()
            done = probe()
        except ErasureError as e:
            self.rollback()
            return ScrubResult(source=self.name, step=step, done=False, task="1227" in e.what or "1045" in e.what,
                               command=told, note=e.what)
        return ScrubResult(source=self.name, step=step, done=done, command=told)

    def rewrite(self, tables: Sequence[str]) -> None:
        for table in tables:
            self.run(f"OPTIMIZE TABLE {self.t(table)}").fetchall()

    def scrub(self, touched: Sequence[str]) -> Iterator[ScrubResult]:
        skip = self.skip_steps
        yield ScrubResult(source=self.name, step="scrub-pages", done=self.scrubs_pages == "ON",
                          command=f"SET GLOBAL {SCRUB} = ON")
        if "undo" not in skip:
            yield self._undo()
        old = [t for t in touched if t not in self.rewritten]
        if old and "optimize" not in skip:
            yield self._step("optimize", [f"OPTIMIZE TABLE {self.t(t)}" for t in old])
        if "statistics" not in skip and self._has_statistics():
            names = ", ".join("'" + t.replace("'", "''") + "'" for t in touched)
            yield self._step("statistics", [
                # a column that is empty now would keep its old minimum and maximum
                f"DELETE FROM mysql.column_stats WHERE db_name = '{self.db}' AND table_name IN ({names})",
                *(f"ANALYZE TABLE {self.t(t)} PERSISTENT FOR ALL" for t in touched),
                "OPTIMIZE TABLE mysql.column_stats, mysql.index_stats, mysql.table_stats"])
        if "binlog" not in skip and self._variable("log_bin") == "ON":
            yield self._binlog()
        if "redo" not in skip:
            yield self._redo()
        if "doublewrite" not in skip:
            yield self._doublewrite()
        for path in self._logs():
            yield ScrubResult(source=self.name, step="log", done=False, task=True, command=f"truncate -s 0 {path}",
                              note="only if the byte scan names this file")
        yield ScrubResult(source=self.name, step="volume", done=False, task=True,
                          command=f"fstrim -v {self._data() or 'DATADIR'}",
                          note="freed blocks of the volume; or destroy the key of an encrypted volume")

    def _purge(self) -> str:
        """Wait until no old version of a row is left; why it did not come to that, or nothing."""
        try:
            self.commit()
            self.run("SET GLOBAL innodb_max_purge_lag_wait = 0")
        except ErasureError:
            self.rollback()
        length = -1
        for _ in range(120):
            self.commit()
            row = self.run("SELECT count FROM information_schema.innodb_metrics WHERE name = 'trx_rseg_history_len'").fetchone()
            length = int(row[0]) if row else -1
            if length <= 0:
                break
            time.sleep(0.25)
        self.commit()
        return "" if length <= 0 else f"{length} old versions are held by an open transaction"

    def _undo(self) -> ScrubResult:
        """Small transactions leave their undo page cached, unscrubbed. Larger ones make the server give the pages back."""
        work, command = f"{WORK}undo", "300 transactions with more than one undo page each; SET GLOBAL innodb_max_purge_lag_wait = 0"
        self.run(f"CREATE TABLE IF NOT EXISTS {self.t(work)} (id INT PRIMARY KEY, a VARBINARY(7000)) ENGINE=InnoDB")
        self.run(f"REPLACE INTO {self.t(work)} VALUES (1, REPEAT('w', 7000))")
        self.commit()
        for n in range(300):
            self.begin()
            for letter in "xyz":
                self.run(f"UPDATE {self.t(work)} SET a = REPEAT('{letter}', {6900 + n % 90})")
            self.commit()
        held = self._purge()
        self.drop(work)
        return ScrubResult(source=self.name, step="undo", done=not held, command=command, note=held)

    def _doublewrite(self) -> ScrubResult:
        """Pages written lately lie a second time in the doublewrite buffer, until as many newer ones took their places.

        Small flushes take its first places only, so that pages of a large one, values included, can stay behind
        them for ever. Written last, as each step before writes pages of its own.
        """
        work = f"{WORK}pages"
        command = f"FLUSH TABLES {work} FOR EXPORT, a work table of more pages than the doublewrite buffer has places"
        start, old, size = self._lsn(), -1, int(self._variable("innodb_page_size") or 16_384)
        width = min(7000, size * 2 // 5)  # a longer one would lie on pages of its own
        rows = 3 * 2 * _extent(size) * (size // width)
        try:
            self.drop(work)
            self.run(f"CREATE TABLE {self.t(work)} (id INT PRIMARY KEY, n INT NOT NULL, a VARBINARY({width})) ENGINE=InnoDB")
            self.run(f"INSERT INTO {self.t(work)} WITH RECURSIVE s (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i < 63) "
                     f"SELECT a.i * 64 + b.i, 0, REPEAT('w', {width}) FROM s a JOIN s b WHERE a.i * 64 + b.i < {rows}")
            for _ in range(6):  # the first time the pages are new, and such are written once only
                self.run(f"UPDATE {self.t(work)} SET n = n + 1")
                self.commit()
                self.run(f"FLUSH TABLES {self.t(work)} FOR EXPORT")
                self.run("UNLOCK TABLES")
                self.commit()
                old = self._written_before(start)
                if old == 0:
                    break
            self.drop(work)
        except ErasureError as e:
            self.rollback()
            with suppress(ErasureError):
                self.drop(work)
            return ScrubResult(source=self.name, step="doublewrite", done=False, task=True, command=command, note=e.what)
        note = "" if old == 0 else "not looked at: no access to ibdata1" if old < 0 else f"{old} of its pages are older"
        if off := old > 0 and self._variable("innodb_doublewrite") == "OFF":
            command = "restart the server with innodb_doublewrite=ON; workbench erase again; OFF as before"
        return ScrubResult(source=self.name, step="doublewrite", done=old <= 0, task=off, command=command, note=note)

    def _lsn(self) -> int:
        """The log sequence number now, which each page written later exceeds; -1 where the server does not say."""
        row = self.run("SHOW GLOBAL STATUS LIKE 'Innodb_lsn_current'").fetchone()
        return int(row[1]) if row else -1

    def _written_before(self, lsn: int) -> int:
        """Places of the doublewrite buffer whose page is older than ``lsn``; -1 where that cannot be seen from here."""
        data, size = self._data(), int(self._variable("innodb_page_size") or 0)
        if data is None or not size or lsn < 0:
            return -1
        with (data / "ibdata1").open("rb") as f:
            f.seek(5 * size + size - 200 + 10)  # page 5, the transaction system's, ends with the places (trx0sys.h)
            magic, *blocks = struct.unpack(">3I", f.read(12))
            if magic != DOUBLEWRITE:
                return -1
            old = 0
            for first in blocks:
                f.seek(first * size)
                pages = f.read(_extent(size) * size)
                for at in range(0, len(pages), size):
                    written = int.from_bytes(pages[at + 16:at + 24], "big")
                    old += 0 < written < lsn
        return old

    def _has_statistics(self) -> bool:
        try:
            return bool(self.run("SELECT 1 FROM mysql.column_stats WHERE db_name = %s LIMIT 1", (self.db,)).fetchone())
        except ErasureError:
            self.rollback()
            return False

    def _binlog(self) -> ScrubResult:
        command = "FLUSH BINARY LOGS; PURGE BINARY LOGS TO newest"
        try:
            self.run("FLUSH BINARY LOGS")
            newest = self.run("SHOW BINARY LOGS").fetchall()[-1][0]
            for _ in range(60):  # a file stays until InnoDB has synced every commit in it (binlog checkpoint)
                self.run("FLUSH ENGINE LOGS")
                self.run("PURGE BINARY LOGS TO %s", (newest,))
                left = len(self.run("SHOW BINARY LOGS").fetchall())
                if left == 1:
                    break
                time.sleep(0.25)
        except ErasureError as e:
            return ScrubResult(source=self.name, step="binlog", done=False, task=True, command=command, note=e.what)
        return ScrubResult(source=self.name, step="binlog", done=left == 1, command=command,
                           note="" if left == 1 else "a replica still reads older files")

    def _redo(self) -> ScrubResult:
        """Resizing makes a new redo log; twice brings the old size back."""
        size = int(self._variable("innodb_log_file_size") or 0)
        command = "SET GLOBAL innodb_log_file_size = other; and back"
        other = size * 2  # never below innodb_log_buffer_size
        try:
            for wanted in (other, size):
                self.run(f"SET GLOBAL innodb_log_file_size = {wanted}")
                for _ in range(200):
                    if int(self._variable("innodb_log_file_size")) == wanted and not self._resizing():
                        break
                    time.sleep(0.1)
                self.commit()
        except ErasureError as e:
            self.rollback()
            return ScrubResult(source=self.name, step="redo", done=False, task=True, command=command, note=e.what)
        return ScrubResult(source=self.name, step="redo", done=int(self._variable("innodb_log_file_size")) == size,
                           command=command)

    def _resizing(self) -> bool:
        data = self._data()
        return data is not None and (data / "ib_logfile101").exists()

    # -- files -----------------------------------------------------------------------------------------------

    def _data(self) -> Path | None:
        path = Path(self._variable("datadir") or "/nowhere")
        return path if os.access(path, os.R_OK | os.X_OK) and (path / "ibdata1").exists() else None

    def _logs(self) -> list[Path]:
        data, out = self._data(), []
        if data is not None:
            for name in ("general_log_file", "slow_query_log_file", "log_error"):
                text = self._variable(name)
                path = data / text if text else data
                if text and path.is_file():
                    out.append(path)
        return out

    def files(self) -> Iterator[tuple[str, Path]]:
        data = self._data()
        if data is None:
            return
        logs = set(self._logs())
        base = Path(self._variable("log_bin_basename") or "/nowhere/none")
        binlogs = set(base.parent.glob(base.name + ".*")) if base.parent.is_dir() else set()
        everything = {p for p in data.rglob("*") if p.is_file()} | logs | binlogs
        for path in sorted(everything):
            top = path.relative_to(data).parts if path.is_relative_to(data) else ("",)
            if path in binlogs:
                yield "binlog", path
            elif path in logs:
                yield "log", path
            elif top[0].startswith("ib_logfile"):
                yield "redo", path
            elif top[0].startswith(("ibdata", "undo")):
                yield "undo", path
            elif top[0].startswith(("ibtmp", "#")):
                yield "temporary", path
            elif len(top) > 1 and top[0] == self._folder():
                yield "table", path
            elif len(top) > 1 and top[0] in ("mysql", "performance_schema", "sys"):
                yield "system", path
            elif len(top) > 1 and path.suffix in (".ibd", ".frm", ".MYD", ".MYI", ".MAD", ".MAI", ".opt"):
                yield "other-database", path
            elif top[0].startswith(("aria_log", "ib_buffer_pool", "multi-master", "mysql_upgrade", "mariadb_upgrade",
                                    "debian-", "tc.log")) or path.suffix == ".pid":
                yield "server", path
            else:
                yield "unknown", path

    def _folder(self, name: str = "") -> str:
        """A name (without one: the database's) as the server writes it for a folder or file."""
        return "".join(c if c.isascii() and (c.isalnum() or c == "_") else f"@{ord(c):04x}" for c in name or self.db)

    def where_files(self) -> str:
        return str(self._data() or "")


def _extent(size: int) -> int:
    """Pages of ``size`` bytes in an extent of InnoDB: the doublewrite buffer is two of them."""
    return max((1 << 20) // size, 64)
