"""HIDDEN: how well anonymised rows hide people: k and l of what is still filled, before the first row and afterwards.

Read through the source room, as a stranger would read the store: not through what made the cells coarser.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from workbench.erasure.coarse import coarse
from workbench.erasure.logical import LOCAL, meets
from workbench.erasure.model import Hidden, Preflight
from workbench.plan.model import Disposal, Generalisation

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.case import Case
    from workbench.risk.anonymity import Anonymity

MOST = 6
"""quasi-identifiers measured where the plan wants no k: every added one looks alarming"""


def columns_of(case: Case, d: Disposal) -> tuple[list[str], str]:
    """(quasi-identifiers that are still filled, sensitive column) of a line: those the plan names, then those found."""
    from workbench.classification.model import Findings

    findings, place = case.find(Findings), (d.set.source, d.set.table)
    told = next((t for t in findings.tables if (t.source, t.table) == place), None) if findings is not None else None
    sensitive = next((g.column for g in d.generalise if g.how == "sensitive"), "")
    named = [g.column for g in d.generalise if g.column != sensitive]
    gone = {*d.suppress, sensitive, *named}
    columns = [*named, *(c for c in (told.quasi_identifiers if told else ()) if c not in gone)]
    if not sensitive and findings is not None:
        sensitive = next((f.column for f in findings.findings if (f.source, f.table) == place and f.sensitive
                          and f.column not in {*d.suppress, *columns}), "")
    return columns if d.k else columns[:MOST], sensitive


def measured(case: Case, d: Disposal) -> Hidden | None:
    """How well a line's rows hide people as they are now; None where no quasi-identifier is filled or nothing can be read."""
    from workbench.risk.anonymity import measure_table

    columns, sensitive = columns_of(case, d)
    if not columns:
        return None
    own = bool(d.generalise) and all(c.op in LOCAL for c in d.set.where)
    if not own and not d.k:
        found = measure_table(case, d.set.source, d.set.table, columns, sensitive)
    else:
        found = _read(case, d, columns, sensitive, own=own, ahead=False)
    return None if found is None else hidden_of(d, found, own=own)


def hidden_of(d: Disposal, found: Anonymity, *, own: bool) -> Hidden:
    """Measures as result and certificate tell them."""
    return Hidden(columns=found.columns, rows=found.rows, k=found.k, uniques=found.uniques, sensitive=found.sensitive,
                  l=found.distinct_l, wanted=d.k, own=own)


def foretell(case: Case, d: Disposal) -> Iterator[Preflight]:
    """What k will be, where the line's rows can be told one by one."""
    columns, sensitive = columns_of(case, d)
    if not (d.action == "anonymise" and d.k and columns and all(c.op in LOCAL for c in d.set.where)):
        return
    found = _read(case, d, columns, sensitive, own=True, ahead=True)
    if found is None:
        return
    enough = found.k >= d.k
    yield Preflight(
        source=d.set.source, check="anonymity", colour="green" if enough else "red", object=f"{d.id} {d.set.table}",
        zh=f"匿名化后最小的组将有 {found.k} 行,计划要求 {d.k};其中 {found.uniques} 行独自成组",
        en=f"anonymised, its smallest group will have {found.k} rows, and the plan wants {d.k}; {found.uniques} rows stand alone",
        todo="" if enough else "name fewer columns, wider bands or shorter prefixes in settings.plan.anonymise, then plan again")


def _read(case: Case, d: Disposal, columns: list[str], sensitive: str, *, own: bool, ahead: bool) -> Anonymity | None:
    """Measures of a line's own rows, or of every row of its table that still says something; ahead: as they will be."""
    import pyarrow as pa

    from workbench.errors import SourceError
    from workbench.sources import open_source

    wanted = list(dict.fromkeys([*columns, *([sensitive] if sensitive else []), *(c.column for c in d.set.where if own)]))
    spec = next(s for s in case.config.sources if s.name == d.set.source)
    try:
        with open_source(spec, case.folder) as source:
            def batches() -> Iterator[pa.RecordBatch]:
                for batch in source.batches(d.set.table, wanted):
                    if own and d.set.where:
                        names = [c.column for c in d.set.where]
                        kept = [meets(d.set.where, r) for r in batch.select(list(dict.fromkeys(names))).to_pylist()]
                        batch = batch.filter(pa.array(kept, pa.bool_()))
                    yield batch

            return measure_batches(case, batches(), columns, sensitive, {g.column: g for g in d.coarser} if ahead else {}, blanks=own)
    except SourceError:
        return None


def measure_batches(case: Case, batches: Iterable[pa.RecordBatch], columns: list[str], sensitive: str,
                    steps: Mapping[str, Generalisation] | None = None, *, blanks: bool = True) -> Anonymity | None:
    """Measures of rows as they come, each cell made coarser as ``steps`` say; None when there are none.

    blanks: also rows of which no column says anything; they hide, but those of other lines would count as a small class.
    """
    import pyarrow as pa

    from workbench.risk.anonymity import connect, measure

    wanted = [*columns, *([sensitive] if sensitive else [])]
    with connect(folder=case.private("work")) as con:
        con.execute("CREATE TABLE qi (" + ", ".join(f'"{i}" VARCHAR' for i in range(len(wanted))) + ")")
        for batch in batches:
            cells = [[_text(c, (steps or {}).get(n)) for c in batch.column(n).to_pylist()] for n in wanted]
            con.register("part", pa.table({str(i): pa.array(c, pa.string()) for i, c in enumerate(cells)}))
            con.execute("INSERT INTO qi SELECT * FROM part")
            con.unregister("part")
        if not blanks:
            con.execute("DELETE FROM qi WHERE " + " AND ".join(f"COALESCE(\"{i}\", '') = ''" for i in range(len(columns))))  # noqa: S608
        found = measure(con, "qi", [str(i) for i in range(len(columns))], str(len(columns)) if sensitive else "")
    return found.model_copy(update={"columns": tuple(columns), "sensitive": sensitive}) if found.rows else None


def _text(cell: Any, g: Generalisation | None) -> str | None:
    new = cell if g is None else coarse(cell, g.how, g.width)
    return None if new is None else str(new)
