"""EML, MBOX: a message is a row: sender, receivers, subject, date and the text of its parts; attached files are named, not opened."""

from __future__ import annotations

import email
import mailbox
import re
from collections.abc import Iterator
from email.message import EmailMessage, Message
from email.policy import default
from pathlib import Path

from workbench.sources.formats import CELL_BYTES, NotThisFormat, Part, text_batches, text_schema

NAMES = ("from", "to", "cc", "subject", "date", "body", "attachments")


def parts(path: Path) -> list[Part]:
    """The mailbox or the message as one table."""
    rows = sum(1 for _ in _rows(path))
    if not rows:
        raise NotThisFormat("holds no message")
    schema = text_schema(NAMES)
    kind = "mbox" if path.suffix.lower() == ".mbox" else "eml"
    return [Part("", kind, schema, rows, lambda n: text_batches(schema, _rows(path), n))]


def _rows(path: Path) -> Iterator[list[str | None]]:
    if path.suffix.lower() == ".mbox":
        box = mailbox.mbox(path, factory=None, create=False)
        try:
            for key in box.iterkeys():
                yield _row(email.message_from_bytes(box.get_bytes(key), policy=default))
        finally:
            box.close()
        return
    with path.open("rb") as f:
        yield _row(email.message_from_binary_file(f, policy=default))


def _row(message: Message | EmailMessage) -> list[str | None]:
    bodies: list[str] = []
    files: list[str] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        try:
            name = part.get_filename()
            if name:
                files.append(name)
                continue
            if part.get_content_maintype() == "text":
                raw = part.get_payload(decode=True)
                text = _decoded(raw if isinstance(raw, bytes) else b"", part.get_content_charset() or "")
                bodies.append(re.sub(r"<[^>]{1,2000}>", " ", text) if part.get_content_subtype() == "html" else text)
        except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
            continue
    heads = [_head(message, name) for name in NAMES[:5]]
    return [*heads, "\n".join(bodies)[: CELL_BYTES * 8], "; ".join(files)]


def _head(message: Message | EmailMessage, name: str) -> str | None:
    try:
        found = message.get_all(name, [])
        return "; ".join(str(v) for v in found) or None
    except (ValueError, LookupError, AttributeError, TypeError, IndexError, RecursionError):
        return None


def _decoded(raw: bytes, charset: str) -> str:
    for name in (charset, "utf-8", "gb18030"):
        try:
            return raw.decode(name)
        except (LookupError, UnicodeDecodeError, ValueError):
            continue
    return raw.decode("latin-1")
