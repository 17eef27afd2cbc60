"""POSTGRESQL, what stands before and after the deletion: the preflight, the recipe to zero residue, the files."""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.erasure.model import Preflight, ScrubResult
from workbench.erasure.sqlstore import SqlStore
from workbench.errors import ErasureError

SYSTEM = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_%'"


class PostgresScrub(SqlStore):
    """The half of a PostgresStore that looks and cleans; the other half selects and deletes."""

    super = False

    @staticmethod
    def literal(text: str) -> str:
        """An SQL string."""
        return "'" + text.replace("'", "''") + "'"

    def reg(self, t: str) -> str:
        """A quoted table name as the number of its relation, in SQL."""
        return f"{self.literal(t)}::regclass"

    def triggers_of(self, table: str) -> list[tuple[str, str]]:
        """(trigger, enabled letter) of a table's own triggers."""
        raise NotImplementedError

    # -- preflight -------------------------------------------------------------------------------------------

    def preflight(self, touched: Sequence[str]) -> Iterator[Preflight]:
        def say(check: str, colour: str, thing: str, zh: str, en: str, todo: str = "") -> Preflight:
            return Preflight.model_validate({"source": self.name, "check": check, "colour": colour, "object": thing,
                                             "zh": zh, "en": en, "todo": todo})

        for name, active, kind in self.run("SELECT slot_name, active, slot_type FROM pg_replication_slots").fetchall():
            if not active:
                yield say("slot", "red", name, "闲置的复制槽会保留旧的 WAL", "an idle replication slot keeps old WAL",
                          f"SELECT pg_drop_replication_slot('{name}');")
            else:
                yield say("replica", "yellow", name, "副本还持有数据", f"a {kind} replica holds the data too",
                          "let it catch up, then erase its copies")
        for (gid,) in self.run("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()").fetchall():
            yield say("prepared", "red", gid, "有未决的两阶段事务", "a prepared transaction is pending", f"ROLLBACK PREPARED '{gid}';")
        for child, parent in self.run("SELECT inhrelid::regclass::text, inhparent::regclass::text FROM pg_inherits i JOIN pg_class c "
                                      "ON c.oid = i.inhrelid WHERE NOT c.relispartition AND c.relkind = 'r'").fetchall():
            yield say("inherits", "red", child, f"继承自 {parent}:读父表会连同它的行,会被处置两次",
                      f"inherits from {parent}, whose rows are read and would be erased together with its own",
                      f"ALTER TABLE {child} NO INHERIT {parent}; then workbench run CASE inventory and all that follows")
        if self.one("SHOW archive_mode") != "off":
            command = str(self.one("SHOW archive_command"))
            yield say("archive", "yellow", "archive_command", "WAL 归档中还有旧数据", "archived WAL holds the old data",
                      f"purge the archive written by: {command}")
        for schema, name in self._matviews():
            yield say("matview", "yellow", f"{schema}.{name}", "物化视图含副本，删除后刷新",
                      "this materialised view holds copies; it is refreshed after the deletion")
        for table in touched:
            for trigger, _ in self.triggers_of(table):
                body = str(self.one("SELECT p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
                                    f"WHERE t.tgname = '{trigger.replace(chr(39), chr(39) * 2)}' LIMIT 1") or "")
                if re.search(r"\b(insert|copy|update)\b", body, re.I):
                    yield say("trigger", "yellow", trigger, f"{table} 上的触发器会写到别处；执行期间停用",
                              f"trigger on {table} writes elsewhere; it is off while we work")
            own = self.one(f"SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class "
                           f"WHERE oid = {self.reg(self.t(table))}")
            if not own:
                yield say("privileges", "red", table, "不是表的所有者，不能清理", "we do not own this table and cannot scrub it",
                          f"ALTER TABLE {self.t(table)} OWNER TO CURRENT_USER;")
        yield from self._space(touched, say)

    def _space(self, touched: Sequence[str], say: Callable[..., Preflight]) -> Iterator[Preflight]:
        data = self._data()
        if data is None:
            yield say("bytes", "yellow", "data_directory", "读不到数据目录，只能证明到逻辑级",
                      "the data directory cannot be read from here; proof stays at the logical level",
                      "run on the server, or allow read access")
            return
        need = sum(int(self.one(
            f"SELECT pg_total_relation_size({self.reg(self.t(t))}) + COALESCE((SELECT sum(pg_total_relation_size(relid)) "
            f"FROM pg_partition_tree({self.reg(self.t(t))}) WHERE isleaf), 0)") or 0) for t in touched)
        free = shutil.disk_usage(data).free
        if free < need * 1.1:
            yield say("disk", "red", str(data), "磁盘空间不足以重写表", f"rewriting needs {need} bytes, {free} are free",
                      "free some space")
        for name in ("backup_label", "tablespace_map", "backup_label.old"):
            if (data / name).exists():
                yield say("backup", "yellow", name, "数据目录中有备份痕迹", "the data directory holds traces of a backup", "")

    def _matviews(self) -> list[tuple[str, str]]:
        """(schema, name), those that others read first."""
        rows = self.run("SELECT n.nspname, c.relname, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                        f"WHERE c.relkind = 'm' AND c.relispopulated AND {SYSTEM} ORDER BY c.oid").fetchall()
        return [(r[0], r[1]) for r in rows]

    # -- scrub -----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        self.commit()
        if self.super:
            self._plain("CHECKPOINT")

    def _plain(self, sql: str) -> Any:
        """Run outside a transaction; returns the first row if there is one."""
        import psycopg

        try:
            self.cx.commit()
            self.cx.autocommit = True
            cursor = self.cx.execute(sql)
            return cursor.fetchone() if cursor.description else None
        except psycopg.Error as e:
            raise self.failed(e) from None
        finally:
            if not self.cx.closed:
                self.cx.autocommit = False

    def _step(self, step: str, commands: Sequence[str], probe: Callable[[], bool], *, shown: str = "") -> ScrubResult:
        told = shown or "; ".join(commands)
        try:
            for command in commands:
                self._plain(command)
            done = probe()
        except ErasureError as e:
            return ScrubResult(source=self.name, step=step, done=False, task=not self.super, command=told, note=e.what)
        self.cx.commit()
        return ScrubResult(source=self.name, step=step, done=done, command=told)

    def rewrite(self, tables: Sequence[str]) -> None:
        for table in tables:
            self._plain(f"VACUUM FULL {self.t(table)}")

    def scrub(self, touched: Sequence[str]) -> Iterator[ScrubResult]:
        skip = self.skip_steps
        views = [f"{self.q(s)}.{self.q(n)}" for s, n in self._matviews()]
        if views and "matviews" not in skip:
            yield self._step("matviews", [f"REFRESH MATERIALIZED VIEW {v}" for v in views], lambda: True)
        rewritten = [*(self.t(t) for t in touched), *views]
        old = [t for t in rewritten if t not in {self.t(t) for t in self.rewritten}]
        before = {t: self._node(t) for t in old}
        if "analyze" not in skip:
            # ANALYZE leaves the old statistics of a table that is empty now: take them away first
            gone = [f"DELETE FROM pg_statistic WHERE starelid = {self.reg(t)} OR starelid IN "
                    f"(SELECT relid FROM pg_partition_tree({self.reg(t)}))" for t in rewritten] if self.super else []
            yield self._step("analyze", [*gone, *(f"ANALYZE {t}" for t in rewritten)], lambda: True)
        if old and "vacuum-full" not in skip:
            yield self._step("vacuum-full", [f"VACUUM (FULL, ANALYZE) {t}" for t in old],
                             lambda: all(self._node(t) != n for t, n in before.items()))
        if "statistics" not in skip:
            nodes = [self._node(t) for t in ("pg_statistic", "pg_statistic_ext_data")]
            yield self._step("statistics", ["VACUUM FULL pg_statistic", "VACUUM FULL pg_statistic_ext_data"],
                             lambda: [self._node(t) for t in ("pg_statistic", "pg_statistic_ext_data")] != nodes)
        if self.one("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'"):
            yield self._step("statements", ["SELECT pg_stat_statements_reset()"], lambda: True)
        if "wal" not in skip:
            yield self._wal()
        for path in self._logs():
            yield ScrubResult(source=self.name, step="log", done=False, task=True, command=f"truncate -s 0 {path}",
                              note="only if the byte scan names this file")
        yield ScrubResult(source=self.name, step="volume", done=False, task=True,
                          command=f"fstrim -v {self._data() or 'DATA_DIRECTORY'}",
                          note="freed blocks of the volume; or destroy the key of an encrypted volume")

    skip_steps: frozenset[str] = frozenset()
    """for tests only: steps left out, to show that the proof notices"""

    def _node(self, table: str) -> str:
        found = self.one("SELECT string_agg(pg_relation_filepath(c), ' ' ORDER BY c) FROM (SELECT relid::oid AS c FROM "
                         f"pg_partition_tree({self.reg(table)}) UNION SELECT {self.reg(table)}::oid) x")
        self.cx.commit()
        return str(found)

    def _wal(self) -> ScrubResult:
        """Switch through every segment that may hold old pages, with recycling off, until all of them are new."""
        shown = "ALTER SYSTEM SET wal_recycle = off; (SELECT pg_switch_wal(); CHECKPOINT) until every segment is new"
        if not self.super:
            return ScrubResult(source=self.name, step="wal", done=False, task=True, command=shown, note="needs a superuser")
        kept = self.run("SELECT setting FROM pg_file_settings WHERE name = 'wal_recycle' AND applied "
                        "AND sourcefile LIKE '%postgresql.auto.conf'").fetchone()
        try:
            self._plain("ALTER SYSTEM SET wal_recycle = off")
            self._plain("SELECT pg_reload_conf()")
            for _ in range(50):
                if self.one("SHOW wal_recycle") == "off":
                    break
                self.cx.commit()
                time.sleep(0.05)
            old = {r[0] for r in self.run("SELECT name FROM pg_ls_waldir()").fetchall()}
            for _ in range(len(old) + 3):
                self._plain("SELECT pg_logical_emit_message(false, 'workbench', 'scrub')")
                self._plain("SELECT pg_switch_wal()")
                self._plain("CHECKPOINT")
                left = old & {r[0] for r in self.run("SELECT name FROM pg_ls_waldir()").fetchall()}
                if not left:
                    break
            done, note = not left, f"{len(left)} old segments are kept by a slot, an archiver or wal_keep_size" if left else ""
        except ErasureError as e:
            done, note = False, e.what
        finally:
            back = f"ALTER SYSTEM SET wal_recycle = {kept[0]}" if kept else "ALTER SYSTEM RESET wal_recycle"
            self._plain(back)
            self._plain("SELECT pg_reload_conf()")
        return ScrubResult(source=self.name, step="wal", done=done, command=shown, note=note)

    # -- files -----------------------------------------------------------------------------------------------

    def _data(self) -> Path | None:
        try:
            path = Path(str(self.one("SHOW data_directory")))
        except ErasureError:  # needs pg_read_all_settings
            self.rollback()
            return None
        return path if os.access(path, os.R_OK | os.X_OK) and (path / "PG_VERSION").exists() else None

    def _logs(self) -> list[Path]:
        data = self._data()
        if data is None:
            return []
        out = []
        if self.one("SHOW logging_collector") == "on":
            folder = Path(str(self.one("SHOW log_directory")))
            folder = folder if folder.is_absolute() else data / folder
            out += [p for p in sorted(folder.glob("*")) if p.is_file()] if folder.is_dir() else []
        return out

    def files(self) -> Iterator[tuple[str, Path]]:
        data = self._data()
        if data is None:
            return
        mine = str(self.one("SELECT oid FROM pg_database WHERE datname = current_database()"))
        kinds = {"r": "heap", "i": "index", "t": "toast", "m": "matview", "S": "sequence", "p": "heap"}
        nodes = {str(r[0]): "statistics" if r[2].startswith("pg_statistic") else kinds.get(r[1], "other")
                 for r in self.run("SELECT pg_relation_filenode(oid), relkind::text, relname FROM pg_class "
                                   "WHERE pg_relation_filenode(oid) IS NOT NULL").fetchall()}
        self.cx.commit()
        logs = set(self._logs())
        for path in sorted(p for p in data.rglob("*") if p.is_file()):
            top = path.relative_to(data).parts
            if top[0] == "pg_wal":
                yield "wal", path
            elif path in logs or top[0] in ("log", "pg_log"):
                yield "log", path
                logs.discard(path)
            elif top[0] == "base" and len(top) > 2:
                if top[1] == mine:
                    yield nodes.get(re.split(r"[._]", top[2])[0], "freed"), path
                else:
                    yield ("temporary" if top[1] == "pgsql_tmp" else "other-database"), path
            elif top[0] in ("global", "pg_xact", "pg_multixact", "pg_stat", "pg_stat_tmp", "pg_replslot", "pg_logical",
                            "pg_subtrans", "pg_twophase", "pg_notify", "pg_serial", "pg_snapshots", "pg_dynshmem",
                            "pg_commit_ts", "pg_tblspc", "postmaster.pid", "postmaster.opts", "PG_VERSION",
                            "postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf",
                            "current_logfiles"):
                yield "cluster", path
            else:
                yield "unknown", path  # a dump, an old directory: nothing of the server's own
        for path in sorted(logs):
            yield "log", path

    def where_files(self) -> str:
        return str(self._data() or "")
