"""LOGICAL: the verifier. Reads every table anew through its own connection and its own code.

It shares no code with the executor: own SELECTs, own date conditions in Python, own row digest. Taken before (only
the rows that are to stay) and after (all rows that are there); the two must agree.
"""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import decimal
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from workbench.erasure.dates import read_date
from workbench.erasure.model import TableProof
from workbench.plan.model import Condition, Disposal, Generalisation

_MASK = (1 << 256) - 1
LOCAL = ("<", ">=", "is_null", "not_null")


@dataclass
class TableState:
    """A table's rows as the verifier saw them."""

    rows: int = 0
    digest: str = ""
    orphans: int = 0
    predicate_rows: int = 0
    uncleared: int = 0
    total: int = 0
    """rows in the table at that time, going ones included"""
    columns: list[str] = field(default_factory=list)

    def dump(self) -> dict[str, Any]:
        return asdict(self)


def row_sum(rows: Iterable[Sequence[Any]]) -> tuple[int, int]:
    """(count, sum of row digests modulo 2^256): the same for the same rows in any order."""
    total = count = 0
    for row in rows:
        cells = [bytes(c) if isinstance(c, memoryview | bytearray) else c for c in row]
        total += int.from_bytes(hashlib.sha256(repr(cells).encode("utf-8", "surrogatepass")).digest(), "big")
        count += 1
    return count, total & _MASK


def meets(conditions: Sequence[Condition], row: dict[str, Any]) -> bool:
    """Whether a row meets every local condition."""
    for c in conditions:
        cell = row[c.column]
        if c.op in ("<", ">="):
            date = read_date(cell) or "9999-99-99"
            if (date < c.value) != (c.op == "<"):
                return False
        elif (cell is None) != (c.op == "is_null"):
            return False
    return True


def observe(read: Callable[[str], Iterable[Sequence[Any]]], quote: Callable[[str], str], table_sql: str,
            names: Sequence[str], disposals: Sequence[Disposal], cleared: set[str], where: str = "",
            neutral: dict[str, str] | None = None) -> TableState:
    """Read a table once.

    Args:
        read: runs a SELECT through the verifier's own connection.
        where: SQL that leaves out the rows that are to go (before); empty afterwards.
        neutral: column -> the one value, besides empty ones, that a cleared cell may hold (an enumeration's first).
    """
    kept = [n for n in names if n not in cleared]
    erasing = [d for d in disposals if d.action in ("erase", "hand_over")
               and d.set.where and all(c.op in LOCAL for c in d.set.where)]
    clearing = [d for d in disposals if d.altered and all(c.op in LOCAL for c in d.set.where)]
    place = {n: i for i, n in enumerate(names)}
    state = TableState(columns=kept)
    digest_at = [place[n] for n in kept]

    def watched() -> Iterable[Sequence[Any]]:
        for row in read(f"SELECT {', '.join(f't.{quote(n)}' for n in names)} FROM {table_sql} t {where}"):
            if not where and (erasing or clearing):
                named = dict(zip(names, row, strict=True))
                state.predicate_rows += any(meets(d.set.where, named) for d in erasing)
                state.uncleared += sum(not blank(named[c]) and str(named[c]) != (neutral or {}).get(c)
                                       for d in clearing if meets(d.set.where, named) for c in d.suppress)
                state.uncleared += sum(not coarse_enough(named[g.column], g)
                                       for d in clearing if meets(d.set.where, named) for g in d.coarser)
            yield [row[i] for i in digest_at]

    state.rows, total = row_sum(watched())
    state.digest = hashlib.sha256(f"{state.rows}|{total:064x}".encode()).hexdigest()
    return state


def blank(cell: object) -> bool:
    """Null, empty, zero, the epoch, or a token of ours."""
    if cell is None or cell in ("", b"", 0) or read_date(cell) == "1970-01-01":
        return True
    text = str(cell)
    return text.startswith("wb-") or text in ("00:00:00", "0:00:00") or set(text) <= set("0.")


def coarse_enough(cell: object, g: Generalisation) -> bool:
    """Whether a cell says no more than the plan lets it say. Shares no code with what made it coarser."""
    if blank(cell):
        return True
    text = str(cell).strip()
    if g.how in ("month", "year"):
        found = re.fullmatch(r"\d{4}-(\d\d)-01(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", text)
        return bool(found) and (g.how == "month" or found[1] == "01")  # type: ignore[index]
    if g.how == "band":
        try:
            return decimal.Decimal(text) % g.width == 0
        except decimal.InvalidOperation:
            return False
    return len(text) <= g.width if g.how == "prefix" else bool(re.fullmatch(r"(?:\d{1,3}\.){3}0(?:/\d+)?", text))


def judge(source: str, table: str, before: TableState, after: TableState, refused: int) -> TableProof:
    """Compare what stays with what was to stay."""
    equal = before.rows == after.rows and before.digest == after.digest
    problem = ""
    if after.rows > before.rows:
        problem = f"{after.rows - before.rows} rows more than were to stay: somebody writes, or rows were not deleted"
    elif after.rows < before.rows:
        problem = f"{before.rows - after.rows} rows that were to stay are missing"
    elif not equal:
        problem = "rows that were to stay are not the same"
    elif after.orphans > before.orphans:
        problem = f"{after.orphans - before.orphans} rows point at rows that are gone"
    elif after.predicate_rows > refused:
        problem = f"{after.predicate_rows} rows still meet the predicate of an erasing disposal"
    elif after.uncleared:
        problem = f"{after.uncleared} cells that were to be cleared or made coarser say too much"
    return TableProof(
        source=source, table=table, rows_before=before.total, rows_expected=before.rows, rows_left=after.rows,
        predicate_rows=after.predicate_rows, kept_equal=equal, uncleared=after.uncleared,
        orphans_before=before.orphans, orphans_after=after.orphans, problem=problem)
