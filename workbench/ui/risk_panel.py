"""The risk panel: sliders for controls, deletion, turnover; the map, the points and the money redraw at once.

from workbench.ui.risk_panel import risk_panel
risk_panel(case)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workbench.risk.assess import inputs_of, report_of, totals_of
from workbench.risk.model import RiskReport
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

    def report(self, changes: dict[str, float], deleted: float = 1.0) -> RiskReport:
        """Totals under other evidence and with only a share of the plan's deletions done."""
        facts = tuple(a.model_copy(update={"remaining": 1 - (1 - a.remaining) * deleted}) for a in self.inputs.assets)
        inputs = (
            with_evidence(replace(self.inputs, assets=facts), changes)
            if changes
            else replace(self.inputs, assets=facts)
        )
        return self.base.model_copy(update={"totals": totals_of(inputs)})

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

    style = {"description_width": "220px"}
    wide = w.Layout(width="560px")
    views = {
        say(lang, "风险图", "risk map"): "map",
        say(lang, "得分构成", "points"): "points",
        say(lang, "损失曲线", "loss curve"): "loss",
        say(lang, "先做什么", "what first"): "tornado",
        say(lang, "表", "table"): "table",
    }
    controls: dict[str, Any] = {"view": w.ToggleButtons(options=views, description=say(lang, "显示", "show"))}
    for id_ in SHARES:
        known = desk.measured(id_)
        controls[id_] = w.FloatSlider(
            value=-0.05 if known is None else min(1.0, max(0.0, known)),
            min=-0.05,
            max=1,
            step=0.05,
            style=style,
            layout=wide,
            readout_format=".2f",
            description=item_name(id_, lang),
            continuous_update=False,
        )
    for id_ in COUNTS:
        known = desk.measured(id_)
        controls[id_] = w.IntSlider(
            value=-1 if known is None else int(known),
            min=-1,
            max=50,
            style=style,
            layout=wide,
            description=item_name(id_, lang),
            continuous_update=False,
        )
    controls["deleted"] = w.FloatSlider(
        value=1.0,
        min=0,
        max=1,
        step=0.05,
        style=style,
        layout=wide,
        readout_format=".0%",
        description=say(lang, "已执行的删除", "deletions done"),
        continuous_update=False,
    )

    def draw(view: str, deleted: float, **values: float) -> Any:
        changes = {k: float(v) for k, v in values.items() if v >= 0}  # below zero: no evidence, as measured
        kept = {k: v for k, v in changes.items() if v != desk.measured(k)}
        report = desk.report(kept, deleted)
        if view == "points":
            return risk_charts.waterfall(report, lang)
        if view == "tornado":
            return loss_charts.tornado_chart(report, lang)
        if view == "table":
            return risk_charts.risk_map_table(report, lang)
        if view == "loss":
            return loss_charts.loss_exceedance(_with_scores(desk, report, kept, deleted), lang)
        return risk_charts.risk_map(report, lang)

    head = w.HTML(
        say(
            lang,
            "<b>假设</b>:滑块在最左表示无证据(按最坏计)。这里的改动不保存。",
            "<b>What if</b>: a slider at its left end means no evidence (the worst counts). Nothing here is saved.",
        )
    )
    return live(draw, controls, head)


def _with_scores(desk: Desk, report: RiskReport, changes: dict[str, float], deleted: float) -> RiskReport:
    """The loss curve needs every asset's score, not only totals."""
    from workbench.risk.assess import score_all

    facts = tuple(a.model_copy(update={"remaining": 1 - (1 - a.remaining) * deleted}) for a in desk.inputs.assets)
    totals, scores = score_all(with_evidence(replace(desk.inputs, assets=facts), changes), detailed=0)
    return report.model_copy(update={"totals": totals, "scores": scores})


def points_of(report: RiskReport, risk: str, lang: str = "zh") -> Any:
    """The evidence behind one risk's points, as a table: what a click on a bar asks for."""
    from workbench.ui.risk_charts import waterfall_table

    frame = waterfall_table(report, lang)
    return frame[frame.iloc[:, 0] == pick(lang, RISK_NAMES[risk])].reset_index(drop=True)
