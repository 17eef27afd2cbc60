"""Charts of risk: functions from a value to a plain ``go.Figure``, each with a ``*_table`` twin that gives the numbers.

Colour is never the only signal: shapes, dashes and words say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.risk.evidence import Risk
from workbench.risk.model import STATES, RiskReport, Score, State
from workbench.risk.multipliers import RISKS, model
from workbench.risk.reports import value_text
from workbench.risk.severity import LIKELIHOODS, matrix
from workbench.ui.chart_style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    RISK_COLOURS,
    RISK_NAMES,
    STATE_NAMES,
    STATE_SYMBOLS,
    pick,
    say,
    styled,
)
from workbench.values import short

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

IMPACTS = ("低", "中", "高", "严重")
_EN = {"低": "low", "中": "medium", "高": "high", "严重": "severe", "很高": "very high"}
_GROUND = {"低": "#F7FBFF", "中": "#DEEBF7", "高": "#C6DBEF", "严重": "#9ECAE1"}


def word(lang: str, level: str) -> str:
    """A level of the GB/T matrix in the language."""
    return level if lang == "zh" else _EN[level]


def position(s: Score) -> tuple[float, float]:
    """Where a score stands on the 4 x 4 map: chance of an event against severity, continuous."""
    import math

    edges = (0.001, 0.01, 0.1, 0.5, 1.0)
    p = min(max(s.chance, edges[0]), 0.98)
    k = sum(p >= e for e in edges[1:4])
    x = k + (math.log(p) - math.log(edges[k])) / (math.log(edges[k + 1]) - math.log(edges[k]))
    y = 4 * 0.5 / 2 if s.severity < 0 else min(3.95, max(0.05, s.severity - 1 if s.severity >= 2 else s.severity / 2))
    return x, y


def risk_map(report: RiskReport, lang: str = "zh") -> go.Figure:
    """The 4 x 4 map of GB/T 39335 with an arrow per risk: inherent -> residual -> projected."""
    import plotly.graph_objects as go

    fig = go.Figure()
    shapes: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []  # set at once: adding one by one is slow
    names: list[tuple[float, float, str]] = []
    for row, impact in enumerate(IMPACTS):
        for col, likely in enumerate(LIKELIHOODS):
            level = matrix()[impact][likely]
            shapes.append(
                {
                    "type": "rect",
                    "x0": col,
                    "x1": col + 1,
                    "y0": row,
                    "y1": row + 1,
                    "fillcolor": _GROUND[level],
                    "line": {"color": "white"},
                    "layer": "below",
                }
            )
            names.append((col + 0.02, row + 0.97, word(lang, level)))
    x, y, text = zip(*names, strict=True)
    fig.add_trace(
        go.Scatter(  # one trace, not sixteen annotations: those are slow, and a slider redraws this
            x=x, y=y, text=text, mode="text", textposition="bottom right", textfont={"size": 11, "color": "#555555"},
            hoverinfo="skip", showlegend=False,
        )
    )  # fmt: skip
    offsets = {r: (i - 1.5) * 0.09 for i, r in enumerate(RISKS)}
    for risk in RISKS:
        spots = [(st, report.total(risk, st)) for st in STATES]
        xs = [min(3.9, max(0.1, position(s)[0])) for _, s in spots]  # whole signs and their numbers inside the map
        ys = [min(3.8, max(0.2, position(s)[1] + offsets[risk])) for _, s in spots]
        for i in (0, 1):
            notes.append(
                {
                    "x": xs[i + 1],
                    "y": ys[i + 1],
                    "ax": xs[i],
                    "ay": ys[i],
                    "xref": "x",
                    "yref": "y",
                    "axref": "x",
                    "ayref": "y",
                    "text": "",
                    "showarrow": True,
                    "arrowhead": 2,
                    "arrowwidth": 1.5,
                    "arrowcolor": RISK_COLOURS[risk],
                    "standoff": 6,
                }
            )
        fig.add_trace(
            go.Scatter(
                x=xs,
                y=ys,
                mode="markers+text",
                name=pick(lang, RISK_NAMES[risk]),
                text=[f"{s.score:.0f}" for _, s in spots],
                textposition=["top center", "bottom center", "middle right"],
                marker={
                    "size": 13,
                    "color": RISK_COLOURS[risk],
                    "symbol": [STATE_SYMBOLS[st] for st, _ in spots],
                    "line": {"color": BLACK, "width": 1},
                },
                hovertext=[
                    f"{pick(lang, RISK_NAMES[risk])} · {pick(lang, STATE_NAMES[st])}: {s.score:.1f} [{s.low:.0f}–{s.high:.0f}]"
                    for st, s in spots
                ],
                hoverinfo="text",
            )
        )
    for st in STATES:
        fig.add_trace(
            go.Scatter(
                x=[None],
                y=[None],
                mode="markers",
                name=pick(lang, STATE_NAMES[st]),
                marker={
                    "symbol": STATE_SYMBOLS[st],
                    "size": 11,
                    "color": "white",
                    "line": {"color": BLACK, "width": 1.5},
                },
            )
        )
    ticks = [0.5, 1.5, 2.5, 3.5]
    fig.update_xaxes(
        range=[0, 4],
        tickvals=ticks,
        ticktext=[word(lang, t) for t in LIKELIHOODS],
        title=say(lang, "可能性(一年内发生的机会)", "likelihood (chance within a year)"),
        showgrid=False,
    )
    fig.update_yaxes(
        range=[0, 4],
        tickvals=ticks,
        ticktext=[word(lang, t) for t in IMPACTS],
        title=say(lang, "影响(ENISA 严重度)", "impact (ENISA severity)"),
        showgrid=False,
    )
    return styled(
        fig,
        520,
        shapes=shapes,
        annotations=notes,
        title=say(
            lang,
            "风险图:固有 ■ → 剩余 ● → 预计 ◆(数字为得分)",
            "Risk map: inherent ■ → residual ● → projected ◆ (numbers are scores)",
        ),
    )


def risk_map_table(report: RiskReport, lang: str = "zh") -> pd.DataFrame:
    """The twelve totals: score, band, coverage, level, matrix cell, expected loss."""
    import pandas as pd

    rows = [
        (
            pick(lang, RISK_NAMES[s.risk]),
            pick(lang, STATE_NAMES[s.state]),
            round(s.score, 1),
            f"{s.low:.0f}–{s.high:.0f}",
            f"{s.coverage:.0%}",
            s.level,
            word(lang, s.impact) if s.impact else "",
            word(lang, s.likelihood) if s.likelihood else "",
            word(lang, s.gbt) if s.gbt else "",
            round(s.eal),
        )
        for s in report.totals
    ]
    names = say(
        lang,
        "风险,状态,得分,90%区间,证据覆盖,ENISA,影响,可能性,矩阵,期望损失(元)",
        "risk,state,score,90% band,coverage,ENISA,impact,likelihood,matrix,expected loss (CNY)",
    ).split(",")
    return pd.DataFrame(rows, columns=names)


_BASE = {
    "base.rate": ("基础频率", "base rate"),
    "base.exposure": ("暴露份额", "share exposed"),
    "base.horizon": ("期限", "horizon"),
    "base.loss": ("一次事件损失", "loss of one event"),
    "base.assets": ("资产数量", "spread over assets"),
    "base.clip": ("截断", "clipped"),
}


def item_name(id_: str, lang: str) -> str:
    """An evidence item in words."""
    if id_ in _BASE:
        return pick(lang, _BASE[id_])
    item = model().item(id_)
    return (item.names.zh if lang == "zh" else item.names.en) if item else id_


def waterfall(report: RiskReport, lang: str = "zh", risk: Risk | None = None, state: State = "residual") -> go.Figure:
    """Points of each risk's score (or of one risk), item by item; ``?`` where nothing was measured."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    risks = [r for r in RISKS if risk is None or r == risk]
    wide = len(risks) > 1
    longest = max(len(report.total(r, state).points) for r in risks)
    fig = make_subplots(
        rows=(len(risks) + 1) // 2,
        cols=2 if wide else 1,
        vertical_spacing=0.12,
        horizontal_spacing=0.22,
        subplot_titles=[f"{pick(lang, RISK_NAMES[r])} {report.total(r, state).score:.1f}" for r in risks],
    )
    for n, r in enumerate(risks):
        labels, points, hover = _bars(report.total(r, state), lang)
        fig.add_trace(
            go.Waterfall(
                y=labels,
                x=points,
                orientation="h",
                showlegend=False,
                hovertext=hover,
                hoverinfo="text",
                measure=["relative"] * (len(labels) - 1) + ["total"],
                text=[f"{p:+.1f}" for p in points[:-1]] + [f"{points[-1]:.1f}"],
                textposition="outside",
                increasing={"marker": {"color": ORANGE}},
                decreasing={"marker": {"color": BLUE}},
                totals={"marker": {"color": GREY}},
                connector={"line": {"color": "#BBBBBB"}},
                cliponaxis=False,
            ),
            row=n // 2 + 1,
            col=n % 2 + 1 if wide else 1,
        )
    fig.update_yaxes(autorange="reversed", tickfont={"size": 11})
    fig.update_xaxes(range=[0, 125])
    return styled(
        fig,
        90 + (26 * longest + 40) * ((len(risks) + 1) // 2),
        margin={"l": 10, "r": 10, "t": 80, "b": 10},
        title=say(lang, "得分的构成(? = 无证据,按最坏计)", "What makes up the score (? = no evidence, worst counts)"),
    )


def _bars(s: Score, lang: str) -> tuple[list[str], list[float], list[str]]:
    """Labels, points and hover texts: where it starts, each piece of evidence, the score."""
    base = [p for p in s.points if p.item.startswith("base.")]
    rest = sorted((p for p in s.points if not p.item.startswith("base.")), key=lambda p: (-abs(p.points), p.item))
    start = sum(p.points for p in base)
    labels = [say(lang, "频率 × 损失", "frequency × loss")]
    labels += [item_name(p.item, lang) + ("" if p.measured else " ?") for p in rest]
    hover = [
        "<br>".join(f"{item_name(p.item, lang)}: {p.points:+.2f}" for p in base),
        *(_hover(p, lang) for p in rest),
        "",
    ]
    return [*labels, say(lang, "得分", "score")], [start, *(p.points for p in rest), s.score], hover


def _hover(p: Any, lang: str) -> str:
    e = p.evidence
    seen = value_text(p, lang) if e is None else f"{value_text(p, lang)} · {e.by} · {e.at} · {short(e.sha256)}"
    return f"{p.item}: ×{p.multiplier:.2f} → {p.points:+.2f}<br>{seen}"


def waterfall_table(report: RiskReport, lang: str = "zh", state: State = "residual") -> pd.DataFrame:
    """Every point with its multiplier, evidence, time and digest."""
    import pandas as pd

    rows = []
    for r in RISKS:
        for p in report.total(r, state).points:
            e = p.evidence
            rows.append(
                (
                    pick(lang, RISK_NAMES[r]),
                    item_name(p.item, lang),
                    round(p.points, 2),
                    round(p.multiplier, 3),
                    "" if p.item.startswith("base.") else value_text(p, lang),
                    e.by if e else "",
                    e.at if e else "",
                    short(e.sha256) if e else "",
                )
            )
    names = say(
        lang, "风险,证据,分,乘数,测得值,来源,时间,摘要", "risk,evidence,points,multiplier,value,by,at,digest"
    ).split(",")
    return pd.DataFrame(rows, columns=names)
