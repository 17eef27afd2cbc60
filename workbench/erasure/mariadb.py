"""MARIADB. Recipe: scrub freed pages from before the deletion on, wait for purge, OPTIMIZE, renew statistics, binary
log and redo log.

Links stay enforced except in cycles and self-references, where InnoDB checks row by row; the selection is closed and
the verifier counts orphans afterwards.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.erasure.dates import read_date
from workbench.erasure.model import Preflight, ScrubResult
from workbench.erasure.sqlstore import WORK, SqlStore, text_forms
from workbench.errors import ErasureError

_TEXT = ("varchar", "char", "text", "tinytext", "mediumtext", "longtext")
_BINARY = ("binary", "varbinary", "blob", "tinyblob", "mediumblob", "longblob")
_NATIVE = (*_TEXT, *_BINARY, "bigint", "int", "smallint", "tinyint", "mediumint", "double", "float")
_CODECS = {"latin1": "cp1252", "gbk": "gbk", "gb2312": "gb2312", "big5": "big5", "ucs2": "utf-16-be",
           "utf16": "utf-16-be", "utf16le": "utf-16-le", "utf32": "utf-32-be"}
SCRUB = "innodb_immediate_scrub_data_uncompressed"


class MariaStore(SqlStore):
    """One database of a MariaDB server."""

    engine = "mariadb"
    mark = "%s"

    def connect(self) -> None:
        import pymysql

        from workbench.sources.credentials import database_url

        self.errors = (pymysql.MySQLError,)
        url = database_url(self.spec, self.base)
        self.db = self.spec.schema_ or url.database or ""
        self._how: dict[str, Any] = {"host": url.host or "127.0.0.1", "port": url.port or 3306, "user": url.username or "",
                     "password": url.password or "", "database": self.db, "charset": "utf8mb4"}
        try:
            self.cx = pymysql.connect(**self._how, autocommit=False)
        except pymysql.MySQLError as e:
            raise self.failed(e) from None
        self.run("SET SESSION innodb_lock_wait_timeout = 10")
        self._columns = {(r[0], r[1]): (r[2], r[3] or 0, r[4] or "", r[5] or "", r[6]) for r in self.run(
            "SELECT table_name, column_name, data_type, character_maximum_length, character_set_name, extra, column_type "
            "FROM information_schema.columns WHERE table_schema = %s", (self.db,)).fetchall()}
        self._maps: dict[tuple[str, str], str] = {}
        self.cx.commit()

    def q(self, name: str) -> str:
        if "\0" in name:
            raise ErasureError("an identifier holds a NUL character", "rename it", where=self.name)
        return "`" + name.replace("`", "``") + "`"

    def t(self, table: str) -> str:
        return f"{self.q(self.db)}.{self.q(table)}"

    def begin(self) -> None:
        self.run("START TRANSACTION")

    def kind(self, table: str, column: str) -> str:
        """MariaDB's name of a column's type."""
        return str(self._columns.get((table, column), ("",))[0]).lower()

    def key(self, table: str) -> list[str]:
        owner = self.tables[table]
        if owner.primary_key:
            return [self.q(c) for c in owner.primary_key]
        for index in owner.indexes:
            if index.unique and all((c := owner.column(n)) and not c.nullable for n in index.columns):
                return [self.q(n) for n in index.columns]
        raise ErasureError(f"{table} has no primary key and no unique one without nulls, so no row of it can be named",
                           f"ALTER TABLE {self.t(table)} ADD COLUMN wb_row BIGINT AUTO_INCREMENT PRIMARY KEY;",
                           where=self.name)

    def delete_sql(self, table: str, work: str) -> str:
        return (f"DELETE t FROM {self.t(table)} t JOIN {self.t(work)} w ON {self.match(table, 't', 'w')} "
                f"WHERE w.seq > %s AND w.seq <= %s")

    def update_sql(self, table: str, work: str, sets: str) -> str:
        return (f"UPDATE {self.t(table)} t JOIN {self.t(work)} w ON {self.match(table, 't', 'w')} SET {sets} "
                f"WHERE w.seq > %s AND w.seq <= %s")

    def update_extra(self, table: str) -> str:
        """Columns with ON UPDATE CURRENT_TIMESTAMP keep their value: the rows that stay must stay the same."""
        names = [c for (t, c), x in self._columns.items() if t == table and "on update" in x[3].lower()]
        return "".join(f", {self.q(c)} = {self.q(c)}" for c in names)

    def batch_begin(self, table: str, cyclic: bool) -> None:
        if cyclic:
            self.run("SET SESSION foreign_key_checks = 0")

    def batch_end(self, table: str, cyclic: bool) -> None:
        if cyclic:
            self.run("SET SESSION foreign_key_checks = 1")

    def rollback(self) -> None:
        super().rollback()
        if self.cx.open:
            self.run("SET SESSION foreign_key_checks = 1")

    def _trigger_rows(self, tables: Sequence[str]) -> list[tuple[str, str, str]]:
        rows = self.run("SELECT trigger_name, event_object_table, action_statement FROM information_schema.triggers "
                        "WHERE trigger_schema = %s AND event_manipulation IN ('DELETE', 'UPDATE')", (self.db,)).fetchall()
        return [(r[0], r[1], r[2]) for r in rows if r[1] in tables]

    def triggers_off(self, tables: Sequence[str], saved: dict[str, str]) -> dict[str, str]:
        """Triggers cannot be disabled here: they are dropped and made again from their own definition."""
        out = dict(saved)
        rows = self._trigger_rows(tables)
        for name, _, _ in rows:
            out[name] = str(self.run(f"SHOW CREATE TRIGGER {self.t(name)}").fetchone()[2])
        self.pending_triggers(out)
        for name, _, _ in rows:
            self.run(f"DROP TRIGGER {self.t(name)}")
        return out

    def triggers_on(self, saved: dict[str, str]) -> None:
        there = {r[0] for r in self.run("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s",
                                        (self.db,)).fetchall()}
        for name, sql in saved.items():
            if name not in there:
                self.run(f"USE {self.q(self.db)}")
                self.run(sql)

    # -- values ----------------------------------------------------------------------------------------------

    def date_expr(self, table: str, column: str, alias: str) -> str:
        cell = f"{alias}.{self.q(column)}"
        if self.kind(table, column) in ("date", "datetime", "timestamp"):
            return f"NULLIF(DATE_FORMAT({cell}, '%Y-%m-%d'), '0000-00-00')"
        return f"(SELECT m.d FROM {self._date_map(table, column)} m WHERE m.v = BINARY CAST({cell} AS CHAR))"

    def _date_map(self, table: str, column: str) -> str:
        if (table, column) not in self._maps:
            work = f"{WORK}d{len(self._maps)}"
            self.drop(work)
            self.run(f"CREATE TABLE {self.t(work)} (v VARBINARY(190) PRIMARY KEY, d CHAR(10) CHARACTER SET ascii)")
            rows = self.run(f"SELECT DISTINCT CAST({self.q(column)} AS CHAR) FROM {self.t(table)} "
                            f"WHERE {self.q(column)} IS NOT NULL").fetchall()
            pairs = {str(r[0])[:180]: read_date(r[0]) for r in rows}
            with self.cx.cursor() as cursor:
                cursor.executemany(f"INSERT IGNORE INTO {self.t(work)} VALUES (%s, %s)",
                                   [(k.encode(), v) for k, v in pairs.items() if v])
            self._maps[(table, column)] = self.t(work)
        return self._maps[(table, column)]

    def forget(self) -> None:
        for work in self.work_tables():
            self.drop(work)
        self._maps = {}

    def read_expr(self, table: str, column: str) -> str:
        cell = f"t.{self.q(column)}"
        return cell if self.kind(table, column) in _NATIVE else f"CAST({cell} AS CHAR)"

    def neutral(self, table: str, column: str) -> str | None:
        found = super().neutral(table, column)
        if found in (None, "NULL"):
            return found
        kind, _, _, _, full = self._columns[(table, column)]
        kind = kind.lower()
        owner = self.tables[table]
        if column in owner.primary_key or any(i.unique and column in i.columns for i in owner.indexes):
            return self.token(table, column) if kind in _TEXT else None
        if kind in (*_TEXT, *_BINARY):
            return "''"
        if kind == "enum":
            label = re.match(r"enum\(('(?:[^']|'')*')", full, re.I)
            return label[1] if label else None
        return {"date": "'1970-01-01'", "datetime": "'1970-01-01'", "timestamp": "'1970-01-02'", "time": "'00:00:00'",
                "year": "1970", "json": "'{}'", "set": "''", "bit": "b'0'"}.get(kind, "0")

    def token(self, table: str, column: str) -> str:
        size = int(self._columns[(table, column)][1]) or 255
        return f"LEFT(CONCAT('wb-', REPLACE(UUID(), '-', '')), {size})" if size >= 20 else f"LEFT(MD5(RAND()), {size})"

    def has(self, table: str) -> bool:
        return bool(self.run("SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
                             (self.db, table)).fetchone())

    def work_tables(self) -> list[str]:
        rows = self.run("SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_name LIKE %s",
                        (self.db, WORK.replace("_", r"\_") + "%")).fetchall()
        return [r[0] for r in rows]

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

    @contextmanager
    def reader(self) -> Iterator[Callable[[str], Iterable[Sequence[Any]]]]:
        import pymysql
        from pymysql.cursors import SSCursor

        cx = pymysql.connect(**self._how, autocommit=False)
        try:
            def read(sql: str) -> Iterator[Sequence[Any]]:
                with cx.cursor(SSCursor) as cursor:
                    cursor.execute(sql)
                    yield from iter(cursor.fetchone, None)

            yield read
        except pymysql.MySQLError as e:
            raise self.failed(e) from None
        finally:
            cx.close()

    def schema_text(self) -> bytes:
        rows = self.run("SELECT CONCAT_WS(' ', column_type, column_default, column_comment) FROM "
                        "information_schema.columns").fetchall()
        text = [str(r[0]) for r in rows]
        for sql in ("SELECT CONCAT_WS(' ', name, description, example) FROM mysql.help_topic",
                    "SELECT name FROM mysql.help_keyword", "SELECT name FROM mysql.time_zone_name"):
            try:  # what the server ships with is nobody's data
                text += [str(r[0]) for r in self.run(sql).fetchall()]
            except ErasureError:
                self.rollback()
        return "\n".join(text).encode()

    def forms_for(self, table: str, column: str) -> Callable[[object], dict[str, bytes]]:
        kind = self.kind(table, column)
        charset = str(self._columns.get((table, column), ("", 0, ""))[2])
        if kind in _TEXT:
            def text(cell: object) -> dict[str, bytes]:
                out = text_forms(cell)
                if out and isinstance(cell, str) and charset in _CODECS:
                    out[charset] = cell[:64].encode(_CODECS[charset], "ignore")
                return out
            return text
        if kind in _BINARY or kind == "json":
            return text_forms
        if kind == "bigint":
            return lambda c: {"utf-8": str(c).encode(), "int8": (c + (1 << 63)).to_bytes(8, "big")} \
                if isinstance(c, int) and 1 << 31 <= abs(c) < 1 << 63 else {}
        return lambda c: {}

    def version(self) -> str:
        return str(self.one("SELECT version()")).split("-")[0]

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
        for name, table, body in self._trigger_rows(touched):
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

    def scrub(self, touched: Sequence[str]) -> Iterator[ScrubResult]:
        skip = self.skip_steps
        yield ScrubResult(source=self.name, step="scrub-pages", done=self.scrubs_pages == "ON",
                          command=f"SET GLOBAL {SCRUB} = ON")
        if "purge" not in skip:
            yield self._purge()
        if "undo" not in skip:
            yield self._undo()
        if "optimize" not in skip:
            yield self._step("optimize", [f"OPTIMIZE TABLE {self.t(t)}" for t in touched])
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
        for path in self._logs():
            yield ScrubResult(source=self.name, step="log", done=False, task=True, command=f"truncate -s 0 {path}",
                              note="only if the byte scan names this file")
        yield ScrubResult(source=self.name, step="volume", done=False, task=True,
                          command=f"fstrim -v {self._data() or 'DATADIR'}",
                          note="freed blocks of the volume; or destroy the key of an encrypted volume")

    def _purge(self) -> ScrubResult:
        command = "SET GLOBAL innodb_max_purge_lag_wait = 0"
        try:
            self.commit()
            self.run(command)
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
        return ScrubResult(source=self.name, step="purge", done=length <= 0, command=command,
                           note="" if length <= 0 else f"{length} old versions are held by an open transaction")

    def _undo(self) -> ScrubResult:
        """Small transactions leave their undo page cached, unscrubbed. Larger ones make the server give the pages back."""
        work, command = f"{WORK}undo", "300 transactions with more than one undo page each; then purge"
        self.run(f"CREATE TABLE IF NOT EXISTS {self.t(work)} (id INT PRIMARY KEY, a VARBINARY(7000)) ENGINE=InnoDB")
        self.run(f"REPLACE INTO {self.t(work)} VALUES (1, REPEAT('w', 7000))")
        self.commit()
        for n in range(300):
            self.begin()
            for letter in "xyz":
                self.run(f"UPDATE {self.t(work)} SET a = REPEAT('{letter}', {6900 + n % 90})")
            self.commit()
        result = self._purge()
        self.drop(work)
        return result.model_copy(update={"step": "undo", "command": command})

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

    def _folder(self) -> str:
        """The database's folder name as the server writes it."""
        return "".join(c if c.isascii() and (c.isalnum() or c == "_") else f"@{ord(c):04x}" for c in self.db)

    def where_files(self) -> str:
        return str(self._data() or "")
