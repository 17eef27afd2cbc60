"""PUBLISHED: whether a ledger still begins with the entries whose root was published, on a public page or as a note.

A page (HTML or its copied text) or the ledger's own ``checkpoint`` file: every "origin, size, root" in it counts, root in
base64 (C2SP note) or hex. What was published before the bundle was packed is a prefix of its ledger, or the ledger is
another one.
"""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import VerificationError
from workbench.ledger import Ledger, note
from workbench.ledger.merkle import root_of

_POINT = re.compile(r"^(?P<origin>[^\s<>]{1,200})\n(?P<size>[1-9]\d{0,11})\n(?P<root>[0-9a-f]{64}|[A-Za-z0-9+/]{43}=)$", re.M)
_SIGNATURES = re.compile(r"\n\n((?:— \S+ \S+\n)+)")
_LIMIT = 4 << 20


@dataclass(frozen=True)
class Published:
    """One published checkpoint; ``note`` is set when signature lines came along."""

    origin: str
    size: int
    root: bytes
    note: note.Checkpoint | None = None


def read_published(path: Path) -> tuple[Published, ...]:
    """The checkpoints in a page or note; VerificationError when there are none or the file cannot be read."""
    try:
        data = path.read_bytes()[:_LIMIT]
        text = data.decode("utf-8-sig")
    except OSError as e:
        raise VerificationError(f"the published checkpoint cannot be read ({type(e).__name__})",
                                "name the page or the note", where=str(path)) from None
    except UnicodeDecodeError:
        raise VerificationError("the published checkpoint is no UTF-8 text", "save the page as HTML or text",
                                where=str(path)) from None
    if "<" in text:
        text = html.unescape(re.sub(r"<(/?)[^>]*>", r"\n", text))
    text = re.sub(r"[ \t\r\xa0]*\n", "\n", text + "\n")
    found = []
    for m in _POINT.finditer(text):
        root = m["root"]
        raw = bytes.fromhex(root) if len(root) == 64 else base64.b64decode(root)
        signed = _SIGNATURES.match(text, m.end())
        lines = note.parse(f"{m[0]}\n\n{signed[1]}", path.name) if signed and len(root) == 44 else None
        found.append(Published(m["origin"], int(m["size"]), raw, lines))
    if not found:
        raise VerificationError("there is no checkpoint in it (three lines: origin, number of entries, root)",
                                "name the public page or a copy of the ledger's checkpoint", where=str(path))
    return tuple(found)


def compare(ledger: Ledger, points: tuple[Published, ...]) -> str:
    """Say that ``ledger`` begins with everything that was published.

    Raises:
        VerificationError: another log, a signature that is not the log's, another history, or published later than
            the ledger's newest entry (then nothing can be said).
    """
    known = [p for p in points if p.size <= len(ledger)]
    for p in points:
        if p.origin != ledger.origin:
            raise VerificationError(f"it was published by another log ({p.origin}), this one is {ledger.origin}")
        if p.note is not None and not note.signed_by(p.note, ledger.log_key(p.size), p.origin):
            raise VerificationError("its signature is not this log's")
    if not known:
        raise VerificationError(f"it was published when the log had {min(p.size for p in points)} entries and this one has "
                                f"{len(ledger)}: nothing can be said", "compare it with a later bundle or the case folder")
    for p in known:
        if root_of(ledger.leaves[: p.size]) != p.root:
            raise VerificationError(f"the ledger's first {p.size} entries are not those that were published: its history was "
                                    "changed")
    sizes = ", ".join(str(p.size) for p in known)
    return f"the ledger's {len(ledger)} entries begin with the {sizes} that were published"
