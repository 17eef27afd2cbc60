"""An analyst takes a whole case through JupyterLab: open, scan, review three findings, read a score, move a slider, change
a disposal, have two people sign, run, open the record. In Chinese and in English, by mouse and keyboard, no code typed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.browser import lab

pytestmark = lab.NEEDS_CHROMIUM
WORDS = {
    "zh": {"run": "▶ 运行并生成记录", "done": "✓ 完成", "accept": "✓ 接受", "change": "✎ 更改", "reject": "✗ 否定", "accepted": "已接受:",
           "changed": "已更改:", "rejected": "已否定:", "points": "得分构成", "map": "风险图", "multiplier": "乘数",
           "keep": "记入案卷并重新计划",
           "kept": "已记入", "sign": "✓ 签署此计划", "one": "还需另一人签署", "two": "计划可以执行", "erased": "删除并证明后",
           "classify": "分类分级", "plan": "处置计划", "archive": "归档", "record": "删除与证明", "proof": "存储文件中已无残留"},
    "en": {"run": "▶ run, as records", "done": "✓ done", "accept": "✓ accept", "change": "✎ change", "reject": "✗ reject",
           "accepted": "Accepted:", "changed": "Changed:", "rejected": "Rejected:", "points": "points", "map": "risk map",
           "multiplier": "multiplier", "keep": "keep and plan again", "kept": "Kept", "sign": "✓ sign this plan",
           "one": "One more person has to sign", "two": "The plan may run", "erased": "erased and proven",
           "classify": "Classify", "plan": "Plan", "archive": "Archive", "record": "Erase", "proof": "gone from the store's own files"},
}  # fmt: skip


class Analyst:
    """What a person does in the browser."""

    def __init__(self, browser: Any, address: str, lang: str) -> None:
        self.browser, self.address, self.lang, self.words = browser, address, lang, WORDS[lang]
        self.page: Any = None

    def open(self, notebook: str, waits_for: str) -> None:
        """Open a notebook, run its cells, wait for its panel."""
        if self.page is not None:
            self.page.context.close()
        self.page = lab.open_notebook(self.browser, self.address, f"notebooks/{notebook}", width=1500, height=2000)
        lab.run_all(self.page)
        self.page.locator(waits_for).first.wait_for(state="attached", timeout=300_000)

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def picture(self, name: str, selector: str = ".workbench-panel") -> None:
        """Keep a screenshot."""
        self.page.locator(selector).last.evaluate("box => box.scrollIntoView()")
        self.page.wait_for_timeout(400)
        lab.picture(self.page, f"walk-{name}-{self.lang}")

    def run(self, until: str) -> None:
        """Run up to a step in the panel of the start page, as records."""
        self.open("00_start.ipynb", ".workbench-panel button")
        self.picture(f"start-before-{until}", ".jp-Cell")
        self.page.locator(".workbench-panel select").select_option(self.words[until])
        self.press(self.words["run"])
        log = self.page.locator(".workbench-run-log")
        log.get_by_text("✓ 完成" if self.lang == "zh" else "✓ done").or_(log.get_by_text("✗ ")).wait_for(timeout=600_000)
        self.picture(f"run-{until}")
        assert self.words["done"] in log.inner_text()

    def review(self) -> None:
        """Reject, accept and change a finding each, with reasons."""
        self.open("03_classify.ipynb", ".widget-select select option")
        p, w = self.page, self.words
        listed, reason = p.locator(".widget-select select"), p.locator(".widget-text input").nth(1)
        picks = (("shop.products.name", "reject", ""), ("shop.customers.phone", "accept", ""), ("shop.tickets.", "change", "email"))
        for (start, decision, to), said in zip(picks, ("rejected", "accepted", "changed"), strict=True):
            texts = [t.replace("\xa0", " ") for t in listed.locator("option").all_text_contents()]
            at = next((i for i, t in enumerate(texts) if start in t and t.startswith("○")), None)
            at = next(i for i, t in enumerate(texts) if t.startswith("○")) if at is None else at
            listed.select_option(index=at)
            p.wait_for_timeout(300)
            reason.fill("looked at ten rows 看过十行")
            if to:
                p.locator(".widget-dropdown select").nth(4).select_option(index=3)
            self.press(w[decision])
            p.get_by_role("status").get_by_text(w[said]).wait_for()
        self.picture("review")

    def assess(self) -> None:
        """Read what is behind a score, then move a slider by keyboard."""
        self.open("04_assess.ipynb", ".workbench-chart .main-svg")
        p, w = self.page, self.words
        self.press(w["points"])
        chart = p.locator(".workbench-chart")
        chart.locator(".waterfalllayer .point path").nth(1).wait_for(state="attached")
        p.wait_for_timeout(600)
        chart.locator(".waterfalllayer .point path").nth(1).click(force=True)
        p.locator(".workbench-panel").get_by_role("columnheader", name=w["multiplier"]).wait_for()
        self.picture("why")
        self.press(w["map"])
        p.wait_for_timeout(600)
        drawn = int(chart.get_attribute("data-drawn"))
        p.locator(".widget-slider .noUi-handle").first.press("ArrowRight")
        p.wait_for_function("n => Number(document.querySelector('.workbench-chart').dataset.drawn) > n", arg=drawn)
        self.picture("slider")

    def plan(self) -> None:
        """Say what a table is, plan again, and have two people sign."""
        self.open("06_plan.ipynb", ".workbench-chart .main-svg")
        p, w = self.page, self.words
        panel = p.locator(".workbench-panel").first
        panel.locator("select").nth(1).select_option("shop.tickets")
        panel.locator("select").nth(2).select_option(index=3)
        box = panel.locator(".widget-text input").nth(1)
        box.fill("tickets are part of orders 工单属于订单")
        box.press("Enter")
        self.press(w["keep"])
        p.get_by_text(w["kept"]).wait_for()
        self.picture("plan", ".workbench-panel >> nth=0")

    def sign(self) -> None:
        """Two people sign the plan as it was run last, each as themselves."""
        self.open("06_plan.ipynb", ".workbench-chart .main-svg")
        p, w = self.page, self.words
        who = p.locator(".workbench-panel").last.locator("select")
        for person, told in (("approver-a", "one"), ("approver-b", "two")):
            option = next(t for t in who.locator("option").all_text_contents() if f"({person})" in t.replace("\xa0", " "))
            who.select_option(label=option)
            self.press(w["sign"])  # a key that anybody could use is not made
            p.get_by_role("alert").get_by_text("passphrase of 8 characters").wait_for()
            p.locator(".workbench-panel").last.locator("input[type=password]").fill(f"passphrase of {person}")
            self.press(w["sign"])
            p.get_by_role("status").get_by_text(w[told]).wait_for()
        self.picture("signed")

    def record(self) -> None:
        """Open the record of the erasure from the start page: it says what is proven, and how far the risk has come down."""
        with self.page.context.expect_page() as opened:
            self.page.locator(".workbench-panel a", has_text=self.words["record"]).click()
        self.page = opened.value
        self.page.set_default_timeout(120_000)
        self.page.get_by_text(self.words["proof"]).first.wait_for(state="attached")
        self.page.get_by_text(self.words["erased"]).first.wait_for(state="attached")
        charts = self.page.locator(".plot")
        assert charts.count() >= 3
        self.page.wait_for_function("() => [...document.querySelectorAll('.plot')].every(p => p.querySelector('.main-svg'))")
        folder = os.environ.get("SHOTS")
        if folder:
            self.page.screenshot(path=f"{folder}/walk-record-{self.lang}.png", full_page=True)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_analyst_walks_a_whole_case(tmp_path: Path, browser: Any, monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    """From raw data to the record of a proven erasure; what was decided on the way stands in the case."""
    from workbench.case import Case
    from workbench.case.approvals import check
    from workbench.classification.review import Correction
    from workbench.demo.company import build
    from workbench.demo.run import prepare
    from workbench.erasure import Erasure
    from workbench.plan.decisions import standing
    from workbench.risk import RiskReport

    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "correct horse battery staple")
    folder = prepare(tmp_path / "w", tmp_path / "out", lang)
    build(tmp_path / "w" / "data", customers=200)
    with lab.running(folder, lang) as address:
        analyst = Analyst(browser, address, lang)
        analyst.run("classify")
        analyst.review()
        analyst.run("plan")
        analyst.assess()
        analyst.plan()
        analyst.run("plan")
        analyst.sign()
        analyst.run("archive")
        analyst.record()
        analyst.page.context.close()
    case = Case.open(folder)
    assert {c.decision for c in case.history(Correction)} == {"reject", "accept", "change"}
    assert [d.table for d in standing(case).items] == ["shop.tickets"]
    assert set(check(case).approvers) == {"approver-a", "approver-b"}
    assert case.load(Erasure).ok
    stages = [r.stage for r in case.history(RiskReport)]
    assert stages[-1] == "erased"
    assert case.history(RiskReport)[-1].eal("residual") < case.history(RiskReport)[0].eal("residual")
    assert (tmp_path / "out" / "bagit.txt").exists()
