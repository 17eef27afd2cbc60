"""EVIDENCE that erasure gathers, for the risk room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.risk.evidence import Evidence

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.erasure.model import Erasure


def erasure_evidence(case: Case, erasure: Erasure) -> list[Evidence]:
    """Share of planned rows done, share of erasing disposals whose bytes are proven clean, and problems left."""
    def item(name: str, value: float, note: str = "") -> Evidence:
        return Evidence(item=name, value=value, at=case.now(), by="erasure", sha256=erasure.digest, note=note)

    active = [r for r in erasure.disposals if r.action in ("erase", "hand_over", "lock", "anonymise")
              and r.verdict != "KEPT"]
    planned = sum(r.planned for r in active)
    done = sum(r.deleted + r.suppressed for r in active)
    proven = sum(r.verdict == "STORE_CLEAN" for r in active)
    return [
        item("dryrun.difference", abs(planned - done) / planned if planned else 0.0),
        item("erasure.executed", done / planned if planned else 1.0),
        item("erasure.proven", proven / len(active) if active else 1.0, erasure.verdict),
        item("erasure.problems", len(erasure.problems)),
        item("erasure.refused", sum(r.refused for r in erasure.disposals)),
    ]
