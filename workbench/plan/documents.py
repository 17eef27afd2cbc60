"""The plan on paper: Word for signature, Excel and CSV for work, a calendar file for duties; in Chinese or English."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from workbench.plan.model import Condition, Disposal, Duty, Plan
from workbench.plan.texts import ACTIONS, LEVELS, anonymised, day

_OPS = {"referenced": ("仍被引用", "still pointed at"), "unreferenced": ("无人引用", "not pointed at"), "is_null": ("为空", "is empty"),
        "not_null": ("非空", "is filled"), "parent_in": ("主表行属于", "parent in"), "parent_gone": ("无主表行", "no parent row in")}

_CLOCKS = (("keep until", "delete by", "not before"), ("保存至", "应删于", "不早于"))


def _say(lang: str, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def condition(c: Condition, lang: str) -> str:
    """One clause in words."""
    if c.op in _OPS:
        words = _OPS[c.op][0 if lang == "zh" else 1]
        return " ".join(x for x in (c.column if c.op in ("is_null", "not_null") else "", words, c.value) if x)
    return f"{c.column} {c.op} {c.value}"


def rows_in_words(d: Disposal, lang: str) -> str:
    """Which rows a line means."""
    return _say(lang, " 且 ", " and ").join(condition(c, lang) for c in d.set.where) or _say(lang, "全部", "all")


def header(lang: str) -> tuple[str, ...]:
    """Column names of the plan's lines."""
    return tuple(_say(
        lang, "编号|来源|表|行|行数|处置|达到程度|重要性|敏感|保存至|应删于|最早执行|保全|封存类|封存列|清除列|概括列|接收方|执行人"
        "|理由|规则",
        "line|source|table|rows|count|disposal|level|importance|sensitive|keep until|delete by|not before|holds|archive class|"
        "sealed columns|cleared columns|generalised columns|receiver|who|reason|rules").split("|"))


def lines(plan: Plan, lang: str) -> list[tuple[str, ...]]:
    """Every line as text cells, in the plan's order."""
    out: list[tuple[str, ...]] = []
    for d in plan.disposals:
        action, level = ACTIONS[d.action], LEVELS[d.level]
        out.append((
            d.id, d.set.source, d.set.table, rows_in_words(d, lang), "" if d.rows is None else str(d.rows),
            _say(lang, action.zh, action.en), _say(lang, level.zh, level.en), str(d.importance), "●" if d.sensitive else "",
            _day(d.keep_until), _day(d.delete_by), _day(d.not_before), ", ".join(d.holds), d.retention_class,
            ", ".join(d.keep_columns), ", ".join(d.suppress), anonymised(d, lang), d.receiver, d.who,
            _say(lang, d.reason.zh, d.reason.en),
            "; ".join(f"{r.id} ({cited(r.provision, lang)}) [{r.confidence}{'' if r.signed_off else ', ✎?'}]" for r in d.rules)))
    return out


def cited(provision: str, lang: str) -> str:
    """One language's half of a provision's name."""
    zh, _, en = provision.partition(" / ")
    return zh if lang == "zh" else en or zh


def _day(value: dt.date | None) -> str:
    return "" if value is None else day(value)


def _safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell


def to_csv(plan: Plan, lang: str = "zh") -> bytes:
    """The lines as CSV with a byte order mark, so that Excel reads the Chinese."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\r\n")
    out.writerow(header(lang))
    out.writerows([[_safe(c) for c in line] for line in lines(plan, lang)])
    return ("\ufeff" + text.getvalue()).encode("utf-8")


def to_xlsx(plan: Plan, path: Path, lang: str = "zh") -> Path:
    """A workbook with lines, gates, duties and warnings."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    sheets: list[tuple[str, Sequence[str], Iterable[Sequence[str]]]] = [
        (_say(lang, "处置", "disposals"), header(lang), lines(plan, lang)),
        (_say(lang, "关口", "gates"), _say(lang, "编号,状态,日期,内容", "id,state,date,text").split(","),
         [(g.id, _say(lang, "已开", "open") if g.open else _say(lang, "未开", "shut"), _day(g.until), _say(lang, g.text.zh, g.text.en))
          for g in plan.gates]),
        (_say(lang, "义务", "duties"), _duty_head(lang), [_duty(d, lang) for d in plan.duties]),
        (_say(lang, "提示", "warnings"), (_say(lang, "内容", "text"),), [(_say(lang, w.zh, w.en),) for w in plan.warnings]),
    ]
    book.remove(book.active)
    for title, head, rows in sheets:
        sheet = book.create_sheet(title)
        sheet.append(list(head))
        for row in rows:
            sheet.append([_safe(c) for c in row])
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        sheet.freeze_panes = "A2"
        for column in sheet.columns:
            longest = max(len(str(c.value or "")) for c in column)
            sheet.column_dimensions[column[0].column_letter].width = min(60, max(8, longest + 2))
            for cell in column:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
    book.properties.created = book.properties.modified = dt.datetime(plan.as_of.year, plan.as_of.month, plan.as_of.day)
    book.save(path)
    return path


def _duty_head(lang: str) -> list[str]:
    return _say(lang, "期限,编号,内容,依据,执行人", "due,id,text,law,who").split(",")


def _duty(d: Duty, lang: str) -> tuple[str, ...]:
    law = f"{cited(d.rule.provision, lang)} [{d.rule.confidence}]" if d.rule else ""
    return (_day(d.due), d.id, _say(lang, d.text.zh, d.text.en), law, d.who)


def to_docx(plan: Plan, path: Path, lang: str = "zh", company: str = "", approvers: Sequence[str] = ()) -> Path:
    """The plan as a Word file: summary, gates, lines with reasons and law, duties, warnings, fields for signatures."""
    from docx.shared import Cm, Pt

    from workbench.law.word import new_document, table

    doc = new_document(_say(lang, "数据处置计划", "Data disposal plan"), landscape=True, lang=lang)
    facts = [(_say(lang, "公司", "company"), company or plan.case_id), (_say(lang, "日期", "date"), plan.as_of.isoformat()),
             (_say(lang, "计划摘要 SHA-256(签名对象)", "SHA-256 of the plan (what is signed)"), plan.digest),
             (_say(lang, "规则包", "rule packs"), ", ".join(f"{p.id} {p.version}" for p in plan.packs))]
    table(doc, None, facts, [6, 19])
    doc.add_paragraph(_say(
        lang, "本计划由程序按规则包生成,不是法律意见。✎? 表示该规则未经律师签核;T 读自法条原文,T2 二手文本,M 凭记忆。",
        "Made by a program from rule packs; not legal advice. ✎? marks rules no lawyer has signed off; T read in the statute, T2 in a "
        "secondary text, M from memory."))
    doc.add_heading(_say(lang, "关口", "Gates"), 1)
    table(doc, _say(lang, "编号,状态,日期,内容", "id,state,date,text").split(","),
          [(g.id, _say(lang, "已开", "open") if g.open else _say(lang, "未开", "shut"), _day(g.until), _say(lang, g.text.zh, g.text.en))
           for g in plan.gates], [6, 2.5, 3, 13.5])
    doc.add_heading(_say(lang, "处置", "Disposals"), 1)
    rows = []
    for d, cells in zip(plan.disposals, lines(plan, lang), strict=True):
        clocks = "\n".join(f"{label} {_day(x)}" for label, x in zip(_CLOCKS[lang == "zh"], (d.keep_until, d.delete_by, d.not_before),
                                                                     strict=True) if x)
        what = f"{cells[5]}{f' → {d.receiver}' if d.receiver else ''}{f'{chr(10)}{d.retention_class}' if d.retention_class else ''}"
        what += f"\n{cells[16]}" if cells[16] else ""
        rows.append((d.id, f"{d.set.table_id}\n{cells[3]}", cells[4], what, clocks, cells[19], cells[20]))
    table(doc, _say(lang, "编号|记录|行数|处置|时间|理由|规则与依据",
                    "line|records|count|disposal|when|reason|rules and law").split("|"),
          rows, [1.4, 4.4, 1.5, 3.4, 3.4, 5.9, 5], size=Pt(7.5))
    doc.add_heading(_say(lang, "公司与个人的义务", "Duties of people"), 1)
    table(doc, _duty_head(lang), [_duty(d, lang) for d in plan.duties], [2.6, 5, 9, 6, 2.4])
    doc.add_heading(_say(lang, "提示", "Warnings"), 1)
    for w in plan.warnings:
        doc.add_paragraph(_say(lang, w.zh, w.en), style="List Bullet")
    doc.add_heading(_say(lang, "审批签字", "Approval"), 1)
    blanks = [(n, "", "", "") for n in (approvers or ("1", "2"))]
    signed = table(doc, _say(lang, "审批人,角色,签字,日期", "approver,role,signature,date").split(","), blanks, [6, 5, 9, 5])
    for row in signed.rows[1:]:
        row.height = Cm(1.4)
    doc.save(str(path))
    return path


def to_ics(plan: Plan, lang: str = "zh") -> bytes:
    """Dated duties, gates and ends of retention as all-day events with a reminder three days ahead."""
    from icalendar import Alarm, Calendar, Event

    cal = Calendar()
    cal.add("prodid", "-//Wind-down Workbench//plan//EN")
    cal.add("version", "2.0")
    stamp = dt.datetime(plan.as_of.year, plan.as_of.month, plan.as_of.day, tzinfo=dt.UTC)
    for uid, due, title, text in _events(plan, lang):
        event = Event()
        event.add("uid", f"{uid}@{plan.case_id}")
        event.add("dtstamp", stamp)
        event.add("dtstart", due)
        event.add("dtend", due + dt.timedelta(days=1))
        event.add("summary", title)
        event.add("description", text)
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", title)
        alarm.add("trigger", dt.timedelta(days=-3))
        event.add_component(alarm)
        cal.add_component(event)
    return bytes(cal.to_ical())


def _events(plan: Plan, lang: str) -> list[tuple[str, dt.date, str, str]]:
    out = [(d.id, d.due, _say(lang, d.text.zh, d.text.en), d.rule.provision if d.rule else "") for d in plan.duties if d.due]
    out += [(f"gate.{g.id}", g.until, _say(lang, f"关口:{g.id}", f"gate: {g.id}"), _say(lang, g.text.zh, g.text.en))
            for g in plan.gates if g.until and g.until.year < 9000]
    ends: dict[tuple[str, dt.date], list[str]] = {}
    for d in plan.disposals:
        if d.action == "lock" and d.keep_until and d.keep_until.year < 9000:
            ends.setdefault((d.retention_class, d.keep_until + dt.timedelta(1)), []).append(d.id)
    out += [(f"end.{c}", on, _say(lang, f"封存类 {c} 期满,应销毁密钥", f"archive class {c} ends: shred its key"), ", ".join(ids))
            for (c, on), ids in sorted(ends.items())]
    return out
