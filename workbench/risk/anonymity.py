"""How well quasi-identifiers hide people: k, uniqueness, distinct-l, entropy-l, t-closeness; counts only, in DuckDB.

One rule about nulls: a null is a value of its own, as in SQL's GROUP BY. k of 1 says little (every added column looks
alarming), so size, columns and mean risk always stand beside it. Class tables are personal data: they stay inside the
query and are never returned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import ParameterError
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case

SMALL = 5
"""classes under this size count as small"""


class Anonymity(Value):
    """Re-identification measures of one set of quasi-identifiers."""

    rows: int
    columns: tuple[str, ...]
    sensitive: str = ""
    classes: int
    k: int
    """size of the smallest class"""
    uniques: int
    """rows alone in their class"""
    small_rows: int
    """rows in classes under 5"""
    mean_risk: float
    """classes / rows: the marketer's risk"""
    distinct_l: int | None = None
    entropy_l: float | None = None
    t: float | None = None
    """largest distance between a class's distribution and the whole table's, equal distances"""

    @property
    def small_share(self) -> float:
        """Share of rows in classes under 5: what EI takes."""
        return self.small_rows / self.rows if self.rows else 0.0

    @property
    def entropy_level(self) -> int | None:
        """Entropy-l as a whole number, rounded down but not for a rounding error just below it."""
        return None if self.entropy_l is None else math.floor(self.entropy_l + 1e-9)


def connect(memory: str = "2GB", folder: str | Path = "") -> Any:
    """An in-memory DuckDB that never downloads anything; spills to ``folder`` when given."""
    import duckdb

    con = duckdb.connect(":memory:", config={
        "memory_limit": memory, "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    if folder:
        con.execute(f"SET temp_directory = '{str(folder).replace(chr(39), chr(39) * 2)}'")
    con.execute("SET preserve_insertion_order = false")
    return con


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def measure(con: Any, relation: str, columns: Sequence[str], sensitive: str = "") -> Anonymity:
    """Measures of ``columns`` in a table, view or ``read_parquet('...')`` that ``con`` knows.

    Raises:
        ParameterError: no columns, or the sensitive one is among them.
    """
    if not columns or sensitive in columns:
        raise ParameterError("quasi-identifiers need at least one column, and none of them is the sensitive one")
    keys = ", ".join(_name(c) for c in columns)
    if not sensitive:
        row = con.execute(
            f"SELECT count(*), min(n), count(*) FILTER (n = 1), sum(n) FILTER (n < {SMALL}), sum(n) FROM "  # noqa: S608
            f"(SELECT count(*) AS n FROM {relation} GROUP BY {keys})").fetchone()
        return _made(columns, "", row[:5], (None, None, None))
    s = _name(sensitive)
    same = " AND ".join(f"cells.{_name(c)} IS NOT DISTINCT FROM m.{_name(c)}" for c in columns)
    con.execute(f"CREATE OR REPLACE TEMP TABLE cells AS SELECT {keys}, {s} AS s, count(*) AS c FROM {relation} GROUP BY ALL")  # noqa: S608
    try:
        con.execute("CREATE OR REPLACE TEMP TABLE shares AS SELECT s, sum(c) / (SELECT sum(c) FROM cells) AS p FROM cells GROUP BY s")
        con.execute(f"CREATE OR REPLACE TEMP TABLE classes AS SELECT {keys}, sum(c::DOUBLE) AS n, count(*) AS l, sum(c * ln(c)) AS h, "  # noqa: S608
                    f"first(s) AS s FROM cells GROUP BY {keys}")
        row = con.execute(
            f"SELECT count(*), min(n), count(*) FILTER (n = 1), sum(n) FILTER (n < {SMALL}), sum(n), min(l), min(ln(n) - h / n) "  # noqa: S608
            "FROM classes").fetchone()
        # a class of one sensitive value is as far from the table as that value is rare; only the others need their cells
        alone = con.execute("SELECT 1 - min(p) FROM shares WHERE EXISTS (FROM classes m WHERE m.l = 1 AND "
                            "m.s IS NOT DISTINCT FROM shares.s)").fetchone()[0]
        mixed = con.execute(
            "SELECT max(t) FROM (SELECT sum(greatest(cells.c / m.n - shares.p, 0)) AS t FROM cells "  # noqa: S608
            f"JOIN (SELECT *, rowid AS id FROM classes WHERE l > 1) m ON {same} JOIN shares ON shares.s IS NOT DISTINCT FROM cells.s "
            "GROUP BY m.id)").fetchone()[0]
    finally:
        con.execute("DROP TABLE IF EXISTS cells; DROP TABLE IF EXISTS classes; DROP TABLE IF EXISTS shares")
    t = max((x for x in (alone, mixed) if x is not None), default=None)
    return _made(columns, sensitive, row[:5], (*row[5:], t))


def _made(columns: Sequence[str], sensitive: str, counts: Any, levels: Any) -> Anonymity:
    classes, k, uniques, small, rows = (int(x or 0) for x in counts)
    distinct, entropy, t = levels
    return Anonymity(
        rows=rows, columns=tuple(columns), sensitive=sensitive, classes=classes, k=k, uniques=uniques, small_rows=small,
        mean_risk=classes / rows if rows else 0.0, distinct_l=None if distinct is None else int(distinct),
        entropy_l=None if entropy is None else math.exp(max(0.0, float(entropy))), t=None if t is None else float(t))


def contributions(con: Any, relation: str, columns: Sequence[str]) -> dict[str, int]:
    """By how many unique rows the set shrinks when a column is dropped: which column identifies people."""
    whole = measure(con, relation, columns).uniques
    out = {}
    for c in columns:
        rest = [x for x in columns if x != c]
        out[c] = whole - (measure(con, relation, rest).uniques if rest else 0)
    return dict(sorted(out.items(), key=lambda kv: (-kv[1], kv[0])))


class ReidentificationReport(Value):
    """One measurement per table that has quasi-identifiers."""

    case_id: str
    tables: tuple[tuple[str, Anonymity], ...]
    contribution: tuple[tuple[str, str, int], ...] = ()
    """(table, column, uniques lost when it is dropped)"""

    def small_classes(self) -> Mapping[str, float]:
        """Share of records in small classes by table id: what EI takes."""
        return {t: a.small_share for t, a in self.tables}


def reidentification(case: Case, limit: int = 6) -> ReidentificationReport:
    """Measure every table whose findings name quasi-identifiers, at most ``limit`` of its columns; saved in the case."""
    from workbench.classification.model import Findings
    from workbench.errors import SourceError
    from workbench.sources import open_source

    findings = case.load(Findings)
    wanted = {(p.source, p.table): p.quasi_identifiers[:limit] for p in findings.tables if p.quasi_identifiers}
    found, parts = [], []
    with connect(folder=case.private("work")) as con:
        for spec in case.config.sources:
            mine = {t: c for (s, t), c in wanted.items() if s == spec.name}
            if not mine:
                continue
            try:
                with open_source(spec, case.folder) as source:
                    for table, columns in sorted(mine.items()):
                        _load(con, source, table, columns)
                        found.append((f"{spec.name}.{table}", measure(con, "qi", columns)))
                        parts += [(f"{spec.name}.{table}", c, n) for c, n in contributions(con, "qi", columns).items()]
                        con.execute("DROP TABLE qi")
            except SourceError:
                continue  # missing evidence counts as the worst, never as none
    report = ReidentificationReport(case_id=case.id, tables=tuple(found), contribution=tuple(parts))
    case.save(report)
    return report


def measure_table(case: Case, source: str, table: str, columns: Sequence[str], sensitive: str = "") -> Anonymity | None:
    """Measures of one table as it is now; None when its source cannot be read or the table has no row."""
    from workbench.errors import SourceError
    from workbench.sources import open_source

    spec = next(s for s in case.config.sources if s.name == source)
    with connect(folder=case.private("work")) as con:
        try:
            with open_source(spec, case.folder) as reader:
                _load(con, reader, table, [*columns, *([sensitive] if sensitive else [])])
        except SourceError:
            return None
        found = measure(con, "qi", columns, sensitive)
    return found if found.rows else None


def _load(con: Any, source: Any, table: str, columns: Sequence[str]) -> None:
    """The columns of a table as DuckDB table ``qi``, batch by batch."""
    import pyarrow as pa

    first = True
    for batch in source.batches(table, list(columns)):
        part = pa.Table.from_batches([batch])
        con.register("part", part)
        con.execute("CREATE TABLE qi AS SELECT * FROM part" if first else "INSERT INTO qi SELECT * FROM part")
        con.unregister("part")
        first = False
    if first:
        con.execute("CREATE TABLE qi (" + ", ".join(f"{_name(c)} VARCHAR" for c in columns) + ")")
