"""A request finds all of one person's rows and none of a namesake's, and can be proven done without the person's data."""

from __future__ import annotations

import csv
import datetime as dt
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.governance.conftest import sql
from workbench.case import Case, approvals
from workbench.classification import classify
from workbench.demo.company import build
from workbench.erasure.flow import dry_run, erase
from workbench.errors import ParameterError
from workbench.governance.desk import (
    answer,
    answer_text,
    deadlines,
    look_up,
    overdue,
    prove_deleted,
    receive,
    write_copy,
)
from workbench.governance.lookup import find_person, normal
from workbench.governance.watch import watch
from workbench.inventory import take_inventory
from workbench.plan.gates import config_digest
from workbench.plan.model import Disposal, Plan, RecordSet, Text
from workbench.vault import protect

OLD, MARK = "13912345678", "zhaoqing.desk@mail.example"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The demo company with one person's former phone planted, and a namesake with an order."""
    base = tmp_path_factory.mktemp("desk")
    build(base / "data", customers=300)
    db = sqlite3.connect(base / "data" / "shop.sqlite")
    name, phone, card = db.execute("SELECT name, phone, id_card FROM customers WHERE id = 9").fetchone()
    db.execute("UPDATE customers SET email = ? WHERE id = 9", (MARK,))
    db.execute("INSERT INTO customers (id, name, phone, id_card, created_at) VALUES (9001, ?, '13700001111', "
               "'110105194912310021', '2020-01-01')", (name,))
    db.execute("INSERT INTO orders (id, order_no, customer_id, serial_no, status, amount, ordered_at) VALUES "
               "(99001, 'N1', 9001, 's', 'x', 1, '2020-01-01')")
    db.commit()
    db.close()
    office = base / "data" / "office"
    with (office / "newsletter_utf8.csv").open("a", encoding="utf-8", newline="") as f:
        csv.writer(f).writerow([MARK, name, f"+86 {OLD[:3]}-{OLD[3:7]}-{OLD[7:]}", "1.2.3.4", "2019-01-01", "A"])
        csv.writer(f).writerow(["other.desk@mail.example", name, "13700001111", "1.2.3.4", "2019-01-01", "A"])
    ship = office / "发货记录_gbk.csv"
    with ship.open("a", encoding="gb18030", newline="") as f:
        csv.writer(f).writerow(["SF000000000001", name, OLD, "某地", "2018/01/01", ""])
        csv.writer(f).writerow(["SF000000000002", name, "13700001111", "某地", "2018/01/01", ""])
    (base / "case").mkdir()
    from workbench.resources import template

    toml = template("case/demo.toml").read_text(encoding="utf-8")
    for word, put in (("@LANG@", "zh"), ("@OUT@", "out"), ("@TODAY@", "2026-11-23")):
        toml = toml.replace(word, put)
    (base / "case" / "case.toml").write_text(toml, encoding="utf-8")
    case = Case.open(base / "case")
    take_inventory(case)
    classify(case)
    return base, {"name": name, "phone": phone, "card": card or ""}


def _truth(base: Path, phone: str) -> dict[str, int]:
    """Rows by plain SQL and plain text: what the person owns, under both phones."""
    db = sqlite3.connect(base / "data" / "shop.sqlite")

    def count(query: str) -> int:
        return int(db.execute(query).fetchone()[0])

    own = "SELECT id FROM orders WHERE customer_id = 9"
    truth = {
        "shop.customers": 1, "shop.addresses": count("SELECT count(*) FROM addresses WHERE customer_id = 9"),
        "shop.orders": count("SELECT count(*) FROM orders WHERE customer_id = 9"),
        "shop.order_items": count(f"SELECT count(*) FROM order_items WHERE order_id IN ({own})"),
        "shop.payments": count(f"SELECT count(*) FROM payments WHERE order_id IN ({own})"),
        "shop.tickets": count("SELECT count(*) FROM tickets WHERE customer_id = 9"),
    }
    for file, encoding in (("newsletter_utf8.csv", "utf-8"), ("发货记录_gbk.csv", "gb18030"), ("客服聊天.txt", "utf-8")):
        lines = (base / "data" / "office" / file).read_text(encoding=encoding).splitlines()
        squeezed = [line.replace("-", "").replace(" ", "") for line in lines]
        truth[f"office.{file}"] = sum(phone in s or OLD in s or MARK in s for s in squeezed)
    import pyarrow.parquet as pq

    events = pq.read_table(base / "data" / "office" / "events.parquet").column("customer_id").to_pylist()
    truth["office.events.parquet"] = events.count(9)
    return {k: n for k, n in truth.items() if n}


def test_all_rows_of_a_person_and_none_of_a_namesake(company: tuple[Path, dict[str, str]]) -> None:
    base, who = company
    case = Case.open(base / "case")
    found = find_person(case, [who["phone"]])
    got = {f"{h.source}.{h.table}": h.rows for h in found.hits if "xlsx" not in h.table}
    assert got == _truth(base, who["phone"])
    import openpyxl

    book = openpyxl.load_workbook(base / "data" / "office" / "会员名单.xlsx", read_only=True)
    for sheet in book.sheetnames:
        want = sum(any(who["phone"] in str(c or "").replace("-", "").replace(" ", "") for c in row)
                   for row in book[sheet].iter_rows(values_only=True))
        assert sum(h.rows for h in found.hits if h.table == f"会员名单.xlsx#{sheet}") == want
    book.close()
    former = find_person(case, [OLD])
    assert {(h.table, h.rows) for h in former.hits} == {(h.table, h.rows) for h in found.hits}, "the former phone leads there"
    other = find_person(case, ["137 0000 1111"])
    assert {(h.table, h.rows) for h in other.hits} == {
        ("customers", 1), ("orders", 1), ("newsletter_utf8.csv", 1), ("发货记录_gbk.csv", 1)}


def test_the_register_log_and_copy_hold_what_they_should(company: tuple[Path, dict[str, str]]) -> None:
    base, who = company
    case = Case.open(base / "case")
    item, code = receive(case, "copy")
    with pytest.raises(ParameterError, match="identity"):
        look_up(case, item.id, [who["phone"]], "operator", identity_checked=False)
    item = look_up(case, item.id, [who["phone"]], "operator", identity_checked=True)
    path = write_copy(case, item.id, [who["phone"]], "operator")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == sum(h.rows for h in item.hits)
    assert path.stat().st_mode & 0o077 == 0
    done = answer(case, item.id, "operator")
    assert str(len(item.hits)) in answer_text(case, done, "en")
    for folder in ("values", "ledger"):
        text = "".join(p.read_text(encoding="utf-8") for p in (base / "case" / folder).rglob("*") if p.is_file())
        assert not [w for w in (who["phone"], who["card"] or OLD, MARK, OLD, code) if w in text]
    log = [e.predicate for t in ("lookup/v1", "export/v1") for e in case.ledger.of_type(t)]
    assert [(p["person"], p["purpose"]) for p in log] == [("operator", "copy")] * 2
    with pytest.raises(ParameterError, match="answered"):
        answer(case, item.id, "operator")


def test_two_people_on_one_phone_are_told_apart(shop: Callable[..., Case]) -> None:
    case = shop()
    sql(case, "UPDATE customers SET id_card = '11010519491231002X' WHERE id = 1")
    sql(case, "UPDATE customers SET id_card = '440308199901101512', old_phone = '13800000001' WHERE id = 2")
    sql(case, "UPDATE customers SET old_phone = '139' || substr('0000000' || id, -8) WHERE id > 2")
    take_inventory(case)
    classify(case)
    found = find_person(case, ["11010519491231002X"])
    assert {(h.table, h.rows) for h in found.hits} == {("customers", 1), ("orders", 2)}
    assert found.conflicts == 1


@pytest.mark.parametrize("kinds", [("INTEGER", "TEXT"), ("TEXT", "INTEGER"), ("INTEGER", "INTEGER")])
def test_a_key_is_followed_into_a_source_that_keeps_it_as_another_type(shop: Callable[..., Case], kinds: tuple[str, str]) -> None:
    """Customer 7 has three events, and one event has no customer."""
    case = shop()
    for kind, name, rows in ((kinds[0], "crm", [(i, f"138{i:08d}") for i in range(1, 61)]),
                             (kinds[1], "web", [(1 + i % 60, "seen") for i in range(180)] + [(None, "seen")])):
        db = sqlite3.connect(case.folder / "data" / f"{name}.sqlite")
        db.execute(f"CREATE TABLE members (id {kind} PRIMARY KEY, phone TEXT)" if name == "crm" else
                   f"CREATE TABLE events (member_id {kind}, what TEXT)")
        db.executemany(f"INSERT INTO {'members' if name == 'crm' else 'events'} VALUES (?,?)", rows)
        db.commit()
        db.close()
    path = case.folder / "case.toml"
    path.write_text(path.read_text(encoding="utf-8") + "".join(
        f'\n[[sources]]\nname = "{n}"\nurl = "sqlite:///data/{n}.sqlite"\nsystem = "{n}"\n' for n in ("crm", "web")), encoding="utf-8")
    case = Case.open(case.folder)
    links = take_inventory(case).links
    assert not [k for k in links if k.source in ("crm", "web")], "the inventory's own links stay as they are"
    classify(case)
    found = {f"{h.source}.{h.table}": (h.rows, h.by) for h in find_person(case, ["13800000007"]).hits}
    assert (found["crm.members"], found["web.events"]) == ((1, "identifier"), (3, "link"))


def test_deadlines_come_from_the_packs(shop: Callable[..., Case]) -> None:
    """Worked by hand: 15 working days after Monday 2026-11-23 is Monday 2026-12-14; a month is 2026-12-23."""
    case = shop(places='["CN", "EU"]')
    at = "2026-11-23T08:00:00Z"
    assert {d.rule: d.due for d in deadlines(case, "access", at)} == {
        "eu.gdpr.request_answer": "2026-12-23", "cn.request.answer": ""}
    assert {d.rule: d.due for d in deadlines(case, "close_account", at)}["cn.rights.account_closing"] == "2026-12-14"
    receive(case, "access", at="2026-10-01T08:00:00Z")
    assert len(overdue(case)) == 1


def test_after_the_erasure_deleted_is_proven_without_the_person(shop: Callable[..., Case]) -> None:
    case = shop()
    take_inventory(case)
    classify(case)
    item, code = receive(case, "delete")
    phone = "13800000005"
    item = look_up(case, item.id, [phone], "sue", identity_checked=True)
    assert {(h.table, h.rows) for h in item.hits} == {("customers", 1), ("orders", 2)}
    with pytest.raises(ParameterError, match="nothing was erased"):
        prove_deleted(case, item.id, code, [phone])
    protect(case)
    lines = tuple(Disposal(id=f"D00{n}", set=RecordSet(source="shop", table=t), action="erase", order=n,
                           reason=Text(zh="测试", en="test")) for n, t in enumerate(("orders", "customers"), 1))
    with case.step("plan"):
        case.save(Plan(case_id=case.id, as_of=dt.date(2026, 11, 23), inventory="0" * 64, findings="0" * 64,
                       config=config_digest(case.config), packs=(), disposals=lines))
    dry_run(case)
    approvals.approve(case, "ann")
    approval = approvals.approve(case, "ben")
    assert approval is not None
    assert erase(case, approval).ok
    proof = prove_deleted(case, item.id, code, [phone])
    assert (proof.deleted, proof.rows_then, proof.rows_now, len(proof.certificates)) == (True, 3, 0, 2)
    assert phone not in proof.canonical().decode()
    with pytest.raises(ParameterError, match="receipt"):
        prove_deleted(case, item.id, "guess", [phone])
    assert not [i for i in watch(case) if i.origin == "erasure"], "what went as planned is no incident"


def test_bad_requests_are_refused(shop: Callable[..., Case]) -> None:
    case = shop()
    take_inventory(case)
    classify(case)
    with pytest.raises(ParameterError, match="no sort"):
        receive(case, "sing")
    for wrong in ([], [" "], ["123"]):
        with pytest.raises(ParameterError):
            find_person(case, wrong)
    item, _ = receive(case, "access")
    with pytest.raises(ParameterError, match="nothing was looked up"):
        answer(case, item.id, "op")
    assert answer(case, item.id, "op", refuse="identity could not be checked").state == "refused"
    assert normal("0086138 0013 8000") == "13800138000"
