"""What the registers show: blocks for each value of the governance room, and one page over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from workbench.governance.clocks import Clock
from workbench.governance.model import Finding, Incident, Inspection
from workbench.governance.texts import load, pick, word
from workbench.records.blocks import Block, Callout, Facts, Heading, Table

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.governance.desk import Request
    from workbench.governance.model import Draft
    from workbench.governance.partners import Partner
    from workbench.governance.portfolio import Portfolio
    from workbench.governance.training import Standing

_YES = {"yes": ("适用", "applies"), "ask": ("须判断", "to be judged"), "no": ("不适用", "does not apply")}


def _say(lang: str, zh: str, en: str) -> str:
    return zh if lang == "zh" else en


def _words(lang: str, zh: str, en: str) -> tuple[str, ...]:
    return tuple((zh if lang == "zh" else en).split(","))


def governance_view(case: Case, lang: str) -> Iterator[Block]:
    """Everything that is due, done or red in the registers."""
    from workbench.governance.algorithms import algorithms
    from workbench.governance.correspondence import Letter
    from workbench.governance.desk import Request
    from workbench.governance.improvement import compare
    from workbench.governance.incidents import clocks_of, incidents
    from workbench.governance.inspection import due_checks, open_findings
    from workbench.governance.partners import partners
    from workbench.governance.receivers import receivers
    from workbench.governance.regimes import checklist
    from workbench.governance.register import entries
    from workbench.governance.training import standing
    from workbench.ui.register_views import (
        algorithms_view,
        checklist_view,
        comparison_view,
        letters_view,
        receivers_view,
    )

    found = incidents(case)
    yield from incidents_view(found, lang)
    for item in found:
        if item.state == "open":
            yield from clocks_view(item, clocks_of(case, item), lang)
    yield Heading(_say(lang, "监督检查", "Inspection"))
    yield from findings_view(open_findings(case), lang)
    due = due_checks(case)
    if due:
        yield Callout("warn", _say(lang, "到期检查:", "Checks due: ") + ", ".join(
            pick(load("checks")[c]["names"], lang) for c, _ in due))
    yield from partners_view(partners(case), lang)
    yield from receivers_view(receivers(case), lang)
    yield from letters_view(entries(case, Letter), lang)
    yield from training_view(standing(case), lang)
    yield from requests_view(entries(case, Request), lang)
    yield Heading(_say(lang, "义务与证据", "Duties and evidence"))
    yield from checklist_view(checklist(case), lang)
    yield from algorithms_view(algorithms(case), lang)
    yield from comparison_view(compare(case), lang)


def incidents_view(found: Iterable[Incident], lang: str) -> Iterator[Block]:
    """Every incident as it stands."""
    items = tuple(found)
    yield Heading(_say(lang, "事件", "Incidents"))
    open_ = [i for i in items if i.state == "open" and not i.drill]
    if open_:
        yield Callout("bad", _say(lang, f"{len(open_)} 起事件尚未处置完毕。", f"{len(open_)} incidents are open."))
    else:
        yield Callout("good", _say(lang, "没有未结事件。", "No incident is open."))
    if items:
        yield Table(_say(lang, "事件登记", "Register of incidents"),
                    _words(lang, "编号,种类,由何发现,何处,记录数,人数,发现时间,步骤,状态",
                           "Id,Sort,Opened by,Where,Records,Persons,Discovered,Steps,State"),
                    tuple((i.id, pick(load("playbooks")[i.sort]["names"], lang), pick(load("notices")["nature"][i.origin], lang),
                           ", ".join(i.places[:3]), f"{i.records:,}", "?" if i.persons is None else f"{i.persons:,}",
                           i.discovered_at, f"{len(i.ticks)}/{len(load('playbooks')[i.sort]['steps'])}",
                           _say(lang, "未结" if i.state == "open" else "已结", i.state)) for i in items))


def clocks_view(item: Incident, found: Iterable[Clock], lang: str) -> Iterator[Block]:
    """Who must be told by when."""
    none = pick(load("notices")["words"]["no_hours"], lang)
    starts = load("conditions")["starts"]
    rows = tuple((_say(lang, *_YES[c.applies]), c.zh if lang == "zh" else c.en, c.to,
                  c.due or (f"{c.within} ← {pick(starts[c.starts], lang)}" if c.within else none),
                  (c.provision_zh if lang == "zh" else c.provision_en) + f" [{c.confidence}]",
                  c.why_zh if lang == "zh" else c.why_en) for c in found)
    yield Table(_say(lang, f"{item.id} 的期限(UTC)", f"Clocks of {item.id} (UTC)"),
                _words(lang, "是否适用,义务,对象,期限,依据,说明", "Applies,Duty,To,Due,Law,Why"), rows)


def draft_view(value: Draft) -> Iterator[Block]:
    """A notice draft."""
    yield Heading(f"{value.title} → {value.to}")
    yield Facts(tuple((label, text) for _, label, text in value.fields))
    if value.missing:
        yield Callout("warn", _say(value.lang, "须由人填写:", "A person has to write: ") + ", ".join(
            pick(load("notices")["fields"][m], value.lang) for m in value.missing))


def inspection_view(value: Inspection, lang: str) -> Iterator[Block]:
    """One inspection."""
    if value.objection:
        yield Callout("bad", _say(lang, "存在严重问题:检查人已提出异议,计划停止执行。",
                                  "A severe finding: the inspector objects, and the plan is stopped."))
    yield Table(_say(lang, f"检查 {value.id}({value.inspector},{value.at})", f"Inspection {value.id} ({value.inspector}, {value.at})"),
                _words(lang, "检查项,结果,问题,下次", "Check,Result,Findings,Next"),
                tuple((r.zh if lang == "zh" else r.en, "✓" if r.ok else "✗", ", ".join(r.findings), r.next_due)
                      for r in value.results))


def findings_view(found: Iterable[Finding], lang: str) -> Iterator[Block]:
    """Open findings."""
    items = tuple(found)
    if not items:
        yield Callout("good", _say(lang, "没有未整改的问题。", "No finding is open."))
        return
    yield Table(_say(lang, "未整改的问题", "Open findings"),
                _words(lang, "编号,严重程度,对象,问题,责任人,期限,整改", "Id,Severity,Asset,Finding,Owner,Due,Remedy"),
                tuple((f.id, word(f.severity, lang), f.asset, f.zh if lang == "zh" else f.en, f.owner, f.due,
                       f.remedy_zh if lang == "zh" else f.remedy_en) for f in items))


def partners_view(found: Iterable[Partner], lang: str) -> Iterator[Block]:
    """Partners and where each stands."""
    items = tuple(found)
    if items:
        spec = load("partners")
        yield Table(_say(lang, "合作方", "Partners"), _words(lang, "编号,合同,状态,缺少", "Id,Contract,State,Lacking"),
                    tuple((p.id, p.contract, pick(spec["states"][p.state], lang),
                           ", ".join(pick(spec["fields"][w], lang) for w in p.wrong)) for p in items))


def training_view(found: Iterable[Standing], lang: str) -> Iterator[Block]:
    """Who is trained, until when."""
    yield Table(_say(lang, "培训", "Training"), _words(lang, "人员,有效,最近,到期", "Person,Valid,Last,Due"),
                tuple((s.person, "✓" if s.valid else "✗", s.last, s.due) for s in found))


def requests_view(found: Iterable[Request], lang: str) -> Iterator[Block]:
    """Requests of customers, in counts."""
    items = tuple(found)
    if items:
        yield Table(_say(lang, "客户请求", "Customers' requests"),
                    _words(lang, "编号,种类,收到,期限,记录数,状态", "Id,Sort,Received,Due,Records,State"),
                    tuple((r.id, pick(load("requests")["sorts"][r.sort], lang), r.received_at,
                           next((d.due for d in r.deadlines if d.due), "–"), f"{sum(h.rows for h in r.hits):,}", word(r.state, lang))
                          for r in items))


def portfolio_view(value: Portfolio, lang: str) -> Iterator[Block]:
    """Many cases at once."""
    yield Callout("bad" if value.red else "good", _say(lang, f"{len(value.cases)} 个案件,{value.red} 个有红色项。",
                                                       f"{len(value.cases)} cases, {value.red} with something red."))
    yield Table(_say(lang, "案件总览", "Portfolio"),
                _words(lang, "案件,公司,进度,下一日期,事件,问题,请求,红色项",
                       "Case,Company,Progress,Next date,Incidents,Findings,Requests,Red"),
                tuple((c.id, c.company, f"{c.done}/9 {c.step}", f"{c.next_date} {c.next_what}".strip(), str(c.incidents),
                       str(c.findings), str(c.requests), "; ".join(c.red)) for c in value.cases))
