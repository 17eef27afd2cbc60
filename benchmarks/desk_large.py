"""A large case at the desk: 2,000 tables with 25 columns each, every third column personal. Kernel time and size to the browser.

    .venv/bin/python benchmarks/desk_large.py [--tables 2000] [--columns 25]

What a person waits for: opening a panel, one search, one slider move, each chart (built and as JSON). The case is made up
of counts, as inventory and findings hold them; nothing is scanned.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

KINDS = (("cn_mobile", "basic"), ("person_name", "basic"), ("email", "basic"), ("cn_resident_id", "identity"), ("bank_card", "finacct"))


def timed(name: str, call: Callable[[], Any], times: int = 5) -> Any:
    """Print the median of ``times`` calls and, for a figure or a list, its size; returns the last result."""
    took, out = [], None
    for _ in range(times):
        began = time.perf_counter()
        out = call()
        took.append(time.perf_counter() - began)
    size = f"{len(out.to_json()) / 1024:8,.0f} KB" if hasattr(out, "to_plotly_json") else ""
    print(f"{name:42} {sorted(took)[len(took) // 2] * 1000:9,.1f} ms {size}", flush=True)
    return out


def made(tables: int, columns: int) -> tuple[Any, Any]:
    """Inventory and findings of that size."""
    from workbench.classification.model import Finding, Findings
    from workbench.inventory import Inventory
    from workbench.sources.base import Column, Table

    listed, found = [], []
    for t in range(tables):
        name = f"t{t:04d}"
        listed.append(Table(source=f"s{t % 12}", name=name, rows=1_000 + 37 * t,
                            columns=tuple(Column(name=f"c{c:02d}", type="text") for c in range(columns)), primary_key=("c00",)))
        for c in range(columns):
            detector, category = KINDS[(t + c) % len(KINDS)] if c % 3 == 1 else (None, None)
            n = 1_000 + 37 * t if detector else 0
            found.append(Finding(source=f"s{t % 12}", table=name, column=f"c{c:02d}", detector=detector, category=category,
                                 sensitive=detector in ("cn_resident_id", "bank_card"), confidence="high" if detector else None,
                                 rows=1_000 + 37 * t, nonnull=1_000 + 37 * t, matched=n, whole=n, distinct=n // 2))
    return (Inventory(case_id="large", taken_at="2026-11-23T00:00:00Z", tables=tuple(listed), links=()),
            Findings(case_id="large", as_of="2026-11-23", findings=tuple(found), persons=500_000))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=2_000)
    parser.add_argument("--columns", type=int, default=25)
    asked = parser.parse_args()
    import ipywidgets

    from workbench.case import Case
    from workbench.case.new import new_case
    from workbench.plan import Plan, make_plan
    from workbench.risk import RiskReport, assess
    from workbench.ui import loss_charts, plan_charts, risk_charts
    from workbench.ui.review_panel import Panel
    from workbench.ui.risk_panel import Desk, WhatIf
    from workbench.ui.start import page

    with tempfile.TemporaryDirectory(prefix="wb-large-") as folder:
        new_case(Path(folder) / "case", "en")
        case = Case.open(Path(folder) / "case")
        case.begin()
        inventory, findings = made(asked.tables, asked.columns)
        case.save(inventory)
        case.save(findings)
        print(f"{asked.tables:,} tables, {asked.tables * asked.columns:,} columns, "
              f"{sum(1 for f in findings.findings if f.detector):,} findings, {dt.date.today()}")
        timed("assess", lambda: assess(case), 1)
        timed("plan", lambda: make_plan(case), 1)
        report, plan = case.load(RiskReport), case.load(Plan)
        timed("start page", lambda: list(page(case, "en")))
        panel = timed("review panel, opened", lambda: Panel(case, "en", ipywidgets), 2)

        def search(word: str) -> None:
            panel.filters["word"].value = word

        timed("review panel, one search", lambda: (search("t0123"), search("mobile")), 3)
        desk = timed("risk panel, opened", lambda: Desk.of(case), 2)
        timed("risk panel, one slider move (totals)", lambda: desk.report(WhatIf({"store.encrypted": 0.4})))
        timed("risk panel, one slider move (loss curve)", lambda: desk.report(WhatIf({"store.encrypted": 0.4}), each_asset=True), 3)
        for module, value, names in ((risk_charts, report, ("risk_map", "waterfall")),
                                     (loss_charts, report, ("loss_exceedance", "tornado_chart", "burn_chart", "treemap")),
                                     (plan_charts, plan, ("gantt", "sankey", "overdue"))):
            for name in names:
                timed(f"chart {name}", lambda m=module, v=value, n=name: getattr(m, n)(v, "en"), 3)  # type: ignore[misc]


if __name__ == "__main__":
    main()
