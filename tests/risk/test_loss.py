"""The loss curve: published literals, its closed-form mean, and Monte Carlo as the check."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.risk.loss import Lognormal, Pert, Scenario, Severity, bins, fair_nodes, loss_curve, monte_carlo

SCENARIOS = (
    Scenario("phishing", 0, Severity(((1.0, Lognormal.interval(5e4, 2e6)),)), nodes=fair_nodes(Pert(1, 4, 12), Pert(0.05, 0.2, 0.5))),
    Scenario("lost disk", 0, Severity(((1.0, Lognormal.interval(1e4, 5e5)),)), nodes=fair_nodes(Pert(2, 6, 20), Pert(0.05, 0.1, 0.4))),
    Scenario("insider", 0, Severity(((1.0, Lognormal.interval(1e5, 8e6)),)), nodes=fair_nodes(Pert(0.1, 0.3, 1), Pert(0.1, 0.3, 0.6))),
    Scenario("fined", 0.5, Severity(((0.5, Lognormal.interval(1e4, 5e5)), (0.5, Lognormal.interval(1e5, 1e6))), 0.1, Pert(0, 1e6, 5e7)),
             cv=0.8),
)


@pytest.mark.parametrize(("rate", "low", "high", "want"), [
    (0.1, 100_000, 1_000_000, 40400.128269457266), (0.1, 1, 10, 0.4040012826945718), (3, 1, 10, 12.120038480837177)])
def test_riskquant_s_documented_results(rate: float, low: float, high: float, want: float) -> None:
    """Frequency times the mean of a lognormal given by its 90 % interval."""
    assert rate * Lognormal.interval(low, high).mean == pytest.approx(want, rel=1e-9)


def test_betapert_mean() -> None:
    """(5 + 2 x 20 + 50) / 4 for the literal that pyfair's test uses; its sample mean lies near."""
    assert Pert(5, 20, 50, 2).mean == pytest.approx(23.75)
    x, w = Pert(5, 20, 50, 2).cells(4096)
    assert float(x @ w) == pytest.approx(23.75, rel=1e-4)


def test_the_curve_keeps_the_closed_form_mean_and_agrees_with_simulation() -> None:
    """Mean within 0.3 % of the closed form; VaR95 and VaR99 near those of half a million simulated years."""
    c = loss_curve(SCENARIOS)
    assert c.mean == pytest.approx(c.closed_mean, rel=0.003)
    sample = monte_carlo(SCENARIOS, 500_000)
    assert c.var(0.95) == pytest.approx(float(np.quantile(sample, 0.95)), rel=0.01)
    assert c.var(0.99) == pytest.approx(float(np.quantile(sample, 0.99)), rel=0.02)
    assert c.zero == pytest.approx(float((sample == 0).mean()), abs=0.003)
    assert c.exceeding(2e7) == pytest.approx(float((sample > 2e7).mean()), abs=0.002)
    assert c.tvar(0.95) > c.var(0.95)


def test_shared_frailty_keeps_the_mean_and_fattens_the_tail() -> None:
    """Bad years come together: same mean, larger VaR99."""
    alone, together = loss_curve(SCENARIOS), loss_curve(SCENARIOS, frailty=0.5)
    assert together.mean == pytest.approx(together.closed_mean, rel=0.003)
    assert together.var(0.99) > alone.var(0.99)
    sample = monte_carlo(tuple(Scenario(s.name, s.mean / s.severity.mean, s.severity) for s in SCENARIOS), 300_000, frailty=0.5)
    assert together.var(0.95) == pytest.approx(float(np.quantile(sample, 0.95)), rel=0.015)


def test_one_draw_times_frequency_understates_the_tail() -> None:
    """The spreadsheet's 'frequency x one loss' has the same mean and a smaller VaR95: why we count events."""
    s = SCENARIOS[0]
    rng = np.random.default_rng(3)
    rates = rng.choice([r for r, _ in s.nodes], 200_000, p=[w for _, w in s.nodes])
    one = rates * np.exp(rng.standard_normal(200_000) * s.severity.parts[0][1].sigma + s.severity.parts[0][1].mu)
    many = monte_carlo((s,), 200_000)
    assert one.mean() == pytest.approx(many.mean(), rel=0.05)
    assert np.quantile(one, 0.99) < np.quantile(many, 0.99)


def test_nothing_to_lose_loses_nothing() -> None:
    """No scenario, no loss."""
    c = loss_curve(())
    assert (c.mean, c.var(0.99), c.zero) == (0.0, 0.0, 1.0)


def test_bins_keep_mean_and_weight() -> None:
    """Pooling rates into nodes changes neither."""
    v = np.random.default_rng(1).gamma(2, 3, 5000)
    nodes = bins(v, np.ones(5000))
    assert sum(w for _, w in nodes) == pytest.approx(1)
    assert sum(r * w for r, w in nodes) == pytest.approx(v.mean())


def test_the_same_inputs_give_the_same_bytes() -> None:
    """No sampling noise anywhere in the curve; the simulation repeats with its seed."""
    assert loss_curve(SCENARIOS).probability.tobytes() == loss_curve(SCENARIOS).probability.tobytes()
    assert monte_carlo(SCENARIOS, 1000).tobytes() == monte_carlo(SCENARIOS, 1000).tobytes()
