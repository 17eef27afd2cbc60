"""客户信息处置报告: the one document that goes with the liquidation report. Every figure names the ledger entry it is from.

In: a case whose erasure is done. Out: a :class:`DisposalReport` value, and Word documents in Chinese and English.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from workbench.case import Case
from workbench.classification.model import Findings
from workbench.erasure.model import Certificates, Erasure
from workbench.inventory import Inventory
from workbench.plan.model import Plan
from workbench.values import Value


class Figure(Value):
    """One number of the report with its source."""

    section: str
    zh: str
    en: str
    number: int
    entry: int
    """ledger entry that carries the value it was computed from"""


class Remaining(Value):
    """What remains with whom, until when, under which law."""

    retention_class: str
    rows: int
    keep_until: str
    custodian: str
    rules: tuple[str, ...]


class DisposalReport(Value):
    """Everything the document says, as data."""

    case_id: str
    company: str
    company_en: str
    at: str
    ledger: str
    root: str
    plan: str
    approvers: tuple[str, ...]
    verdict: str
    figures: tuple[Figure, ...]
    remaining: tuple[Remaining, ...]
    tasks: tuple[str, ...]
    unsigned: int
    """rules in the plan that no lawyer has signed off"""
    rules: int


def disposal_report(case: Case) -> DisposalReport:
    """Gather the report from saved values; CaseError naming the step that is missing."""
    inventory, findings = case.load(Inventory), case.load(Findings)
    plan, erasure = case.load(Plan), case.load(Erasure)
    certificates = case.read(Certificates, erasure.certificates)
    entry = {kind: _entry(case, kind) for kind in ("inventory", "findings", "plan", "erasure")}
    personal = {(f.source, f.table, f.column) for f in findings.findings if f.detector}
    done = Counter[str]()
    for d in erasure.disposals:
        done["deleted"] += d.deleted
        done["suppressed"] += d.suppressed
        done["archived"] += d.archived
        done["refused"] += d.refused
    numbers = [
        ("held", "表和文件", "tables and files", len(inventory.tables), "inventory"),
        ("held", "行", "rows", sum(t.rows for t in inventory.tables), "inventory"),
        ("held", "含个人信息的列", "columns with personal information", len(personal), "findings"),
        ("held", "其中敏感的发现", "of the findings, sensitive", sum(f.sensitive for f in findings.findings), "findings"),
        ("held", "人(估计)", "persons (estimate)", findings.persons, "findings"),
        ("held", "其中未满14周岁", "of them under 14", findings.minors, "findings"),
        ("done", "处置行(计划)", "lines of the plan", len(plan.disposals), "plan"),
        ("done", "已删除的行", "rows erased", done["deleted"], "erasure"),
        ("done", "已清除个人信息的行", "rows with personal columns cleared", done["suppressed"], "erasure"),
        ("done", "已封存的行", "rows sealed into the archive", done["archived"], "erasure"),
        ("done", "因被引用而未删除的行", "rows left because others need them", done["refused"], "erasure"),
        ("proof", "删除证明", "certificates", len(certificates.certificates), "erasure"),
        ("proof", "删除前对照命中", "control hits before", sum(c.control_hits for s in erasure.stores for c in s.columns),
         "erasure"),
        ("proof", "删除后残留命中", "residual hits after", sum(c.residual_hits for s in erasure.stores for c in s.columns),
         "erasure"),
        ("proof", "逐表复核未通过", "tables that failed the second reading", sum(not t.ok for t in erasure.tables), "erasure"),
    ]
    rules = {r.id: r for d in plan.disposals for r in d.rules}
    return DisposalReport(
        case_id=case.id, company=case.config.case.company, company_en=case.config.case.company_en, at=case.now(),
        ledger=case.ledger.origin, root=case.ledger.root_hex, plan=plan.digest, approvers=erasure.approvers,
        verdict=erasure.verdict,
        figures=tuple(Figure(section=s, zh=zh, en=en, number=n, entry=entry[kind]) for s, zh, en, n, kind in numbers),
        remaining=_remaining(case, plan, erasure), tasks=erasure.tasks,
        unsigned=sum(not r.signed_off for r in rules.values()), rules=len(rules))


def _entry(case: Case, kind: str) -> int:
    digest = case.digest_of(kind)
    return max(e.seq for e in case.ledger.entries if digest in e.subjects.values())


def _remaining(case: Case, plan: Plan, erasure: Erasure) -> tuple[Remaining, ...]:
    archived = {d.disposal: d.archived for d in erasure.disposals}
    classes: dict[str, list[tuple[int, str, tuple[str, ...]]]] = {}
    for d in plan.disposals:
        if d.retention_class and archived.get(d.id):
            until = d.keep_until.isoformat() if d.keep_until else ""
            classes.setdefault(d.retention_class, []).append(
                (archived[d.id], until, tuple(f"{r.id} ({r.provision}) [{r.confidence}]" for r in d.rules)))
    keeper = case.config.vault.custodian or ", ".join(p.name for p in case.config.with_role("custodian"))
    return tuple(Remaining(retention_class=name, rows=sum(n for n, _, _ in parts),
                           keep_until=max(u for _, u, _ in parts), custodian=keeper,
                           rules=tuple(sorted({r for _, _, rules in parts for r in rules})))
                 for name, parts in sorted(classes.items()))


def to_docx(report: DisposalReport, path: Path, lang: str = "zh") -> Path:
    """Write the report as a Word document; returns ``path``."""
    from workbench.law.word import new_document, table

    def say(zh: str, en: str) -> str:
        return zh if lang == "zh" else en

    name = report.company if lang == "zh" else report.company_en or report.company
    doc = new_document(say("客户信息处置报告", "Report on the disposal of customer information"), lang=lang)
    doc.add_paragraph(f"{name} · {report.at}")
    doc.add_paragraph(say("本程序不是律师。方括号内为法律依据的可信度;" f"{report.rules} 条规则中有 {report.unsigned} 条未经律师签字。",
                          "This program is not a lawyer. Brackets give the confidence of each legal fact; "
                          f"{report.unsigned} of {report.rules} rules have not been signed off by one."))
    heads = {"held": say("一、持有的信息", "1. What was held"), "done": say("二、处置结果", "2. What was done"),
             "proof": say("三、证明", "3. On what proof")}
    for section, title in heads.items():
        doc.add_heading(title, 1)
        table(doc, say("项目,数量,账本条目", "figure,number,ledger entry").split(","),
              [(say(f.zh, f.en), f"{f.number:,}", str(f.entry)) for f in report.figures if f.section == section],
              [9, 4, 4])
    doc.add_paragraph(say(f"结论:{report.verdict}", f"Verdict: {report.verdict}"))
    doc.add_heading(say("四、留存的信息", "4. What remains, with whom, until when, under which law"), 1)
    table(doc, say("封存类别,行数,保存至,保管人,依据", "archive class,rows,keep until,custodian,law").split(","),
          [(r.retention_class, f"{r.rows:,}", r.keep_until, r.custodian or say("未指定", "not named"), "; ".join(r.rules))
           for r in report.remaining], [4.5, 2, 2.5, 3, 6])
    doc.add_heading(say("五、待人办理", "5. Still to be done by people"), 1)
    for task in report.tasks or (say("无", "none"),):
        doc.add_paragraph(task, style="List Bullet")
    doc.add_heading(say("六、核验与签字", "6. Verification and signatures"), 1)
    doc.add_paragraph(say(f"计划 {report.plan};审批人 {', '.join(report.approvers)}。账本 {report.ledger},根 {report.root}。",
                          f"Plan {report.plan}; approved by {', '.join(report.approvers)}. Ledger {report.ledger}, root "
                          f"{report.root}."))
    table(doc, say("角色,姓名,签字,日期", "role,name,signature,date").split(","),
          [(say(r, e), "", "", "") for r, e in (("清算组负责人", "head of the liquidation group"), ("操作人", "operator"),
                                                ("监督人", "supervisor"))], [4, 4, 5, 4])
    doc.save(str(path))
    return path
