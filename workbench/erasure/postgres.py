"""POSTGRESQL. Recipe: refresh materialised views, ANALYZE, VACUUM FULL tables and pg_statistic, renew the WAL.

Links stay enforced: children go first, a cycle goes in one statement (constraints are checked at its end). User
triggers are disabled inside each batch's own transaction, so a kill leaves them on.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.erasure.dates import read_date
from workbench.erasure.model import Preflight, ScrubResult
from workbench.erasure.sqlstore import WORK, SqlStore, text_forms
from workbench.errors import ErasureError

_TEXT = ("text", "character varying", "character", "citext", "name", "xml")
_SYSTEM = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_%'"
_EMPTY = {
    "bytea": "''::bytea", "boolean": "false", "uuid": "'00000000-0000-0000-0000-000000000000'", "json": "'{}'",
    "jsonb": "'{}'", "inet": "'0.0.0.0'", "cidr": "'0.0.0.0/0'", "interval": "'0'", "date": "'1970-01-01'",
    "tsvector": "''::tsvector",
}


class PostgresStore(SqlStore):
    """One database of a PostgreSQL cluster."""

    engine = "postgresql"
    mark = "%s"
    cycle_in_one = True

    def connect(self) -> None:
        import psycopg

        from workbench.sources.credentials import database_url

        self.errors = (psycopg.Error,)
        url = database_url(self.spec, self.base)
        self._how: dict[str, Any] = {k: v for k, v in {
            "host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database,
            **dict(url.query)}.items() if v is not None}
        try:
            self.cx = psycopg.connect(**self._how, autocommit=False, application_name="workbench erasure")
            self._session(self.cx)
        except psycopg.Error as e:
            raise self.failed(e) from None
        self.schema = self.spec.schema_ or str(self.one("SELECT current_schema()") or "public")
        self.super = bool(self.one("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))
        self._types = self._column_types()
        self.cx.commit()
        self._maps: dict[tuple[str, str], str] = {}

    def _session(self, cx: Any) -> None:
        cx.execute("SELECT set_config('TimeZone', %s, false)", (self.timezone,))
        cx.execute("SET lock_timeout = '10s'")
        cx.execute("SET statement_timeout = 0")
        cx.execute("SET search_path TO " + (self.q(self.spec.schema_) if self.spec.schema_ else "DEFAULT"))
        cx.commit()

    def _column_types(self) -> dict[tuple[str, str], tuple[str, int]]:
        rows = self.run(
            "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, NULL), "
            "CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 ELSE 0 END, t.typtype, a.atttypid "
            "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"JOIN pg_type t ON t.oid = a.atttypid WHERE a.attnum > 0 AND NOT a.attisdropped AND {_SYSTEM}").fetchall()
        out = {}
        for schema, table, column, kind, size, typtype, oid in rows:
            name = table if schema == self.schema else f"{schema}.{table}"
            out[(name, column)] = (f"enum:{oid}" if typtype == "e" else kind, size)
        return out

    def kind(self, table: str, column: str) -> str:
        """PostgreSQL's name of a column's type."""
        return self._types.get((table, column), ("", 0))[0]

    def t(self, table: str) -> str:
        if table.startswith(WORK) or "." not in table or table in {n for n in self.tables if "." not in n}:
            return f"{self.q(self.schema)}.{self.q(table)}"
        schema, name = table.split(".", 1)
        return f"{self.q(schema)}.{self.q(name)}"

    def key(self, table: str) -> list[str]:
        return [self.q(c) for c in self.tables[table].primary_key] or ["tableoid", "ctid"]

    def delete_sql(self, table: str, work: str) -> str:
        return (f"DELETE FROM {self.t(table)} t USING {self.t(work)} w "
                f"WHERE w.seq > %s AND w.seq <= %s AND {self.match(table, 't', 'w')}")

    def update_sql(self, table: str, work: str, sets: str) -> str:
        return (f"UPDATE {self.t(table)} t SET {sets} FROM {self.t(work)} w "
                f"WHERE w.seq > %s AND w.seq <= %s AND {self.match(table, 't', 'w')}")

    def delete_cycle(self, lines: Sequence[Any]) -> None:
        """All rows of tables that point at each other, in one statement and one transaction with the journal."""
        from workbench.erasure.execute import write_journal

        if all(("delete", x.work) in self.journal() for x in lines):
            return
        self.begin()
        tables = sorted({x.disposal.set.table for x in lines})
        for table in tables:
            self.batch_begin(table, True)
        parts = [f"d{i} AS (DELETE FROM {self.t(x.disposal.set.table)} t USING {self.t(x.work)} w "
                 f"WHERE {self.match(x.disposal.set.table, 't', 'w')} RETURNING 1)" for i, x in enumerate(lines)]
        counts = ", ".join(f"(SELECT count(*) FROM d{i})" for i in range(len(lines)))
        try:
            row = self.run(f"WITH {', '.join(parts)} SELECT {counts}").fetchone()
            for line, n in zip(lines, row, strict=True):
                write_journal(self, "delete", line.work, line.rows, int(n))
            for table in tables:
                self.batch_end(table, True)
            self.commit()
        except ErasureError:
            self.rollback()
            raise

    def batch_begin(self, table: str, cyclic: bool) -> None:
        if self._triggers(table):
            self.run(f"ALTER TABLE {self.t(table)} DISABLE TRIGGER USER")

    def batch_end(self, table: str, cyclic: bool) -> None:
        if self._triggers(table):
            for name, state in self._triggers(table):
                how = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}[state]
                self.run(f"ALTER TABLE {self.t(table)} {how} TRIGGER {self.q(name)}")

    def _triggers(self, table: str) -> list[tuple[str, str]]:
        """(trigger, enabled letter) of a table's own triggers; read once, before they are disabled."""
        if not hasattr(self, "_trigger_list"):
            rows = self.run("SELECT n.nspname, c.relname, t.tgname, t.tgenabled FROM pg_trigger t "
                            "JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
                            f"WHERE NOT t.tgisinternal AND {_SYSTEM}").fetchall()
            self._trigger_list: dict[str, list[tuple[str, str]]] = {}
            for schema, name, trigger, state in rows:
                place = name if schema == self.schema else f"{schema}.{name}"
                letter = state.decode() if isinstance(state, bytes) else state
                self._trigger_list.setdefault(place, []).append((trigger, letter))
        return self._trigger_list.get(table, [])

    # -- values ----------------------------------------------------------------------------------------------

    def date_expr(self, table: str, column: str, alias: str) -> str:
        kind, cell = self.kind(table, column), f"{alias}.{self.q(column)}"
        if kind in ("date", "timestamp without time zone"):
            return f"CASE WHEN isfinite({cell}) THEN to_char({cell}, 'YYYY-MM-DD') END"
        if kind == "timestamp with time zone":
            zone = self.timezone.replace("'", "")
            return f"CASE WHEN isfinite({cell}) THEN to_char({cell} AT TIME ZONE '{zone}', 'YYYY-MM-DD') END"
        return f"(SELECT m.d FROM {self._date_map(table, column)} m WHERE m.v = {cell}::text)"

    def _date_map(self, table: str, column: str) -> str:
        """A work table text -> ISO date, filled by the one function that reads dates."""
        if (table, column) not in self._maps:
            work = f"{WORK}d{len(self._maps)}"
            self.drop(work)
            self.run(f"CREATE TABLE {self.t(work)} (v text PRIMARY KEY, d text)")
            rows = self.run(f"SELECT DISTINCT {self.q(column)}::text FROM {self.t(table)} "
                            f"WHERE {self.q(column)} IS NOT NULL").fetchall()
            with self.cx.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {self.t(work)} VALUES (%s, %s)", [(r[0], read_date(r[0])) for r in rows])
            self.run(f"ANALYZE {self.t(work)}")
            self._maps[(table, column)] = self.t(work)
        return self._maps[(table, column)]

    def make_keys(self, work: str, table: str, where: str) -> int:
        n = super().make_keys(work, table, where)
        self.run(f"ANALYZE {self.t(work)}")
        return n

    def forget(self) -> None:
        self._maps = {}

    def read_expr(self, table: str, column: str) -> str:
        info, kind = self.tables[table].column(column), self.kind(table, column)
        as_text = info is not None and info.type == "string" and kind not in _TEXT
        return f"t.{self.q(column)}::text" if as_text else f"t.{self.q(column)}"

    def neutral(self, table: str, column: str) -> str | None:
        kind = self.kind(table, column)
        found = super().neutral(table, column)
        if found in (None, "NULL") and not (found is None and kind == "uuid"):
            return found
        unique = self._unique(table, column)
        if unique:
            return "gen_random_uuid()" if kind == "uuid" else self.token(table, column) if kind in _TEXT else None
        if kind in _TEXT:
            return "''"
        if kind.startswith("enum:"):
            label = self.one(f"SELECT enumlabel FROM pg_enum WHERE enumtypid = {int(kind[5:])} ORDER BY enumsortorder")
            return "'" + str(label).replace("'", "''") + "'"
        if kind.endswith("[]"):
            return "'{}'"
        if kind.startswith("timestamp"):
            return "'1970-01-01'"
        if kind.startswith("time "):
            return "'00:00'"
        return _EMPTY.get(kind, "0")

    def _unique(self, table: str, column: str) -> bool:
        owner = self.tables[table]
        return column in owner.primary_key or any(i.unique and column in i.columns for i in owner.indexes)

    def token(self, table: str, column: str) -> str:
        size = self._types.get((table, column), ("", 0))[1]
        text = "'wb-' || replace(gen_random_uuid()::text, '-', '')"
        return f"substr({text}, 1, {size})" if size else text

    def has(self, table: str) -> bool:
        return self.one(f"SELECT to_regclass('{self.t(table)}')") is not None

    def work_tables(self) -> list[str]:
        return [r[0] for r in self.run("SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename LIKE %s",
                                       (self.schema, WORK.replace("_", r"\_") + "%")).fetchall()]

    def stream(self, sql: str, block: int) -> Iterator[list[Any]]:
        self._cursors = getattr(self, "_cursors", 0) + 1
        try:
            with self.cx.cursor(name=f"wb{self._cursors}") as cursor:
                cursor.itersize = block
                cursor.execute(sql)
                while rows := cursor.fetchmany(block):
                    yield rows
        except self.errors as e:
            raise self.failed(e) from None

    @contextmanager
    def reader(self) -> Iterator[Callable[[str], Iterable[Sequence[Any]]]]:
        import psycopg

        cx = psycopg.connect(**self._how, autocommit=False, application_name="workbench verifier")
        try:
            self._session(cx)
            cx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            number = iter(range(1 << 30))

            def read(sql: str) -> Iterator[Sequence[Any]]:
                with cx.cursor(name=f"v{next(number)}") as cursor:
                    cursor.itersize = 5_000
                    cursor.execute(sql)
                    yield from cursor

            yield read
        except psycopg.Error as e:
            raise self.failed(e) from None
        finally:
            cx.close()

    def schema_text(self) -> bytes:
        rows = self.run("SELECT pg_get_constraintdef(oid) FROM pg_constraint UNION ALL SELECT pg_get_expr(adbin, adrelid) "
                        "FROM pg_attrdef UNION ALL SELECT description FROM pg_description UNION ALL "
                        "SELECT enumlabel FROM pg_enum UNION ALL SELECT prosrc FROM pg_proc").fetchall()
        return "\n".join(r[0] for r in rows if r[0]).encode()

    def forms_for(self, table: str, column: str) -> Callable[[object], dict[str, bytes]]:
        kind = self.kind(table, column)
        if kind in _TEXT or kind in ("json", "bytea"):
            return text_forms
        if kind == "bigint":
            return lambda c: {"utf-8": str(c).encode(), "int8": c.to_bytes(8, "little", signed=True)} \
                if isinstance(c, int) and abs(c) >= 1 << 31 else {}
        if kind == "uuid":
            return lambda c: {"utf-8": str(c).encode(), "uuid": uuid.UUID(str(c)).bytes}
        if kind == "jsonb":
            return _leaf
        return lambda c: {}  # dates, numbers: their stored form is too short or too common to prove anything

    def version(self) -> str:
        return str(self.one("SHOW server_version")).split(" ")[0]

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
        if self.one("SHOW archive_mode") != "off":
            command = str(self.one("SHOW archive_command"))
            yield say("archive", "yellow", "archive_command", "WAL 归档中还有旧数据", "archived WAL holds the old data",
                      f"purge the archive written by: {command}")
        for schema, name in self._matviews():
            yield say("matview", "yellow", f"{schema}.{name}", "物化视图含副本，删除后刷新",
                      "this materialised view holds copies; it is refreshed after the deletion")
        for table in touched:
            for trigger, _ in self._triggers(table):
                body = str(self.one("SELECT p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
                                    f"WHERE t.tgname = '{trigger.replace(chr(39), chr(39) * 2)}' LIMIT 1") or "")
                if re.search(r"\b(insert|copy|update)\b", body, re.I):
                    yield say("trigger", "yellow", trigger, f"{table} 上的触发器会写到别处；执行期间停用",
                              f"trigger on {table} writes elsewhere; it is off while we work")
            own = self.one(f"SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class "
                           f"WHERE oid = '{self.t(table)}'::regclass")
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
        need = sum(int(self.one(f"SELECT pg_total_relation_size('{self.t(t)}')") or 0) for t in touched)
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
                        f"WHERE c.relkind = 'm' AND c.relispopulated AND {_SYSTEM} ORDER BY c.oid").fetchall()
        return [(r[0], r[1]) for r in rows]

    # -- scrub -----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        self.commit()
        if self.super:
            self._plain("CHECKPOINT")

    def _plain(self, sql: str) -> Any:
        """Run outside a transaction; returns the first row if there is one."""
        import psycopg

        self.cx.commit()
        self.cx.autocommit = True
        try:
            cursor = self.cx.execute(sql)
            return cursor.fetchone() if cursor.description else None
        except psycopg.Error as e:
            raise self.failed(e) from None
        finally:
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

    def scrub(self, touched: Sequence[str]) -> Iterator[ScrubResult]:
        skip = self.skip_steps
        views = [f"{self.q(s)}.{self.q(n)}" for s, n in self._matviews()]
        if views and "matviews" not in skip:
            yield self._step("matviews", [f"REFRESH MATERIALIZED VIEW {v}" for v in views], lambda: True)
        rewritten = [*(self.t(t) for t in touched), *views]
        before = {t: self._node(t) for t in rewritten}
        if "analyze" not in skip:
            # ANALYZE leaves the old statistics of a table that is empty now: take them away first
            gone = [f"DELETE FROM pg_statistic WHERE starelid = '{t}'::regclass" for t in rewritten] if self.super else []
            yield self._step("analyze", [*gone, *(f"ANALYZE {t}" for t in rewritten)], lambda: True)
        if "vacuum-full" not in skip:
            yield self._step("vacuum-full", [f"VACUUM (FULL, ANALYZE) {t}" for t in rewritten],
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
        found = self.one(f"SELECT pg_relation_filepath('{table}')")
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


def _leaf(cell: object) -> dict[str, bytes]:
    """Forms of the longest string inside a JSON document: jsonb stores strings whole, the document not."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, str):
            found.append(value)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(inner)

    try:
        walk(json.loads(str(cell)))
    except ValueError:
        return {}
    return text_forms(max(found, key=len)) if found else {}
