"""KEYS: random identities in slots of one table, sealed under HKDF(KEK, epoch secret).

Destroying an identity = writing the table without its slot under a new epoch, testing it, destroying the old epoch
secret. Every copy of every older table hangs from that secret alone, so copies and backups of the table do no harm.
The epoch secret must lie where it can be destroyed; :class:`FileHolder` says honestly that a file is a weak place.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from workbench.errors import VaultError
from workbench.ledger import write_durably
from workbench.values import Value
from workbench.vault import age, sealing, sm4
from workbench.vault.kek import KDF
from workbench.vault.model import HolderStrength
from workbench.vault.store import write_sums


class Slot(Value):
    """One identity. ``set``: backup-<id> or archive; ``label``: retention class, table or catalogue."""

    id: str
    identity: str
    """hex; lives only inside the sealed table"""
    set: str
    label: str
    cipher: sealing.Form = "age"

    def __repr__(self) -> str:
        return f"Slot({self.id}, {self.set})"

    __str__ = __repr__

    @property
    def key(self) -> bytes:
        """Raw identity, of the type of its container."""
        raw = bytes.fromhex(self.identity)
        return sm4.Secret(raw) if self.cipher == "sm4" else raw

    @property
    def recipient(self) -> bytes:
        """What seals for it."""
        return sealing.recipient(self.key)


class Holder(Protocol):
    """A place for epoch secrets that can destroy one: file, token, TPM, HSM or KMS."""

    def put(self, epoch: int, secret: bytes) -> None: ...

    def get(self, epoch: int) -> bytes | None: ...

    def destroy(self, epoch: int) -> None: ...

    def strength(self) -> HolderStrength: ...


class FileHolder:
    """Epoch secrets as files in a folder: works everywhere, proves little."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:06d}.secret"

    def put(self, epoch: int, secret: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(self._path(epoch), secret.hex().encode())

    def get(self, epoch: int) -> bytes | None:
        try:
            return bytes.fromhex(self._path(epoch).read_text())
        except (FileNotFoundError, ValueError):
            return None

    def destroy(self, epoch: int) -> None:
        path = self._path(epoch)
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return
        try:
            os.write(fd, os.urandom(os.fstat(fd).st_size))
            os.fsync(fd)
        finally:
            os.close(fd)
        path.unlink()
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def strength(self) -> HolderStrength:
        return HolderStrength(
            holder="file", strength="weak",
            zh="普通文件：已覆盖并删除，但闪存磨损均衡、文件系统日志与快照可能留有旧副本，不能证明已销毁。",
            en="plain file: overwritten and removed, but wear levelling, journals and snapshots may keep old copies; "
               "this is not proof of destruction.")


class KeyTable:
    """The open key table of one case. ``folder`` holds sealed tables and kdf.json; copies go to ``mirrors``."""

    def __init__(self, folder: Path, kek: bytes, holders: tuple[Holder, ...], case_id: str,
                 mirrors: Iterable[Path] = (), cipher: sealing.Form = "age") -> None:
        self.folder, self.holders, self.case_id, self.cipher = folder, holders, case_id, cipher
        self.mirrors = tuple(mirrors)
        self._kek = kek
        self.epoch, self.slots = 0, dict[str, Slot]()
        self._load()

    def __repr__(self) -> str:
        return f"KeyTable(epoch {self.epoch}, {len(self.slots)} slots)"

    def _table(self, epoch: int) -> Path:
        return self.folder / f"table-{epoch:06d}.sealed"

    def _root(self, secret: bytes) -> bytes:
        info = b"workbench vault root v1|" + self.case_id.encode()
        return HKDF(hashes.SHA256(), 32, None, info).derive(self._kek + secret)

    def _secret(self, epoch: int) -> bytes | None:
        found = [s for h in self.holders if (s := h.get(epoch)) is not None]
        return found[0] if found else None

    def _load(self) -> None:
        """Open the newest epoch that has both its table and its secret; finish or undo a shred that was cut short."""
        epochs = sorted((int(m[1]) for p in self.folder.glob("table-*.sealed")
                         if (m := re.fullmatch(r"table-(\d{6})\.sealed", p.name))), reverse=True)
        for epoch in epochs:
            secret = self._secret(epoch)
            slots = self._open(self._table(epoch), epoch, secret) if secret else None
            if slots is not None:
                self.epoch, self.slots = epoch, slots
                return
        if epochs:
            raise VaultError("the key table does not open: the epoch secret is missing or another vault's",
                             "bring the holder of the epoch secret back, or restore vault/keys from a place")

    def _open(self, path: Path, epoch: int, secret: bytes) -> dict[str, Slot] | None:
        data = path.read_bytes()
        if data.startswith(sm4.NAME):
            plain4 = sm4.opens(data, self._root_sm3(secret, epoch))
            return None if plain4 is None else {s["id"]: Slot(**s) for s in json.loads(plain4)}
        try:
            plain = AESGCM(self._root(secret)).decrypt(data[:12], data[12:], self._name(epoch))
        except InvalidTag:
            return None
        return {s["id"]: Slot(**s) for s in json.loads(plain)}

    def _root_sm3(self, secret: bytes, epoch: int) -> bytes:
        return sm4.derive(self._kek + secret, b"", b"workbench vault root sm3 v1|" + self._name(epoch))

    def _name(self, epoch: int) -> bytes:
        return f"workbench-keys/1|{self.case_id}|{epoch}".encode()

    def _write(self, path: Path, epoch: int, secret: bytes, slots: dict[str, Slot]) -> None:
        plain = json.dumps([s.model_dump() for s in slots.values()], sort_keys=True).encode()
        if self.cipher == "sm4":
            write_durably(path, bytes(sealing.encrypt(memoryview(plain), sm4.Secret(self._root_sm3(secret, epoch)))))
            return
        nonce = os.urandom(12)
        write_durably(path, nonce + AESGCM(self._root(secret)).encrypt(nonce, plain, self._name(epoch)))

    def _mirror(self) -> None:
        for folder in self.mirrors:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in (self.folder / KDF, self._table(self.epoch)):
                write_durably(folder / path.name, path.read_bytes())
            for old in (*folder.glob("table-*.sealed"), *folder.glob("*.tmp")):
                if old.name != self._table(self.epoch).name:
                    old.unlink()
            write_sums(folder)

    def begin(self) -> None:
        """Make epoch 1 if there is none, and drop what an interrupted shred left behind."""
        if self.epoch == 0:
            secret = os.urandom(32)
            for holder in self.holders:
                holder.put(1, secret)
            self.epoch = 1
            self._write(self._table(1), 1, secret, {})
        self._mirror()
        self._drop_others()

    def _drop_others(self) -> None:
        for path in self.folder.glob("table-*.staged"):
            path.unlink(missing_ok=True)
        for path in self.folder.glob("table-*.sealed"):
            epoch = int(path.stem.split("-")[1])
            if epoch != self.epoch:
                for holder in self.holders:
                    holder.destroy(epoch)
                path.unlink(missing_ok=True)
        for holder in self.holders:
            for epoch in (self.epoch - 1, self.epoch + 1):
                holder.destroy(epoch)

    def slot(self, set_: str, label: str) -> Slot:
        """The slot of that set and label, made (and written durably) when there is none."""
        for slot in self.slots.values():
            if (slot.set, slot.label) == (set_, label):
                return slot
        slot = Slot(id=os.urandom(8).hex(), identity=age.new_identity().hex(), set=set_, label=label, cipher=self.cipher)
        self.add((slot,))
        return slot

    def add(self, slots: Iterable[Slot]) -> None:
        """Write new slots into the table of the present epoch."""
        secret = self._secret(self.epoch)
        if secret is None:
            raise VaultError("the epoch secret is gone", "bring its holder back")
        merged = self.slots | {s.id: s for s in slots}
        self._write(self._table(self.epoch), self.epoch, secret, merged)
        self.slots = merged
        self._mirror()

    def shred(self, doomed: Iterable[str], test: Callable[[KeyTable], None] | None = None) -> int:
        """Destroy the slots named in ``doomed``; returns the new epoch.

        Order: new epoch secret on every holder and read back, new table written and opened, ``test`` passed, then the
        old secret destroyed. Cut short before that last step, the next :meth:`begin` completes it: the new table is
        whole as soon as it opens, and whoever asked for the shred had logged the intent first.
        """
        gone = set(doomed)
        kept = {k: v for k, v in self.slots.items() if k not in gone}
        old, new, secret = self.epoch, self.epoch + 1, os.urandom(32)
        before, staged = self.slots, self._table(new).with_suffix(".staged")
        try:
            for holder in self.holders:
                holder.put(new, secret)
                if holder.get(new) != secret:
                    raise VaultError("a holder did not keep the new epoch secret", "check the holder; nothing is lost")
            self._write(staged, new, secret, kept)
            if self._open(staged, new, secret) != kept:
                raise VaultError("the new key table does not read back", "nothing was destroyed; run it again")
            self.epoch, self.slots = new, kept
            if test is not None:
                test(self)
        except BaseException:
            self.epoch, self.slots = old, before
            for holder in self.holders:
                holder.destroy(new)
            staged.unlink(missing_ok=True)
            raise
        staged.replace(self._table(new))  # from here on the shred is decided: _load takes the new epoch
        _sync(self.folder)
        self._mirror()
        for holder in self.holders:
            holder.destroy(old)
        self._table(old).unlink(missing_ok=True)
        _sync(self.folder)
        return new

    def rekey(self, kek: bytes, switch: Callable[[], None]) -> int:
        """Seal the same slots under another KEK in a new epoch; ``switch`` replaces kdf.json durably in between."""
        old, new, secret = self.epoch, self.epoch + 1, os.urandom(32)
        for holder in self.holders:
            holder.put(new, secret)
        self._kek = kek
        self._write(self._table(new), new, secret, self.slots)
        if self._open(self._table(new), new, secret) != self.slots:
            raise VaultError("the new key table does not read back", "nothing was destroyed; run it again")
        switch()
        self.epoch = new
        self._mirror()
        for holder in self.holders:
            holder.destroy(old)
        self._table(old).unlink(missing_ok=True)
        _sync(self.folder)
        return new

    def strengths(self) -> tuple[HolderStrength, ...]:
        """What each holder's destruction proves."""
        return tuple(h.strength() for h in self.holders)


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
