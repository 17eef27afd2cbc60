"""EXECUTE: batches of keys; the rows and the journal's line change in the same transaction.

kill -9, a lost connection or a restarted server leave the database between two batches; the journal in the same
database says which, so nothing is skipped and nothing is counted twice.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import time
from collections.abc import Callable

from workbench.erasure.selection import Line, Selection
from workbench.erasure.sqlstore import JOURNAL, SqlStore
from workbench.errors import ErasureError

FIRST, SMALLEST, LARGEST = 5_000, 200, 200_000
SLOW, FAST = 0.8, 0.2
"""seconds a batch may take before batches are halved, or doubled"""
Progress = Callable[[str, int, int], None]


def quiet(what: str, done: int, total: int) -> None:
    """No progress."""


def carry_out(store: SqlStore, sel: Selection, progress: Progress = quiet) -> None:
    """Empty links and columns of rows that stay, then delete what goes, child tables first."""
    store.make_journal()
    store.commit()
    for unlink in sel.unlinks:
        sets = ", ".join(f"{store.q(c)} = NULL" for c in unlink.columns) + store.update_extra(unlink.table)
        _batches(store, "unlink", unlink.work, store.update_sql(unlink.table, unlink.work, sets), unlink.rows, progress,
                 unlink.table, cyclic=False)
    for line in sel.lines:
        d = line.disposal
        if d.action in ("lock", "anonymise") and d.suppress and line.rows:
            sets = ", ".join(f"{store.q(c)} = {neutral(store, d.set.table, c)}" for c in d.suppress)
            sets += store.update_extra(d.set.table)
            _batches(store, "suppress", line.work, store.update_sql(d.set.table, line.work, sets), line.rows, progress,
                     d.set.table, cyclic=False)
    for group in _groups(store, sel):
        lines = [line for table in group for line in sel.of(table) if line.goes and line.rows]
        if store.cycle_in_one and lines and any(t in sel.cyclic for t in group):
            store.delete_cycle(lines)
            continue
        for line in lines:
            _batches(store, "delete", line.work, store.delete_sql(line.disposal.set.table, line.work), line.rows,
                     progress, line.disposal.set.table, cyclic=line.disposal.set.table in sel.cyclic)


def rehearse(store: SqlStore, sel: Selection) -> None:
    """Clear the columns of one row of each line and roll back: a check or a unique column refuses here, not half-way."""
    for line in sel.lines:
        d = line.disposal
        if d.action not in ("lock", "anonymise") or not d.suppress or not line.rows or store.swaps:
            continue
        sets = ", ".join(f"{store.q(c)} = {neutral(store, d.set.table, c)}" for c in d.suppress)
        store.begin()
        try:
            store.batch_begin(d.set.table, False)
            store.run(store.update_sql(d.set.table, line.work, sets + store.update_extra(d.set.table)), (0, 1))
        except ErasureError as e:
            raise ErasureError(f"{d.id}: {store.name}.{d.set.table} refuses to have {', '.join(d.suppress)} cleared "
                               f"({e.what})", "take the column out of the plan's suppress list, or allow NULL") from None
        finally:
            store.rollback()


def neutral(store: SqlStore, table: str, column: str) -> str:
    """What a suppressed cell gets, or an error that names the column."""
    sql = store.neutral(table, column)
    if sql is None:
        raise ErasureError(f"{table}.{column} cannot be cleared: it must be unique, or other rows point at it",
                           "take it out of the plan's suppress columns or allow NULL", where=store.name)
    return sql


def _groups(store: SqlStore, sel: Selection) -> list[list[str]]:
    from workbench.erasure.selection import table_order

    return table_order(store)[0]


def _batches(store: SqlStore, kind: str, work: str, sql: str, total: int, progress: Progress, table: str, *,
             cyclic: bool) -> None:
    done, changed = store.journal().get((kind, work), (0, 0))
    size = FIRST
    while done < total:
        upto, started = min(done + size, total), time.monotonic()
        store.begin()
        try:
            store.batch_begin(table, cyclic)
            n = store.run(sql, (done, upto)).rowcount
            store.batch_end(table, cyclic)
            write_journal(store, kind, work, upto, changed + n)
            store.commit()
        except ErasureError:
            store.rollback()
            if size <= SMALLEST:
                raise
            size = max(SMALLEST, size // 8)  # a lock held by another client: try with less, then give up
            continue
        done, changed = upto, changed + n
        progress(f"{store.name}.{table} {kind}", done, total)
        took = time.monotonic() - started
        size = max(SMALLEST, size // 2) if took > SLOW else min(LARGEST, size * 2) if took < FAST else size


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
