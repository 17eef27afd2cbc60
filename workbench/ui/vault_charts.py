"""Charts of the vault: functions from a value to a plain ``go.Figure``, each with a ``*_table`` twin.

They show counts, bytes and words; no object name, no value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.ui.chart_style import BLACK, BLUE, GREY, ORANGE, pick, say, styled
from workbench.vault.model import DueList, MediaCheck, RestoreTest, SealedBackup

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

STRENGTHS = ("weak", "fair", "good", "best")
_ZH = {"weak": "弱", "fair": "一般", "good": "良", "best": "最强"}
_HOLDERS = {"file": ("文件", "file"), "pkcs11": ("PKCS#11 令牌", "PKCS#11 token")}
THIN = 0.12
"""share of a hatched bar that its lines cover: a number written on them stays legible"""


def coverage(backup: SealedBackup, lang: str = "zh") -> go.Figure:
    """Rows sealed in each table, and the bytes they take, one bar a table; raw files follow."""
    import plotly.graph_objects as go

    table = coverage_table(backup, lang)
    size = say(lang, "字节", "bytes")
    name, rows = say(lang, "表或文件", "table or file"), say(lang, "行", "rows")
    fig = go.Figure(go.Bar(
        y=table[name], x=table[size], orientation="h", marker_color=BLUE,
        text=[f"{t.rows:,} {rows}" if t.form == "parquet" else say(lang, "文件", "file") for t in backup.tables],
        textposition="auto", textangle=0))
    fig.update_yaxes(autorange="reversed")
    fig.update_xaxes(title=say(lang, "封存前字节数", "bytes before sealing"))
    return styled(fig, title=say(lang, f"备份覆盖 {len({t.source for t in backup.tables})} 个来源, 共 {len(backup.places)} 份",
                           f"{len({t.source for t in backup.tables})} sources sealed, in {len(backup.places)} places"),
                  height=140 + 24 * len(table))


def coverage_table(backup: SealedBackup, lang: str = "zh") -> pd.DataFrame:
    """Numbers behind :func:`coverage`."""
    import pandas as pd

    return pd.DataFrame([{
        say(lang, "表或文件", "table or file"): f"{t.source}.{t.table}", say(lang, "行", "rows"): t.rows,
        say(lang, "字节", "bytes"): t.bytes, say(lang, "对象", "objects"): len(t.objects),
        say(lang, "形式", "form"): "Parquet" if t.form == "parquet" else say(lang, "原样", "as it is"),
    } for t in backup.tables])


def restores(test: RestoreTest, lang: str = "zh") -> go.Figure:
    """Tables and files of a restore test: equal and unequal, by words and colour."""
    import plotly.graph_objects as go

    good = [c for c in test.tables if c.equal]
    bad = [c for c in test.tables if not c.equal]
    fig = go.Figure()
    for label, items, colour, pattern in ((say(lang, "一致", "equal"), good, BLUE, ""),
                                          (say(lang, "不一致", "not equal"), bad, ORANGE, "/")):
        fig.add_bar(x=[say(lang, "表", "tables"), say(lang, "文件", "files")], name=label, marker_color=colour,
                    marker_pattern_shape=pattern, marker_pattern_solidity=THIN,
                    text=[sum(c.form == f for c in items) for f in ("parquet", "file")],
                    y=[sum(c.form == f for c in items) for f in ("parquet", "file")])
    fig.update_layout(barmode="stack")
    word = say(lang, "通过", "passed") if test.ok else say(lang, "未通过", "failed")
    return styled(fig, height=360, title=say(lang, f"恢复测试{word}（{test.at[:10]}，取自 {test.place}）",
                           f"Restore test {word} ({test.at[:10]}, from {test.place})"))


def restores_table(test: RestoreTest, lang: str = "zh") -> pd.DataFrame:
    """Numbers behind :func:`restores`."""
    import pandas as pd

    return pd.DataFrame([{
        say(lang, "表或文件", "table or file"): f"{c.source}.{c.table}", say(lang, "封存行数", "rows sealed"): c.rows_sealed,
        say(lang, "恢复行数", "rows restored"): c.rows_restored,
        say(lang, "来源行数", "rows in the source"): "-" if c.rows_source is None else c.rows_source,
        say(lang, "一致", "equal"): say(lang, "是", "yes") if c.equal else say(lang, "否", "no"),
    } for c in test.tables])


def holders(backup: SealedBackup, lang: str = "zh") -> go.Figure:
    """How much the destruction of each holder's secret proves, on four steps; honest about files."""
    import plotly.graph_objects as go

    names = [f"{n}. {_holder(h.holder, lang)}" for n, h in enumerate(backup.holders, 1)]
    level = [STRENGTHS.index(h.strength) + 1 for h in backup.holders]
    fig = go.Figure(go.Bar(x=level, y=names, orientation="h", marker_color=[ORANGE if v == 1 else BLUE for v in level],
                           text=[_ZH[h.strength] if lang == "zh" else h.strength for h in backup.holders], textangle=0))
    fig.update_xaxes(range=[0, 4.4], tickvals=[1, 2, 3, 4],
                     ticktext=[_ZH[s] if lang == "zh" else s for s in STRENGTHS])
    return styled(fig, height=220 + 40 * len(names), title=say(lang, "销毁密钥能证明多少", "What destroying the key proves"))


def holders_table(backup: SealedBackup, lang: str = "zh") -> pd.DataFrame:
    """Words behind :func:`holders`."""
    import pandas as pd

    return pd.DataFrame([{say(lang, "保管处", "holder"): _holder(h.holder, lang),
                          say(lang, "强度", "strength"): _ZH[h.strength] if lang == "zh" else h.strength,
                          say(lang, "说明", "meaning"): h.zh if lang == "zh" else h.en} for h in backup.holders])


def _holder(name: str, lang: str) -> str:
    return pick(lang, _HOLDERS.get(name, (name, name)))


def inspections(check: MediaCheck, lang: str = "zh") -> go.Figure:
    """Media: sound, with findings, or due for inspection."""
    import plotly.graph_objects as go

    groups = {"sound": [0, 0], "findings": [0, 0], "due": [0, 0]}
    for m in check.media:
        key = "due" if m.due else "sound" if m.ok else "findings"
        groups[key][0 if m.sort == "place" else 1] += 1
    kinds = [say(lang, "封存位置", "vault places"), say(lang, "登记的介质", "recorded media")]
    words = {"sound": say(lang, "完好", "sound"), "findings": say(lang, "有发现", "findings"),
             "due": say(lang, "到期待检", "inspection due")}
    fig = go.Figure()
    for key, colour, pattern in (("sound", BLUE, ""), ("findings", ORANGE, "/"), ("due", GREY, "x")):
        fig.add_bar(x=kinds, y=groups[key], name=words[key], marker_color=colour, marker_pattern_shape=pattern,
                    marker_pattern_solidity=THIN, marker_line_color=BLACK, text=groups[key])
    fig.update_layout(barmode="stack")
    fig.update_yaxes(tick0=0, dtick=max(1, round(len(check.media) / 6)))  # media are counted in whole ones
    return styled(fig, height=360, title=say(lang, "介质检查", "Inspection of media"))


def inspections_table(check: MediaCheck, lang: str = "zh") -> pd.DataFrame:
    """Words behind :func:`inspections`."""
    import pandas as pd

    from workbench.vault.media import in_words

    return pd.DataFrame([{
        say(lang, "介质", "medium"): m.name, say(lang, "种类", "kind"): in_words(m.sort, lang),
        say(lang, "加密", "encrypted"): in_words(m.encrypted, lang), say(lang, "上次检查", "last inspected"): m.last_inspected or "-",
        say(lang, "发现", "findings"): "; ".join(in_words(p, lang) for p in m.problems) or say(lang, "无", "none"),
    } for m in check.media])


def copies(check: MediaCheck, lang: str = "zh") -> go.Figure:
    """Objects in each place: whole, and files with a finding."""
    import plotly.graph_objects as go

    table = copies_table(check, lang)
    place, whole, bad = table.columns
    fig = go.Figure()
    fig.add_bar(y=table[place], x=table[whole], orientation="h", name=whole, marker_color=BLUE, text=table[whole])
    fig.add_bar(y=table[place], x=table[bad], orientation="h", name=bad, marker_color=ORANGE, marker_pattern_shape="/",
                marker_pattern_solidity=THIN, text=[n or "" for n in table[bad]])
    fig.update_layout(barmode="stack")
    fig.update_yaxes(autorange="reversed")
    return styled(fig, height=180 + 40 * len(table))


def copies_table(check: MediaCheck, lang: str = "zh") -> pd.DataFrame:
    """Numbers behind :func:`copies`."""
    import pandas as pd

    return pd.DataFrame([{
        say(lang, "封存位置", "place"): m.name, say(lang, "完好对象", "whole objects"): max(0, m.objects - len(m.problems)),
        say(lang, "有问题的文件", "files with a finding"): len(m.problems),
    } for m in check.media if m.sort == "place"])


def due(value: DueList, lang: str = "zh") -> go.Figure:
    """Days until each recurring check; what is overdue or was never made stands left of zero."""
    import plotly.graph_objects as go

    days = _days_left(value)
    names = _due_names(value, lang)
    fig = go.Figure(go.Bar(
        y=names, x=days, orientation="h", marker_color=[ORANGE if i.due else BLUE for i in value.items],
        marker_pattern_shape=["/" if i.due else "" for i in value.items], marker_pattern_solidity=THIN,
        text=[say(lang, "从未", "never") if not i.last else say(lang, f"{d} 天", f"{d} days")
              for i, d in zip(value.items, days, strict=True)]))
    fig.update_yaxes(autorange="reversed")
    fig.update_xaxes(title=say(lang, "距下次检查的天数（负数为逾期）", "days until the next check (negative: overdue)"))
    return styled(fig, height=160 + 34 * len(names))


def due_table(value: DueList, lang: str = "zh") -> pd.DataFrame:
    """Words behind :func:`due`."""
    import pandas as pd

    return pd.DataFrame([{
        say(lang, "检查", "check"): name, say(lang, "上次", "last"): i.last or say(lang, "从未", "never"),
        say(lang, "下次", "next"): i.next or say(lang, "现在", "now"), say(lang, "每隔天数", "every days"): i.every_days,
        say(lang, "到期", "due"): say(lang, "是", "yes") if i.due else say(lang, "否", "no"),
    } for i, name in zip(value.items, _due_names(value, lang), strict=True)])


def _due_names(value: DueList, lang: str) -> list[str]:
    from workbench.vault.media import in_words

    return [f"{in_words(i.what, lang)} {i.name}".strip() for i in value.items]


def _days_left(value: DueList) -> list[int]:
    """Days from the list's day to each next check; a check never made counts as overdue by its whole interval."""
    import datetime as dt

    today = dt.date.fromisoformat(value.at)
    return [(dt.date.fromisoformat(i.next) - today).days if i.next else -i.every_days for i in value.items]
