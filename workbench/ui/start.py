"""The start page: where the case stands, what is next, what is due, what is red."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from workbench.errors import CaseError
from workbench.records.blocks import Block, Callout, Heading, Table, Text, show
from workbench.ui.desk import desk
from workbench.ui.views import pick


def start_page(case_dir: str = ".") -> None:
    """Show the start page of the case in ``case_dir``; without a case, say how to begin."""
    from workbench.case import Case

    try:
        case = Case.open(case_dir)
    except CaseError as e:
        demo = next((p for p in (Path("demo-case/case"), Path("../demo-case/case")) if (p / "case.toml").exists()), None)
        if demo is None:
            show(Callout("note", str(e)), Text("make demo · workbench demo · workbench new my-case"))
            return
        case = Case.open(demo)
    show(lambda lang: page(case, lang), lang=case.lang)
    desk(case, "run")


def page(case: object, lang: str) -> Iterator[Block]:
    """Blocks of the start page."""
    from workbench.case import Case
    from workbench.case.status import MARK, WORD, status

    assert isinstance(case, Case)
    now = status(case)
    yield Heading(now.case)
    yield Callout("note", f"{pick(lang, '下一步', 'Next')}: {now.todo}")
    yield Table(pick(lang, "进度", "Progress"),
                (pick(lang, "标记", "Mark"), pick(lang, "步骤", "Step"),
                 pick(lang, "状态", "State"), pick(lang, "时间 (UTC)", "When (UTC)"),
                 pick(lang, "备注", "Note")),
                tuple((MARK[r.state], r.title, WORD[lang][r.state], r.when, r.note) for r in now.rows))
    yield from _red(case, lang)
    if case.ledger.entries:
        from workbench.governance.board import board
        from workbench.ui.register_views import board_view

        yield from board_view(board(case), lang)
    yield from _due(case, lang)


def _red(case: object, lang: str) -> Iterator[Block]:
    from workbench.case import Case
    from workbench.freeze import FreezeCheck

    assert isinstance(case, Case)
    for e in case.open_intents():
        yield Callout("bad", pick(lang, f"账本条目 {e.seq}:步骤 {e.predicate['step']} 开始后没有结果。",
                                  f"Ledger entry {e.seq}: step {e.predicate['step']} began and has no outcome."))
    check = case.find(FreezeCheck)
    if check is not None and not check.ok:
        yield Callout("bad", pick(lang, f"停止收集之后有 {len(check.alarms)} 个变化。",
                                  f"{len(check.alarms)} changes after collection stopped."))


def _due(case: object, lang: str) -> Iterator[Block]:
    from workbench.case import Case
    from workbench.plan.model import Plan

    assert isinstance(case, Case)
    plan = case.find(Plan)
    if plan is None:
        return
    soon = sorted((d for d in plan.duties if d.due), key=lambda d: d.due or dt.date.max)
    if soon:
        today = case.today()
        yield Table(pick(lang, "到期义务", "Duties due"),
                    (pick(lang, "期限", "Due"), pick(lang, "内容", "What"), pick(lang, "备注", "Note")),
                    tuple((d.due.isoformat(), pick(lang, d.text.zh, d.text.en),
                           pick(lang, "⚠ 已过期", "⚠ overdue") if d.due < today else "") for d in soon if d.due))
