"""TECHNIQUE: what a database and a selection say about the strategy of each table, and what the preflight says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workbench.erasure.model import Preflight
from workbench.erasure.selection import Line, Selection, table_order
from workbench.erasure.sqlstore import SqlStore
from workbench.erasure.strategy import NAMES, Choice, Rates, Sizes, best
from workbench.sources.base import ForeignKey

SLOW = 60.0
"""seconds that links without an index may cost before the preflight is red"""
LOOK_UP, BUILD = 160.0, 0.6
"""microseconds: a look-up of children through an index, for each parent; building that index, for each child"""


def choices(store: SqlStore, sel: Selection, rates: Rates, forced: str = "") -> dict[str, Choice]:
    """How the rows of each table go; nothing for an engine whose kept rows move to a fresh store, or without rates."""
    if store.swaps or store.engine not in rates.engines:
        return {}
    live, free = store.live(), store.free()
    together = {t for g in table_order(store)[0] if len(g) > 1 for t in g}
    out = {}
    for table in sel.touched():
        gone = sum(x.rows for x in sel.of(table) if x.goes)
        if not gone:
            continue
        cannot = ("与其他表互相引用", "it and other tables point at each other") if table in together \
            else store.cannot_copy(table)
        checked = sum(sel.totals[child] for child, _ in unindexed(store, table)) if store.enforce else 0
        out[table] = best(store.engine, Sizes(gone, sel.totals[table], store.size(table), free, checked, live, cannot),
                          rates, forced)
    return out


def unindexed(store: SqlStore, parent: str) -> Iterator[tuple[str, ForeignKey]]:
    """(child, link): links to a table for which each parent that goes makes the server read the whole child."""
    for child, key in store.links():
        table, width = store.tables[child], len(key.columns)
        ready = any(set(i.columns[:width]) == set(key.columns) for i in table.indexes) \
            or set(table.primary_key[:width]) == set(key.columns)
        if key.ref_table == parent and key.declared and not ready and table.rows:
            yield child, key


def of_line(store: SqlStore, sel: Selection, line: Line, rates: Rates,
            chosen: Mapping[str, Choice]) -> tuple[str, str, str, float]:
    """(strategy, why in Chinese, why in English, seconds estimated) for one line; a table's seconds stand once."""
    if not line.changes or not line.rows:
        return "", "", "", 0.0
    if store.swaps:
        return (NAMES["fresh"][1], "该引擎不归还已删字节，保留的行写入新文件",
                "this engine does not give deleted bytes back: what stays moves to a fresh file", round(line.rows / 60_000, 1))
    table = line.disposal.set.table
    if store.engine not in rates.engines:
        return NAMES["batches"][1], "该引擎只有分批删除", "the only way of this engine", 0.0
    if not line.goes:
        seconds = rates.engines[store.engine]["batches"].seconds(line.rows, 0, 1)
        return NAMES["batches"][1], "只清空列，分批更新", "columns are emptied, in batches", round(seconds, 1)
    choice = chosen[table]
    first = next(x for x in sel.of(table) if x.goes and x.rows)
    return NAMES[choice.strategy][1], choice.zh, choice.en, choice.seconds if line is first else 0.0


def preflight(source: str, store: SqlStore, sel: Selection, rates: Rates, chosen: Mapping[str, Choice]) -> Iterator[Preflight]:
    """The strategy of each table, and links without an index with the time they cost and the index that saves it."""
    for parent in sel.touched():
        gone = sum(x.rows for x in sel.of(parent) if x.goes)
        for child, key in unindexed(store, parent) if gone else ():
            rows = sel.totals[child]
            slow = round(gone * rows * rates.unindexed / 1e6, 1)
            fast = round((gone * LOOK_UP + rows * BUILD) / 1e6, 1)
            by_row = store.enforce and (parent not in chosen or chosen[parent].strategy in ("batches", "set"))
            index = store.q("wb_" + "_".join((child, *key.columns))[:50])
            yield Preflight(
                source=source, check="child-index", object=f"{child}({', '.join(key.columns)})",
                colour="red" if by_row and slow > SLOW else "yellow",
                zh=f"外键列没有索引：逐行检查约 {slow} 秒，有索引约 {fast} 秒" + ("" if by_row else "；此处按集合检查，不逐行"),
                en=f"the foreign key has no index: row by row about {slow} s without, {fast} s with one"
                   + ("" if by_row else "; here links are checked as a set"),
                todo=f"CREATE INDEX {index} ON {store.t(child)} ({', '.join(store.q(c) for c in key.columns)});")
    for table, choice in chosen.items():
        yield Preflight(source=source, check="technique", colour="green", object=table,
                        zh=f"{NAMES[choice.strategy][0]}：{choice.zh}", en=f"{NAMES[choice.strategy][1]}: {choice.en}")
