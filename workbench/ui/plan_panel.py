"""The plan panel: look at the plan five ways, ask what if, decide what a table is (with a reason, kept in the log).

from workbench.ui.plan_panel import plan_panel
plan_panel(case)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.plan.compare import compare_table
from workbench.plan.decisions import decide
from workbench.plan.model import Plan
from workbench.plan.simulate import Ground, Scenario, ground
from workbench.ui.chart_style import say
from workbench.ui.panels import live, recording
from workbench.values import short

if TYPE_CHECKING:
    from workbench.case import Case


def plan_panel(case: Case, lang: str = "") -> Any:
    """Show the panel; in record mode returns the Gantt of the plan as it stands."""
    from workbench.ui import plan_charts

    lang = lang or case.lang
    base = ground(case)
    now = base.plan()
    if recording():
        return plan_charts.gantt(now, lang)
    import ipywidgets as w

    style, wide = {"description_width": "160px"}, w.Layout(width="640px")
    views = {
        say(lang, "时间表", "Gantt"): "gantt",
        say(lang, "去向", "flows"): "sankey",
        say(lang, "逐行", "lines"): "table",
        say(lang, "义务日历", "duties"): "duties",
        say(lang, "逾期", "overdue"): "overdue",
        say(lang, "变动", "what moves"): "moves",
    }
    holds = sorted(h.id for h in base.config.holds)
    tables = ["", *sorted({d.set.table_id for d in now.disposals if d.set.source != "assets"})]
    types = {
        "": "",
        **{f"{t.id} · {t.names.zh if lang == 'zh' else t.names.en}": t.id for t in base.packs.record_types.values()},
    }
    controls: dict[str, Any] = {
        "view": w.ToggleButtons(options=views, description=say(lang, "显示", "show")),
        "word": w.Text(description=say(lang, "查找", "search"), style=style, layout=wide, continuous_update=False),
        "months": w.IntSlider(
            value=0,
            min=0,
            max=24,
            description=say(lang, "推迟几个月", "months later"),
            style=style,
            layout=wide,
            continuous_update=False,
        ),
        "lift": w.SelectMultiple(
            options=holds,
            description=say(lang, "解除保全", "lift holds"),
            style=style,
            layout=wide,
            rows=max(1, min(3, len(holds))),
        ),
        "table": w.Dropdown(options=tables, description=say(lang, "表", "table"), style=style, layout=wide),
        "kind": w.Dropdown(options=types, description=say(lang, "视为", "read as"), style=style, layout=wide),
    }
    reason = w.Text(description=say(lang, "理由(必填)", "reason (needed)"), style=style, layout=wide)
    keep = w.Button(
        description=say(lang, "记入案卷并重新计划", "keep and plan again"),
        button_style="warning",
        layout=w.Layout(width="240px"),
    )
    told = w.HTML()

    def draw(**v: Any) -> Any:
        return drawn(base, now, lang, **v)

    def apply(_button: Any) -> None:
        from workbench.errors import WorkbenchError
        from workbench.plan.make import make_plan

        try:
            decide(case, base.packs, controls["table"].value, controls["kind"].value, reason.value)
            made = make_plan(case)
            told.value = say(
                lang,
                f"已记入:新计划 {short(made.digest)},原有审批失效。",
                f"Kept: new plan {short(made.digest)}; earlier approvals are void.",
            )
        except WorkbenchError as e:
            told.value = f"⚠ {e}"

    keep.on_click(apply)
    return live(draw, controls, foot=w.VBox([reason, keep, told]))


def scenario(base: Ground, months: int = 0, lift: tuple[str, ...] = (), table: str = "", kind: str = "") -> Scenario:
    """What the controls mean."""
    from workbench.law import add

    day = add(base.as_of, f"P{months}M") if months else None
    return Scenario(as_of=day, lift=tuple(lift), records={table: kind} if table and kind else {})


def drawn(
    base: Ground,
    now: Plan,
    lang: str,
    view: str = "gantt",
    word: str = "",
    months: int = 0,
    lift: tuple[str, ...] = (),
    table: str = "",
    kind: str = "",
) -> Any:
    """The chart or table of a view under the controls."""
    from workbench.ui import plan_charts

    plan = base.plan(scenario(base, months, lift, table, kind))
    if word:
        kept = tuple(
            d
            for d in plan.disposals
            if word.lower()
            in f"{d.id} {d.set.table_id} {d.action} {d.retention_class} {d.reason.zh} {d.reason.en}".lower()
        )
        shown = plan.model_copy(update={"disposals": kept})
    else:
        shown = plan
    if view == "gantt":
        return plan_charts.gantt(shown, lang)
    if view == "sankey":
        return plan_charts.sankey(shown, lang)
    if view == "duties":
        return plan_charts.duties_table(shown, lang)
    if view == "overdue":
        return plan_charts.overdue(shown, lang)
    if view == "moves":
        return compare_table(now, plan, lang)
    return plan_charts.disposals_table(shown, lang)
