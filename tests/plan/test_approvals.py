"""An approval is two people's signatures over this plan and no other; everything less is refused and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plan.conftest import config, planned
from workbench.case import Case, approvals
from workbench.classification.model import Findings
from workbench.errors import ApprovalError, CaseError, LedgerError, VerificationError
from workbench.plan import Plan
from workbench.sources.base import Table

Shop = tuple[list[Table], Findings]


@pytest.fixture
def case(make_case: Callable[..., Path], shop: Shop) -> Case:
    made = Case.open(make_case())
    made.begin()
    with made.step("plan"):
        made.save(planned(*shop))
    return made


def approved(case: Case) -> bool:
    try:
        approvals.check(case)
    except ApprovalError:
        return False
    return True


def test_two_different_approvers_approve(case: Case) -> None:
    """The second signature makes the approval; it names the plan's digest."""
    assert approvals.approve(case, "ann") is None
    made = approvals.approve(case, "ben")
    assert made is not None
    assert made.plan == case.load(Plan).digest


def test_one_signature_is_not_enough(case: Case) -> None:
    """Single-signed plans are refused."""
    approvals.approve(case, "ann")
    with pytest.raises(ApprovalError, match="1 of 2"):
        approvals.check(case)


def test_the_same_person_cannot_sign_twice(case: Case) -> None:
    """A second signature of the same person is refused and does not count."""
    approvals.approve(case, "ann")
    with pytest.raises(ApprovalError, match="already approved"):
        approvals.approve(case, "ann")
    assert not approved(case)


def test_without_the_role_nobody_approves(case: Case) -> None:
    """Operators and supervisors do not approve."""
    for person in ("op", "sue"):
        with pytest.raises(ApprovalError, match="role approver"):
            approvals.approve(case, person)


def test_the_maker_of_a_plan_cannot_approve_it(make_case: Callable[..., Path], shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Self-approval is refused even when the operator is an approver too."""
    from tests.conftest import CASE_TOML

    folder = make_case(toml=CASE_TOML.replace('roles = ["operator"]', 'roles = ["operator", "approver"]'))
    made = Case.open(folder)
    made.begin()
    with made.step("plan"):
        made.save(planned(*shop))
    with pytest.raises(ApprovalError, match="made this plan"):
        approvals.approve(made, "op")


def test_a_changed_plan_loses_its_approval(case: Case, shop: Shop) -> None:
    """Any other plan, be it by one date, is not approved: signatures do not carry over (replay)."""
    approvals.approve(case, "ann")
    approvals.approve(case, "ben")
    assert approved(case)
    with case.step("plan"):
        case.save(planned(*shop, config(dates={"claims_end": "2026-11-01"})))
    with pytest.raises(ApprovalError, match="changed after it was approved"):
        approvals.check(case)


def test_going_back_to_an_older_plan_is_not_possible_by_naming_it(case: Case, shop: Shop) -> None:
    """An approval asked for by digest must be of the newest plan."""
    old = case.load(Plan).digest
    with case.step("plan"):
        case.save(planned(*shop, config(dates={"claims_end": "2026-11-01"})))
    with pytest.raises(ApprovalError, match="newest plan"):
        approvals.approve(case, "ann", plan=old)


def test_an_expired_approval_is_refused(make_case: Callable[..., Path], shop: Shop) -> None:
    """With zero days of validity an approval is over as soon as it is given."""
    from tests.conftest import CASE_TOML

    made = Case.open(make_case(toml=CASE_TOML + "\n[settings.approve]\nvalid_days = 0\n"))
    made.begin()
    with made.step("plan"):
        made.save(planned(*shop))
    assert approvals.approve(made, "ann") is None
    with pytest.raises(ApprovalError, match="expired"):
        approvals.check(made)


def test_a_tampered_plan_file_is_refused(case: Case) -> None:
    """One changed byte of the saved plan, and neither approving nor checking works."""
    approvals.approve(case, "ann")
    approvals.approve(case, "ben")
    path = case.folder / "values" / f"{case.load(Plan).digest}.json"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b'"erase"', b'"keep" ', 1))
    with pytest.raises((ApprovalError, CaseError), match="changed"):
        case.load(Plan)


def test_a_tampered_approval_entry_is_refused(case: Case) -> None:
    """An entry whose person was rewritten does not pass the ledger's own check."""
    approvals.approve(case, "ann")
    files = sorted(p for p in (case.folder / "ledger").rglob("*") if p.is_file())
    target = next(p for p in reversed(files) if b"payload" in p.read_bytes())
    lines = target.read_bytes().split(b"\n")
    row = max(i for i, line in enumerate(lines) if b"payload" in line)
    envelope = json.loads(lines[row])
    inner = envelope.get("envelope", envelope)
    payload = inner["payload"]
    inner["payload"] = payload[:-8] + ("A" if payload[-8] != "A" else "B") + payload[-7:]
    lines[row] = json.dumps(envelope).encode()
    target.chmod(0o600)
    target.write_bytes(b"\n".join(lines))
    with pytest.raises((ApprovalError, LedgerError, VerificationError, CaseError)):
        approvals.check(Case.open(case.folder))


def test_an_objection_stops_an_approved_plan_until_it_is_lifted(case: Case) -> None:
    """A supervisor's objection with a reason outweighs both signatures."""
    approvals.approve(case, "ann")
    approvals.approve(case, "ben")
    approvals.object_to(case, "sue", "清算争议未结")
    with pytest.raises(ApprovalError, match="objects"):
        approvals.check(case)
    approvals.lift(case, "sue", "已解决")
    assert approved(case)
