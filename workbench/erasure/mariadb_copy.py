"""MARIADB, copying what stays: into a new table of the same definition, which then takes the old one's place and name.

The table is locked from the first row read until the new one stands. MariaDB has no transaction over this, so the journal
says how far it is: until the kept rows lie committed in ``wb_erase_kept`` nothing has happened; then the old table is
dropped and the new one renamed, two statements under the same lock, because links from other tables follow a renamed
table (RENAME of both at once would leave them at the old one) and stay at the name of a dropped one. So nobody ever
reads an empty or a half-filled table. A kill exactly between the two leaves the table missing until the next run renames
it, which any opening of the store does first; a kill anywhere else leaves the old table or the new one, whole. InnoDB's
number of the table tells which. Links of the table itself go with the old one; ``wb_erase_links`` keeps their definitions,
tried beforehand on an empty table, and they are made again at the end (MariaDB knows no two links of one name).
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from workbench.erasure import runs
from workbench.erasure.mariadb_scrub import MariaScrub
from workbench.erasure.sqlstore import JOURNAL, WORK
from workbench.erasure.strategy import CannotCopy
from workbench.errors import ErasureError

KEPT, LINKS, GAPS = f"{WORK}kept", f"{WORK}links", f"{WORK}gaps"
SUFFIX = "_r"
"""of the table that holds the runs of a work table's keys"""
_LOADING = {"foreign_key_checks": "0", "unique_checks": "0", "auto_increment_increment": "1", "auto_increment_offset": "1"}
_SESSION = {"foreign_key_checks": "0", "unique_checks": "0", "check_constraint_checks": "0", "time_zone": "'+00:00'",
            "sql_mode": "'NO_AUTO_VALUE_ON_ZERO'", "sql_quote_show_create": "1"}
# unique_checks and foreign_key_checks off let InnoDB build an empty table's indexes by sorting; the rows come from a
# table with the same keys and links, so there is nothing to check
_LINK = re.compile(r"  CONSTRAINT `((?:[^`]|``)+)` (FOREIGN KEY .*?),?$")
_WHOLE = ("tinyint", "smallint", "mediumint", "int", "bigint")


class MariaCopy(MariaScrub):
    """The part of a MariaStore that copies kept rows."""

    def cannot_copy(self, table: str) -> tuple[str, str]:
        row = self.run("SELECT engine, table_type, create_options FROM information_schema.tables "
                       "WHERE table_schema = %s AND table_name = %s", (self.db, table)).fetchone()
        if row is None or row[0] != "InnoDB" or row[1] != "BASE TABLE":
            return "不是 InnoDB 普通表", "it is no plain InnoDB table"
        if re.fullmatch(r"w\d*", table):
            return "表名与内部别名相同", "its name is one of our aliases"
        if "partitioned" in str(row[2]):
            return "分区表", "it is partitioned"
        inserts = self.run("SELECT 1 FROM information_schema.triggers WHERE event_object_schema = %s AND "
                           "event_object_table = %s AND event_manipulation = 'INSERT'", (self.db, table)).fetchone()
        if inserts:
            return "有 INSERT 触发器", "it has a trigger on INSERT"
        try:
            known = self._number(table)
        except ErasureError:
            self.rollback()
            known = 0
        return ("", "") if known else ("没有 PROCESS 权限，看不到表的内部编号", "InnoDB's number of the table cannot be read (PROCESS)")

    def size(self, table: str) -> int:
        row = self.run("SELECT data_length + index_length FROM information_schema.tables WHERE table_schema = %s "
                       "AND table_name = %s", (self.db, table)).fetchone()
        return int(row[0] or 0) if row else 0

    def _number(self, table: str) -> int:
        """InnoDB's number of a table; TRUNCATE gives it a new one."""
        row = self.run("SELECT table_id FROM information_schema.innodb_sys_tables WHERE name = %s",
                       (f"{self._folder()}/{self._folder(table)}",)).fetchone()
        return int(row[0]) if row else 0

    def _columns_of(self, table: str) -> str:
        rows = self.run("SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
                        "AND COALESCE(generation_expression, '') = '' ORDER BY ordinal_position", (self.db, table)).fetchall()
        return ", ".join(self.q(r[0]) for r in rows)

    def open(self) -> None:
        super().open()
        missing = [t for t in self._copied() if not self.has(t)]
        if missing and self.has(KEPT):
            self._rename(missing[0])
            self.close()
            super().open()

    def make_keys(self, work: str, table: str, where: str) -> int:
        """Keys in their own order into an empty table, counted by the server: 2.4 times as quick as numbering them by a window
        and adding the indexes afterwards (4.5 M keys).
        """
        keys = self.key_of(table, "t")
        names = [f"k{i}" for i in range(len(keys))]
        self.drop(work)
        self.run(f"CREATE TABLE {self.t(work)} (seq BIGINT NOT NULL AUTO_INCREMENT, PRIMARY KEY ({', '.join(names)}), "
                 f"UNIQUE KEY {self.q(work + '_s')} (seq)) ENGINE=InnoDB AS SELECT "
                 f"{', '.join(f'{k} AS {n}' for k, n in zip(keys, names, strict=True))} FROM {self.t(table)} t WHERE 1=0")
        with self._session(_LOADING):
            rows = self.run(f"INSERT INTO {self.t(work)} ({', '.join(names)}) SELECT {', '.join(keys)} FROM {self.t(table)} t "
                            f"WHERE {where} ORDER BY {', '.join(keys)}").rowcount
        self.commit()  # or the rows read would stay locked for others
        if rows != int(self.one(f"SELECT COALESCE(max(seq), 0) FROM {self.t(work)}")):
            return super().make_keys(work, table, where)  # numbers were left out
        if (kind := self._whole_key(table)) and runs.dense(self, work):
            self._make_runs(work, kind)
        return int(rows)

    def _make_runs(self, work: str, kind: str) -> None:
        place = work + SUFFIX
        self.run(f"DROP TABLE IF EXISTS {self.t(place)}")
        self.run(f"CREATE TABLE {self.t(place)} (wb_lo {kind} NOT NULL PRIMARY KEY, wb_hi {kind} NOT NULL) ENGINE=InnoDB")
        runs.fill(self, work, self.t(place))
        self.commit()

    def drop(self, work: str) -> None:
        self.run(f"DROP TABLE IF EXISTS {self.t(work)}, {self.t(work + SUFFIX)}")

    def copy_kept(self, table: str, lines: Sequence[Any], later: Collection[str] = ()) -> None:
        from workbench.erasure.execute import write_journal

        works, rows = [line.work for line in lines], sum(line.rows for line in lines)
        counted = self._counted(table)
        with self._session():
            self._make_kept(table)
            between = self._between(table, works[0], rows) if len(works) == 1 else False
            with self._locked(table, [*works, *([GAPS] if between else [])]):
                self._same_definition(table)
                if following := self._next(table):
                    self.run(f"ALTER TABLE {self.t(KEPT)} AUTO_INCREMENT = {following}")
                gone = [self._joined(table, w, i) for i, w in enumerate(works[:-1])]
                total = int(self.one(f"SELECT count(*) FROM {self.t(table)}"))
                left = total - int(self.run(self._fill_sql(table, works, between)).rowcount)
                self.commit()
                if not sum(gone) <= left <= rows:
                    raise ErasureError(f"{table}: {left} rows would go and {rows} are to", "nothing was changed; run erase again",
                                       where=self.name)
                for line, n in zip(lines, [*gone, left - sum(gone)], strict=True):
                    write_journal(self, "gone", line.work, line.rows, n)
                write_journal(self, "copied", table, self._number(table), counted)
                self.commit()
                self.run(f"DROP TABLE {self.t(table)}")
                self._rename(table)
            self._complete(table)
        self._tidy()

    def _joined(self, table: str, work: str, i: int) -> int:
        """Rows of a work table that are still there."""
        return int(self.one(f"SELECT count(*) FROM {self.t(work)} w{i} STRAIGHT_JOIN {self.t(table)} t "
                            f"ON {self.match(table, 't', f'w{i}')}"))

    def _fill_sql(self, table: str, works: Sequence[str], between: bool) -> str:
        names = self._columns_of(table)
        into = f"INSERT INTO {self.t(KEPT)} ({names})"
        if between:
            return (f"{into} SELECT {names} FROM {self.t(GAPS)} w STRAIGHT_JOIN {self.t(table)} t FORCE INDEX (PRIMARY) "
                    f"WHERE {self.key_of(table, 't')[0]} BETWEEN w.wb_lo AND w.wb_hi")
        stays = " AND ".join(f"NOT EXISTS (SELECT 1 FROM {self.t(w)} w{i} WHERE {self.match(table, 't', f'w{i}')})"
                             for i, w in enumerate(works))
        return f"{into} SELECT {names} FROM {self.t(table)} t WHERE {stays}"

    def _between(self, table: str, work: str, rows: int) -> bool:
        """Whether ``wb_erase_gaps`` now says between which keys rows stay: only for a primary key of one whole number."""
        kind, place = self._whole_key(table), work + SUFFIX
        if not kind or not runs.dense(self, work):
            return False
        if not self.has(place) or int(self.one(f"SELECT COALESCE(sum(wb_hi - wb_lo + 1), 0) FROM {self.t(place)}")) != rows:
            self._make_runs(work, kind)
        self.drop(GAPS)
        self.run(f"CREATE TABLE {self.t(GAPS)} (wb_lo {kind} NOT NULL PRIMARY KEY, wb_hi {kind} NOT NULL) ENGINE=InnoDB")
        runs.invert(self, self.t(place), self.t(GAPS), runs.UNSIGNED if "UNSIGNED" in kind else runs.SIGNED)
        self.commit()
        return True

    def _whole_key(self, table: str) -> str:
        """BIGINT or BIGINT UNSIGNED where the primary key is one whole number; else empty."""
        key = self.tables[table].primary_key
        row = self.run("SELECT data_type, column_type LIKE '%unsigned%' FROM information_schema.columns WHERE table_schema = %s "
                       "AND table_name = %s AND column_name = %s", (self.db, table, key[0])).fetchone() if len(key) == 1 else None
        return ("BIGINT UNSIGNED" if row[1] else "BIGINT") if row is not None and str(row[0]).lower() in _WHOLE else ""

    def _copied(self) -> dict[str, tuple[int, int]]:
        """Tables whose kept rows lie committed beside them: name -> (InnoDB's number before, whether it had statistics)."""
        return {work: state for (kind, work), state in self.journal().items() if kind == "copied"}

    def finish_copy(self) -> None:
        copied = self._copied()
        for table, (number, _) in copied.items():
            if not self.has(table):
                raise ErasureError(f"{table} is gone, and so is {KEPT}, which held the rows of it that stay",
                                   "workbench vault restore the table, then run erase again", where=self.name)
            if self._number(table) != number:
                with self._session():
                    self._complete(table)
        if copied or self.has(KEPT):
            self._tidy()

    def _rename(self, table: str) -> None:
        self.run(f"ALTER TABLE {self.t(KEPT)} RENAME TO {self.t(table)}")

    def _complete(self, table: str) -> None:
        """Make the links again and turn the journal's preliminary lines into final ones, in one transaction."""
        there = {name for name, _ in self._definition(table)[1]}
        links = self.run(f"SELECT name, made FROM {self.t(LINKS)}").fetchall() if self.has(LINKS) else ()
        for name, made in links:
            if name not in there:
                self.run(f"ALTER TABLE {self.t(table)} ADD CONSTRAINT {self.q(name)} {made}")
        if self._copied()[table][1]:
            self.run(f"ANALYZE TABLE {self.t(table)} PERSISTENT FOR ALL").fetchall()
        self.run(f"UPDATE {self.t(JOURNAL)} SET kind = 'delete' WHERE kind = 'gone'")
        self.run(f"DELETE FROM {self.t(JOURNAL)} WHERE kind = 'copied'")
        self.commit()

    def _tidy(self) -> None:
        """Take away what a copy needed, whether it came to its end or has to begin anew."""
        if self.has(JOURNAL):
            self.run(f"DELETE FROM {self.t(JOURNAL)} WHERE kind IN ('copied', 'gone')")
            self.commit()
        for name in (KEPT, LINKS, GAPS):
            self.drop(name)

    def _next(self, table: str) -> int:
        """The next number an AUTO_INCREMENT column would give; a new table begins at 1, and ids must not come twice."""
        row = self.run("SELECT auto_increment FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
                       (self.db, table)).fetchone()
        return int(row[0] or 0) if row else 0

    def _counted(self, table: str) -> int:
        """1 if the table has statistics of its own, which go with it and are then made again."""
        try:
            return len(self.run("SELECT 1 FROM mysql.table_stats WHERE db_name = %s AND table_name = %s", (self.db, table)).fetchall())
        except ErasureError:
            self.rollback()
            return 0

    def _definition(self, table: str) -> tuple[list[str], list[tuple[str, str]]]:
        """(what SHOW CREATE TABLE says but for name, counter and links; each link's name and definition)."""
        lines = str(self.run(f"SHOW CREATE TABLE {self.t(table)}").fetchone()[1]).split("\n")[1:]
        links = [(m[1].replace("``", "`"), m[2]) for m in map(_LINK.match, lines) if m]
        return [re.sub(r" AUTO_INCREMENT=\d+", "", x.rstrip(",")) for x in lines if not _LINK.match(x)], links

    def _make_kept(self, table: str) -> None:
        """An empty table with the same columns, keys and options; its links are written down, and tried (a missing
        privilege shows here)."""
        self.drop(LINKS)
        self.run(f"CREATE TABLE {self.t(LINKS)} (name VARCHAR(64) PRIMARY KEY, made TEXT)")
        links = self._definition(table)[1]
        for n, (name, made) in enumerate(links):
            self.drop(KEPT)
            self.run(f"CREATE TABLE {self.t(KEPT)} LIKE {self.t(table)}")
            self.run(f"ALTER TABLE {self.t(KEPT)} ADD CONSTRAINT {self.q(f'{WORK}l{n}')} {made}")
            self.run(f"INSERT INTO {self.t(LINKS)} VALUES (%s, %s)", (name, made))
        self.drop(KEPT)
        self.run(f"CREATE TABLE {self.t(KEPT)} LIKE {self.t(table)}")

    def _same_definition(self, table: str) -> None:
        """
        Raises:
            CannotCopy: the new table would differ, or a trigger would go with the old one; nothing was changed.
        """
        (new, _), (old, links) = self._definition(KEPT), self._definition(table)
        if new != old or len(links) != int(self.one(f"SELECT count(*) FROM {self.t(LINKS)}")):
            raise CannotCopy("其定义无法原样重建", "its definition would differ afterwards")
        if self.run("SELECT 1 FROM information_schema.triggers WHERE event_object_schema = %s AND event_object_table = %s",
                    (self.db, table)).fetchone():
            raise CannotCopy("表上有触发器", "it has a trigger")

    @contextmanager
    def _session(self, wanted: Mapping[str, str] = _SESSION) -> Iterator[None]:
        saved = self.run("SELECT " + ", ".join(f"@@SESSION.{k}" for k in wanted)).fetchone()
        try:
            for name, value in wanted.items():
                self.run(f"SET SESSION {name} = {value}")
            yield
        finally:
            for name, old in zip(wanted, saved, strict=True):
                if self.cx.open:
                    self.run(f"SET SESSION {name} = %s", (old,))

    @contextmanager
    def _locked(self, table: str, works: Sequence[str]) -> Iterator[None]:
        """Nobody else reads or writes the table meanwhile. No START TRANSACTION in here: it would release the locks."""
        plain = [] if table == "t" else [f"{self.t(table)} WRITE"]  # its own name is the alias then, and may stand only once
        wanted = [*plain, f"{self.t(table)} AS t WRITE", f"{self.t(KEPT)} WRITE", f"{self.t(JOURNAL)} WRITE",
                  f"{self.t(LINKS)} READ",
                  *(f"{self.t(w)} AS {'w' if w == GAPS else f'w{i}'} READ" for i, w in enumerate(works))]
        self.commit()
        try:
            self.run(f"LOCK TABLES {', '.join(dict.fromkeys(wanted))}")
            yield
        except (ErasureError, CannotCopy):
            self.rollback()
            raise
        finally:
            if self.cx.open:
                self.run("UNLOCK TABLES")
