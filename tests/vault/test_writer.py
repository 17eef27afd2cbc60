"""Large files: parts by several threads, in order; a medium that lies is caught."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.case import Case
from workbench.errors import VaultError
from workbench.vault import age, protect, restore_test, store, writer
from workbench.vault.model import SealedObject
from workbench.vault.restoring import backup_batches
from workbench.vault.vault import open_vault


def opened(folder: Path, things: list[SealedObject], identity: bytes, workers: int) -> Iterator[bytes]:
    for view in writer.open_stream(lambda t, a, b: store.read_into(folder, t, identity, a, b), things, workers):
        yield bytes(view)


@pytest.mark.parametrize("size", [0, 1, 4096, 65_536, 65_537, 262_144, 1_000_001])
@pytest.mark.parametrize("workers", [1, 3])
def test_parts_come_back_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, workers: int) -> None:
    """Whatever the size, the parts together are the file, each opens, and each is 0600."""
    monkeypatch.setattr(writer, "PART", 131_072)
    data = os.urandom(size)
    (tmp_path / "x").write_bytes(data)
    identity = age.new_identity()
    things, length = writer.seal_stream(tmp_path / "x", tmp_path / "set", identity, workers)
    assert length == size
    assert b"".join(bytes(store.read(tmp_path / "set", t, identity)) for t in things) == data
    assert b"".join(opened(tmp_path / "set", things, identity, workers)) == data
    assert all((tmp_path / "set" / t.path).stat().st_mode & 0o777 == 0o600 for t in things)
    assert not list((tmp_path / "set").rglob("*.tmp"))


@pytest.mark.parametrize("hurt", ["flip", "cut", "longer", "gone"])
def test_a_damaged_part_is_named_and_what_comes_after_it_is_not_given(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hurt: str) -> None:
    """Parts before it come whole; then the error names the object, and its chunk where it can."""
    monkeypatch.setattr(writer, "PART", 131_072)
    (tmp_path / "x").write_bytes(os.urandom(600_000))
    identity = age.new_identity()
    things, _ = writer.seal_stream(tmp_path / "x", tmp_path, identity)
    path = tmp_path / things[2].path
    data = bytearray(path.read_bytes())
    data[70_000] ^= 1
    path.unlink()
    if hurt != "gone":
        path.write_bytes({"flip": bytes(data), "cut": data[:-9], "longer": data + b"x"}[hurt])
    came = []
    with pytest.raises(age.Damaged) as e:
        came.extend(opened(tmp_path, things, identity, 3))
    assert [len(c) for c in came] == [131_072] * 2
    assert things[2].id in e.value.where
    assert hurt != "flip" or e.value.chunks == (1,)


def test_a_file_that_changes_while_it_is_sealed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It grows meanwhile: half of it does not pass for all of it."""
    path, honest = tmp_path / "x", writer.put_direct
    path.write_bytes(b"x" * 1000)

    def growing(*a: object) -> SealedObject:
        with path.open("ab") as f:
            f.write(b"y")
        return honest(*a)  # type: ignore[arg-type]

    monkeypatch.setattr(writer, "put_direct", growing)
    with pytest.raises(VaultError, match="changed while"):
        writer.seal_stream(path, tmp_path / "set", age.new_identity())


def test_a_medium_that_gives_back_something_else_is_caught(make_case: Callable[..., Case], monkeypatch: pytest.MonkeyPatch) -> None:
    """A bit differs after writing: the backup does not count as done, and run again it seals that file anew."""
    case = make_case()
    honest, lied = writer.put_direct, []

    def lying(folder: Path, *a: object) -> SealedObject:
        thing = honest(folder, *a)  # type: ignore[arg-type]
        if not lied:
            lied.append(thing.id)
            path = folder / thing.path
            path.write_bytes(path.read_bytes()[:-1] + b"?")
        return thing

    with monkeypatch.context() as patch:
        patch.setattr(writer, "put_direct", lying)
        with pytest.raises(VaultError, match="not what was written"):
            protect(case)
    backup = protect(case)
    assert lied[0] not in {i for t in backup.tables for i in t.objects}
    assert len(backup.tables) == 7
    assert restore_test(case).ok
    for place in case.config.vault.places:
        assert store.verify_sealed(case.resolve(place)) == ()


def test_no_direct_access_is_no_hindrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without O_DIRECT: the same objects through the page cache."""
    honest = os.open

    def refusing(path: object, flags: int, *a: int, **k: int) -> int:
        if flags & os.O_DIRECT:
            raise OSError(22, "invalid argument")
        return honest(path, flags, *a, **k)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refusing)
    data = os.urandom(100_000)
    (tmp_path / "x").write_bytes(data)
    identity = age.new_identity()
    things, _ = writer.seal_stream(tmp_path / "x", tmp_path / "set", identity)
    assert bytes(store.read(tmp_path / "set", things[0], identity)) == data


def test_a_parquet_file_is_read_again_part_by_part(make_case: Callable[..., Case], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of a large Parquet file come out of the backup as they were; its parts are opened one by one."""
    monkeypatch.setattr(writer, "PART", 100_000)
    case = make_case()
    table = pa.table({"n": range(30_000), "word": [os.urandom(8).hex() for _ in range(30_000)]})
    pq.write_table(table, case.folder / "exports" / "big.parquet", row_group_size=5_000)
    backup = protect(case)
    sealed = next(t for t in backup.tables if t.table == "big.parquet")
    assert len(sealed.objects) > 3
    with open_vault(case) as vault:
        assert pa.Table.from_batches(backup_batches(vault, backup, "exports", "big.parquet")) == table
