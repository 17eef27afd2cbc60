"""What [settings.plan.anonymise] makes of the plan, and what of it is refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from tests.plan.conftest import config, finding, findings, planned, table
from workbench.classification.model import Findings
from workbench.errors import PlanError
from workbench.plan import Disposal, Plan, documents
from workbench.plan.compare import compare
from workbench.sources.base import Index, Table
from workbench.ui.plan_charts import disposals_table

Shop = tuple[list[Table], Findings]
TICKETS = {"shop.tickets": {"k": 7, "columns": {"content": "prefix 2"}}}


def wish(tables: dict[str, Any], **more: Any) -> Any:
    return config(settings={"plan": {"anonymise": tables}}, **more)


def lines(p: Plan, name: str) -> list[Disposal]:
    return [d for d in p.disposals if d.set.table == name]


def test_rows_that_nothing_keeps_stay_coarser(shop: Shop) -> None:
    """Only named columns say something; keys stay; what is asked is part of what people sign."""
    plain = planned(*shop)
    assert [d.action for d in lines(plain, "tickets")] == ["erase"]
    p = planned(*shop, wish(TICKETS))
    (d,) = lines(p, "tickets")
    assert (d.action, d.k, d.suppress, [(g.column, g.how, g.width) for g in d.generalise]) == (
        "anonymise", 7, (), [("content", "prefix", 2)])
    assert p.digest != plain.digest
    assert p.config != plain.config
    assert b'"generalise"' not in plain.canonical(), "plans without it keep the bytes that were signed before it existed"
    assert "first 2 characters of content" in d.reason.en
    assert "前 2 个字符" in d.reason.zh
    assert any(m.place == "shop.tickets" and "first 2 characters" in m.after for m in compare(plain, p))


def test_columns_that_are_not_named_are_cleared(shop: Shop) -> None:
    """Text, dates and whatever may be empty; a key never."""
    p = planned([table("visits", ["id", "name", "city", "seen_at", "pages"])], findings(finding("shop.visits.name")),
                wish({"shop.visits": {"columns": {"city": "keep", "pages": "sensitive"}}}))
    (d,) = p.disposals
    assert (d.action, d.k, d.suppress) == ("anonymise", 5, ("name", "seen_at"))


def test_duties_come_first(shop: Shop) -> None:
    """Names that kept orders need are still sealed with them; only the other customers are made coarser; holds stop all of it."""
    asked = {"shop.customers": {"columns": {"created_at": "year"}}}
    ecom = {"case": {"sectors": ["ecommerce"]}}
    p = planned(*shop, wish(asked, **ecom))
    found = {d.action: d for d in lines(p, "customers")}
    assert set(found) == {"lock", "anonymise"}
    assert found["lock"].keep_columns == ("id", "name")
    assert all(d.k == 5 and d.generalise for d in lines(p, "customers") if d.action == "anonymise")
    held = wish(asked, holds=[{"id": "suit", "reason": "诉讼", "covers": ["shop.*"], "since": "2026-01-01"}], **ecom)
    q = planned(*shop, held)
    assert {d.action for d in lines(q, "customers")} == {"lock"}
    assert any("settings.plan.anonymise changes nothing" in w.en for w in q.warnings)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_of_the_plan_shows_it(shop: Shop, tmp_path: Path, lang: str) -> None:
    """CSV, Excel, Word, the table of the panel and the archived page."""
    from docx import Document
    from openpyxl import load_workbook

    from workbench.ui.views import _plan_table

    p = planned(*shop, wish(TICKETS))
    (d,) = lines(p, "tickets")
    words = "content 只留前 2 个字符；k ≥ 7" if lang == "zh" else "first 2 characters of content; k ≥ 7"
    rows = list(csv.DictReader(io.StringIO(documents.to_csv(p, lang).decode("utf-8-sig"))))
    head = "概括列" if lang == "zh" else "generalised columns"
    assert [r[head] for r in rows if r[documents.header(lang)[0]] == d.id] == [words]
    book = load_workbook(documents.to_xlsx(p, tmp_path / "plan.xlsx", lang))
    assert words in {c.value for row in book.worksheets[0].iter_rows() for c in row}
    doc = Document(str(documents.to_docx(p, tmp_path / "plan.docx", lang)))
    assert any(words in c.text for t in doc.tables for r in t.rows for c in r.cells)
    assert words in disposals_table(p, lang).to_csv()
    (page,) = _plan_table(p, lang)
    assert any(words in row for row in page.rows)  # type: ignore[union-attr]


@pytest.mark.parametrize(("tables", "says"), [
    ({"shop.tickets": {"columns": {"content": "hash"}}}, "'hash' is unknown"),
    ({"shop.tickets": {"columns": {"content": "prefix 0"}}}, "'prefix 0' is unknown"),
    ({"shop.tickets": {"columns": {"content": "band"}}}, "'band' is unknown"),
    ({"shop.tickets": {"columns": {"gone": "year"}}}, "which shop.tickets has not"),
    ({"shop.tickets": {"columns": {"customer_id": "band 10"}}}, "is a key, a link"),
    ({"shop.tickets": {"columns": {}}}, "no column that counts for k"),
    ({"shop.tickets": {"columns": {"content": "sensitive"}}}, "no column that counts for k"),
    ({"shop.tickets": {"k": 1, "columns": {"content": "keep"}}}, "no whole number from 2 on"),
    ({"shop.tickets": {"columns": {"content": "keep"}, "l": 2}}, "needs columns and may have k"),
    ({"shop.nobody": {"columns": {"content": "keep"}}}, "which is no table of this case"),
    ({"shop.tickets": "year"}, "needs columns and may have k")])
def test_what_makes_no_sense_is_refused(shop: Shop, tables: dict[str, Any], says: str) -> None:
    """With the words to write instead; nothing is guessed."""
    with pytest.raises(PlanError, match=says):
        planned(*shop, wish(tables))


def test_a_key_that_says_who_somebody_is_stops_it(shop: Shop) -> None:
    """It would stay: rows named by a telephone number are nobody's statistics. Nor can a unique column become coarser."""
    people = table("people", ["phone", "city"], pk="phone")
    with pytest.raises(PlanError, match="key or link phone holds personal information"):
        planned([people], findings(finding("shop.people.phone")), wish({"shop.people": {"columns": {"city": "keep"}}}))
    cards = table("cards", ["id", "number", "city"]).model_copy(update={"indexes": (Index(name="u", columns=("number",), unique=True),)})
    with pytest.raises(PlanError, match="unique"):
        planned([cards], findings(finding("shop.cards.number")), wish({"shop.cards": {"columns": {"number": "prefix 4"}}}))
