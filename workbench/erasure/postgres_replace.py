"""POSTGRESQL, a new table of what stays in place of the old one: the kept rows are written once.

Only for a table of whose definition everything is known here: columns, keys, plain indexes, links, checks, defaults, serial
sequences, owner, grants and comments. ``pg_depend`` says whether anything else hangs on it (views, triggers, policies,
statistics objects, row types); then :mod:`postgres_copy` empties and refills the table instead, which keeps its identity and
writes the kept rows twice. The definition is read before and after, and a difference rolls everything back.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.erasure.postgres_keys import PostgresKeys
from workbench.erasure.sqlstore import JOURNAL, WORK
from workbench.erasure.strategy import CannotCopy
from workbench.errors import ErasureError, StoreBusy

NEW = f"{WORK}new"
WAITS = "link"
"""kind of the journal's lines that name (by number) a foreign key to be validated yet"""
# whether pg_class c has nothing but what _SPELLED tells (pg_attver is the server's own mark since 15.20, new in each table)
_PLAIN_TABLE = """
SELECT c.relkind = 'r' AND c.reloftype = 0 AND c.relpersistence = 'p'
    AND c.reltablespace = 0 AND c.reloptions IS NULL AND c.relreplident = 'd'
    AND NOT c.relrowsecurity AND (SELECT amname = 'heap' FROM pg_am WHERE oid = c.relam)
    AND (c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) OR
         (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))
    AND NOT EXISTS (SELECT 1 FROM pg_class x WHERE x.oid = c.reltoastrelid AND x.reloptions IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM pg_trigger x WHERE x.tgrelid = c.oid AND NOT x.tgisinternal)
    AND NOT EXISTS (SELECT 1 FROM pg_seclabel x WHERE x.objoid = c.oid)
    AND NOT EXISTS (SELECT 1 FROM pg_subscription_rel x WHERE x.srrelid = c.oid)
    AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype IN ('e', 'x'))
    AND NOT EXISTS (SELECT 1 FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0
        AND NOT a.attisdropped AND (a.attidentity <> '' OR a.attgenerated <> '' OR a.attacl IS NOT NULL
            OR EXISTS (SELECT 1 FROM unnest(a.attoptions) x WHERE x NOT LIKE 'pg\\_attver=%')
            OR a.attstattarget >= 0 OR a.attstorage <> y.typstorage OR a.attcompression <> ''))
    AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype NOT IN ('p', 'u', 'f', 'c'))
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND NOT (
        d.classid = 'pg_class'::regclass AND d.objid IN (SELECT indexrelid FROM pg_index WHERE indrelid = c.oid)
        OR d.classid = 'pg_class'::regclass AND d.objid = c.reltoastrelid
        OR d.classid = 'pg_class'::regclass AND d.deptype = 'a' AND (SELECT relkind = 'S' FROM pg_class s WHERE s.oid = d.objid)
        OR d.classid = 'pg_type'::regclass AND d.objid = c.reltype
        OR d.classid = 'pg_attrdef'::regclass
        OR d.classid = 'pg_constraint'::regclass AND EXISTS (SELECT 1 FROM pg_constraint k WHERE k.oid = d.objid
            AND (k.conrelid = c.oid OR k.contype = 'f'))))
    AND NOT EXISTS (SELECT 1 FROM pg_depend d JOIN pg_type y ON y.oid = c.reltype WHERE d.refclassid = 'pg_type'::regclass
        AND d.refobjid IN (c.reltype, y.typarray) AND d.objid <> y.typarray)
    AND NOT EXISTS (SELECT 1 FROM pg_type y WHERE y.oid = c.reltype AND (y.typacl IS NOT NULL
        OR EXISTS (SELECT 1 FROM pg_description d WHERE d.classoid = 'pg_type'::regclass AND d.objoid = y.oid)))
    AND NOT EXISTS (SELECT 1 FROM pg_attribute a JOIN pg_class x ON x.oid = a.attrelid WHERE a.atttypid = 'regclass'::regtype
        AND a.attnum > 0 AND NOT a.attisdropped AND x.relkind IN ('r', 'm', 'p') AND x.oid >= 16384)
    AND (SELECT count(*) FROM pg_index WHERE indrelid = c.oid) = {indexes}
FROM pg_class c WHERE c.oid = {t}"""
_SPELLED = (  # everything of a table by name, never by number, which a new table has anew
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attcollation, "
    "col_description(a.attrelid, a.attnum) FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
    "WHERE a.attrelid = {t} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
    "SELECT pg_get_userbyid(c.relowner), c.relacl::text[], obj_description(c.oid, 'pg_class'), c.reltablespace, c.relam "
    "FROM pg_class c WHERE c.oid = {t}",
    "SELECT pg_get_indexdef(i.indexrelid), i.indisprimary, i.indisunique, i.indisvalid, i.indisclustered, i.indisreplident, "
    "c.reltablespace, c.reloptions, obj_description(c.oid, 'pg_class') FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "WHERE i.indrelid = {t} ORDER BY 1",
    "SELECT k.contype, k.conname, CASE k.contype WHEN 'f' THEN replace(pg_get_constraintdef(k.oid), ' NOT VALID', '') "
    "ELSE pg_get_constraintdef(k.oid) END, k.convalidated, k.condeferrable, k.condeferred, obj_description(k.oid, 'pg_constraint'), "
    "k.conrelid::regclass::text FROM pg_constraint k "
    "WHERE {t} IN (k.conrelid, k.confrelid) ORDER BY 2, 8",
    "SELECT s.oid::regclass::text, a.attname FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' "
    "JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_class'::regclass "
    "AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a' AND d.refobjid = {t} ORDER BY 1",
)


@dataclass(frozen=True)
class Link:
    """A foreign key from or to a table."""

    oid: int
    place: str
    """the table that points, quoted"""
    target: str
    """the table that it points at, quoted"""
    name: str
    made: str
    """its definition; without NOT VALID where that was ours"""
    comment: str | None
    waits: bool = False
    """made here as NOT VALID, to be validated when the table that it points at is through"""


class PostgresReplace(PostgresKeys):
    """The part of a PostgresStore that puts a new table in an old one's place."""

    def can_replace(self, t: str, indexes: int) -> bool:
        """Whether everything of a table is carried over; ``indexes``: how many of its keys and indexes are known."""
        return bool(self.one(_PLAIN_TABLE.format(t=self.reg(t), indexes=int(indexes))))

    def replace(self, t: str, where: str, keys: Sequence[tuple[str, str]], indexes: Sequence[tuple[str, str]],
                links: Sequence[Link], later: Collection[str]) -> int:
        """Put the rows of ``t`` that meet ``where`` (alias t) into a new table that takes its place; how many they are.

        Args:
            keys: (name, definition) of all its primary and unique keys; ``indexes``: of its other indexes.
            later: tables that are copied after this one: links to them are validated then, once.

        Raises:
            CannotCopy: the definition would differ; the caller rolls back.
        """
        before = self._spelled(t, links, later)
        columns, (owner, grants, comment, *_), _, constraints, sequences = before
        schema, name = t[:-len(self._last(t)) - 1], self._last(t)
        new = f"{schema}.{self.q(NEW)}"
        self.run(f"DROP TABLE IF EXISTS {new}")
        self.run("SET LOCAL default_tablespace = ''; SET LOCAL default_table_access_method = heap")
        names = ", ".join(self.q(c[0]) for c in columns)
        kept = int(self.run(f"CREATE TABLE {new} AS SELECT {names} FROM {t} t WHERE {where}").rowcount)
        self.unlink(links)
        for sequence, _ in sequences:
            self.run(f"ALTER SEQUENCE {sequence} OWNED BY NONE")
        self.run(f"DROP TABLE {t}")
        self.run(f"ALTER TABLE {new} RENAME TO {name}")
        checks = [(c[1], c[2]) for c in constraints if c[0] == "c"]
        todo = [f"ALTER {self.q(c[0])} SET NOT NULL" for c in columns if c[2]]
        todo += [f"ALTER {self.q(c[0])} SET DEFAULT {c[3]}" for c in columns if c[3] is not None]
        todo += [f"ADD CONSTRAINT {self.q(n)} {made}" for n, made in (*keys, *checks)]
        if todo:  # one reading of the table for all of them
            self.run(f"ALTER TABLE {t} {', '.join(todo)}")
        for _, made in indexes:
            self.run(made)
        self._grants(t, owner, grants)  # a sequence can be owned only by a table of its own owner
        self.link(links, later)
        for sequence, column in sequences:
            self.run(f"ALTER SEQUENCE {sequence} OWNED BY {t}.{self.q(column)}")
        told = [(f"TABLE {t}", comment), *((f"COLUMN {t}.{self.q(c[0])}", c[5]) for c in columns),
                *((f"CONSTRAINT {self.q(c[1])} ON {t}", c[6]) for c in constraints if c[0] == "c")]
        for thing, text in told:
            if text is not None:
                self.run(f"COMMENT ON {thing} IS {self.literal(text)}")
        if self._spelled(t, links, later) != before:
            raise CannotCopy("替换后的定义与之前不同", "its definition would differ afterwards")
        return kept

    def links_of(self, t: str) -> list[Link]:
        """Foreign keys from and to a table."""
        rows = self.run("SELECT k.oid, n.nspname, c.relname, m.nspname, p.relname, k.conname, pg_get_constraintdef(k.oid), "
                        "obj_description(k.oid, 'pg_constraint') FROM pg_constraint k "
                        "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
                        "JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace m ON m.oid = p.relnamespace "
                        f"WHERE k.contype = 'f' AND {self.reg(t)} IN (k.conrelid, k.confrelid) ORDER BY k.oid").fetchall()
        waiting = {work for kind, work in self.journal() if kind == WAITS}
        return [Link(r[0], f"{self.q(r[1])}.{self.q(r[2])}", f"{self.q(r[3])}.{self.q(r[4])}", r[5],
                     r[6].removesuffix(" NOT VALID") if str(r[0]) in waiting else r[6], r[7], str(r[0]) in waiting) for r in rows]

    def unlink(self, links: Sequence[Link]) -> None:
        """Take foreign keys away."""
        for one in links:
            self.run(f"ALTER TABLE {one.place} DROP CONSTRAINT {self.q(one.name)}")
            if one.waits:
                self._forget(one.oid)

    def link(self, links: Sequence[Link], later: Collection[str]) -> None:
        """Make them again; those to a table in ``later`` unvalidated, with a line in the journal that says so."""
        for one in links:
            from workbench.erasure import execute

            wait = one.target in later and not one.made.endswith(" NOT VALID")
            self.run(f"ALTER TABLE {one.place} ADD CONSTRAINT {self.q(one.name)} {one.made}{' NOT VALID' * wait}")
            if one.comment is not None:
                self.run(f"COMMENT ON CONSTRAINT {self.q(one.name)} ON {one.place} IS {self.literal(one.comment)}")
            if wait:
                oid = self.run(f"SELECT oid FROM pg_constraint WHERE conrelid = {self.reg(one.place)} AND conname = %s",
                               (one.name,)).fetchone()[0]
                execute.write_journal(self, WAITS, str(oid), 0, 0)

    def finish_links(self) -> None:
        """Validate what still waits: a table that was to be copied went another way, or a run was killed."""
        for oid in [int(work) for kind, work in self.journal() if kind == WAITS]:
            try:
                self.validate([oid])
                self.commit()
            except StoreBusy:
                self.rollback()
                raise
            except ErasureError:  # rows that point nowhere, and did before: the verifier counts them, and NOT VALID is the truth
                self.rollback()
                self._forget(oid)
                self.commit()

    def validate(self, oids: Iterable[int]) -> None:
        """Validate foreign keys that wait, in the caller's transaction."""
        for oid in oids:
            row = self.run("SELECT n.nspname, c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
                           f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE k.oid = {oid} AND NOT k.convalidated").fetchone()
            if row:
                self.run(f"ALTER TABLE {self.q(row[0])}.{self.q(row[1])} VALIDATE CONSTRAINT {self.q(row[2])}")
            self._forget(oid)

    def _forget(self, oid: int) -> None:
        self.run(f"DELETE FROM {self.t(JOURNAL)} WHERE kind = '{WAITS}' AND work = '{oid}'")

    def _last(self, t: str) -> str:
        """The quoted name without its schema."""
        found = re.search(r'"(?:[^"]|"")*"$', t)
        assert found
        return found[0]

    def _grants(self, t: str, owner: str, grants: list[str] | None) -> None:
        self.run(f"ALTER TABLE {t} OWNER TO {self.q(owner)}")
        if grants is None:
            return
        listed = ("SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, privilege_type, is_grantable "
                  "FROM aclexplode(")
        given = self.run(f"{listed}(SELECT relacl FROM pg_class WHERE oid = {self.reg(t)}))").fetchall()  # by default privileges
        for grantee in sorted({"PUBLIC", self.q(owner), *(r[0] for r in given)}):
            self.run(f"REVOKE ALL ON {t} FROM {grantee}")
        for grantee, right, onward in self.run(f"{listed}%s::aclitem[])", (grants,)).fetchall() if grants else ():
            self.run(f"GRANT {right} ON {t} TO {grantee}{' WITH GRANT OPTION' * onward}")

    def _spelled(self, t: str, links: Sequence[Link], later: Collection[str]) -> list[Any]:
        """All that makes up a table, by name: columns, owner and grants, indexes, constraints, sequences."""
        columns, table, indexes, constraints, sequences = (
            [tuple(r) for r in self.run(sql.format(t=self.reg(t))).fetchall()] for sql in _SPELLED)
        loose = {x.name for x in links if x.waits or x.target in later}
        constraints = [(*r[:3], r[3] or (r[0] == "f" and r[1] in loose), *r[4:]) for r in constraints]
        return [columns, table[0], indexes, constraints, sequences]
