"""LOSS: the distribution of a year's loss by exact convolution, no sampling; Monte Carlo is only its check.

A scenario is a frequency (gamma-mixed Poisson, or Poisson over weighted nodes) and a loss per event (mixture of
lognormals, plus a fine with some chance). Severity is put on a grid so that its mean is kept; the generating function is
raised by the frequency in Fourier space; one inverse transform gives the year. Exponential tilting keeps the tail from
wrapping around.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Z90 = NormalDist().inv_cdf(0.95)
GRID = 2**14
LATTICE = 128
"""rates of a mixed frequency are put on this many equal steps, so that a Horner scheme replaces as many exponentials"""


@lru_cache(maxsize=1)
def _phi_table() -> tuple[Array, Array]:
    z = np.arange(-9_000, 9_001) / 1_000
    values = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in z])
    return values, np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _phi(x: Array) -> Array:
    """Standard normal distribution function to about 1e-14: cubic Hermite interpolation of a fine table."""
    values, slopes = _phi_table()
    t = np.clip((x + 9.0) * 1_000, 0.0, 17_999.999)
    k = t.astype(np.int64)
    u = t - k
    a, b, m, n = values[k], values[k + 1], slopes[k] / 1_000, slopes[k + 1] / 1_000
    return a + u * (m + u * (3 * (b - a) - 2 * m - n + u * (2 * (a - b) + m + n)))


@dataclass(frozen=True)
class Lognormal:
    """Loss of one event, ln(loss) normal."""

    mu: float
    sigma: float

    @classmethod
    def interval(cls, low: float, high: float) -> Lognormal:
        """From a 90 % interval, as experts give it.

        >>> round(0.1 * Lognormal.interval(100_000, 1_000_000).mean, 6)
        40400.128269
        """
        return cls((math.log(low) + math.log(high)) / 2, (math.log(high) - math.log(low)) / (2 * Z90))

    @property
    def mean(self) -> float:
        """Mean loss."""
        return math.exp(self.mu + self.sigma**2 / 2)

    def quantile(self, p: float) -> float:
        """Loss not exceeded with probability p."""
        return math.exp(self.mu + self.sigma * NormalDist().inv_cdf(p))

    def limited(self, d: Array) -> Array:
        """Mean of min(loss, d)."""
        z = (np.log(d) - self.mu) / self.sigma
        return np.asarray(self.mean * _phi(z - self.sigma) + d * (1.0 - _phi(z)), dtype=np.float64)


@dataclass(frozen=True)
class Pert:
    """Beta-PERT between low and high."""

    low: float
    mode: float
    high: float
    gamma: float = 4.0

    @property
    def shape(self) -> tuple[float, float]:
        """Parameters of the beta distribution under it."""
        span = self.high - self.low
        return 1 + self.gamma * (self.mode - self.low) / span, 1 + self.gamma * (self.high - self.mode) / span

    @property
    def mean(self) -> float:
        """(low + gamma mode + high) / (gamma + 2)."""
        return (self.low + self.gamma * self.mode + self.high) / (self.gamma + 2)

    def cells(self, n: int) -> tuple[Array, Array]:
        """Midpoints and weights of n equal cells."""
        a, b = self.shape
        x = (np.arange(n) + 0.5) / n
        logs = (a - 1) * np.log(x) + (b - 1) * np.log1p(-x)
        w = np.exp(logs - logs.max())
        return self.low + (self.high - self.low) * x, w / w.sum()


@dataclass(frozen=True)
class Severity:
    """Loss per event: a weighted mixture of lognormals, plus with chance ``fine_chance`` a fine."""

    parts: tuple[tuple[float, Lognormal], ...]
    fine_chance: float = 0.0
    fine: Pert | None = None

    @property
    def mean(self) -> float:
        """Mean loss of one event."""
        return sum(w * p.mean for w, p in self.parts) + (self.fine_chance * self.fine.mean if self.fine else 0.0)


@dataclass(frozen=True)
class Scenario:
    """A kind of event: how often, how dear.

    cv: coefficient of variation of the yearly rate (gamma); 0 is plain Poisson. nodes: rates and weights instead.
    """

    name: str
    rate: float
    severity: Severity
    cv: float = 0.0
    nodes: tuple[tuple[float, float], ...] = ()

    @property
    def mean(self) -> float:
        """Expected loss a year."""
        rate = sum(r * w for r, w in self.nodes) if self.nodes else self.rate
        return rate * self.severity.mean


@dataclass(frozen=True)
class Curve:
    """A year's loss on a grid."""

    step: float
    probability: Array = field(repr=False)
    closed_mean: float
    zero: float = 1.0
    """chance of a year without any event"""

    @property
    def losses(self) -> Array:
        """The grid."""
        return np.arange(len(self.probability), dtype=np.float64) * self.step

    @property
    def mean(self) -> float:
        """Mean on the grid; compare with ``closed_mean``."""
        return float(self.losses @ self.probability)

    def exceeding(self, loss: float) -> float:
        """Chance that a year costs more."""
        return float(self.probability[self.losses > loss].sum())

    def var(self, p: float = 0.95) -> float:
        """Loss not exceeded with probability p, interpolated between grid points."""
        total = np.cumsum(self.probability)
        k = int(np.searchsorted(total, p))
        if k == 0:
            return 0.0
        k = min(k, len(total) - 1)
        share = (p - total[k - 1]) / max(self.probability[k], 1e-300)
        return float((k - 1 + min(1.0, share)) * self.step)

    def tvar(self, p: float = 0.95) -> float:
        """Mean of the worst 1 - p of years."""
        v = self.var(p)
        tail = self.losses > v
        mass = float(self.probability[tail].sum())
        return float((self.losses[tail] @ self.probability[tail] + (1 - p - mass) * v) / (1 - p))

    def exceedance(self, points: int = 200) -> tuple[Array, Array]:
        """Losses (log-spaced) and the chance of exceeding each."""
        top = self.losses[-1]
        x = np.geomspace(max(self.step, top / 1e5), top, points)
        over = 1.0 - np.cumsum(self.probability)
        return x, np.maximum(0.0, np.interp(x, self.losses, over))


def loss_curve(scenarios: Sequence[Scenario], grid: int = GRID, frailty: float = 0.0, top: float = 0.0) -> Curve:
    """The year's total loss. frailty: variance of a gamma factor of mean 1 that all scenarios share.

    top: end of the grid; chosen so that about one year in a million lies beyond when 0.
    """
    live = [s for s in scenarios if s.mean > 0]
    closed = sum(s.mean for s in live)
    if not live:
        p = np.zeros(grid)
        p[0] = 1.0
        return Curve(1.0, p, 0.0)
    step = (top or _top(live)) / grid
    size = grid
    theta = 20.0 / size
    tilt = np.exp(-theta * np.arange(size))
    logs: list[NDArray[np.complex128]] = []
    for s in live:
        logs.append(_transform(s, step, grid, size, tilt) - 1.0)
    if frailty > 0:
        total = sum((_rate(s) * z for s, z in zip(live, logs, strict=True)), start=np.zeros(len(logs[0]), np.complex128))
        pgf = (1.0 - frailty * total) ** (-1.0 / frailty)
    else:
        pgf = np.ones(len(logs[0]), np.complex128)
        for s, z in zip(live, logs, strict=True):
            pgf *= _frequency(s, z)
    raw = np.fft.irfft(pgf, size) / tilt
    probability = np.maximum(raw[:grid], 0.0)
    probability[-1] += max(0.0, 1.0 - float(probability.sum()))
    return Curve(step, probability, closed, _quiet(live, frailty))


def _quiet(scenarios: Sequence[Scenario], frailty: float) -> float:
    """Chance that nothing happens."""
    if frailty > 0:
        return float((1.0 + frailty * sum(_rate(s) for s in scenarios)) ** (-1.0 / frailty))
    at = np.array([-1.0 + 0j])
    return math.prod(float(_frequency(s, at)[0].real) for s in scenarios)


def _rate(s: Scenario) -> float:
    return sum(r * w for r, w in s.nodes) if s.nodes else s.rate


def _frequency(s: Scenario, z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Generating function of the number of events at 1 + z."""
    if s.nodes:
        return _mixed(s.nodes, z)
    if s.cv <= 0:
        return np.exp(s.rate * z)
    v = s.cv**2
    return (1.0 - s.rate * v * z) ** (-1.0 / v)


def _mixed(nodes: tuple[tuple[float, float], ...], z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """sum of weight * exp(rate * z), rates on a lattice (means kept), by Horner's scheme."""
    step = max(max(r for r, _ in nodes) / (LATTICE - 2), 1e-12)
    weights = np.zeros(LATTICE)
    for rate, weight in nodes:
        k = int(rate / step)
        share = rate / step - k
        weights[k] += weight * (1 - share)
        weights[k + 1] += weight * share
    base = np.exp(step * z)
    out = np.full(len(z), weights[-1], np.complex128)
    for w in weights[-2::-1]:
        out *= base
        out += w
    return out


def _top(scenarios: Sequence[Scenario]) -> float:
    out = 0.0
    for s in scenarios:
        rate = max(_rate(s), 1e-9)
        p = 1 - min(0.5, 1e-5 / max(rate, 1.0))
        worst = max(part.quantile(p) for _, part in s.severity.parts) + (s.severity.fine.high if s.severity.fine else 0.0)
        out = max(out, worst + 2 * rate * s.severity.mean + 8 * math.sqrt(rate) * s.severity.mean)
    return out + 2 * sum(s.mean for s in scenarios)


def _transform(s: Scenario, step: float, grid: int, size: int, tilt: Array) -> NDArray[np.complex128]:
    mass = np.zeros(size)
    for weight, part in s.severity.parts:
        mass[:grid] += weight * _discrete(part, step, grid)
    out: NDArray[np.complex128] = np.fft.rfft(mass * tilt)
    if s.severity.fine and s.severity.fine_chance > 0:
        fine = np.zeros(size)
        x, w = s.severity.fine.cells(512)
        k = x / step
        low = np.minimum(k.astype(int), grid - 2)
        share = np.clip(k - low, 0.0, 1.0)
        np.add.at(fine, low, w * (1 - share))
        np.add.at(fine, low + 1, w * share)
        out = out * (1 - s.severity.fine_chance + s.severity.fine_chance * np.fft.rfft(fine * tilt))
    return out


@lru_cache(maxsize=256)
def _discrete(part: Lognormal, step: float, grid: int) -> Array:
    """Masses at 0, step, 2 step, ... with the distribution's own mean (up to the end of the grid)."""
    edges = np.arange(1, grid + 1) * step
    limited: Array = np.concatenate((np.zeros(1), part.limited(edges.astype(np.float64))))
    slope = np.diff(limited) / step
    mass = np.concatenate(([1.0 - slope[0]], slope[:-1] - slope[1:]))
    mass[-1] += slope[-1]
    return np.maximum(mass, 0.0)


def bins(values: Array, weights: Array, count: int = 64) -> tuple[tuple[float, float], ...]:
    """Weighted values pooled into at most ``count`` nodes of about equal weight, means kept."""
    order = np.argsort(values)
    v, w = values[order], weights[order] / weights.sum()
    cell = np.minimum((np.cumsum(w) - w / 2) * count, count - 1e-9).astype(int)
    mass = np.bincount(cell, w, count)
    mean = np.bincount(cell, w * v, count)
    return tuple((float(m / p), float(p)) for m, p in zip(mean, mass, strict=True) if p > 0)


def fair_nodes(threat: Pert, vulnerability: Pert, count: int = 64) -> tuple[tuple[float, float], ...]:
    """Rates of loss events: threat events a year times the chance that one succeeds."""
    (a, wa), (b, wb) = threat.cells(256), vulnerability.cells(256)
    return bins(np.outer(a, b).ravel(), np.outer(wa, wb).ravel(), count)


def monte_carlo(scenarios: Sequence[Scenario], trials: int, seed: int = 1, chunk: int = 100_000, frailty: float = 0.0) -> Array:
    """Yearly losses by simulation, in chunks of bounded memory; the same seed gives the same numbers."""
    out = np.empty(trials)
    rng = np.random.Generator(np.random.SFC64(seed))
    for start in range(0, trials, chunk):
        n = min(chunk, trials - start)
        total = np.zeros(n)
        shared = rng.gamma(1 / frailty, frailty, n) if frailty > 0 else np.ones(n)
        for s in scenarios:
            total += _simulated(s, rng, n, shared)
        out[start : start + n] = total
    return out


def _simulated(s: Scenario, rng: np.random.Generator, n: int, shared: Array) -> Array:
    if s.nodes:
        rates = rng.choice([r for r, _ in s.nodes], n, p=[w for _, w in s.nodes])
    elif s.cv > 0:
        rates = rng.gamma(1 / s.cv**2, s.rate * s.cv**2, n)
    else:
        rates = np.full(n, s.rate)
    events = rng.poisson(rates * shared)
    owner = np.repeat(np.arange(n), events)
    weights = np.array([w for w, _ in s.severity.parts])
    which = rng.choice(len(weights), len(owner), p=weights / weights.sum()) if len(weights) > 1 else np.zeros(len(owner), int)
    mu = np.array([p.mu for _, p in s.severity.parts])[which]
    sigma = np.array([p.sigma for _, p in s.severity.parts])[which]
    loss = np.exp(rng.standard_normal(len(owner)) * sigma + mu)
    if s.severity.fine and s.severity.fine_chance > 0:
        a, b = s.severity.fine.shape
        hit = rng.random(len(owner)) < s.severity.fine_chance
        span = s.severity.fine.high - s.severity.fine.low
        loss[hit] += s.severity.fine.low + span * rng.beta(a, b, int(hit.sum()))
    return np.bincount(owner, loss, n).astype(np.float64)
