"""One table and one person shredded: the hoarder finds none of it, the rest opens, whatever cuts the work short."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.vault.kills import dying
from tests.vault.test_full_disk import Small, onto, small, tried  # noqa: F401
from tests.vault.test_shred import Hoarder
from workbench.case import Case
from workbench.errors import ParameterError, VaultError
from workbench.inventory import take_inventory
from workbench.vault import (
    SealedBackup,
    archive_rows,
    archived_batches,
    protect,
    restore_into,
    restore_test,
    shred_person,
    shred_table,
    verify_sealed,
)
from workbench.vault import age as agefile
from workbench.vault.model import Shredded

MakeCase = Callable[..., Case]
PERSON = "王CANARYNAME00007"


def archived(case: Case) -> Any:
    """300 customers and what they bought, in one retention class; another class beside it."""
    customers = pa.record_batch({"id": list(range(1, 301)), "name": [f"王CANARYNAME{i:05d}" for i in range(1, 301)]})
    orders = pa.record_batch({"id": list(range(1, 901)), "customer_id": [1 + i % 300 for i in range(1, 901)],
                              "address": [f"CANARYADDR{i:05d} 上海路" for i in range(1, 901)]})
    other = pa.record_batch({"id": [1, 2], "who": ["CANARYOTHER1", "CANARYOTHER2"]})
    more = {"source": "shop", "retention_class": "cn.accounting/2040"}
    return (archive_rows(case, [customers], disposal="D-1", table="customers", columns=("id", "name"), **more),
            archive_rows(case, [orders], disposal="D-2", table="orders", columns=("id", "customer_id", "address"), **more),
            archive_rows(case, [other], disposal="D-3", source="shop", table="other", retention_class="cn.other/2030",
                         columns=("id", "who")))


def cells(hoarder: Hoarder, identities: list[bytes]) -> set[str]:
    """Every text cell of every kept object that those identities open, and the text of kept documents."""
    out: set[str] = set()
    for (name, _), data in hoarder.kept.items():
        for identity in set(identities) if name.endswith(".age") else ():
            try:
                plain = bytes(agefile.decrypt(data, identity))
            except agefile.Damaged:
                continue
            if plain[:4] == b"PAR1":
                for column in pq.read_table(io.BytesIO(plain)).columns:
                    out |= {str(v) for v in column.to_pylist()}
            else:
                out.add(plain.decode("utf-8", "replace"))
    return out


def has(found: set[str], word: str) -> bool:
    return any(word in cell for cell in found)


def places_are_whole(case: Case) -> None:
    backup = case.load(SealedBackup)
    for place in case.config.vault.places:
        assert verify_sealed(case.resolve(place), {backup.set_id: backup.manifest_sha256}) == ()


def test_the_hoarder_finds_nothing_of_a_shredded_person(make_case: MakeCase, tmp_path: Path) -> None:
    """Every version of every file and all living keys: no row of the person, nor of what points at them; every other row."""
    case = make_case()
    take_inventory(case)
    hoarder = Hoarder(case.folder)
    protect(case)
    hoarder.look()
    _, orders, other = archived(case)
    hoarder.look()
    assert has(cells(hoarder, hoarder.identities(case, tmp_path / "a")), PERSON)
    before = set((case.folder / "values").iterdir())
    done = shred_person(case, {"shop.customers": {"phone": ["13900000007"]}}, "request 7")
    hoarder.look()
    counted = {(t.set == "archive", t.table): t.rows for t in done.tables}
    assert counted == {(a, t): n for a in (False, True) for t, n in (("customers", 1), ("orders", 3))}  # by its primary key there
    mine = ["CANARYADDR00006", "CANARYADDR00306", "CANARYADDR00606"]
    written = b"".join(p.read_bytes() for p in set((case.folder / "values").iterdir()) - before)
    assert b"13900000007" not in written
    found = cells(hoarder, hoarder.identities(case, tmp_path / "b"))
    assert not any(has(found, word) for word in ("canarymail00007", "13900000007", *mine))
    assert all(f"canarymail{i:05d}@x.example" in found for i in range(1, 301) if i != 7)
    assert all(f"CANARYADDR{i:05d} 上海路" in found for i in range(1, 901) if i % 300 != 6)
    assert {"CANARYOTHER1", "CANARYOTHER2"} <= found
    assert sum(b.num_rows for b in archived_batches(case, orders)) == 897
    assert sum(b.num_rows for b in archived_batches(case, other)) == 2
    assert not has(found, PERSON)
    places_are_whole(case)
    test = restore_test(case)
    assert test.ok
    assert {c.table: c.rows_restored for c in test.tables if c.source == "shop"} == {"customers": 299, "orders": 897, "empty_one": 0}
    assert restore_into(case, f"sqlite:///{tmp_path / 'r.sqlite'}").ok
    assert protect(case) == case.load(SealedBackup)
    with pytest.raises(VaultError, match="no sealed row matches"):
        shred_person(case, {"shop.customers": {"id": [7]}}, "again")


def test_the_hoarder_finds_nothing_of_a_shredded_table(make_case: MakeCase, tmp_path: Path) -> None:
    """A table of a database, and a file with the table read from it: gone from backup and archive, not sealed again."""
    case = make_case()
    hoarder = Hoarder(case.folder)
    protect(case)
    customers, orders, _ = archived(case)
    hoarder.look()
    done = shred_table(case, "shop", "orders", "end of term")
    assert {(t.set == "archive", t.rows, t.whole) for t in done.tables} == {(False, 900, True), (True, 900, True)}
    shred_table(case, "exports", "clients.csv", "wrong folder")
    hoarder.look()
    found = cells(hoarder, hoarder.identities(case, tmp_path / "a"))
    assert not has(found, "CANARYADDR")
    assert not has(found, "CANARYCSV")
    assert {f"王CANARYNAME{i:05d}" for i in range(1, 301)} <= found
    assert has(found, "CANARYCHAT")
    assert sum(b.num_rows for b in archived_batches(case, customers)) == 300
    with pytest.raises(VaultError, match="destroyed"):
        list(archived_batches(case, orders))
    places_are_whole(case)
    backup = case.load(SealedBackup)
    assert {(t.table, t.form) for t in backup.tables} == {("customers", "parquet"), ("empty_one", "parquet"), ("chat.txt", "file"),
                                                          ("chat.txt", "parquet")}
    next(case.resolve(case.config.vault.places[0]).rglob("*.age")).unlink()
    assert {t.table for t in protect(case).tables} == {t.table for t in backup.tables}
    with pytest.raises(VaultError, match=r"nothing of shop\.orders is sealed"):
        shred_table(case, "shop", "orders", "again")


def test_originals_are_named_or_go_whole(make_case: MakeCase) -> None:
    """A CSV's table loses the row; the sealed original is named, and with ``files`` shredded."""
    case = make_case()
    protect(case)
    match = {"exports.clients.csv": {"电话": ["13800000009"]}}
    done = shred_person(case, match, "request")
    assert done.left == ("exports.clients.csv",)
    assert [(t.table, t.form, t.rows) for t in done.tables] == [("clients.csv", "parquet", 1)]
    match["exports.clients.csv"]["电话"] = ["13800000010"]
    done = shred_person(case, match, "request", files=True)
    assert {(t.table, t.form, t.whole) for t in done.tables} == {("clients.csv", "parquet", False), ("clients.csv", "file", True)}
    assert done.left == ()
    assert {(t.table, t.form) for t in case.load(SealedBackup).tables if t.source == "exports"} == {
        ("clients.csv", "parquet"), ("chat.txt", "parquet"), ("chat.txt", "file")}
    with pytest.raises(ParameterError, match=r"source\.table"):
        shred_person(case, {"shop": {"id": [1]}}, "request")


def test_a_hold_refuses_both_and_changes_nothing(make_case: MakeCase) -> None:
    """A hold on orders refuses the table and a person whose orders would go; every file stays as it was."""
    case = make_case(extra='[[holds]]\nid = "court-3"\nreason = "r"\ncovers = ["shop.orders"]\nsince = 2026-01-01\n')
    take_inventory(case)
    protect(case)
    state = {p: p.read_bytes() for p in case.folder.rglob("*.age")}
    for work in (lambda: shred_table(case, "shop", "orders", "r"), lambda: shred_person(case, {"shop.customers": {"id": [7]}}, "r")):
        with pytest.raises(VaultError, match="court-3"):
            work()
    assert {p: p.read_bytes() for p in case.folder.rglob("*.age")} == state
    assert shred_person(case, {"shop.customers": {"id": [7]}}, "r", follow=False).tables[0].rows == 1


@pytest.mark.parametrize("what", ["person", "table"])
def test_killed_at_every_stage(make_case: MakeCase, tmp_path: Path, what: str) -> None:
    """kill -9 before each fifth durable step: all that is kept opens at once, and the same command ends the work."""
    case = make_case()
    take_inventory(case)
    protect(case)
    _, orders, other = archived(case)

    def step(folder: Path) -> Shredded:
        now = Case.open(folder)
        if what == "table":
            return shred_table(now, "shop", "orders", "r")
        return shred_person(now, {"shop.customers": {"id": [7]}}, "r")

    after, killed = 0, 0
    while True:
        folder = tmp_path / "try"
        shutil.copytree(case.folder, folder)
        if not dying(step, folder, after):
            break
        killed += 1
        now = Case.open(folder)
        assert sum(b.num_rows for b in archived_batches(now, other)) == 2
        try:
            done = step(folder)
        except VaultError:  # the last stages: everything was done and told
            done = now.load(Shredded)
        assert sum(t.rows for t in done.tables) == (1800 if what == "table" else 8)
        now = Case.open(folder)
        places_are_whole(now)
        if what == "table":
            with pytest.raises(VaultError, match="destroyed"):
                list(archived_batches(now, orders))
        else:
            assert sum(b.num_rows for b in archived_batches(now, orders)) == 897
        shutil.rmtree(folder)
        after += 5
    assert killed >= 5


def test_a_full_disk_at_every_stage(small: Small, make_case: MakeCase) -> None:  # noqa: F811
    """0 to 256 KiB free, again and again, then room: what is kept opens after each failure, the person is gone in the end."""
    case = make_case()
    take_inventory(case)
    folder = onto(small, case)
    protect(Case.open(folder))
    _, orders, other = archived(Case.open(folder))
    failed = 0
    for kib in (0, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256):
        small.leave(kib)
        if not tried(folder, lambda c: shred_person(c, {"shop.customers": {"id": [7]}}, "r")):
            break
        failed += 1
        small.empty()
        assert sum(b.num_rows for b in archived_batches(Case.open(folder), other)) == 2
    small.empty()
    assert failed >= 3
    now = Case.open(folder)
    with suppress(VaultError):  # when the last of the tries above was whole
        shred_person(now, {"shop.customers": {"id": [7]}}, "r")
    assert sum(b.num_rows for b in archived_batches(now, orders)) == 897
    assert sum(t.rows for t in now.load(Shredded).tables) == 8
    places_are_whole(now)


def test_by_command_the_value_is_asked_for(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person's value comes from the prompt, never from argv; the answer names tables and counts, not the value."""
    from click.testing import CliRunner

    from workbench.vault.cli import vault

    case = make_case()
    take_inventory(case)
    protect(case)
    run = CliRunner().invoke(vault, ["shred-person", str(case.folder), "shop.customers:phone", "--reason", "r"],
                             input="13900000007\n")
    assert run.exit_code == 0, run.output
    assert "shop.customers" in run.output
    assert "13900000007" not in run.output
    run = CliRunner().invoke(vault, ["shred-table", str(case.folder), "shop.orders", "--reason", "r"])
    assert run.exit_code == 0, run.output
    assert "整体" in run.output
