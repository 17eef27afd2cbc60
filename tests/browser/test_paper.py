"""Weight, print and search: records and reports as files of a certain size, as PDF with Chinese that can be copied, and the
viewer in a browser."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser import lab
from workbench.records import page as pages
from workbench.records import story, viewer
from workbench.records.pdf import print_pdf

pytestmark = lab.NEEDS_CHROMIUM


def words_of(pdf: Path) -> tuple[str, int]:
    """Text of a PDF by a reader that has nothing to do with the printer, white space removed; number of pages."""
    import pypdfium2

    document = pypdfium2.PdfDocument(str(pdf))
    text = "".join(document[i].get_textpage().get_text_bounded() for i in range(len(document)))
    count = len(document)
    document.close()
    return re.sub(r"\s", "", text), count


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_records_weigh_little(demo: Path, lang: str) -> None:
    """At most 400 KB beside the shared plotly.js; at most 3 MB self-contained."""
    for path in sorted((demo / "out" / "data" / "records").glob(f"*.{lang}.html")):
        assert path.stat().st_size <= 400_000, path.name
        book = nbformat.read(path.with_name(path.name.replace(f".{lang}.html", ".ipynb")), as_version=4)
        whole = pages.render(book, pages.Head("t", "t", "done", (), ()), lang, shared_js=None)
        assert len(whole.encode()) <= 3_000_000, path.name


def test_a_self_contained_record_draws_and_says_nothing(demo: Path, browser: Any, tmp_path: Path) -> None:
    """One file, no neighbour; no request, no warning of any kind, and Chinese has a font."""
    book = nbformat.read(demo / "out" / "data" / "records" / "04_assess.ipynb", as_version=4)
    target = tmp_path / "alone.html"
    target.write_text(pages.render(book, pages.Head("风险", "t", "done", (), ()), "zh", shared_js=None), encoding="utf-8")
    context = browser.new_context(offline=True)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type in ("warning", "error") else None)
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("data:", "blob:", target.as_uri())) else None)
    page.goto(target.as_uri(), wait_until="load")
    page.wait_for_function("[...document.querySelectorAll('.plot')].every(d => d.dataset.drawn)", timeout=300_000)
    assert page.locator(".plot .main-svg").count() > 3
    assert said == []
    assert asked == []
    assert page.evaluate("document.fonts.check('16px \"Noto Sans CJK SC\"', '中')")
    context.close()


def test_a_printed_record_can_be_read_and_copied_in_chinese(demo: Path, tmp_path: Path) -> None:
    """The erasure's record: headings, table cells and the axis titles of its charts come out as text."""
    out = print_pdf(demo / "out" / "data" / "records" / "07_erase.zh.html", tmp_path / "r.pdf")
    text, count = words_of(out)
    assert count >= 3
    for word in ("删除与证明", "上海晨露母婴用品有限公司", "法律依据",
                 "会计档案管理办法第14条", "存储文件中已无残留", "清理步骤", "本程序不是律师"):
        assert word in text, word
    assert "�" not in text


@pytest.mark.parametrize(("lang", "words"), [
    ("zh", ("客户信息处置报告", "留存的信息", "会计档案管理办法第14条", "存储文件中已无残留", "清算组负责人")),
    ("en", ("Reportonthedisposalofcustomerinformation", "AccountingArchivesMeasures", "gonefromthestore'sownfiles", "supervisor")),
])
def test_the_disposal_report_in_the_bundle_is_a_pdf_with_every_figure(demo: Path, lang: str, words: tuple[str, ...]) -> None:
    """Chinese and English; the same numbers as the page beside it; its links lead to records that are there."""
    folder = demo / "out" / "data" / "reports"
    text, count = words_of(folder / f"disposal.{lang}.pdf")
    assert 2 <= count <= 8
    for word in words:
        assert word in text, word
    html = (folder / f"disposal.{lang}.html").read_text(encoding="utf-8")
    numbers = re.findall(r'class="n">([\d,]+)</td><td><a href="([^"]+)"', html)
    assert len(numbers) >= 17
    for number, target in numbers:
        assert number in text
        assert (folder / target).resolve().is_file(), target


def test_the_viewer_finds_and_answers_in_the_browser(demo: Path, browser: Any, tmp_path: Path) -> None:
    """Search hides what does not match; a receipt's code shows its own answer and no other."""
    told = story.read(demo / "out")
    asked = tuple(story.Asked(id=f"R-{n}", sort="delete", received="2026-11-01", state="answered", rows_then=n, proof={
        "rows_then": n, "rows_now": 0, "at": "2026-11-23", "deleted": True, "sealed": False, "certificates": [], "verdicts": []},
        receipt_sha256=hashlib.sha256(f"code-{n}".encode()).hexdigest()) for n in (1, 2))
    target, _ = viewer.write(type(told)(**{**told.__dict__, "asked": asked}), tmp_path, "")
    context = browser.new_context(offline=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.goto(target.as_uri())
    whole = page.locator("tbody tr:visible").count()
    page.fill("#q", "金融")
    assert 0 < page.locator("tbody tr:visible").count() < whole
    page.fill("#q", "")
    assert page.locator("[data-receipt]:visible").count() == 0
    page.fill("#code", "code-2")
    page.wait_for_selector("[data-receipt]:visible")
    assert "R-2" in page.locator("[data-receipt]:visible").inner_text()
    assert page.locator("[data-receipt]:visible").count() == 1
    page.fill("#code", "another")
    page.wait_for_selector("#unknown:visible")
    assert page.locator("[data-receipt]:visible").count() == 0
    assert errors == []
    context.close()
