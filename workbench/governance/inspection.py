"""INSPECTION: somebody who neither operated nor approved runs the checks; a severe finding stops the plan.

A finding keeps its id from inspection to inspection. :func:`recheck` looks again: what is mended is cleared, and when
nothing severe is left the inspector's objection is lifted.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.case import approvals
from workbench.errors import ApprovalError, CaseError, ParameterError
from workbench.governance.checks import CHECKS, run_check
from workbench.governance.model import Finding, Inspection, Result
from workbench.governance.register import entries, next_id, sign
from workbench.governance.texts import load

if TYPE_CHECKING:
    from workbench.case import Case

SAMPLE = 5
"""certificates an inspection draws for a closer look"""


def check_independent(case: Case, inspector: str) -> None:
    """Raise ParameterError unless ``inspector`` has that role and has neither operated nor approved in this case.

    Source: GB/T 35273 7.1 (auditor apart from operator), PIPL 51(4).
    """
    who = case.config.person(inspector)
    if "inspector" not in who.roles:
        able = ", ".join(p.id for p in case.config.with_role("inspector")) or "nobody in case.toml yet"
        raise ParameterError(f"{inspector} does not have the role inspector", f"one of these inspects: {able}")
    if {"operator", "approver"} & set(who.roles):
        raise ParameterError(f"{inspector} is operator or approver and cannot inspect", "name somebody else in case.toml")
    case.ledger.refresh()
    for e in case.ledger.entries:
        p = e.predicate
        ran = e.type == "step/v1" and p["person"] == inspector and p["step"] not in ("inspect", "recheck")
        signed = e.type == "approval/v1" and p["person"] == inspector and p["decision"] == "approve"
        if ran or signed:
            raise ParameterError(f"{inspector} has operated or approved (ledger entry {e.seq}) and cannot inspect",
                                 "have somebody else inspect")


def inspect(case: Case, inspector: str, *, only: tuple[str, ...] = ()) -> Inspection:
    """Run every check (or ``only`` some) as ``inspector``; severe findings object to the newest plan.

    Raises:
        ParameterError: the inspector is not independent, or a check does not exist.
    """
    check_independent(case, inspector)
    unknown = sorted(set(only) - set(CHECKS))
    if unknown:
        raise ParameterError(f"there is no check {unknown[0]!r}", "use: " + ", ".join(CHECKS))
    results, findings = [], []
    known = {(f.check, f.asset): f for f in entries(case, Finding)}
    number = len(entries(case, Finding))
    for name in only or tuple(CHECKS):
        ids = []
        for asset, detail in run_check(case, name):
            old = known.get((name, asset))
            if old is None or old.state == "cleared":
                number += old is None
                old = _finding(case, old.id if old else f"F-{number:03d}", name, asset, detail, inspector)
                findings.append(old)
            ids.append(old.id)
        spec = load("checks")[name]
        due = case.today() + dt.timedelta(days=spec["every_days"])
        results.append(Result(check=name, zh=spec["names"]["zh"], en=spec["names"]["en"], ok=not ids,
                              findings=tuple(ids), next_due=due.isoformat()))
    for f in findings:
        case.save(f, inspector)
    objection = _object(case, inspector)
    sample, seed, commitment = _sample(case, inspector)
    value = Inspection(id=next_id(case, Inspection, "N"), case_id=case.id, inspector=inspector, at=case.now(),
                       results=tuple(results), objection=objection, sample=sample, seed=seed, commitment=commitment)
    digest = case.save(value, inspector)
    sign(case, "inspection/v1", {"inspection": digest}, {
        "person": inspector, "at": value.at, "open": len(open_findings(case)), "objection": objection}, inspector)
    _feed(case)
    return value


def recheck(case: Case, inspector: str) -> tuple[Finding, ...]:
    """Look at every open finding again; clear what is mended; lift the objection when nothing severe is open.

    Returns the findings that are still open.
    """
    check_independent(case, inspector)
    seen: dict[str, set[str]] = {}
    for f in open_findings(case):
        if f.check not in seen:
            seen[f.check] = {asset for asset, _ in run_check(case, f.check)}
        if f.asset not in seen[f.check]:
            cleared = f.model_copy(update={"state": "cleared", "cleared_at": case.now(), "cleared_by": inspector})
            sign(case, "inspection/v1", {"finding": case.save(cleared, inspector)}, {"person": inspector, "at": case.now()}, inspector)
    left = open_findings(case)
    if not any(f.severity == "severe" for f in left):
        with suppress(ApprovalError, CaseError):  # no plan, or no objection of this inspector stands
            approvals.lift(case, inspector, "re-check: no severe finding is open")
    _feed(case)
    return left


def open_findings(case: Case) -> tuple[Finding, ...]:
    """Findings not cleared yet, severe ones first."""
    order = {"severe": 0, "medium": 1, "low": 2}
    return tuple(sorted((f for f in entries(case, Finding) if f.state == "open"), key=lambda f: (order[f.severity], f.due, f.id)))


def due_checks(case: Case) -> tuple[tuple[str, str], ...]:
    """(check, day) of every check whose next day has come, never-made ones with an empty day."""
    last: dict[str, str] = {}
    for i in entries(case, Inspection):
        last.update({r.check: r.next_due for r in i.results})
    today = case.today().isoformat()
    return tuple((c, last.get(c, "")) for c in CHECKS if last.get(c, "") <= today)


def _finding(case: Case, id_: str, check: str, asset: str, detail: str, inspector: str) -> Finding:
    spec = load("checks")[check]
    owner = next((p.id for p in case.config.with_role(spec["owner"])), case.operator())
    return Finding(id=id_, check=check, asset=asset, severity=spec["severity"], zh=f"{spec['finding']['zh']}({detail})",
                   en=f"{spec['finding']['en']} ({detail})", owner=owner, found_at=case.now(), found_by=inspector,
                   due=(case.today() + dt.timedelta(days=spec["due_days"])).isoformat(),
                   remedy_zh=spec["remedy"]["zh"], remedy_en=spec["remedy"]["en"])


def _object(case: Case, inspector: str) -> bool:
    severe = [f for f in open_findings(case) if f.severity == "severe"]
    if not severe:
        return False
    try:
        approvals.object_to(case, inspector, f"{severe[0].id}: {severe[0].en}; {len(severe)} severe findings")
    except CaseError:
        return False  # there is no plan to stop
    return True


def _sample(case: Case, inspector: str) -> tuple[tuple[str, ...], str, str]:
    """Draw certificates by a seed whose digest the inspector signs into the ledger first: nobody can choose them."""
    from workbench.erasure.model import Certificates

    made = case.find(Certificates)
    ids = sorted(c.id for c in made.certificates) if made else []
    if not ids:
        return (), "", ""
    seed = secrets.token_hex(16)
    commitment = hashlib.sha256(seed.encode()).hexdigest()
    sign(case, "commitment/v1", {"seed": commitment}, {"person": inspector, "at": case.now()}, inspector)
    return draw(seed, ids), seed, commitment


def draw(seed: str, ids: list[str]) -> tuple[str, ...]:
    """The sample that ``seed`` draws: the ids whose SHA-256 with the seed is smallest."""
    return tuple(sorted(ids, key=lambda i: hashlib.sha256(f"{seed}\0{i}".encode()).digest())[:SAMPLE])


def _feed(case: Case) -> None:
    from workbench.governance.evidence import feed

    feed(case)
