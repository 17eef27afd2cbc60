"""RULES: detectors and word lists as data files, turned into the small tables the kernel reads.

Detector fields: ``id``, ``zh``, ``en``, ``slot`` (what the kernel recognises) or ``group`` (a closed vocabulary), ``kind`` (how a
column is decided, see :mod:`workbench.classification.decide`), ``category`` (law packs' tree), ``sensitive``, ``context`` and
``against`` (words in a column's name or comment), ``chance`` (rate at which random candidates pass the check), ``source``,
``reports`` (the detector whose other way of writing this is). See README.md beside the files for all of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from unicodedata import normalize

from workbench.classification.shapes import Shapes, automaton
from workbench.errors import ParameterError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["check", "number", "shape", "context", "name", "address", "birth", "vocabulary", "codes", "pattern"]


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
    named: float = 0.3
    """share of known words that is enough where the column's name agrees: no list of illnesses is complete"""
    needs_context: bool = False
    """looked for only where the column's name agrees"""
    pattern: str = ""
    """RE2 pattern, for detectors that the byte pass does not know"""
    shape: str = ""
    """what all the pattern finds holds somewhere, see :mod:`workbench.classification.shapes`: where it isn't, nothing is looked for"""
    check: str = ""
    """named check of what the pattern finds, see patterns.check_of"""
    alone: float = 0.0
    """kind context: share of the cells, checked and whole, that is enough without a name (0: never)"""
    reports: str = ""
    """detector under whose id it is reported: masked or loosely written values of the same type; at least ``share`` of the cells"""
    codes: tuple[str, ...] = ()
    """codes and ranges of codes (``0-120``, ``000-999``) that mean this in a column named so"""
    unchecked: tuple[str, ...] = ()
    """names under which a column of the shape is enough, though check digits fail (spoilt by a spreadsheet, account numbers)"""
    match: tuple[str, ...] = ()
    """examples that must match"""
    no_match: tuple[str, ...] = ()
    """examples that must not"""
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
    unsupported: tuple[str, ...] = ()
    """asked for, and nothing here finds it"""

    def patterns(self, column: str) -> tuple[Detector, ...]:
        """Pattern detectors to run on a column of that name."""
        return tuple(d for d in self.detectors if d.pattern and (not d.needs_context or context_hits(d.context, column)))

    def code_hashes(self, detector: Detector) -> frozenset[int]:
        """Keyed hashes of the cells that are one of the detector's codes, as text or as a number."""
        return _code_hashes(detector.codes, self.key)

    def tables(self) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
        """(character classes of U+4E00..9FFF, open-addressed vocabulary) for the kernel."""
        return _tables(self.key)

    def shapes(self) -> Shapes:
        """The automaton of all shapes that the detectors name."""
        return automaton(tuple(sorted({d.shape for d in self.detectors if d.shape})))


def load_rules(today: int, key: tuple[int, int] = (0, 0), extra: Sequence[Path] = (), only: Sequence[str] = ()) -> Rules:
    """The rules this package ships and users' own (``extra``), for one day and one sketch key.

    ``only``: detector ids wanted; those we lack are in ``Rules.unsupported``. Raises: ParameterError for a bad rule file.
    """
    found: list[Detector] = []
    for name in sorted(p.name for p in _folder("detectors").iterdir() if p.name.endswith(".yaml")):
        found += read_detectors(_text("detectors", name))
    digest = hashlib.sha256()
    for folder in ("detectors", "lexicon"):
        for p in sorted(_folder(folder).iterdir(), key=lambda p: p.name):
            if p.is_file():
                digest.update(p.name.encode() + b"\0" + p.read_bytes())
    for path in extra:
        found += _own(path)
        digest.update(b"own\0" + path.read_bytes())
    twice = [d.id for i, d in enumerate(found) if d.id in {e.id for e in found[:i]}]
    if twice:
        raise ParameterError(f"the detector id {twice[0]!r} is used twice", "give your detector another id")
    known = {d.id for d in found}
    unsupported = tuple(sorted(set(only) - known))
    if only:
        found = [d for d in found if d.id in set(only) or d.reports in set(only)]
    groups = {k: v["number"] for k, v in _words().items() if isinstance(v, dict)}
    return Rules(tuple(found), today, key, digest.hexdigest(), groups, unsupported)


def read_detectors(text: str) -> list[Detector]:
    """Detectors of one YAML file."""
    import yaml

    data = yaml.safe_load(text)
    out = []
    for item in data["detectors"]:
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in item.items() if k != "not"}
        if "not" in item:
            fields["no_match"] = tuple(item["not"])
        out.append(Detector(**{"country": data.get("country", "*"), **fields}))
    return out


_OWN = {"id", "zh", "en", "pattern", "check", "context", "against", "category", "sensitive", "needs_context", "source", "match", "not"}


def _own(path: Path) -> list[Detector]:
    """A user's rule file, checked field by field, its examples tried."""
    import yaml

    from workbench.classification.patterns import check_of

    def bad(what: str) -> ParameterError:
        return ParameterError(what, "see workbench/classification/detectors/README.md for the fields", where=str(path))

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        items = data["detectors"]
    except (yaml.YAMLError, OSError, UnicodeDecodeError, TypeError, KeyError) as e:
        raise bad(f"the rule file cannot be read ({type(e).__name__})") from None
    for item in items:
        wrong = sorted(set(item) - _OWN)
        missing = sorted({"id", "pattern", "category"} - set(item))
        if wrong or missing:
            raise bad(f"detector {item.get('id', '?')!r}: " + (f"unknown field {wrong[0]}" if wrong else f"no field {missing[0]}"))
        check_of(item.get("check", ""))
        for name, want in (("match", True), ("not", False)):
            for n, example in enumerate(item.get(name, ()), 1):
                if _try(item, str(example)) != want:
                    raise bad(f"detector {item['id']!r}: example {n} under {name!r} does not behave")
        item.setdefault("zh", item["id"])
        item.setdefault("en", item["id"])
        item.setdefault("sensitive", False)
        item.update(kind="pattern", source=item.get("source", f"own rule ({path.name})"))
    return read_detectors(yaml.safe_dump(data))


def _try(item: dict[str, Any], text: str) -> bool:
    import pyarrow as pa

    from workbench.classification.patterns import scan_pattern

    d = Detector(item["id"], "", "", "pattern", "", False, pattern=item["pattern"], check=item.get("check", ""))
    try:
        return bool(scan_pattern(pa.array([text]), d, (0, 0))[0][3])
    except pa.ArrowInvalid:
        raise ParameterError(f"detector {d.id!r}: the pattern is not valid RE2", "mend the pattern") from None


@lru_cache(maxsize=65_536)
def words_of(name: str) -> frozenset[str]:
    """Words of a column's name: ``billingAddr_2`` gives billing, addr, billingaddr, billing_addr; Chinese stays whole."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", _plain(name))
    parts = [p for p in re.split(r"[^0-9a-zA-Z\u4e00-\u9fff]+", plain.lower()) if p]
    parts = [p.strip("0123456789") or p for p in parts]
    out = set(parts)
    for size in (2, 3):
        for i in range(len(parts) - size + 1):
            out.add("".join(parts[i : i + size]))
            out.add("_".join(parts[i : i + size]))
    return frozenset(out)


def context_hits(words: tuple[str, ...], name: str, comment: str = "") -> tuple[str, ...]:
    """Words of the list that the column's name or comment holds, sorted.

    ``*xm`` is a word that ends so, ``*phone*`` one that holds it: pinyin heads and English words are often run together.
    """
    mine, text = _named(name, comment)
    exact, parts, foreign = _sorted_out(words)
    found = {w for w in foreign if w in text}
    if mine:
        found |= exact & mine
        found |= {part for part, inside in parts if any(part in m if inside else m.endswith(part) for m in mine)}
    return tuple(sorted(found)) if found else ()


@lru_cache(maxsize=1_024)
def _named(name: str, comment: str) -> tuple[frozenset[str], str]:
    """Words and text of a column's name and comment; asked once a detector, of which there are many."""
    return words_of(name) | words_of(comment), _plain(f"{name} {comment}").lower()


@lru_cache(maxsize=4_096)
def _sorted_out(words: tuple[str, ...]) -> tuple[frozenset[str], tuple[tuple[str, bool], ...], tuple[str, ...]]:
    """(plain words, (part of a word, whether anywhere in it), words of other scripts)."""
    ascii_, foreign = [w for w in words if w.isascii()], tuple(w for w in words if not w.isascii())
    return (frozenset(w for w in ascii_ if w[0] != "*"), tuple((w.strip("*"), w[-1] == "*") for w in ascii_ if w[0] == "*"),
            foreign)


def _plain(text: str) -> str:
    """Latin letters without their accents: téléphone is telephone; other scripts stay."""
    if text.isascii():
        return text
    text = text.replace("ß", "ss")
    return "".join(normalize("NFD", c)[0] if "\u00c0" <= c <= "\u024f" else c for c in text)


def _folder(name: str) -> Any:
    return files("workbench.classification").joinpath(name)


def _text(*parts: str) -> str:
    return str(files("workbench.classification").joinpath(*parts).read_text(encoding="utf-8"))


@cache
def _code_hashes(codes: tuple[str, ...], key: tuple[int, int]) -> frozenset[int]:
    import numpy as np

    from workbench.classification.quick import hash_bits
    from workbench.sources.keyed import siphash_reference

    texts: list[str] = []
    for code in codes:
        first, dash, last = code.partition("-")
        if dash and first.isdigit() and last.isdigit():
            width = len(first) if first[0] == "0" and len(first) > 1 else 1
            texts += [f"{n:0{width}d}" for n in range(int(first), int(last) + 1)]
        else:
            texts.append(code)
    numbers = sorted({float(t) for t in texts if t.isdigit()})
    found = {siphash_reference(t.encode(), key) for t in texts}
    return frozenset(found | {int(h) for h in hash_bits(np.array(numbers, np.float64).view(np.int64), key)})


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

    from workbench.classification.names import AFTER
    from workbench.sources.keyed import siphash_reference

    words = _words()
    chars = np.zeros(0x5200, np.uint8)
    lines = _list("surnames_zh.txt")
    single, compound = lines[0], lines[1]
    for text, bit in (
        (words["plate_heads"], 1), (single, 2), ("".join(_list("given_zh.txt")), 4),
        (words["admin"], 8), (words["road"], 16), (words["number"], 32), (AFTER, 64), ("".join(w[0] for w in compound.split()), 128),
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
    table = np.zeros((size + 1, 2), np.uint64)
    table[0, 0] = size
    for h, group in sorted(entries.items()):
        i = (h & (size - 1)) + 1
        while table[i, 0]:
            i = i + 1 if i < size else 1
        table[i] = (h, group)
    return chars, table
