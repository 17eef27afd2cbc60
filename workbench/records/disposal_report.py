"""客户信息处置报告: the one document that goes with the liquidation report. Every figure names the ledger entry it is from.

In: a case whose erasure is done. Out: a :class:`DisposalReport` value; ``disposal_document`` writes it as a page, Word and PDF.
"""

from __future__ import annotations

from collections import Counter

from workbench.case import Case
from workbench.classification.model import Findings
from workbench.erasure.left import done
from workbench.erasure.model import Certificates, Erasure
from workbench.inventory import Inventory
from workbench.ledger import anchor
from workbench.plan.model import Disposal, Plan, RuleRef
from workbench.records.retention import records_until, years_of
from workbench.values import Value
from workbench.vault.model import WindowClosed

RECORDS = {"inventory": "02_inventory", "findings": "03_classify", "plan": "06_plan", "erasure": "07_erase"}


class Figure(Value):
    """One number of the report with its source."""

    section: str
    zh: str
    en: str
    number: int
    entry: int
    """ledger entry that carries the value it was computed from"""
    record: str
    """record of the step that made the entry, e.g. 07_erase"""


class Remaining(Value):
    """What remains with whom, until when, under which law."""

    retention_class: str
    tables: tuple[str, ...]
    rows: int
    keep_until: str
    custodian: str
    rules: tuple[RuleRef, ...]
    entry: int


class Elsewhere(Value):
    """Something that holds or held customer data and is not a source that was erased: device, medium, partner's copy."""

    name: str
    sort: str
    keeper: str
    place: str
    disposal: str
    """what case.toml wishes for it"""


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
    elsewhere: tuple[Elsewhere, ...]
    window_closed: str
    """when the backup's keys were destroyed; empty: the backup still opens"""
    window_entry: int
    tasks: tuple[str, ...]
    unsigned: int
    """rules in the plan that no lawyer has signed off"""
    rules: int
    people: tuple[tuple[str, str], ...]
    """(role, name) for the signatures"""
    outside: tuple[tuple[str, int, str], ...]
    """(who, entries seen, when)"""
    records_until: str
    records_years: int


def disposal_report(case: Case) -> DisposalReport:
    """Gather the report from saved values; CaseError naming the step that is missing."""
    inventory, findings = case.load(Inventory), case.load(Findings)
    plan, erasure = case.load(Plan), done(case)
    certificates = case.read(Certificates, erasure.certificates)
    entry = {kind: _entry(case, case.digest_of(kind)) for kind in ("inventory", "findings", "plan")}
    entry["erasure"] = _entry(case, erasure.digest)
    actions = Counter(d.action for d in plan.disposals)
    closed = case.find(WindowClosed)
    personal = {(f.source, f.table, f.column) for f in findings.findings if f.detector}
    counted = Counter[str]()
    for d in erasure.disposals:
        counted["deleted"] += d.deleted
        counted["suppressed"] += d.suppressed
        counted["archived"] += d.archived
        counted["refused"] += d.refused
    numbers = [
        ("held", "表和文件", "tables and files", len(inventory.tables), "inventory"),
        ("held", "行", "rows", sum(t.rows for t in inventory.tables), "inventory"),
        ("held", "含个人信息的列", "columns with personal information", len(personal), "findings"),
        ("held", "其中敏感的发现", "of the findings, sensitive", sum(f.sensitive for f in findings.findings), "findings"),
        ("held", "人(估计)", "persons (estimate)", findings.persons, "findings"),
        ("held", "其中未满14周岁", "of them under 14", findings.minors, "findings"),
        ("done", "计划的行项", "lines of the plan", len(plan.disposals), "plan"),
        ("done", "其中原样保留的行项(无个人信息或依法保留)", "of them, left as they are (nothing personal, or kept by law)",
         actions["keep"], "plan"),
        ("done", "其中待人决定的行项", "of them, waiting for a person's decision", actions["ask"], "plan"),
        ("done", "已删除的行", "rows erased", counted["deleted"], "erasure"),
        ("done", "已清除个人信息的行", "rows with personal columns cleared", counted["suppressed"], "erasure"),
        ("done", "已封存的行", "rows sealed into the archive", counted["archived"], "erasure"),
        ("done", "因被引用而未删除的行", "rows left because others need them", counted["refused"], "erasure"),
        ("proof", "删除证明", "certificates", len(certificates.certificates), "erasure"),
        ("proof", "删除前在存储字节中找到的样本(阳性对照)", "samples found in the store's bytes before (positive control)",
         sum(c.control_hits for s in erasure.stores for c in s.columns),
         "erasure"),
        ("proof", "删除后在存储字节中仍找到的样本", "samples still found in the store's bytes after",
         sum(c.residual_hits for s in erasure.stores for c in s.columns),
         "erasure"),
        ("proof", "逐表复核未通过的表", "tables that failed the second reading", sum(not t.ok for t in erasure.tables), "erasure"),
    ]
    rules = {r.id: r for d in plan.disposals for r in d.rules}
    names = {p.id: p.name for p in case.config.people}
    return DisposalReport(
        case_id=case.id, company=case.config.case.company, company_en=case.config.case.company_en, at=case.now(),
        ledger=case.ledger.origin, root=case.ledger.root_hex, plan=plan.digest,
        approvers=tuple(names.get(p, p) for p in erasure.approvers), verdict=erasure.verdict,
        figures=tuple(Figure(section=s, zh=zh, en=en, number=n, entry=entry[kind], record=RECORDS[kind])
                      for s, zh, en, n, kind in numbers),
        remaining=_remaining(case, plan, erasure, entry["erasure"]),
        elsewhere=tuple(Elsewhere(name=a.name, sort=a.kind, keeper=a.keeper, place=a.place, disposal=a.disposal)
                        for a in inventory.assets),
        window_closed=closed.at if closed else "", window_entry=_entry(case, closed.digest) if closed else -1,
        tasks=erasure.tasks, unsigned=sum(not r.signed_off for r in rules.values()), rules=len(rules),
        people=tuple((role, p.name) for role in ("operator", "approver", "supervisor", "custodian")
                     for p in case.config.with_role(role)),
        outside=tuple((names.get(a.by, a.by), a.size, a.at) for a in anchor.anchors(case.ledger)),
        records_until=records_until(case.config, case.ledger.entries).isoformat(), records_years=years_of(case.config))


def _entry(case: Case, digest: str) -> int:
    """The entry that made this value: approvals and certificates name it again later."""
    return min(e.seq for e in case.ledger.entries if e.type in ("step/v1", "value/v1") and digest in e.subjects.values())


def _remaining(case: Case, plan: Plan, erasure: Erasure, entry: int) -> tuple[Remaining, ...]:
    archived = {d.disposal: d.archived for d in erasure.disposals}
    classes: dict[str, list[Disposal]] = {}
    for d in plan.disposals:
        if d.retention_class and archived.get(d.id):
            classes.setdefault(d.retention_class, []).append(d)
    keeper = case.config.vault.custodian or ", ".join(p.name for p in case.config.with_role("custodian"))
    return tuple(Remaining(
        retention_class=name, rows=sum(archived[d.id] for d in lines), custodian=keeper, entry=entry,
        tables=tuple(sorted({d.set.table_id for d in lines})),
        keep_until=max(d.keep_until.isoformat() if d.keep_until else "" for d in lines),
        rules=tuple({r.id: r for d in lines for r in d.rules}.values())) for name, lines in sorted(classes.items()))
