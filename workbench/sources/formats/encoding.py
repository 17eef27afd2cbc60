"""ENCODING: which characters a text file is written in, decided on the whole file and never by guessing first."""

from __future__ import annotations

import codecs
from pathlib import Path

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CHUNK = 1 << 20
_HIGH = bytes(range(128, 256))


def encoding_of(path: Path) -> str:
    """A Python codec that decodes the whole file strictly, or the likeliest one (then decode with ``replace``).

    Order: byte order mark; UTF-8; GB18030 when the high bytes come in pairs as Chinese text has them; a guess.
    """
    with path.open("rb") as f:
        head = f.read(CHUNK)
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    even, odd = head[0:4096:2].count(0), head[1:4096:2].count(0)
    if even + odd > len(head[:4096]) // 4 and min(even, odd) * 10 <= max(even, odd):  # else a text with NUL bytes in it
        return "utf-16-le" if odd > even else "utf-16-be"
    if decodes(path, "utf-8"):
        return "utf-8"
    # a few broken bytes in UTF-8: few beside its other high bytes, not beside a mostly ASCII file
    if head.decode("utf-8", "replace").count("\ufffd") * 20 < len(head) - len(head.translate(None, _HIGH)):
        return "utf-8"
    if _paired(head) and decodes(path, "gb18030"):
        return "gb18030"
    from charset_normalizer import from_bytes

    best = from_bytes(head[:262_144]).best()
    if best is not None and decodes(path, best.encoding):
        return best.encoding
    return "gb18030" if _paired(head) else "latin-1"


def decodes(path: Path, encoding: str) -> bool:
    """Whether every byte of the file is valid in that encoding."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        with path.open("rb") as f:
            while chunk := f.read(CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _paired(head: bytes) -> bool:
    """GB text has its high bytes in runs of even length; Western text has them alone."""
    even = total = run = 0
    for byte in head[:200_000]:
        if byte >= 0x81:
            run += 1
            continue
        if run:
            total += run
            even += run if run % 2 == 0 else 0
            run = 0
    return total == 0 or even * 10 >= total * 7
