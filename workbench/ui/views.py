"""VIEWS: each value as a page's blocks in one language. ``view(value)`` finds the right one; nothing shows a value
of the data, only counts, names of tables and columns, and reasons.

    show(view(inventory))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from workbench.case import Case
from workbench.classification.model import Findings
from workbench.classification.review import Corrections
from workbench.errors import CaseError, ParameterError
from workbench.freeze import Freeze, FreezeCheck
from workbench.inventory import Inventory
from workbench.plan.model import Plan
from workbench.records.archive import Archived, WindowOpen
from workbench.records.blocks import Block, Callout, Facts, Heading, Table, Text, figure
from workbench.values import Value, short

View = Callable[[str], Iterable[Block]]


def view(value: Value | Case) -> View:
    """The function that draws ``value`` in a language; ParameterError for a kind that has no view."""
    if isinstance(value, Case):
        return lambda lang: case_view(value, lang)
    if value.kind in _VIEWS:
        return lambda lang: _VIEWS[value.kind](value, lang)
    # loaded when one of them is shown
    from workbench.ui.register_views import VIEWS as REGISTERS
    from workbench.ui.vault_views import VIEWS as VAULT

    views = {**VAULT, **REGISTERS}
    if value.kind not in views:
        raise ParameterError(f"there is no view of {type(value).__name__}")
    return lambda lang: views[value.kind](value, lang)


def pick(lang: str, zh: str, en: str) -> str:
    """The sentence of the language."""
    return zh if lang == "zh" else en


def case_view(case: Case, lang: str) -> Iterator[Block]:
    """Who closes, why, when, where, with whom."""
    c, d = case.config.case, case.config.dates
    yield Heading(pick(lang, "公司与日期", "Company and dates"))
    dates = {
        pick(lang, "解散事由出现", "cause of dissolution"): d.dissolution, pick(lang, "停止服务", "end of service"): d.service_end,
        pick(lang, "债权申报期满", "creditors' claims end"): d.claims_end,
        pick(lang, "注销登记", "deregistration"): d.deregistration, pick(lang, "计划日期", "plan's date"): case.today(),
    }
    unknown = pick(lang, "未知(取谨慎解释)", "unknown (the cautious reading applies)")
    yield Facts((
        (pick(lang, "公司", "Company"), c.company if lang == "zh" else c.company_en or c.company),
        (pick(lang, "原因", "Reason"), c.reason), (pick(lang, "法域", "Jurisdictions"), ", ".join(c.jurisdictions)),
        *((k, v.isoformat() if v else unknown) for k, v in dates.items()),
    ))
    yield Table(pick(lang, "参与人与签名密钥", "People and their signing keys"),
                (pick(lang, "姓名", "Name"), pick(lang, "角色", "Roles"), pick(lang, "机构", "Organisation"),
                 pick(lang, "密钥编号", "Key id")),
                tuple((p.name, ", ".join(p.roles), p.organisation, _key(case, p.id)) for p in case.config.people))
    yield Table(pick(lang, "数据源", "Sources"), (pick(lang, "名称", "Name"), pick(lang, "系统", "System")),
                tuple((s.name, s.system or ("database" if s.url else "files")) for s in case.config.sources))
    if case.config.holds:
        yield Table(pick(lang, "保全(优先于一切删除)", "Holds (beat every deletion)"),
                    ("id", pick(lang, "理由", "Reason"), pick(lang, "范围", "Covers"), pick(lang, "起", "Since")),
                    tuple((h.id, h.reason, ", ".join(h.covers), h.since.isoformat()) for h in case.config.holds))


def _key(case: Case, person: str) -> str:
    return next((kid for kid, (owner, _) in case.ledger.keys.items() if owner == person), "")


def freeze_view(value: Freeze, lang: str) -> Iterator[Block]:
    """Every table as it stood when collection stopped."""
    yield Callout("good", pick(lang, f"已声明停止收集:{value.declared_at}。此后新增的每一行都会成为告警。",
                               f"Collection declared stopped at {value.declared_at}. Every row added later is an alarm."))
    yield Table(pick(lang, "停止时的状态", "As it stood"),
                (pick(lang, "表", "Table"), pick(lang, "行", "Rows"), pick(lang, "最新时间", "Newest"), "SHA-256 (keyed)"),
                tuple((f"{t.source}.{t.table}", f"{t.rows:,}",
                       ", ".join(f"{k}: {v[:19]}" for k, v in sorted(t.newest.items())), short(t.content, 16))
                      for t in value.tables))


def freeze_check_view(value: FreezeCheck, lang: str) -> Iterator[Block]:
    """The comparison with the freeze."""
    if value.ok:
        yield Callout("good", pick(lang, "停止收集之后没有新数据到达。", "Nothing arrived after collection stopped."))
    else:
        yield Callout("bad", pick(lang, f"{len(value.alarms)} 个告警:停止收集之后数据有变化。",
                                  f"{len(value.alarms)} alarms: data changed after collection stopped."))
        yield Table(pick(lang, "告警", "Alarms"), (pick(lang, "表", "Table"), pick(lang, "变化", "What"),
                                                   pick(lang, "行", "Rows"), pick(lang, "列", "Columns")),
                    tuple((f"{a.source}.{a.table}", a.what, f"{a.rows:,}", ", ".join(a.columns)) for a in value.alarms))
    yield Table(pick(lang, "当时与现在", "Then and now"),
                (pick(lang, "表", "Table"), pick(lang, "当时", "Then"), pick(lang, "现在", "Now"),
                 pick(lang, "新增", "Added"), pick(lang, "减少", "Removed")),
                tuple((f"{t.source}.{t.table}", f"{t.rows_then:,}", f"{t.rows_now:,}", f"{t.added:,}", f"{t.removed:,}")
                      for t in value.tables))


def inventory_view(value: Inventory, lang: str) -> Iterator[Block]:
    """Tables, links, assets."""
    yield Table(pick(lang, "表与文件", "Tables and files"),
                (pick(lang, "表", "Table"), pick(lang, "格式", "Format"), pick(lang, "行", "Rows"),
                 pick(lang, "列", "Columns"), pick(lang, "字节", "Bytes"), pick(lang, "主键", "Primary key")),
                tuple((t.id, t.format, f"{t.rows:,}", str(len(t.columns)), f"{t.bytes:,}", ", ".join(t.primary_key))
                      for t in value.tables))
    yes, no = pick(lang, "有", "yes"), pick(lang, "无 ⚠", "no ⚠")
    yield Table(pick(lang, "关联", "Links"),
                (pick(lang, "从", "From"), pick(lang, "到", "To"), pick(lang, "来源", "Known by"), pick(lang, "索引", "Index")),
                tuple((f"{k.source}.{k.table}({', '.join(k.key.columns)})",
                       f"{k.key.ref_table}({', '.join(k.key.ref_columns)})",
                       pick(lang, "声明", "declared") if k.key.declared else pick(lang, "数据中发现", "found in the data"),
                       yes if k.indexed else no) for k in value.links))
    if value.assets:
        yield Table(pick(lang, "其他资产", "Other assets"),
                    (pick(lang, "名称", "Name"), pick(lang, "种类", "Kind"), pick(lang, "地点", "Place"),
                     pick(lang, "保管人", "Keeper"), pick(lang, "加密", "Encrypted")),
                    tuple((a.name, a.kind, a.place, a.keeper, a.encrypted) for a in value.assets))
    for u in value.unreadable:
        yield Callout("warn", pick(lang, f"无法读取 {u.item}:{u.reason}", f"Could not read {u.item}: {u.reason}"))


def findings_view(value: Findings, lang: str) -> Iterator[Block]:
    """What is personal, how sensitive, on what evidence."""
    mine = [f for f in value.findings if f.detector]
    yield Facts(((pick(lang, "含个人信息的列", "Personal columns"), str(len({(f.source, f.table, f.column) for f in mine}))),
                 (pick(lang, "敏感", "Sensitive"), str(sum(f.sensitive for f in mine))),
                 (pick(lang, "人(估计)", "Persons (estimate)"), f"{value.persons:,}"),
                 (pick(lang, "未满14周岁", "Under 14"), f"{value.minors:,}")))
    levels = {"high": pick(lang, "高", "high"), "low": pick(lang, "低", "low")}
    yield Table(pick(lang, "发现(只有计数,没有数据值)", "Findings (counts only, never a value)"),
                (pick(lang, "列", "Column"), pick(lang, "类型", "Type"), pick(lang, "类别", "Category"),
                 pick(lang, "敏感", "Sensitive"), pick(lang, "可信度", "Confidence"), pick(lang, "命中", "Matched"),
                 pick(lang, "非空", "Non-null"), pick(lang, "不同值", "Distinct"), pick(lang, "校验通过", "Check passed"),
                 pick(lang, "佐证", "Support")),
                tuple((f"{f.source}.{f.table}.{f.column}", str(f.detector), str(f.category),
                       "●" if f.sensitive else "", levels.get(str(f.confidence), ""), f"{f.matched:,}",
                       f"{f.nonnull:,}", f"{f.distinct:,}", f"{f.checked:,} / {f.shape:,}", ", ".join(f.context))
                      for f in mine))
    clean = [f"{f.source}.{f.table}.{f.column}" for f in value.findings if not f.detector]
    yield Text(pick(lang, f"其余 {len(clean)} 列未发现个人信息。", f"Nothing personal was found in the other {len(clean)} columns."))
    yield from _treemap(value, lang)


def corrections_view(value: Corrections, lang: str) -> Iterator[Block]:
    """What people decided about findings, with who and why; the findings above follow it."""
    if not value.items:
        yield Text(pick(lang, "没有人工复核的决定。", "Nobody has corrected a finding."))
        return
    words = {"accept": pick(lang, "接受", "accepted"), "change": pick(lang, "更改", "changed"), "reject": pick(lang, "否定", "rejected")}
    yield Table(pick(lang, "人工复核的决定(已在上面的发现中执行)", "Decisions of people (followed by the findings above)"),
                (pick(lang, "列", "Column"), pick(lang, "扫描所见", "The scan found"), pick(lang, "决定", "Decision"),
                 pick(lang, "改为", "Changed to"), pick(lang, "决定人", "By"), pick(lang, "时间", "At"), pick(lang, "理由", "Reason")),
                tuple((f"{c.source}.{c.table}.{c.column}", c.detector or "–", words[c.decision], c.to, c.by, c.at, c.reason)
                      for c in value.items))


def _treemap(value: Findings, lang: str) -> Iterator[Block]:
    import pandas as pd
    import plotly.graph_objects as go

    rows = [(f.source, f.table, f.column, str(f.category), f.matched, f.sensitive) for f in value.findings if f.detector]
    if not rows:
        return
    frame = pd.DataFrame(rows, columns=["source", "table", "column", "category", "matched", "sensitive"])
    frame["label"] = frame["column"] + frame["sensitive"].map({True: " ●", False: ""})
    nodes = [(str(src), str(src), "", int(part["matched"].sum()), "#FFFFFF") for src, part in frame.groupby("source")]
    for (src, name), part in frame.groupby(["source", "table"]):
        nodes.append((f"{src}/{name}", str(name), str(src), int(part["matched"].sum()), "#E8EDF2"))
    for i, row in enumerate(frame.itertuples()):
        colour = "#E69F00" if row.sensitive else "#56B4E9"
        nodes.append((f"{row.source}/{row.table}/{i}", str(row.label), f"{row.source}/{row.table}", rows[i][4], colour))
    ids, labels, parents, values, colours = (list(part) for part in zip(*nodes, strict=True))
    fig = go.Figure(go.Treemap(ids=ids, labels=labels, parents=parents, values=values, branchvalues="total",
                               marker={"colors": colours}, textinfo="label+value"))
    fig.update_layout(height=480, margin={"l": 0, "r": 0, "t": 8, "b": 0},
                      font={"family": '"Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif'})
    names = pick(lang, "来源,表,列,类别,命中,敏感", "source,table,column,category,matched,sensitive").split(",")
    yield figure(pick(lang, "我们持有什么(面积 = 命中的单元格,● = 敏感)", "What is held (area = matched cells, ● = sensitive)"),
                 fig, frame.drop(columns="label").set_axis(names, axis=1))


def window_open_view(value: WindowOpen, lang: str) -> Iterator[Block]:
    """The restore window stays open, and why."""
    yield Callout("warn", f"{pick(lang, value.zh, value.en)} → {value.todo}")


def plan_view(value: Plan, lang: str) -> Iterator[Block]:
    """The plan, line by line, with gates and duties."""
    from workbench.plan.documents import cited

    yield Facts((("SHA-256", value.digest), (pick(lang, "日期", "Date"), value.as_of.isoformat()),
                 (pick(lang, "规则包", "Packs"), ", ".join(f"{p.id} {p.version}" for p in value.packs))))
    for g in value.gates:
        mark = pick(lang, "已满足", "passed") if g.open else pick(lang, "未满足", "CLOSED")
        yield Callout("good" if g.open else "warn", f"{g.id}: {mark}。{pick(lang, g.text.zh, g.text.en)}")
    yield from _plan_table(value, lang)
    yield from _charts("plan_charts", value, lang, ("gantt", "处置时间表与关口", "Disposals over time, with gates"),
                       ("sankey", "来源 → 类别 → 规则 → 处置", "Source → category → rule → disposal"),
                       ("overdue", "逾期", "Overdue"))
    if value.duties:
        yield Table(pick(lang, "公司与个人的义务", "Duties of people"),
                    (pick(lang, "期限", "Due"), pick(lang, "内容", "What"), pick(lang, "依据", "Law")),
                    tuple((d.due.isoformat() if d.due else "–", pick(lang, d.text.zh, d.text.en),
                           f"{cited(d.rule.provision, lang)} [{d.rule.confidence}]" if d.rule else "") for d in value.duties))
    for w in value.warnings:
        yield Callout("warn", pick(lang, w.zh, w.en))


def replanned(case: Case) -> View:
    """What moved since the plan before this one: lines, duties, gates, rule packs. Nothing for a first plan."""
    from workbench.plan.compare import compare_table

    def blocks(lang: str) -> Iterator[Block]:
        try:
            plans = case.history(Plan, last=2)
        except CaseError as e:
            yield Callout("note", pick(lang, f"与上一版计划无法比较:{e}", f"No comparison with the plan before: {e}"))
            return
        if len(plans) < 2:
            return
        moved = compare_table(plans[0], plans[1], lang)
        if moved.empty:
            yield Callout("note", pick(lang, "与上一版计划相同。", "Same as the plan before."))
            return
        yield Table(pick(lang, f"与上一版计划({plans[0].as_of},{short(plans[0].digest)})相比的变动",
                         f"What moved since the plan before ({plans[0].as_of}, {short(plans[0].digest)})"),
                    tuple(moved.columns), tuple(tuple(map(str, row)) for row in moved.itertuples(index=False)))
    return blocks


def _plan_table(value: Plan, lang: str) -> Iterator[Block]:
    from workbench.plan.documents import header, lines

    shown = (0, 1, 2, 3, 5, 9, 10, 19, 20, 13, 15, 16)  # a page is no landscape sheet; the Word and Excel plans have all columns
    yield Table(pick(lang, "处置计划(方括号内为可信度;✎? = 未经律师签字)",
                     "The plan (confidence in brackets; ✎? = no lawyer has signed off)"),
                tuple(header(lang)[i] for i in shown), tuple(tuple(row[i] for i in shown) for row in lines(value, lang)))


def _charts(module: str, value: Any, lang: str, *wanted: tuple[str, str, str]) -> Iterator[Block]:
    """Each chart of ``workbench.ui.MODULE`` with its table twin: (name, Chinese title, English title)."""
    from importlib import import_module

    charts = import_module(f"workbench.ui.{module}")
    for name, zh, en in wanted:
        yield figure(pick(lang, zh, en), getattr(charts, name)(value, lang), getattr(charts, f"{name}_table")(value, lang))


def risk_view(value: Any, lang: str) -> Iterator[Block]:
    """Four risks in three states, the points behind them, and what they may cost."""
    yield Callout("warn", pick(lang, "乘数为未经校准的默认值;分数用于排序与比较,不是概率。",
                               "The multipliers are uncalibrated defaults; scores rank and compare, they are no probabilities."))
    yield from _charts("risk_charts", value, lang,
                       ("risk_map", "风险图:固有 → 剩余 → 预计", "Risk map: inherent → residual → projected"),
                       ("waterfall", "分数由哪些证据构成", "Which evidence makes up the score"))
    yield from _charts("loss_charts", value, lang,
                       ("loss_exceedance", "年度损失超过某数额的可能", "Chance that a year's loss exceeds an amount"),
                       ("tornado_chart", "先做什么最有用", "What to do first"),
                       ("burn_chart", "哪一步每天减少最多风险", "Which step burns down most risk a day"),
                       ("treemap", "风险在哪里", "Where the risk lies"))


def risk_runs_view(value: Any, lang: str) -> Iterator[Block]:
    """How far the risk has burned down, assessment by assessment."""
    yield from _charts("loss_charts", value, lang, ("burn_runs", "风险随每次评估下降", "Risk from one assessment to the next"))


def reidentification_view(value: Any, lang: str) -> Iterator[Block]:
    """k, l and what each column contributes."""
    yield from _charts("loss_charts", value, lang, ("contribution", "哪一列最能识别出个人", "Which column identifies people"))


def archived_view(value: Archived, lang: str) -> Iterator[Block]:
    """What goes into the bundle."""
    yield Callout("good" if not value.missing else "warn", pick(
        lang, f"账本 {value.entries} 条,根 {short(value.root, 16)}…,核对无误。",
        f"The ledger's {value.entries} entries add up to root {short(value.root, 16)}…"))
    for name in value.missing:
        yield Callout("warn", pick(lang, f"步骤 {name} 没有记录。", f"Step {name} has no record."))
    for name in value.failed:
        yield Callout("note", pick(lang, f"步骤 {name} 曾失败并重做;两次都在账本里。",
                                   f"Step {name} failed once and was run again; both are in the ledger."))
    yield Table(pick(lang, "记录", "Records"), (pick(lang, "步骤", "Step"), pick(lang, "结果", "Result"), "SHA-256"),
                tuple(value.records))


def erasure_view(value: Any, lang: str) -> Iterator[Block]:
    """What was done, line by line, and what proves it."""
    from workbench.ui import erasure_views

    yield from erasure_views.blocks(value, lang)


_VIEWS: dict[str, Callable[[Any, str], Iterator[Block]]] = {
    "freeze": freeze_view, "freeze-check": freeze_check_view, "inventory": inventory_view, "findings": findings_view,
    "corrections": corrections_view,
    "window-open": window_open_view, "plan": plan_view, "risk-report": risk_view,
    "risk-runs": risk_runs_view,
    "reidentification-report": reidentification_view, "erasure": erasure_view,
    "archived": archived_view,
}
__all__ = ["View", "pick", "replanned", "view"]
