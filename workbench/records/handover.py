"""HANDOVER of a bundle to a custodian or an archive: checked, written down by both sides, noted in the ledger.

    workbench handover CASE --to custodian-id-or-name

The receipt tells what was handed over (digests, sizes), how the four checks of electronic archives ended (authenticity,
integrity, usability, safety) and until when it is kept; both sides sign it on paper or with their own keys.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from workbench.case import Case
from workbench.errors import RecordError
from workbench.i18n import LANGS, mask
from workbench.law.word import new_document, table
from workbench.ledger import Ledger
from workbench.records.archive import out_folder
from workbench.records.bundle import MANIFEST, TAGS, digest
from workbench.records.retention import records_until, words
from workbench.records.verify import Report, verify
from workbench.values import Value

HEADINGS = {"authenticity": ("真实性", "authenticity"), "integrity": ("完整性", "integrity"),
            "usability": ("可用性", "usability"), "safety": ("安全性", "safety")}


class Handover(Value):
    """What was handed to whom, and how it checked out that day."""

    case_id: str
    at: str
    giver: str
    receiver: str
    origin: str
    entries: int
    root: str
    tags_sha256: str
    """SHA-256 of the bundle's tag manifest: names the whole bundle"""
    files: int
    bytes: int
    checks: tuple[tuple[str, int, int], ...]
    """(heading, passed, all)"""
    until: str


def hand_over(case: Case, to: str, out: Path | None = None) -> tuple[Handover, tuple[Path, ...]]:
    """Check the case's bundle, note the hand-over in the ledger and write the receipt in both languages.

    ``to``: a person id of case.toml or the receiver's name. Files go to ``out``, by default ``reports/``.

    Raises:
        RecordError: there is no bundle, it does not verify, the name looks like a number or address of a person, or
            ``out`` cannot be a folder.
    """
    bag = out_folder(case)
    if not (bag / "bagit.txt").is_file():
        raise RecordError("there is no bundle to hand over", f"workbench run {case.folder}", where=str(bag))
    if not to.strip() or mask(to) != to or len(to) > 120:
        raise RecordError("the receiver is not a name", "use a person id of case.toml or the name of an office")
    report = verify(bag)
    if not report.ok:
        raise RecordError("the bundle does not verify", f"workbench verify {bag}", where=str(bag))
    names = {p.id: p.name for p in case.config.people}
    ledger = Ledger.open(bag / "data" / "ledger")
    listed = [line.split("  ", 1)[1] for line in (bag / MANIFEST).read_text(encoding="utf-8").splitlines()]
    value = Handover(
        case_id=case.id, at=case.now(), giver=names[case.operator()], receiver=names.get(to, to.strip()),
        origin=ledger.origin, entries=len(ledger), root=ledger.root_hex, tags_sha256=digest(bag / TAGS), files=len(listed),
        bytes=sum((bag / n).stat().st_size for n in listed), checks=_checks(report),
        until=records_until(case.config, ledger.entries).isoformat())
    folder = out or case.private("reports")
    try:  # before anything is noted: a hand-over without its receipt would be noted twice
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise RecordError("the receipt needs a folder, and there is none to be made", "name another with --out",
                          where=str(folder)) from None
    case.save(value)
    case.append("handover/v1", {"bundle": value.tags_sha256},
                {"person": case.operator(), "to": value.receiver, "at": value.at}, case.operator())
    return value, tuple(_write(case, value, folder / f"handover.{lang}.docx", lang) for lang in LANGS)


def _checks(report: Report) -> tuple[tuple[str, int, int], ...]:
    return tuple((h, sum(c.ok for c in report.checks if c.heading == h), sum(c.heading == h for c in report.checks))
                 for h in HEADINGS)


def _write(case: Case, value: Handover, path: Path, lang: str) -> Path:
    def say(zh: str, en: str) -> str:
        return zh if lang == "zh" else en

    company = case.config.case
    name = company.company if lang == "zh" else company.company_en or company.company
    doc = new_document(say("电子档案移交与接收登记表", "Receipt for electronic records handed over"), lang=lang)
    table(doc, None, [
        (say("全宗(单位)", "fonds (company)"), f"{name} {company.credit_code}".strip()),
        (say("题名", "title"), say("客户信息处置记录档案包", "records of the disposal of customer information")),
        (say("移交人", "handed over by"), value.giver), (say("接收人", "received by"), value.receiver),
        (say("移交时间", "when"), value.at),
        (say("文件数 / 字节", "files / bytes"), f"{value.files:,} / {value.bytes:,}"),
        (say("格式", "formats"), "BagIt 1.0, RO-Crate 1.1, HTML, JSON, PDF, DOCX"),
        (say("摘要算法", "digest"), "SHA-256"),
        (f"SHA-256 {TAGS}", value.tags_sha256),
        (say("账本", "ledger"), f"{value.origin} · {value.entries} · {value.root}"),
        *((say(*HEADINGS[h]), say(f"{n} 项检查,{ok} 项通过", f"{ok} of {n} checks passed")) for h, ok, n in value.checks),
        (say("保管期限", "kept until"), value.until),
    ], [4.5, 12.5])
    doc.add_paragraph(words(case.config, dt.date.fromisoformat(value.until), lang))
    doc.add_paragraph(say("接收人已用 VERIFY.md 自行核验,结果一致:□ 是 □ 否", "The receiver has checked the bundle by VERIFY.md and "
                          "found the same: □ yes □ no"))
    table(doc, say("角色,姓名,签字,日期", "role,name,signature,date").split(","),
          [(say("移交人", "giver"), value.giver, "", ""), (say("接收人", "receiver"), value.receiver, "", ""),
           (say("监交人", "witness to the hand-over"), "", "", "")], [4, 4, 5, 4])
    doc.save(str(path))
    return path
