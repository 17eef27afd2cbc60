"""EVIDENCE: one measured fact that moves a risk. Rooms further down save these; risk reads them from the case."""

from __future__ import annotations

from typing import Literal

from workbench.values import Value

Risk = Literal["leak", "tamper", "misuse", "error"]


class Evidence(Value):
    """A fact with its place, time and proof."""

    item: str
    """id of an entry in the multipliers file, e.g. backup.restore_tested"""
    asset: str = "*"
    """source.table, source, or * for the whole case"""
    value: float
    """in the unit that the multipliers file states for the item (share 0..1, count, days)"""
    at: str
    """UTC, ISO 8601"""
    by: str
    """room or person that measured it"""
    sha256: str = ""
    """digest of the value or file it was read from"""
    note: str = ""


class EvidenceSet(Value):
    """Evidence gathered by one room in one run."""

    room: str
    items: tuple[Evidence, ...]
