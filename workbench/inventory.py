"""INVENTORY: what exists, where, how much, how it is linked; devices and papers too; never a value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.case.config import Asset
from workbench.sources.base import Column, ForeignKey, Source, Table, Unreadable
from workbench.values import Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.case import Case


class Link(Value):
    """Rows of one table point at rows of another; declared by the catalogue or found in the data."""

    source: str
    table: str
    key: ForeignKey
    indexed: bool = True
    """whether the child columns have an index: deletion of parents is slow without"""


class Inventory(Value):
    """Everything a case holds, on one day."""

    case_id: str
    taken_at: str
    """UTC, ISO 8601, seconds"""
    tables: tuple[Table, ...]
    links: tuple[Link, ...]
    assets: tuple[Asset, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    def table(self, source: str, name: str) -> Table | None:
        """The table of that source and name, or None."""
        return next((t for t in self.tables if t.source == source and t.name == name), None)


def take_inventory(case: Case) -> Inventory:
    """List every table of every source, with the links declared and found, and the assets of case.toml.

    Raises: SourceMissing, SourceRefused, SourceUnreadable.
    """
    from workbench.sources import open_source

    with case.step("inventory") as run:
        tables: list[Table] = []
        links: list[Link] = []
        unreadable: list[Unreadable] = []
        for spec in case.config.sources:
            with open_source(spec, case.folder) as source:
                mine = source.tables()
                tables += mine
                links += declared_links(mine)
                links += found_links(source, mine)
                unreadable += source.unreadable()
        inventory = Inventory(
            case_id=case.config.case.id,
            taken_at=case.now(),
            tables=tuple(sorted(tables, key=lambda t: (t.source, t.name))),
            links=tuple(sorted(links, key=lambda k: (k.source, k.table, k.key.columns, k.key.ref_table))),
            assets=case.config.assets,
            unreadable=tuple(unreadable),
        )
        case.save(inventory)
        run.note(
            tables=len(tables),
            rows=sum(t.rows for t in tables),
            links_declared=sum(k.key.declared for k in links),
            links_found=sum(not k.key.declared for k in links),
            unindexed=sum(not k.indexed for k in links),
            assets=len(inventory.assets),
            unreadable=len(unreadable),
        )
        return inventory


def declared_links(tables: tuple[Table, ...]) -> list[Link]:
    """Links that the catalogue declares."""
    return [Link(source=t.source, table=t.name, key=k, indexed=_indexed(t, k.columns)) for t in tables for k in t.foreign_keys]


def _indexed(table: Table, columns: tuple[str, ...]) -> bool:
    if table.file:
        return True  # a file has no index to miss
    heads = [table.primary_key, *(i.columns for i in table.indexes)]
    return any(set(head[: len(columns)]) == set(columns) for head in heads)


MAX_KEY_TEXT = 40
CONTAINED = 0.98


def found_links(source: Source, tables: tuple[Table, ...]) -> list[Link]:
    """Links that no key declares: single columns whose values all occur in a unique column, with names that agree.

    Containment alone is no proof (small numbers are contained everywhere), so the names must agree too; see
    :func:`name_score`. Values are compared as keyed hashes under a key that lives for this call only.
    """
    import secrets

    declared = {(t.name, k.columns) for t in tables for k in t.foreign_keys}
    pairs = [
        (child, c, parent, p)
        for child in tables
        for c in child.columns
        if child.rows and (child.name, (c.name,)) not in declared and child.primary_key != (c.name,)
        for parent in tables
        for p in parent.columns
        if parent.rows and (child.name, c.name) != (parent.name, p.name) and name_score(child, c, parent, p) >= 3
    ]
    if not pairs:
        return []
    wanted: dict[str, set[str]] = {}
    for child, c, parent, p in pairs:
        wanted.setdefault(child.name, set()).add(c.name)
        wanted.setdefault(parent.name, set()).add(p.name)
    key = (secrets.randbits(64), secrets.randbits(64))
    sets = {
        (t.name, column): found
        for t in tables
        if t.name in wanted
        for column, found in _hash_sets(source, t, sorted(wanted[t.name]), key).items()
    }
    best: dict[tuple[str, str], tuple[tuple[float, ...], Link]] = {}
    for child, c, parent, p in pairs:
        mine, theirs = sets[child.name, c.name], sets[parent.name, p.name]
        if not mine.usable or not theirs.unique:
            continue
        share = _share_in(mine.values, theirs.values)
        same_size_twin = mine.unique and len(mine.values) >= len(theirs.values)
        if share < CONTAINED or (same_size_twin and child.name >= parent.name):
            continue
        rank = (name_score(child, c, parent, p), share, -len(theirs.values))
        link = Link(
            source=child.source,
            table=child.name,
            key=ForeignKey(columns=(c.name,), ref_table=parent.name, ref_columns=(p.name,), declared=False),
            indexed=_indexed(child, (c.name,)),
        )
        spot = (child.name, c.name)
        if spot not in best or rank > best[spot][0]:
            best[spot] = (rank, link)
    return [link for _, link in best.values()]


def name_score(child: Table, column: Column, parent: Table, key: Column) -> int:
    """How well ``child.column`` reads as a pointer to ``parent.key``; 3 and more is a link when the data agree.

    4: ``customer_id`` points at ``customers.id``; 3: both hold ``customer_no`` or ``客户编号``; 3: ``manager_id`` points at the
    ``id`` of its own table. Numbers and short text only.
    """
    if not (_keylike(column) and _keylike(key)) or column.type.startswith("int") != key.type.startswith("int"):
        return 0
    c, k = _plain(column.name), _plain(key.name)
    stem = _stem(parent.name)
    if stem and c in (stem + k, stem + _ending(k)) and c != k:
        return 4
    if c == k and len(c) > 2 and _ending(c) and c != _ending(c) and (not stem or stem in c or parent.primary_key == (key.name,)):
        return 4 if stem and stem in c else 3
    if c == k and re.search("[编号码]", c) and len(c) > 2:
        return 3
    if child.name == parent.name and k in ("id", stem + "id") and re.search(r"(manager|parent|leader|supervisor|boss|reports)", c):
        return 3
    return 0


def points_at(source: Source, child: Table, column: Column, other: Source, parent: Table, key: Column) -> bool:
    """Whether a column points at a key of a table in *another* source: its name says whose, and its values occur there."""
    import secrets

    if name_score(child, column, parent, key) < 4 or not child.rows or not parent.rows:
        return False
    secret = (secrets.randbits(64), secrets.randbits(64))
    theirs = _hash_sets(other, parent, [key.name], secret)[key.name]
    mine = _hash_sets(source, child, [column.name], secret)[column.name] if theirs.unique else theirs
    return theirs.unique and mine.usable and _share_in(mine.values, theirs.values) >= CONTAINED


def _keylike(column: Column) -> bool:
    name = _plain(column.name)
    return column.type in ("int64", "int32", "int16", "uint64", "uint32", "string", "large_string") and bool(
        re.search(r"(id|no|code|key|num|ref|sn|reportsto|编号|号|编码|代码)$", name)
    )


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-.]+", "", name).lower()


def _ending(name: str) -> str:
    found = re.search(r"(id|no|code|key|编号|号|编码)$", name)
    return found[0] if found else ""


def _stem(table: str) -> str:
    name = re.sub(r"^(t|tb|tbl|dim|fact|ods|dwd)_", "", re.split(r"[#/.]", table)[0 if "#" not in table else -1].lower())
    name = _plain(name)
    for end, new in (("ies", "y"), ("sses", "ss"), ("s", ""), ("表", "")):
        if name.endswith(end) and len(name) > len(end) + 1:
            return name[: -len(end)] + new
    return name


class _Hashes:
    """Distinct hashes of one column."""

    def __init__(self, values: NDArray[np.uint64], cells: int, usable: bool) -> None:
        self.values, self.usable = values, usable and len(values) > 0
        self.unique = self.usable and len(values) == cells


def _hash_sets(source: Source, table: Table, columns: list[str], key: tuple[int, int]) -> dict[str, _Hashes]:
    import numpy as np
    import pyarrow.compute as pc

    from workbench.sources.keyed import hash_cells, text_of

    parts: dict[str, list[NDArray[np.uint64]]] = {c: [] for c in columns}
    cells = dict.fromkeys(columns, 0)
    usable = dict.fromkeys(columns, True)
    for batch in source.batches(table.name, columns):
        for name in columns:
            column = text_of(batch.column(name))
            filled = column.drop_null()
            if len(filled) and (pc.max(pc.binary_length(filled)).as_py() or 0) > MAX_KEY_TEXT * 4:
                usable[name] = False
            if usable[name] and len(filled):
                parts[name].append(np.unique(hash_cells(filled, key)))
                cells[name] += len(filled)
    empty = np.zeros(0, np.uint64)
    return {c: _Hashes(np.unique(np.concatenate(p)) if p else empty, cells[c], usable[c]) for c, p in parts.items()}


def _share_in(mine: NDArray[np.uint64], theirs: NDArray[np.uint64]) -> float:
    import numpy as np

    at = np.searchsorted(theirs, mine)
    at[at == len(theirs)] = 0
    return float(np.count_nonzero(theirs[at] == mine)) / len(mine)
