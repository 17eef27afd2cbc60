"""EXECUTE: batches of keys; the rows and the journal's line change in the same transaction.

kill -9, a lost connection or a restarted server leave the database between two batches; the journal in the same
database says which, so nothing is skipped and nothing is counted twice.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NoReturn

from workbench.erasure import coarse
from workbench.erasure.pace import LARGEST, SMALLEST, Pace
from workbench.erasure.selection import Line, Selection, table_order
from workbench.erasure.sqlstore import JOURNAL, SqlStore
from workbench.erasure.strategy import CannotCopy, Choice
from workbench.errors import ErasureError, StoreBusy
from workbench.plan.model import Disposal

FIRST = 5_000
Instead = Callable[[str, Choice], None]


def _no_other_way(table: str, choice: Choice) -> NoReturn:
    raise ErasureError(f"{table} cannot be done as planned: {choice.en}", "run erase again")


def carry_out(store: SqlStore, sel: Selection, pace: Pace | None = None, choices: Mapping[str, Choice] | None = None,
              instead: Instead = _no_other_way) -> None:
    """Empty links and columns of rows that stay, then delete what goes, child tables first.

    Args:
        choices: how each table's rows go; a table that is not in it goes in keyset batches.
        instead: told, before the first batch, that a table goes another way than planned; it writes that down.
    """
    pace, choices = pace or Pace(store), choices or {}
    store.make_journal()
    store.commit()
    store.finish_copy()
    for unlink in sel.unlinks:
        sets = ", ".join(f"{store.q(c)} = NULL" for c in unlink.columns) + store.update_extra(unlink.table)
        _batches(store, "unlink", unlink.work, store.update_sql(unlink.table, unlink.work, sets), unlink.rows, pace,
                 unlink.table, cyclic=False)
    for line in sel.lines:
        d = line.disposal
        if d.altered and line.rows:
            sets = altered_by(store, d)
            _batches(store, "suppress", line.work, store.update_sql(d.set.table, line.work, sets), line.rows, pace,
                     d.set.table, cyclic=False)
    later = [t for t in sel.order if t in choices and choices[t].strategy in ("copy", "truncate")]
    for group in table_order(store)[0]:
        lines = [line for table in group for line in sel.of(table) if line.goes and line.rows]
        if store.cycle_in_one and lines and len(group) > 1:
            _cycle(store, lines, pace)
            continue
        for table in group:
            later = [t for t in later if t != table]
            _delete(store, sel, table, pace, choices.get(table), instead, later)
    while True:
        try:
            store.finish_links()
            break
        except StoreBusy as e:
            pace.busy(e, f"{store.name} links", 0, 1)


def _delete(store: SqlStore, sel: Selection, table: str, pace: Pace, choice: Choice | None, instead: Instead,
            later: Sequence[str]) -> None:
    """Delete the rows of one table as was chosen for it; ``later``: tables copied after it."""
    lines = [line for line in sel.of(table) if line.goes and line.rows]
    if lines and choice is not None and choice.strategy in ("copy", "truncate"):
        try:
            _copy(store, table, lines, pace, later)
            return
        except CannotCopy as e:
            choice = choice.instead("batches", e.zh, e.en)
            instead(table, choice)
    if lines and store.cycle_in_one and table in sel.cyclic:
        _cycle(store, lines, pace)
        return
    for line in lines:
        _batches(store, "delete", line.work, store.delete_sql(table, line.work), line.rows, pace, table,
                 cyclic=table in sel.cyclic, whole=choice is not None and choice.strategy == "set")


def _copy(store: SqlStore, table: str, lines: list[Line], pace: Pace, later: Sequence[str]) -> None:
    journal, what, total = store.journal(), f"{store.name}.{table} swap", sum(line.rows for line in lines)
    if all(("delete", line.work) in journal for line in lines):
        return
    _patiently(pace, what, total, lambda: store.copy_kept(table, lines, later))


def _cycle(store: SqlStore, lines: list[Line], pace: Pace) -> None:
    tables = "+".join(sorted({line.disposal.set.table for line in lines}))
    _patiently(pace, f"{store.name}.{tables} delete", sum(line.rows for line in lines), lambda: store.delete_cycle(lines))


def _patiently(pace: Pace, what: str, total: int, work: Callable[[], None]) -> None:
    """Do something that is one transaction, as soon as no other client's lock stands in the way."""
    while True:
        pace.wait(what, 0, total)
        try:
            work()
        except StoreBusy as e:
            pace.busy(e, what, 0, total)
            continue
        pace.done(what, total, total)
        return


def rehearse(store: SqlStore, sel: Selection) -> None:
    """Clear the columns of one row of each line and roll back: a check or a unique column refuses here, not half-way."""
    for line in sel.lines:
        d = line.disposal
        if not d.altered or not line.rows or store.swaps:
            continue
        sets = altered_by(store, d)
        store.begin()
        try:
            store.batch_begin(d.set.table, False)
            store.run(store.update_sql(d.set.table, line.work, sets),
                      store.bounds(d.set.table, 0, 1))
        except ErasureError as e:
            raise ErasureError(f"{d.id}: {store.name}.{d.set.table} refuses to have {', '.join(d.altered)} changed "
                               f"({e.what})", "take the column out of the plan's suppress list, or allow NULL") from None
        finally:
            store.rollback()


def altered_by(store: SqlStore, d: Disposal) -> str:
    """The SET list of a line whose rows stay: columns cleared, and columns made coarser."""
    table, parts = d.set.table, list[str]()
    if d.coarser:
        parts = [f"{store.q(g.column)} = {coarse.sql(store, table, g, neutral(store, table, g.column))}" for g in d.coarser]
        store.commit()  # what it looks dates up in, should this batch be rolled back
    if d.suppress:
        return ", ".join([*parts, cleared_by(store, table, d.suppress)])
    return ", ".join(parts) + store.update_extra(table)


def cleared_by(store: SqlStore, table: str, suppress: Iterable[str]) -> str:
    """The SET list that clears columns; the server makes generated ones anew from those, and takes no value for them."""
    owner = store.tables[table]
    own = [c for c in suppress if not ((info := owner.column(c)) and info.generated)]
    if not own:
        raise ErasureError(f"{table}: only generated columns are to be cleared, and the columns they are made of stay",
                           "have those cleared too", where=store.name)
    return ", ".join(f"{store.q(c)} = {neutral(store, table, c)}" for c in own) + store.update_extra(table)


def neutral(store: SqlStore, table: str, column: str) -> str:
    """What a suppressed cell gets, or an error that names the column."""
    sql = store.neutral(table, column)
    if sql is None:
        raise ErasureError(f"{table}.{column} cannot be cleared: it must be unique, or other rows point at it",
                           "take it out of the plan's suppress columns or allow NULL", where=store.name)
    return sql


def _batches(store: SqlStore, kind: str, work: str, sql: str, total: int, pace: Pace, table: str, *,
             cyclic: bool, whole: bool = False) -> None:
    """One statement a batch; ``whole``: all rows in one, as long as no other client's lock stands in the way."""
    done, changed = store.journal().get((kind, work), (0, 0))
    size, what = total if whole else min(FIRST, LARGEST), f"{store.name}.{table} {kind}"
    while done < total:
        pace.wait(what, done, total)
        upto, started = min(done + size, total), time.monotonic()
        try:
            store.begin()
            store.batch_begin(table, cyclic)
            n = store.batch(kind, table, work, sql, done, upto)
            store.batch_end(table, cyclic)
            write_journal(store, kind, work, upto, changed + n)
            store.commit()
        except StoreBusy as e:
            store.rollback()
            size = max(SMALLEST, size // 4)
            pace.busy(e, what, done, total)
            continue
        except ErasureError:
            store.rollback()
            if size <= SMALLEST:
                raise
            size = max(SMALLEST, size // 8)  # more than the server can hold in one transaction: try with less
            continue
        done, changed = upto, changed + n
        pace.done(what, done, total)
        size = pace.next_size(size, time.monotonic() - started, SMALLEST, LARGEST)


def write_journal(store: SqlStore, kind: str, work: str, done: int, changed: int) -> None:
    """Replace the journal's line, inside the caller's transaction."""
    m = store.mark
    store.run(f"DELETE FROM {store.t(JOURNAL)} WHERE kind = {m} AND work = {m}", (kind, work))
    store.run(f"INSERT INTO {store.t(JOURNAL)} (kind, work, done, changed) VALUES ({m}, {m}, {m}, {m})",
              (kind, work, done, changed))


def counts(store: SqlStore, lines: list[Line]) -> dict[str, dict[str, int]]:
    """disposal id -> rows deleted and suppressed, from the journal."""
    journal = store.journal()
    return {line.disposal.id: {"deleted": journal.get(("delete", line.work), (0, 0))[1],
                               "suppressed": journal.get(("suppress", line.work), (0, 0))[1]} for line in lines}
