"""EVIDENCE as risk reads it. Defined in the case room, which stores it; every room below may make some."""

from workbench.case.evidence import Evidence, EvidenceSet, Risk

__all__ = ["Evidence", "EvidenceSet", "Risk"]
