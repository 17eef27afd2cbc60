"""After the freeze every new row is an alarm; what an executed plan took is none."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CASE_TOML
from workbench.case import Case
from workbench.errors import CaseError
from workbench.freeze import Expected, check_freeze, destroy_key, freeze


@pytest.fixture
def case(make_case: Callable[..., Path]) -> Case:
    folder = make_case(toml=CASE_TOML + '[[sources]]\nname = "shop"\nurl = "sqlite:///s.sqlite"\n')
    db = sqlite3.connect(folder / "s.sqlite")
    db.execute("CREATE TABLE c (id INTEGER PRIMARY KEY, phone TEXT, birthday TEXT, at TEXT)")
    rows = [(i, f"p{i}", "1990-01-01", f"2026-08-{i % 28 + 1:02d} 10:00:00") for i in range(1, 101)]
    db.executemany("INSERT INTO c VALUES (?,?,?,?)", rows)
    db.execute("CREATE TABLE log (line TEXT)")
    db.executemany("INSERT INTO log VALUES (?)", [("same",)] * 3)
    db.commit()
    db.close()
    opened = Case.open(folder)
    opened.begin()
    freeze(opened)
    return opened


def change(case: Case, *statements: str) -> None:
    db = sqlite3.connect(case.folder / "s.sqlite")
    for s in statements:
        db.execute(s)
    db.commit()
    db.close()


def alarms(case: Case, *erased: Expected) -> list[tuple[str, str, int]]:
    return [(a.table, a.what, a.rows) for a in check_freeze(case, erased).alarms]


def test_nothing_happened(case: Case) -> None:
    """An untouched source raises no alarm, also when rows lie in another order."""
    assert alarms(case) == []
    change(case, "CREATE TABLE d AS SELECT * FROM log", "DROP TABLE log", "ALTER TABLE d RENAME TO log")
    assert alarms(case) == []


def test_birth_dates_are_not_kept(case: Case) -> None:
    """The freeze keeps the newest order date, never a birth date."""
    from workbench.freeze import Freeze

    table = next(t for t in case.load(Freeze).tables if t.table == "c")
    assert table.newest == {"at": "2026-08-28 10:00:00"}


def test_a_row_that_arrives_is_an_alarm(case: Case) -> None:
    """One inserted row and its newer time are alarms with table and count."""
    change(case, "INSERT INTO c VALUES (101, 'x', NULL, '2026-11-01 08:00:00')")
    assert alarms(case) == [("c", "added", 1), ("c", "newer", 0)]


def test_a_repeated_row_is_counted(case: Case) -> None:
    """In a table without a key, a fourth copy of a row is one added row."""
    change(case, "INSERT INTO log VALUES ('same')")
    assert alarms(case) == [("log", "added", 1)]


def test_changes_and_losses_before_any_plan_are_alarms(case: Case) -> None:
    """Editing two rows and deleting three, with no plan executed, is said so."""
    change(case, "UPDATE c SET phone = 'y' WHERE id <= 2", "DELETE FROM c WHERE id > 97")
    assert alarms(case) == [("c", "changed", 2), ("c", "removed", 3)]


def test_after_erasure_only_arrivals_alarm(case: Case) -> None:
    """Rows erased and columns cleared by plan are expected; a row added meanwhile is not."""
    change(case, "DELETE FROM c WHERE id <= 60", "UPDATE c SET phone = NULL",
           "INSERT INTO c VALUES (500, 'z', NULL, '2026-01-01 00:00:00')")
    assert alarms(case, Expected(source="shop", table="c", cleared=("phone",))) == [("c", "added", 1)]


def test_new_and_missing_tables(case: Case) -> None:
    """A table that appears is an alarm, one that vanishes too unless the plan took it."""
    change(case, "CREATE TABLE n (a TEXT)", "DROP TABLE c")
    assert alarms(case) == [("c", "missing_table", 100), ("n", "new_table", 0)]
    assert alarms(case, Expected(source="shop", table="c")) == [("n", "new_table", 0)]


def test_hashes_are_private_and_end_with_the_key(case: Case) -> None:
    """The row hashes are the owner's alone, and after the key is destroyed no check is possible."""
    folder = case.private("freeze")
    assert all(p.stat().st_mode & 0o077 == 0 for p in folder.iterdir())
    assert destroy_key(case)
    assert not destroy_key(case)
    with pytest.raises(CaseError, match="no freeze"):
        check_freeze(case)
