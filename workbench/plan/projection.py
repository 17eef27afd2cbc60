"""What would be left in the clear live store after the plan: the argument that risk's projected state takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workbench.inventory import Inventory
from workbench.plan.model import Disposal, Plan
from workbench.risk import Evidence, Left, RiskReport, assess

if TYPE_CHECKING:
    from workbench.case import Case

_CLEAR = {"keep", "ask"}


def projected_risk(case: Case) -> RiskReport:
    """Assess anew with the plan: what would be left when every line of it is done."""
    plan, inventory = case.load(Plan), case.load(Inventory)
    case.evidence("plan", plan_evidence(plan, inventory, case.now()))
    return assess(case, remaining(plan, inventory))


def plan_evidence(plan: Plan, inventory: Inventory, at: str) -> list[Evidence]:
    """What the plan shows: records past the day they had to be gone, table by table; erasing lines that touch a hold."""
    late = dict.fromkeys((t.id for t in inventory.tables), 0.0)
    for table, lines, weights in _weighed(plan, inventory):
        over = sum(w for d, w in zip(lines, weights, strict=True) if _erases(d) and d.delete_by and d.delete_by < plan.as_of)
        late[table] = over / sum(weights) if sum(weights) else 0.0
    out = [
        Evidence(item="retention.overdue", asset=k, value=round(v, 6), at=at, by="plan", sha256=plan.digest) for k, v in late.items()
    ]
    erasing = [d for d in plan.disposals if _erases(d)]
    held = sum(bool(d.holds) for d in erasing) / len(erasing) if erasing else 0.0
    return [*out, Evidence(item="holds.overlap", value=held, at=at, by="plan", sha256=plan.digest)]


def _erases(d: Disposal) -> bool:
    return d.action in ("erase", "anonymise", "hand_over")


def remaining(plan: Plan, inventory: Inventory) -> dict[str, Left]:
    """What is left of each table's records once the plan is done, by table id: in clear, and sealed only.

    Locked rows are sealed: their personal columns are cleared in the live store. Where counts are unknown a table's
    lines weigh the same.
    """
    out = {}
    for table, lines, weights in _weighed(plan, inventory):
        total = sum(weights)
        clear = sum(w for d, w in zip(lines, weights, strict=True) if d.holds or d.action in _CLEAR)
        sealed = sum(w for d, w in zip(lines, weights, strict=True) if not d.holds and d.action == "lock")
        out[table] = Left(round(clear / total, 6), round(sealed / total, 6)) if total else Left(0.0)
    return out


def _weighed(plan: Plan, inventory: Inventory) -> Iterator[tuple[str, list[Disposal], list[float]]]:
    """Each table's lines with the rows each covers."""
    rows = {t.id: t.rows for t in inventory.tables}
    by_table: dict[str, list[Disposal]] = {}
    for d in plan.disposals:
        by_table.setdefault(d.set.table_id, []).append(d)
    for table, lines in by_table.items():
        if table in rows:
            yield table, lines, [float(d.rows) if d.rows is not None else rows[table] / len(lines) for d in lines]
