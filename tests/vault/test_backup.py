"""The sealed backup: complete, unreadable without keys, checkable without them, restorable, resumable."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from workbench.case import Case
from workbench.errors import VaultError
from workbench.vault import (
    check_media,
    close_window,
    open_object,
    protect,
    restore,
    restore_test,
    restoring,
    verify_sealed,
)
from workbench.vault.shred import holds_on
from workbench.vault.vault import open_vault

MakeCase = Callable[..., Case]


def all_bytes(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


def test_everything_is_sealed_in_two_places_and_no_plaintext_lies_there(make_case: MakeCase) -> None:
    """Both places hold the same objects, no canary and no table name, and coreutils' sha256sum agrees."""
    case = make_case()
    backup = protect(case)
    assert backup.table("shop", "customers").rows == 300
    assert {t.table for t in backup.tables if t.form == "file"} == {"clients.csv", "chat.txt"}
    for place in case.config.vault.places:
        data = all_bytes(case.resolve(place))
        assert b"CANARY" not in data
        assert b"customers" not in data
        folder = case.resolve(place) / backup.set_id
        assert hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest() == backup.manifest_sha256
        done = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, capture_output=True)
        assert done.returncode == 0
        assert all(p.stat().st_mode & 0o077 == 0 for p in folder.rglob("*"))


def test_a_second_run_seals_nothing_again(make_case: MakeCase) -> None:
    """protect returns the first backup while it is whole."""
    case = make_case()
    first = protect(case)
    assert protect(case) == first


def test_restore_equals_the_source(make_case: MakeCase, tmp_path: Path) -> None:
    """Counts and content digests of every table and file equal the source; files come back byte by byte."""
    case = make_case()
    protect(case)
    test = restore_test(case)
    assert test.ok
    assert test.against == "source"
    assert len(test.tables) == 7
    written = restore(case, tmp_path / "back")
    assert (tmp_path / "back/exports/files/clients.csv").read_bytes() == \
        (case.folder / "exports/clients.csv").read_bytes()
    assert any(p.suffix == ".parquet" for p in written)
    assert pq.read_table(tmp_path / "back/shop/tables/orders.parquet").num_rows == 900


def test_a_source_that_changed_fails_the_restore_test(make_case: MakeCase) -> None:
    """A row changed after sealing makes exactly its table unequal."""
    import sqlite3

    case = make_case()
    protect(case)
    with sqlite3.connect(case.folder / "shop.sqlite") as db:
        db.execute("UPDATE orders SET total = 0 WHERE id = 7")
    db.close()
    assert [c.table for c in restore_test(case).tables if not c.equal] == ["orders"]


@pytest.mark.parametrize("hurt", ["changed", "longer", "shorter", "gone"])
def test_a_file_that_changed_fails_the_restore_test(make_case: MakeCase, hurt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes are compared with the source's; the SHA-256 told is that of what was sealed, and stays with the case."""
    monkeypatch.setattr(restoring, "COMPARED", 7)
    case = make_case()
    path = case.folder / "exports/chat.txt"
    data = path.read_bytes()
    protect(case)
    if hurt == "gone":
        path.unlink()
    else:
        path.write_bytes({"changed": data[:-1] + b"?", "longer": data + b"\n", "shorter": data[:-1]}[hurt])
    test = restore_test(case)
    assert [c.table for c in test.tables if not c.equal and c.form == "file"] == ["chat.txt"]
    assert {c.table: c.sha256 for c in test.tables if c.form == "file"}["chat.txt"] == hashlib.sha256(data).hexdigest()
    path.write_bytes(data)
    assert restore_test(case).ok


def test_a_file_that_comes_back_as_another_is_found_without_its_source(make_case: MakeCase) -> None:
    """Against the seal: the size, and the SHA-256 that a restore test told before."""
    case = make_case()
    backup = protect(case)
    files = [t for t in backup.tables if t.form == "file"]
    assert restore_test(case).ok
    known = restoring.file_digests(case, backup)
    assert set(known) == {(t.source, t.table) for t in files}
    with open_vault(case) as vault:
        assert all(restoring.compare_file(vault, backup, t, 0, known=known[t.source, t.table]).equal for t in files)
        for a, b in (files, files[::-1]):
            taken = a.model_copy(update={"objects": b.objects})
            assert not restoring.compare_file(vault, backup, taken, 0).equal
            same_size = taken.model_copy(update={"bytes": b.bytes})
            assert not restoring.compare_file(vault, backup, same_size, 0, known=known[a.source, a.table]).equal


def test_each_changed_byte_is_found_and_named(make_case: MakeCase) -> None:
    """A flipped byte in any file of a sealed set is reported under that file's name."""
    case = make_case()
    protect(case)
    place = case.resolve(case.config.vault.places[1])
    assert verify_sealed(place) == ()
    for path in [p for p in sorted(place.rglob("*")) if p.is_file() and "keys" not in p.parts]:
        good = path.read_bytes()
        for at in {0, len(good) // 2, len(good) - 1}:
            path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
            named = {p.object for p in verify_sealed(place)}
            assert path.relative_to(place).as_posix() in named
        path.write_bytes(good)
    assert verify_sealed(place) == ()


def test_a_damaged_object_is_repaired_from_the_other_place(make_case: MakeCase) -> None:
    """protect copies a damaged object back from the place where it is whole."""
    case = make_case()
    backup = protect(case)
    path = next(case.resolve(case.config.vault.places[0]).rglob("*.age"))
    path.write_bytes(b"x")
    assert protect(case) == backup
    assert verify_sealed(case.resolve(case.config.vault.places[0])) == ()


def test_the_wrong_passphrase_is_told_from_damage(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong passphrase names the variable and changes nothing; none at all says how to set it."""
    case = make_case()
    protect(case)
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "another passphrase")
    with pytest.raises(VaultError, match="does not open this vault"):
        restore_test(case)
    monkeypatch.delenv("WORKBENCH_VAULT_PASSPHRASE")
    with pytest.raises(VaultError, match="no passphrase"):
        restore_test(case)


def test_closing_the_window_makes_the_backup_unreadable(make_case: MakeCase) -> None:
    """After close_window no object of the backup opens; a second call returns the first result."""
    case = make_case()
    backup = protect(case)
    object_id = backup.tables[0].objects[0]
    assert open_object(case, object_id)
    closed = close_window(case)
    assert closed.slots == 5  # three tables, the folder of files, the catalogue
    with pytest.raises(VaultError, match="destroyed"):
        open_object(case, object_id)
    with pytest.raises(VaultError, match="closed"):
        restore_test(case)
    assert close_window(case) == closed
    assert protect(case) == backup  # never seals anew by itself


def test_a_hold_keeps_the_window_open(make_case: MakeCase) -> None:
    """A legal hold on a table in the backup refuses the shred and names the hold."""
    case = make_case(extra='[[holds]]\nid = "court-1"\nreason = "r"\ncovers = ["shop.orders"]\n'
                                      "since = 2026-01-01\n")
    backup = protect(case)
    assert holds_on(case, {"shop.orders"}) == ("court-1",)
    with pytest.raises(VaultError, match="court-1"):
        close_window(case)
    assert open_object(case, backup.tables[0].objects[0])


def test_media_check_needs_no_key_and_names_a_missing_place(make_case: MakeCase,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    """check_media works without a passphrase and reports the place that is not there."""
    case = make_case()
    protect(case)
    monkeypatch.delenv("WORKBENCH_VAULT_PASSPHRASE")
    assert check_media(case).ok
    case.resolve(case.config.vault.places[1]).rename(case.folder / "elsewhere")
    assert [m.problems for m in check_media(case).media if not m.ok] == [("is not there",)]
