"""Charts of a plan: Gantt with gates, Sankey system -> category -> rule -> disposal, and the lines as a table.

Each takes a Plan and a language and has a ``*_table`` twin; colours repeat what words and patterns say.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING

from workbench.plan.documents import rows_in_words
from workbench.plan.model import Disposal, Plan
from workbench.plan.texts import ACTIONS, anonymised
from workbench.ui.chart_style import ACTION_COLOURS, ACTION_PATTERNS, BLACK, GREY, category_name, say, styled

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

MAX_LINKS = 60
HORIZON = dt.date(2100, 1, 1)


def action(lang: str, name: str) -> str:
    """An action in words."""
    return ACTIONS[name].zh if lang == "zh" else ACTIONS[name].en


def _label(d: Disposal) -> str:
    return f"{d.id} {d.set.table}"


def _bars(plan: Plan) -> list[tuple[Disposal, dt.date, dt.date]]:
    """Each disposal with the days between which it runs: from its gate, or until its term ends."""
    out = []
    for d in plan.disposals:
        if d.action == "keep":
            continue
        start = max(plan.as_of, d.not_before) if d.not_before and d.not_before < HORIZON else plan.as_of
        sealed = d.action in ("lock", "ask") and d.keep_until
        end = min(sealed, HORIZON) if sealed else max(start, d.delete_by or start)
        out.append((d, start, max(end, start + dt.timedelta(days=14))))
    return out


def gantt(plan: Plan, lang: str = "zh", limit: int = 40) -> go.Figure:
    """When each disposal may run and until when sealed sets are kept; dashed lines are gates. The first ``limit`` lines."""
    import plotly.graph_objects as go

    bars = _bars(plan)[:limit]
    last = max((e for _, _, e in bars), default=plan.as_of)
    span = max(60, (last - plan.as_of).days)
    fig = go.Figure()

    def days(day: dt.date) -> int:
        # no date axis: its milliseconds are 11 digits long, some look like mobile numbers, and a record masks those
        return (day - plan.as_of).days

    for name in ACTION_COLOURS:
        mine = [b for b in bars if b[0].action == name]
        if not mine:
            continue
        fig.add_trace(
            go.Bar(
                y=[_label(d) for d, _, _ in mine],
                x=[(e - s).days for _, s, e in mine],
                base=[days(s) for _, s, _ in mine],
                orientation="h",
                name=action(lang, name),
                marker={"color": ACTION_COLOURS[name], "pattern": {"shape": ACTION_PATTERNS[name]}},
                text=[f"→ {e.isoformat()}" if e < HORIZON else "→ ∞" for _, _, e in mine],
                textposition="outside",
                cliponaxis=False,
                hovertext=[(d.reason.zh if lang == "zh" else d.reason.en) for d, _, _ in mine],
                hoverinfo="text",
            )
        )
    for n, g in enumerate(g for g in plan.gates if g.until and g.until < HORIZON):
        assert g.until is not None
        fig.add_vline(x=days(g.until), line={"dash": "dash", "color": GREY if g.open else BLACK})
        fig.add_annotation(
            x=days(g.until),
            y=1,
            yref="paper",
            yshift=14 + 16 * (n % 3),
            showarrow=False,
            xanchor="left",
            text=f"{'✓' if g.open else '✗'} {g.id} {g.until.isoformat()}",
            font={"size": 11},
        )
    fig.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=[_label(d) for d, _, _ in bars])
    ticks = _ticks(plan.as_of, last)
    fig.update_xaxes(range=[-max(100, span // 12), days(last) + span // 5], tickvals=[days(t) for t, _ in ticks],
                     ticktext=[word for _, word in ticks])
    fig = styled(
        fig,
        150 + 26 * len(bars),
        barmode="overlay",
        legend={"orientation": "h", "y": 0, "yref": "container", "yanchor": "bottom"},
    )
    return fig.update_layout(margin={"l": 10, "r": 10, "t": 70, "b": 70})


def _ticks(first: dt.date, last: dt.date) -> list[tuple[dt.date, str]]:
    """Five to fourteen dates from ``first`` to a little after ``last``: firsts of months, or of years."""
    years = last.year - first.year
    if years < 2:
        months = [dt.date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(28)]
        return [(m, m.isoformat()[:7]) for m in months[::2] if m <= last + dt.timedelta(days=90)]
    step = max(1, -(-years // 8))
    return [(dt.date(y, 1, 1), str(y)) for y in range(first.year, last.year + step + 1) if y % step == 0]


def gantt_table(plan: Plan, lang: str = "zh") -> pd.DataFrame:
    """Start, end and gate of every line."""
    import pandas as pd

    rows = [
        (
            d.id,
            d.set.table_id,
            rows_in_words(d, lang),
            action(lang, d.action),
            s.isoformat(),
            "∞" if e >= HORIZON else e.isoformat(),
            d.not_before.isoformat() if d.not_before and d.not_before < HORIZON else "",
        )
        for d, s, e in _bars(plan)
    ]
    return pd.DataFrame(
        rows,
        columns=say(lang, "编号,表,行,处置,开始,结束,最早", "line,table,rows,disposal,start,end,not before").split(","),
    )


def _flows(plan: Plan, lang: str) -> Counter[tuple[str, str, str, str]]:
    """Rows by (system, category, rule, disposal); lines without a known count weigh one row, kept data are left out."""
    none = say(lang, "无类别", "no category")
    free = say(lang, "无规则", "no rule")
    flows: Counter[tuple[str, str, str, str]] = Counter()
    for d in plan.disposals:
        if d.action == "keep":
            continue
        rule = d.retention_class.split("/")[0] if d.retention_class else (d.rules[0].id if d.rules else free)
        kinds = d.categories or (none,)
        for c in kinds:
            flows[d.set.source, category_name(c, lang), rule, action(lang, d.action)] += max(1, (d.rows or 1) // len(kinds))
    return flows


def sankey(plan: Plan, lang: str = "zh") -> go.Figure:
    """Where each kind of data goes; at most 60 links, the small ones pooled as 'other'."""
    import plotly.graph_objects as go

    flows = _flows(plan, lang)
    other = say(lang, "其他", "other")
    links: Counter[tuple[tuple[int, str], tuple[int, str]]] = Counter()
    for path, n in flows.items():
        for i in range(3):
            links[(i, path[i]), (i + 1, path[i + 1])] += n
    if len(links) > MAX_LINKS:
        heavy = {k for (a, b), _ in links.most_common(MAX_LINKS // 2) for k in (a, b)}
        pooled: Counter[tuple[tuple[int, str], tuple[int, str]]] = Counter()
        for (a, b), n in links.items():
            pooled[a if a in heavy else (a[0], other), b if b in heavy else (b[0], other)] += n
        links = Counter(dict(sorted(pooled.items(), key=lambda kv: (-kv[1], kv[0]))[:MAX_LINKS]))
    nodes = sorted({k for pair in links for k in pair})
    index = {k: i for i, k in enumerate(nodes)}
    words = {action(lang, a): c for a, c in ACTION_COLOURS.items()}
    fig = go.Figure(
        go.Sankey(
            arrangement="snap",
            node={
                "label": [k[1] for k in nodes],
                "color": [words.get(k[1], "#B8C4CE") if k[0] == 3 else "#B8C4CE" for k in nodes],
                "pad": 14,
                "thickness": 16,
                "line": {"color": BLACK, "width": 0.5},
            },
            link={
                "source": [index[a] for a, _ in links],
                "target": [index[b] for _, b in links],
                "value": list(links.values()),
                "color": "rgba(120,140,160,0.35)",
            },
        )
    )
    heads = (("系统", "system"), ("类别", "category"), ("规则", "rule"), ("处置", "disposal"))
    for i, h in enumerate(heads):
        fig.add_annotation(
            x=i / 3,
            y=1.06,
            xref="paper",
            yref="paper",
            text=h[0] if lang == "zh" else h[1],
            showarrow=False,
            xanchor="left" if i == 0 else "right" if i == 3 else "center",
        )
    return styled(fig, 520).update_layout(margin={"t": 64})  # room for the headings below the chart's own buttons


def sankey_table(plan: Plan, lang: str = "zh") -> pd.DataFrame:
    """The flows behind the Sankey."""
    import pandas as pd

    rows = [(*path, n) for path, n in sorted(_flows(plan, lang).items(), key=lambda kv: (-kv[1], kv[0]))]
    return pd.DataFrame(
        rows, columns=say(lang, "系统,类别,规则,处置,行", "system,category,rule,disposal,rows").split(",")
    )


def disposals_table(plan: Plan, lang: str = "zh") -> pd.DataFrame:
    """Every line with its clocks, columns and reason."""
    import pandas as pd

    rows = [
        (
            d.id,
            d.set.table_id,
            rows_in_words(d, lang),
            action(lang, d.action),
            d.rows,
            d.importance,
            "●" if d.sensitive else "",
            d.keep_until.isoformat() if d.keep_until else "",
            d.delete_by.isoformat() if d.delete_by else "",
            d.not_before.isoformat() if d.not_before and d.not_before < HORIZON else "",
            d.retention_class,
            ", ".join(d.suppress),
            anonymised(d, lang),
            d.reason.zh if lang == "zh" else d.reason.en,
            "; ".join(f"{r.id} [{r.confidence}]" for r in d.rules),
        )
        for d in plan.disposals
    ]
    names = say(
        lang,
        "编号,表,行,处置,行数,重要性,敏感,保存至,应删于,最早,封存类,清除列,概括列,理由,规则",
        "line,table,rows,disposal,count,importance,sensitive,keep until,delete by,not before,class,columns cleared,"
        "columns generalised,reason,rules",
    )
    return pd.DataFrame(rows, columns=names.split(","))


def duties_table(plan: Plan, lang: str = "zh") -> pd.DataFrame:
    """People's duties by date."""
    import pandas as pd

    rows = [
        (
            d.due.isoformat() if d.due else "–",
            (plan.as_of - d.due).days if d.due and d.due < plan.as_of else "",
            d.text.zh if lang == "zh" else d.text.en,
            d.id,
            d.rule.confidence if d.rule else "",
        )
        for d in plan.duties
    ]
    return pd.DataFrame(rows, columns=say(lang, "期限,已过天数,内容,规则,可信度", "due,days past,duty,rule,mark").split(","))


def overdue(plan: Plan, lang: str = "zh") -> go.Figure:
    """Tables against months: how many lines should have been deleted by then and wait; numbers stand in the cells."""
    import plotly.graph_objects as go

    frame = overdue_table(plan, lang)
    table, month, lines = frame.columns
    grid = frame.pivot_table(index=table, columns=month, values=lines, aggfunc="sum", fill_value=0)
    fig = go.Figure(
        go.Heatmap(
            z=grid.to_numpy(), x=list(grid.columns), y=list(grid.index), colorscale="Cividis", reversescale=True, zmin=0,
            text=grid.to_numpy(), texttemplate="%{text}", colorbar={"title": say(lang, "行", "lines")},
        )
    )
    fig.update_xaxes(type="category", title=say(lang, "应删月份", "month due"))
    fig.update_yaxes(autorange="reversed")
    return styled(fig, 160 + 26 * len(grid))


def overdue_table(plan: Plan, lang: str = "zh") -> pd.DataFrame:
    """Lines past the day by which they should be gone, by table and month."""
    import pandas as pd

    late: Counter[tuple[str, str]] = Counter()
    for d in plan.disposals:
        if d.delete_by and d.delete_by < plan.as_of and d.action in ("erase", "anonymise", "hand_over"):
            late[d.set.table_id, d.delete_by.strftime("%Y-%m")] += 1
    rows = [(t, m, n) for (t, m), n in sorted(late.items())]
    return pd.DataFrame(rows, columns=say(lang, "表,月份,行", "table,month,lines").split(","))
