"""A live JupyterLab in headless Chromium: the start page and a notebook of the flow, in Chinese and English."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
pytestmark = [pytest.mark.browser,
              pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is not installed")]
_spec = importlib.util.spec_from_file_location("lab", Path(__file__).with_name("lab.py"))
assert _spec is not None
assert _spec.loader is not None
lab = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lab)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        b = p.chromium.launch(executable_path=CHROMIUM, headless=True, args=lab.FLAGS)
        yield b
        b.close()


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
