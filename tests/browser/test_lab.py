"""A live JupyterLab in headless Chromium: the start page and a notebook of the flow, in Chinese and English."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser import lab

pytestmark = lab.NEEDS_CHROMIUM


@pytest.mark.parametrize(("lang", "menu", "words"), [
    ("zh", "文件", ("下一步", "删除与证明", "已完成")), ("en", "File", ("Next", "Erase", "done")),
])
def test_the_start_page_says_where_the_case_stands(
    demo: Path, browser: Any, lang: str, menu: str, words: tuple[str, ...]
) -> None:
    """Lab itself speaks the language; running the page shows every step with its state and the next command."""
    case = demo / "work" / "case"
    with lab.running(case, lang) as address:
        page = lab.open_notebook(browser, address, "notebooks/00_start.ipynb")
        assert menu in page.locator(".lm-MenuBar").inner_text()
        lab.run_all(page)
        page.wait_for_selector(".jp-OutputArea-output table")
        text = page.locator(".jp-Notebook").inner_text()
        for word in words:
            assert word in text
        lab.picture(page, f"start-{lang}")
        page.context.close()
    left = [p for p in (case / ".lab").rglob("*history*.sqlite*") if p.stat().st_size]
    assert not left, "IPython keeps no history"
