"""Charts and their tables, panels in record mode and live, PIPIA and DPIA: complete, in both languages, without values."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go
import pytest

from tests.plan.conftest import config, finding, findings, inventory, planned, span, table
from workbench.law import load_packs
from workbench.risk.anonymity import Anonymity, ReidentificationReport
from workbench.risk.assess import report_of
from workbench.risk.evidence import Evidence
from workbench.risk.measure import assets, own_evidence
from workbench.risk.model import Left, RiskReport, RiskRuns
from workbench.risk.multipliers import RISKS, model
from workbench.risk.portfolio import burn_down, curves, tornado
from workbench.risk.reports import gaps, to_docx
from workbench.risk.score import Inputs
from workbench.ui import loss_charts, plan_charts, risk_charts
from workbench.ui.risk_panel import Desk, WhatIf, points_of, risk_panel

TABLES = [table("customers", ["id", "name", "phone"], rows=20_000), table("payments", ["id", "payer", "card_no", "paid_at"], rows=30_000)]
FOUND = findings(finding("shop.customers.name"), finding("shop.customers.phone", detector="cn_mobile"), finding("shop.payments.payer"),
                 finding("shop.payments.card_no", "finacct", "bank_card", sensitive=True), persons=20_000)


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    inv, packs = inventory(*TABLES), load_packs(("CN",))
    facts = assets(inv, FOUND, packs, {"shop.customers": Left(0.0), "shop.payments": Left(0.0, 1.0)})
    extra = (Evidence(item="backup.coverage", value=1.0, at="2026-11-23T00:00:00Z", by="vault"),)
    return Inputs(facts, own_evidence(inv, FOUND, facts, "2026-11-23T00:00:00Z") + extra, model())


@pytest.fixture(scope="module")
def report(inputs: Inputs) -> RiskReport:
    return report_of(inputs, "t", FOUND, "2026-11-23")


REID = ReidentificationReport(case_id="t", tables=(("shop.customers", Anonymity(
    rows=100, columns=("a", "b"), classes=50, k=1, uniques=30, small_rows=60, mean_risk=0.5)),),
    contribution=(("shop.customers", "a", 20),))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_chart_has_a_table(report: RiskReport, lang: str) -> None:
    """A plain figure that serialises, and a table with as many columns as names."""
    p = planned(TABLES, FOUND, spans=[span("shop.payments.paid_at", {"1994-01": 3, "2026-01": 5})])
    for room, value, names in (
        (risk_charts, report, ("risk_map", "waterfall")), (plan_charts, p, ("gantt", "sankey", "overdue")),
        (loss_charts, report, ("loss_exceedance", "tornado_chart", "burn_chart", "treemap")), (loss_charts, REID, ("contribution",)),
        (loss_charts, RiskRuns.of([report]), ("burn_runs",))):
        for name in names:
            fig = getattr(room, name)(value, lang)
            assert type(fig) is go.Figure
            assert len(fig.to_json()) > 200
            assert "Noto Sans CJK SC" in fig.layout.font.family
            assert len(getattr(room, f"{name}_table")(value, lang)) >= 1


def test_money_falls_from_state_to_state(report: RiskReport) -> None:
    """Expected loss and VaR95 never rise from inherent to residual to projected; the curve keeps the report's mean."""
    c = curves(report)
    assert c["inherent"].mean >= c["residual"].mean >= c["projected"].mean
    assert c["inherent"].var() >= c["residual"].var() >= c["projected"].var()
    assert c["residual"].closed_mean == pytest.approx(report.eal("residual"), rel=0.05)


def test_the_tornado_starts_with_the_largest_swing(report: RiskReport) -> None:
    """Best is never above worst; unmeasured items stand at their worst."""
    bars = tornado(report)
    assert [b.swing for b in bars] == sorted((b.swing for b in bars), reverse=True)
    assert all(b.best <= b.now * (1 + 1e-9) for b in bars)


def test_the_burn_down_ends_at_the_projection(report: RiskReport) -> None:
    """All disposals done leave the projected loss."""
    steps = burn_down(report)
    assert steps[-1].after == pytest.approx(report.eal("projected"), rel=1e-6)
    assert {s.asset for s in steps} == {"shop.customers", "shop.payments"}


@pytest.mark.parametrize("form", ["pipia", "dpia"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_assessment_reports_open_and_name_their_gaps(report: RiskReport, tmp_path: Path, form: str, lang: str) -> None:
    """Nine sections, every risk in every state, every gap; nothing is guessed."""
    from docx import Document

    packs = load_packs(("CN", "EU"))
    path = to_docx(form, report, FOUND, inventory(*TABLES), config(), packs, tmp_path / "r.docx", lang)  # type: ignore[arg-type]
    doc = Document(str(path))
    text = "\n".join([*(p.text for p in doc.paragraphs), *(c.text for t in doc.tables for r in t.rows for c in r.cells)])
    assert sum(p.style.name == "Heading 1" for p in doc.paragraphs) == 9
    assert all(g in text for g in gaps(report, FOUND, config(), lang))
    assert report.digest in text
    assert ("未校准" if lang == "zh" else "uncalibrated") in text


def test_the_panel_is_a_plain_figure_in_a_record(inputs: Inputs, report: RiskReport, monkeypatch: pytest.MonkeyPatch) -> None:
    """In record mode no widget is made."""
    monkeypatch.setenv("WORKBENCH_RECORD", "1")
    assert type(risk_panel(Desk(inputs, report), "en")) is go.Figure


def test_a_slider_changes_the_report_and_nothing_else(inputs: Inputs, report: RiskReport) -> None:
    """Encryption lowers leakage only; fewer deletions raise the projection; the case's own report stays."""
    desk = Desk(inputs, report)
    better = desk.report(WhatIf({"store.encrypted": 1.0}))
    assert better.total("leak", "residual").score < report.total("leak", "residual").score
    assert better.total("error", "residual").score == report.total("error", "residual").score
    assert desk.report(WhatIf(deleted=0.0)).eal("projected") > report.eal("projected")
    assert desk.base is report


def test_dates_and_costs_move_the_expected_loss_and_points_still_sum(inputs: Inputs, report: RiskReport) -> None:
    """Half the days halve the loss, dearer answers raise it; the loss curve follows."""
    desk = Desk(inputs, report)
    assert desk.report(WhatIf()).totals == report.totals
    half = desk.report(WhatIf(days=inputs.model.horizon_days // 2), each_asset=True)
    assert half.eal("residual") == pytest.approx(report.eal("residual") * (inputs.model.horizon_days // 2) / inputs.model.horizon_days)
    assert curves(half)["residual"].mean < curves(report)["residual"].mean
    dear = desk.report(WhatIf(cost=4.0))
    assert dear.eal("residual") > report.eal("residual")
    for s in (*half.totals, *dear.totals):
        assert sum(p.points for p in s.points) == pytest.approx(s.score, abs=1e-9)


def test_the_points_behind_a_bar_are_a_table(report: RiskReport) -> None:
    """Evidence of one risk, with value, room, time and digest."""
    assert all(len(points_of(report, r, "en")) >= 5 for r in RISKS)
