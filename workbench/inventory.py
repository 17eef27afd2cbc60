"""INVENTORY: what exists, where, how much, how it is linked; devices and papers too; never a value."""

from __future__ import annotations

from workbench.case.config import Asset
from workbench.sources.base import ForeignKey, Table, Unreadable
from workbench.values import Value


class Link(Value):
    """Rows of one table point at rows of another; declared by the catalogue or found in the data."""

    source: str
    table: str
    key: ForeignKey
    indexed: bool = True
    """whether the child columns have an index: deletion of parents is slow without"""


class Inventory(Value):
    """Everything a case holds, on one day."""

    case_id: str
    taken_at: str
    """UTC, ISO 8601, seconds"""
    tables: tuple[Table, ...]
    links: tuple[Link, ...]
    assets: tuple[Asset, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    def table(self, source: str, name: str) -> Table | None:
        """The table of that source and name, or None."""
        return next((t for t in self.tables if t.source == source and t.name == name), None)
