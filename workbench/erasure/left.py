"""LEFT: what proven erasure has left of each table, and the risk assessed anew with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.erasure.model import Erasure
from workbench.errors import CaseError
from workbench.inventory import Inventory
from workbench.plan import Plan, remaining
from workbench.risk import Left, RiskReport, assess

if TYPE_CHECKING:
    from workbench.case import Case

PROVEN = frozenset({"STORE_CLEAN", "VOLUME_CLEAN", "CRYPTO_ERASED"})


def newest(case: Case) -> Erasure | None:
    """The newest run that was no dry run; None before the first."""
    return next((e for e in reversed(case.history(Erasure)) if not e.dry_run), None)


def done(case: Case) -> Erasure:
    """The same; CaseError before the first."""
    erasure = newest(case)
    if erasure is None:
        raise CaseError("nothing has been erased in this case yet", f"workbench run {case.folder} erase")
    return erasure


def left(erasure: Erasure) -> dict[str, Left]:
    """Shares of each table's rows that are still in clear, and that lie sealed, by table id.

    Only lines whose bytes are proven gone count; a table whose proof has a problem counts as untouched.
    """
    out = {}
    for t in erasure.tables:
        if not t.ok or not t.rows_before:
            continue
        lines = [d for d in erasure.disposals if (d.source, d.table) == (t.source, t.table) and d.verdict in PROVEN]
        gone = sum(d.deleted + d.suppressed for d in lines)
        sealed = sum(d.archived for d in lines)
        out[f"{t.source}.{t.table}"] = Left(max(0.0, 1 - gone / t.rows_before), min(1.0, sealed / t.rows_before))
    return out


def reassess(case: Case) -> RiskReport:
    """Assess the case as the newest erasure has left it; the rest of its plan is the projection."""
    return assess(case, remaining(case.load(Plan), case.load(Inventory)), now=left(done(case)))
