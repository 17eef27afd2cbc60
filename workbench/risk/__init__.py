"""RISK: evidence -> four risks, inherent / residual / projected; every point traceable; missing evidence never lowers.

    from workbench.risk import assess
    report = assess(case)
    report.total("leak", "residual").score   # 0..100, with .low and .high around it and .coverage beside it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.risk.assess import assess
    from workbench.risk.evidence import Evidence, EvidenceSet
    from workbench.risk.model import AssetFacts, Point, RiskReport, Score

_WHERE = {
    "assess": ("assess",),
    "evidence": ("Evidence", "EvidenceSet",),
    "model": ("AssetFacts", "Point", "RiskReport", "Score",),
}
__all__ = ["AssetFacts", "Evidence", "EvidenceSet", "Point", "RiskReport", "Score", "assess"]


def __getattr__(name: str) -> Any:  # a page that only shows a value need not import the planner's graph library
    from importlib import import_module

    for module, names in _WHERE.items():
        if name in names:
            return getattr(import_module(f"workbench.risk.{module}"), name)
    raise AttributeError(name)
