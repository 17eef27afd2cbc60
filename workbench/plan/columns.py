"""Which columns of a row are sealed, and which are cleared where the row stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from workbench.law.records import words
from workbench.plan.bases import Band, Subject

if TYPE_CHECKING:
    from workbench.plan.drafts import Draft

_TEXT_TYPES = ("string", "large_string", "utf8", "large_utf8", "null", "binary", "large_binary")


_ADDRESS = ("address", "street", "地址", "住址")
_PLACE = ("city", "town", "state", "province", "district", "county", "postal", "postcode", "zip", "zipcode", "省", "市", "区", "县", "邮编")


def _beside_address(s: Subject) -> set[str]:
    """Parts of an address whose street was found: a postcode and a town still say where somebody lives."""
    found = any(f.detector == "address" or _needed(f.column, _ADDRESS) for f in s.findings)
    return {c.name for c in s.table.columns if found and _needed(c.name, _PLACE)}


def _needed(name: str, needs: Iterable[str]) -> bool:
    parts = words(name)
    return any((w in parts) if w.isascii() else any(w in p for p in parts) for w in needs)


def sealed(s: Subject, band: Band | None) -> tuple[str, ...]:
    """Columns the duty needs: those of case.toml, else all but personal columns that the record type does not need."""
    if s.declared and s.declared.keep_columns:
        known = [c.name for c in s.table.columns]
        return tuple(c for c in known if c in s.declared.keep_columns or c in s.table.primary_key)
    needs = s.type.needs if s.type else ()
    personal = {*s.personal, *_beside_address(s)} - s.structural - {c.column for c in (band.where if band else ())}
    kept = tuple(c.name for c in s.table.columns if c.name not in personal or _needed(c.name, needs))
    return () if len(kept) == len(s.table.columns) else kept


def cleared(s: Subject, used: set[str]) -> tuple[str, ...]:
    """Personal and quasi-identifying columns of a live row that a rule keeps; keys and dates in use stay."""
    quasi = s.profile.quasi_identifiers if s.profile else ()
    clear = {*s.personal, *quasi, *_beside_address(s)}
    clear |= {base for c in clear for base in s.table.made_of(c)}  # a generated column goes with what it is made of
    clear -= s.structural | used
    return tuple(c.name for c in s.table.columns if c.name in clear)


def tombstone(s: Subject, used: set[str]) -> tuple[str, ...]:
    """Columns cleared where only the key of a row may stay: personal ones, all text, and everything nullable.

    A unique column with nothing personal in it is a key too and stays: many rows cannot share one blank.
    """
    personal = {*s.personal, *(base for c in s.personal for base in s.table.made_of(c))}
    fixed = s.structural | used | ({c for i in s.table.indexes if i.unique for c in i.columns} - personal)
    return tuple(
        c.name
        for c in s.table.columns
        if c.name not in fixed
        and (c.name in personal or c.nullable or c.type in _TEXT_TYPES or c.type.startswith("dictionary"))
    )


def party_columns(s: Subject, party: tuple[Draft, ...]) -> tuple[str, ...]:
    """Key and name of the person that kept records point at."""
    needs = {w for d in party if d.subject.type for w in d.subject.type.needs}
    return tuple(
        c.name
        for c in s.table.columns
        if c.name in s.table.primary_key or (c.name not in s.structural and _needed(c.name, needs))
    )
