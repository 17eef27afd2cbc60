"""SCORE: one formula, additive in log space, so that each piece of evidence owns exact points.

    EAL = base rate x exposure x horizon x product of multipliers x loss of one event
    score = 100 * clip(ln(EAL / floor) / ln(cap / floor))

Points of a score sum to it. Of a sum over assets each item's points are the mean of its assets' points weighted by their
expected loss, and one term says how far the loss is spread over assets: ln(sum x) = sum w ln(x) + entropy(w), exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.risk.evidence import Evidence, Risk
from workbench.risk.model import SEALED, AssetFacts, Point, Score, State
from workbench.risk.multipliers import RISKS, Item, Model
from workbench.risk.severity import IMPACT, cell, level, likelihood, severity

Z90 = 1.6448536269514722
FIXED = ("base.rate", "base.exposure", "base.horizon", "base.loss")
"""items that are no evidence: how often, how much is exposed, how long, how dear"""


@dataclass(frozen=True)
class Factor:
    """A multiplier with its 90 % range."""

    low: float
    mode: float
    high: float
    measured: bool
    evidence: Evidence | None = None

    @property
    def log_sd(self) -> float:
        """Standard deviation of its logarithm: normal where measured, uniform over the range where not."""
        width = math.log(self.high / self.low) if self.low > 0 else 0.0
        return width / (2 * Z90) if self.measured else width / math.sqrt(12)

    @property
    def log_mean(self) -> float:
        """Mean of its logarithm."""
        return math.log(self.mode) if self.measured else (math.log(self.low) + math.log(self.high)) / 2


def factor(item: Item, evidence: Evidence | None, model: Model, inherent: bool) -> Factor:
    """The multiplier of an item. Missing evidence counts as the worst value and spans the whole range."""
    spread = item.spread or model.spread
    worst, best = max(item.bad, item.good), min(item.bad, item.good)
    if inherent and item.control:
        return Factor(item.bad, item.bad, item.bad, measured=True)
    if evidence is None:
        return Factor(best, worst, worst, measured=False)
    m = item.multiplier(evidence.value)
    return Factor(m / spread, m, m * spread, True, evidence)


def loss_of_event(records: float, se_level: str, risk: Risk, model: Model, cap: float) -> float:
    """Mean loss of one event in CNY: the lognormal response cost plus the expected fine."""
    if records <= 0:
        return 0.0
    r = model.response
    cost = (
        math.exp(r.intercept + r.slope * math.log(max(1.0, records)) + r.sd**2 / 2) * model.cny_per_usd * r.share[risk]
    )
    fine = model.fine[se_level]
    return cost + fine.chance * cap * (4 * fine.mode + 1) / 6  # mean of PERT(0, mode, cap)


@dataclass(frozen=True)
class Inputs:
    """Everything a score depends on."""

    assets: tuple[AssetFacts, ...]
    evidence: tuple[Evidence, ...]
    model: Model
    turnover: float | None = None
    frequency: Mapping[Risk, float] | None = None
    """events a year from the company's own history, where it has one (Gamma-Poisson update)"""
    whole: float = 0.0
    """records of the case before anything was erased, which shares of exposure refer to; 0: those of the assets"""

    @property
    def cap(self) -> float:
        return self.model.cap(self.turnover)

    @property
    def floor(self) -> float:
        return self.model.floor_share * self.cap

    @property
    def scale(self) -> float:
        """ln(cap / floor): 100 points."""
        return math.log(1 / self.model.floor_share)


_PLAN_ENDS = {
    "": frozenset[str](),
    "some": frozenset({"retention.overdue"}),
    "all": frozenset({"retention.overdue", "data.clear_identifiers", "text.free_hits"}),
}
"""evidence that the plan makes good where it takes some of a table's clear records, or all of them"""


def _after(a: AssetFacts, state: State) -> str:
    if state != "projected" or a.remaining >= 1:
        return ""
    return "some" if a.remaining > 0 else "all"


class Factors(tuple[Factor, ...]):
    """Multipliers of one risk in the order of its items, with the sums of their logarithms."""

    log_mode: float
    log_mean: float
    variance: float
    measured: int

    def __new__(cls, factors: Sequence[Factor]) -> Factors:
        made = super().__new__(cls, factors)
        made.log_mode = math.fsum(math.log(f.mode) for f in factors)
        made.log_mean = math.fsum(f.log_mean for f in factors)
        made.variance = math.fsum(f.log_sd**2 for f in factors)
        made.measured = sum(f.measured for f in factors)
        return made


@dataclass(frozen=True)
class Part:
    """One asset under one risk in one state, before it becomes a Score."""

    asset: AssetFacts
    se: float
    fixed: tuple[float, ...]
    """logarithms of rate, exposure, horizon and loss over the floor; empty when nothing is left"""
    factors: Factors

    @property
    def log_eal(self) -> float:
        """ln(EAL / floor); minus infinity when nothing is left."""
        return sum(self.fixed) + self.factors.log_mode if self.fixed else -math.inf

    @property
    def log_mean(self) -> float:
        return sum(self.fixed) + self.factors.log_mean


class Scorer:
    """Scores for one set of inputs; evidence is looked up once."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self.model = inputs, inputs.model
        self._found: dict[tuple[str, str], Evidence] = {}
        self._factors: dict[tuple[str, int, bool], Factor] = {}
        for e in sorted(inputs.evidence, key=lambda e: (e.at, e.by, e.sha256, e.value)):
            self._found[e.item, e.asset] = e
        self._known = {item for item, _ in self._found}
        self._places = {r: {place for item, place in self._found if item in {i.id for i in self.model.of(r)}} for r in RISKS}
        self._groups: dict[tuple[str, Risk, State, str], Factors] = {}
        self.total_records = max(1.0, inputs.whole or float(sum(a.records for a in inputs.assets)))

    def evidence(self, item: Item, asset: str) -> Evidence | None:
        """The newest evidence for an asset: its own, its source's, or the case's."""
        if item.id not in self._known:
            return None
        source = asset.split(".", 1)[0]
        for place in (asset, source, "*"):
            if (item.id, place) in self._found:
                return self._found[item.id, place]
        return None

    def part(self, a: AssetFacts, risk: Risk, state: State) -> Part:
        """One asset, one risk, one state."""
        m, inputs = self.model, self.inputs
        planned = state == "projected"
        records = a.records * (min(1.0, a.remaining + SEALED * a.sealed) if planned else 1.0)
        ei = a.ei if not planned or a.remaining > 0 else min(a.ei, 0.25)
        factors = self._shared(a, risk, state)
        if records <= 0:
            return Part(a, 0.0, (), factors)
        se = severity(a.dpc, ei, risk)
        rate = (inputs.frequency or {}).get(risk) or m.base_rates[risk].mode
        loss = loss_of_event(records, level(se), risk, m, inputs.cap)
        fixed = (math.log(rate), math.log(records / self.total_records), math.log(m.horizon_days / 365),
                 math.log(loss / inputs.floor))
        return Part(a, se, fixed, factors)

    def _shared(self, a: AssetFacts, risk: Risk, state: State) -> Factors:
        """The factors of an asset; assets without evidence of their own share one object."""
        place = a.asset if a.asset in self._places[risk] else a.asset.split(".", 1)[0]
        key = (place, risk, state, _after(a, state))
        found = self._groups.get(key)
        if found is None:
            found = self._groups[key] = Factors(tuple(self._factor(i, a, state) for i in self.model.of(risk)))
        return found

    def _factor(self, item: Item, a: AssetFacts, state: State) -> Factor:
        e = self.evidence(item, a.asset)
        if e is not None and item.id in _PLAN_ENDS[_after(a, state)]:
            e = e.model_copy(update={"value": 0.0, "note": "after the plan"})
        key = (item.id, id(e) if e is not None else 0, state == "inherent")
        found = self._factors.get(key)
        if found is None or (found.evidence is not None and found.evidence is not e):
            found = self._factors[key] = factor(item, e, self.model, inherent=state == "inherent")
        return found

    def score(self, part: Part, risk: Risk, state: State, with_points: bool = True) -> Score:
        """A Score with points that sum to it."""
        scale, model = self.inputs.scale, self.model
        items = model.of(risk)
        coverage = part.factors.measured / max(1, len(items))
        if not part.fixed:
            return Score(
                asset=part.asset.asset,
                risk=risk,
                state=state,
                eal=0.0,
                score=0.0,
                low=0.0,
                high=0.0,
                coverage=coverage,
                points=(),
            )
        raw = part.log_eal / scale * 100
        sd = math.sqrt(part.factors.variance + self._base_sd(risk) ** 2)
        low, high = ((part.log_mean + z * sd) / scale * 100 for z in (-Z90, Z90))
        points = [Point(item=n, points=v / scale * 100) for n, v in zip(FIXED, part.fixed, strict=True)]
        points += [_point(i, f, scale) for i, f in zip(items, part.factors, strict=True)]
        return self._shown(
            part.asset.asset,
            risk,
            state,
            math.exp(part.log_eal) * self.inputs.floor,
            raw,
            low,
            high,
            coverage,
            part.se,
            points if with_points else [],
            part,
        )

    def _base_sd(self, risk: Risk) -> float:
        return math.log(self.model.base_rates[risk].spread) / Z90

    def _shown(
        self,
        asset: str,
        risk: Risk,
        state: State,
        eal: float,
        raw: float,
        low: float,
        high: float,
        coverage: float,
        se: float,
        points: list[Point],
        part: Part | None,
    ) -> Score:
        clipped = min(100.0, max(0.0, raw))
        if points and clipped != raw:
            points = [*points, Point(item="base.clip", points=clipped - raw)]
        grade = level(se)
        loss = math.exp(part.fixed[3]) * self.inputs.floor if part and part.fixed else 0.0
        chance = -math.expm1(-eal / loss) if loss else 0.0
        likely = likelihood(chance)
        return Score(
            asset=asset,
            risk=risk,
            state=state,
            eal=eal,
            score=clipped,
            low=min(100.0, max(0.0, min(low, raw))),
            high=max(0.0, min(100.0, max(high, raw))),
            coverage=coverage,
            severity=se,
            level=grade,
            impact=IMPACT[grade],
            likelihood=likely,
            gbt=cell(IMPACT[grade], likely),
            chance=chance,
            points=tuple(points),
        )

    def total(self, risk: Risk, state: State, parts: Sequence[Part]) -> Score:
        """The whole case: expected losses add, points are weighted means plus the spread over assets."""
        live = [p for p in parts if p.fixed]
        scale, items = self.inputs.scale, self.model.of(risk)
        if not live:
            return Score(asset="*", risk=risk, state=state, eal=0.0, score=0.0, low=0.0, high=0.0, coverage=0.0)
        logs = np.array([p.log_eal for p in live])
        top = float(logs.max())
        log_sum = top + math.log(float(np.exp(logs - top).sum()))
        w: NDArray[np.float64] = np.exp(logs - log_sum)
        w /= w.sum()
        groups: dict[int, float] = {}
        for p, x in zip(live, w, strict=True):
            groups[id(p.factors)] = groups.get(id(p.factors), 0.0) + float(x)
        distinct = {id(p.factors): p.factors for p in live}
        shares = np.array([groups[k] for k in distinct])
        factors = [[fs[k] for fs in distinct.values()] for k in range(len(items))]
        fixed = np.array([p.fixed for p in live])
        points = [Point(item=n, points=float(w @ fixed[:, k]) / scale * 100) for k, n in enumerate(FIXED)]
        points += [self._pooled(i, fs, shares) for i, fs in zip(items, factors, strict=True)]
        raw = log_sum / scale * 100
        points.append(Point(item="base.assets", points=raw - math.fsum(p.points for p in points)))
        mean = float(w @ np.array([p.log_mean for p in live])) + log_sum - float(w @ logs)
        sd = math.sqrt(self._base_sd(risk) ** 2 + sum(self._pooled_var(fs, shares) for fs in factors))
        low, high = ((mean + z * sd) / scale * 100 for z in (-Z90, Z90))
        coverage = sum(p.factors.measured for p in live) / (len(live) * len(items)) if items else 1.0
        worst = max(live, key=lambda p: (p.se, p.log_eal, p.asset.asset))
        eal = math.exp(log_sum) * self.inputs.floor
        loss = sum(float(x) * math.exp(p.fixed[3]) for x, p in zip(w, live, strict=True)) * self.inputs.floor
        shown = self._shown("*", risk, state, eal, raw, low, high, coverage, worst.se, points, None)
        chance = -math.expm1(-eal / loss)
        likely = likelihood(chance)
        return shown.model_copy(update={"chance": chance, "likelihood": likely, "gbt": cell(shown.impact, likely)})

    def _pooled(self, item: Item, fs: Sequence[Factor], w: NDArray[np.float64]) -> Point:
        logs = np.array([math.log(f.mode) for f in fs])
        first = fs[int(np.argmax(w))]
        mean = float(w @ logs)
        return make_point(item, first, math.exp(mean), mean / self.inputs.scale * 100, all(f.measured for f in fs))

    @staticmethod
    def _pooled_var(fs: Sequence[Factor], w: NDArray[np.float64]) -> float:
        """Variance of a pooled item: the same evidence moves together, separate evidence adds by squares."""
        groups: dict[object, float] = {}
        for f, x in zip(fs, w, strict=True):
            key = (f.evidence.asset, f.evidence.sha256) if f.evidence else "missing"
            groups[key] = groups.get(key, 0.0) + float(x) * f.log_sd
        return sum(v * v for v in groups.values())


def _point(item: Item, f: Factor, scale: float) -> Point:
    return make_point(item, f, f.mode, math.log(f.mode) / scale * 100, f.measured)


def make_point(item: Item, f: Factor, mode: float, points: float, measured: bool) -> Point:
    """A Point of one item."""
    return Point(
        item=item.id, points=points, multiplier=mode, low=f.low, high=f.high, measured=measured, evidence=f.evidence
    )


def with_evidence(inputs: Inputs, changes: Mapping[str, float]) -> Inputs:
    """Inputs with some items set to other values for the whole case: what a slider does."""
    kept = tuple(e for e in inputs.evidence if e.item not in changes)
    made = tuple(Evidence(item=k, value=v, at="", by="what-if") for k, v in sorted(changes.items()))
    return replace(inputs, evidence=kept + made)
