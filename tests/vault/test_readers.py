"""Readers: some classes and columns, opened with Debian's age and their own key; removed, recalled, and nothing of ours given away."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from tests.vault.test_shred import Hoarder
from workbench.case import Case
from workbench.errors import ParameterError, VaultError
from workbench.vault import age, archive_rows, protect, shred_class, verify_sealed
from workbench.vault.readers import add_reader, readers, remove_reader
from workbench.vault.vault import open_vault

pytestmark = pytest.mark.skipif(not shutil.which("age"), reason="no age command on this machine")
MakeCase = Callable[..., Case]


@pytest.fixture
def archived(make_case: MakeCase) -> Case:
    case = make_case()
    protect(case)
    for name in ("one", "two"):
        batch = pa.record_batch({"id": [1, 2, 3], "name": [f"王CANARY{name}", None, ""], "amount": [1.5, 2.5, None]})
        archive_rows(case, [batch], disposal=f"D-{name}", source="shop", table=name, retention_class=f"cn.{name}/2040",
                     columns=("id", "name", "amount"))
    return case


def keygen(folder: Path, name: str) -> tuple[Path, str]:
    """A reader's key pair, made with Debian's age-keygen."""
    path = folder / name
    subprocess.run(["age-keygen", "-o", path], check=True, capture_output=True)
    return path, subprocess.run(["age-keygen", "-y", path], check=True, capture_output=True, text=True).stdout.strip()


def opened(folder: Path, key: Path) -> list[bytes]:
    """What Debian's age makes of every object with that key; objects that it refuses are left out."""
    runs = [subprocess.run(["age", "-d", "-i", key, p], capture_output=True) for p in sorted(folder.rglob("*.age"))]
    return [r.stdout for r in runs if r.returncode == 0]


def rows(plain: list[bytes]) -> list[dict[str, Any]]:
    return [r for p in plain if p[:4] == b"PAR1" for r in pq.read_table(io.BytesIO(p)).to_pylist()]


def test_a_reader_opens_their_columns_of_their_classes_and_no_more(archived: Case, tmp_path: Path) -> None:
    """In both places: exactly the class and the columns given; no object of the vault, nobody else's copy."""
    key, recipient = keygen(tmp_path, "ann")
    other, _ = keygen(tmp_path, "eve")
    copy = add_reader(archived, "ann", recipient, ["cn.one/2040"], "court order 7", columns=["id", "amount"])
    assert (copy.rows, copy.tables) == (3, ("shop.one",))
    for place in map(archived.resolve, archived.config.vault.places):
        mine = opened(place / "readers" / "ann", key)
        assert rows(mine) == [{"id": 1, "amount": 1.5}, {"id": 2, "amount": 2.5}, {"id": 3, "amount": None}]
        listing = [json.loads(p) for p in mine if p[:4] != b"PAR1"]
        assert [(x["table"], x["columns"]) for x in listing] == [("shop.one", ["id", "amount"])]
        assert opened(place, key) == mine
        assert opened(place, other) == []
        assert verify_sealed(place) == ()


def test_removed_and_recalled(archived: Case, tmp_path: Path) -> None:
    """Removing takes the copy out of every place; shredding a class takes out the copies of it and names the readers."""
    for name, classes in (("ann", ["cn.one/2040"]), ("bob", ["cn.two/2040"]), ("eve", ["cn.one/2040", "cn.two/2040"])):
        add_reader(archived, name, keygen(tmp_path, name)[1], classes, "r")
    assert remove_reader(archived, "ann").removed_at
    done = shred_class(archived, "cn.two/2040", "term ended")
    assert set(done.readers) == {"bob", "eve"}
    for place in map(archived.resolve, archived.config.vault.places):
        assert not list((place / "readers").rglob("*.age"))
        assert verify_sealed(place) == ()
    with open_vault(archived) as vault:
        assert readers(vault) == ()
    with pytest.raises(VaultError, match="no reader"):
        remove_reader(archived, "ann")
    with pytest.raises(VaultError, match="retention class"):
        add_reader(archived, "bob", keygen(tmp_path, "b2")[1], ["cn.two/2040"], "r")


def test_the_hoarder_with_a_removed_readers_key(archived: Case, tmp_path: Path) -> None:
    """Every version of every file and the key of a reader who was removed: the copy once given and nothing else, whatever is
    sealed, given or shredded afterwards; the vault's own keys, all of them, open no copy."""
    hoarder = Hoarder(archived.folder)
    key, recipient = keygen(tmp_path, "ann")
    add_reader(archived, "ann", recipient, ["cn.one/2040"], "court order 7", columns=["id", "amount"])
    hoarder.look()
    remove_reader(archived, "ann")
    archive_rows(archived, [pa.record_batch({"id": [9], "name": ["王CANARYlater"], "amount": [9.5]})], disposal="D-later",
                 source="shop", table="later", retention_class="cn.one/2040", columns=("id", "name", "amount"))
    hoarder.look()
    add_reader(archived, "bob", keygen(tmp_path, "bob")[1], ["cn.one/2040"], "court order 8")
    hoarder.look()
    shred_class(archived, "cn.one/2040", "term ended")
    hoarder.look()
    objects = {digest: data for (name, digest), data in hoarder.kept.items() if name.endswith(".age")}
    folder = tmp_path / "hoard"
    folder.mkdir()
    for n, data in enumerate(objects.values()):
        (folder / f"{n}.age").write_bytes(data)
    mine = opened(folder, key)
    assert rows(mine) == [{"id": 1, "amount": 1.5}, {"id": 2, "amount": 2.5}, {"id": 3, "amount": None}]
    assert len(mine) == 2  # the rows and the listing
    copies = {d for (name, _), d in hoarder.kept.items() if name.endswith(".age") and "readers/" in name}
    assert len(copies) >= 4
    for identity in set(hoarder.identities(archived, tmp_path / "k")):
        for data in copies:
            with pytest.raises(age.Damaged):
                age.decrypt(data, identity)


def test_a_mistyped_key_class_or_column_is_told(archived: Case, tmp_path: Path) -> None:
    """One wrong character of the key, an unknown class, an unknown column: nothing is written."""
    _, recipient = keygen(tmp_path, "ann")
    assert age.recipient_text(age.recipient_of(recipient)) == recipient
    for n in range(4, len(recipient)):
        wrong = recipient[:n] + ("q" if recipient[n] != "q" else "p") + recipient[n + 1:]
        with pytest.raises(ParameterError, match="no age recipient"):
            age.recipient_of(wrong)
    with pytest.raises(VaultError, match="retention class"):
        add_reader(archived, "ann", recipient, ["cn.none/2040"], "r")
    with pytest.raises(VaultError, match="column"):
        add_reader(archived, "ann", recipient, ["cn.one/2040"], "r", columns=["phone"])
    with pytest.raises(ParameterError, match="small letters"):
        add_reader(archived, "../ann", recipient, ["cn.one/2040"], "r")
    assert not (archived.resolve(archived.config.vault.places[0]) / "readers").exists()


def test_by_command(archived: Case, tmp_path: Path) -> None:
    """Add, list, remove; removing says what it cannot do."""
    from workbench.vault.cli import vault

    _, recipient = keygen(tmp_path, "ann")
    for words, told in ((["add-reader", "@", "ann", "--recipient", recipient, "--class", "cn.one/2040", "--reason", "r"], "3"),
                        (["readers", "@"], "cn.one/2040"), (["remove-reader", "@", "ann"], "无法收回"), (["readers", "@"], "没有读者")):
        run = CliRunner().invoke(vault, [str(archived.folder) if w == "@" else w for w in words])
        assert run.exit_code == 0, run.output
        assert told in run.output
