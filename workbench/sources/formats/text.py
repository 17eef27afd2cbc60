"""TEXT: one row a line, column ``text``: notes, logs, chat exports in any encoding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workbench.sources.formats import CELL_BYTES, NotThisFormat, Part, text_batches, text_schema
from workbench.sources.formats.encoding import encoding_of

OVERLAP = 200


def parts(path: Path) -> list[Part]:
    """The file as one table; NotThisFormat when it is not text."""
    with path.open("rb") as f:
        head = f.read(8192)
    encoding = encoding_of(path)
    if not encoding.startswith("utf-16") and not encoding.startswith("utf-32"):
        control = sum(b < 9 or 13 < b < 32 for b in head)
        if control * 20 > len(head):
            raise NotThisFormat("not a format this version reads")
    rows = sum(1 for _ in lines(path, encoding))
    schema = text_schema(["text"])
    return [
        Part("", f"text/{encoding}", schema, rows, lambda n: text_batches(schema, ([t] for t in lines(path, encoding)), n))
    ]


def lines(path: Path, encoding: str) -> Iterator[str]:
    """Non-empty lines; a line longer than 1 MB comes in pieces that overlap."""
    with path.open("r", encoding=encoding, errors="replace") as f:
        carry = ""
        while piece := f.readline(CELL_BYTES):
            text = carry + piece
            if not piece.endswith("\n") and len(piece) >= CELL_BYTES:
                yield text
                carry = text[-OVERLAP:]
                continue
            carry = ""
            if text.strip():
                yield text.rstrip("\r\n")
