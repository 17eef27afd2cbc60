"""The plan and risk panels driven in real JupyterLab in headless Chromium: a slider moves, a disposal is changed."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is not installed")]
_spec = importlib.util.spec_from_file_location("lab", Path(__file__).parents[1] / "browser" / "lab.py")
assert _spec is not None
assert _spec.loader is not None
lab = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lab)
TIMED = """([selector, steps]) => new Promise(done => {
  const area = document.querySelectorAll('.widget-output, .jupyter-widgets-output-area')[0];
  const took = []; let began = 0, left = steps, timer = 0;
  const handle = document.querySelectorAll(selector)[0];
  const press = () => { began = performance.now(); handle.focus();
    handle.dispatchEvent(new KeyboardEvent('keydown', {key: 'Right', code: 'ArrowRight', bubbles: true})); };
  const seen = new MutationObserver(() => { clearTimeout(timer); const now = performance.now();
    timer = setTimeout(() => { if (!area.querySelector('.main-svg')) return; took.push(now - began);
      if (--left) press(); else { seen.disconnect(); done(took); } }, 400); });
  seen.observe(area, {childList: true, subtree: true}); press(); })"""


@pytest.fixture(scope="module")
def case_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo company, small, found, classified, assessed and planned."""
    import os

    os.environ.setdefault("WORKBENCH_VAULT_PASSPHRASE", "correct horse battery staple")
    from workbench.case import Case
    from workbench.classification import classify
    from workbench.demo.company import build
    from workbench.demo.run import prepare
    from workbench.inventory import take_inventory
    from workbench.plan import make_plan
    from workbench.risk import assess

    work = tmp_path_factory.mktemp("panels")
    folder = prepare(work / "w", work / "out", "zh")
    build(work / "w" / "data", customers=300)
    case = Case.open(folder)
    for step in (take_inventory, classify, assess, make_plan):
        step(case)
    for name, code in (("risk", "from workbench.ui.risk_panel import risk_panel\nbox = risk_panel(case)"),
                       ("plan", "from workbench.ui.plan_panel import plan_panel\nbox = plan_panel(case)")):
        cells = [{"cell_type": "code", "id": "a", "metadata": {}, "execution_count": None, "outputs": [],
                  "source": f"import workbench\ncase = workbench.open_case({str(folder)!r})\n{code}"}]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        (folder / f"{name}.ipynb").write_text(
            json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        b = p.chromium.launch(executable_path=CHROMIUM, headless=True, args=lab.FLAGS)
        yield b
        b.close()


def test_a_slider_redraws_the_risk_map(case_dir: Path, browser: Any, record_property: Any) -> None:
    """Each key press redraws the map; the median from key to the last change of the page is noted."""
    with lab.running(case_dir, "zh") as address:
        page = lab.open_notebook(browser, address, "risk.ipynb")
        lab.run_all(page)
        page.wait_for_selector(".main-svg")
        before = page.locator(".main-svg").first.inner_html()
        took = page.evaluate(TIMED, [".widget-slider .noUi-handle", 7])
        assert page.locator(".main-svg").first.inner_html() != before
        middle = sorted(took[1:])[len(took[1:]) // 2]
        record_property("slider_ms_median", round(middle))
        print("slider ms", [round(t) for t in took], "median", round(middle))
        lab.picture(page, "risk-panel")
        page.context.close()
    assert middle < 1500


def test_an_analyst_changes_a_disposal_and_the_log_keeps_the_reason(case_dir: Path, browser: Any) -> None:
    """Without a reason nothing happens; with one the new plan is saved and the decision stands in the case."""
    from workbench.case import Case
    from workbench.plan import Plan
    from workbench.plan.decisions import standing

    old = Case.open(case_dir).load(Plan).digest
    with lab.running(case_dir, "zh") as address:
        page = lab.open_notebook(browser, address, "plan.ipynb")
        lab.run_all(page)
        page.wait_for_selector(".main-svg")
        drops = page.locator(".widget-dropdown select")
        drops.nth(0).select_option("shop.tickets")
        drops.nth(1).select_option(label="commerce.order · 订单")
        button = page.get_by_role("button", name="记入案卷并重新计划")
        button.click()
        page.get_by_text("a decision needs a reason").wait_for()
        box = page.locator(".widget-text input").nth(1)
        box.fill("工单即售后记录")
        box.press("Enter")
        button.click()
        page.get_by_text("已记入").wait_for()
        lab.picture(page, "plan-panel")
        page.context.close()
    case = Case.open(case_dir)
    assert case.load(Plan).digest != old
    (kept,) = standing(case).items
    assert (kept.table, kept.type, kept.reason) == ("shop.tickets", "commerce.order", "工单即售后记录")
    assert any(d.set.table == "tickets" and d.action == "lock" for d in case.load(Plan).disposals)
