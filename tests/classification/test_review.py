"""Decisions are kept with who and why, replayed on the next run, and runs are comparable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.case import Case
from workbench.classification import classify
from workbench.classification.review import Correction, compare, correct
from workbench.errors import CaseError, ParameterError


@pytest.fixture
def case(make_case: Callable[..., Path]) -> Case:
    folder = make_case()
    rows = "\n".join(f"{i},1{3 + i % 7}{i * 79190001 % 10**9:09d},u{i}@x.cn" for i in range(60))
    (folder / "data" / "a.csv").write_text(f"n,code,mail\n{rows}\n", encoding="utf-8")
    opened = Case.open(folder)
    opened.begin()
    return opened


def of(findings: object, column: str) -> list[tuple[str | None, str]]:
    return [(f.detector, f.decided_by) for f in findings.findings if f.column == column]  # type: ignore[attr-defined]


def test_reject_accept_and_change_are_replayed(case: Case) -> None:
    """A rejected phone column stays rejected, an accepted one is signed, a changed one carries the new type."""
    first = classify(case)
    assert of(first, "code")[0][0] == "cn_mobile"
    correct(case, "files", "a.csv", "code", "cn_mobile", "reject", "our own order numbers", by="ann")
    correct(case, "files", "a.csv", "mail", "email", "accept", "checked ten rows")
    correct(case, "files", "a.csv", "n", "", "change", "member numbers", to="qq")
    second = classify(case)
    assert of(second, "code") == [(None, "ann")]
    assert of(second, "mail") == [("email", "op")]
    assert of(second, "n") == [("qq", "op")]
    kept = case.history(Correction)
    assert [c.reason for c in kept] == ["our own order numbers", "checked ten rows", "member numbers"]
    diff = compare(first, second)
    assert not diff.rules_changed
    assert {(d.column, d.what) for d in diff.differences} == {("code", "gone"), ("n", "appeared")}


def test_the_newest_decision_counts(case: Case) -> None:
    """A second thought replaces the first one; both stay in the history."""
    correct(case, "files", "a.csv", "code", "cn_mobile", "reject", "no phones")
    correct(case, "files", "a.csv", "code", "cn_mobile", "accept", "they are phones after all")
    assert of(classify(case), "code") == [("cn_mobile", "op")]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"reason": " "}, ParameterError),
        ({"detector": "nonsense"}, ParameterError),
        ({"decision": "change"}, ParameterError),
        ({"by": "nobody"}, CaseError),
    ],
)
def test_bad_corrections_are_refused(case: Case, given: dict[str, str], error: type[Exception]) -> None:
    """No reason, no such detector, a change to nothing, no such person: refused, and nothing is kept."""
    whole = {"source": "files", "table": "a.csv", "column": "code", "detector": "cn_mobile", "decision": "reject", "reason": "x"} | given
    with pytest.raises(error):
        correct(case, **whole)  # type: ignore[arg-type]
    assert case.history(Correction) == ()
