"""LEDGER: the append-only file of signed statements and its checkpoint.

``entries.jsonl`` holds one DSSE envelope a line; ``checkpoint`` the signed size and root. An append writes the
line, syncs it, then replaces the checkpoint: killed in between, the next writer drops a torn line or signs for a
whole one. One writer at a time (flock).
"""

from __future__ import annotations

import base64
import datetime as dt
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workbench.errors import LedgerError
from workbench.ledger import note
from workbench.ledger.keys import Signer, key_id, parse_public, public_pem, verify
from workbench.ledger.merkle import Tree, leaf_hash
from workbench.ledger.statement import Entry, pae, read, seal
from workbench.values import short

ENTRIES, CHECKPOINT = "entries.jsonl", "checkpoint"
LOG_KEY = "log"
TIME = "%Y-%m-%dT%H:%M:%SZ"
CLOCK = 300
"""seconds by which two clocks of one case may differ"""


@contextmanager
def exclusive(path: Path, busy: Exception | None = None) -> Iterator[None]:
    """Hold the lock file ``path`` (made 0600); waits for another holder, or raises ``busy`` at once when given."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            assert busy is not None
            raise busy from None
        yield
    finally:
        os.close(fd)


class Ledger:
    """The log in ``folder``. Reading checks every line; :meth:`append` needs the writer's and the log's key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[Entry] = []
        self.keys: dict[str, tuple[str, Ed25519PublicKey]] = {}
        """key id -> (owner's id, public key), from key/v1 entries that stand"""
        self.revoked: set[str] = set()
        """key ids that sign nothing more: revoked, or followed by a successor"""
        self._since: dict[str, int] = {}
        self._until: dict[str, int] = {}
        self._tree = Tree()
        self._offset = 0

    # -- reading -----------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, folder: Path) -> Ledger:
        """Read and check the log in ``folder`` (an empty one if there is none).

        Raises:
            LedgerError: naming the entry that is wrong.
        """
        log = cls(folder)
        log.refresh()
        return log

    def refresh(self) -> None:
        """Take in the whole lines written since; torn tails are left for the next writer."""
        try:
            with (self.folder / ENTRIES).open("rb") as f:
                f.seek(self._offset)
                data = f.read()
        except FileNotFoundError:
            return
        end = data.rfind(b"\n") + 1
        for line in data[:end].split(b"\n")[:-1]:
            self._take(line)
        self._offset += end

    def _take(self, line: bytes) -> None:
        entry = read(line, len(self.entries))
        if entry.predicate.get("prev") != self.root_hex:
            raise LedgerError(f"ledger entry {entry.seq} does not follow from the entries before it",
                              where=f"entry {entry.seq}")
        if entry.seq == 0:
            self._adopt(entry, genesis=True)
        known = self.keys.get(entry.key_id)
        if known is None or entry.key_id in self.revoked:
            raise LedgerError(f"ledger entry {entry.seq} is signed by a key that is not valid there",
                              where=f"entry {entry.seq}")
        if not verify(known[1], entry.signature, pae(entry.payload)):
            raise LedgerError(f"the signature of ledger entry {entry.seq} is wrong", where=f"entry {entry.seq}")
        if entry.seq and entry.type == "key/v1":
            self._adopt(entry)
        if entry.type == "roles/v1" and known[0] != LOG_KEY:
            raise LedgerError(f"ledger entry {entry.seq} gives roles it may not", where=f"entry {entry.seq}")
        self._tree.append(leaf_hash(line))
        self.entries.append(entry)

    def _adopt(self, entry: Entry, *, genesis: bool = False) -> None:
        p = entry.predicate
        if genesis and entry.type != "genesis/v1":
            raise LedgerError("the ledger does not begin with its genesis entry", where="entry 0")
        if "public" in p:
            public = parse_public(p["public"])
            signer = key_id(public)
            owner = self.keys.get(entry.key_id, ("",))[0]
            standing = [k for k, (o, _) in self.keys.items() if o == p.get("owner") and k not in self.revoked]
            # the log's key registers a person once; from then on a key brings in its successor, without new roles
            fits = owner == p.get("owner") and "roles" not in p if standing else owner == LOG_KEY
            if not genesis and (not fits or signer in self.keys):
                raise LedgerError(f"ledger entry {entry.seq} brings in a key it may not", where=f"entry {entry.seq}")
            if standing:
                if not verify(public, _b64(p.get("proof", "")), successor_text(self.origin, entry.key_id, signer)):
                    raise LedgerError(f"ledger entry {entry.seq} brings in a key that did not sign for itself",
                                      where=f"entry {entry.seq}")
                for old in standing:
                    self._retire(old, entry.seq)
            self.keys[signer] = (LOG_KEY if genesis else str(p["owner"]), public)
            self._since[signer] = entry.seq
        if "revokes" in p:
            signer_, victim = self.keys.get(entry.key_id, ("",))[0], self.keys.get(str(p["revokes"]), ("",))[0]
            if victim == LOG_KEY or signer_ not in (LOG_KEY, victim):
                raise LedgerError(f"ledger entry {entry.seq} revokes a key it may not", where=f"entry {entry.seq}")
            self._retire(str(p["revokes"]), entry.seq)

    def _retire(self, key: str, seq: int) -> None:
        self.revoked.add(key)
        self._until.setdefault(key, seq)

    def standing(self, seq: int) -> set[str]:
        """Ids of the keys that were valid at entry ``seq``: by place in the log, not by a clock."""
        return {k for k, since in self._since.items() if since <= seq <= self._until.get(k, seq)}

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def root_hex(self) -> str:
        """Root over the entries read so far, hex."""
        return self._tree.root().hex()

    def root_at(self, size: int) -> bytes:
        """Root over the first ``size`` entries."""
        return self._tree.root_at(size)

    @property
    def leaves(self) -> list[bytes]:
        """Leaf hashes, in order."""
        return self._tree.leaves

    @property
    def origin(self) -> str:
        """The log's own name; unique per case folder."""
        if not self.entries:
            raise LedgerError("the ledger is empty", "workbench run CASE case")
        return str(self.entries[0].predicate["origin"])

    def log_key(self, size: int | None = None) -> Ed25519PublicKey:
        """Public key that signs checkpoints of ``size`` entries: the newest the log had by then."""
        keys = [k for kid, (owner, k) in self.keys.items()
                if owner == LOG_KEY and (size is None or self._since[kid] < size)]
        if not keys:
            raise LedgerError("the ledger names no key of its own", where="entry 0")
        return keys[-1]

    def of_type(self, type_: str) -> Iterator[Entry]:
        """Entries of one type, oldest first."""
        return (e for e in self.entries if e.type == type_)

    def checkpoint(self) -> note.Checkpoint:
        """The checkpoint as it lies in the folder; LedgerError when missing or malformed."""
        try:
            text = (self.folder / CHECKPOINT).read_text(encoding="utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            raise LedgerError("the ledger has no readable checkpoint", where=CHECKPOINT) from None
        return note.parse(text)

    def check(self) -> note.Checkpoint:
        """Compare entries with the checkpoint; returns it.

        Raises:
            LedgerError: wrong signature, origin, size or root, or a torn line at the end.
        """
        cp = self.checkpoint()
        if (self.folder / ENTRIES).stat().st_size != self._offset:
            raise LedgerError(f"there are stray bytes after ledger entry {len(self) - 1}", where=ENTRIES)
        if cp.origin != self.origin:
            raise LedgerError("the checkpoint belongs to another log", where=CHECKPOINT)
        if not note.signed_by(cp, self.log_key(), self.origin):
            raise LedgerError("the checkpoint's signature is wrong", where=CHECKPOINT)
        if cp.size != len(self):
            verb = "missing" if cp.size > len(self) else "more than it"
            n = abs(cp.size - len(self))
            raise LedgerError(f"the checkpoint counts {cp.size} entries, the ledger has {len(self)}: {n} {verb}",
                              where=f"entry {min(cp.size, len(self))}")
        if cp.root != self._tree.root():
            raise LedgerError("the entries do not add up to the checkpoint's root", where=CHECKPOINT)
        return cp

    # -- writing -----------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, folder: Path, name: str, log_signer: Signer, predicate: dict[str, Any]) -> Ledger:
        """Begin a log named ``winddown-workbench/NAME/RANDOM`` with a genesis entry; no-op when it exists."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = cls.open(folder)
        if not log.entries:
            origin = f"winddown-workbench/{name}/{short(secrets.token_hex(16))}"
            body = predicate | {"origin": origin, "owner": LOG_KEY, "public": public_pem(log_signer.public)}
            log.append("genesis/v1", {}, body, log_signer, log_signer)
        return log

    def append(
        self, type_: str, subjects: dict[str, str], predicate: dict[str, Any], signer: Signer, log_signer: Signer
    ) -> Entry:
        """Add one statement, durable when this returns.

        ``seq`` and ``prev`` are filled here. Raises LedgerError when the log on disk is broken or the key unknown.
        """
        with exclusive(self.folder / ".lock"):
            self._mend(log_signer)
            self._not_before(str(predicate.get("at", "")))
            line = seal(type_, subjects, predicate | {"seq": len(self), "prev": self.root_hex}, signer)
            fd = os.open(self.folder / ENTRIES, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
            try:
                data = line + b"\n"
                while data:
                    data = data[os.write(fd, data) :]
                os.fsync(fd)
                offset = self._offset
                self.refresh()
                self._sign(log_signer)
            except OSError as e:  # a part of the line may stand there: cut off here or by the next writer
                os.ftruncate(fd, self._offset)
                raise LedgerError(f"the ledger cannot be written ({errno.errorcode.get(e.errno or 0, 'OSError')})",
                                  "free the disk or mend its rights, then run again", where=str(self.folder)) from None
            except LedgerError:  # an entry that may not stand must not lie in the file either
                os.ftruncate(fd, offset)
                vars(self).update(vars(Ledger.open(self.folder)))
                raise
            finally:
                os.close(fd)
            return self.entries[-1]

    def _not_before(self, at: str) -> None:
        """Refuse a clock that was turned back: ``at`` (ISO 8601, UTC) must not lie before the newest entry's."""
        last = max((t for e in self.entries[-20:] if (t := str(e.predicate.get("at", "")))), default="")
        if at and last and at < earlier(last, CLOCK):
            raise LedgerError(f"this machine's clock says {at}, the ledger's newest entry says {last}",
                              "set the clock, then run again", where=f"entry {len(self)}")

    def _mend(self, log_signer: Signer) -> None:
        """Drop a torn tail left by a killed writer; sign for whole lines it did not get to sign for."""
        self.refresh()
        path = self.folder / ENTRIES
        if path.exists() and path.stat().st_size > self._offset:
            with path.open("r+b") as f:
                f.truncate(self._offset)
                os.fsync(f.fileno())
        if not self.entries:
            return
        try:
            cp = self.checkpoint()
        except LedgerError:
            if len(self) > 1:
                raise
            cp = None
        if cp is None or cp.size == len(self) - 1:
            self._sign(log_signer)
        elif cp.size != len(self):
            raise LedgerError(f"the checkpoint counts {cp.size} entries, the ledger has {len(self)}",
                              "workbench verify CASE", where=CHECKPOINT)

    def _sign(self, log_signer: Signer) -> None:
        cp = note.Checkpoint(self.origin, len(self), self._tree.root())
        write_durably(self.folder / CHECKPOINT, note.sign(cp, log_signer, self.origin).render().encode())


def earlier(at: str, seconds: int) -> str:
    """``at`` (``2026-11-23T08:00:00Z``) minus ``seconds``; an unreadable time stays as it is."""
    try:
        return (dt.datetime.strptime(at, TIME) - dt.timedelta(seconds=seconds)).strftime(TIME)
    except ValueError:
        return at


def successor_text(origin: str, old: str, new: str) -> bytes:
    """What a key signs to take over from another (key ids) in the log ``origin``."""
    return f"winddown-workbench successor\n{origin}\n{old}\n{new}\n".encode()


def _b64(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except ValueError:
        return b""


def write_durably(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` so that a crash leaves the old bytes or the new ones; mode 0600."""
    temp = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(fd, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        temp.replace(path)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
