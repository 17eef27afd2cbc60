"""POSTGRESQL, copying what stays: in one transaction, under a lock, with the journal's line.

The kept rows go to a temporary table, the table is truncated and they go back. The table keeps its identity and with it
columns, defaults, sequences, grants, comments, policies, views, statistics objects and publications. Only foreign keys
(which TRUNCATE forbids), and keys and indexes that nothing hangs on (quicker built than grown) are taken away and put back
from the server's own definition; if the catalogue then differs in anything, the transaction is rolled back and the rows go in batches.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.erasure import runs
from workbench.erasure.postgres_scrub import PostgresScrub
from workbench.erasure.strategy import CannotCopy
from workbench.errors import ErasureError

KEPT, RUNS, GAPS = "wb_erase_kept", "wb_erase_runs", "wb_erase_gaps"
# what keeps a table from being copied: (condition on pg_class c, zh, en)
_BLOCKS = (
    ("c.relkind <> 'r'", "分区表或外部表", "it is partitioned or foreign"),
    ("c.relispartition OR EXISTS (SELECT 1 FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent))",
     "参与继承或分区", "it takes part in inheritance or partitioning"),
    ("EXISTS (SELECT 1 FROM pg_publication_rel p WHERE p.prrelid = c.oid) "
     "OR EXISTS (SELECT 1 FROM pg_publication WHERE puballtables)", "已发布给订阅端", "it is published to subscribers"),
    ("EXISTS (SELECT 1 FROM pg_event_trigger WHERE evtenabled <> 'D')", "数据库有事件触发器", "the database has event triggers"),
    ("EXISTS (SELECT 1 FROM pg_rewrite r WHERE r.ev_class = c.oid)", "表上有规则", "it has rules"),
    ("c.relforcerowsecurity", "强制行级安全", "row security is forced"),
    ("NOT has_database_privilege(current_database(), 'TEMPORARY')", "不能建临时表", "temporary tables are not allowed"),
    ("EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgisinternal AND t.tgenabled <> 'O' AND t.tgrelid = c.oid)",
     "其外键检查已停用", "checks of its links are switched off"),
    ("EXISTS (SELECT 1 FROM pg_constraint k JOIN pg_class o ON o.oid = k.conrelid WHERE k.contype = 'f' AND "
     "c.oid IN (k.conrelid, k.confrelid) AND (o.relkind <> 'r' OR o.relispartition OR k.conparentid <> 0 OR "
     "NOT pg_has_role(current_user, o.relowner, 'MEMBER')))",
     "有外键属于分区表或他人的表", "a link belongs to a partitioned table or to somebody else's"),
)
_PLAIN = ("AND i.indisvalid AND NOT (i.indisclustered OR i.indisreplident) AND c.reltablespace = 0 "
          "AND NOT EXISTS (SELECT 1 FROM pg_description d WHERE d.objoid = c.oid) "
          "AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0)")
"""an index i, c that its definition describes in full"""
_MEMORY = (("work_mem", "64MB"), ("maintenance_work_mem", "128MB"))
"""for this one transaction, where the server's own settings are smaller: the set of keys and the indexes are sorted in memory"""


class PostgresCopy(PostgresScrub):
    """The part of a PostgresStore that copies kept rows."""

    def cannot_copy(self, table: str) -> tuple[str, str]:
        tests = ", ".join(f"({test})" for test, _, _ in _BLOCKS)
        row = self.run(f"SELECT {tests} FROM pg_class c WHERE c.oid = '{self.t(table)}'::regclass").fetchone()
        return next(((zh, en) for hit, (_, zh, en) in zip(row, _BLOCKS, strict=True) if hit), ("", ""))

    def size(self, table: str) -> int:
        return int(self.one(f"SELECT pg_total_relation_size('{self.t(table)}')") or 0)

    def copy_kept(self, table: str, lines: Sequence[Any]) -> None:
        from workbench.erasure import execute

        t = self.t(table)
        try:
            self.run("SET LOCAL lock_timeout = '3s'")
            self.run("SET LOCAL jit = off")
            for name, value in _MEMORY:
                self.run(f"SELECT set_config('{name}', '{value}', true) WHERE pg_size_bytes(current_setting('{name}')) "
                         f"< pg_size_bytes('{value}')")
            links, keys, indexes = self._links_of(t), self._keys_of(t), self._indexes_of(t)
            places = sorted({t, *(place for place, *_ in links)})
            self.run(f"LOCK TABLE {', '.join(places)} IN ACCESS EXCLUSIVE MODE")
            before = self._catalogue(t)
            self.triggers_pause(table)
            counts = [self._count(table, line.work) for line in lines[:-1]]
            total = int(self.one(f"SELECT count(*) FROM {t}"))
            kept = self._copy_out(table, [line.work for line in lines])
            for place, name, _, _ in links:
                self.run(f"ALTER TABLE {place} DROP CONSTRAINT {self.q(name)}")
            for name, _ in keys if kept else ():
                self.run(f"ALTER TABLE {t} DROP CONSTRAINT {self.q(name)}")
            for name, _ in indexes if kept else ():
                self.run(f"DROP INDEX {name}")
            self.run(f"TRUNCATE TABLE {t}")
            if kept:
                self._copy_back(table)
                for name, made in keys:
                    self.run(f"ALTER TABLE {t} ADD CONSTRAINT {self.q(name)} {made}")
                for _, made in indexes:
                    self.run(made)
            for place, name, made, comment in links:
                self.run(f"ALTER TABLE {place} ADD CONSTRAINT {self.q(name)} {made}")
                if comment is not None:
                    self.run(f"COMMENT ON CONSTRAINT {self.q(name)} ON {place} IS '{comment.replace(chr(39), chr(39) * 2)}'")
            self.batch_end(table, False)
            if self._catalogue(t) != before:
                raise CannotCopy("替换后的目录与之前不同", "its catalogue would differ afterwards")
            for line, n in zip(lines, [*counts, total - kept - sum(counts)], strict=True):
                execute.write_journal(self, "delete", line.work, line.rows, n)
            self.run(f"DROP TABLE IF EXISTS pg_temp.{KEPT}")
            self.commit()
        except (ErasureError, CannotCopy):
            self.rollback()
            raise

    def _count(self, table: str, work: str) -> int:
        """Rows of a work table that are still there."""
        return int(self.one(f"SELECT count(*) FROM {self.t(table)} t JOIN {self.t(work)} w ON {self.match(table, 't', 'w')}"))

    def _columns_of(self, table: str) -> str:
        """Columns that hold something of their own; generated ones come by themselves."""
        rows = self.run("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
                        "AND attgenerated = '' ORDER BY attnum", (self.t(table),)).fetchall()
        return ", ".join(self.q(r[0]) for r in rows)

    def _copy_out(self, table: str, works: Sequence[str]) -> int:
        self.run(f"DROP TABLE IF EXISTS pg_temp.{KEPT}")
        made, names = f"CREATE TEMPORARY TABLE {KEPT} AS SELECT", self._columns_of(table)
        if len(works) == 1 and self._between(table, works[0]):
            return int(self.run(f"{made} {names} FROM pg_temp.{GAPS} g JOIN {self.t(table)} t "
                                f"ON {self.key_of(table, 't')[0]} BETWEEN g.wb_lo AND g.wb_hi").rowcount)
        stays = " AND ".join(f"NOT EXISTS (SELECT 1 FROM {self.t(w)} w WHERE {self.match(table, 't', 'w')})" for w in works)
        return int(self.run(f"{made} {names} FROM {self.t(table)} t WHERE {stays}").rowcount)

    def _between(self, table: str, work: str) -> bool:
        """Whether a temporary table now says between which keys rows stay: only for a primary key of one whole number."""
        key = self.tables[table].primary_key
        if len(key) != 1 or self.kind(table, key[0]) not in ("smallint", "integer", "bigint") or not runs.dense(self, work):
            return False
        for name in (RUNS, GAPS):
            self.run(f"CREATE TEMPORARY TABLE {name} (wb_lo bigint, wb_hi bigint) ON COMMIT DROP")
        runs.fill(self, work, f"pg_temp.{RUNS}", f"pg_temp.{GAPS}", runs.SIGNED)
        self.run(f"ANALYZE pg_temp.{GAPS}")
        return True

    def _copy_back(self, table: str) -> None:
        names = self._columns_of(table)
        self.run(f"INSERT INTO {self.t(table)} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM pg_temp.{KEPT}")

    def _links_of(self, t: str) -> list[tuple[str, str, str, str | None]]:
        """(table, name, definition, comment) of foreign keys from and to a table."""
        rows = self.run("SELECT k.conrelid::regclass::text, k.conname, pg_get_constraintdef(k.oid), "
                        "obj_description(k.oid, 'pg_constraint'), n.nspname, c.relname "
                        "FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
                        f"WHERE k.contype = 'f' AND '{t}'::regclass IN (k.conrelid, k.confrelid) ORDER BY k.oid").fetchall()
        return [(f"{self.q(r[4])}.{self.q(r[5])}", r[1], r[2], r[3]) for r in rows]

    def _keys_of(self, t: str) -> list[tuple[str, str]]:
        """(name, definition) of primary and unique keys that nothing hangs on but links, which are taken away before."""
        rows = self.run(
            "SELECT k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conindid "
            f"JOIN pg_index i ON i.indexrelid = c.oid WHERE k.conrelid = '{t}'::regclass AND k.contype IN ('p', 'u') {_PLAIN} "
            "AND c.reloptions IS NULL AND NOT EXISTS (SELECT 1 FROM pg_description d WHERE d.objoid = k.oid) "
            "AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.refobjid IN (k.oid, c.oid) AND d.objid <> c.oid "
            "AND d.objid NOT IN (SELECT f.oid FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid = k.conrelid)) "
            "ORDER BY k.oid").fetchall()
        return [(r[0], r[1]) for r in rows]

    def _indexes_of(self, t: str) -> list[tuple[str, str]]:
        """(name, definition) of indexes that nothing hangs on: the others stay in place and grow row by row."""
        rows = self.run(
            "SELECT n.nspname, c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid = '{t}'::regclass {_PLAIN} "
            "AND NOT (i.indisprimary OR i.indisexclusion) "
            "AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid) "
            "AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid) ORDER BY c.oid").fetchall()
        return [(f"{self.q(r[0])}.{self.q(r[1])}", r[2]) for r in rows]

    def _catalogue(self, t: str) -> list[Any]:
        """What hangs on a table and could be lost: links, indexes, triggers, columns, grants, policies."""
        out: list[Any] = []
        for sql in (
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated, condeferred, "
            "obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE '{t}'::regclass IN (conrelid, confrelid)",
            "SELECT pg_get_indexdef(i.indexrelid), i.indisprimary, i.indisunique, i.indisvalid, i.indisclustered, "
            "i.indisreplident, c.reltablespace, c.reloptions, c.relowner, obj_description(c.oid, 'pg_class') "
            "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = '{t}'::regclass",
            "SELECT pg_get_triggerdef(oid), tgenabled, obj_description(oid, 'pg_trigger') FROM pg_trigger "
            "WHERE tgrelid = '{t}'::regclass AND NOT tgisinternal",
            "SELECT attname, atttypid, attnotnull, attidentity, attgenerated, attacl, attoptions, attstattarget FROM "
            "pg_attribute WHERE attrelid = '{t}'::regclass",
            "SELECT oid, relowner, relacl, reloptions, relreplident, relrowsecurity, reltablespace, relpersistence "
            "FROM pg_class WHERE oid = '{t}'::regclass",
            "SELECT polname, polcmd, polroles, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = '{t}'::regclass",
            "SELECT d.classid, d.objid, d.deptype FROM pg_depend d WHERE d.refobjid = '{t}'::regclass AND d.classid IN "
            "('pg_rewrite'::regclass, 'pg_class'::regclass) AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE "
            "i.indexrelid = d.objid)",
        ):
            out.append(sorted(self.run(sql.replace("{t}", t)).fetchall(), key=repr))
        return out
