"""RISK-REPORT: four risks, three states, every point with its evidence. Values only; ``score`` computes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from workbench.risk.evidence import Evidence, Risk
from workbench.values import Value

State = Literal["inherent", "residual", "projected"]
STATES: tuple[State, ...] = ("inherent", "residual", "projected")
Stage = Literal["found", "planned", "erased"]
"""when a report was made: before there was a plan, with one, after it was carried out"""
SEALED = 0.1
"""a sealed record counts as this much of a record: the copy still exists, unreadable without its key"""


class Left(NamedTuple):
    """Shares of a table's records, 0..1: still in clear in the live store, and only in a sealed archive."""

    clear: float
    sealed: float = 0.0


class Point(Value):
    """What one item adds to a score. Points of a score sum to it."""

    item: str
    points: float
    multiplier: float = 1.0
    low: float = 1.0
    high: float = 1.0
    measured: bool = True
    """False: no evidence; the worst value counts and the range is the whole one"""
    evidence: Evidence | None = None


class Score(Value):
    """One risk of one asset (``*``: the whole case) in one state."""

    asset: str
    risk: Risk
    state: State
    eal: float
    """expected loss over the horizon, CNY"""
    score: float
    """0..100"""
    low: float
    high: float
    """90 % band"""
    coverage: float
    """share of items with evidence, 0..1"""
    severity: float = 0.0
    """ENISA's SE"""
    level: str = ""
    """low, medium, high, very_high"""
    gbt: str = ""
    """cell of the GB/T 39335 matrix, in Chinese"""
    likelihood: str = ""
    """低 中 高 很高, from the yearly chance of an event"""
    impact: str = ""
    """低 中 高 严重, from the severity level"""
    chance: float = 0.0
    """chance of at least one event over the horizon"""
    points: tuple[Point, ...] = ()


class AssetFacts(Value):
    """What is known of an asset before any risk is named."""

    asset: str
    records: int
    dpc: int
    """ENISA's data processing context, 1..4"""
    ei: float
    """ease of identification, 0..1"""
    clear: float
    """share of identifier cells in clear text"""
    remaining: float = 1.0
    """share of records that stay in clear after the plan"""
    sealed: float = 0.0
    """share of records that stay after the plan in a sealed archive only"""
    categories: tuple[str, ...] = ()


class RiskReport(Value):
    """The result of one assessment."""

    case_id: str
    as_of: str
    multipliers: str
    """version and digest of the multipliers file"""
    calibrated: bool
    cap: float
    floor: float
    persons: int
    assets: tuple[AssetFacts, ...]
    totals: tuple[Score, ...]
    """12: four risks in three states, points included"""
    scores: tuple[Score, ...]
    """per asset; points only for the assets with the largest expected loss"""
    stage: Stage = "found"
    unknown_items: tuple[str, ...] = ()
    """evidence that the multipliers file has no item for"""

    def total(self, risk: Risk, state: State) -> Score:
        """The whole case's score."""
        return next(s for s in self.totals if s.risk == risk and s.state == state)

    def eal(self, state: State) -> float:
        """Expected loss of all four risks."""
        return sum(s.eal for s in self.totals if s.state == state)


class Run(Value):
    """One report among several of a case."""

    as_of: str
    stage: Stage
    persons: int
    records: int
    residual: tuple[tuple[Risk, float], ...]
    """expected loss of each risk, CNY"""
    projected: float


class RiskRuns(Value):
    """The reports of a case, oldest first: how far the risk has burned down."""

    runs: tuple[Run, ...]

    @classmethod
    def of(cls, reports: Sequence[RiskReport]) -> RiskRuns:
        """One run per stage and day: a later report of the same day and stage replaces the earlier one."""
        newest = {(r.stage, r.as_of): r for r in reports}
        return cls(runs=tuple(
            Run(as_of=r.as_of, stage=r.stage, persons=r.persons, records=sum(a.records for a in r.assets),
                residual=tuple((s.risk, s.eal) for s in r.totals if s.state == "residual"), projected=r.eal("projected"))
            for r in reports if newest[r.stage, r.as_of] is r))
