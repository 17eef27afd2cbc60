"""What classification finds: counts and reasons, never a value."""

from __future__ import annotations

from typing import Literal

from workbench.sources.base import Unreadable
from workbench.values import Value

Confidence = Literal["high", "low"]


class Finding(Value):
    """One detector's result in one column; ``detector`` is None for a column with nothing personal in it.

    The first twelve fields are the contract of ``workbench scan --format json``.
    """

    source: str
    table: str
    column: str
    detector: str | None
    """detector id, e.g. cn_resident_id, cn_mobile, email"""
    category: str | None
    """category id of the law packs' tree: basic, identity, finacct, ..."""
    sensitive: bool
    confidence: Confidence | None
    rows: int
    nonnull: int
    matched: int
    """cells holding at least one match"""
    distinct: int
    """distinct matched values (exact while small, else a sketch's estimate)"""
    shape: int = 0
    """candidates that had the shape"""
    checked: int = 0
    """candidates whose check digit, date or list agreed"""
    whole: int = 0
    """cells that are the match and nothing else; matched - whole are embedded in text"""
    chance: float = 0.0
    """rate at which random candidates of this shape would pass the check"""
    context: tuple[str, ...] = ()
    """what supported it: words in the column's name or comment, neighbours"""
    rule_source: str = ""
    minors: int = 0
    """matched values that show a person under 14 on the scan's day"""
    decided_by: str = ""
    """person id when an analyst accepted or changed it"""


class TableProfile(Value):
    """What a table says about persons as a whole."""

    source: str
    table: str
    rows: int
    persons: int = 0
    """distinct persons (best identifier of the table), estimate"""
    minors: int = 0
    identifier: str = ""
    """column that tells persons apart, if any"""
    quasi_identifiers: tuple[str, ...] = ()
    track: bool = False
    """holds (person, time, place)"""


class Findings(Value):
    """The result of one scan."""

    case_id: str
    as_of: str
    findings: tuple[Finding, ...]
    """sorted by source, table, column, detector"""
    tables: tuple[TableProfile, ...] = ()
    persons: int = 0
    """distinct persons over all sources, estimate"""
    minors: int = 0
    unreadable: tuple[Unreadable, ...] = ()
    rules_digest: str = ""
    """digest of the detector rules in force"""

    def of(self, source: str, table: str) -> tuple[Finding, ...]:
        """Personal findings of one table."""
        return tuple(f for f in self.findings if f.detector and f.source == source and f.table == table)
