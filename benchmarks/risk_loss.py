"""The loss curve against Monte Carlo and, in its own environment, pyfair: time, mean, VaR95.

Run: python benchmarks/risk_loss.py [TRIALS] [--pyfair PYTHON]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import time

import numpy as np

from workbench.risk import loss
from workbench.risk.loss import Lognormal, Pert, Scenario, Severity, fair_nodes, loss_curve, monte_carlo

SCENARIOS = tuple(
    Scenario(n, 0, Severity(((1.0, Lognormal.interval(low, high)),)), nodes=fair_nodes(Pert(*tef), Pert(*vul)))
    for n, low, high, tef, vul in (
        ("phishing", 5e4, 2e6, (1, 4, 12), (0.05, 0.2, 0.5)),
        ("disk", 1e4, 5e5, (2, 6, 20), (0.05, 0.1, 0.4)),
        ("insider", 1e5, 8e6, (0.1, 0.3, 1), (0.1, 0.3, 0.6)),
        ("error", 2e4, 1e6, (0.5, 2, 6), (0.1, 0.2, 0.5)),
    )
)
FAIR = """
import sys, time, json, resource
import pyfair
t = time.perf_counter()
m = pyfair.FairModel(name='one', n_simulations=int(sys.argv[1]))
m.input_data('Threat Event Frequency', low=1, mode=4, high=12)
m.input_data('Vulnerability', low=.05, mode=.2, high=.5)
m.input_data('Loss Magnitude', low=5e4, mode=3e5, high=2e6)
m.calculate_all(); r = m.export_results()['Risk']
print(json.dumps({'seconds': time.perf_counter() - t, 'mean': float(r.mean()), 'var95': float(r.quantile(.95)),
                  'rss_gb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2}))
"""


def main() -> None:
    """Print the figures as JSON; the first curve pays for tables, the median of nine more is what a slider feels."""
    parser = argparse.ArgumentParser()
    parser.add_argument("trials", nargs="?", type=int, default=10_000_000)
    parser.add_argument("--pyfair", help="python of an environment that holds pyfair")
    args = parser.parse_args()
    t = time.perf_counter()
    curve = loss_curve(SCENARIOS)
    cold = time.perf_counter() - t
    fresh, warm = [], []
    for _ in range(9):
        loss._discrete.cache_clear()
        t = time.perf_counter()
        curve = loss_curve(SCENARIOS)
        fresh.append(time.perf_counter() - t)
        t = time.perf_counter()
        loss_curve(SCENARIOS)
        warm.append(time.perf_counter() - t)
    out = {
        "first_ms": round(1e3 * cold, 1),
        "fresh_ms_median": round(1e3 * statistics.median(fresh), 1),
        "cached_ms_median": round(1e3 * statistics.median(warm), 1),
        "mean_off": curve.mean / curve.closed_mean - 1,
        "var95": curve.var(0.95),
        "var99": curve.var(0.99),
    }
    t = time.perf_counter()
    sample = monte_carlo(SCENARIOS, args.trials)
    seconds = time.perf_counter() - t
    out["monte_carlo"] = {
        "trials": args.trials,
        "seconds": round(seconds, 2),
        "mean_off": float(sample.mean()) / curve.closed_mean - 1,
        "var95_off": curve.var(0.95) / float(np.quantile(sample, 0.95)) - 1,
        "var99_off": curve.var(0.99) / float(np.quantile(sample, 0.99)) - 1,
        "times_slower": round(seconds / statistics.median(fresh)),
    }
    out["peak_rss_gb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2)
    if args.pyfair:
        got = json.loads(
            subprocess.run(
                [args.pyfair, "-W", "ignore", "-c", FAIR, str(args.trials)], check=True, capture_output=True, text=True
            )
            .stdout.strip()
            .splitlines()[-1]
        )
        out["pyfair"] = {**got, "times_slower": round(got["seconds"] / statistics.median(fresh))}
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
