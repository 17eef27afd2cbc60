"""axe-core over every page that is published or handed over: no violation, both languages, phone and desktop."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser import lab
from workbench.case import Case
from workbench.governance.authority import sections
from workbench.governance.public import page, render
from workbench.governance.texts import load
from workbench.i18n import LANGS

SCREENS = {"phone": (390, 844), "desktop": (1280, 900)}
pytestmark = lab.NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def published(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every sort of public page of the demo company, after its erasure."""
    folder = tmp_path_factory.mktemp("public")
    case = Case.open(demo / "work" / "case")
    for sort in load("public")["titles"]:
        for lang in LANGS:
            (folder / f"{sort}.{lang}.html").write_text(page(case, sort, lang)[0], encoding="utf-8")
    for lang in LANGS:
        contents = render(case, lang, "authority", list(sections(case, lang)), "x.html")
        (folder / f"pack.{lang}.html").write_text(contents, encoding="utf-8")
        (folder / f"registers.{lang}.html").write_text(_record(case, lang), encoding="utf-8")
    return folder


def _record(case: Case, lang: str) -> str:
    """The page of the registers, drawn by the template of the records."""
    import nbformat as nbf

    from workbench.records import page as pages
    from workbench.records.blocks import MIME
    from workbench.ui.governance_views import governance_view
    from workbench.ui.start import page as start

    outputs = [nbf.v4.new_output("display_data", {MIME: b.data(), "text/plain": b.plain()})
               for b in (*start(case, lang), *governance_view(case, lang))]
    book = nbf.v4.new_notebook(cells=[nbf.v4.new_code_cell("x", outputs=outputs)])
    return pages.render(book, pages.Head("t", "t", "done", (("a", "b"),), ()), lang, shared_js=None)


def axe(browser: Any, path: Path, size: tuple[int, int]) -> tuple[list[str], int]:
    """What axe-core finds wrong with a page, and how many of its rules the page passed."""
    from axe_playwright_python.base import AXE_SCRIPT

    # axe is put in from outside, which the page's own policy forbids; what the page is stays the same
    context = browser.new_context(offline=True, viewport={"width": size[0], "height": size[1]}, bypass_csp=True)
    try:
        tab = context.new_page()
        tab.goto(path.as_uri(), wait_until="load")
        tab.wait_for_function("[...document.querySelectorAll('.plot')].every(d => d.dataset.drawn)", timeout=300_000)
        tab.evaluate(AXE_SCRIPT)
        found = tab.evaluate("axe.run(document)")
        wide = tab.evaluate("document.documentElement.scrollWidth")
    finally:
        context.close()
    wrong = [f"{v['id']} ({v['impact']}): {n['html'][:150]}" for v in found["violations"] for n in v["nodes"]]
    if wide > size[0] + 1:
        wrong.append(f"the page is {wide} pixels wide")
    return wrong, len(found["passes"])


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("lang", LANGS)
def test_every_public_page_passes(published: Path, browser: Any, lang: str, screen: str) -> None:
    pages = sorted(published.glob(f"*.{lang}.html"))
    assert len(pages) == len(load("public")["titles"]) + 2
    for path in pages:
        wrong, passed = axe(browser, path, SCREENS[screen])
        assert not wrong, (path.name, wrong)
        assert passed >= 20, "the rules were really run"


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("lang", LANGS)
def test_the_index_and_every_record_pass(demo: Path, browser: Any, lang: str, screen: str) -> None:
    index = demo / "out" / ("index.html" if lang == "zh" else "index.en.html")
    for path in (index, *sorted((demo / "out" / "data" / "records").glob(f"*.{lang}.html"))):
        wrong, _ = axe(browser, path, SCREENS[screen])
        assert not wrong, (path.name, wrong)


@pytest.mark.parametrize(("rule", "spoil"), [
    ("html-has-lang", lambda t: re.sub(r'<html lang="[^"]*"', "<html", t)),
    ("color-contrast", lambda t: t.replace("color:#1a1d21", "color:#cccccc")),
    ("document-title", lambda t: re.sub(r"<title>.*?</title>", "", t)),
])
def test_the_check_can_fail(published: Path, browser: Any, tmp_path: Path, rule: str, spoil: Any) -> None:
    """Positive control: each of three faults put into a page is named."""
    text = (published / "closing.en.html").read_text(encoding="utf-8")
    path = tmp_path / "spoiled.html"
    path.write_text(spoil(text), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    assert any(w.startswith(rule) for w in axe(browser, path, SCREENS["desktop"])[0])
