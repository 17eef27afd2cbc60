"""The plan as Word, Excel, CSV and calendar: complete, in both languages, safe to open."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path

import pytest

from tests.plan.conftest import config, planned
from workbench.classification.model import Findings
from workbench.plan import documents
from workbench.sources.base import Table

Shop = tuple[list[Table], Findings]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_line_stands_in_every_form(shop: Shop, tmp_path: Path, lang: str) -> None:
    """Word, Excel and CSV name every line; Word and Excel name the digest's plan and every gate."""
    from docx import Document
    from openpyxl import load_workbook

    p = planned(*shop)
    rows = list(csv.reader(io.StringIO(documents.to_csv(p, lang).decode("utf-8-sig"))))
    assert [r[0] for r in rows[1:]] == [d.id for d in p.disposals]
    book = load_workbook(documents.to_xlsx(p, tmp_path / "plan.xlsx", lang))
    assert [c.value for c in book.worksheets[0]["A"]][1:] == [d.id for d in p.disposals]
    assert len(book.sheetnames) == 4
    doc = Document(str(documents.to_docx(p, tmp_path / "plan.docx", lang, company="甲公司", approvers=("安", "本"))))
    text = "\n".join(c.text for t in doc.tables for r in t.rows for c in r.cells)
    assert p.digest in text
    assert all(d.id in text for d in p.disposals)
    assert all(g.id in text for g in p.gates)
    assert "安" in text
    assert doc.core_properties.author == ""


def test_a_cell_is_never_a_formula(shop: Shop) -> None:
    """A table named like a formula stays text in Excel."""
    tables, found = shop
    evil = tables[4].model_copy(update={"name": "=cmd()"})
    text = documents.to_csv(planned([*tables[:4], evil], found)).decode("utf-8-sig")
    assert "'=cmd()" in text


def test_the_calendar_holds_duties_gates_and_ends(shop: Shop) -> None:
    """Each dated duty, gate and end of an archive class is an event; the bytes repeat."""
    from icalendar import Calendar

    p = planned(*shop, config(dates={"deregistration": "2027-03-01"}))
    data = documents.to_ics(p, "en")
    events = Calendar.from_ical(data).walk("VEVENT")
    uids = {str(e["uid"]).split("@")[0] for e in events}
    assert {d.id for d in p.duties if d.due} <= uids
    assert "gate.cn.closing.claims_period" in uids
    assert any(u.startswith("end.cn.accounting.voucher/") for u in uids)
    assert data == documents.to_ics(p, "en")


def test_a_masked_gantt_is_the_same_gantt(shop: Shop) -> None:
    """No number of the chart is long enough to be taken for a phone: a bar of 181 days once was one in milliseconds."""
    from workbench.i18n.masks import mask_tree
    from workbench.ui import plan_charts

    p = planned(*shop)
    d = next(d for d in p.disposals if d.action == "lock")
    for days in (181, 38, 403, 1800):
        until = max(p.as_of, d.not_before or p.as_of) + dt.timedelta(days=days)
        fig = json.loads(plan_charts.gantt(p.model_copy(update={"disposals": (d.model_copy(update={"keep_until": until}),)})).to_json())
        assert mask_tree(fig) == fig
        assert fig["data"][0]["x"] == [days] or "bdata" in fig["data"][0]["x"]
