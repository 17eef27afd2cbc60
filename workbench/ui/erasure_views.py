"""What an erasure shows: lines of the plan, scrub steps, proofs at three levels, certificates' verdicts."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.erasure.model import Erasure, StoreProof
from workbench.records.blocks import Block, Callout, Facts, Heading, Table, figure

WORDS = {
    "STORE_CLEAN": ("存储文件中已无残留", "gone from the store's own files"),
    "LOGICAL": ("已不可查询(存储字节未证明)", "no longer queryable (bytes not proven)"),
    "VOLUME_CLEAN": ("设备上已无残留", "gone from the device"),
    "CRYPTO_ERASED": ("密钥已销毁", "key destroyed"), "FAILED": ("未通过", "FAILED"),
    "INCONCLUSIVE": ("无对照,不作结论", "no control, no claim"), "KEPT": ("依法保留", "kept by law"),
    "TASK": ("待人处理", "a task for people"), "STARTED": ("已开始", "started"), "NOT_STARTED": ("未开始", "not started"),
}


def _pick(lang: str, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _word(verdict: str, lang: str) -> str:
    return f"{verdict} {_pick(lang, *WORDS[verdict])}"


def blocks(value: Erasure, lang: str) -> Iterator[Block]:
    """The page of one run (or dry run)."""
    good = value.ok and value.verdict not in ("FAILED", "INCONCLUSIVE")
    lead = _pick(lang, "试运行(未改动任何数据)", "Dry run (nothing was changed)") if value.dry_run else \
        _pick(lang, "结论", "Verdict")
    yield Callout("good" if good else "bad", f"{lead}: {_word(value.verdict, lang)}")
    yield Facts(((_pick(lang, "计划", "Plan"), value.plan), (_pick(lang, "审批人", "Approved by"), ", ".join(value.approvers)),
                 (_pick(lang, "开始", "Started"), value.started), (_pick(lang, "结束", "Ended"), value.ended)))
    for p in value.problems:
        yield Callout("bad", p)
    for t in value.tasks:
        yield Callout("warn", _pick(lang, "待人处理:", "To be done by a person: ") + t)
    yield Table(_pick(lang, "计划逐行执行结果", "The plan, line by line"),
                tuple(_pick(lang, "编号,表,处置,计划行数,删除,清除列,封存,未删(被引用),方式,结论",
                            "Line,Table,Disposal,Planned,Deleted,Cleared,Archived,Refused,Strategy,Verdict").split(",")),
                tuple((d.disposal, f"{d.source}.{d.table}", d.action, f"{d.planned:,}", f"{d.deleted:,}",
                       f"{d.suppressed:,}", f"{d.archived:,}", f"{d.refused:,}", d.strategy, _word(d.verdict, lang))
                      for d in value.disposals))
    red = [p for p in value.preflight if p.colour != "green"]
    if red:
        yield Table(_pick(lang, "执行前检查", "Preflight"), (_pick(lang, "项", "Check"), _pick(lang, "对象", "Object"),
                                                        _pick(lang, "说明", "What"), _pick(lang, "处理", "Next")),
                    tuple((f"{'✗' if p.colour == 'red' else '⚠'} {p.check}", p.object, _pick(lang, p.zh, p.en), p.todo)
                          for p in red))
    if not value.dry_run:
        yield from _proofs(value, lang)


def _proofs(value: Erasure, lang: str) -> Iterator[Block]:
    yield Heading(_pick(lang, "清理与证明", "Scrub and proof"))
    yield Table(_pick(lang, "清理步骤(每步有探针核实)", "Scrub steps, each with its probe"),
                (_pick(lang, "数据源", "Source"), _pick(lang, "步骤", "Step"), _pick(lang, "核实", "Probe"),
                 _pick(lang, "命令", "Command")),
                tuple((s.source, s.step, "✓" if s.done else _pick(lang, "待人处理", "task") if s.task else "✗", s.command)
                      for s in value.scrubs))
    yield Table(_pick(lang, "逻辑层:逐表重读", "Logical level: every table read anew"),
                tuple(_pick(lang, "表,之前,应余,实余,仍符合删除条件,保留行相同,未清除的单元,孤儿行",
                            "Table,Before,Expected,Left,Still matching,Kept rows equal,Cells not cleared,Orphans").split(",")),
                tuple((f"{t.source}.{t.table}", f"{t.rows_before:,}", f"{t.rows_expected:,}", f"{t.rows_left:,}",
                       f"{t.predicate_rows:,}", "✓" if t.kept_equal else "✗", f"{t.uncleared:,}", f"{t.orphans_after:,}")
                      for t in value.tables))
    for store in value.stores:
        good = store.verdict in ("STORE_CLEAN", "VOLUME_CLEAN")
        yield Callout("good" if good else "bad", f"{store.source} ({store.engine}): {_word(store.verdict, lang)}")
        yield _controls(store, lang)
        yield Table(_pick(lang, f"存储层:{store.source} 的文件", f"Store level: files of {store.source}"),
                    tuple(_pick(lang, "类别,文件数,字节,删除前命中,删除后命中",
                                "Class,Files,Bytes,Hits before,Hits after").split(",")),
                    tuple((f.sort, str(f.files), f"{f.bytes:,}", f"{f.control_hits:,}", f"{f.residual_hits:,}")
                          for f in store.files))


def _controls(store: StoreProof, lang: str) -> Block:
    import pandas as pd
    import plotly.graph_objects as go

    names = [f"{c.table}.{c.column}" for c in store.columns]
    fig = go.Figure([
        go.Bar(name=_pick(lang, "删除前(对照)", "before (control)"), y=names, x=[c.control_hits for c in store.columns],
               orientation="h", marker={"color": "#0072B2"}),
        go.Bar(name=_pick(lang, "删除后(残留)", "after (residue)"), y=names, x=[c.residual_hits for c in store.columns],
               orientation="h", marker={"color": "#D55E00", "pattern": {"shape": "/"}}),
    ])
    fig.update_layout(height=max(240, 26 * len(names) + 120), barmode="group", margin={"l": 10, "r": 10, "t": 10, "b": 40},
                      xaxis={"title": {"text": _pick(lang, "字节中的命中数", "hits in the store's bytes")}},
                      yaxis={"automargin": True}, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
                      font={"family": '"Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif'})
    frame = pd.DataFrame([(n, c.needles, c.shared, c.control_hits, c.residual_hits)
                          for n, c in zip(names, store.columns, strict=True)],
                         columns=_pick(lang, "列,针数,与保留行相同而不用,删除前命中,删除后命中",
                                       "column,needles,left out (kept rows hold them),hits before,hits after").split(","))
    return figure(_pick(lang, f"阳性对照与残留:{store.source}", f"Positive control and residue: {store.source}"), fig, frame)
