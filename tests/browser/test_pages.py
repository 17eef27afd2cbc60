"""What people see: the demo's pages in headless Chromium, offline, in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser import lab

pytestmark = lab.NEEDS_CHROMIUM


@pytest.fixture
def bundle(demo: Path) -> Path:
    """The bundle of the small demo."""
    return demo / "out"


def look(browser: Any, path: Path, *, csp: bool = True, width: int = 1200) -> tuple[Any, list[str], list[str]]:
    """An opened page with everything it asked for and complained of; the network is cut."""
    context = browser.new_context(offline=True, viewport={"width": width, "height": 1400}, bypass_csp=not csp)
    page = context.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("data:", "blob:", "file:")) else None)
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("dialog", lambda d: errors.append(f"dialog {d.message}"))
    page.goto(path.as_uri(), wait_until="load")
    page.wait_for_function("[...document.querySelectorAll('.plot')].every(d => d.dataset.drawn)", timeout=300_000)
    return page, asked, errors


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_opens_offline_without_a_request_or_an_error(bundle: Path, browser: Any, lang: str) -> None:
    """Index and nine records; every chart is drawn; nothing is asked of any network."""
    pages = [bundle / ("index.html" if lang == "zh" else "index.en.html"),
             *sorted((bundle / "data" / "records").glob(f"*.{lang}.html"))]
    assert len(pages) == 10
    charts = 0
    for path in pages:
        page, asked, errors = look(browser, path)
        assert not asked, path.name
        assert not errors, (path.name, errors)
        charts += page.locator(".plot .main-svg").count()
        assert page.locator("h1").inner_text().strip()
        page.context.close()
    assert charts >= 10


def test_pages_fit_a_phone(bundle: Path, browser: Any) -> None:
    """No page is wider than a 390-pixel screen: wide tables scroll inside themselves."""
    for path in (bundle / "index.html", bundle / "data" / "records" / "06_plan.zh.html"):
        page, _, _ = look(browser, path, width=390)
        assert page.evaluate("document.documentElement.scrollWidth") <= 391, path.name
        page.context.close()


def test_links_lead_from_the_index_to_every_record_and_back(bundle: Path, browser: Any) -> None:
    """Also to the other language."""
    page, _, _ = look(browser, bundle / "index.html")
    links = page.locator("#steps a")
    assert links.count() == 9
    for i in range(9):
        href = links.nth(i).get_attribute("href")
        assert (bundle / href).is_file(), href
    page.locator("#steps a").nth(3).click()
    page.locator("nav a").nth(1).click()
    assert page.locator("html").get_attribute("lang") == "en"
    page.locator("nav a").nth(0).click()
    assert page.url.endswith("index.en.html")
    page.context.close()


def test_the_search_on_the_index_filters_records(bundle: Path, browser: Any) -> None:
    """Typing hides what does not match and says when nothing does."""
    page, _, _ = look(browser, bundle / "index.en.html")
    page.fill("#q", "freeze")
    assert page.locator("#steps li:visible").count() == 1
    page.fill("#q", "no such record")
    assert page.locator("#none").is_visible()
    page.context.close()


HOSTILE = ("<script>document.title='pwned'</script>", "<img src=x onerror=\"document.title='pwned'\">",
           "</script><script>document.title='pwned'</script>", "<svg onload=\"document.title='pwned'\">")


@pytest.mark.parametrize("csp", [True, False], ids=["with-policy", "policy-removed"])
def test_stored_script_stays_text(browser: Any, tmp_path: Path, csp: bool) -> None:
    """Hostile table names in every kind of block: nothing runs, with and without the policy."""
    import nbformat as nbf

    from workbench.records import page as pages
    from workbench.records.blocks import MIME, Callout, Facts, Figure, Heading, Table, Text

    outputs = []
    for text in HOSTILE:
        table = Table(text, (text,), ((text,),))
        figure = Figure(text, {"data": [{"type": "bar", "x": [text], "y": [1], "name": text}],
                               "layout": {"title": {"text": text}, "height": 200}}, table)
        for b in (Heading(text), Text(text), Callout("bad", text), Facts(((text, text),)), table, figure):
            data = b.data() | ({"table": table.data()} if b is figure else {})
            outputs.append(nbf.v4.new_output("display_data", {MIME: data, "text/plain": text}))
    book = nbf.v4.new_notebook(cells=[nbf.v4.new_markdown_cell("\n".join(HOSTILE)), nbf.v4.new_code_cell(HOSTILE[0],
                                                                                                    outputs=outputs)])
    head = pages.Head("t", HOSTILE[0], "done", ((HOSTILE[1], HOSTILE[2]),), ())
    target = tmp_path / "x.html"
    target.write_text(pages.render(book, head, "zh", shared_js=None), encoding="utf-8")
    page, asked, _ = look(browser, target, csp=csp)
    assert page.title() == "t"
    assert not asked
    page.context.close()
