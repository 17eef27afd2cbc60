"""Properties of every plan: holds and longer terms never delete earlier, inputs have no order, sets are a partition."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plan.conftest import AS_OF, config, finding, findings, inventory, span, table
from tests.plan.reference import Reader
from workbench.law import Packs, load_packs
from workbench.plan import Disposal, Plan, plan
from workbench.plan.spans import DateSpan

TABLES = [
    table("customers", ["id", "name", "phone"]),
    table("orders", ["id", "customer_id", "note", "completed_at"], keys=[("customer_id", "customers")]),
    table("order_items", ["id", "order_id", "product_id"], keys=[("order_id", "orders"), ("product_id", "products")]),
    table("payments", ["id", "order_id", "payer", "paid_at"], keys=[("order_id", "orders")]),
    table("products", ["id", "title"]),
    table("addresses", ["id", "customer_id", "street"], keys=[("customer_id", "customers")]),
]
PERSONAL = ("customers.name", "customers.phone", "orders.note", "payments.payer", "addresses.street")
FOUND = findings(*(finding(f"shop.{c}") for c in PERSONAL))
days = st.one_of(st.none(), st.dates(dt.date(1990, 1, 1), AS_OF))
SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@st.composite
def shops(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """A few rows of every table, some pointing nowhere, some without a date."""
    n = {t.name: draw(st.integers(0, 4)) for t in TABLES}
    key = {name: st.one_of(st.none(), st.integers(1, max(1, k))) for name, k in n.items()}
    return {
        "customers": [{"id": i + 1} for i in range(n["customers"])],
        "products": [{"id": i + 1} for i in range(n["products"])],
        "orders": [{"id": i + 1, "customer_id": draw(key["customers"]), "completed_at": draw(days)} for i in range(n["orders"])],
        "order_items": [{"id": i + 1, "order_id": draw(key["orders"]), "product_id": draw(key["products"])}
                        for i in range(n["order_items"])],
        "payments": [{"id": i + 1, "order_id": draw(key["orders"]), "paid_at": draw(days)} for i in range(n["payments"])],
        "addresses": [{"id": i + 1, "customer_id": draw(key["customers"])} for i in range(n["addresses"])],
    }


def spans_of(rows: dict[str, list[dict[str, Any]]]) -> list[DateSpan]:
    out = []
    for name, column in (("orders", "completed_at"), ("payments", "paid_at")):
        months: dict[str, int] = {}
        for r in rows[name]:
            if r[column]:
                months[r[column].strftime("%Y-%m")] = months.get(r[column].strftime("%Y-%m"), 0) + 1
        out.append(span(f"shop.{name}.{column}", months, sum(r[column] is None for r in rows[name])))
    return out


def made(rows: dict[str, list[dict[str, Any]]] | None, packs: Packs | None = None, **cfg: Any) -> Plan:
    cfg.setdefault("case", {"sectors": ["ecommerce"]})
    return plan(inventory(*TABLES), FOUND, packs or load_packs(("CN",), ("ecommerce",)), config(**cfg), AS_OF, (),
                spans_of(rows) if rows else ())


def gone(d: Disposal) -> dt.date:
    """First day on which rows of a line may be gone."""
    if d.action in ("erase", "hand_over", "anonymise"):
        return d.not_before or AS_OF
    if d.action == "lock" and d.keep_until:
        return d.keep_until
    return dt.date.max


@SLOW
@given(shops(), st.booleans(), st.sampled_from([(), ("shop.orders",), ("shop.*",), ("shop.customers", "shop.payments")]))
def test_every_row_ends_in_exactly_one_disposal(rows: dict[str, list[dict[str, Any]]], counted: bool, held: tuple[str, ...]) -> None:
    """The sets of a table partition its rows, whatever points where, with and without counted months and holds."""
    holds = [{"id": "suit", "reason": "诉讼", "covers": list(held), "since": "2026-01-01"}] if held else []
    p = made(rows if counted else None, holds=holds)
    reader = Reader(p, TABLES, rows)
    for name, found in rows.items():
        for row in found:
            assert len(reader.of(name, row)) == 1


@SLOW
@given(shops(), st.sampled_from(["shop.orders", "shop.customers", "shop.payments", "shop.*"]),
       st.one_of(st.none(), st.dates(AS_OF, dt.date(2100, 1, 1))))
def test_a_hold_never_deletes_earlier(rows: dict[str, list[dict[str, Any]]], covers: str, until: dt.date | None) -> None:
    """For each row: the day it may be gone with a hold is never before the day without."""
    free = made(rows)
    held = made(rows, holds=[{"id": "suit", "reason": "诉讼", "covers": [covers], "since": "2026-01-01", "until": until}])
    a, b = Reader(free, TABLES, rows), Reader(held, TABLES, rows)
    for name, found in rows.items():
        for row in found:
            before, after = a.of(name, row)[0], b.of(name, row)[0]
            if after.holds:
                assert (after.action, after.level, after.suppress) == ("lock", "none", ())
                assert (after.not_before or AS_OF) > (until or AS_OF)
                assert before.action == "keep" or gone(after) >= gone(before)
            elif before.action in ("erase", "hand_over") and not after.holds:
                assert gone(after) >= gone(before)
            else:
                assert after.action not in ("erase", "hand_over") or before.action in ("erase", "hand_over")


@SLOW
@given(shops(), st.integers(3, 40))
def test_a_longer_minimum_never_deletes_earlier(rows: dict[str, list[dict[str, Any]]], years: int) -> None:
    """Raising a term keeps every row at least as long; what was kept is not erased."""
    packs = load_packs(("CN",), ("ecommerce",))
    longer = []
    for p in packs.packs:
        rules = tuple(r.model_copy(update={"values": (*r.values[:-1], r.values[-1].model_copy(update={"min_term": f"P{years}Y"}))})
                      if r.id in ("cn.ecommerce.order_chain",) else r for r in p.rules)
        longer.append(p.model_copy(update={"rules": rules}))
    short, long_ = made(rows, packs), made(rows, Packs(tuple(longer)))
    a, b = Reader(short, TABLES, rows), Reader(long_, TABLES, rows)
    for name in ("orders", "payments", "order_items"):
        for row in rows[name]:
            before, after = a.of(name, row)[0], b.of(name, row)[0]
            if before.action == "lock":
                assert after.action == "lock"
                assert after.keep_until is not None
                assert before.keep_until is not None
                assert after.keep_until >= before.keep_until


@SLOW
@given(shops(), st.randoms(use_true_random=False))
def test_order_of_inputs_does_not_matter_and_bytes_repeat(rows: dict[str, list[dict[str, Any]]], random: Any) -> None:
    """Tables, findings, spans in any order give the same lines; the same input gives the same bytes."""
    spans = spans_of(rows)
    packs = load_packs(("CN",), ("ecommerce",))
    cfg = config(case={"sectors": ["ecommerce"]})
    first = plan(inventory(*TABLES), FOUND, packs, cfg, AS_OF, (), spans)
    tables, found = list(TABLES), list(FOUND.findings)
    random.shuffle(tables)
    random.shuffle(found)
    other = plan(inventory(*tables), FOUND.model_copy(update={"findings": tuple(found)}), packs, cfg, AS_OF, (), spans[::-1])
    assert first.disposals == other.disposals
    assert first.canonical() == plan(inventory(*TABLES), FOUND, packs, cfg, AS_OF, (), spans).canonical()


@given(st.dates(dt.date(1950, 1, 1), dt.date(2090, 1, 1)), st.sampled_from(["P6M", "P30D", "P3Y", "P30Y", "P24M", "P60D"]),
       st.sampled_from(["", "year"]))
def test_the_first_bound_day_is_the_edge(on: dt.date, term: str, round_: str) -> None:
    """The day it names is bound, the day before is not."""
    from workbench.law import first_bound, keep_until

    first = first_bound(on, term, round_)
    assert keep_until(first, term, round_) >= on
    assert keep_until(first - dt.timedelta(1), term, round_) < on
