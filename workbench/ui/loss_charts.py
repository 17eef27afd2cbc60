"""Charts of money and identification: loss exceedance, tornado, burn-down, treemap, column contribution; tables beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.risk.anonymity import ReidentificationReport
from workbench.risk.model import STATES, AssetFacts, RiskReport, RiskRuns, Run
from workbench.risk.multipliers import RISKS
from workbench.risk.portfolio import burn_down, curves, tornado
from workbench.ui.chart_style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    RED,
    RISK_COLOURS,
    RISK_NAMES,
    STAGE_NAMES,
    STATE_COLOURS,
    STATE_NAMES,
    category_name,
    pick,
    say,
    styled,
)
from workbench.ui.risk_charts import item_name

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

_DASH = {"inherent": "dot", "residual": "solid", "projected": "dash"}
_WAN = 10_000


def _money(lang: str) -> tuple[float, str]:
    return (_WAN, "万元") if lang == "zh" else (1e6, "CNY million")


def loss_exceedance(report: RiskReport, lang: str = "zh") -> go.Figure:
    """Chance that a year costs more than x, in three states, with the statutory cap as a line."""
    import plotly.graph_objects as go

    unit, word = _money(lang)
    fig = go.Figure()
    top = report.cap
    for state, curve in curves(report).items():
        x, y = curve.exceedance(200)
        keep = y > 1e-4
        top = max(top, float(x[keep].max()) if keep.any() else top)
        fig.add_trace(
            go.Scatter(
                x=x / unit,
                y=y,
                mode="lines",
                name=pick(lang, STATE_NAMES[state]),
                line={"color": STATE_COLOURS[state], "dash": _DASH[state], "width": 3},
            )
        )
    fig.add_vline(x=report.cap / unit, line={"dash": "dash", "color": BLACK})
    fig.add_annotation(
        x=_log10(report.cap / unit),
        y=1.02,
        yref="paper",
        yanchor="bottom",
        showarrow=False,
        text=say(lang, f"罚款上限 {report.cap / unit:,.0f} {word}", f"cap of fines {report.cap / unit:,.0f} {word}"),
    )
    fig.update_xaxes(
        type="log",
        range=[_log10(report.cap / unit) - 4, _log10(top / unit) + 0.1],
        title=say(lang, f"一年的损失({word})", f"loss of a year ({word})"),
    )
    fig.update_yaxes(tickformat=".0%", range=[0, 1.02], title=say(lang, "超过的机会", "chance of more"))
    return styled(fig, 440, margin={"l": 10, "r": 10, "t": 60, "b": 10})


def _log10(x: float) -> float:
    import math

    return math.log10(max(x, 1e-12))


def loss_exceedance_table(report: RiskReport, lang: str = "zh") -> pd.DataFrame:
    """Mean, VaR95, TVaR95, chance of no loss and of passing the cap, by state."""
    import pandas as pd

    rows = [
        (
            pick(lang, STATE_NAMES[s]),
            round(c.mean),
            round(c.var(0.95)),
            round(c.tvar(0.95)),
            f"{c.zero:.1%}",
            f"{c.exceeding(report.cap):.2%}",
        )
        for s, c in curves(report).items()
    ]
    names = say(lang, "状态,平均,VaR95,TVaR95,无事件,超过上限", "state,mean,VaR95,TVaR95,no event,above the cap")
    return pd.DataFrame(rows, columns=names.split(","))


def tornado_chart(report: RiskReport, lang: str = "zh", count: int = 16) -> go.Figure:
    """Expected loss with each item at its best (left) and worst (right); what to fix first stands on top."""
    import plotly.graph_objects as go

    unit, word = _money(lang)
    bars = tornado(report)[:count]
    labels = [f"{item_name(b.item, lang)} · {pick(lang, RISK_NAMES[b.risk])}" for b in bars]
    now = report.eal("residual")
    fig = go.Figure(
        [
            go.Bar(
                y=labels,
                x=[(b.best - now) / unit for b in bars],
                base=now / unit,
                orientation="h",
                name=say(lang, "最好", "at its best"),
                marker={"color": BLUE, "pattern": {"shape": "/"}},
                text=[f"{b.best / unit:,.2f}" for b in bars],
                textposition="outside",
            ),
            go.Bar(
                y=labels,
                x=[(b.worst - now) / unit for b in bars],
                base=now / unit,
                orientation="h",
                name=say(lang, "最坏", "at its worst"),
                marker={"color": ORANGE},
                text=[f"{b.worst / unit:,.2f}" if b.worst > b.now * 1.001 else "" for b in bars],
                textposition="outside",
            ),
        ]
    )
    fig.add_vline(x=now / unit, line={"color": GREY})
    fig.update_yaxes(autorange="reversed")
    fig.update_xaxes(
        title=say(
            lang,
            f"一年的期望损失({word}),现为 {now / unit:,.2f}",
            f"expected loss of a year ({word}), now {now / unit:,.2f}",
        )
    )
    return styled(
        fig,
        140 + 28 * len(bars),
        barmode="overlay",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        margin={"l": 10, "r": 60, "t": 60, "b": 10},
    )


def tornado_chart_table(report: RiskReport, lang: str = "zh") -> pd.DataFrame:
    """Every item's best and worst."""
    import pandas as pd

    rows = [
        (pick(lang, RISK_NAMES[b.risk]), item_name(b.item, lang), round(b.best), round(b.now), round(b.worst))
        for b in tornado(report)
    ]
    return pd.DataFrame(rows, columns=say(lang, "风险,证据,最好,现在,最坏", "risk,item,best,now,worst").split(","))


def burn_chart(report: RiskReport, lang: str = "zh", count: int = 40) -> go.Figure:
    """Expected loss falling as each table's disposal is proven, in the order that takes away most per record."""
    import plotly.graph_objects as go

    unit, word = _money(lang)
    steps = burn_down(report)[:count]
    x = [say(lang, "现在", "now"), *(s.asset for s in steps)]
    y = [report.eal("residual") / unit, *(s.after / unit for s in steps)]
    fig = go.Figure(
        go.Scatter(
            x=x,
            y=y,
            mode="lines+markers+text",
            line={"shape": "hv", "color": RED, "width": 3},
            marker={"size": 8, "symbol": "diamond"},
            text=[f"{v:,.2f}" for v in y],
            textposition="top right",
        )
    )
    fig.update_yaxes(title=say(lang, f"期望损失({word})", f"expected loss ({word})"), rangemode="tozero")
    return styled(fig, 440)


def burn_chart_table(report: RiskReport, lang: str = "zh") -> pd.DataFrame:
    """Records, loss taken away and loss left, in order."""
    import pandas as pd

    rows = [(s.asset, s.records, round(s.drop), round(s.after)) for s in burn_down(report)]
    return pd.DataFrame(
        rows, columns=say(lang, "表,记录,消除的损失,剩余损失", "table,records,loss removed,loss left").split(",")
    )


def burn_runs(value: RiskRuns, lang: str = "zh") -> go.Figure:
    """Expected loss from one assessment to the next, risk by risk, with what the plan would leave as a line."""
    import plotly.graph_objects as go

    unit, word = _money(lang)
    x = [_run_name(r, lang) for r in value.runs]
    fig = go.Figure([
        go.Bar(
            x=x,
            y=[dict(r.residual).get(risk, 0.0) / unit for r in value.runs],
            name=pick(lang, RISK_NAMES[risk]),
            marker={"color": RISK_COLOURS[risk], "pattern": {"shape": shape}},
        )
        for risk, shape in zip(RISKS, ("", "/", ".", "x"), strict=True)
    ])
    fig.add_trace(
        go.Scatter(
            x=x,
            y=[r.projected / unit for r in value.runs],
            mode="lines+markers",
            name=say(lang, "计划执行后", "once the plan is done"),
            line={"color": BLACK, "dash": "dash"},
            marker={"size": 9, "symbol": "diamond"},
        )
    )
    totals = [sum(v for _, v in r.residual) / unit for r in value.runs]
    fig.update_layout(annotations=[
        {"x": a, "y": t, "text": f"{t:,.2f}" if t < 100 else f"{t:,.0f}", "showarrow": False, "yanchor": "bottom"}
        for a, t in zip(x, totals, strict=True)
    ])
    fig.update_yaxes(title=say(lang, f"期望损失({word})", f"expected loss ({word})"), rangemode="tozero")
    return styled(fig, 440, barmode="stack")


def burn_runs_table(value: RiskRuns, lang: str = "zh") -> pd.DataFrame:
    """Each assessment: day, stage, records, expected loss by risk, in all, and once the plan is done."""
    import pandas as pd

    rows = [
        (
            r.as_of,
            pick(lang, STAGE_NAMES[r.stage]),
            r.records,
            *(round(dict(r.residual).get(risk, 0.0)) for risk in RISKS),
            round(sum(v for _, v in r.residual)),
            round(r.projected),
        )
        for r in value.runs
    ]
    names = (
        say(lang, "日期", "day"),
        say(lang, "阶段", "stage"),
        say(lang, "记录", "records"),
        *(pick(lang, RISK_NAMES[r]) for r in RISKS),
        say(lang, "合计(元)", "in all (CNY)"),
        say(lang, "计划执行后(元)", "once the plan is done (CNY)"),
    )
    return pd.DataFrame(rows, columns=list(names))


def _run_name(run: Run, lang: str) -> str:
    return f"{run.as_of}<br>{pick(lang, STAGE_NAMES[run.stage])}"


def treemap(report: RiskReport, lang: str = "zh") -> go.Figure:
    """System > table > category; area is records, darkness is the ease of identification (written on it too)."""
    import plotly.graph_objects as go

    systems: dict[str, list[AssetFacts]] = {}
    for a in report.assets:
        systems.setdefault(a.asset.split(".", 1)[0], []).append(a)
    nodes = [
        (name, name, "", 0, sum(a.ei * a.records for a in held) / max(1, sum(a.records for a in held)))
        for name, held in sorted(systems.items())
    ]
    for a in report.assets:
        system, table = a.asset.split(".", 1)
        nodes.append((a.asset, f"{table}<br>EI {a.ei:.2f}", system, 0 if a.categories else a.records, a.ei))
        share = a.records // max(1, len(a.categories))
        nodes += [(f"{a.asset}/{c}", category_name(c, lang), a.asset, share, a.ei) for c in a.categories]
    ids, labels, parents, values, shade = (list(x) for x in zip(*nodes, strict=True)) if nodes else ([], [], [], [], [])
    fig = go.Figure(
        go.Treemap(
            ids=ids,
            labels=labels,
            parents=parents,
            values=values,
            branchvalues="remainder",
            marker={
                "colors": shade,
                "colorscale": "Cividis",
                "reversescale": True,
                "cmin": 0,
                "cmax": 1,
                "colorbar": {"title": say(lang, "可识别度 EI", "ease EI")},
            },
        )
    )
    return styled(fig, 480)


def treemap_table(report: RiskReport, lang: str = "zh") -> pd.DataFrame:
    """Assets with records, context and ease of identification."""
    import pandas as pd

    rows = [
        (a.asset, a.records, a.dpc, round(a.ei, 2), f"{a.clear:.0%}", f"{a.remaining:.0%}", f"{a.sealed:.0%}", ", ".join(a.categories))
        for a in report.assets
    ]
    names = say(
        lang,
        "表,记录,DPC,EI,明文,计划后剩余,计划后封存,类别",
        "table,records,DPC,EI,clear text,left after plan,sealed after plan,categories",
    )
    return pd.DataFrame(rows, columns=names.split(","))


def contribution(report: ReidentificationReport, lang: str = "zh") -> go.Figure:
    """Which column identifies people: unique rows lost when it is dropped, table by table."""
    import plotly.graph_objects as go

    rows = [r for r in report.contribution if r[2] > 0][:40] or list(report.contribution[:10])
    fig = go.Figure(
        go.Bar(
            y=[f"{t.split('.', 1)[-1]} · {c}" for t, c, _ in rows],
            x=[n for _, _, n in rows],
            orientation="h",
            text=[f"{n:,}" for _, _, n in rows],
            textposition="outside",
            marker={"color": BLUE},
        )
    )
    fig.update_yaxes(autorange="reversed")
    fig.update_xaxes(title=say(lang, "去掉该列后不再唯一的行", "rows no longer unique without the column"))
    return styled(fig, 120 + 26 * len(rows))


def contribution_table(report: ReidentificationReport, lang: str = "zh") -> pd.DataFrame:
    """k, uniqueness and small classes of each measured table, with size and columns beside."""
    import pandas as pd

    rows = [
        (
            t,
            a.rows,
            ", ".join(a.columns),
            a.k,
            f"{a.uniques / a.rows:.0%}" if a.rows else "",
            f"{a.small_share:.0%}",
            f"{a.mean_risk:.3f}",
        )
        for t, a in report.tables
    ]
    names = say(
        lang,
        "表,行,准标识列,k,唯一,小类(<5),平均风险",
        "table,rows,quasi-identifiers,k,unique,small classes (<5),mean risk",
    )
    return pd.DataFrame(rows, columns=names.split(","))


__all__ = [
    "STATES",
    "burn_chart",
    "burn_chart_table",
    "burn_runs",
    "burn_runs_table",
    "contribution",
    "contribution_table",
    "loss_exceedance",
    "loss_exceedance_table",
    "tornado_chart",
    "tornado_chart_table",
    "treemap",
    "treemap_table",
]
