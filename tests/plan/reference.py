"""A slow, plain reading of conditions over rows in memory, to check that sets partition their tables."""

from __future__ import annotations

import datetime as dt
from typing import Any

from workbench.plan import Condition, Disposal, Plan
from workbench.plan.drafts import STAYING
from workbench.sources.base import Table

Rows = dict[str, list[dict[str, Any]]]


class Reader:
    """Says which disposals a row belongs to. Children are settled first, as in the plan's order."""

    def __init__(self, plan: Plan, tables: list[Table], rows: Rows) -> None:
        self.plan, self.rows = plan, rows
        self.tables = {t.name: t for t in tables}
        self.lines = {d.id: d for d in plan.disposals}

    def member(self, d: Disposal, row: dict[str, Any], direct: bool = True) -> bool:
        """Whether ``row`` is in the set of ``d``; ``direct`` False leaves out who points at it."""
        return all(self.meets(d.set.table, c, row) for c in d.set.where
                   if direct or c.op not in ("referenced", "unreferenced"))

    def meets(self, table: str, c: Condition, row: dict[str, Any]) -> bool:
        if c.op in ("<", ">="):
            day: dt.date | None = row[c.column]
            newest = day is None or day.isoformat() >= c.value
            return newest if c.op == ">=" else not newest
        if c.op in ("is_null", "not_null"):
            return (row[c.column] is None) == (c.op == "is_null")
        if c.op == "parent_gone":
            return self.parent(table, c.column, row) is None
        if c.op == "parent_in":
            up = self.parent(table, c.column, row)
            return up is not None and self.member(self.lines[c.value], up, direct=False)
        pointed = self.pointed(table, row, c.value.split(",") if c.value else [])
        return pointed == (c.op == "referenced")

    def parent(self, table: str, column: str, row: dict[str, Any]) -> dict[str, Any] | None:
        key = next(k for k in self.tables[table].foreign_keys if ",".join(k.columns) == column)
        return next((r for r in self.rows[key.ref_table] if r["id"] == row[column]), None)

    def pointed(self, table: str, row: dict[str, Any], ids: list[str]) -> bool:
        for child in self.tables.values():
            for key in child.foreign_keys:
                if key.ref_table != table or child.name == table:
                    continue
                for r in self.rows[child.name]:
                    if r[key.columns[0]] != row["id"]:
                        continue
                    if ids:
                        if any(self.lines[i].set.table == child.name and self.member(self.lines[i], r, direct=False) for i in ids):
                            return True
                    elif any(d.set.table == child.name and d.action in STAYING and self.member(d, r) for d in self.plan.disposals):
                        return True
        return False

    def of(self, table: str, row: dict[str, Any]) -> list[Disposal]:
        """Disposals that hold the row."""
        return [d for d in self.plan.disposals if d.set.table == table and self.member(d, row)]
