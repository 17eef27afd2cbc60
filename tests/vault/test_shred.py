"""Shredding: the hoarder keeps every version of every file, and still opens nothing that was shredded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.vault.conftest import PASS
from workbench.case import Case
from workbench.errors import VaultError
from workbench.vault import age as agefile
from workbench.vault import (
    archive_rows,
    archived_batches,
    close_window,
    open_object,
    protect,
    shred_class,
)
from workbench.vault.kek import KDF, kek
from workbench.vault.keys import FileHolder, KeyTable
from workbench.vault.shares import rotate_passphrase
from workbench.vault.vault import open_vault

MakeCase = Callable[..., Case]


def rows_of(case: Case, name: str, n: int = 500) -> Any:
    batch = pa.record_batch({"id": list(range(n)), "who": [f"CANARY{name}{i:05d}" for i in range(n)]})
    return archive_rows(case, [batch], disposal=f"D-{name}", source="shop", table=name, retention_class=f"cn.{name}/2040",
                        columns=("id", "who"))


class Hoarder:
    """Keeps every version of every file below a folder, but for the epoch secrets' holder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kept = folder, dict[tuple[str, bytes], bytes]()

    def look(self) -> None:
        import hashlib

        for path in self.folder.rglob("*"):
            if path.is_file() and "holder" not in path.parts:
                data = path.read_bytes()
                self.kept[(path.relative_to(self.folder).as_posix(), hashlib.sha256(data).digest())] = data

    def identities(self, case: Case, folder: Path, passwords: Iterable[str] = ("WORKBENCH_VAULT_PASSPHRASE",)) -> list[bytes]:
        """Every identity that any kept key table gives up to all the secrets still alive, under any kept kdf.json.

        ``passwords``: the variables that hold the passphrases known to the hoarder.
        """
        out = []
        holder = FileHolder(case.folder / "vault-private" / "holder")
        tables = [data for (name, _), data in sorted(self.kept.items()) if "table-" in name]
        for m, secret in enumerate(self._keks(folder, passwords)):
            for n, data in enumerate(tables):
                here = folder / f"hoard-{m}-{n}"
                here.mkdir(parents=True)
                for alias in range(1, 6):  # also under other epochs' names
                    (here / f"table-{alias:06d}.sealed").write_bytes(data)
                try:
                    table = KeyTable(here, secret, (holder,), case.id)
                except VaultError:
                    continue
                out += [s.key for s in table.slots.values()]
        return out

    def _keks(self, folder: Path, passwords: Iterable[str]) -> set[bytes]:
        """What each passphrase gives with each kept kdf.json that it fits."""
        out = set()
        for n, data in enumerate({d for (name, _), d in self.kept.items() if name.endswith(KDF)}):
            here = folder / f"kdf-{n}"
            here.mkdir(parents=True)
            (here / KDF).write_bytes(data)
            for env in passwords:
                with suppress(VaultError):
                    out.add(kek(here, env))
        return out

    def recovered(self, identities: list[bytes]) -> bytes:
        """Everything that those identities open among all kept objects."""
        out = b""
        for (name, _), data in self.kept.items():
            if name.endswith(".age"):
                for identity in set(identities):
                    try:
                        out += bytes(agefile.decrypt(data, identity))
                    except agefile.Damaged:
                        continue
        return out


def text(case: Case, rows: Any) -> list[str]:
    return [w for b in archived_batches(case, rows) for w in b.column("who").to_pylist()]


def test_the_hoarder_recovers_nothing_that_was_shredded(make_case: MakeCase, tmp_path: Path) -> None:
    """After the window closes and one class is shredded: 0 of those rows from all old files and all living keys."""
    case = make_case()
    hoarder = Hoarder(case.folder)
    backup = protect(case)
    hoarder.look()
    gone, kept = rows_of(case, "gone"), rows_of(case, "kept")
    hoarder.look()
    before = hoarder.recovered(hoarder.identities(case, tmp_path / "a"))
    assert before.count(b"PAR1") > 4  # everything opens while the keys live
    close_window(case)
    hoarder.look()
    shred_class(case, "cn.gone/2040", "term ended")
    hoarder.look()
    after = hoarder.identities(case, tmp_path / "b")
    alive = hoarder.recovered(after)
    import io

    import pyarrow.parquet as pq

    assert alive.count(b"CANARYgone") == 0
    tables = [pq.read_table(io.BytesIO(bytes(agefile.decrypt(d, i)))) for (n, _), d in hoarder.kept.items()
              for i in set(after) if n.endswith(".age") and _opens(d, i)]
    cells = [str(w) for t in tables if "who" in t.column_names for w in t.column("who").to_pylist()]
    assert len(cells) == 500 * len([1 for t in tables if "who" in t.column_names])
    assert all(c.startswith("CANARYkept") for c in cells)
    assert cells
    assert text(case, kept) == [f"CANARYkept{i:05d}" for i in range(500)]
    with pytest.raises(VaultError, match="destroyed"):
        text(case, gone)
    with pytest.raises(VaultError, match="destroyed"):
        open_object(case, backup.tables[0].objects[0])


def _opens(data: bytes, identity: bytes) -> bool:
    try:
        return bytes(agefile.decrypt(data, identity)[:4]) == b"PAR1"
    except agefile.Damaged:
        return False


def test_the_hoarder_after_a_rotation(make_case: MakeCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old passphrase with every old file opens nothing any more; the new one opens everything, and after a shred only the rest."""
    case = make_case()
    hoarder = Hoarder(case.folder)
    protect(case)
    gone, kept = rows_of(case, "gone"), rows_of(case, "kept")
    hoarder.look()
    monkeypatch.setenv("OLD_PASS", PASS)
    assert len(set(hoarder.identities(case, tmp_path / "a", ["OLD_PASS"]))) > 4
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "another good passphrase")
    rotate_passphrase(case, "OLD_PASS")
    hoarder.look()
    assert hoarder.identities(case, tmp_path / "b", ["OLD_PASS"]) == []
    assert len(set(hoarder.identities(case, tmp_path / "c", ["OLD_PASS", "WORKBENCH_VAULT_PASSPHRASE"]))) > 4
    assert len(text(case, gone)) == 500
    shred_class(case, "cn.gone/2040", "term ended")
    hoarder.look()
    alive = hoarder.identities(case, tmp_path / "d", ["OLD_PASS", "WORKBENCH_VAULT_PASSPHRASE"])
    with open_vault(case) as vault:
        sealed = [vault.set_folder(0, "archive") / o.path for o in gone.objects]
    objects = {name: data for (name, _), data in hoarder.kept.items() if name.endswith(".age")}
    mine = [objects[p.relative_to(case.folder).as_posix()] for p in sealed]
    assert mine
    assert not any(_opens(data, i) for data in mine for i in set(alive))
    assert text(case, kept) == [f"CANARYkept{i:05d}" for i in range(500)]


def test_a_hold_stops_the_shredding_of_a_class(make_case: MakeCase) -> None:
    """A hold on a table in the class refuses and names itself; nothing is destroyed."""
    case = make_case(extra='[[holds]]\nid = "court-2"\nreason = "r"\ncovers = ["shop.gone"]\nsince = 2026-01-01\n')
    protect(case)
    gone = rows_of(case, "gone")
    with pytest.raises(VaultError, match="court-2"):
        shred_class(case, "cn.gone/2040", "term ended")
    assert len(text(case, gone)) == 500


@pytest.mark.parametrize("stage", ["put", "write", "test", "replace", "destroy"])
def test_a_fault_at_each_stage_of_a_shred(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """An error at any stage leaves either everything or the archive alone; the next run ends the same."""
    from workbench.vault import shred

    case = make_case()
    backup = protect(case)
    kept = rows_of(case, "kept")

    def boom(*a: Any, **k: Any) -> None:
        raise OSError(28, "no space left")

    with monkeypatch.context() as patch:
        if stage == "put":
            patch.setattr(FileHolder, "put", boom)
        elif stage == "write":
            patch.setattr(KeyTable, "_write", boom)
        elif stage == "test":
            patch.setattr(shred, "_archive_opens", boom)
        elif stage == "replace":
            whole = Path.replace
            patch.setattr(Path, "replace", lambda self, to: boom() if "vault-private" in str(to) else whole(self, to))
        else:
            patch.setattr(KeyTable, "_mirror", boom)
        with pytest.raises((OSError, VaultError)):
            close_window(case)
    assert len(text(case, kept)) == 500
    if stage in ("put", "write", "test", "replace"):
        assert open_object(case, backup.tables[0].objects[0])
    close_window(case)
    assert len(text(case, kept)) == 500
    with pytest.raises(VaultError, match="destroyed"):
        open_object(case, backup.tables[0].objects[0])
