"""VAULT, opened: one case's places, key table and journal. Every public function of the room starts here."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BadSetting, VaultError
from workbench.ledger import write_durably
from workbench.vault import store
from workbench.vault.kek import KDF, harden, kek
from workbench.vault.keys import FileHolder, Holder, KeyTable
from workbench.vault.model import SealedObject

if TYPE_CHECKING:
    from workbench.case import Case

ARCHIVE = "archive"
SETTINGS: dict[str, tuple[type, Any]] = {
    "object_mib": (int, 16), "argon2_mib": (int, 256), "holders": (list, ["holder"]), "places_due_days": (int, 30),
}


def settings(case: Case) -> dict[str, Any]:
    """``[settings.vault]``, checked and completed."""
    given = case.settings("vault")
    for key, value in given.items():
        if key not in SETTINGS or not isinstance(value, SETTINGS[key][0]):
            raise BadSetting(f"settings.vault.{key} is unknown or of the wrong type",
                             "known: " + ", ".join(sorted(SETTINGS)), where="case.toml")
    return {k: given.get(k, default) for k, (_, default) in SETTINGS.items()}


def holders_of(case: Case) -> tuple[Holder, ...]:
    """The places of the epoch secret, from ``[settings.vault] holders``."""
    return tuple(FileHolder(case.resolve(h) if "/" in h else case.private("vault-private", h))
                 for h in settings(case)["holders"])


class Vault:
    """Places, keys and journal of one case. Use :func:`open_vault`."""

    def __init__(self, case: Case, *, create: bool) -> None:
        self.case = case
        self.options = settings(case)
        self.folder = case.private("vault-private")
        self.places = tuple(case.resolve(p) for p in case.config.vault.places)
        self._restore_keys()
        harden()
        secret = kek(case.private("vault-private", "keys"), case.config.vault.passphrase_env,
                     mib=self.options["argon2_mib"], create=create)
        self.keys = KeyTable(self.folder / "keys", secret, holders_of(case), case.id, [p / "keys" for p in self.places])
        if create or self.keys.epoch:
            self.keys.begin()

    def _restore_keys(self) -> None:
        """Bring the sealed key table back from a place when the case folder lost it."""
        mine = self.case.private("vault-private", "keys")
        if (mine / KDF).exists():
            return
        for place in self.places:
            if (place / "keys" / KDF).exists():
                for path in (place / "keys").iterdir():
                    write_durably(mine / path.name, path.read_bytes())
                return

    # -- journal ---------------------------------------------------------------------------------------------

    def journal(self, name: str) -> list[dict[str, Any]]:
        """Lines of a journal; a torn last line is dropped."""
        path = self.folder / f"{name}.jsonl"
        if not path.exists():
            return []
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) != len(data):
            with path.open("r+b") as f:
                f.truncate(len(whole))
        return [json.loads(line) for line in whole.splitlines()]

    def note(self, name: str, line: dict[str, Any]) -> None:
        """Append one line and sync it."""
        path = self.folder / f"{name}.jsonl"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            os.write(fd, (json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n").encode())
            os.fsync(fd)
        finally:
            os.close(fd)

    # -- objects ---------------------------------------------------------------------------------------------

    def set_folder(self, place: int, set_id: str) -> Path:
        """Folder of a sealed set in one place."""
        return self.places[place] / set_id

    def put(self, set_id: str, plain: bytes | bytearray | memoryview, identity: bytes,
            recipient: bytes) -> SealedObject:
        """Seal into the first place; :meth:`spread` copies to the others."""
        return store.put(self.set_folder(0, set_id), plain, recipient, identity)

    def spread(self, set_id: str, objects: Sequence[SealedObject], generation: int = 1) -> str:
        """Copy and verify every object in every place, then write the manifests; returns their common digest."""
        digest = ""
        for n in range(len(self.places)):
            here = self.set_folder(n, set_id)
            if n:
                store.clean(here, {o.id for o in objects})
                for thing in objects:
                    store.copy_object(thing, self.set_folder(0, set_id), here)
            digest = store.write_manifest(here, set_id, objects, generation)
        return digest

    def read(self, set_id: str, thing: SealedObject, identity: bytes, *, place: int | None = None) -> bytearray:
        """Plaintext of one object: from ``place``, or from the first place where it is whole."""
        error: VaultError | None = None
        for n in range(len(self.places)) if place is None else (place,):
            try:
                return store.read(self.set_folder(n, set_id), thing, identity)
            except VaultError as e:
                error = error or e
        assert error is not None
        raise error


@contextmanager
def open_vault(case: Case, *, create: bool = False) -> Iterator[Vault]:
    """The vault of ``case``, held by this process alone.

    Raises:
        VaultError: no passphrase, the wrong one, no keys yet, or another process holds the vault.
    """
    fd = os.open(case.private("vault-private") / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VaultError("another process is working in this vault", "wait for it to end") from None
        yield Vault(case, create=create)
    finally:
        os.close(fd)
