"""Vault charts: plain figures in both languages, with tables that give the same numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workbench.case import Case
from workbench.ui import vault_charts as charts
from workbench.vault import check_media, due, protect, restore_test


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_charts_show_what_the_values_say(make_case: Callable[..., Case], monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    """Every chart is a go.Figure without a cell of data, and its table has one line a bar."""
    monkeypatch.setattr(Case, "now", staticmethod(lambda: "2026-11-23T00:00:00Z"))  # the day of the case
    case = make_case(extra='[[assets]]\nname = "old laptop"\nkind = "device"\n')
    backup = protect(case)
    test, media = restore_test(case), check_media(case)
    figures = [charts.coverage(backup, lang), charts.restores(test, lang), charts.holders(backup, lang),
               charts.inspections(media, lang), charts.copies(media, lang), charts.due(due(case), lang)]
    tables = [charts.coverage_table(backup, lang), charts.restores_table(test, lang), charts.holders_table(backup, lang),
              charts.inspections_table(media, lang), charts.copies_table(media, lang), charts.due_table(due(case), lang)]
    assert [len(t) for t in tables] == [7, 7, 1, 3, 2, 4]
    assert list(figures[5].data[0].x) == [-365, 30, 30, 90]  # the laptop was never inspected
    assert [list(bar.x) for bar in figures[4].data] == [[backup.objects] * 2, [0, 0]]
    for figure in figures:
        assert type(figure).__name__ == "Figure"
        assert "CANARY" not in figure.to_json()
    assert sum(sum(bar.y) for bar in figures[1].data) == 7
