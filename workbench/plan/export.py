"""Inventory, findings and plan in the words of W3C DPV and fideslang."""

from __future__ import annotations

from typing import Any

from workbench.classification.model import Findings
from workbench.law import Packs
from workbench.law.vocabulary import to_dpv, to_fides
from workbench.plan.model import Plan


def dpv(packs: Packs, findings: Findings, plan: Plan) -> dict[str, Any]:
    """JSON-LD: every personal column and every line of the plan."""
    columns = [(f.source, f.table, f.column, f.category) for f in findings.findings if f.detector and f.category]
    lines = [
        (d.id, d.set.table_id, d.action, d.keep_until.isoformat() if d.keep_until else "", [r.id for r in d.rules])
        for d in plan.disposals
    ]
    return to_dpv(packs, sorted(set(columns)), lines)


def fides(packs: Packs, findings: Findings, plan: Plan) -> dict[str, Any]:
    """A fideslang manifest: one dataset per source."""
    kept: dict[str, str] = {}
    for d in plan.disposals:
        if d.keep_until:
            kept[d.set.table_id] = max(kept.get(d.set.table_id, ""), d.keep_until.isoformat())
    sources: dict[str, dict[str, dict[str, str]]] = {}
    for f in findings.findings:
        if f.detector and f.category:
            sources.setdefault(f.source, {}).setdefault(f.table, {}).setdefault(f.column, f.category)
    out: list[Any] = []
    for name, tables in sorted(sources.items()):
        rows = [
            (t, sorted(c.items()), f"until {kept[f'{name}.{t}']}" if f"{name}.{t}" in kept else "delete")
            for t, c in sorted(tables.items())
        ]
        out += to_fides(packs, name, rows)["dataset"]
    return {"dataset": out}
