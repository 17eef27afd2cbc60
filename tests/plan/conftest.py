"""Small inventories and settings to plan over; nothing here touches a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from workbench.case.config import CaseConfig
from workbench.classification.model import Finding, Findings, TableProfile
from workbench.inventory import Inventory, Link
from workbench.law import load_packs
from workbench.plan import Plan, plan
from workbench.plan.spans import DateSpan
from workbench.sources.base import Column, ForeignKey, Table

AS_OF = dt.date(2026, 11, 23)


def table(name: str, columns: Sequence[str], source: str = "shop", keys: Sequence[tuple[str, str]] = (), pk: str = "id",
          rows: int = 100) -> Table:
    """A table of text columns; ``*_at``, ``*date*`` and the like become timestamps."""
    cols = tuple(Column(name=c, type="timestamp[us]" if c.endswith(("_at", "date", "_on", "日期")) else
                        "int64" if c == "id" or c.endswith("_id") else "string", nullable=c != pk) for c in columns)
    fks = tuple(ForeignKey(columns=(c,), ref_table=t, ref_columns=("id",)) for c, t in keys)
    return Table(source=source, name=name, columns=cols, primary_key=(pk,) if pk in columns else (), foreign_keys=fks, rows=rows)


def finding(ref: str, category: str = "basic", detector: str = "person_name", confidence: str = "high", minors: int = 0,
            sensitive: bool = False) -> Finding:
    """A finding in ``source.table.column``."""
    source, rest = ref.split(".", 1)
    name, column = rest.rsplit(".", 1)
    return Finding(source=source, table=name, column=column, detector=detector, category=category, sensitive=sensitive,
                   confidence=confidence, rows=100, nonnull=100, matched=100, distinct=90, whole=100, minors=minors)  # type: ignore[arg-type]


def inventory(*tables: Table) -> Inventory:
    """An inventory with its declared links."""
    links = tuple(Link(source=t.source, table=t.name, key=k) for t in tables for k in t.foreign_keys)
    return Inventory(case_id="t", taken_at="2026-11-23T00:00:00Z", tables=tables, links=links)


def findings(*found: Finding, persons: int = 1000, minors: int = 0, profiles: Sequence[TableProfile] = ()) -> Findings:
    """Findings of one scan."""
    return Findings(case_id="t", as_of="2026-11-23T00:00:00Z", findings=found, persons=persons, minors=minors, tables=tuple(profiles))


def config(**changes: Any) -> CaseConfig:
    """A case with the roles it needs; keywords replace sections."""
    base: dict[str, Any] = {
        "case": {"id": "t", "company": "甲公司", "place": "上海"},
        "dates": {"dissolution": "2026-06-01", "service_end": "2026-08-31", "claims_end": "2026-10-31"},
        "people": [{"id": "op", "name": "操作", "roles": ["operator"]}, {"id": "ann", "name": "安", "roles": ["approver"]},
                   {"id": "ben", "name": "本", "roles": ["approver"]}],
        "sources": [{"name": "shop", "url": "sqlite:///shop.sqlite"}],
    }
    case = {**base["case"], **changes.pop("case", {})}
    dates = {**base["dates"], **changes.pop("dates", {})}
    return CaseConfig.model_validate({**base, **changes, "case": case, "dates": {k: v for k, v in dates.items() if v}})


def span(ref: str, months: dict[str, int], unknown: int = 0) -> DateSpan:
    """Rows per month of ``source.table.column``."""
    source, rest = ref.split(".", 1)
    name, column = rest.rsplit(".", 1)
    return DateSpan(source=source, table=name, column=column, months=tuple(sorted(months.items())), unknown=unknown)


def planned(tables: Sequence[Table], found: Findings, cfg: CaseConfig | None = None, as_of: dt.date = AS_OF,
            spans: Sequence[DateSpan] = (), **kw: Any) -> Plan:
    """Plan with the packs that the settings select."""
    cfg = cfg or config()
    packs = kw.pop("packs", None) or load_packs(cfg.case.jurisdictions, cfg.case.sectors)
    return plan(inventory(*tables), found, packs, cfg, as_of, kw.pop("evidence", ()), spans)


@pytest.fixture
def shop() -> tuple[list[Table], Findings]:
    """Customers, orders that point at them, items that point at orders, a reference table."""
    tables = [
        table("customers", ["id", "name", "phone", "remark", "created_at"], rows=50),
        table("orders", ["id", "customer_id", "amount", "note", "completed_at"], keys=[("customer_id", "customers")], rows=200),
        table("order_items", ["id", "order_id", "product_id", "quantity"], keys=[("order_id", "orders"), ("product_id", "products")]),
        table("payments", ["id", "order_id", "payer", "card_no", "paid_at"], keys=[("order_id", "orders")]),
        table("products", ["id", "title"], rows=15),
        table("tickets", ["id", "customer_id", "content"], keys=[("customer_id", "customers")]),
    ]
    found = findings(
        finding("shop.customers.name"), finding("shop.customers.phone", detector="cn_mobile"), finding("shop.orders.note"),
        finding("shop.payments.payer"), finding("shop.payments.card_no", "finacct", "bank_card", sensitive=True),
        finding("shop.tickets.content", detector="cn_mobile"))
    return tables, found
