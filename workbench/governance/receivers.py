"""RECEIVERS: to whom data go in the dissolution, and the proof that people were told who that is.

PIPL 22 (T): name and contact of the receiver are told to the persons; a new purpose needs new consent.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from workbench.errors import ParameterError
from workbench.governance.correspondence import day, file_digest
from workbench.governance.register import entries
from workbench.i18n import mask
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case


class Receiver(Value):
    """A receiver of the plan and how far its notice is proven."""

    id: str
    """its name in the plan"""
    tables: tuple[str, ...] = ()
    contact: str = ""
    same_purpose: bool | None = None
    told: str = ""
    """day the persons were told"""
    how: str = ""
    proof_sha256: str = ""
    """the notice as it was published or sent"""
    consent_sha256: str = ""
    state: Literal["unproven", "needs_consent", "proven"] = "unproven"
    person: str = ""


def receivers(case: Case) -> tuple[Receiver, ...]:
    """Every receiver that the plan names, as it stands."""
    from workbench.plan.model import Plan

    plan = case.find(Plan)
    tables: dict[str, set[str]] = {}
    for d in plan.disposals if plan else ():
        if d.receiver:
            tables.setdefault(d.receiver, set()).add(d.set.table_id)
    known = {r.id: r for r in entries(case, Receiver)}
    return tuple((known.get(name) or Receiver(id=name)).model_copy(update={"tables": tuple(sorted(t))})
                 for name, t in sorted(tables.items()))


def tell(case: Case, name: str, person: str, *, contact: str, told: str, how: str, proof: Path, same_purpose: bool,
         consent: Path | None = None) -> Receiver:
    """Note that the persons were told of ``name``, with the notice as proof; ``person`` signs.

    Raises:
        ParameterError: the plan names no such receiver, contact or way is missing or looks personal, a day to come,
            a file that is not there.
    """
    found = {r.id: r for r in receivers(case)}
    if name not in found:
        raise ParameterError(f"the plan names no receiver {name!r}", "known: " + (", ".join(found) or "none"))
    if not contact.strip() or not how.strip():
        raise ParameterError("a notice names the receiver's contact and the way it was made", "--contact and --how")
    if (mask(contact), mask(how)) != (contact, how):
        raise ParameterError("contact or way holds what looks like personal data and would stand in the log for good",
                             "name the office or its page; the notice itself, whose digest is noted, has the full contact")
    if day(told) > case.today().isoformat():
        raise ParameterError("that day is still to come", "note the notice when it was made")
    agreed = file_digest(consent) if consent else ""
    value = found[name].model_copy(update={
        "contact": contact[:200], "same_purpose": same_purpose, "told": day(told), "how": how[:200],
        "proof_sha256": file_digest(proof), "consent_sha256": agreed, "person": case.config.person(person).id,
        "state": "proven" if same_purpose or agreed else "needs_consent"})
    case.save(value, person)
    return value
