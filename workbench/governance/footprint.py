"""FOOTPRINT: storage and energy freed by the erasure, as a range with its source. Bytes are counted, watts are remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import CaseError
from workbench.governance.texts import load
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case

HOURS = 8766
"""hours in a year of 365.25 days"""


class Footprint(Value):
    """Bytes from the inventory and the erasure; energy a year in Wh as a range."""

    case_id: str
    at: str
    bytes_before: int
    bytes_freed: int
    """share of rows erased times bytes of each table: an estimate, files shrink as their store sees fit"""
    backup_bytes: int
    """of the backup whose keys were destroyed, over all its places; the ciphertext may be deleted"""
    wh_low: int
    wh_high: int
    mark: str
    source_zh: str
    source_en: str


def footprint(case: Case) -> Footprint:
    """The estimate for the newest erasure; CaseError before there is one."""
    from workbench.erasure.left import newest
    from workbench.inventory import Inventory
    from workbench.vault.model import SealedBackup, WindowClosed

    run = newest(case)
    if run is None:
        raise CaseError("nothing was erased yet, so nothing is freed", f"workbench run {case.folder} erase")
    tables = {(t.source, t.name): t for t in case.load(Inventory).tables}
    freed = 0
    for (source, name), t in tables.items():
        gone = sum(d.deleted for d in run.disposals if (d.source, d.table) == (source, name))
        freed += t.bytes * min(gone, t.rows) // t.rows if t.rows else 0
    backup, closed = case.find(SealedBackup), case.find(WindowClosed)
    shred = backup.bytes * len(backup.places) if backup and closed and backup.set_id in closed.set_ids else 0
    spec = load("footprint")
    low, high = (w * o * c * HOURS * freed / 1e12 + w * o * HOURS * shred / 1e12 for w, o, c in zip(
        spec["watts_per_terabyte"], spec["overhead"], spec["copies"], strict=True))
    return Footprint(case_id=case.id, at=case.now(), bytes_before=sum(t.bytes for t in tables.values()), bytes_freed=freed,
                     backup_bytes=shred, wh_low=int(low), wh_high=int(high) + 1, mark=spec["mark"],
                     source_zh=spec["source"]["zh"], source_en=spec["source"]["en"])
