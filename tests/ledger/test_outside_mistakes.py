"""Mistakes with witnesses and keys are refused before anything is written: the ledger verifies as before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CASE_TOML
from workbench.case import Case, outside
from workbench.errors import CaseError, LedgerError
from workbench.records.verify import verify


@pytest.fixture
def case(make_case: Callable[..., Path]) -> Case:
    made = Case.open(make_case())
    made.begin()
    say(made, 1)
    return made


def say(case: Case, n: int) -> None:
    case.append("note/v1", {}, {"n": n, "at": case.now()}, "op")


@pytest.fixture
def stick(case: Case, tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    outside.new_witness(folder, case, "sue")
    return folder


def whole(case: Case, entries: int | None = None) -> None:
    again = Case.open(case.folder)
    assert verify(again.folder).ok, str(verify(again.folder))
    if entries is not None:
        assert len(again.ledger) == entries


def test_a_second_note_of_the_same_size_replaces_nothing(case: Case, stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed twice without a new entry between: the first stays; the same note again is no news."""
    path, _ = outside.cosign(stick, case.folder)
    first = tmp_path / "first.note"
    first.write_bytes(path.read_bytes())
    monkeypatch.setattr(outside.time, "time", lambda: _now() + 5)
    second, _ = outside.cosign(stick, case.folder)
    assert second.read_bytes() != first.read_bytes()
    outside.add_note(case, first)
    n = len(case.ledger)
    with pytest.raises(LedgerError, match="has cosigned the first"):
        outside.add_note(case, second)
    outside.add_note(case, first)
    whole(case, n)


def _now() -> float:
    return dt.datetime.now(dt.UTC).timestamp()


def test_a_note_may_come_under_any_name(case: Case, stick: Path, tmp_path: Path) -> None:
    """A mail programme's or a person's own name for it does not reach the case."""
    path, _ = outside.cosign(stick, case.folder)
    odd = tmp_path / "sue 检查点 (1).txt"
    odd.write_bytes(path.read_bytes())
    outside.add_note(case, odd)
    assert [p.name for p in (case.folder / "ledger" / "witness").iterdir()] == [path.name]
    whole(case)


def test_a_witness_from_the_future_is_refused(case: Case, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock one day ahead: said, and nothing kept."""
    monkeypatch.setattr(outside.time, "time", lambda: _now() + 86_400)
    path, _ = outside.cosign(stick, case.folder)
    n = len(case.ledger)
    with pytest.raises(LedgerError, match="set the clock"):
        outside.add_note(case, path)
    whole(case, n)


def test_a_retired_key_is_not_revoked_again(case: Case) -> None:
    """The old laptop's key, retired by a rotation, takes the new key with it no more."""
    old = case.signer("op").key_id
    outside.rotate(case, "op")
    with pytest.raises(LedgerError, match="signs no more already"):
        outside.revoke(case, old, "stolen")
    again = Case.open(case.folder)
    say(again, 2)
    whole(again)


def test_a_reason_keeps_no_number(case: Case) -> None:
    """What a ledger keeps for good is masked like every other text."""
    outside.revoke(case, case.signer("op").key_id, "call 13812345678")
    assert "13812345678" not in str([e.predicate for e in case.ledger.entries])


@pytest.mark.parametrize("person", ["log", "op"])
def test_a_rotation_that_was_cut_short_says_what_to_type(case: Case, person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the ledger's entry and the files: nothing signs with a retired key, and the hint mends it."""
    settle = outside._settle
    calls = iter([settle])
    monkeypatch.setattr(outside, "_settle", lambda c, p: next(calls)(c, p))
    with pytest.raises(StopIteration):
        outside.rotate(case, person)
    monkeypatch.setattr(outside, "_settle", settle)
    cut = Case.open(case.folder)
    n = len(cut.ledger)
    with pytest.raises(LedgerError, match=f"key rotate .* --as {person}"):
        say(cut, 3)
    with pytest.raises(LedgerError, match=f"key rotate .* --as {person}"):
        cut.begin()
    assert len(Case.open(case.folder).ledger) == n
    outside.rotate(Case.open(case.folder), person)
    again = Case.open(case.folder)
    again.begin()
    say(again, 3)
    whole(again)


def test_whoever_runs_cannot_witness(make_case: Callable[..., Path], tmp_path: Path) -> None:
    """A supervisor who is also the operator is no outside eye."""
    case = Case.open(make_case("both", CASE_TOML.replace('roles = ["operator"]', 'roles = ["operator", "supervisor"]')))
    case.begin()
    with pytest.raises(CaseError, match="may not witness"):
        outside.new_witness(tmp_path / "w", case, "op")


def test_a_key_on_a_stick_signs(case: Case, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor whose key is kept elsewhere can still act: the folder is named by environment."""
    with pytest.raises(LedgerError, match="WORKBENCH_KEY_FOLDER"):
        case.signer("sue")
    monkeypatch.setenv("WORKBENCH_KEY_FOLDER", str(stick))
    case.append("note/v1", {}, {"n": 1, "at": case.now()}, "sue")
    whole(case)
