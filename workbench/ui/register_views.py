"""What the single values of the governance room show; :mod:`workbench.ui.views` finds them by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from workbench.governance.algorithms import Algorithm
from workbench.governance.board import Board
from workbench.governance.correspondence import Letter
from workbench.governance.desk import Request
from workbench.governance.drills import Rehearsal
from workbench.governance.footprint import Footprint
from workbench.governance.improvement import ClosingReview, Comparison
from workbench.governance.model import Finding, Grants, Incident, Inspection
from workbench.governance.partners import Partner
from workbench.governance.receivers import Receiver
from workbench.governance.regimes import Checklist, named
from workbench.governance.texts import load, pick, word
from workbench.records.blocks import Block, Callout, Facts, Table
from workbench.ui.governance_views import (
    _say,
    _words,
    findings_view,
    incidents_view,
    inspection_view,
    partners_view,
    requests_view,
)

SIGN = {"red": "✗", "due": "⚠", "done": "✓", "none": "–"}


def board_view(value: Board, lang: str) -> Iterator[Block]:
    """Every register in one line; what is red also as a callout."""
    table = load("board")
    names = {k: pick(v, lang) for k, v in table["registers"].items()}
    if value.red:
        yield Callout("bad", _say(lang, "红色:", "Red: ") + ", ".join(f"{names[x.name]} ({x.count})" for x in value.red))
    yield Table(_say(lang, "治理登记", "Governance registers"), _words(lang, "登记,状态,数量,期限", "Register,State,Count,Due"),
                tuple((names[x.name], f"{SIGN[x.state]} {pick(table['states'][x.state], lang)}", f"{x.count:,}" if x.count else "",
                       x.due) for x in value.lines))


def checklist_view(value: Checklist, lang: str) -> Iterator[Block]:
    """Duties, their evidence, their gaps."""
    words, zh = load("regimes")["words"], lang == "zh"
    yield Callout("warn" if value.gaps else "good", _say(lang, f"{len(value.lines)} 项义务,{value.gaps} 项有缺口。",
                                                        f"{len(value.lines)} duties, {value.gaps} with a gap."))
    yield Table(_say(lang, "各法域义务", "Duties per regime"),
                _words(lang, "法域,义务,依据,状态,证据,缺少", "Regime,Duty,Law,State,Evidence,Lacking"),
                tuple((x.regime, x.zh if zh else x.en, f"{x.law_zh if zh else x.law_en} [{x.mark}]", pick(words[x.state], lang),
                       ", ".join(named(r, lang) for r in x.refs), ", ".join(named(r, lang) for r in x.lacking)) for x in value.lines))


def rehearsal_view(value: Rehearsal, lang: str) -> Iterator[Block]:
    """One drill."""
    yield Callout("good" if value.seen else "bad", _say(
        lang, f"演练 {value.id}:{'程序已发现' if value.seen else '程序未发现'}",
        f"Drill {value.id}: {'seen' if value.seen else 'NOT seen'} by the program"))
    yield Facts(((_say(lang, "种类", "Sort"), pick(load("playbooks")[value.sort]["names"], lang)),
                 (_say(lang, "借用表名", "Names borrowed from"), ", ".join(value.tables)),
                 (_say(lang, "发现用时(毫秒)", "Milliseconds until seen"), f"{value.milliseconds:,}"),
                 (_say(lang, "人员步骤", "People's steps"), value.incident)))


def comparison_view(value: Comparison, lang: str) -> Iterator[Block]:
    """Runs of a case over time."""
    yield Table(_say(lang, "各步骤的运行", "Runs of each step"),
                _words(lang, "步骤,次数,失败,首次(秒),最近(秒)", "Step,Runs,Failed,First (s),Last (s)"),
                tuple((s.step, str(s.runs), str(s.failed), str(s.first_seconds), str(s.last_seconds)) for s in value.steps))
    yield Facts(((_say(lang, "反复出现的问题", "Findings that came back"), ", ".join(value.repeated) or "0"),
                 (_say(lang, "未遂", "Near misses"), str(value.near_misses)), (_say(lang, "演练", "Drills"), str(value.drills)),
                 (_say(lang, "未完成的改进措施", "Open corrective actions"), str(value.open_actions))))


def footprint_view(value: Footprint, lang: str) -> Iterator[Block]:
    """The estimate, with its mark and source."""
    yield Facts(((_say(lang, "腾出存储(估计)", "Storage freed (estimate)"), f"{value.bytes_freed + value.backup_bytes:,} B"),
                 (_say(lang, "每年节电(估计)", "Electricity a year (estimate)"), f"{value.wh_low:,} – {value.wh_high:,} Wh"),
                 (_say(lang, "来源", "Source"), f"{value.source_zh if lang == 'zh' else value.source_en} [{value.mark}]")))


def algorithms_view(found: tuple[Algorithm, ...], lang: str) -> Iterator[Block]:
    """Algorithms and formats in use."""
    zh = lang == "zh"
    if any(a.outlived for a in found):
        yield Callout("warn", _say(lang, "有算法的预计寿命短于保存期。",
                                   "Some algorithm is expected to end before the last retention term."))
    yield Table(_say(lang, "算法与格式", "Algorithms and formats"),
                _words(lang, "名称,到期,替换,可信度", "Name,End of life,Replacement,Mark"),
                tuple((f"{'⚠ ' if a.outlived else ''}{a.zh if zh else a.en}", a.end_zh if zh else a.end_en,
                       a.replace_zh if zh else a.replace_en, a.mark) for a in found))


def receivers_view(found: tuple[Receiver, ...], lang: str) -> Iterator[Block]:
    """Receivers and the proof that people were told."""
    if found:
        yield Table(_say(lang, "接收方", "Receivers"), _words(lang, "接收方,表,告知日,方式,状态", "Receiver,Tables,Told,How,State"),
                    tuple((r.id, ", ".join(r.tables), r.told, r.how, word(r.state, lang)) for r in found))


def letters_view(found: tuple[Letter, ...], lang: str) -> Iterator[Block]:
    """The log of correspondence."""
    if found:
        yield Table(_say(lang, "往来函件", "Correspondence"),
                    _words(lang, "编号,时间,方向,对方,事由,期限,答复", "Id,When,Way,Party,Subject,Due,Answers"),
                    tuple((k.id, k.at, word(k.way, lang), k.party, k.subject, k.due, k.answers) for k in found))


def review_view(value: ClosingReview, lang: str) -> Iterator[Block]:
    """A closing review."""
    yield Callout("note", value.lessons)
    yield Table(_say(lang, "改进措施", "Corrective actions"), _words(lang, "措施,责任人,期限,完成", "Action,Owner,Due,Done"),
                tuple((a.text, a.owner, a.due, a.done) for a in value.actions))


def _grants(value: Grants, lang: str) -> Iterator[Block]:
    yield Facts(tuple((source, f"{len(lines):,}") for source, lines in value.rights.items()))


VIEWS: dict[str, Callable[[Any, str], Iterator[Block]]] = {
    Board.kind: board_view, Checklist.kind: checklist_view, Rehearsal.kind: rehearsal_view, Comparison.kind: comparison_view,
    Footprint.kind: footprint_view, ClosingReview.kind: review_view, Inspection.kind: inspection_view, Grants.kind: _grants,
    Incident.kind: lambda v, lang: incidents_view((v,), lang), Finding.kind: lambda v, lang: findings_view((v,), lang),
    Partner.kind: lambda v, lang: partners_view((v,), lang), Request.kind: lambda v, lang: requests_view((v,), lang),
    Receiver.kind: lambda v, lang: receivers_view((v,), lang), Letter.kind: lambda v, lang: letters_view((v,), lang),
}
