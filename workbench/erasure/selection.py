"""SELECTION: which rows each disposal means, as keys in work tables, and the proof that the choice is closed.

Works on every engine with one EXISTS per link. A row that stays never points at a row that goes: a nullable link is
emptied, and where a link may not be empty the row that it needs is left and counted as refused.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import networkx as nx

from workbench.erasure import coarse
from workbench.erasure.sqlstore import WORK, SqlStore
from workbench.errors import ErasureError
from workbench.plan.model import Condition, Disposal
from workbench.sources.base import ForeignKey

GOING = ("erase", "hand_over")


@dataclass
class Line:
    """One disposal and its rows."""

    disposal: Disposal
    work: str
    rows: int = 0
    refused: int = 0
    links_cleared: int = 0

    @property
    def goes(self) -> bool:
        """Whether its rows leave the store."""
        return self.disposal.action in GOING

    @property
    def changes(self) -> bool:
        """Whether it needs keys at all."""
        return self.goes or self.disposal.action in ("lock", "anonymise")


@dataclass
class Unlink:
    """Rows that stay and whose nullable link to a row that goes is emptied first."""

    work: str
    table: str
    columns: tuple[str, ...]
    parent: str
    rows: int = 0


@dataclass
class Selection:
    """All lines of one source, child tables first."""

    lines: list[Line]
    unlinks: list[Unlink] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    """tables, children first"""
    cyclic: set[str] = field(default_factory=set)
    """tables in a cycle of links, self-references included"""
    totals: dict[str, int] = field(default_factory=dict)

    def of(self, table: str) -> list[Line]:
        """Lines of one table."""
        return [line for line in self.lines if line.disposal.set.table == table]

    def touched(self) -> list[str]:
        """Tables that are changed."""
        return [t for t in self.order if any(line.changes for line in self.of(t))]


def table_order(store: SqlStore) -> tuple[list[list[str]], set[str]]:
    """Groups of tables, children first (a group of several is a cycle), and the tables that lie in cycles."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(store.tables))
    own = set()
    for child, key in store.links():
        if child == key.ref_table:
            own.add(child)
        else:
            graph.add_edge(child, key.ref_table)
    groups = [sorted(g) for g in nx.strongly_connected_components(graph)]
    condensed = nx.condensation(graph, [set(g) for g in groups])
    ordered = [groups[i] for i in nx.lexicographical_topological_sort(condensed, key=lambda i: groups[i][0])]
    return ordered, own | {t for g in ordered if len(g) > 1 for t in g}


def select(store: SqlStore, disposals: Iterable[Disposal]) -> Selection:
    """Write the key tables and close the selection. Everything is committed by the caller.

    Raises:
        ErasureError: a table, column or disposal that the plan names is not there, or the sets do not partition a table.
    """
    lines = [Line(d, f"{WORK}k{n}") for n, d in enumerate(disposals)]
    for line in lines:
        _known(store, line.disposal)
    groups, cyclic = table_order(store)
    sel = Selection(lines, order=[t for g in groups for t in g], cyclic=cyclic)
    maker = _Maker(store, sel)
    for group in groups:
        before: list[int] = []
        for _ in range(50):
            counts = [maker.fill(line) for table in group for line in sel.of(table)]
            if counts == before or len(group) == 1:
                break
            before = counts
    _partition(store, sel)
    _close(store, sel, maker)
    return sel


def _known(store: SqlStore, d: Disposal) -> None:
    table = store.tables.get(d.set.table)
    if table is None:
        raise ErasureError(f"{d.id}: the table {d.set.table!r} of the plan is not there any more",
                           "workbench run CASE inventory plan, then have the new plan approved", where=store.name)
    wanted = [*d.suppress, *d.keep_columns, *(g.column for g in d.generalise)]
    wanted += [c for cond in d.set.where for c in cond.column.split(",") if c]
    for column in wanted:
        if table.column(column.strip()) is None:
            raise ErasureError(f"{d.id}: the column {column!r} of the plan is not there", "make the plan again",
                               where=table.id)
    coarse.check(store, d)


class _Maker:
    def __init__(self, store: SqlStore, sel: Selection) -> None:
        self.store, self.sel = store, sel
        self.done: set[str] = set()

    def fill(self, line: Line) -> int:
        """(Re)count one line; lines that change rows get their key table."""
        where = self.where(line.disposal, "t")
        if line.changes:
            line.rows = self.store.make_keys(line.work, line.disposal.set.table, where)
            self.done.add(line.work)
        else:
            line.rows = int(self.store.one(
                f"SELECT count(*) FROM {self.store.t(line.disposal.set.table)} t WHERE {where}"))
        return line.rows

    def where(self, d: Disposal, alias: str) -> str:
        return " AND ".join(f"({self.condition(d, c, alias)})" for c in d.set.where) or "1=1"

    def own(self, d: Disposal, alias: str) -> str:
        """The set as others name it: dates, nulls and parents only (plan.model.Condition), so never circular."""
        clauses = [c for c in d.set.where if c.op not in ("referenced", "unreferenced")]
        return " AND ".join(f"({self.condition(d, c, alias)})" for c in clauses) or "1=1"

    def named(self, d: Disposal, ids: str) -> list[Disposal]:
        """Disposals that a condition of ``d`` names."""
        found = {line.disposal.id: line.disposal for line in self.sel.lines}
        for name in ids.split(","):
            if name not in found:
                raise ErasureError(f"{d.id} follows disposal {name}, which is not in this source", "make the plan again")
        return [found[name] for name in ids.split(",")]

    def condition(self, d: Disposal, c: Condition, alias: str) -> str:
        s, table = self.store, d.set.table
        column = f"{alias}.{s.q(c.column)}" if c.column else ""
        if c.op in ("<", ">="):
            date = s.date_expr(table, c.column, alias)
            if len(c.value) != 10 or not c.value.replace("-", "").isdigit():
                raise ErasureError(f"{d.id}: {c.op} needs an ISO date", "make the plan again")
            # a row without a date takes the cautious reading: it counts as newer
            return f"COALESCE({date}, '9999-99-99') {c.op} '{c.value}'"
        if c.op == "is_null":
            return f"{column} IS NULL"
        if c.op == "not_null":
            return f"{column} IS NOT NULL"
        if c.op == "parent_in":
            return self._parent_in(d, c, alias)
        if c.op == "parent_gone":
            key = self._link(table, c.column, c.value)
            return f"NOT {linked(s, alias, key.columns, key.ref_table, f'{alias}_p', key.ref_columns, '1=1')}"
        if c.value:
            parts = [self._pointing(table, child, key, alias, self.own(x, f"{alias}_c"))
                     for x in self.named(d, c.value) for child, key in s.links()
                     if key.ref_table == table and child == x.set.table]
        else:
            parts = [self._pointing(table, child, key, alias, self.stays(child, f"{alias}_c"))
                     for child, key in s.links() if key.ref_table == table and child != table]
        inner = " OR ".join(parts) or "1=0"
        return inner if c.op == "referenced" else f"NOT ({inner})"

    def _link(self, table: str, columns: str, parent: str) -> ForeignKey:
        wanted = tuple(c.strip() for c in columns.split(","))
        for key in self.store.tables[table].foreign_keys:
            if key.columns == wanted and key.ref_table == parent:
                return key
        refs = self.store.tables[parent].primary_key if parent in self.store.tables else ()
        if len(refs) != len(wanted):
            raise ErasureError(f"the plan follows a link of {table} to {parent} that is not there", "make the plan again")
        return ForeignKey(columns=wanted, ref_table=parent, ref_columns=refs, declared=False)

    def _parent_in(self, d: Disposal, c: Condition, alias: str) -> str:
        (parent,) = self.named(d, c.value)
        key, inner = self._link(d.set.table, c.column, parent.set.table), f"{alias}_p"
        return linked(self.store, alias, key.columns, parent.set.table, inner, key.ref_columns, self.own(parent, inner))

    def _pointing(self, table: str, child: str, key: ForeignKey, alias: str, which: str) -> str:
        return linked(self.store, alias, key.ref_columns, child, f"{alias}_c", key.columns, which)

    def stays(self, table: str, alias: str) -> str:
        """Condition: this row stays. Children not yet selected (in a cycle) count as going; rounds put that right."""
        parts = []
        for line in self.sel.of(table):
            if not line.goes:
                continue
            if line.work not in self.done:
                return "1=0"
            parts.append(f"NOT EXISTS (SELECT 1 FROM {self.store.t(line.work)} {alias}_w WHERE "
                         f"{self.store.match(table, alias, alias + '_w')})")
        return " AND ".join(parts) or "1=1"


def linked(s: SqlStore, alias: str, outer: Sequence[str], table: str, inner: str, columns: Sequence[str],
           extra: str) -> str:
    """Condition: some row of ``table`` (alias ``inner``) that meets ``extra`` has in ``columns`` what we have in ``outer``."""
    if s.prefers_in:
        left = ", ".join(f"{alias}.{s.q(c)}" for c in outer)
        names = ", ".join(f"{inner}.{s.q(c)}" for c in columns)
        filled = " AND ".join(f"{inner}.{s.q(c)} IS NOT NULL" for c in columns)
        left = f"({left})" if len(outer) > 1 else left
        return f"COALESCE({left} IN (SELECT {names} FROM {s.t(table)} {inner} WHERE {filled} AND {extra}), 0)"
    join = " AND ".join(f"{inner}.{s.q(k)} = {alias}.{s.q(r)}" for r, k in zip(outer, columns, strict=True))
    return f"EXISTS (SELECT 1 FROM {s.t(table)} {inner} WHERE {join} AND {extra})"


def _partition(store: SqlStore, sel: Selection) -> None:
    for table in sorted({line.disposal.set.table for line in sel.lines}):
        total = int(store.one(f"SELECT count(*) FROM {store.t(table)}"))
        sel.totals[table] = total
        covered = sum(line.rows for line in sel.of(table))
        if covered != total:
            raise ErasureError(f"the plan's sets do not partition {store.name}.{table}: {covered} rows in sets, "
                               f"{total} in the table", "make the plan again and have it approved")
    for table in store.tables:
        if table not in sel.totals:
            sel.totals[table] = int(store.one(f"SELECT count(*) FROM {store.t(table)}"))


def _close(store: SqlStore, sel: Selection, maker: _Maker) -> None:
    """Empty nullable links of rows that stay; leave rows that a link which may not be empty still needs."""
    for _ in range(len(store.tables) + 50):
        refused = 0
        sel.unlinks.clear()
        for child, key in store.links():
            for line in sel.of(key.ref_table) if key.declared else ():
                if line.goes and line.rows:
                    refused += _one_link(store, sel, maker, child, key, line)
        if not refused:
            return
    raise ErasureError("the selection of rows does not settle", "report this schema", where=store.name)


def _one_link(store: SqlStore, sel: Selection, maker: _Maker, child: str, key: ForeignKey, line: Line) -> int:
    s = store
    join = " AND ".join(f"p.{s.q(r)} = t.{s.q(k)}" for k, r in zip(key.columns, key.ref_columns, strict=True))
    going = (f"EXISTS (SELECT 1 FROM {s.t(key.ref_table)} p JOIN {s.t(line.work)} w "
             f"ON {s.match(key.ref_table, 'p', 'w')} WHERE {join})")
    where = f"{going} AND {maker.stays(child, 't')}"
    count = int(s.one(f"SELECT count(*) FROM {s.t(child)} t WHERE {where}"))
    if not count:
        return 0
    table = s.tables[child]
    emptied = tuple(c for c in key.columns if (i := table.column(c)) and i.nullable and c not in table.primary_key)
    if emptied:
        work = f"{WORK}u{len(sel.unlinks)}"
        s.make_keys(work, child, where)
        sel.unlinks.append(Unlink(work, child, emptied, key.ref_table, count))
        return 0
    before = line.rows
    # rewrite the key table without the rows that are still needed: seq must stay dense
    s.make_keys(line.work + "x", key.ref_table, _still_free(s, maker, child, key, line))
    s.drop(line.work)
    width = len(s.key(key.ref_table))
    s.run(f"CREATE TABLE {s.t(line.work)} AS SELECT seq, {', '.join(f'k{i}' for i in range(width))} FROM {s.t(line.work + 'x')}")
    s.index_keys(line.work, width)
    s.drop(line.work + "x")
    line.rows = int(s.one(f"SELECT count(*) FROM {s.t(line.work)}"))
    line.refused += before - line.rows
    return before - line.rows


def _still_free(s: SqlStore, maker: _Maker, child: str, key: ForeignKey, line: Line) -> str:
    needed = linked(s, "t", key.ref_columns, child, "c", key.columns, maker.stays(child, "c"))
    return f"EXISTS (SELECT 1 FROM {s.t(line.work)} w WHERE {s.match(key.ref_table, 't', 'w')}) AND NOT {needed}"
