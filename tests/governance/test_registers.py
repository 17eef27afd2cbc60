"""The smaller registers: what they take, what they refuse, and what they say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.governance.conftest import sql
from tests.governance.test_inspection import _plan
from workbench.case import Case
from workbench.classification import classify
from workbench.erasure.model import DisposalResult, Erasure, Verdict
from workbench.errors import CaseError, ParameterError
from workbench.freeze import freeze
from workbench.governance import access
from workbench.governance.access import export_list, permit
from workbench.governance.algorithms import algorithms
from workbench.governance.board import board
from workbench.governance.correspondence import note_letter, unanswered
from workbench.governance.desk import look_up, receive, write_copy
from workbench.governance.drills import due, rehearse
from workbench.governance.footprint import footprint
from workbench.governance.handover import hand_over_desk
from workbench.governance.improvement import Action, action_done, closing_review, compare, open_actions
from workbench.governance.incidents import SORTS
from workbench.governance.inspection import inspect
from workbench.governance.model import Sort
from workbench.governance.receivers import receivers, tell
from workbench.governance.regimes import EVIDENCE, article30, checklist
from workbench.governance.texts import load
from workbench.governance.training import material
from workbench.inventory import take_inventory
from workbench.plan.model import Disposal, Plan, RecordSet, Text

PHONE = "13800000005"


def _known(case: Case) -> Case:
    take_inventory(case)
    classify(case)
    return case


def _with(case: Case, more: str) -> Case:
    path = case.folder / "case.toml"
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    return Case.open(case.folder)


class TestAccess:
    """Purpose, quota, two people."""

    def test_nothing_is_taken_out_without_a_purpose_or_beyond_the_quota(self, shop: Callable[..., Case],
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
        case = _known(shop())
        for purpose in ("", "curiosity"):
            with pytest.raises(ParameterError, match="purpose"):
                permit(case, "lookup", "op", purpose)
        table = load("access") | {"quotas": {"lookup": 2, "export": 1}, "alone": 2}
        monkeypatch.setattr(access, "load", lambda name: table if name == "access" else load(name))
        ids = []
        for _ in range(2):
            item, _code = receive(case, "copy")
            ids.append(look_up(case, item.id, [PHONE], "op", identity_checked=True).id)
        item, _code = receive(case, "copy")
        with pytest.raises(ParameterError, match="quota of 2"):
            look_up(case, item.id, [PHONE], "op", identity_checked=True)
        assert look_up(case, item.id, [PHONE], "sue", identity_checked=True).hits, "the quota is each person's own"
        with pytest.raises(ParameterError, match="second person"):
            write_copy(case, ids[0], [PHONE], "op")
        assert write_copy(case, ids[0], [PHONE], "op", "ann").exists()

    def test_a_list_of_customers_leaves_only_on_a_ground_and_by_two_people(self, shop: Callable[..., Case]) -> None:
        case = _known(shop())
        with pytest.raises(ParameterError, match="without a ground"):
            export_list(case, "shop.customers", "op", ground="", second="ann")
        with pytest.raises(ParameterError, match="no line of the plan"):
            export_list(case, "shop.customers", "op", ground="hand_over", second="ann")
        with pytest.raises(ParameterError, match="SHA-256"):
            export_list(case, "shop.customers", "op", ground="order", second="ann")
        for second in ("", "op", "ivy", "nobody"):
            with pytest.raises(ParameterError, match="second person"):
                export_list(case, "shop.customers", "op", ground="order", second=second, reference="ab" * 32)
        before = len(case.ledger)
        for table in ("shop.nothing", "nothing.customers"):
            with pytest.raises(ParameterError):
                export_list(case, table, "op", ground="order", second="ann", reference="ab" * 32)
        case.ledger.refresh()
        assert len(case.ledger) == before, "nobody has signed for a table that is not there"
        assert not list((case.folder / "answers").glob("*.csv"))
        path = export_list(case, "shop.customers", "op", ground="order", second="ann", reference="ab" * 32)
        assert len(path.read_text(encoding="utf-8").splitlines()) == 61
        assert path.stat().st_mode & 0o077 == 0
        signed = {t: [case.ledger.keys[e.key_id][0] for e in case.ledger.of_type(t)][-1] for t in ("consent/v1", "export/v1")}
        assert signed == {"consent/v1": "ann", "export/v1": "op"}
        assert list(case.ledger.of_type("export/v1"))[-1].predicate["rows"] == 60
        assert PHONE.encode() not in (case.folder / "ledger" / "entries.jsonl").read_bytes()

    def test_a_list_is_noted_before_it_is_written(self, shop: Callable[..., Case], monkeypatch: pytest.MonkeyPatch) -> None:
        case = _known(shop())

        def full(*_: object) -> None:
            raise OSError("no space left")

        monkeypatch.setattr(access, "_write", full)
        with pytest.raises(OSError, match="no space"):
            export_list(case, "shop.customers", "op", ground="order", second="ann", reference="ab" * 32)
        case.ledger.refresh()
        assert [len(list(case.ledger.of_type(t))) for t in ("consent/v1", "export/v1")] == [1, 1]


def test_letters_are_logged_and_wait_for_their_answer(shop: Callable[..., Case], tmp_path: Path) -> None:
    case = shop()
    paper = tmp_path / "letter.pdf"
    paper.write_bytes(b"x")
    first = note_letter(case, "out", "partner-001", "request to delete", "sue", file=paper, due="2026-12-01")
    assert first.sha256 == hashlib.sha256(b"x").hexdigest()
    assert [k.id for k in unanswered(case)] == ["L-001"]
    note_letter(case, "in", "partner-001", "certificate", "sue", answers="L-001")
    assert not unanswered(case)
    for bad in ({"party": ""}, {"subject": " "}, {"subject": f"call {PHONE}"}, {"due": "soon"}, {"answers": "L-009"},
                {"file": tmp_path / "none"}, {"way": "up"}):
        fields = {"way": "out", "party": "CAC", "subject": "report"} | bad
        with pytest.raises(ParameterError):
            note_letter(case, **fields, person="sue")  # type: ignore[arg-type]


def test_a_receiver_is_proven_when_people_were_told(shop: Callable[..., Case], tmp_path: Path) -> None:
    case = shop()
    line = Disposal(id="D001", set=RecordSet(source="shop", table="orders"), action="hand_over", receiver="新公司 NewCo",
                    reason=Text(zh="测试", en="test"))
    import datetime as dt

    case.save(Plan(case_id=case.id, as_of=dt.date(2026, 11, 23), inventory="0" * 64, findings="0" * 64, config="0" * 64,
                   packs=(), disposals=(line,)))
    (found,) = receivers(case)
    assert (found.state, found.tables) == ("unproven", ("shop.orders",))
    notice = tmp_path / "notice.html"
    notice.write_text("x", encoding="utf-8")
    good = {"contact": "NewCo office", "told": "2026-11-20", "how": "home page, 30 days", "proof": notice, "same_purpose": True}
    for bad in ({"contact": ""}, {"told": "2027-01-01"}, {"told": "x"}, {"how": " "}, {"proof": tmp_path / "none"},
                {"contact": f"call {PHONE}"}, {"how": "mail to someone@a.example"}):
        with pytest.raises(ParameterError):
            tell(case, found.id, "sue", **(good | bad))  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="no receiver"):
        tell(case, "Nobody", "sue", **good)  # type: ignore[arg-type]
    assert tell(case, found.id, "sue", **(good | {"same_purpose": False})).state == "needs_consent"  # type: ignore[arg-type]
    assert [x.state for x in board(case).lines if x.name == "receivers"] == ["red"]
    assert tell(case, found.id, "sue", **good).state == "proven"  # type: ignore[arg-type]


def test_a_review_has_owners_and_its_actions_end(shop: Callable[..., Case]) -> None:
    case = shop()
    words = "the freeze came late; the backup was good; ask partners earlier"
    for person, lessons, actions in (("op", words, ()), ("sue", "short", ()), ("sue", f"{words}: {PHONE}", ()),
                                     ("sue", words, (Action(text="x", owner="nobody", due="2026-12-01"),)),
                                     ("sue", words, (Action(text="x", owner="op", due="soon"),))):
        with pytest.raises((ParameterError, CaseError)):
            closing_review(case, person, lessons, actions)
    made = closing_review(case, "sue", words, [Action(text="ask partners in week one", owner="op", due="2026-12-01")])
    assert len(open_actions(case)) == compare(case).open_actions == 1
    with pytest.raises(ParameterError, match="neither owns"):
        action_done(case, made.id, 1, "ann")
    with pytest.raises(ParameterError, match="no action"):
        action_done(case, made.id, 2, "op")
    action_done(case, made.id, 1, "op")
    assert not open_actions(case)


def test_a_case_is_compared_with_itself_over_time(shop: Callable[..., Case]) -> None:
    case = shop()
    take_inventory(case)
    take_inventory(case)
    inspect(case, "ivy", only=("sealing",))
    found = compare(case)
    assert {s.step: s.runs for s in found.steps} == {"inventory": 2}
    assert found.findings == {"sealing": 1}
    assert found.repeated == ()


class TestChecklist:
    """Each duty has its evidence or is a gap."""

    def test_evidence_closes_a_gap(self, shop: Callable[..., Case]) -> None:
        case = shop(places='["CN", "EU", "US-CA", "KR"]')
        before = {(x.regime, x.duty): x.state for x in checklist(case).lines}
        assert before["CN", "classify"] == before["CN", "plan"] == before["EU", "recipients"] == "gap"
        assert {r for r, _ in before} == {"CN", "EU", "US-CA", "KR"}
        assert checklist(case).crossborder
        _known(case)
        rehearse(case, "error", "sue")
        after = {(x.regime, x.duty): x for x in checklist(case).lines}
        assert after["CN", "classify"].state == after["CN", "plan"].state == "evidence"
        assert after["CN", "classify"].refs[0].startswith("findings ")
        assert {x.state for (r, _), x in after.items() if r == "KR"} == {"gap"}, "no list was read: nothing is claimed"

    @pytest.mark.parametrize(("verdict", "overall", "proven"), [
        ("INCONCLUSIVE", "INCONCLUSIVE", False), ("FAILED", "FAILED", False), ("LOGICAL", "LOGICAL", False),
        ("STORE_CLEAN", "STORE_CLEAN", True), ("CRYPTO_ERASED", "LOGICAL", True)])
    def test_only_a_proven_erasure_is_evidence(self, shop: Callable[..., Case], verdict: Verdict, overall: Verdict,
                                               proven: bool) -> None:
        case = shop(places='["EU"]')
        case.save(Erasure(case_id=case.id, plan="0" * 64, dry_run=False, started=case.now(), ended=case.now(),
                          disposals=(DisposalResult(disposal="D001", source="shop", table="orders", action="delete", planned=1,
                                                    verdict=verdict),), verdict=overall))
        assert bool(EVIDENCE["erasure"](case)) is proven

    def test_an_empty_register_of_requests_is_no_evidence(self, shop: Callable[..., Case]) -> None:
        case = shop()
        assert EVIDENCE["requests"](case) == ""
        receive(case, "copy")
        assert EVIDENCE["requests"](case) == "1"

    @pytest.mark.parametrize("lang", ["zh", "en"])
    def test_the_article_30_record_has_its_fields_and_says_what_it_does_not_know(self, shop: Callable[..., Case], lang: str) -> None:
        """Facts E1: controller, DPO, purposes, subjects, categories, recipients, transfers, erasure limits, measures."""
        case = _known(shop(places='["CN", "EU"]'))
        found = article30(case, lang)
        assert len(found) == 9
        assert all(text for _, text in found)
        words = dict(found)
        assert "privacy@a.example" in " ".join(words.values())
        limits = list(words.values())[7]
        assert limits == load("regimes")["values"]["none"][lang], "no plan, so a person fills it in"
        assert PHONE not in json.dumps(found)


def test_algorithms_that_end_before_the_last_term_are_marked(shop: Callable[..., Case]) -> None:
    case = shop()
    assert not any(a.outlived for a in algorithms(case))
    case = _with(case, '[vault]\ncustodian = "档案馆"\ncustodian_until = 2056-12-31\n')
    found = {a.id: a for a in algorithms(case)}
    assert found["ed25519"].outlived
    assert not found["sha256"].outlived
    assert "x25519" not in found, "nothing is sealed yet"
    assert all(a.mark and a.replace_zh and a.replace_en for a in found.values())


def test_the_footprint_is_a_range_with_a_mark_and_needs_an_erasure(shop: Callable[..., Case]) -> None:
    case = _known(shop())
    with pytest.raises(CaseError, match="nothing was erased"):
        footprint(case)


@pytest.mark.parametrize("sort", SORTS)
def test_a_drill_is_seen_in_its_sandbox_and_touches_nothing(shop: Callable[..., Case], sort: Sort) -> None:
    case = _known(shop())
    sql(case, "UPDATE customers SET name = '陈秘密' WHERE id = 1")
    data = case.folder / "data"
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_mode) for p in data.iterdir()}
    assert due(case)
    value, item = rehearse(case, sort, "sue")
    assert value.seen
    assert value.opened_as.startswith(sort)
    assert item.drill
    assert "orders" in value.tables, "the scenario borrows the case's own names"
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_mode) for p in data.iterdir()} == before
    assert not list((case.folder / "drills").iterdir()), "the sandbox is gone"
    assert not due(case)
    with pytest.raises(ParameterError, match="no sort"):
        rehearse(case, "fire", "sue")  # type: ignore[arg-type]


def test_a_sandbox_holds_none_of_the_data(shop: Callable[..., Case], monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.governance import drills

    case = _known(shop())
    seen: list[bytes] = []
    monkeypatch.setitem(drills._PROVOKE, "error", lambda sandbox: (
        drills._error(sandbox), seen.extend(p.read_bytes() for p in sandbox.folder.rglob("*") if p.is_file()))[0])
    rehearse(case, "error", "sue")
    assert seen
    assert not [b for b in seen if PHONE.encode() in b or "顾客5".encode() in b]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_material_is_made_from_the_case_for_each_role(shop: Callable[..., Case], lang: str) -> None:
    case = _known(shop())
    _plan(case)
    said = {p.id: material(case, p.id, lang) for p in case.config.people}
    assert "2026-08-31" in said["op"][0]
    assert said["op"] != said["ann"] != said["ivy"]
    assert not any("{" in text for texts in said.values() for text in texts)
    assert PHONE not in str(said)


def test_the_desk_is_handed_to_a_named_custodian(shop: Callable[..., Case]) -> None:
    case = shop()
    with pytest.raises(ParameterError, match="no custodian"):
        hand_over_desk(case, "sue", contract="C-1", cost="prepaid")
    case = _with(case, '[vault]\ncustodian = "档案馆"\ncustodian_until = 2031-12-31\n')
    item, code = receive(case, "access", "sue")
    for person, contract, cost in (("op", "C-1", "x"), ("sue", "", "x"), ("sue", "C-1", " "), ("sue", PHONE, "x")):
        with pytest.raises(ParameterError):
            hand_over_desk(case, person, contract=contract, cost=cost)
    value = hand_over_desk(case, "sue", contract="C-1", cost="prepaid by the liquidation")
    assert value.open_requests == (item.id,)
    assert value.receipts == {item.id: hashlib.sha256(code.encode()).hexdigest()}
    assert [x.state for x in board(case).lines if x.name == "handover"] == ["done"]


def test_the_board_says_due_done_and_red(shop: Callable[..., Case]) -> None:
    case = shop()
    states = {x.name: x.state for x in board(case).lines}
    assert states["drills"] == states["training"] == states["partners"] == states["grants"] == "due"
    assert set(states) == set(load("board")["registers"])
    freeze(case)
    inspect(case, "ivy")
    assert {x.name for x in board(case).red} == {"inspection"}
