"""Scores: points that add up, evidence that never hurts, bands that hold the truth, severity as published."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import ParameterError
from workbench.risk.assess import score_all, totals_of
from workbench.risk.evidence import Evidence
from workbench.risk.model import AssetFacts, Score
from workbench.risk.multipliers import RISKS, model
from workbench.risk.score import Inputs, Scorer
from workbench.risk.severity import IMPACT, LIKELIHOODS, cell, ease, level, severity

ITEMS = model().items
facts = st.builds(lambda n, r, d, e, c, left, sealed: AssetFacts(
                      asset=f"s.t{n}", records=r, dpc=d, ei=e, clear=c, remaining=left, sealed=sealed * (1 - left)),
                  st.integers(0, 9), st.integers(0, 5_000_000), st.integers(1, 4), st.sampled_from([0.25, 0.5, 0.75, 1.0]),
                  st.floats(0, 1), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.sampled_from([0.0, 0.5, 1.0]))
assets = st.lists(facts, min_size=1, max_size=6, unique_by=lambda a: a.asset).map(tuple)


@st.composite
def evidence(draw: st.DrawFn) -> tuple[Evidence, ...]:
    """Some items measured for the case, a source or a table."""
    chosen = draw(st.lists(st.sampled_from(ITEMS), max_size=12, unique_by=lambda i: i.id))
    return tuple(Evidence(item=i.id, asset=draw(st.sampled_from(["*", "s", "s.t1"])), value=draw(st.floats(0, 1)), at="2026", by="t")
                 for i in chosen)


def every(inputs: Inputs) -> tuple[Score, ...]:
    totals, scores = score_all(inputs)
    return totals + scores


@settings(max_examples=60, deadline=None)
@given(assets, evidence())
def test_points_sum_to_the_score(a: tuple[AssetFacts, ...], e: tuple[Evidence, ...]) -> None:
    """Within 1e-9, for every asset, every total, every state."""
    for s in every(Inputs(a, e, model())):
        if s.points:
            assert math.fsum(p.points for p in s.points) == pytest.approx(s.score, abs=1e-9)
        assert s.low <= s.score + 1e-9
        assert s.score <= s.high + 1e-9


@settings(max_examples=60, deadline=None)
@given(assets, evidence(), st.sampled_from(ITEMS), st.floats(0, 1), st.floats(0, 1))
def test_better_evidence_never_raises_a_score(
    a: tuple[AssetFacts, ...], e: tuple[Evidence, ...], item: object, x: float, y: float
) -> None:
    """A value with a smaller multiplier gives no larger score; any measurement is at most as bad as none."""
    item = model().item(item.id)  # type: ignore[attr-defined]
    assert item is not None
    better, worse = sorted((x, y), key=item.multiplier)
    others = tuple(v for v in e if v.item != item.id)

    def totals(*found: Evidence) -> list[float]:
        return [s.score for s in totals_of(Inputs(a, others + found, model())) if s.risk == item.risk and s.state == "residual"]

    good, bad = (totals(Evidence(item=item.id, value=v, at="2026", by="t")) for v in (better, worse))
    none = totals()
    assert all(g <= b + 1e-9 for g, b in zip(good, bad, strict=True))
    assert all(b <= n + 1e-9 for b, n in zip(bad, none, strict=True))


@settings(max_examples=60, deadline=None)
@given(assets, evidence(), st.integers(0, 5), st.floats(0, 1))
def test_deleting_data_never_raises_the_expected_loss(a: tuple[AssetFacts, ...], e: tuple[Evidence, ...], n: int, share: float) -> None:
    """Leaving fewer records of one table behind lowers, or keeps, the projected loss."""
    i = n % len(a)
    less = tuple(x.model_copy(update={"remaining": x.remaining * share}) if k == i else x for k, x in enumerate(a))
    before = sum(s.eal for s in totals_of(Inputs(a, e, model())) if s.state == "projected")
    after = sum(s.eal for s in totals_of(Inputs(less, e, model())) if s.state == "projected")
    assert after <= before * (1 + 1e-9) + 1e-9


@settings(max_examples=30, deadline=None)
@given(assets, evidence(), st.randoms(use_true_random=False))
def test_controls_only_lower_and_order_does_not_matter(a: tuple[AssetFacts, ...], e: tuple[Evidence, ...], random: object) -> None:
    """Inherent is never below residual; shuffled evidence gives the same bytes."""
    totals = totals_of(Inputs(a, e, model()))
    for r in RISKS:
        by = {s.state: s.score for s in totals if s.risk == r}
        assert by["inherent"] >= by["residual"] - 1e-9
    mixed = list(e)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    again = totals_of(Inputs(a, tuple(mixed), model()))
    assert [s.canonical() for s in totals] == [s.canonical() for s in again]


def test_ninety_per_cent_bands_hold_the_planted_truth() -> None:
    """500 cases with true multipliers drawn around the measured ones: 85 to 95 % of bands hold the true score."""
    m = model()
    rng = np.random.default_rng(20261123)
    a = AssetFacts(asset="s.t", records=50_000, dpc=3, ei=1.0, clear=1.0)
    hits = []
    for _ in range(500):
        found = tuple(Evidence(item=i.id, value=float(rng.random()), at="2026", by="t") for i in m.of("leak") if rng.random() < 0.8)
        scorer = Scorer(Inputs((a,), found, m))
        part = scorer.part(a, "leak", "residual")
        s = scorer.score(part, "leak", "residual")
        truth = sum(part.fixed) + rng.normal(0, math.log(m.base_rates["leak"].spread) / 1.6449)
        for f in part.factors:
            truth += rng.normal(math.log(f.mode), f.log_sd) if f.measured else rng.uniform(math.log(f.low), math.log(f.high))
        true = min(100.0, max(0.0, truth / scorer.inputs.scale * 100))
        hits.append(s.low - 1e-9 <= true <= s.high + 1e-9)
    assert 0.85 <= float(np.mean(hits)) <= 0.95


def test_missing_evidence_widens_the_band_and_coverage_says_so() -> None:
    """Measuring an item narrows the band and raises coverage."""
    a = AssetFacts(asset="s.t", records=50_000, dpc=3, ei=1.0, clear=1.0)
    none = totals_of(Inputs((a,), (), model()))[1]
    some = totals_of(Inputs((a,), (Evidence(item="store.encrypted", value=0.0, at="", by="t"),), model()))[1]
    assert (none.risk, none.state) == ("leak", "residual")
    assert none.high - none.low > some.high - some.low
    assert none.coverage < some.coverage


@pytest.mark.parametrize(("dpc", "ei", "risk", "se", "grade"), [
    (1, 0.25, "leak", 0.75, "low"), (2, 0.5, "leak", 1.5, "low"), (2, 0.75, "leak", 2.0, "medium"), (3, 0.75, "leak", 2.75, "medium"),
    (3, 1.0, "leak", 3.5, "high"), (4, 1.0, "leak", 4.5, "very_high"), (4, 1.0, "misuse", 4.75, "very_high"),
    (4, 0.25, "leak", 1.5, "low")])
def test_enisa_s_formula(dpc: int, ei: float, risk: str, se: float, grade: str) -> None:
    """SE = DPC x EI + CB, with the four published levels: below 2, 3, 4, and from 4."""
    assert severity(dpc, ei, risk) == pytest.approx(se)  # type: ignore[arg-type]
    assert level(se) == grade


MATRIX = """严重 中 高 严重 严重
高 中 中 高 严重
中 低 中 中 高
低 低 低 中 中"""


def test_every_cell_of_the_matrix() -> None:
    """The sixteen cells of GB/T 39335 as in the facts."""
    for line in MATRIX.splitlines():
        impact, *cells = line.split()
        assert [cell(impact, x) for x in LIKELIHOODS] == cells
    assert set(IMPACT.values()) == {"低", "中", "高", "严重"}


def test_ease_of_identification_is_computed() -> None:
    """Clear identifiers 1, unreadable data 0.25, else from small classes; not measured counts as all small."""
    assert (ease(True, 0.1, False), ease(False, 0.2, False), ease(False, None, False), ease(True, None, True)) == (1.0, 0.4, 1.0, 0.25)


def test_m_of_four_is_ten_points_and_a_tenth_is_minus_sixteen_point_seven() -> None:
    """The scale is fixed, so points mean the same in every case."""
    scale = math.log(1 / model().floor_share)
    assert 100 * math.log(4) / scale == pytest.approx(10.03, abs=0.01)
    assert 100 * math.log(0.1) / scale == pytest.approx(-16.67, abs=0.01)


def test_a_wrong_multipliers_file_names_its_key(tmp_path: object) -> None:
    """A company's own file is checked like everything else."""
    path = tmp_path / "m.yaml"  # type: ignore[operator]
    path.write_text("version: x\n", encoding="utf-8")
    with pytest.raises(ParameterError, match="multipliers file"):
        model(path)
    assert not model().calibrated
