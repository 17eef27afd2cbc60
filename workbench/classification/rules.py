"""RULES: detectors and word lists as data files, turned into the small tables the kernel reads.

Detector fields: ``id``, ``zh``, ``en``, ``slot`` (what the kernel recognises) or ``group`` (a closed vocabulary), ``kind`` (how a
column is decided, see :mod:`workbench.classification.decide`), ``category`` (law packs' tree), ``sensitive``, ``context`` and
``against`` (words in a column's name or comment), ``chance`` (rate at which random candidates pass the check), ``source``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["check", "number", "shape", "context", "name", "address", "birth", "vocabulary"]


@dataclass(frozen=True)
class Detector:
    """One type of personal information and how it is told."""

    id: str
    zh: str
    en: str
    kind: Kind
    category: str
    sensitive: bool
    slot: str = ""
    also: str = ""
    """a second slot whose cells count too"""
    group: str = ""
    context: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    chance: float = 0.0
    share: float = 0.5
    needs_context: bool = False
    source: str = ""
    country: str = "*"


@dataclass(frozen=True)
class Rules:
    """Everything a scan follows. Picklable; the arrays are built where they are used."""

    detectors: tuple[Detector, ...]
    today: int
    """scan's day as yyyymmdd: decides minors and future dates"""
    key: tuple[int, int] = (0, 0)
    """key of the sketches; a case has its own random one"""
    digest: str = ""
    groups: dict[str, int] = field(default_factory=dict)

    def tables(self) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
        """(character classes of U+4E00..9FFF, open-addressed vocabulary) for the kernel."""
        return _tables(self.key)


def load_rules(today: int, key: tuple[int, int] = (0, 0)) -> Rules:
    """The rules this package ships, for one day and one sketch key."""
    found: list[Detector] = []
    for name in sorted(p.name for p in _folder("detectors").iterdir() if p.name.endswith(".yaml")):
        found += read_detectors(_text("detectors", name))
    digest = hashlib.sha256()
    for folder in ("detectors", "lexicon"):
        for p in sorted(_folder(folder).iterdir(), key=lambda p: p.name):
            if p.is_file():
                digest.update(p.name.encode() + b"\0" + p.read_bytes())
    groups = {k: v["number"] for k, v in _words().items() if isinstance(v, dict)}
    return Rules(tuple(found), today, key, digest.hexdigest(), groups)


def read_detectors(text: str) -> list[Detector]:
    """Detectors of one YAML file."""
    import yaml

    data = yaml.safe_load(text)
    out = []
    for item in data["detectors"]:
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in item.items() if k not in ("match", "not")}
        out.append(Detector(country=data.get("country", "*"), **fields))
    return out


def words_of(name: str) -> frozenset[str]:
    """Words of a column's name: ``billingAddr_2`` gives billing, addr, billingaddr, billing_addr; Chinese stays whole."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    parts = [p for p in re.split(r"[^0-9a-zA-Z\u4e00-\u9fff]+", plain.lower()) if p]
    parts = [p.strip("0123456789") or p for p in parts]
    out = set(parts)
    for size in (2, 3):
        for i in range(len(parts) - size + 1):
            out.add("".join(parts[i : i + size]))
            out.add("_".join(parts[i : i + size]))
    return frozenset(out)


def context_hits(words: tuple[str, ...], name: str, comment: str = "") -> tuple[str, ...]:
    """Words of the list that the column's name or comment holds, sorted."""
    mine = words_of(name) | words_of(comment)
    text = f"{name} {comment}"
    return tuple(sorted(w for w in set(words) if (w in mine if w.isascii() else w in text)))


def _folder(name: str) -> Any:
    return files("workbench.classification").joinpath(name)


def _text(*parts: str) -> str:
    return str(files("workbench.classification").joinpath(*parts).read_text(encoding="utf-8"))


@cache
def _words() -> dict[str, Any]:
    import yaml

    data: dict[str, Any] = yaml.safe_load(_text("lexicon", "words.yaml"))
    return data


def _list(name: str) -> list[str]:
    return [line for line in _text("lexicon", name).splitlines() if line and not line.startswith("#")]


@cache
def _tables(key: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    import numpy as np

    from workbench.sources.keyed import siphash_reference

    words = _words()
    chars = np.zeros(0x5200, np.uint8)
    lines = _list("surnames_zh.txt")
    single, compound = lines[0], lines[1]
    for text, bit in (
        (words["plate_heads"], 1), (single, 2), ("".join(_list("given_zh.txt")), 4),
        (words["admin"], 8), (words["road"], 16), (words["number"], 32),
    ):  # fmt: skip
        for c in text:
            chars[ord(c) - 0x4E00] |= bit
    entries: dict[int, int] = {}
    for pairs, bit in ((words["provinces"], 1), (compound.split(), 2)):
        for pair in pairs:
            at = (0xC0DE << 48) | (ord(pair[0]) << 16) | ord(pair[1])
            entries[at] = entries.get(at, 0) | bit
    for value in words.values():
        if isinstance(value, dict):
            for word in value["words"]:
                entries.setdefault(siphash_reference(str(word).encode(), key), value["number"])
    first, _, last = _text("lexicon", "names_en.txt").split("\n", 1)[1].partition("---")
    for names, group in ((first, 200), (last, 201)):
        for word in names.split():
            entries.setdefault(siphash_reference(word.encode(), key), group)
    size = 1 << 13
    while size < len(entries) * 3:
        size *= 2
    table = np.zeros((size, 2), np.uint64)
    for h, group in sorted(entries.items()):
        i = h & (size - 1)
        while table[i, 0]:
            i = (i + 1) & (size - 1)
        table[i] = (h, group)
    return chars, table
