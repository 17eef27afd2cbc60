"""The plan and risk panels driven in real JupyterLab in headless Chromium: a slider moves, a disposal is changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.browser import lab

pytestmark = lab.NEEDS_CHROMIUM


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


def test_a_slider_redraws_the_risk_map_and_a_bar_tells_its_evidence(case_dir: Path, browser: Any) -> None:
    """The chart stays and changes (how fast: benchmarks/desk_slider.py); a click on a bar of points shows what is behind it."""
    with lab.running(case_dir, "zh") as address:
        page = lab.open_notebook(browser, address, "risk.ipynb")
        lab.run_all(page)
        chart = page.locator(".workbench-chart")
        chart.locator(".main-svg").first.wait_for(state="attached")
        before, drawn = chart.inner_html(), int(chart.get_attribute("data-drawn") or 0)
        handle = page.locator(".widget-slider .noUi-handle").first
        for _ in range(3):
            handle.press("ArrowRight")
        page.wait_for_function("n => document.querySelector('.workbench-chart').dataset.drawn >= n + 1", arg=drawn)
        page.wait_for_function("old => document.querySelector('.workbench-chart').innerHTML !== old", arg=before)
        page.get_by_role("button", name="得分构成").click()
        bar = chart.locator(".waterfalllayer .point path").nth(2)
        bar.wait_for(state="attached")
        page.wait_for_timeout(500)
        bar.click(force=True)
        page.get_by_role("columnheader", name="乘数").wait_for()
        lab.picture(page, "risk-panel")
        page.context.close()


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
