"""What would be left in the clear live store after the plan: the argument that risk's projected state takes."""

from __future__ import annotations

from workbench.inventory import Inventory
from workbench.plan.model import Disposal, Plan

_LEFT = {"erase": 0.0, "hand_over": 0.0, "destroy_medium": 0.0, "anonymise": 0.0, "lock": 0.1, "keep": 1.0, "ask": 1.0}


def remaining(plan: Plan, inventory: Inventory) -> dict[str, float]:
    """Share of each table's records that still hold personal data in the live store, by table id.

    Locked rows count as gone there (their personal columns are cleared) but for a tenth: the sealed copy still exists.
    Where counts are unknown a table's lines weigh the same.
    """
    rows = {t.id: t.rows for t in inventory.tables}
    by_table: dict[str, list[Disposal]] = {}
    for d in plan.disposals:
        by_table.setdefault(d.set.table_id, []).append(d)
    out = {}
    for table, lines in by_table.items():
        if table not in rows:
            continue
        weights = [d.rows if d.rows is not None else rows[table] / max(1, len(lines)) for d in lines]
        total = sum(weights)
        left = sum(w * _share(d) for d, w in zip(lines, weights, strict=True))
        out[table] = round(left / total, 6) if total else 0.0
    return out


def _share(d: Disposal) -> float:
    return 1.0 if d.holds else _LEFT[d.action]
