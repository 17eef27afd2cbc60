"""APPROVAL: two different people sign the digest of one plan. Signatures are ledger entries made with their own keys.

``check`` is the only maker of an :class:`Approval`, and erasure takes nothing else.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from workbench.case.case import Case
from workbench.errors import ApprovalError, CaseError
from workbench.i18n import mask
from workbench.values import Value, short

if TYPE_CHECKING:
    from workbench.ledger import Entry

VALID_DAYS = 30
"""days after which a signature has to be given anew; a house rule, set with [settings.approve] valid_days"""
NEEDED = 2


class Approval(Value):
    """Proof that the plan of that digest was approved; ``entries`` are the ledger entries that say so."""

    plan: str
    approvers: tuple[str, ...]
    entries: tuple[int, ...]
    at: str


def _plan_step(case: Case, digest: str) -> Entry | None:
    made = [e for e in case.ledger.of_type("step/v1") if e.subjects.get("plan") == digest]
    return made[-1] if made else None


def newest_plan(case: Case) -> str:
    """Digest of the newest plan, its file checked; CaseError when there is none, ApprovalError when changed."""
    try:
        return case.digest_of("plan")
    except CaseError as e:
        if "changed" in e.what:
            raise ApprovalError("the plan was changed after it was made or approved",
                                f"workbench run {case.folder} plan, then have it approved again",
                                where=e.where) from None
        raise


def approve(case: Case, person: str, *, plan: str = "", comment: str = "") -> Approval | None:
    """Sign the newest plan (its digest must equal ``plan`` when given) as ``person``.

    Returns the approval when enough signatures stand, else None.

    Raises:
        ApprovalError: the wrong role, the plan's own maker, the same person again, or another plan meanwhile.
    """
    who = case.config.person(person)
    _clean(comment)
    digest = newest_plan(case)
    if plan and plan != digest:
        raise ApprovalError(f"the newest plan is {short(digest)}, not {short(plan)}", "read it again before you sign")
    if "approver" not in who.roles:
        able = ", ".join(p.id for p in case.config.with_role("approver"))
        raise ApprovalError(f"{person} does not have the role approver", f"have one of these sign: {able}")
    maker = _plan_step(case, digest)
    if maker is not None and maker.predicate["person"] == person:
        raise ApprovalError(f"{person} made this plan and cannot approve it", "have another approver sign")
    standing = _signatures(case, digest)
    if person in standing:
        raise ApprovalError(f"{person} has already approved this plan; a second person is needed",
                            f"workbench approve {case.folder} --as "
                            + next((p.id for p in case.config.with_role("approver") if p.id not in standing), "PERSON"))
    case.enrol(person)
    until = _days(case)
    expires = (dt.datetime.now(dt.UTC) + dt.timedelta(days=until)).strftime("%Y-%m-%dT%H:%M:%SZ")
    case.append("approval/v1", {"plan": digest}, {
        "case": case.id, "person": person, "role": "approver", "decision": "approve", "at": case.now(),
        "expires": expires, "comment": comment[:500],
    }, person)
    return check(case, digest) if len(standing) + 1 >= NEEDED else None


def object_to(case: Case, person: str, reason: str) -> None:
    """A supervisor or inspector objects to the newest plan; it stops execution until the objection is lifted."""
    who = case.config.person(person)
    if not {"supervisor", "inspector", "approver", "counsel"} & set(who.roles):
        raise ApprovalError(f"{person} has no role that may object", "supervisor, inspector, approver or counsel may")
    if not reason.strip():
        raise ApprovalError("an objection needs a reason", "say it with --reason")
    _clean(reason)
    case.enrol(person)
    case.append("approval/v1", {"plan": newest_plan(case)}, {
        "case": case.id, "person": person, "role": "supervisor", "decision": "object", "at": case.now(),
        "comment": reason[:500],
    }, person)


def lift(case: Case, person: str, reason: str) -> None:
    """Whoever objected takes the objection back, with a reason."""
    _clean(reason)
    digest = newest_plan(case)
    if person not in _objections(case, digest):
        raise ApprovalError(f"{person} has no standing objection to this plan", "nothing to lift")
    case.append("approval/v1", {"plan": digest}, {
        "case": case.id, "person": person, "role": "supervisor", "decision": "lift", "at": case.now(),
        "comment": reason[:500],
    }, person)


def _clean(text: str) -> None:
    """The log cannot be erased: what looks personal must not get in."""
    if mask(text) != text:
        raise ApprovalError("the comment holds what looks like personal data and would stand in the ledger for good",
                            "say it without numbers and addresses")


def _days(case: Case) -> int:
    value = case.settings("approve").get("valid_days", VALID_DAYS)
    if not isinstance(value, int) or not 0 <= value <= 3650:
        raise ApprovalError("settings.approve.valid_days is not a number of days", "edit case.toml")
    return value


def _entries(case: Case, digest: str) -> list[Entry]:
    case.ledger.refresh()
    good = []
    for e in case.ledger.of_type("approval/v1"):
        if e.subjects.get("plan") != digest or e.predicate["case"] != case.id:
            continue
        if case.ledger.keys[e.key_id][0] != e.predicate["person"]:
            raise ApprovalError(f"ledger entry {e.seq} approves in another person's name",
                                "workbench verify the case", where=f"entry {e.seq}")
        good.append(e)
    return good


def _signatures(case: Case, digest: str) -> dict[str, Entry]:
    now = case.now()
    able = {p.id for p in case.config.with_role("approver")}
    return {e.predicate["person"]: e for e in _entries(case, digest)
            if e.predicate["decision"] == "approve" and e.predicate["expires"] > now and e.predicate["person"] in able}


def signed_by(case: Case) -> tuple[str, ...]:
    """Who has signed the newest plan, signatures still valid."""
    return tuple(sorted(_signatures(case, newest_plan(case))))


def _objections(case: Case, digest: str) -> dict[str, Entry]:
    standing: dict[str, Entry] = {}
    for e in _entries(case, digest):
        if e.predicate["decision"] == "object":
            standing[e.predicate["person"]] = e
        elif e.predicate["decision"] == "lift":
            standing.pop(e.predicate["person"], None)
    return standing


def check(case: Case, plan: str = "") -> Approval:
    """The approval of the newest plan (whose digest must be ``plan`` when given).

    Raises:
        ApprovalError: none or too few valid signatures, expired ones, a standing objection, a plan made or
            changed after it was approved, or a signer who made the plan.
    """
    digest = newest_plan(case)
    able = [p.id for p in case.config.with_role("approver") if p.id not in _signatures(case, digest)]
    nxt = f"workbench approve {case.folder} --as {able[0] if able else 'PERSON'}; two different people have to sign"
    if plan and plan != digest:
        raise ApprovalError("a newer plan has been made since", nxt)
    objections = _objections(case, digest)
    if objections:
        raise ApprovalError(f"{sorted(objections)[0]} objects to this plan",
                            "remedy it, then: workbench approve CASE --as PERSON --lift --reason ...")
    valid = _signatures(case, digest)
    maker = _plan_step(case, digest)
    if maker is not None:
        valid.pop(maker.predicate["person"], None)
    keys = {e.key_id for e in valid.values()}
    if len(valid) < NEEDED or len(keys) < NEEDED:
        others = [e for e in case.ledger.of_type("approval/v1") if e.subjects.get("plan") != digest]
        if valid:
            raise ApprovalError(f"the plan has {len(valid)} of {NEEDED} approvals", nxt)
        if _entries(case, digest):
            raise ApprovalError("the plan's approvals have expired", nxt)
        if others:
            raise ApprovalError("the plan changed after it was approved", nxt)
        raise ApprovalError("the plan is not approved", nxt)
    entries = sorted(valid.values(), key=lambda e: e.seq)
    return Approval(plan=digest, approvers=tuple(sorted(valid)), entries=tuple(e.seq for e in entries),
                    at=entries[-1].predicate["at"])
