"""SQLITE, copying what stays, in one transaction: to a new table that takes the old one's place, else out and back again.

The table's plain indexes and triggers are dropped and made again from their own text, and the whole schema is compared
before the commit. Freed pages are not zeroed meanwhile: VACUUM, which follows in the scrub, writes the file anew, and the
byte scan says whether it did.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from workbench.erasure import runs
from workbench.erasure.sqlstore import WORK, SqlStore
from workbench.erasure.strategy import CannotCopy
from workbench.errors import ErasureError, StoreBusy

KEPT, NEW, GAPS = f"{WORK}kept", f"{WORK}new", f"{WORK}gaps"
_NAMED = re.compile(r"""(CREATE\s+TABLE\s+)(?:"(?:[^"]|"")+"|\[[^\]]+\]|`(?:[^`]|``)+`|'(?:[^']|'')+'|[^\s("'`\[]+)(?=[\s(])""", re.I)
"""how SQLite keeps the text of a table; everything up to the end of its name"""


class SqliteCopy(SqlStore):
    """The part of a SqliteStore that copies kept rows."""

    path: Path
    secure = "ON"

    @staticmethod
    def text(value: str) -> str:
        """An SQL string."""
        return "'" + value.replace("'", "''") + "'"

    def virtual(self) -> dict[str, str]:
        """Virtual tables and their definitions."""
        rows = self.run("SELECT name, sql FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%'").fetchall()
        return {r[0]: r[1] for r in rows}

    def fts(self) -> list[str]:
        """Full-text tables."""
        return [n for n, sql in self.virtual().items() if re.search(r"using\s+fts[345]", sql, re.I)]

    def cannot_copy(self, table: str) -> tuple[str, str]:
        if self.one(f"SELECT sql LIKE 'CREATE VIRTUAL%' FROM sqlite_master WHERE type = 'table' AND name = {self.text(table)}"):
            return "虚拟表", "it is a virtual table"
        fts = "|".join(re.escape(n) for n in self.fts())
        feeds = [n for n, sql in self._made("trigger", table) if fts and re.search(rf"\b(?:{fts})\b", sql, re.I)]
        return ("触发器维护全文索引", "its triggers feed a full-text index") if feeds else ("", "")

    def size(self, table: str) -> int:
        """The file by number of rows: SQLite keeps no sizes."""
        total = sum(max(0, t.rows or 0) for t in self.tables.values())
        return int(self.path.stat().st_size * (self.tables[table].rows or 0) / total) if total else 0

    def _made(self, kind: str, table: str) -> list[tuple[str, str]]:
        """(name, SQL) of a table's indexes or triggers, oldest first."""
        rows = self.run(f"SELECT name, sql FROM sqlite_master WHERE type = '{kind}' AND tbl_name = {self.text(table)} "
                        "AND sql IS NOT NULL ORDER BY rowid").fetchall()
        return [(r[0], r[1]) for r in rows]

    def _schema(self) -> list[Any]:
        rows: list[Any] = self.run("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        return rows + (self.run("SELECT name, seq FROM sqlite_sequence ORDER BY name").fetchall()
                       if any(r[1] == "sqlite_sequence" for r in rows) else [])

    def _columns_of(self, table: str) -> list[str]:
        """Columns that hold something of their own, and the row's number where no column is that number."""
        rows = self.run(f"PRAGMA table_xinfo({self.q(table)})").fetchall()
        names = [self.q(r[1]) for r in rows if r[6] == 0]
        keys = [r for r in rows if r[5]]
        indexed = any(r[3] == "pk" for r in self.run(f"PRAGMA index_list({self.q(table)})").fetchall())  # INTEGER PRIMARY KEY DESC
        if len(keys) == 1 and str(keys[0][2]).upper() == "INTEGER" and not indexed:
            return names
        return [*(k for k in self.key(table) if not k.startswith('"')), *names]

    def make_keys(self, work: str, table: str, where: str) -> int:
        """Row numbers make the work table's own key: a look-up takes half the time of one through an index.

        ``first`` marks where a run of whole numbers begins; between those of a run nothing else can come in.
        """
        if self.key(table)[0].startswith('"'):
            return super().make_keys(work, table, where)
        self.drop(work)
        self.run(f"CREATE TABLE {self.t(work)} (seq INTEGER NOT NULL, k0 INTEGER PRIMARY KEY, first INTEGER)")
        rows = self.run(f"INSERT INTO {self.t(work)} SELECT row_number() OVER w, k, lag(k) OVER w IS NOT k - 1 FROM (SELECT "
                        f"{self.key_of(table, 't')[0]} AS k FROM {self.t(table)} t WHERE {where}) WINDOW w AS (ORDER BY k)").rowcount
        self.run(f"CREATE UNIQUE INDEX {self.q(work + '_s')} ON {self.t(work)} (seq)")
        self.run(f"CREATE INDEX {self.q(work + '_f')} ON {self.t(work)} (seq) WHERE first")
        return int(rows)

    def _runs(self, work: str, done: int, upto: int) -> list[tuple[int, int]] | None:
        """(lowest, highest) of each run of row numbers among some lines of a work table; None where runs are too short."""
        if not self.one(f"SELECT 1 FROM pragma_table_info({self.text(work)}) WHERE name = 'first'"):
            return None
        w, part = self.t(work), "seq > ? AND seq <= ?"
        if self.run(f"SELECT count(*) FROM {w} WHERE first AND {part}", (done, upto)).fetchone()[0] * runs.DENSE > upto - done:
            return None
        begins = self.run(f"SELECT seq, k0 FROM {w} WHERE seq = ? UNION SELECT seq, k0 FROM {w} WHERE first AND {part} ORDER BY 1",
                          (done + 1, done, upto)).fetchall()
        return [(key, key + after - seq - 1) for (seq, key), (after, _) in pairwise([*begins, (upto + 1, 0)])]

    def batch(self, kind: str, table: str, work: str, sql: str, done: int, upto: int) -> int:
        """Where row numbers that go stand in runs, each run is one statement: a look-up less for each row."""
        found = self._runs(work, done, upto) if kind == "delete" else None
        if found is None:
            return super().batch(kind, table, work, sql, done, upto)
        cut = f"DELETE FROM {self.t(table)} WHERE {self.key(table)[0]} BETWEEN ? AND ?"
        return sum(int(self.run(cut, run).rowcount) for run in found)

    def drop(self, work: str) -> None:
        """Without zeroing each page of it on the way: VACUUM follows in the scrub."""
        self.run("PRAGMA secure_delete=OFF")
        super().drop(work)
        self.run(f"PRAGMA secure_delete={self.secure}")

    def copy_kept(self, table: str, lines: Sequence[Any], later: Collection[str] = ()) -> None:
        try:
            self.run("PRAGMA secure_delete=OFF")
            self.run("PRAGMA ignore_check_constraints=ON")
            try:
                self._swapped(table, lines, self._replace)
            except StoreBusy:
                raise
            except (ErasureError, CannotCopy):  # a definition that cannot be had under another name
                self.rollback()
                self._swapped(table, lines, self._refill)
        except (ErasureError, CannotCopy):
            self.rollback()
            raise
        finally:
            for name in (KEPT, GAPS):
                self.run(f"DROP TABLE IF EXISTS temp.{name}")
            self.run("PRAGMA ignore_check_constraints=OFF")
            self.run(f"PRAGMA secure_delete={self.secure}")

    def _swapped(self, table: str, lines: Sequence[Any], work: Callable[[str, str], int]) -> None:
        """Do ``work`` with a table's indexes and triggers out of the way, in one transaction with the journal's lines."""
        from workbench.erasure.execute import write_journal

        self.begin()
        before, made = self._schema(), [(k, *x) for k in ("index", "trigger") for x in self._made(k, table)]
        statistics, sequence = self._statistics(table), self._sequence(table)
        counts = [self._count(table, line.work) for line in lines[:-1]]
        total = int(self.one(f"SELECT count(*) FROM {self.t(table)}"))
        for kind, name, _ in made:
            self.run(f"DROP {kind} {self.q(name)}")
        kept = work(table, self._stays(table, lines))
        for _, _, sql in made:
            self.run(sql)
        self._statistics_back(table, statistics)
        if sequence is not None:
            self.run("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            self.run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, sequence))
        if self._schema() != before:
            raise CannotCopy("替换后的结构与之前不同", "its definition would differ afterwards")
        for line, n in zip(lines, [*counts, total - kept - sum(counts)], strict=True):
            write_journal(self, "delete", line.work, line.rows, n)
        self.commit()

    def _replace(self, table: str, stays: str) -> int:
        """A new table of the same text takes the place of the old one: the kept rows are written once.

        The steps are those that SQLite's documentation of ALTER TABLE names for changes it has no command for; the text that
        RENAME has quoted anew is put back as it was.
        """
        text = str(self.one(f"SELECT sql FROM sqlite_master WHERE type = 'table' AND name = {self.text(table)}"))
        found = _NAMED.match(text)
        if found is None:
            raise CannotCopy("建表语句无法解析", "its definition has another form")
        names = ", ".join(self._columns_of(table))
        self.run(f"{found[1]}{NEW}{text[found.end():]}")
        kept = int(self.run(f"INSERT INTO {NEW} ({names}) SELECT {names} {stays}").rowcount)
        self.run(f"DROP TABLE {self.t(table)}")
        self.run("PRAGMA legacy_alter_table=ON")  # names in views, triggers and links of others stay as they are
        try:
            self.run(f"ALTER TABLE {NEW} RENAME TO {self.t(table)}")
        finally:
            self.run("PRAGMA legacy_alter_table=OFF")
        self.run("PRAGMA writable_schema=ON")
        try:
            self.run("UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (text, table))
        finally:
            self.run("PRAGMA writable_schema=OFF")
        return kept

    def _refill(self, table: str, stays: str) -> int:
        """Kept rows out to a temporary table, everything deleted at a stroke, kept rows back; the definition is never touched."""
        t, names = self.t(table), self._columns_of(table)
        self.run(f"DROP TABLE IF EXISTS temp.{KEPT}")
        cells = ", ".join(f"{n} AS c{i}" for i, n in enumerate(names))
        self.run(f"CREATE TEMPORARY TABLE {KEPT} AS SELECT {cells} {stays}")
        self.run(f"DELETE FROM {t}")
        return int(self.run(f"INSERT INTO {t} ({', '.join(names)}) SELECT * FROM temp.{KEPT}").rowcount)

    def _sequence(self, table: str) -> int | None:
        """The last number that AUTOINCREMENT gave."""
        if not self.has("sqlite_sequence"):
            return None
        row = self.run("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
        return int(row[0]) if row and row[0] is not None else None

    def _statistics(self, table: str) -> list[Any]:
        """ANALYZE's counts, which go with a dropped index."""
        there = self.has("sqlite_stat1")
        return list(self.run("SELECT tbl, idx, stat FROM sqlite_stat1 WHERE tbl = ?", (table,)).fetchall()) if there else []

    def _statistics_back(self, table: str, rows: list[Any]) -> None:
        if rows:
            self.run("DELETE FROM sqlite_stat1 WHERE tbl = ?", (table,))
        for row in rows:
            self.run("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", row)

    def _count(self, table: str, work: str) -> int:
        return int(self.one(f"SELECT count(*) FROM {self.t(table)} t JOIN {self.t(work)} w ON {self.match(table, 't', 'w')}"))

    def _stays(self, table: str, lines: Sequence[Any]) -> str:
        """FROM and WHERE of the rows that stay, alias t."""
        name, t = self.key_of(table, "t")[0], self.t(table)
        found = self._runs(lines[0].work, 0, lines[0].rows) if len(lines) == 1 and lines[0].rows else None
        if found is not None:  # what lies between the runs, so rows that go are not even read
            self.run(f"CREATE TEMPORARY TABLE {GAPS} (lo INTEGER, hi INTEGER)")
            ends = [runs.SIGNED[0] - 1, *(x for run in found for x in run), runs.SIGNED[1] + 1]
            gaps = [(a + 1, b - 1) for a, b in zip(ends[::2], ends[1::2], strict=True) if a + 1 <= b - 1]
            for gap in gaps:
                self.run(f"INSERT INTO temp.{GAPS} VALUES (?, ?)", gap)
            return f"FROM temp.{GAPS} g CROSS JOIN {t} t WHERE {name} BETWEEN g.lo AND g.hi"
        if not self.key(table)[0].startswith('"'):  # the work table itself is searched, three times as quick as row by row
            return f"FROM {t} t WHERE " + " AND ".join(f"{name} NOT IN (SELECT k0 FROM {self.t(x.work)})" for x in lines)
        return f"FROM {t} t WHERE " + " AND ".join(
            f"NOT EXISTS (SELECT 1 FROM {self.t(x.work)} w WHERE {self.match(table, 't', 'w')})" for x in lines)
