"""POSTGRESQL. Recipe: refresh materialised views, ANALYZE, VACUUM FULL tables and pg_statistic, renew the WAL.

Links stay enforced: children go first, a cycle goes in one statement (constraints are checked at its end). User
triggers are disabled inside each batch's own transaction, so a kill leaves them on.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from workbench.erasure.cells import text_forms
from workbench.erasure.dates import read_date
from workbench.erasure.postgres_copy import PostgresCopy
from workbench.erasure.postgres_scrub import SYSTEM
from workbench.erasure.sqlstore import WORK
from workbench.errors import ErasureError
from workbench.sources.catalog import full_name, name_parts

_TEXT = ("text", "character varying", "character", "citext", "name", "xml")
_EMPTY = {
    "bytea": "''::bytea", "boolean": "false", "uuid": "'00000000-0000-0000-0000-000000000000'", "json": "'{}'",
    "jsonb": "'{}'", "inet": "'0.0.0.0'", "cidr": "'0.0.0.0/0'", "interval": "'0'", "date": "'1970-01-01'",
    "tsvector": "''::tsvector",
}

_MEMORY = (("work_mem", "64MB"), ("maintenance_work_mem", "128MB"))
"""where the server's own settings are smaller: keys and indexes are sorted in memory"""


class PostgresStore(PostgresCopy):
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
            "client_encoding": "UTF8",
            "host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database,
            **dict(url.query)}.items() if v is not None}
        try:
            self.cx = psycopg.connect(**self._how, autocommit=False, application_name="workbench erasure")
            self.cx.isolation_level = psycopg.IsolationLevel.READ_COMMITTED  # a copy must see what was committed before its lock
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
        cx.execute("SET standard_conforming_strings = on")
        for name, value in _MEMORY:
            cx.execute(f"SELECT set_config('{name}', '{value}', false) WHERE pg_size_bytes(current_setting('{name}')) "
                       f"< pg_size_bytes('{value}')")
        cx.execute("SET search_path TO " + (self.q(self.spec.schema_) if self.spec.schema_ else "DEFAULT"))
        cx.commit()

    def _column_types(self) -> dict[tuple[str, str], tuple[str, int]]:
        rows = self.run(
            "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, NULL), "
            "CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 ELSE 0 END, t.typtype, a.atttypid "
            "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"JOIN pg_type t ON t.oid = a.atttypid WHERE a.attnum > 0 AND NOT a.attisdropped AND {SYSTEM}").fetchall()
        out = {}
        for schema, table, column, kind, size, typtype, oid in rows:
            name = full_name("" if schema == self.schema else schema, table)
            out[(name, column)] = (f"enum:{oid}" if typtype == "e" else kind, size)
        return out

    def kind(self, table: str, column: str) -> str:
        """PostgreSQL's name of a column's type."""
        return self._types.get((table, column), ("", 0))[0]

    def t(self, table: str) -> str:
        schema, name = name_parts(table)
        return f"{self.q(schema or self.schema)}.{self.q(name)}"

    def key(self, table: str) -> list[str]:
        return [self.q(c) for c in self.tables[table].primary_key] or ["tableoid", "ctid"]

    def is_busy(self, e: BaseException) -> bool:
        return getattr(e, "sqlstate", None) in ("55P03", "40P01", "40001")

    def live(self) -> tuple[str, str]:
        there = self.one("SELECT count(*) FROM pg_stat_replication")  # no commit: a dry run is open
        return (f"{there} 个副本在跟随", f"{there} replicas follow") if there else ("", "")

    def lag(self, replicas: Sequence[str]) -> tuple[float, int]:
        """As the primary sees it; a standby that stopped replaying shows in bytes only."""
        row = self.run("SELECT COALESCE(max(EXTRACT(epoch FROM replay_lag)), 0), "
                       "COALESCE(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), 0) FROM pg_stat_replication").fetchone()
        self.cx.commit()
        return float(row[0]), int(row[1])

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
        self.run("SET LOCAL lock_timeout = '3s'")  # a batch that waits holds its own locks against others
        if self.tables[table].primary_key:
            # keys come in the table's own order, so row by row through its index beats what the server would choose, by a
            # factor of two to six and the more the larger the table: it reads the whole table for each batch
            self.run("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off")
        self.triggers_pause(table)

    def triggers_pause(self, table: str) -> None:
        if self.triggers_of(table):
            self.run(f"ALTER TABLE {self.t(table)} DISABLE TRIGGER USER")

    def batch_end(self, table: str, cyclic: bool) -> None:
        if self.triggers_of(table):
            self.run("SET CONSTRAINTS ALL IMMEDIATE")  # ALTER TABLE refuses while a deferred link's check is pending
            for name, state in self.triggers_of(table):
                how = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}[state]
                self.run(f"ALTER TABLE {self.t(table)} {how} TRIGGER {self.q(name)}")

    def triggers_of(self, table: str) -> list[tuple[str, str]]:
        """(trigger, enabled letter) of a table's own triggers; read once, before they are disabled."""
        if not hasattr(self, "_trigger_list"):
            rows = self.run("SELECT n.nspname, c.relname, t.tgname, t.tgenabled FROM pg_trigger t "
                            "JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
                            f"WHERE NOT t.tgisinternal AND {SYSTEM}").fetchall()
            self._trigger_list: dict[str, list[tuple[str, str]]] = {}
            for schema, name, trigger, state in rows:
                place = full_name("" if schema == self.schema else schema, name)
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
        return self.one(f"SELECT to_regclass({self.literal(self.t(table))})") is not None

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
            return leaf_forms
        return lambda c: {}  # dates, numbers: their stored form is too short or too common to prove anything

    def version(self) -> str:
        return str(self.one("SHOW server_version")).split(" ")[0]


def leaf_forms(cell: object) -> dict[str, bytes]:
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
