"""PIPIA (个人信息保护影响评估) and GDPR DPIA as Word files, written from a RiskReport; what is not known is named as a gap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from workbench.case.config import CaseConfig
from workbench.classification.model import Findings
from workbench.inventory import Inventory
from workbench.law import Packs
from workbench.law.word import new_document, table
from workbench.risk.model import STATES, Point, RiskReport
from workbench.risk.multipliers import RISKS, model, value_shown
from workbench.risk.portfolio import curves, tornado

Form = Literal["pipia", "dpia"]
_RISK = {
    "leak": ("泄露", "leakage"),
    "tamper": ("篡改", "tampering"),
    "misuse": ("滥用", "illegal use"),
    "error": ("操作失误", "operational error"),
}
_STATE = {"inherent": ("固有", "inherent"), "residual": ("剩余", "residual"), "projected": ("计划后", "after the plan")}
_EN = {"低": "low", "中": "medium", "高": "high", "严重": "severe", "很高": "very high", "": ""}
_LEVEL = {"low": ("低", "low"), "medium": ("中", "medium"), "high": ("高", "high"), "very_high": ("很高", "very high"), "": ("", "")}
_REASON = {
    "dissolution": ("解散", "dissolution"),
    "bankruptcy": ("破产", "bankruptcy"),
    "merger": ("合并", "merger"),
    "division": ("分立", "division"),
    "revocation": ("吊销", "revocation"),
    "expiry": ("营业期限届满", "expiry"),
    "other": ("其他", "other"),
}
_ROLE = {
    "operator": ("操作人", "operator"),
    "approver": ("审批人", "approver"),
    "supervisor": ("监督人", "supervisor"),
    "inspector": ("检查人", "inspector"),
    "counsel": ("法律顾问", "counsel"),
    "custodian": ("保管人", "custodian"),
    "partner": ("合作方", "partner"),
    "cloud": ("云服务", "cloud service"),
}
_TREAT = {
    "严重": ("立即处置", "treat at once"),
    "高": ("限期处置", "treat by a date"),
    "中": ("权衡后处置", "weigh and treat"),
    "低": ("接受", "accept"),
    "": ("–", "–"),
}


def say(lang: str, zh: str, en: str) -> str:
    """The sentence of the language."""
    return zh if lang == "zh" else en


def value_text(p: Point, lang: str) -> str:
    """What was measured for a point, in words."""
    shown = value_shown(model().item(p.item), p.multiplier, p.evidence)
    return say(lang, "各表不同", "by table") if shown is None else shown or say(lang, "无证据", "none")


def gaps(report: RiskReport, findings: Findings, config: CaseConfig, lang: str) -> list[str]:
    """What the report cannot know: each is a task, and none is filled with a guess."""
    m = model()
    out = []
    missing = sorted({p.item for s in report.totals if s.state == "residual" for p in s.points if not p.measured})
    for id_ in missing:
        item = m.item(id_)
        if item:
            name = item.names.zh if lang == "zh" else item.names.en
            out.append(
                say(lang, f"无证据:{name}({id_}),按最坏情况计。", f"No evidence: {name} ({id_}); the worst counts.")
            )
    if not report.calibrated:
        out.append(say(lang, "乘数未经校准,分数只用于比较。", "Multipliers are uncalibrated; scores only compare."))
    if config.case.turnover is None:
        out.append(
            say(
                lang,
                "未写上一年度营业额,罚款上限取五千万元。",
                "Last year's turnover is not given; the cap of CNY 50 million is taken.",
            )
        )
    if not config.case.contact:
        out.append(say(lang, "未写对外联系方式(case.contact)。", "No public contact is given (case.contact)."))
    if findings.unreadable:
        out.append(
            say(
                lang,
                f"{len(findings.unreadable)} 项无法读取,未评估。",
                f"{len(findings.unreadable)} items could not be read and were not assessed.",
            )
        )
    out.append(
        say(
            lang,
            "处理目的、法律依据和个人同意记录不在数据中,由负责人补充。",
            "Purposes, legal bases and records of consent are not in the data; the officer adds them.",
        )
    )
    out.append(
        say(
            lang,
            "GB/T 39335 矩阵取自报批稿,GB/T 45577 只见摘要,须与正式文本核对。",
            "The GB/T 39335 matrix is from the approval draft and GB/T 45577 was seen in summary; check the issued texts.",
        )
    )
    return out


def to_docx(
    form: Form,
    report: RiskReport,
    findings: Findings,
    inventory: Inventory,
    config: CaseConfig,
    packs: Packs,
    path: Path,
    lang: str = "zh",
    authors: Sequence[str] = (),
) -> Path:
    """Write the assessment: object, parties, necessity, impact, likelihood, measures, result, treatment, gaps, signatures."""
    title = {
        "pipia": ("个人信息保护影响评估报告", "Personal information protection impact assessment"),
        "dpia": ("数据保护影响评估(GDPR 第35条)", "Data protection impact assessment (GDPR article 35)"),
    }[form]
    doc = new_document(say(lang, *title), lang=lang)
    _scope(doc, form, report, config, packs, lang, authors)
    _object(doc, report, findings, inventory, config, packs, lang)
    _necessity(doc, form, config, lang)
    _result(doc, report, lang)
    _measures(doc, report, lang)
    _treatment(doc, form, report, lang)
    doc.add_heading(say(lang, "八、缺口", "8. Gaps"), 1)
    for g in gaps(report, findings, config, lang):
        doc.add_paragraph(g, style="List Bullet")
    doc.add_heading(say(lang, "九、审批", "9. Approval"), 1)
    roles = (
        ("个人信息保护负责人", "评估人", "监督人") if lang == "zh" else ("protection officer", "author", "supervisor")
    )
    table(
        doc,
        say(lang, "角色,姓名,意见,签字和日期", "role,name,opinion,signature and date").split(","),
        [(r, "", "", "") for r in roles],
        [4, 4, 4.5, 4.5],
    )
    doc.save(str(path))
    return path


def _scope(
    doc: Any, form: Form, report: RiskReport, config: CaseConfig, packs: Packs, lang: str, authors: Sequence[str]
) -> None:
    doc.add_heading(say(lang, "一、范围和依据", "1. Scope and standards"), 1)
    ids = ["cn.pi.pipia", "cn.closing.pipia"] if form == "pipia" else ["eu.gdpr.storage_limitation"]
    on = dt.date.fromisoformat(report.as_of)
    cited = [packs.cite(v, lang) for i in ids if (r := packs.rule(i)) and (v := r.at(on))]
    named = (
        say(lang, "GB/T 39335-2020(评估方法)", "GB/T 39335-2020 (method)")
        if form == "pipia"
        else say(lang, "GDPR 第35条第7款", "GDPR art. 35(7)")
    )
    table(
        doc,
        None,
        [
            (say(lang, "公司", "company"), say(lang, config.case.company, config.case.company_en or config.case.company)),
            (say(lang, "评估日", "day"), report.as_of),
            (
                say(lang, "事由", "occasion"),
                say(
                    lang,
                    f"公司终止({_REASON[config.case.reason][0]})中的删除、封存和移交",
                    f"deletion, sealing and hand-over while closing ({_REASON[config.case.reason][1]})",
                ),
            ),
            (say(lang, "依据", "law and standards"), "; ".join([*cited, named])),
            (say(lang, "评估人", "authors"), ", ".join(authors) or "–"),
            (say(lang, "报告摘要", "digest of the report"), report.digest),
            (
                say(lang, "乘数版本", "multipliers"),
                report.multipliers.split(" ")[0]
                + ("" if report.calibrated else say(lang, "(未校准)", " (uncalibrated)")),
            ),
        ],
        [4, 13],
    )


def _object(
    doc: Any, report: RiskReport, findings: Findings, inventory: Inventory, config: CaseConfig, packs: Packs, lang: str
) -> None:
    doc.add_heading(say(lang, "二、评估对象", "2. What is assessed"), 1)
    doc.add_paragraph(
        say(
            lang,
            f"{len(inventory.tables)} 个表或文件,约 {report.persons:,} 人,其中不满14周岁约 {findings.minors:,} 人。",
            f"{len(inventory.tables)} tables or files, about {report.persons:,} persons, about {findings.minors:,} of them under 14.",
        )
    )
    names = {c.id: (c.names.zh if lang == "zh" else c.names.en, c.sensitive) for c in packs.categories}
    rows = []
    for a in report.assets:
        kinds = [names.get(c, (c, "no")) for c in a.categories]
        text = (
            "、".join(n + ("(敏感)" if s == "pipl" else "") for n, s in kinds)
            if lang == "zh"
            else ", ".join(n + (" (sensitive)" if s == "pipl" else "") for n, s in kinds)
        )
        rows.append((a.asset, f"{a.records:,}", text, str(a.dpc), f"{a.ei:.2f}", f"{a.clear:.0%}"))
    table(
        doc,
        say(lang, "表|记录|类别|DPC|EI|明文", "table|records|categories|DPC|EI|clear").split("|"),
        rows,
        [4.6, 2, 5.6, 1.4, 1.4, 2],
    )
    doc.add_heading(say(lang, "三、参与方", "3. Parties"), 1)
    comma = say(lang, "、", ", ")
    people = [(p.name, comma.join(say(lang, *_ROLE[r]) for r in p.roles), p.organisation) for p in config.people]
    people += [(a.name, say(lang, *_ROLE[a.kind]), a.keeper or a.contract) for a in config.assets if a.kind in ("partner", "cloud")]
    table(doc, say(lang, "姓名或机构,角色,单位", "name,role,organisation").split(","), people, [6, 5, 6])


def _necessity(doc: Any, form: Form, config: CaseConfig, lang: str) -> None:
    doc.add_heading(say(lang, "四、合法、正当、必要", "4. Lawfulness, necessity, proportionality"), 1)
    doc.add_paragraph(
        say(
            lang,
            "服务停止后,收集和使用不再有目的;处理限于法定保存、封存、移交和删除。保存范围以规则包和处置计划逐行列明的期限和字段为限,其余删除。",
            "Once service stops there is no purpose for collection or use; processing is limited to statutory keeping, sealing, "
            "hand-over and deletion. "
            "What is kept is limited to the terms and fields that the rule packs and the plan name line by line; the rest is deleted.",
        )
    )
    if form == "dpia":
        doc.add_paragraph(
            say(
                lang,
                "个人权利:查阅、更正、删除渠道保持到最后一次删除,之后转交保管人。",
                "Rights: access, rectification and erasure requests are served until the last deletion, then by the custodian.",
            )
        )


def _result(doc: Any, report: RiskReport, lang: str) -> None:
    doc.add_heading(say(lang, "五、影响、可能性和结果", "5. Impact, likelihood and result"), 1)
    rows = []
    for risk in RISKS:
        for state in STATES:
            s = report.total(risk, state)
            rows.append(
                (
                    say(lang, *_RISK[risk]),
                    say(lang, *_STATE[state]),
                    f"{s.severity:.2f} {say(lang, *_LEVEL[s.level])}",
                    say(lang, s.impact, _EN[s.impact]),
                    say(lang, s.likelihood, _EN[s.likelihood]),
                    say(lang, s.gbt, _EN[s.gbt]),
                    f"{s.score:.0f} [{s.low:.0f}–{s.high:.0f}]",
                    f"{s.coverage:.0%}",
                )
            )
    table(
        doc,
        say(
            lang,
            "风险|状态|ENISA 严重度|影响|可能性|等级|得分[90%]|证据覆盖",
            "risk|state|ENISA severity|impact|likelihood|level|score [90 %]|coverage",
        ).split("|"),
        rows,
        [2.4, 2, 2.5, 1.8, 2, 1.8, 2.5, 2],
    )
    money = [
        (say(lang, *_STATE[k]), f"{report.eal(k):,.0f}", f"{c.var(0.95):,.0f}", f"{c.exceeding(report.cap):.2%}")
        for k, c in curves(report).items()
    ]
    table(
        doc,
        say(lang, "状态|年均损失(元)|VaR95(元)|超过罚款上限", "state|mean loss (CNY)|VaR95 (CNY)|above the cap").split(
            "|"
        ),
        money,
        [4, 4.4, 4.4, 4.2],
    )
    doc.add_paragraph(
        say(
            lang,
            "四个影响维度(自主决定、差别待遇、名誉和精神、财产)由负责人结合上表逐项复核。",
            "The four dimensions of impact (autonomy, discrimination, reputation and stress, property) are reviewed by the "
            "officer against the table.",
        )
    )


def _measures(doc: Any, report: RiskReport, lang: str) -> None:
    doc.add_heading(say(lang, "六、现有措施及证据", "6. Measures and their evidence"), 1)
    rows = []
    for risk in RISKS:
        for p in report.total(risk, "residual").points:
            item = model().item(p.item)
            if item is None:
                continue
            e = p.evidence
            rows.append(
                (
                    say(lang, *_RISK[risk]),
                    item.names.zh if lang == "zh" else item.names.en,
                    value_text(p, lang),
                    e.by if e else "",
                    e.at[:10] if e else "",
                    f"{p.points:+.1f}",
                )
            )
    table(
        doc,
        say(lang, "风险,证据,测得值,来源,时间,分", "risk,evidence,value,by,at,points").split(","),
        rows,
        [2.8, 5.2, 2.3, 2.3, 2.6, 1.8],
    )


def _treatment(doc: Any, form: Form, report: RiskReport, lang: str) -> None:
    doc.add_heading(say(lang, "七、处置建议", "7. Treatment"), 1)
    rows = [
        (say(lang, *_RISK[r]), say(lang, s.gbt, _EN[s.gbt]), say(lang, *_TREAT[s.gbt]))
        for r in RISKS
        if (s := report.total(r, "residual"))
    ]
    table(doc, say(lang, "风险,等级,处置", "risk,level,treatment").split(","), rows, [5, 5, 7])
    doc.add_paragraph(say(lang, "最能降低期望损失的证据或措施:", "What lowers the expected loss most:"))
    best = sorted((b for b in tornado(report) if b.best < 0.99 * b.now), key=lambda b: b.best)
    for b in best[:5]:
        item = model().item(b.item)
        if item:
            name = item.names.zh if lang == "zh" else item.names.en
            doc.add_paragraph(
                say(
                    lang,
                    f"{name}:最好时期望损失 {b.best:,.0f} 元(现 {b.now:,.0f} 元)",
                    f"{name}: expected loss CNY {b.best:,.0f} at its best (now {b.now:,.0f})",
                ),
                style="List Bullet",
            )
    if form == "dpia":
        high = [r for r in RISKS if report.total(r, "projected").gbt in ("高", "严重")]
        doc.add_paragraph(
            say(
                lang,
                "计划后仍有高风险,须按 GDPR 第36条事先咨询。" if high else "计划后无高风险,不需事先咨询。",
                "A high risk remains after the plan: consult the authority first (GDPR art. 36)."
                if high
                else "No high risk remains after the plan; no prior consultation is needed.",
            )
        )
