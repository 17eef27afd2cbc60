"""TRAINING: a quiz made from the case, signed results, and who is due again. PIPL 51(4): regular training."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import ParameterError
from workbench.governance.clocks import later
from workbench.governance.register import moment, sign
from workbench.governance.texts import load, pick
from workbench.plan.make import packs_of
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case

RULE = "cn.training.yearly"


class Question(Value):
    """One question as a person sees it."""

    id: str
    question: str
    options: tuple[str, ...]


class Training(Value):
    """A result, signed by the person who took the quiz."""

    id: str
    case_id: str
    person: str
    at: str
    questions: int
    right: int
    passed: bool
    wrong: tuple[str, ...] = ()
    """ids of the questions answered wrongly"""


class Standing(Value):
    """Where one person stands."""

    person: str
    valid: bool
    last: str = ""
    due: str = ""


def quiz(case: Case, person: str, lang: str) -> tuple[Question, ...]:
    """The questions for the person's roles, filled from the case."""
    facts = _facts(case, lang)
    return tuple(Question(id=q["id"], question=pick(q["question"], lang).format(**facts),
                          options=tuple(pick(o, lang).format(**facts) for o in q["options"])) for q in _for(case, person))


def answer(case: Case, person: str, answers: Mapping[str, int]) -> Training:
    """Take the answers (question id -> number of the option); the result is signed with the person's own key.

    Raises:
        ParameterError: a question without an answer, or an option that is not there.
    """
    asked = _for(case, person)
    for q in asked:
        if not 0 <= answers.get(q["id"], -1) < len(q["options"]):
            raise ParameterError(f"question {q['id']} has no answer", f"0 to {len(q['options']) - 1}")
    wrong = tuple(q["id"] for q in asked if answers[q["id"]] != q["answer"])
    right = len(asked) - len(wrong)
    now = case.now()
    result = Training(id=f"{person} {now}", case_id=case.id, person=person, at=now, questions=len(asked), right=right,
                      passed=right / len(asked) >= load("quiz")["pass_share"], wrong=wrong)
    case.save(result, person)
    sign(case, "training/v1", {"training": result.digest}, {"person": person, "at": now}, person)
    from workbench.governance.evidence import feed

    feed(case)
    return result


def explain(ids: tuple[str, ...], lang: str) -> tuple[str, ...]:
    """Why the right answer is right, for each question."""
    return tuple(f"{q['id']}: {pick(q['why'], lang)}" for q in load("quiz")["questions"] if q["id"] in ids)


def standing(case: Case) -> tuple[Standing, ...]:
    """Everybody of case.toml: trained, and until when (term from the packs; none where no pack has one)."""
    packs = packs_of(case)
    rule = packs.rule(RULE)
    value = rule.at(case.today()) if rule else None
    term = value.due.plus if value and value.due else ""
    passed = {t.person: t for t in case.history(Training) if t.passed}
    found = []
    for p in case.config.people:
        last = passed.get(p.id)
        due = later(moment(last.at), term).date() if last and term else None
        today = max(case.today(), dt.datetime.now(dt.UTC).date())
        found.append(Standing(person=p.id, valid=last is not None and (due is None or today <= due),
                              last=last.at if last else "", due=due.isoformat() if due else ""))
    return tuple(found)


def leaflet(case: Case, lang: str) -> str:
    """A short text for customers."""
    return pick(load("quiz")["leaflet"], lang).format(**_facts(case, lang))


def material(case: Case, person: str, lang: str) -> tuple[str, ...]:
    """What the person's roles have to know of this case, paragraph by paragraph."""
    table, facts = load("material"), _facts(case, lang)
    roles = ("all", *case.config.person(person).roles)
    return tuple(pick(p, lang).format(**facts) for role in dict.fromkeys(roles) for p in table.get(role, ()))


def _for(case: Case, person: str) -> list[dict[str, Any]]:
    roles = set(case.config.person(person).roles) | {"all"}
    return [q for q in load("quiz")["questions"] if roles & set(q["roles"])]


def _facts(case: Case, lang: str) -> dict[str, str]:
    from workbench.classification.model import Findings
    from workbench.governance.partners import partners
    from workbench.inventory import Inventory
    from workbench.plan.model import Plan

    c = case.config
    found, inventory, plan = case.find(Findings), case.find(Inventory), case.find(Plan)
    packs = packs_of(case)
    unknown = "–"

    def named(ids: set[str]) -> str:
        names = [pick(k.names.model_dump(), lang) if (k := packs.category(i)) else i for i in sorted(ids)]
        return ("、" if lang == "zh" else ", ").join(names) or unknown

    held = [(f.category, f.sensitive) for f in found.findings if f.category] if found else []
    return {
        "sensitive": named({i for i, sensitive in held if sensitive}), "categories": named({i for i, _ in held}),
        "place": c.case.place or unknown, "tables": str(len(inventory.tables)) if inventory else unknown,
        "lines": str(len(plan.disposals)) if plan else unknown, "partners": str(len(partners(case))),
        "rules": str(len(packs.rules)), "custodian_until": c.vault.custodian_until.isoformat() if c.vault.custodian_until else unknown,
        "service_end": c.dates.service_end.isoformat() if c.dates.service_end else unknown,
        "supervisor": next((p.id for p in c.with_role("supervisor")), unknown),
        "company": c.case.company if lang == "zh" else c.case.company_en or c.case.company,
        "contact": c.case.contact or unknown,
    }
