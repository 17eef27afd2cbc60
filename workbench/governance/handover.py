"""HANDOVER of the request desk: who answers customers when the company is gone, under which contract, until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import ParameterError
from workbench.governance.desk import Request
from workbench.governance.register import entries
from workbench.i18n import mask
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case


class DeskHandover(Value):
    """The desk's state on the day it changes hands; receipts' digests let the custodian know their holders again."""

    id: str
    case_id: str
    at: str
    custodian: str
    until: str
    contract: str
    cost: str
    open_requests: tuple[str, ...]
    receipts: dict[str, str]
    """request -> SHA-256 of the code that its person holds"""
    person: str


def hand_over_desk(case: Case, person: str, *, contract: str, cost: str) -> DeskHandover:
    """Hand the desk to the custodian of case.toml; ``person`` (supervisor, approver or counsel) signs.

    Raises:
        ParameterError: no custodian or no end in case.toml, no contract or cost, the wrong role, overdue requests.
    """
    from workbench.governance.desk import overdue

    v, who = case.config.vault, case.config.person(person)
    if not {"supervisor", "approver", "counsel"} & set(who.roles):
        raise ParameterError(f"{person} cannot hand the desk over", "a supervisor, approver or counsel does")
    if not v.custodian or v.custodian_until is None:
        raise ParameterError("case.toml names no custodian with an end", "write [vault] custodian = ... and custodian_until = ...")
    if not contract.strip() or not cost.strip():
        raise ParameterError("the hand-over names the contract and who bears which cost", "--contract and --cost")
    if (mask(contract), mask(cost)) != (contract, cost):
        raise ParameterError("contract or cost holds what looks like personal data", "say it without numbers and addresses")
    late = overdue(case)
    if late:
        raise ParameterError(f"request {late[0].id} is overdue and is answered first", f"workbench govern answer CASE {late[0].id}")
    requests = entries(case, Request)
    value = DeskHandover(
        id="desk", case_id=case.id, at=case.now(), custodian=v.custodian, until=v.custodian_until.isoformat(),
        contract=contract[:200], cost=cost[:200], open_requests=tuple(r.id for r in requests if r.state in ("open", "found")),
        receipts={r.id: r.receipt_sha256 for r in requests}, person=who.id)
    case.save(value, who.id)
    return value
