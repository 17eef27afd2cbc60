"""One request over five kinds of source of the demo company, from receipt to the proof of deletion."""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.case import Case, approvals
from workbench.classification import classify
from workbench.demo.company import build
from workbench.demo.run import prepare
from workbench.erasure.flow import dry_run, erase
from workbench.errors import ParameterError
from workbench.freeze import freeze
from workbench.governance.desk import answer, answer_text, look_up, prove_deleted, receive
from workbench.governance.lookup import find_person
from workbench.inventory import take_inventory
from workbench.plan import make_plan
from workbench.vault import protect

WHO, NAMESAKE = 9, 77
OLD, NEW, MAIL = "13912345678", "13800009999", "zhaoqing.desk@mail.example"
OTHER_PHONE, OTHER_CARD = "13700001111", "110105194912310021"
FILES = ("会员名单.xlsx", "newsletter_utf8.csv", "发货记录_gbk.csv", "events.parquet", "客服聊天.txt")


def _squeezed(text: object) -> str:
    return str(text or "").replace("-", "").replace(" ", "").replace("+86", "")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...], tuple[str, ...]]:
    """The demo company; one customer and a namesake stand in all five kinds of file, the former phone only in two.

    Returns the folder, and every number and address that is the person's, or the namesake's.
    """
    work = tmp_path_factory.mktemp("five") / "work"
    prepare(work, work.parent / "out", "zh")
    build(work / "data", customers=150)
    office = work / "data" / "office"
    db = sqlite3.connect(work / "data" / "shop.sqlite")
    was = {i: [v for v in db.execute("SELECT phone, email, id_card FROM customers WHERE id = ?", (i,)).fetchone() if v]
           for i in (WHO, NAMESAKE)}
    (name,) = db.execute("SELECT name FROM customers WHERE id = ?", (WHO,)).fetchone()
    db.execute("UPDATE customers SET email = ?, phone = ? WHERE id = ?", (MAIL, NEW, WHO))
    db.execute("UPDATE customers SET name = ?, phone = ?, id_card = ?, email = 'other.desk@mail.example' WHERE id = ?",
               (name, OTHER_PHONE, OTHER_CARD, NAMESAKE))
    db.commit()
    db.close()
    with (office / FILES[1]).open("a", encoding="utf-8", newline="") as f:  # new e-mail beside the former phone
        csv.writer(f).writerow([MAIL, name, f"+86 {OLD[:3]}-{OLD[3:7]}-{OLD[7:]}", "1.2.3.4", "2019-01-01", "A"])
        csv.writer(f).writerow(["other.desk@mail.example", name, OTHER_PHONE, "1.2.3.4", "2019-01-01", "A"])
    with (office / FILES[2]).open("a", encoding="gb18030", newline="") as f:
        csv.writer(f).writerow(["SF000000000001", name, OLD, "某地", "2018/01/01", ""])
        csv.writer(f).writerow(["SF000000000002", name, OTHER_PHONE, "某地", "2018/01/01", ""])
    book = openpyxl.load_workbook(office / FILES[0])
    sheet = next(s for s in book if any("电话" in str(c.value) or "手机" in str(c.value) for r in s.iter_rows(max_row=6) for c in r))
    head = next(r for r in sheet.iter_rows(max_row=6) if any("电话" in str(c.value) or "手机" in str(c.value) for c in r))
    column = next(c.column for c in head if "电话" in str(c.value) or "手机" in str(c.value))
    for phone in (NEW, OTHER_PHONE):
        sheet.cell(sheet.max_row + 1, column, phone)
    book.save(office / FILES[0])
    with (office / FILES[4]).open("a", encoding="utf-8") as f:
        f.write(f"2024-05-05 10:00:00 顾客: 请改打我的新电话 {NEW[:3]} {NEW[3:7]} {NEW[7:]}\n")
        f.write(f"2024-05-05 10:01:00 顾客: 打我电话 {OTHER_PHONE}\n")
    return work, (NEW, OLD, MAIL, *was[WHO]), (OTHER_PHONE, OTHER_CARD, "other.desk@mail.example")


def _truth(work: Path, customer: int, words: tuple[str, ...]) -> dict[str, int]:
    """The person's rows counted without the workbench: SQL by key, files by every way the numbers are written."""
    db = sqlite3.connect(work / "data" / "shop.sqlite")
    own = f"SELECT id FROM orders WHERE customer_id = {customer}"
    queries = {"customers": f"id = {customer}", "addresses": f"customer_id = {customer}", "orders": f"customer_id = {customer}",
               "order_items": f"order_id IN ({own})", "payments": f"order_id IN ({own})", "tickets": f"customer_id = {customer}"}
    found = {f"shop.{t}": int(db.execute(f"SELECT count(*) FROM {t} WHERE {where}").fetchone()[0])
             for t, where in queries.items()}
    db.close()
    office = work / "data" / "office"
    for file, encoding in ((FILES[1], "utf-8"), (FILES[2], "gb18030"), (FILES[4], "utf-8")):
        lines = (office / file).read_text(encoding=encoding).splitlines()
        found[f"office.{file}"] = sum(any(w in _squeezed(line) for w in words) for line in lines)
    book = openpyxl.load_workbook(office / FILES[0], read_only=True)
    for name in book.sheetnames:
        found[f"office.{FILES[0]}#{name}"] = sum(any(w in _squeezed(c) for w in words for c in row)
                                                  for row in book[name].iter_rows(values_only=True))
    book.close()
    table: pa.Table = pq.read_table(office / FILES[3])
    found[f"office.{FILES[3]}"] = table.column("customer_id").to_pylist().count(customer)
    return {k: n for k, n in found.items() if n}


def test_a_request_from_receipt_to_the_proof_of_deletion(company: tuple[Path, tuple[str, ...], tuple[str, ...]]) -> None:
    work, words, others = company
    case = Case.open(work / "case")
    freeze(case)
    take_inventory(case)
    classify(case)
    mine, other = _truth(work, WHO, words), _truth(work, NAMESAKE, others)
    for file in FILES:
        assert any(k.startswith(f"office.{file}") for k in mine), f"{file} holds the person"

    for known in (OLD, NEW, MAIL):
        found = find_person(case, [known])
        assert {f"{h.source}.{h.table}": h.rows for h in found.hits} == mine, "whichever of them the person knows"
    assert {f"{h.source}.{h.table}": h.rows for h in find_person(case, [OTHER_PHONE]).hits} == other

    item, code = receive(case, "delete", "supervisor", at="2026-11-23T08:00:00Z")
    assert {d.rule: d.due for d in item.deadlines} == {"cn.request.answer": ""}, "in time; the law gives no number of days"
    item = look_up(case, item.id, [OLD], "supervisor", identity_checked=True)
    assert sum(h.rows for h in item.hits) == sum(mine.values())
    done = answer(case, item.id, "supervisor")
    assert f"{sum(mine.values()):,}" in answer_text(case, done, "zh")
    (log,) = tuple(case.ledger.of_type("lookup/v1"))
    assert (log.predicate["person"], log.predicate["purpose"], log.predicate["rows"]) == (
        "supervisor", "delete", sum(mine.values()))
    assert case.ledger.keys[log.key_id][0] == "supervisor"

    protect(case)
    make_plan(case)
    dry_run(case)
    approvals.approve(case, "approver-a")
    approval = approvals.approve(case, "approver-b")
    assert approval is not None
    erase(case, approval)
    proof = prove_deleted(case, item.id, code, [OLD, NEW, MAIL])
    assert (proof.deleted, proof.rows_now, proof.rows_then) == (True, 0, sum(mine.values()))
    assert proof.certificates
    assert proof.sealed, "what statutes keep of this person is sealed, and the proof says so"
    with pytest.raises(ParameterError, match="receipt"):
        prove_deleted(case, item.id, "guess", [OLD])
    kept = b"".join(p.read_bytes() for f in ("values", "ledger") for p in (work / "case" / f).rglob("*") if p.is_file())
    assert not [w for w in (*words, *others, code) if w.encode() in kept]
