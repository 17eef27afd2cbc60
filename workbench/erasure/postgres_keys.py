"""POSTGRESQL, the keys of rows that go: as runs of whole numbers where they stand in runs, else one line each.

A run [lo, hi] says that every whole number from lo to hi is the key of a row that goes, so nothing else can come in
between. Runs are made out of one sorted reading of the keys and are some hundred times fewer lines to write, index and read
than the keys (4.5 M keys in 50,000 runs on the benchmark's tables). What wants lines (seq, k0) reads a view that spells them out.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

from workbench.erasure import runs
from workbench.erasure.postgres_scrub import PostgresScrub

LARGE = 50_000
"""rows from which a table's keys are tried as runs"""
MOST_RUNS = 1_000_000
"""more do not fit in memory with ease, where a copy looks each row up among their ends (16 MB)"""
WHOLE = ("smallint", "integer", "bigint")
SUFFIX = "_r"


class PostgresKeys(PostgresScrub):
    """The part of a PostgresStore that writes down which rows go, and finds them again."""

    def make_keys(self, work: str, table: str, where: str) -> int:
        key = self.tables[table].primary_key
        if len(key) != 1 or self.kind(table, key[0]) not in WHOLE or (self.tables[table].rows or 0) < LARGE:
            n = super().make_keys(work, table, where)
            self.run(f"ANALYZE {self.t(work)}")
            return n
        self.drop(work)
        place, name = self.t(work + SUFFIX), self.key_of(table, "t")[0]
        self.run(f"CREATE TABLE {place} AS SELECT min(k) AS lo, max(k) AS hi, "
                 "(sum(count(*)) OVER (ORDER BY min(k)) - count(*))::bigint AS before "
                 f"FROM (SELECT {name}::bigint AS k, {name} - (row_number() OVER (ORDER BY {name}) - 1) AS run FROM {self.t(table)} t "
                 f"WHERE {where}) x GROUP BY run")
        rows, count = self.run(f"SELECT COALESCE(sum(hi - lo + 1), 0), count(*) FROM {place}").fetchone()
        lines = f"SELECT r.before + (k - r.lo) + 1 AS seq, k AS k0 FROM {place} r, generate_series(r.lo, r.hi) k"
        if count <= MOST_RUNS and rows >= count * runs.DENSE:
            self.run(f"CREATE UNIQUE INDEX {self.q(work + '_s')} ON {place} (before)")
            self.run(f"CREATE VIEW {self.t(work)} AS {lines}")
            self.run(f"ANALYZE {place}")
        else:
            self.run(f"CREATE TABLE {self.t(work)} AS {lines}")
            self.run(f"DROP TABLE {place}")
            self.index_keys(work, 1)
            self.run(f"ANALYZE {self.t(work)}")
        return int(rows)

    def index_keys(self, work: str, width: int) -> None:
        """By position only: batches go from there to the table's own key, and look-ups by key are hash joins."""
        self.run(f"CREATE UNIQUE INDEX {self.q(work + '_s')} ON {self.t(work)} (seq)")

    def drop(self, work: str) -> None:
        name = work.removesuffix(SUFFIX)
        if self.one(f"SELECT relkind = 'v' FROM pg_class WHERE oid = to_regclass({self.literal(self.t(name))})"):
            self.run(f"DROP VIEW {self.t(name)}")
        self.run(f"DROP TABLE IF EXISTS {self.t(name)}, {self.t(name + SUFFIX)}")

    def _runs(self, work: str) -> str:
        """The table of a work table's runs; empty where its keys stand one a line."""
        place = self.t(work + SUFFIX)
        return place if self.one(f"SELECT to_regclass({self.literal(place)}) IS NOT NULL") else ""

    def one_batch(self, table: str, work: str) -> str:
        """(FROM item w, condition) of the rows (alias t) of one batch; two marks: seq above, seq up to."""
        if place := self._runs(work):
            return (f"(SELECT r.lo + greatest(b.above - r.before, 0) AS lo, r.lo + (least(b.upto - r.before, r.hi - r.lo + 1) - 1) AS hi "
                    f"FROM {place} r, (SELECT %s::bigint AS above, %s::bigint AS upto) b "
                    "WHERE r.before < b.upto AND r.before + (r.hi - r.lo + 1) > b.above) w "
                    f"WHERE {self.key_of(table, 't')[0]} BETWEEN w.lo AND w.hi")
        return f"{self.t(work)} w WHERE w.seq > %s AND w.seq <= %s AND {self.match(table, 't', 'w')}"

    def delete_sql(self, table: str, work: str) -> str:
        return f"DELETE FROM {self.t(table)} t USING {self.one_batch(table, work)}"

    def update_sql(self, table: str, work: str, sets: str) -> str:
        return f"UPDATE {self.t(table)} t SET {sets} FROM {self.one_batch(table, work)}"

    def stays(self, table: str, work: str) -> str:
        """Condition for the rows (alias t) that are not in a work table.

        With runs: an even number of their ends lies at or below the key, so one reading of the table by all of the
        server's processes tells, without a join. The ends stay in the server: a bound value would show in its log.
        """
        if place := self._runs(work):
            most = runs.SIGNED[1]
            ends = f"SELECT lo AS m FROM {place} UNION ALL SELECT hi + 1 FROM {place} WHERE hi < {most}"
            return (f"width_bucket({self.key_of(table, 't')[0]}::bigint, (SELECT array_agg(m ORDER BY m) FROM ({ends}) x)) "
                    "% 2 = 0")
        return f"NOT EXISTS (SELECT 1 FROM {self.t(work)} w WHERE {self.match(table, 't', 'w')})"
