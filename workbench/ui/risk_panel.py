"""The risk panel: sliders for controls, deletion, dates and cost; the map, the points and the money redraw at once.

from workbench.ui.risk_panel import risk_panel
risk_panel(case)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from workbench.risk.assess import inputs_of, report_of, score_all, totals_of
from workbench.risk.evidence import Risk
from workbench.risk.model import RiskReport
from workbench.risk.multipliers import RISKS
from workbench.risk.score import Inputs, with_evidence
from workbench.ui.chart_style import RISK_NAMES, pick, say
from workbench.ui.panels import live, recording
from workbench.ui.risk_charts import item_name

if TYPE_CHECKING:
    from workbench.case import Case

SHARES = (
    "store.encrypted",
    "backup.encrypted",
    "backup.restore_tested",
    "backup.coverage",
    "ledger.verified",
    "dryrun.difference",
    "training.done",
)
COUNTS = ("access.readers", "accounts.dormant")
UNKNOWN = -1.0
"""the left end of a control's slider: no evidence"""


@dataclass(frozen=True)
class WhatIf:
    """What the sliders ask: other evidence, a share of the plan's deletions, days until they are done, dearer events."""

    evidence: dict[str, float] = field(default_factory=dict)
    deleted: float = 1.0
    days: int | None = None
    cost: float = 1.0


class Desk:
    """The inputs of one case, loaded once; each question is a small recomputation."""

    def __init__(self, inputs: Inputs, base: RiskReport) -> None:
        self.inputs, self.base = inputs, base

    @classmethod
    def of(cls, case: Case) -> Desk:
        """The newest inventory, findings and evidence of a case."""
        from workbench.classification.model import Findings
        from workbench.inventory import Inventory

        inventory, findings = case.load(Inventory), case.load(Findings)
        inputs = inputs_of(case, inventory, findings)
        return cls(inputs, report_of(inputs, case.id, findings, case.today().isoformat()))

    def asked(self, question: WhatIf) -> Inputs:
        """The inputs as they would be."""
        q, m = question, self.inputs.model
        facts = self.inputs.assets
        if q.deleted < 1:
            facts = tuple(
                a.model_copy(update={"remaining": 1 - (1 - a.remaining) * q.deleted, "sealed": a.sealed * q.deleted}) for a in facts
            )
        if q.days is not None or q.cost != 1:
            response = m.response.model_copy(update={"intercept": m.response.intercept + math.log(q.cost)})
            m = m.model_copy(update={"response": response, "horizon_days": m.horizon_days if q.days is None else q.days})
        inputs = replace(self.inputs, assets=facts, model=m)
        return with_evidence(inputs, q.evidence) if q.evidence else inputs

    def report(self, question: WhatIf, each_asset: bool = False) -> RiskReport:
        """Totals under a question; with ``each_asset`` every asset's score too, as the loss curve needs them."""
        inputs = self.asked(question)
        if not each_asset:
            m = inputs.model
            moved = [r for r in RISKS if inputs.assets is not self.inputs.assets or m is not self.inputs.model
                     or any(i.id in question.evidence for i in m.of(r))]
            new = {(s.risk, s.state): s for s in totals_of(inputs, moved)}
            return self.base.model_copy(update={"totals": tuple(new.get((s.risk, s.state), s) for s in self.base.totals)})
        totals, scores = score_all(inputs, detailed=0)
        return self.base.model_copy(update={"totals": totals, "scores": scores})

    def measured(self, item: str) -> float | None:
        """The value the case measured, if it did."""
        found = [e.value for e in self.inputs.evidence if e.item == item]
        return found[-1] if found else None


def risk_panel(case: Case | Desk, lang: str = "") -> Any:
    """Show the panel; in record mode returns the risk map of the case as it stands."""
    desk = case if isinstance(case, Desk) else Desk.of(case)
    lang = lang or (case.lang if not isinstance(case, Desk) else "zh")
    from workbench.ui import loss_charts, risk_charts

    if recording():
        return risk_charts.risk_map(desk.base, lang)
    import ipywidgets as w

    controls = _controls(desk, lang, w)

    def question() -> WhatIf:
        asked = {k: float(controls[k].value) for k in (*SHARES, *COUNTS)}
        kept = {k: v for k, v in asked.items() if v != UNKNOWN and v != desk.measured(k)}
        days = int(controls["days"].value)
        return WhatIf(kept, controls["deleted"].value, None if days == desk.inputs.model.horizon_days else days, controls["cost"].value)

    def draw(view: str, **_values: Any) -> Any:
        report = desk.report(question(), each_asset=view == "loss")
        if view == "points":
            return risk_charts.waterfall(report, lang)
        if view == "tornado":
            return loss_charts.tornado_chart(report, lang)
        if view == "table":
            return risk_charts.risk_map_table(report, lang)
        if view == "loss":
            return loss_charts.loss_exceedance(report, lang)
        return risk_charts.risk_map(report, lang)

    def click(point: dict[str, Any]) -> str:
        if controls["view"].value != "points":
            return ""
        html: str = points_of(desk.report(question()), RISKS[int(point["trace"])], lang).to_html(index=False, border=0)
        return html

    head = w.HTML(
        say(
            lang,
            "<b>假设</b>:“—”表示没有证据(按最坏计)。在“得分构成”中点击一条可看证据。这里的改动不保存。",
            "<b>What if</b>: “—” means no evidence (the worst counts). Click a bar of “points” for its evidence. "
            "Nothing here is saved.",
        )
    )
    return live(draw, controls, head, click=click)


def _controls(desk: Desk, lang: str, w: Any) -> dict[str, Any]:
    """The view's buttons and the sliders, set to what the case measured."""
    style, wide = {"description_width": "220px"}, w.Layout(width="560px")
    views = {
        say(lang, "风险图", "risk map"): "map",
        say(lang, "得分构成", "points"): "points",
        say(lang, "损失曲线", "loss curve"): "loss",
        say(lang, "先做什么", "what first"): "tornado",
        say(lang, "表", "table"): "table",
    }

    def slider(options: list[tuple[str, float]], value: float, text: str) -> Any:
        return w.SelectionSlider(
            options=options, value=value, description=text, style=style, layout=wide, continuous_update=False
        )

    controls: dict[str, Any] = {"view": w.ToggleButtons(options=views, description=say(lang, "显示", "show"))}
    for id_ in (*SHARES, *COUNTS):
        known = desk.measured(id_)
        steps = {float(n) for n in range(51)} if id_ in COUNTS else {n / 20 for n in range(21)}
        steps |= set() if known is None else {known}
        options = [("—", UNKNOWN), *((f"{v:g}" if id_ in COUNTS else f"{v:.0%}", v) for v in sorted(steps))]
        controls[id_] = slider(options, UNKNOWN if known is None else known, item_name(id_, lang))
    controls["deleted"] = slider([(f"{n * 5}%", n / 20) for n in range(21)], 1.0, say(lang, "已执行的删除", "deletions done"))
    horizon = desk.inputs.model.horizon_days
    days = sorted({7, 14, 30, 60, 90, 120, 180, 270, 365, 540, 730, horizon})
    text = say(lang, "数据还将存在的天数", "days the data still exist")
    controls["days"] = slider([(str(d), float(d)) for d in days], float(horizon), text)
    costs, text = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0), say(lang, "一次事件的处置费用", "cost of answering an event")
    controls["cost"] = slider([(f"×{c:g}", c) for c in costs], 1.0, text)
    return controls


def points_of(report: RiskReport, risk: Risk, lang: str = "zh") -> Any:
    """The evidence behind one risk's points, as a table: what a click on a bar asks for."""
    from workbench.ui.risk_charts import waterfall_table

    frame = waterfall_table(report, lang)
    return frame[frame.iloc[:, 0] == pick(lang, RISK_NAMES[risk])].reset_index(drop=True)
