"""The disposal report as a document: one list of sections, written as a page, as Word and, by way of the page, as PDF.

Every figure carries a link to the record of the step it comes from (relative, so it works in the case folder and in the
bundle) and the number of the ledger entry behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import workbench
from workbench.i18n import text
from workbench.law.loader import all_packs
from workbench.ledger import write_durably
from workbench.records import page
from workbench.records.disposal_report import DisposalReport, Remaining
from workbench.records.viewer import pick, verdict
from workbench.resources import template

Cell = str | tuple[str, str]
"""text, or text and the relative address it links to"""


SORTS = {"device": ("设备", "device"), "medium": ("介质", "medium"), "paper": ("纸质", "paper"), "partner": ("合作方", "partner"),
         "cloud": ("云服务", "cloud"), "other": ("其他", "other")}


@dataclass(frozen=True)
class Grid:
    """A table; widths in cm of an A4 page with 2 cm margins (17 in all)."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[float, ...]


@dataclass(frozen=True)
class Section:
    """A heading, sentences and a table under it."""

    title: str
    lines: tuple[str, ...] = ()
    bullets: tuple[str, ...] = ()
    grid: Grid | None = None
    style: str = ""
    """fresh: begins a new sheet of paper; dense: small rows"""


def title(lang: str) -> str:
    """The document's name."""
    return pick(lang, "客户信息处置报告", "Report on the disposal of customer information")


def lead(report: DisposalReport, lang: str) -> tuple[str, ...]:
    """Sentences under the title."""
    name = report.company if lang == "zh" else report.company_en or report.company
    figure = {f.en: f.number for f in report.figures}
    left = sum(r.rows for r in report.remaining)
    stay, cleared = figure["rows"] - figure["rows erased"], figure["rows with personal columns cleared"]
    return (
        f"{name} · {report.at}",
        pick(lang, f"停止经营后,公司持有的 {figure['rows']:,} 行客户及业务数据已按经 {len(report.approvers)} 人审批的计划处置:"
                   f"依法须留存的 {left:,} 行先行加密封存;删除 {figure['rows erased']:,} 行;留在原系统的 {stay:,} 行中,"
                   f"{cleared:,} 行已清除个人信息列。结论:{verdict(report.verdict, 'zh')}。",
             f"The company held {figure['rows']:,} rows of customer and business data. They were disposed of by a plan that "
             f"{len(report.approvers)} people approved: first, {left:,} rows that statutes keep were sealed; "
             f"{figure['rows erased']:,} rows were erased; of the {stay:,} that stay in the systems, {cleared:,} were cleared of "
             f"their personal columns. Verdict: {verdict(report.verdict, 'en')}."),
        pick(lang, f"本程序不是律师。方括号内为各项法律依据的可信度(T 已读原文,M-* 凭记忆);{report.rules} 条规则中有 {report.unsigned} 条"
                   "未经律师签字。",
             "This program is not a lawyer. Brackets give the confidence of each legal fact (T: the text was read, M-*: from "
             f"memory); {report.unsigned} of {report.rules} rules have not been signed off by one."))


def sections(report: DisposalReport, lang: str) -> Iterator[Section]:
    """The report, part by part."""
    def say(zh: str, en: str) -> str:
        return pick(lang, zh, en)

    def where(record: str, entry: int) -> Cell:
        return (say(f"条目 {entry}", f"entry {entry}"), f"../records/{record}.{lang}.html")

    heads = {"held": say("一、持有的信息", "1. What was held"), "done": say("二、处置结果", "2. What was done"),
             "proof": say("三、证明", "3. On what proof")}
    columns = tuple(say("项目,数量,账本条目与记录", "figure,number,ledger entry and record").split(","))
    for section, head in heads.items():
        rows = tuple((say(f.zh, f.en), f"{f.number:,}", where(f.record, f.entry)) for f in report.figures if f.section == section)
        yield Section(head, grid=Grid(columns, rows, (10, 3, 4)))
    groups = _groups(report.remaining)
    yield Section(
        say("四、留存的信息:由谁保管、至何时、依何法", "4. What remains, with whom, until when, under which law"),
        lines=(_backup(report, lang),) if groups else (_backup(report, lang), say("没有封存的数据。", "No rows are kept.")),
        grid=Grid(tuple(say("数据,行数,保存至,保管人,依据", "what,rows,until,with,law").split(",")),
                  tuple((f"{_name(base, lang)}\n{', '.join(tables)}", f"{rows:,}", until, keeper or say("未指定", "not named"),
                         "\n".join(_rule(r, lang) for r in rules)) for base, tables, rows, until, keeper, rules in groups),
                  (4.2, 1.5, 2.6, 2.4, 6.3)) if groups else None)
    if report.elsewhere:
        yield Section(say("五、不在已处置数据源内的载体", "5. Elsewhere: devices, media, partners' copies"),
                      grid=Grid(tuple(say("名称,种类,保管人,地点,处置意见", "name,sort,kept by,place,wished disposal").split(",")),
                                tuple((a.name, say(*SORTS[a.sort]), a.keeper, a.place, a.disposal or say("未说明", "not stated"))
                                      for a in report.elsewhere),
                                (4, 2, 3, 3, 5)))
    yield Section(say("六、待人办理", "6. Still to be done by people"), bullets=report.tasks or (say("无", "nothing"),))
    yield Section(say("七、核验", "7. How to check this"), lines=_check(report, lang))
    yield Section(say("八、签字", "8. Signatures"), grid=Grid(
        tuple(say("角色,姓名,签字,日期", "role,name,signature,date").split(",")),
        ((say("清算组负责人", "head of the liquidation group"), "", "", ""),
         *((text(f"role.{r}", lang), n, "", "") for r, n in report.people)), (5, 4, 5, 3)))
    if len(report.remaining) > len(groups):
        yield Section(say("附表:各封存类别(每类一把密钥,到期即销毁)", "Annex: archive classes, one key each, destroyed in time"),
                      grid=Grid(tuple(say("封存类别,行数,保存至,账本条目与记录",
                                          "archive class,rows,until,ledger entry and record").split(",")),
                                tuple((r.retention_class, f"{r.rows:,}", r.keep_until, where("07_erase", r.entry))
                                      for r in report.remaining), (7, 2.5, 3.5, 4)))


def _groups(remaining: tuple[Remaining, ...]) -> list[tuple[str, list[str], int, str, str, list[Any]]]:
    """Classes that differ in their year only, as one line: (base, tables, rows, until, keeper, rules)."""
    found: dict[str, list[Remaining]] = {}
    for r in remaining:
        found.setdefault(r.retention_class.rpartition("/")[0] or r.retention_class, []).append(r)
    lines = []
    for base, parts in found.items():
        days = sorted({p.keep_until for p in parts})
        until = days[0] if len(days) == 1 else f"{days[0]} –\n{days[-1]}"
        rules = {r.id: r for p in parts for r in p.rules}
        lines.append((base, sorted({t for p in parts for t in p.tables}), sum(p.rows for p in parts), until, parts[0].custodian,
                      list(rules.values())))
    return lines


def _name(rule: str, lang: str) -> str:
    found = all_packs().rule(rule)
    return getattr(found.names, lang) if found else rule


def _rule(rule: Any, lang: str) -> str:
    halves = rule.provision.split(" / ")
    return f"{halves[0] if lang == 'zh' else halves[-1]} [{rule.confidence}]"


def _backup(report: DisposalReport, lang: str) -> str:
    if report.window_closed:
        return pick(lang, f"全量加密备份的密钥已于 {report.window_closed} 销毁(账本条目 {report.window_entry}),备份不可再打开。",
                    f"The keys of the full encrypted backup were destroyed at {report.window_closed} (ledger entry "
                    f"{report.window_entry}); it no longer opens.")
    return pick(lang, "注意:全量加密备份的密钥尚未销毁,恢复窗口仍开启,备份中仍有全部数据。",
                "Note: the keys of the full encrypted backup are not destroyed yet; the restore window is open and the backup "
                "still holds everything.")


def _check(report: DisposalReport, lang: str) -> tuple[str, ...]:
    seen = pick(lang, ";", "; ").join(
        pick(lang, f"{by} 于 {at} 见证前 {n} 条", f"{by} saw the first {n} entries at {at}") for by, n, at in report.outside)
    return (
        pick(lang, f"计划 SHA-256 {report.plan};审批人:{'、'.join(report.approvers)}。",
             f"Plan SHA-256 {report.plan}; approved by {', '.join(report.approvers)}."),
        pick(lang, f"账本 {report.ledger},本报告写成时根为 {report.root}。" + (f"外部见证:{seen}。" if seen else "尚无外部见证。"),
             f"Ledger {report.ledger}; its root when this was written: {report.root}. "
             + (f"Outside witness: {seen}." if seen else "Nobody outside has seen the ledger yet.")),
        pick(lang, "核验方法见档案包内 VERIFY.md,只需 openssl 与 sha256sum;数字旁的链接指向各步骤的记录。",
             "VERIFY.md in the bundle says how to check all this with openssl and sha256sum alone; the links beside the figures "
             "lead to the records of the steps."),
        pick(lang, f"本档案不含客户个人信息,保存 {report.records_years} 年,至 {report.records_until}。",
             f"The records hold no personal data of customers and are kept {report.records_years} years, until "
             f"{report.records_until}."))


def to_html(report: DisposalReport, path: Path, lang: str = "zh") -> Path:
    """Write the report as an inert page; returns ``path``."""
    return write_page(path, lang, title(lang), lead(report, lang), tuple(sections(report, lang)))


def to_docx(report: DisposalReport, path: Path, lang: str = "zh") -> Path:
    """Write the report as a Word document; returns ``path``."""
    return write_word(path, lang, title(lang), lead(report, lang), sections(report, lang))


def write_page(path: Path, lang: str, head: str, lines: tuple[str, ...], parts: tuple[Section, ...]) -> Path:
    """Any document of sections as an inert page."""
    html = page._environment().get_template("report.html.j2").render(
        lang=lang, csp=page.policy(), title=head, lead=lines, sections=parts,
        css=template("record/record.css").read_text(encoding="utf-8"), generator=f"winddown-workbench {workbench.__version__}")
    write_durably(path, str(html).encode())
    return path


def write_word(path: Path, lang: str, head: str, lines: Iterable[str], parts: Iterable[Section]) -> Path:
    """Any document of sections in Word."""
    from workbench.law.word import new_document, table

    doc = new_document(head, lang=lang)
    for line in lines:
        doc.add_paragraph(line)
    for s in parts:
        if "fresh" in s.style:
            doc.add_page_break()
        doc.add_heading(s.title, 1)
        for line in s.lines:
            doc.add_paragraph(line)
        for line in s.bullets:
            doc.add_paragraph(line, style="List Bullet")
        if s.grid:
            plain = [tuple(c if isinstance(c, str) else c[0] for c in row) for row in s.grid.rows]
            grid = table(doc, s.grid.head, plain, s.grid.widths)
            for made, row in zip(grid.rows[1:], s.grid.rows, strict=True):
                for cell, c in zip(made.cells, row, strict=True):
                    if not isinstance(c, str):
                        _link(doc, cell.paragraphs[0], c[1])
    doc.save(str(path))
    return path


def _link(doc: Any, paragraph: Any, target: str) -> None:
    """Make a paragraph's text a hyperlink to a neighbouring file."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), doc.part.relate_to(target, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
    for run in list(paragraph.runs):
        run.font.underline = True
        link.append(run._r)
    paragraph._p.append(link)
