"""REGIMES: per regime a checklist that links each duty to evidence or says that there is a gap; the GDPR article 30 record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from workbench.governance.register import entries
from workbench.governance.texts import load, pick
from workbench.plan.make import packs_of
from workbench.values import Value, short

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.classification.model import Finding
    from workbench.law import Packs
    from workbench.plan.model import Disposal


class DutyLine(Value):
    """One duty of a regime, and what shows that it is met."""

    regime: str
    duty: str
    zh: str
    en: str
    law_zh: str
    law_en: str
    mark: str
    state: Literal["evidence", "gap"]
    refs: tuple[str, ...] = ()
    """kind and digest (or count) of the evidence"""
    lacking: tuple[str, ...] = ()


class Checklist(Value):
    """All regimes of the case."""

    case_id: str
    at: str
    lines: tuple[DutyLine, ...]
    crossborder: bool
    """more than one jurisdiction is touched"""

    @property
    def gaps(self) -> int:
        """Duties without evidence."""
        return sum(x.state == "gap" for x in self.lines)


def checklist(case: Case) -> Checklist:
    """Every duty of ``data/regimes.yaml`` for the case's jurisdictions; elsewhere the packs' own rules, as gaps."""
    table = load("regimes")
    found: list[DutyLine] = []
    places = case.config.case.jurisdictions
    for place in places:
        duties = table.get(place)
        if duties is None:
            found += _from_packs(case, place)
        for d in duties or ():
            refs = {name: EVIDENCE[name](case) for name in d["evidence"]}
            lacking = tuple(n for n, ref in refs.items() if not ref)
            found.append(DutyLine(regime=place, duty=d["id"], zh=d["zh"], en=d["en"], law_zh=d["law_zh"], law_en=d["law_en"],
                                  mark=d["mark"], state="gap" if lacking else "evidence",
                                  refs=tuple(f"{n} {r}" for n, r in refs.items() if r), lacking=lacking))
    return Checklist(case_id=case.id, at=case.now(), lines=tuple(found), crossborder=len(set(places)) > 1)


def named(ref: str, lang: str) -> str:
    """A reference (``findings 1a2b...``) or the name of what is lacking, in words."""
    name, _, rest = ref.partition(" ")
    return f"{pick(load('regimes')['names'][name], lang)} {rest}".strip()


def _from_packs(case: Case, place: str) -> list[DutyLine]:
    packs = packs_of(case)
    rules = [(r, v) for r, v in packs.in_force(case.today()) if place in r.jurisdictions and r.kind not in ("category", "level")]
    return [DutyLine(regime=place, duty=r.id, zh=r.names.zh, en=r.names.en, law_zh=packs.cite(v, "zh"), law_en=packs.cite(v, "en"),
                     mark=v.confidence, state="gap", lacking=("unlisted",)) for r, v in rules]


def article30(case: Case, lang: str) -> tuple[tuple[str, str], ...]:
    """(field, text) of the record of processing; what the case does not know a person fills in (GDPR 30, M-high)."""
    from workbench.governance.partners import partners
    from workbench.governance.receivers import receivers

    table, c = load("regimes"), case.config
    words = {k: pick(v, lang) for k, v in table["values"].items()}
    company = c.case.company if lang == "zh" else c.case.company_en or c.case.company
    packs, sep = packs_of(case), "、" if lang == "zh" else ", "
    places = ", ".join(c.case.jurisdictions)
    who = [p.id for p in partners(case)] + [r.id for r in receivers(case)]
    days: dict[str, list[str]] = {}
    for d in _disposals(case):
        for k in d.categories if d.delete_by else ():
            days.setdefault(_name(packs, k, lang), []).append(str(d.delete_by))
    limits = [f"{name}: {' – '.join(sorted({min(x), max(x)}))}" for name, x in sorted(days.items())]
    ids = sorted({f.category for f in _findings(case) if f.category and f.detector})
    several = len(set(c.case.jurisdictions)) > 1
    texts = {
        "controller": f"{company}, {c.case.place}", "dpo": c.case.contact, "purposes": words["purposes"],
        "subjects": words["subjects"], "categories": sep.join(_name(packs, i, lang) for i in ids), "recipients": sep.join(who),
        "transfers": words["transfer" if several else "no_transfer"].format(places=places), "limits": "; ".join(limits),
        "measures": "; ".join(
            named(f"{n} {EVIDENCE[n](case)}", lang) for n in ("backup", "grants", "inspection", "training") if EVIDENCE[n](case)),
    }
    return tuple((pick(label, lang), texts[name] or words["none"]) for name, label in table["article30"].items())


def _name(packs: Packs, id_: str, lang: str) -> str:
    found = packs.category(id_)
    return pick(found.names.model_dump(), lang) if found else id_


def _disposals(case: Case) -> tuple[Disposal, ...]:
    from workbench.plan.model import Plan

    plan = case.find(Plan)
    return plan.disposals if plan else ()


def _findings(case: Case) -> tuple[Finding, ...]:
    from workbench.classification.model import Findings

    found = case.find(Findings)
    return found.findings if found else ()


def _newest(kind: str) -> Callable[[Case], str]:
    def look(case: Case) -> str:
        case.ledger.refresh()
        digests = [d for e in case.ledger.entries if e.type in ("value/v1", "step/v1") and e.predicate.get("result", "done") == "done"
                   for name, d in e.subjects.items() if name.partition("#")[0] == kind]
        return short(digests[-1]) if digests else ""
    return look


def _erased(case: Case) -> str:
    from workbench.erasure.left import PROVEN
    from workbench.erasure.model import Erasure

    runs = [r for r in case.history(Erasure) if not r.dry_run]
    if not runs or runs[-1].verdict not in (*PROVEN, "LOGICAL"):  # LOGICAL is said too of a run all of whose keys were destroyed
        return ""
    return short(runs[-1].digest) if any(d.verdict in PROVEN for d in runs[-1].disposals) else ""


def _certified(case: Case) -> str:
    from workbench.governance.partners import partners

    found = partners(case)
    if not found:  # an inventory of assets that names nobody is the evidence
        return "0" if _newest("inventory")(case) else ""
    return f"{len(found)}/{len(found)}" if all(p.state == "certified" for p in found) else ""


def _told(case: Case) -> str:
    from workbench.governance.receivers import receivers

    found = receivers(case)
    if not found:  # a plan that names nobody is the evidence
        return "0" if _disposals(case) else ""
    return f"{len(found)}/{len(found)}" if all(r.state == "proven" for r in found) else ""


def _trained(case: Case) -> str:
    from workbench.governance.training import standing

    found = standing(case)
    return f"{len(found)}/{len(found)}" if found and all(s.valid for s in found) else ""


def _handled(case: Case) -> str:
    from workbench.governance.desk import Request, overdue

    found = entries(case, Request)  # an empty register shows nothing: nobody asked, or nobody was listened to
    return f"{len(found)}" if found and not overdue(case) else ""


EVIDENCE: dict[str, Callable[[Case], str]] = {
    "freeze": _newest("freeze"), "findings": _newest("findings"), "backup": _newest("sealed-backup"), "plan": _newest("plan"),
    "assessment": _newest("risk-report"), "grants": _newest("grants"), "inspection": _newest("inspection"),
    "notice": _newest("public-notice"), "drill": _newest("rehearsal"), "watched": _newest("board"), "erasure": _erased,
    "partners": _certified, "receivers": _told, "training": _trained, "requests": _handled,
}
