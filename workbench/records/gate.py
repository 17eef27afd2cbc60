"""GATE: finished records are scanned before they are archived; a hit names file and place, never the value."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.i18n.masks import MASKS, UUID

# digests, base64 signatures and plotly's own code are not prose; what is left is scanned as text
_NOISE = re.compile(rf"\b[0-9a-f]{{32,128}}\b|[A-Za-z0-9+/]{{80,}}={{0,2}}|{UUID.pattern}")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def inspect(files: list[Path]) -> list[str]:
    """``file:line kind`` of everything in ``files`` that looks personal; figures hold plain lists, so text suffices."""
    return [h for path in files for h in inspect_text(path.name, path.read_text(encoding="utf-8", errors="replace"))]


def inspect_text(name: str, text: str) -> list[str]:
    """The same for one text that is called ``name``."""
    hits: list[str] = []
    text = _ESCAPED.sub(lambda m: chr(int(m[1], 16)), text)
    for number, line in enumerate(text.splitlines(), 1):
        clean = _NOISE.sub(" ", line)
        hits += [f"{name}:{number} {kind}" for kind, pattern in MASKS if pattern.search(clean)]
    return hits
