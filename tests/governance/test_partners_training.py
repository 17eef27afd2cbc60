"""Partners end in the right state; training is signed and due again after a year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from workbench.case import Case
from workbench.errors import ParameterError
from workbench.governance.partners import ask, follow_up, letter, partners, take_certificate
from workbench.governance.texts import DATA, load, pairs
from workbench.governance.training import answer, explain, leaflet, quiz, standing

GOOD = {"partner": "courier", "contract": "C-2019", "systems": "TMS", "sets": "addresses", "copies": "none",
        "sub_processors": "none", "method": "delete and overwrite", "level": "purge", "date": "2026-11-20",
        "exceptions": "none", "signatory": "DPO", "evidence_sha256": "ab" * 32}


def _at(case: Case, day: str) -> Case:
    path = case.folder / "case.toml"
    text = path.read_text(encoding="utf-8")
    import re

    path.write_text(re.sub(r"as_of = .*", f"as_of = {day}", text), encoding="utf-8")
    return Case.open(case.folder)


def test_no_answer_is_reminded_then_escalated(shop: Callable[..., Case]) -> None:
    case = shop()
    assert partners(case)[0].state == "new"
    ask(case, "partner-001")
    assert follow_up(case) == ()
    case = _at(case, "2026-12-03")
    assert [p.state for p in follow_up(case)] == ["reminded"]
    assert follow_up(case) == ()
    case = _at(case, "2026-12-13")
    assert [p.state for p in follow_up(case)] == ["escalated"]


@pytest.mark.parametrize(("field", "text"), [("signatory", ""), ("date", "2027-01-01"), ("level", "gone"),
                                             ("evidence_sha256", "xyz"), ("copies", " ")])
def test_a_certificate_lacking_a_field_is_incomplete(shop: Callable[..., Case], field: str, text: str) -> None:
    case = shop()
    ask(case, "partner-001")
    assert take_certificate(case, "partner-001", GOOD | {field: text}, "op").state == "incomplete"
    assert partners(case)[0].wrong == (field,)
    case = _at(case, "2026-12-13")
    assert [p.state for p in follow_up(case)] == ["escalated"]


def test_a_good_certificate_ends_it_and_moves_risk(shop: Callable[..., Case]) -> None:
    case = shop()
    ask(case, "partner-001")
    assert take_certificate(case, "partner-001", GOOD, "op").state == "certified"
    assert {e.item: e.value for e in case.all_evidence()}["partners.certified"] == 1.0
    assert "C-2019" in letter(case, partners(case)[0], "ask", "zh")
    assert "2026-12-03" in letter(case, partners(case)[0], "ask", "en")


def test_bad_partner_input_is_refused(shop: Callable[..., Case]) -> None:
    case = shop()
    with pytest.raises(ParameterError, match="never asked"):
        take_certificate(case, "partner-001", GOOD, "op")
    ask(case, "partner-001")
    for call in (lambda: ask(case, "partner-001"), lambda: ask(case, "partner-009"),
                 lambda: take_certificate(case, "partner-001", {"colour": "red"}, "op")):
        with pytest.raises(ParameterError):
            call()


def test_a_quiz_is_made_from_the_case_and_its_result_is_signed_by_the_person(shop: Callable[..., Case]) -> None:
    case = shop()
    asked = quiz(case, "ann", "en")
    assert "2026-08-31" in next(q for q in asked if q.id == "stop").question
    key = {q["id"]: q["answer"] for q in load("quiz")["questions"]}
    wrong = answer(case, "ann", {q.id: 1 - key[q.id] if key[q.id] < 2 else 0 for q in asked})
    assert not wrong.passed
    assert len(explain(wrong.wrong, "zh")) == len(asked)
    assert answer(case, "ann", {q.id: key[q.id] for q in asked}).passed
    last = list(case.ledger.of_type("training/v1"))[-1]
    assert case.ledger.keys[last.key_id][0] == "ann"
    mine = next(s for s in standing(case) if s.person == "ann")
    assert mine.valid
    assert dt.date.fromisoformat(mine.due) >= dt.date.fromisoformat(mine.last[:10]) + dt.timedelta(days=365)
    assert {e.item: e.value for e in case.all_evidence()}["training.done"] == pytest.approx(1 / 5)
    with pytest.raises(ParameterError, match="no answer"):
        answer(case, "ann", {})
    assert "甲公司" in leaflet(case, "zh")


def test_the_quiz_panel_explains_and_takes_the_result(shop: Callable[..., Case]) -> None:
    import ipywidgets as w

    from workbench.ui.quiz_panel import quiz_panel

    case = shop()
    box = quiz_panel(case, "en")
    who, lesson, questions, word, button, told = box.children[:6]
    who.value = "ann"
    assert "Read before signing" in lesson.value
    button.click()
    assert "passphrase of 8 characters" in told.value, "a key that anybody could use is not made"
    word.value = "passphrase of ann"
    button.click()
    assert "no answer" in told.value
    key = {q["id"]: q["answer"] for q in load("quiz")["questions"]}
    radios = [c for c in questions.children if isinstance(c, w.RadioButtons)]
    asked = [q.id for q in quiz(case, "ann", "en")]
    for name, radio in zip(asked, radios, strict=True):
        radio.value = key[name]
    radios[0].value = 1 - key[asked[0]]
    word.value = "passphrase of ann"
    button.click()
    assert f"{len(asked) - 1}/{len(asked)}" in told.value
    assert explain((asked[0],), "en")[0].split(": ")[1] in told.value
    last = list(Case.open(case.folder).ledger.of_type("training/v1"))[-1]
    assert last.predicate["person"] == "ann"


@pytest.mark.parametrize("path", sorted(DATA.glob("*.yaml")), ids=lambda p: p.name)
def test_every_text_exists_in_both_languages(path: object) -> None:
    name = str(getattr(path, "stem", ""))
    found = list(pairs(load(name)))
    assert found
    for place, value in found:
        assert value.get("zh"), f"{name}{place} lacks Chinese"
        assert value.get("en"), f"{name}{place} lacks English"
