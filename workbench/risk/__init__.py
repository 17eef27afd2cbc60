"""RISK: evidence -> four risks, inherent / residual / projected; every point traceable; missing evidence never lowers.

    from workbench.risk import assess
    report = assess(case)
    report.total("leak", "residual").score   # 0..100, with .low and .high around it and .coverage beside it
"""

from workbench.risk.assess import assess
from workbench.risk.evidence import Evidence, EvidenceSet
from workbench.risk.model import AssetFacts, Left, Point, RiskReport, RiskRuns, Score

__all__ = ["AssetFacts", "Evidence", "EvidenceSet", "Left", "Point", "RiskReport", "RiskRuns", "Score", "assess"]
