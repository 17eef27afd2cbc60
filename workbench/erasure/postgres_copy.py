"""POSTGRESQL, copying what stays: in one transaction, under a lock, with the journal's line.

A plain table is replaced (:mod:`postgres_replace`). Otherwise the kept rows go to a temporary table, the table is truncated
and they go back: it keeps its identity and with it columns, defaults, sequences, grants, comments, policies, views, statistics
objects and publications. Only foreign keys (which TRUNCATE forbids), and keys and indexes that nothing hangs on (quicker
built than grown) are taken away and put back from the server's own definition; if the catalogue then differs in anything,
the transaction is rolled back and the rows go in batches.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from workbench.erasure.postgres_replace import Link, PostgresReplace
from workbench.erasure.sqlstore import WORK
from workbench.erasure.strategy import CannotCopy
from workbench.errors import ErasureError, StoreBusy

KEPT = f"{WORK}kept"
# what keeps a table from being copied: (condition on pg_class c, zh, en)
_BLOCKS = (
    ("c.relkind <> 'r'", "分区表或外部表", "it is partitioned or foreign"),
    ("c.relispartition OR EXISTS (SELECT 1 FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent))",
     "参与继承或分区", "it takes part in inheritance or partitioning"),
    ("EXISTS (SELECT 1 FROM pg_publication_tables p WHERE p.schemaname = c.relnamespace::regnamespace::name "
     "AND p.tablename = c.relname) OR EXISTS (SELECT 1 FROM pg_publication WHERE puballtables)",
     "已发布给订阅端", "it is published to subscribers"),
    ("EXISTS (SELECT 1 FROM pg_event_trigger WHERE evtenabled <> 'D')", "数据库有事件触发器", "the database has event triggers"),
    ("EXISTS (SELECT 1 FROM pg_rewrite r WHERE r.ev_class = c.oid)", "表上有规则", "it has rules"),
    ("c.relforcerowsecurity", "强制行级安全", "row security is forced"),
    ("NOT has_database_privilege(current_database(), 'TEMPORARY')", "不能建临时表", "temporary tables are not allowed"),
    ("EXISTS (SELECT 1 FROM pg_trigger t LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint WHERE t.tgisinternal "
     "AND t.tgenabled <> 'O' AND c.oid IN (t.tgrelid, k.conrelid, k.confrelid))",
     "其外键检查已停用", "checks of its links are switched off"),
    ("EXISTS (SELECT 1 FROM pg_constraint k JOIN pg_class o ON o.oid = k.conrelid WHERE k.contype = 'f' AND "
     "c.oid IN (k.conrelid, k.confrelid) AND (o.relkind <> 'r' OR o.relispartition OR k.conparentid <> 0 OR "
     "NOT pg_has_role(current_user, o.relowner, 'MEMBER')))",
     "有外键属于分区表或他人的表", "a link belongs to a partitioned table or to somebody else's"),
)
_PLAIN = ("AND i.indisvalid AND NOT (i.indisclustered OR i.indisreplident) AND c.reltablespace = 0 "
          "AND NOT EXISTS (SELECT 1 FROM pg_description d WHERE d.objoid = c.oid) "
          "AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid "
          "AND d.deptype IN ('e', 'x')) "
          "AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0)")
"""an index i, c that its definition describes in full"""


class PostgresCopy(PostgresReplace):
    """The part of a PostgresStore that copies kept rows."""

    def cannot_copy(self, table: str) -> tuple[str, str]:
        tests = ", ".join(f"({test})" for test, _, _ in _BLOCKS)
        row = self.run(f"SELECT {tests} FROM pg_class c WHERE c.oid = {self.reg(self.t(table))}").fetchone()
        return next(((zh, en) for hit, (_, zh, en) in zip(row, _BLOCKS, strict=True) if hit), ("", ""))

    def size(self, table: str) -> int:
        return int(self.one(f"SELECT pg_total_relation_size({self.reg(self.t(table))})") or 0)

    def copy_kept(self, table: str, lines: Sequence[Any], later: Collection[str] = ()) -> None:
        t, coming = self.t(table), {self.t(x) for x in later}
        try:
            if sum(line.rows for line in lines) < (self.tables[table].rows or 0):
                try:
                    keys, indexes, links = self._begin_copy(t)
                    if self.can_replace(t, len(keys) + len(indexes)):
                        counts, total, stays = self._counted(table, lines)
                        self._journal(lines, counts, total - self.replace(t, stays, keys, indexes, links, coming))
                        return
                except StoreBusy:
                    raise
                except (CannotCopy, ErasureError):  # whatever is in the way of a new table: the old one keeps its identity then
                    self.rollback()
            self._refill(table, lines)
        except (ErasureError, CannotCopy) as e:
            self.rollback()
            if "23503" in str(e):  # loaded with the checks off once: no copy can make that link again
                raise CannotCopy("外键早已有悬空的行", "a link of it points nowhere already") from None
            raise

    def _begin_copy(self, t: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]], list[Link]]:
        """Settings and locks of the transaction; (keys, indexes, links)."""
        self.run("SET LOCAL lock_timeout = '3s'")
        self.run("SET LOCAL jit = off")
        links = self.links_of(t)
        self.run(f"LOCK TABLE {', '.join(sorted({t, *(x.place for x in links)}))} IN ACCESS EXCLUSIVE MODE")
        return self._keys_of(t), self._indexes_of(t), links

    def _counted(self, table: str, lines: Sequence[Any]) -> tuple[list[int], int, str]:
        """(rows of each line's work table but the last's, rows of the table, condition for those that stay)."""
        counts = [self._count(table, line.work) for line in lines[:-1]]
        total = int(self.one(f"SELECT count(*) FROM {self.t(table)}"))
        return counts, total, " AND ".join(self.stays(table, line.work) for line in lines)

    def _journal(self, lines: Sequence[Any], counts: Sequence[int], gone: int) -> None:
        """The journal's lines, and the end of the transaction."""
        from workbench.erasure import execute

        for line, n in zip(lines, [*counts, gone - sum(counts)], strict=True):
            execute.write_journal(self, "delete", line.work, line.rows, n)
        self.commit()

    def _refill(self, table: str, lines: Sequence[Any]) -> None:
        """Kept rows out, TRUNCATE, kept rows back: the table keeps its identity."""
        t = self.t(table)
        keys, indexes, links = self._begin_copy(t)
        if any(x.waits for x in links):
            self.validate(x.oid for x in links if x.waits)
            links = self.links_of(t)
        before = self._catalogue(t)
        self.triggers_pause(table)
        counts, total, stays = self._counted(table, lines)
        names = self._columns_of(table)
        kept = int(self.run(f"CREATE TEMPORARY TABLE {KEPT} ON COMMIT DROP AS SELECT {names} FROM {t} t WHERE {stays}").rowcount)
        self.unlink(links)
        for name, _ in keys if kept else ():
            self.run(f"ALTER TABLE {t} DROP CONSTRAINT {self.q(name)}")
        for name, _ in indexes if kept else ():
            self.run(f"DROP INDEX {name}")
        self.run(f"TRUNCATE TABLE {t}")
        if kept:
            self.run(f"INSERT INTO {t} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM pg_temp.{KEPT}")
            for name, made in keys:
                self.run(f"ALTER TABLE {t} ADD CONSTRAINT {self.q(name)} {made}")
            for _, made in indexes:
                self.run(made)
        self.link(links, ())
        self.batch_end(table, False)
        if self._catalogue(t) != before:
            raise CannotCopy("替换后的目录与之前不同", "its catalogue would differ afterwards")
        self._journal(lines, counts, total - kept)

    def _count(self, table: str, work: str) -> int:
        """Rows of a work table that are still there."""
        return int(self.one(f"SELECT count(*) FROM {self.t(table)} t JOIN {self.t(work)} w ON {self.match(table, 't', 'w')}"))

    def _columns_of(self, table: str) -> str:
        """Columns that hold something of their own; generated ones come by themselves."""
        rows = self.run("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
                        "AND attgenerated = '' ORDER BY attnum", (self.t(table),)).fetchall()
        return ", ".join(self.q(r[0]) for r in rows)

    def _keys_of(self, t: str) -> list[tuple[str, str]]:
        """(name, definition) of primary and unique keys that nothing hangs on but links, which are taken away before."""
        rows = self.run(
            "SELECT k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conindid "
            f"JOIN pg_index i ON i.indexrelid = c.oid WHERE k.conrelid = {self.reg(t)} AND k.contype IN ('p', 'u') {_PLAIN} "
            "AND c.reloptions IS NULL AND NOT EXISTS (SELECT 1 FROM pg_description d WHERE d.objoid = k.oid) "
            "AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.refobjid IN (k.oid, c.oid) AND d.objid <> c.oid "
            "AND d.objid NOT IN (SELECT f.oid FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid = k.conrelid)) "
            "ORDER BY k.oid").fetchall()
        return [(r[0], r[1]) for r in rows]

    def _indexes_of(self, t: str) -> list[tuple[str, str]]:
        """(name, definition) of indexes that nothing hangs on: the others stay in place and grow row by row."""
        rows = self.run(
            "SELECT n.nspname, c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
            f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid = {self.reg(t)} {_PLAIN} "
            "AND NOT (i.indisprimary OR i.indisexclusion) "
            "AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid) "
            "AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid) ORDER BY c.oid").fetchall()
        return [(f"{self.q(r[0])}.{self.q(r[1])}", r[2]) for r in rows]

    def _catalogue(self, t: str) -> list[Any]:
        """What hangs on a table and could be lost: links, indexes, triggers, columns, grants, policies."""
        out: list[Any] = []
        for sql in (
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated, condeferred, "
            "obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE {t} IN (conrelid, confrelid)",
            "SELECT pg_get_indexdef(i.indexrelid), i.indisprimary, i.indisunique, i.indisvalid, i.indisclustered, "
            "i.indisreplident, c.reltablespace, c.reloptions, c.relowner, obj_description(c.oid, 'pg_class') "
            "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = {t}",
            "SELECT pg_get_triggerdef(oid), tgenabled, obj_description(oid, 'pg_trigger') FROM pg_trigger "
            "WHERE tgrelid = {t} AND NOT tgisinternal",
            "SELECT attname, atttypid, attnotnull, attidentity, attgenerated, attacl, attoptions, attstattarget FROM "
            "pg_attribute WHERE attrelid = {t}",
            "SELECT oid, relowner, relacl, reloptions, relreplident, relrowsecurity, reltablespace, relpersistence "
            "FROM pg_class WHERE oid = {t}",
            "SELECT polname, polcmd, polroles, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = {t}",
            "SELECT d.classid, d.objid, d.deptype FROM pg_depend d WHERE d.refobjid = {t} AND d.classid IN "
            "('pg_rewrite'::regclass, 'pg_class'::regclass) AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE "
            "i.indexrelid = d.objid)",
        ):
            out.append(sorted(self.run(sql.replace("{t}", self.reg(t))).fetchall(), key=repr))
        return out
