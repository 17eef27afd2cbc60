"""From a report to money: loss scenarios of each state, the tornado, and what each deletion takes away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.risk.evidence import Risk
from workbench.risk.loss import Curve, Lognormal, Pert, Scenario, Severity, loss_curve
from workbench.risk.model import RiskReport, Score, State
from workbench.risk.multipliers import RISKS, Model, model

FRAILTY = 0.5
"""variance of the factor that makes bad years come together"""


def scenarios(report: RiskReport, state: State, m: Model | None = None) -> tuple[Scenario, ...]:
    """One scenario per risk: rates of its assets added, their losses as a mixture of at most eight lognormals."""
    m = m or model()
    return tuple(s for r in RISKS if (s := _scenario(report, r, state, m)) is not None)


def _scenario(report: RiskReport, risk: Risk, state: State, m: Model) -> Scenario | None:
    found = [
        (s, -math.log1p(-min(s.chance, 1 - 1e-15)))
        for s in report.scores
        if s.risk == risk and s.state == state and s.eal > 0
    ]
    rate = sum(x for _, x in found)
    if rate <= 0:
        return None
    pools: dict[int, list[tuple[float, float]]] = {}
    chance = mode = 0.0
    for s, x in found:
        fine = m.fine[s.level]
        answer = max(1.0, s.eal / x - fine.chance * report.cap * (4 * fine.mode + 1) / 6)
        pools.setdefault(round(math.log(answer)), []).append((x, answer))
        chance += x / rate * fine.chance
        mode += x / rate * fine.mode
    parts = []
    for _, pool in sorted(pools.items(), key=lambda kv: -sum(x for x, _ in kv[1]))[:8]:
        weight = sum(x for x, _ in pool)
        mean = sum(x * a for x, a in pool) / weight
        parts.append((weight, Lognormal(math.log(mean) - m.response.sd**2 / 2, m.response.sd)))
    total = sum(w for w, _ in parts)
    severity = Severity(tuple((w / total, p) for w, p in parts), chance, Pert(0.0, mode * report.cap, report.cap))
    spread = math.log(m.base_rates[risk].spread) / 1.6448536269514722
    return Scenario(risk, rate, severity, cv=math.sqrt(math.expm1(spread**2)))


def curves(report: RiskReport, states: Sequence[State] = ("inherent", "residual", "projected")) -> dict[State, Curve]:
    """The year's loss in each state."""
    return {s: loss_curve(scenarios(report, s), frailty=FRAILTY) for s in states}


@dataclass(frozen=True)
class Bar:
    """One item of the tornado: expected loss with it at its best and at its worst."""

    risk: Risk
    item: str
    best: float
    worst: float
    now: float

    @property
    def swing(self) -> float:
        """How much it can move the loss."""
        return self.worst - self.best


def tornado(report: RiskReport, state: State = "residual", m: Model | None = None) -> tuple[Bar, ...]:
    """What to fix first: every item moved to its best and its worst, the others as they are; largest swing first."""
    m = m or model()
    whole = report.eal(state)
    bars = []
    for risk in RISKS:
        total = report.total(risk, state)
        for p in total.points:
            item = m.item(p.item)
            if item is None or p.multiplier <= 0:
                continue
            rest = whole - total.eal
            bars.append(
                Bar(
                    risk,
                    p.item,
                    rest + total.eal * item.good / p.multiplier,
                    rest + total.eal * item.bad / p.multiplier,
                    whole,
                )
            )
    return tuple(sorted(bars, key=lambda b: (-b.swing, b.item)))


@dataclass(frozen=True)
class Burn:
    """One table's deletion: expected loss before, after, and taken away per thousand records."""

    asset: str
    records: int
    drop: float
    after: float
    """expected loss of the whole case once this and all before it are done"""


def burn_down(report: RiskReport) -> tuple[Burn, ...]:
    """Tables in the order in which their disposal takes away most expected loss per record."""
    eal: dict[str, dict[str, float]] = {}
    for s in report.scores:
        eal.setdefault(s.asset, {}).setdefault(s.state, 0.0)
        eal[s.asset][s.state] += s.eal
    size = {a.asset: a.records for a in report.assets}
    drops = {a: max(0.0, e.get("residual", 0.0) - e.get("projected", 0.0)) for a, e in eal.items()}
    order = sorted(drops, key=lambda a: (-drops[a] / max(1, size.get(a, 1)), a))
    left = report.eal("residual")
    out = []
    for a in order:
        left -= drops[a]
        out.append(Burn(a, size.get(a, 0), drops[a], max(0.0, left)))
    return tuple(out)


def worst_assets(report: RiskReport, state: State = "residual", count: int = 10) -> tuple[Score, ...]:
    """Scores with the largest expected loss."""
    return tuple(
        sorted((s for s in report.scores if s.state == state), key=lambda s: (-s.eal, s.asset, s.risk))[:count]
    )
