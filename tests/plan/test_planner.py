"""What the plan does with a small shop: terms, details, tombstones, holds, gates, conflicts."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import pytest

from tests.plan.conftest import config, finding, findings, inventory, planned, span, table
from workbench.classification.model import Findings
from workbench.errors import LawError, PlanError
from workbench.law import guess_record, load_packs
from workbench.plan import Disposal, Plan, plan
from workbench.sources.base import Table

Shop = tuple[list[Table], Findings]
ECOM = {"case": {"sectors": ["ecommerce"]}}
SPANS = [span("shop.orders.completed_at", {"2019-05": 40, "2024-02": 60, "2026-03": 100}),
         span("shop.payments.paid_at", {"1995-04": 5, "2024-02": 60, "2026-03": 90})]


def lines(p: Plan, name: str) -> list[Disposal]:
    return [d for d in p.disposals if d.set.table == name]


def ops(d: Disposal) -> list[str]:
    return [c.op for c in d.set.where]


def test_customers_without_a_kept_record_are_erased_and_others_become_tombstones(shop: Shop) -> None:
    """Service has stopped: only rows that kept orders or payments point at stay, with every word of theirs cleared."""
    p = planned(*shop, config(**ECOM), spans=SPANS)
    found = {tuple(ops(d)): d for d in lines(p, "customers")}
    gone = found[("unreferenced",)]
    assert gone.action == "erase"
    stone = found[("referenced", "unreferenced")]
    assert (stone.action, set(stone.suppress)) == ("anonymise", {"name", "phone", "remark", "created_at"})
    named = found[("referenced",)]
    assert (named.action, named.keep_columns) == ("lock", ("id", "name"))
    assert named.retention_class == "cn.ecommerce.order_chain/2029"
    assert "PIPL" in gone.reason.en or "Personal Information Protection Law" in gone.reason.en


def test_orders_split_at_three_years_and_by_the_year_their_term_ends(shop: Shop) -> None:
    """2019 is over; 2024 is kept into 2027, 2026 into 2029; the shares add up to the table."""
    p = planned(*shop, config(**ECOM), spans=SPANS)
    got = [(d.action, d.retention_class, d.rows) for d in lines(p, "orders") if "unreferenced" not in ops(d)]
    assert ("lock", "cn.ecommerce.order_chain/2027", 60) in got
    assert ("lock", "cn.ecommerce.order_chain/2029", 100) in got
    old = [d for d in lines(p, "orders") if d.action in ("erase", "anonymise")]
    assert {c.value for d in old for c in d.set.where if c.op == "<"} == {"2023-11-23"}


def test_vouchers_are_kept_thirty_years_after_the_year_and_say_why(shop: Shop) -> None:
    """A payment of 1995 is over since 2025-12-31; the reason of a kept one names both the 30 and the 10 years."""
    p = planned(*shop, config(**ECOM), spans=SPANS)
    pay = lines(p, "payments")
    assert {d.action for d in pay} == {"lock", "erase"}
    kept = next(d for d in pay if d.retention_class == "cn.accounting.voucher/2056")
    assert kept.keep_until == dt.date(2056, 12, 31)
    assert {r.id for r in kept.rules} == {"cn.accounting.voucher", "cn.tax.records"}
    assert "30 years" in kept.reason.en
    assert "10年" in kept.reason.zh
    assert kept.suppress == ("payer", "card_no")
    assert "card_no" not in kept.keep_columns
    assert "payer" in kept.keep_columns


def test_items_share_their_order_s_fate(shop: Shop) -> None:
    """Each set of order rows has its set of items, and items of no order go."""
    p = planned(*shop, config(**ECOM), spans=SPANS)
    items = lines(p, "order_items")
    orders = {d.id: d for d in lines(p, "orders")}
    pointed = {d.set.where[0].value: d for d in items if ops(d) == ["parent_in"]}
    assert set(pointed) <= set(orders)
    assert all(pointed[i].retention_class == orders[i].retention_class for i in pointed if orders[i].action == "lock")
    assert [ops(d) for d in items].count(["parent_gone"]) == 1
    assert max(d.order for d in items) < min(d.order for d in orders.values())


def test_reference_data_stay_and_free_text_of_customers_goes(shop: Shop) -> None:
    """Products hold nobody; tickets belong to people and no rule keeps them."""
    p = planned(*shop)
    assert [d.action for d in lines(p, "products")] == ["keep"]
    assert [d.action for d in lines(p, "tickets")] == ["erase"]


def test_without_a_date_column_the_latest_reading_is_taken_and_said(shop: Shop) -> None:
    """No start event in the data: every row is kept as if made today, in one class."""
    tables = [table("invoices", ["id", "buyer_name"])]
    p = planned(tables, findings(finding("shop.invoices.buyer_name")))
    (d,) = p.disposals
    assert (d.action, d.set.where, d.retention_class) == ("lock", (), "cn.accounting.voucher/2056")
    assert "latest possible" in d.reason.en
    assert "最迟" in d.reason.zh


def test_a_guess_is_called_a_guess(shop: Shop) -> None:
    """A type read from a name stands in the warnings with the word that led to it; a declared one does not."""
    p = planned(*shop, spans=SPANS)
    assert any("payments" in w.en and "guess" in w.en for w in p.warnings)
    declared = config(records=[{"table": "shop.payments", "type": "accounting.voucher", "date": "paid_at"}])
    q = planned(*shop, declared, spans=SPANS)
    assert not any("shop.payments" in w.en and "guess" in w.en for w in q.warnings)


def test_what_stands_before_the_dot_is_a_schema_or_what_stands_after_it_a_kind_of_file() -> None:
    """``hr.staff`` is staff, ``Billing.InvoiceLine`` a detail; a schema speaks only where its table says nothing."""
    packs = load_packs(["CN"])
    got = {n: g.type.id if (g := guess_record(packs, n)) else "" for n in (
        "hr.staff", "Billing.InvoiceLine", "orders.address", "payroll.t1", "crm.x", "充值记录", "门诊收费")}
    assert got == {"hr.staff": "hr.staff", "Billing.InvoiceLine": "detail", "orders.address": "person.customer",
                   "payroll.t1": "hr.wage", "crm.x": "", "充值记录": "accounting.voucher", "门诊收费": "accounting.voucher"}
    files = [guess_record(packs, n, file=True) for n in ("old/客户.log", "book.xlsx#订单", "staff.csv")]
    assert [g and g.type.id for g in files] == ["person.customer", "commerce.order", "hr.staff"]


def test_slips_of_the_pen_that_would_erase_are_refused(shop: Shop) -> None:
    """A sector that no pack knows, and a [[records]] entry for a table that is not there."""
    with pytest.raises(LawError, match=r"no rule pack for sector 'medcal'.*medical"):
        load_packs(["CN"], ["medcal"])
    with pytest.raises(PlanError, match=r"names 'shop\.paymens', which is no table"):
        planned(*shop, config(records=[{"table": "shop.paymens", "type": "accounting.voucher"}]), spans=SPANS)


def test_orders_without_a_sector_rule_are_read_as_vouchers(shop: Shop) -> None:
    """Outside e-commerce no rule binds orders: the careful reading keeps them as source documents, and warns."""
    p = planned(*shop, spans=SPANS)
    assert {d.retention_class.split("/")[0] for d in lines(p, "orders") if d.action == "lock"} == {"cn.accounting.voucher"}
    assert any("shop.orders" in w.en and "careful" in w.en for w in p.warnings)


def test_a_hold_stops_everything_it_covers_and_what_it_points_at(shop: Shop) -> None:
    """Held orders are untouched; so are their items and the customers they point at."""
    held = config(holds=[{"id": "suit", "reason": "诉讼", "covers": ["shop.orders"], "since": "2026-01-01", "until": "2027-06-30"}], **ECOM)
    p = planned(*shop, held, spans=SPANS)
    (d,) = lines(p, "orders")
    assert (d.action, d.level, d.suppress, d.holds) == ("lock", "none", (), ("suit",))
    assert d.not_before == dt.date(2027, 7, 1)
    assert any(x.holds == ("suit",) and not x.suppress for x in lines(p, "order_items"))
    assert any(x.holds == ("suit",) and "referenced" in ops(x) and not x.suppress for x in lines(p, "customers"))


def test_an_ended_hold_binds_nothing(shop: Shop) -> None:
    """A hold whose last day has passed is gone."""
    over = config(holds=[{"id": "suit", "reason": "诉讼", "covers": ["shop.*"], "since": "2025-01-01", "until": "2026-11-22"}], **ECOM)
    assert not [d for d in planned(*shop, over, spans=SPANS).disposals if d.holds]


def test_nothing_irreversible_before_the_creditors_claims_end(shop: Shop) -> None:
    """The gate is shut until the day has passed; without dates it stays shut to the end of the calendar."""
    p = planned(*shop, config(dates={"claims_end": "2027-01-31"}), spans=SPANS)
    gate = next(g for g in p.gates if g.id == "cn.closing.claims_period")
    assert (gate.open, gate.until) == (False, dt.date(2027, 1, 31))
    assert all(d.not_before == dt.date(2027, 1, 31) for d in p.disposals if d.action in ("erase", "anonymise", "lock"))
    unknown = planned(*shop, config(dates={"claims_end": None, "dissolution": None}), spans=SPANS)
    assert all(d.not_before == dt.date.max for d in unknown.disposals if d.action == "erase")
    computed = planned(*shop, config(dates={"claims_end": None}), spans=SPANS)
    assert next(g for g in computed.gates if g.id == "cn.closing.claims_period").until == dt.date(2026, 9, 29)


def test_ten_million_persons_wait_for_the_report(shop: Shop) -> None:
    """The gate appears at ten million persons, or where important data are declared; not below."""
    tables, found = shop
    assert not any(g.id == "cn.closing.disposal_report" for g in planned(tables, found).gates)
    many = found.model_copy(update={"persons": 10_000_000})
    assert any(g.id == "cn.closing.disposal_report" and not g.open for g in planned(tables, many).gates)
    declared = config(settings={"plan": {"important_data": True}})
    assert any(g.id == "cn.closing.disposal_report" for g in planned(tables, found, declared).gates)


def test_a_hard_maximum_below_a_minimum_goes_to_a_person() -> None:
    """Negative credit records must go after five years; a longer duty of a company pack makes it a conflict."""
    tables = [table("bad_debts", ["id", "name", "event_end"])]
    cfg = config(case={"sectors": ["finance"]}, records=[{"table": "shop.bad_debts", "type": "credit.negative", "date": "event_end"}])
    packs = load_packs(("CN",), ("finance",))
    longer = packs.rule("cn.credit.negative")
    assert longer is not None
    from workbench.law import Packs

    extra = longer.model_copy(update={"id": "acme.credit", "values": (longer.values[0].model_copy(
        update={"min_term": "P8Y", "max_term": ""}),)})
    own = packs.packs[0].model_copy(update={"id": "acme", "rules": (extra,), "record_types": (), "categories": (), "start_events": (),
                                            "instruments": ()})
    p = planned(tables, findings(finding("shop.bad_debts.name")), cfg, packs=Packs((*packs.packs, own)))
    asks = [d for d in p.disposals if d.action == "ask"]
    assert asks
    assert "conflict" in asks[0].reason.en
    assert asks[0].level == "none"


def test_aml_files_are_handed_over_and_not_deleted() -> None:
    """On dissolution they go to the body that the state names."""
    tables = [table("kyc_files", ["id", "name", "id_card"])]
    p = planned(tables, findings(finding("shop.kyc_files.name")), config(case={"sectors": ["finance"]}))
    (d,) = p.disposals
    assert d.action == "hand_over"
    assert "State Council" in d.receiver
    assert "cn.aml.handover" in {r.id for r in d.rules}


def test_an_unknown_record_type_is_refused(shop: Shop) -> None:
    """A typing error in [[records]] must not silently delete."""
    with pytest.raises(PlanError, match="unknown record type"):
        planned(*shop, config(records=[{"table": "shop.orders", "type": "comerce.order"}]))
    with pytest.raises(PlanError, match="does not have"):
        planned(*shop, config(records=[{"table": "shop.orders", "type": "commerce.order", "date": "nope"}]))


def test_children_are_cited_where_children_are_found() -> None:
    """Fourteen is the line of the law; the rule on children stands beside the general one."""
    p = planned([table("babies", ["id", "name"])], findings(finding("shop.babies.name", minors=7), minors=7))
    (d,) = p.disposals
    assert d.importance == 4
    assert "cn.pi.child" in {r.id for r in d.rules}
    assert any(x.id == "cn.closing.child_notice" for x in p.duties)


def test_a_self_reference_and_a_cycle_end_in_one_order() -> None:
    """Staff point at staff; two tables that point at each other share a place in the order."""
    tables = [table("staff", ["id", "name", "manager_id"], keys=[("manager_id", "staff")]),
              table("alpha", ["id", "beta_id", "name"], keys=[("beta_id", "beta")]),
              table("beta", ["id", "alpha_id", "name"], keys=[("alpha_id", "alpha")])]
    p = planned(tables, findings(finding("shop.staff.name"), finding("shop.alpha.name"), finding("shop.beta.name")))
    orders = defaultdict(set)
    for d in p.disposals:
        orders[d.set.table].add(d.order)
    assert orders["alpha"] == orders["beta"]
    assert lines(p, "staff")[0].action == "lock"


def test_assets_are_destroyed_with_a_certificate() -> None:
    """Devices and paper get a line each; a partner is asked to return or delete."""
    cfg = config(assets=[{"name": "front desk PC", "kind": "device", "encrypted": "no"}, {"name": "courier", "kind": "partner"}])
    p = planned([table("x", ["id"])], findings(), cfg)
    media = [d for d in p.disposals if d.action == "destroy_medium"]
    assert [d.set.table for d in media] == ["front desk PC", "courier"]
    assert any(x.id == "cn.closing.partners_return" for x in p.duties)


def test_the_plan_does_not_depend_on_the_order_of_its_inputs(shop: Shop) -> None:
    """Same facts in another order, same bytes."""
    tables, found = shop
    cfg = config(**ECOM)
    packs = load_packs(("CN",), ("ecommerce",))
    a = plan(inventory(*tables), found, packs, cfg, dt.date(2026, 11, 23), (), SPANS)
    turned = found.model_copy(update={"findings": tuple(reversed(found.findings))})
    b = plan(inventory(*reversed(tables)), turned, packs, cfg, dt.date(2026, 11, 23), (), list(reversed(SPANS)))
    assert a.disposals == b.disposals
    assert a.duties == b.duties
    again = plan(inventory(*tables), found, packs, cfg, dt.date(2026, 11, 23), (), SPANS)
    assert a.canonical() == again.canonical()


def test_a_kept_invoice_loses_the_whole_address() -> None:
    """Where a street was found, town and postcode beside it are cleared too; the country tells nothing and stays."""
    tables = [table("invoices", ["id", "BillingAddress", "BillingCity", "BillingPostalCode", "BillingCountry", "invoice_date"])]
    p = planned(tables, findings(finding("shop.invoices.BillingAddress", detector="address")),
                spans=[span("shop.invoices.invoice_date", {"2026-01": 5})])
    (d,) = p.disposals
    assert d.suppress == ("BillingAddress", "BillingCity", "BillingPostalCode")
    assert d.keep_columns == ("id", "BillingCountry", "invoice_date")
