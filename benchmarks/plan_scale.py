"""Planning 2,000 tables with 50,000 columns: time and memory of the pure function, dates counted for every bound table.

Run: python benchmarks/plan_scale.py [TABLES] [COLUMNS_PER_TABLE]
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import sys
import time

from workbench.case.config import CaseConfig
from workbench.classification.model import Finding, Findings
from workbench.inventory import Inventory, Link
from workbench.law import load_packs
from workbench.plan import plan
from workbench.plan.spans import DateSpan
from workbench.sources.base import Column, ForeignKey, Table

NAMES = ("customers", "orders", "order_items", "payments", "tickets", "products", "staff", "access_log", "addresses", "profile")


def build(tables: int, columns: int) -> tuple[Inventory, Findings, list[DateSpan]]:
    """Schemas of ten tables each: customers, orders that point at them, items, payments, ..."""
    made, found, spans = [], [], []
    months = tuple((f"{y}-{m:02d}", 10) for y in range(2012, 2027) for m in range(1, 12))
    for n in range(tables):
        kind, block = NAMES[n % 10], n // 10
        name = f"{kind}_b{block}"
        keys = {"orders": "customers", "payments": "orders", "tickets": "customers", "addresses": "customers", "order_items": "orders"}
        parent = keys.get(kind)
        cols = [Column(name="id", type="int64", nullable=False), Column(name="name", type="string"),
                Column(name="created_at", type="timestamp[us]"), Column(name="paid_at", type="timestamp[us]")]
        fks = ()
        if parent:
            cols.append(Column(name="parent_id", type="int64", nullable=False))
            fks = (ForeignKey(columns=("parent_id",), ref_table=f"{parent}_b{block}", ref_columns=("id",)),)
        cols += [Column(name=f"c{i}", type="string") for i in range(columns - len(cols))]
        made.append(Table(source="erp", name=name, columns=tuple(cols), primary_key=("id",), foreign_keys=fks, rows=10_000))
        if kind not in ("products", "order_items"):
            for c in ("name", "c1", "c2"):
                found.append(Finding(source="erp", table=name, column=c, detector="person_name", category="basic", sensitive=False,
                                     confidence="high", rows=10_000, nonnull=10_000, matched=10_000, distinct=9_000))
        spans += [DateSpan(source="erp", table=name, column=c, months=months) for c in ("created_at", "paid_at")]
    links = tuple(Link(source=t.source, table=t.name, key=k) for t in made for k in t.foreign_keys)
    inv = Inventory(case_id="scale", taken_at="2026-11-23T00:00:00Z", tables=tuple(made), links=links)
    return inv, Findings(case_id="scale", as_of="2026-11-23", findings=tuple(found), persons=1_000_000), spans


def main(tables: int = 2_000, columns: int = 25) -> dict[str, float]:
    """Seconds and megabytes."""
    cfg = CaseConfig.model_validate({
        "case": {"id": "scale", "company": "X", "place": "上海", "sectors": ["ecommerce"]},
        "dates": {"dissolution": "2026-06-01", "service_end": "2026-08-31", "claims_end": "2026-10-31"},
        "people": [{"id": "op", "name": "o", "roles": ["operator"]}, {"id": "a", "name": "a", "roles": ["approver"]},
                   {"id": "b", "name": "b", "roles": ["approver"]}],
        "sources": [{"name": "erp", "url": "sqlite:///x.sqlite"}]})
    inv, found, spans = build(tables, columns)
    packs = load_packs(("CN",), ("ecommerce",))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    t = time.perf_counter()
    p = plan(inv, found, packs, cfg, dt.date(2026, 11, 23), (), spans)
    took = time.perf_counter() - t
    t = time.perf_counter()
    digest = p.digest
    hashed = time.perf_counter() - t
    return {"tables": tables, "columns": sum(len(x.columns) for x in inv.tables), "disposals": len(p.disposals),
            "plan_seconds": round(took, 2), "digest_seconds": round(hashed, 2), "digest_ok": float(len(digest) == 64),
            "rss_before_mb": round(before), "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}


if __name__ == "__main__":
    print(json.dumps(main(*(int(a) for a in sys.argv[1:3])), indent=1))
