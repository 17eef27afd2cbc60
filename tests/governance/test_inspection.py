"""An inspector finds what is wrong, stops the plan, and lets it go on when it is mended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from tests.governance.conftest import sql
from workbench.case import Case, approvals
from workbench.case.steps import step
from workbench.erasure.flow import erase
from workbench.errors import ApprovalError, ParameterError
from workbench.governance.checks import CHECKS, roles
from workbench.governance.inspection import draw, due_checks, inspect, open_findings, recheck
from workbench.governance.model import Inspection
from workbench.governance.texts import load
from workbench.inventory import take_inventory
from workbench.plan.model import Disposal, Plan, RecordSet, Text
from workbench.records.runner import preflight
from workbench.vault import protect, restore_test


def _plan(case: Case) -> None:
    line = Disposal(id="D001", set=RecordSet(source="shop", table="orders"), action="erase",
                    reason=Text(zh="测试", en="test"))
    with case.step("plan"):
        case.save(Plan(case_id=case.id, as_of=dt.date(2026, 11, 23), inventory="0" * 64, findings="0" * 64,
                       config="0" * 64, packs=(), disposals=(line,)))


def _damage(case: Case) -> None:
    """One bit of one sealed object in the second place."""
    path = sorted((case.folder / "vault" / "place-2").rglob("*.age"))[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


def test_three_planted_faults_are_found_stop_the_plan_and_are_cleared(shop: Callable[..., Case]) -> None:
    case = shop(op='["operator", "supervisor"]')
    take_inventory(case)
    protect(case)
    restore_test(case)
    sql(case, "CREATE TABLE late (id INTEGER PRIMARY KEY, phone TEXT)")
    take_inventory(case)
    _damage(case)
    _plan(case)
    approvals.approve(case, "ann")
    approved = approvals.approve(case, "ben")
    assert approved is not None

    done = inspect(case, "ivy")
    severe = {(f.check, f.asset) for f in open_findings(case) if f.severity == "severe"}
    assert severe == {("sealing", "shop.late"), ("roles", "op"), ("restore", "vault/place-2")}
    assert done.objection
    with pytest.raises(ApprovalError, match="ivy objects"):
        approvals.check(case)
    with pytest.raises(ApprovalError, match="ivy objects"):
        preflight(case, step("erase"))
    with pytest.raises(ApprovalError, match="ivy objects"):
        erase(case, approved)

    toml = case.folder / "case.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace('["operator", "supervisor"]', '["operator"]'), encoding="utf-8")
    case = Case.open(case.folder)
    left = recheck(case, "ivy")
    assert {f.check for f in left if f.severity == "severe"} == {"sealing", "restore"}
    with pytest.raises(ApprovalError, match="ivy objects"):
        approvals.check(case)
    protect(case, again=True)
    restore_test(case)
    left = recheck(case, "ivy")
    assert not [f for f in left if f.severity == "severe"]
    assert approvals.check(case).approvers == ("ann", "ben")
    signed = list(case.ledger.of_type("inspection/v1"))
    assert {case.ledger.keys[e.key_id][0] for e in signed} == {"ivy"}


def test_whoever_operated_or_approved_may_not_inspect(shop: Callable[..., Case], monkeypatch: pytest.MonkeyPatch) -> None:
    case = shop()
    for person in ("op", "ann", "sue"):
        with pytest.raises(ParameterError, match="inspect"):
            inspect(case, person)
    case.enrol("ivy")
    monkeypatch.setenv("WORKBENCH_PERSON", "ivy")
    take_inventory(case)
    monkeypatch.delenv("WORKBENCH_PERSON")
    with pytest.raises(ParameterError, match="has operated"):
        inspect(case, "ivy")


def test_one_person_under_two_ids_is_seen(shop: Callable[..., Case]) -> None:
    case = shop()
    toml = case.folder / "case.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace('name = "检"', 'name = "安"'), encoding="utf-8")
    assert list(roles(Case.open(case.folder))) == [("ann", "approver + inspector")]


def test_a_finding_keeps_its_id_and_opens_again(shop: Callable[..., Case]) -> None:
    case = shop()
    first = inspect(case, "ivy", only=("sealing",))
    second = inspect(case, "ivy", only=("sealing",))
    assert first.results[0].findings == second.results[0].findings
    assert len(open_findings(case)) == 1
    with pytest.raises(ParameterError, match="no check"):
        inspect(case, "ivy", only=("nonsense",))


def test_checks_have_a_schedule(shop: Callable[..., Case]) -> None:
    case = shop()
    assert dict(due_checks(case)) == dict.fromkeys(CHECKS, "")
    inspect(case, "ivy")
    assert due_checks(case) == ()
    assert case.load(Inspection).results[0].next_due == "2026-11-30"


def test_the_sample_follows_from_the_seed() -> None:
    """Whoever knows the seed draws the same five."""
    ids = [f"C{i}" for i in range(50)]
    assert draw("a", ids) == draw("a", list(reversed(ids)))
    assert draw("a", ids) != draw("b", ids)


def test_every_check_has_its_texts() -> None:
    assert set(load("checks")) == set(CHECKS)
