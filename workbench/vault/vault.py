"""VAULT, opened: one case's places, key table and journal. Every public function of the room starts here."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.errors import BadSetting, VaultError
from workbench.ledger import exclusive, write_durably
from workbench.vault import age, store
from workbench.vault.kek import KDF, harden, kek
from workbench.vault.keys import FileHolder, Holder, KeyTable, Slot
from workbench.vault.model import SealedObject
from workbench.vault.writer import open_stream

if TYPE_CHECKING:
    from workbench.case import Case

T = TypeVar("T")
ARCHIVE, CATALOGUE = "archive", "catalogue"
SETTINGS: dict[str, tuple[type, Any]] = {
    "object_mib": (int, 8), "argon2_mib": (int, 128), "holders": (list, ["holder"]), "places_due_days": (int, 30),
    "restore_due_days": (int, 90), "inspect_due_days": (int, 365), "pkcs11_module": (str, ""), "pkcs11_token": (str, ""),
    "remote": (str, ""), "cipher": (str, "age"), "pkcs11_pin_env": (str, ""), "kek": (str, "passphrase"),
}


def settings(case: Case) -> dict[str, Any]:
    """``[settings.vault]``, checked and completed."""
    given = case.settings("vault")
    for key, value in given.items():
        if key not in SETTINGS or not isinstance(value, SETTINGS[key][0]):
            raise BadSetting(f"settings.vault.{key} is unknown or of the wrong type",
                             "known: " + ", ".join(sorted(SETTINGS)), where="case.toml")
    if given.get("cipher", "age") not in ("age", "sm4"):
        raise BadSetting(f"settings.vault.cipher is {given['cipher']!r}", 'write "age" or "sm4"', where="case.toml")
    return {k: given.get(k, default) for k, (_, default) in SETTINGS.items()}


def holders_of(case: Case) -> tuple[Holder, ...]:
    """The places of the epoch secret, from ``[settings.vault] holders``; ``pkcs11`` is the token named beside it."""
    return tuple(_token_holder(case) if h == "pkcs11" else
                 FileHolder(case.resolve(h) if "/" in h else case.private("vault-private", h))
                 for h in settings(case)["holders"])


def token_of(case: Case) -> tuple[str, str]:
    """PKCS#11 module and token label of case.toml."""
    options = settings(case)
    if not options["pkcs11_module"] or not options["pkcs11_token"]:
        raise BadSetting("settings.vault names no token", "write pkcs11_module and pkcs11_token", where="case.toml")
    return options["pkcs11_module"], options["pkcs11_token"]


def _token_holder(case: Case) -> Holder:
    from workbench.vault.kek import passphrase
    from workbench.vault.token import Token, TokenHolder

    pin = passphrase(settings(case)["pkcs11_pin_env"] or case.config.vault.passphrase_env, least=4).decode()
    return TokenHolder(case.private("vault-private", "token"), Token(*token_of(case), pin), case.id)


def label_of(line: dict[str, Any]) -> str:
    """Label of the key under which the objects of a journal line are sealed."""
    return str(line.get("slot") or (line["sealed"]["source"] if "sealed" in line else CATALOGUE))


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
                     mib=self.options["argon2_mib"], create=create,
                     token=token_of(case) if self.options["kek"] == "pkcs11" else None)
        self.keys = KeyTable(self.folder / "keys", secret, holders_of(case), case.id, [p / "keys" for p in self.places],
                             self.options["cipher"])
        if create or self.keys.epoch:
            self.keys.begin()
            from workbench.vault.rewrite import finish

            finish(self)

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
        """Lines of a journal as they stand: what a rewrite replaced is not among them."""
        out: list[dict[str, Any]] = []
        for line in self.raw_journal(name):
            if "rewrite" in line:
                gone = set(line["rewrite"]["gone"])
                dead = [any(o["id"] in gone for o in old.get("objects", [])) for old in out]
                at = dead.index(True) if True in dead else len(out)
                out = [*out[:at], *line["rewrite"]["lines"], *(x for x, d in zip(out[at:], dead[at:], strict=True) if not d)]
            elif "lost" in line:
                out = [old for old in out if not any(o["id"] in line["lost"] for o in old.get("objects", []))]
            elif "tidied" not in line:
                out.append(line)
        return out

    def slot_of(self, set_id: str, object_id: str) -> Slot | None:
        """The living key of an object; None when it was destroyed, or no journal knows the object."""
        for line in self.journal(set_id):
            if any(o["id"] == object_id for o in line.get("objects", [])):
                label = label_of(line)
                return next((s for s in self.keys.slots.values() if (s.set, s.label) == (set_id, label)), None)
        return None

    def raw_journal(self, name: str) -> list[dict[str, Any]]:
        """Every line ever noted; a torn last line is dropped."""
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
        """Copy and verify every object in every place, then write the manifests; returns their common digest.

        Copying reads each object of the first place and compares it with its digest, which is when a medium that does not
        give back what was written is found. In a backup under way the object is noted as lost, so that running the step
        again seals that table anew.
        """
        digest = ""
        for n in range(len(self.places)):
            here = self.set_folder(n, set_id)
            if n:
                store.clean(here, {o.id for o in objects})
                for thing in objects:
                    try:
                        store.copy_object(thing, self.set_folder(0, set_id), here)
                    except age.Damaged:
                        if set_id.startswith("backup-") and not any("done" in line for line in self.journal(set_id)):
                            self.note(set_id, {"lost": [thing.id]})
                        raise
            digest = store.write_manifest(here, set_id, objects, generation)
        return digest

    def read(self, set_id: str, thing: SealedObject, identity: bytes, *, place: int | None = None) -> bytearray:
        """Plaintext of one object: from ``place``, or from the first place where it is whole."""
        return self._whole(set_id, place, lambda folder: store.read(folder, thing, identity))

    def stream(self, set_id: str, things: Sequence[SealedObject], identity: bytes, *,
               place: int | None = None) -> Iterator[memoryview]:
        """:meth:`read` of many objects, in order, by several threads. A view is good until the next one is asked for."""
        def one(thing: SealedObject, sealed: memoryview, plain: memoryview) -> memoryview:
            return self._whole(set_id, place, lambda folder: store.read_into(folder, thing, identity, sealed, plain))

        return open_stream(one, things)

    def _whole(self, set_id: str, place: int | None, read: Callable[[Path], T]) -> T:
        error: VaultError | None = None
        for n in range(len(self.places)) if place is None else (place,):
            try:
                return read(self.set_folder(n, set_id))
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
    with exclusive(case.private("vault-private") / "lock",
                   busy=VaultError("another process is working in this vault", "wait for it to end")):
        yield Vault(case, create=create)
