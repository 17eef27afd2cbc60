"""CHECKPOINT: the log's size and root as a C2SP signed note that ``openssl`` can check.

Text: origin, size, base64 root, each on a line; then one signature line per key:
``— name base64(hash4 || signature)`` with hash4 = SHA-256(name || 0x0A || algorithm || public)[:4]
(C2SP signed-note; algorithm 0x01 = Ed25519). A witness signs as cosignature/v1 (algorithm 0x04, a time before
the signature) over ``cosignature/v1\\ntime N\\n`` and the text.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workbench.errors import LedgerError
from workbench.ledger.keys import Signer, raw_public, verify

ED25519, COSIGNATURE = 1, 4


@dataclass(frozen=True)
class Checkpoint:
    """A log's size and root at one moment, with the signature lines that came along."""

    origin: str
    size: int
    root: bytes
    lines: tuple[tuple[str, bytes], ...] = ()
    """(key name, hash4 || signature) of each signature line"""

    @property
    def text(self) -> str:
        """The signed text, ending in a newline."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def render(self) -> str:
        """The whole note."""
        sigs = "".join(f"— {name} {base64.b64encode(blob).decode()}\n" for name, blob in self.lines)
        return f"{self.text}\n{sigs}"


def _hash4(name: str, algorithm: int, public: Ed25519PublicKey) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + raw_public(public)).digest()[:4]


def sign(checkpoint: Checkpoint, signer: Signer, name: str) -> Checkpoint:
    """``checkpoint`` with ``signer``'s line added under ``name``."""
    blob = _hash4(name, ED25519, signer.public) + signer.sign(checkpoint.text.encode())
    return Checkpoint(checkpoint.origin, checkpoint.size, checkpoint.root, (*checkpoint.lines, (name, blob)))


def cosign(checkpoint: Checkpoint, signer: Signer, name: str, time: int) -> Checkpoint:
    """``checkpoint`` with a witness's cosignature/v1 line; ``time`` in Unix seconds."""
    message = f"cosignature/v1\ntime {time}\n{checkpoint.text}".encode()
    blob = _hash4(name, COSIGNATURE, signer.public) + time.to_bytes(8, "big") + signer.sign(message)
    return Checkpoint(checkpoint.origin, checkpoint.size, checkpoint.root, (*checkpoint.lines, (name, blob)))


def signed_by(checkpoint: Checkpoint, public: Ed25519PublicKey, name: str) -> bool:
    """Whether a line of ``name`` carries a valid signature of ``public`` (several such lines: refused)."""
    mine = [b for n, b in checkpoint.lines if n == name and b[:4] == _hash4(name, ED25519, public)]
    return len(mine) == 1 and verify(public, mine[0][4:], checkpoint.text.encode())


def cosigned_by(checkpoint: Checkpoint, public: Ed25519PublicKey, name: str) -> int | None:
    """Unix time at which witness ``name`` cosigned, or None when it did not (or not validly)."""
    head = _hash4(name, COSIGNATURE, public)
    mine = [b for n, b in checkpoint.lines if n == name and b[:4] == head]
    if len(mine) != 1 or len(mine[0]) != 4 + 8 + 64:
        return None
    time = int.from_bytes(mine[0][4:12], "big")
    message = f"cosignature/v1\ntime {time}\n{checkpoint.text}".encode()
    return time if verify(public, mine[0][12:], message) else None


def parse(note: str, where: str = "checkpoint") -> Checkpoint:
    """Read a note; LedgerError when a line is missing, malformed or superfluous."""
    text, sep, tail = note.partition("\n\n")
    lines = text.split("\n")
    if not sep or len(lines) != 3 or not tail.endswith("\n"):
        raise LedgerError("the checkpoint is not a signed note of three lines", where=where)
    origin, size, root64 = lines
    try:
        root = base64.b64decode(root64, validate=True)
        number = int(size)
        canonical = base64.b64encode(root).decode() == root64 and str(number) == size
        if not canonical or number < 0 or len(root) != 32 or not origin:
            raise ValueError
        sigs = []
        for line in tail[:-1].split("\n"):
            dash, name, blob = line.split(" ")
            raw = base64.b64decode(blob, validate=True)
            if dash != "—" or len(raw) < 5 or base64.b64encode(raw).decode() != blob:
                raise ValueError
            sigs.append((name, raw))
    except ValueError:
        raise LedgerError("the checkpoint is malformed", where=where) from None
    return Checkpoint(origin, number, root, tuple(sigs))
