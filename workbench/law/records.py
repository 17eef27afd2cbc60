"""What a table's rows are in law: guessed from names by the packs' words. A guess is always said to be one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.law.model import RecordType
from workbench.law.packs_value import Packs

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[a-z]+|[\u4e00-\u9fff]+")
_IRREGULAR = {"people": "person", "addresses": "address", "branches": "branch", "indices": "index", "media": "media"}


def words(name: str) -> tuple[str, ...]:
    """Lower-case words of an identifier, plurals made singular; runs of Chinese characters stay whole.

    >>> words("InvoiceLines"), words("客户订单_2024")
    (('invoice', 'line'), ('客户订单',))
    """
    return tuple(_singular(w) for w in _WORD.findall(_CAMEL.sub("_", name).lower()))


def _singular(word: str) -> str:
    if word in _IRREGULAR or not word.isascii() or len(word) < 4:
        return _IRREGULAR.get(word, word)
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ses", "xes", "ches", "shes")) and not word.endswith(
        ("cases", "bases", "purchases", "courses", "leases")
    ):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


@dataclass(frozen=True)
class Guess:
    """A record type and the word that led to it."""

    type: RecordType
    word: str


def _hit(pattern: str, name: str, parts: tuple[str, ...]) -> int:
    """How well a pack's word fits a name: 0 no; else the position of its end, longer words first."""
    if not pattern.isascii():
        at = max((p.rfind(pattern) + len(pattern) for p in parts if pattern in p), default=0)
        return 100 * at + len(pattern) if at else 0
    wanted = tuple(_singular(w) for w in pattern.split("_"))
    for end in range(len(parts), len(wanted) - 1, -1):
        if parts[end - len(wanted) : end] == wanted:
            return 1000 * end + len(pattern)
    return 0


def guess_record(packs: Packs, table: str, *, file: bool = False) -> Guess | None:
    """The record type whose word stands last in the table's name (the head of a compound), else None.

    file: ``table`` is a file's path and what follows the last dot its kind; in a database what stands before is the schema,
    which speaks only where the table's own name says nothing.
    """
    best: tuple[int, str, Guess] | None = None
    own = table.rsplit("#", 1)[-1] if file else table.rsplit(".", 1)[-1]
    for name in (own, table):
        parts = words(name.rsplit("/", 1)[-1].rsplit(".", 1)[0] if file and "." in name else name)
        for type_ in packs.record_types.values():
            for pattern in type_.tables:
                score = _hit(pattern, name, parts)
                if score and (best is None or (-score, type_.id) < (-best[0], best[1])):
                    best = (score, type_.id, Guess(type_, pattern))
        if best:
            break
    return best[2] if best else None


def guess_date(columns: Iterable[str], wanted: Iterable[str]) -> str:
    """The first column whose name is one of the wanted ones, by the order of the wishes; empty when none is."""
    by_words = {words(c): c for c in reversed(list(columns))}
    for name in wanted:
        found = by_words.get(words(name))
        if found:
            return found
    for name in wanted:
        target = words(name)
        hits = [
            c for w, c in by_words.items() if len(w) > len(target) and w[-len(target) :] == target and len(target) > 1
        ]
        if hits:
            return sorted(hits)[0]
    return ""
