"""Portfolio, command line, page: fast, and in both languages."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from workbench.case import Case
from workbench.errors import ParameterError, WorkbenchError
from workbench.freeze import freeze
from workbench.governance.cli import govern
from workbench.governance.incidents import incidents, open_incident
from workbench.governance.inspection import inspect
from workbench.governance.partners import ask
from workbench.governance.portfolio import portfolio
from workbench.inventory import take_inventory
from workbench.records.blocks import Table
from workbench.ui.governance_views import draft_view, governance_view, inspection_view, portfolio_view


def test_two_hundred_cases_stand_in_one_portfolio(shop: Callable[..., Case], tmp_path: Path) -> None:
    case = shop()
    freeze(case)
    take_inventory(case)
    open_incident(case, "leak", "person", "x")
    inspect(case, "ivy")
    many = tmp_path / "many"
    many.mkdir()
    for n in range(200):
        shutil.copytree(case.folder, many / f"c{n:03d}")
    shutil.rmtree(many / "c007" / "values")
    (many / "c008" / "case.toml").write_text("nonsense = [", encoding="utf-8")
    found = portfolio([many])
    assert len(found.cases) == 200
    whole = next(c for c in found.cases if c.folder == "c100")
    assert (whole.incidents, whole.done) == (1, 2)
    assert whole.severe >= 2
    assert {c.folder for c in found.cases if "cannot be read" in " ".join(c.red)} == {"c007", "c008"}
    assert any(isinstance(b, Table) for b in portfolio_view(found, "zh"))
    with pytest.raises(ParameterError, match="no case folder"):
        portfolio([tmp_path / "nothing"])


def test_the_page_shows_every_register_in_both_languages(shop: Callable[..., Case]) -> None:
    from workbench.governance.drafts import drafts

    case = shop()
    item = open_incident(case, "leak", "person", "x", persons=2_000_000)
    ask(case, "partner-001")
    done = inspect(case, "ivy")
    for lang in ("zh", "en"):
        blocks = [*governance_view(case, lang), *inspection_view(done, lang), *draft_view(drafts(case, item, lang)[0])]
        titles = " ".join(b.title for b in blocks if isinstance(b, Table))
        assert item.id in titles
        assert all(b.plain() for b in blocks)
        if lang == "en":
            words = " ".join(" ".join(b.columns) for b in blocks if isinstance(b, Table))
            assert words.isascii()


def test_bad_input_on_the_command_line_is_one_sentence_and_changes_nothing(shop: Callable[..., Case]) -> None:
    """Every register's commands: an error of the tree, no traceback, the ledger as it was."""
    case = shop()
    size = len(case.ledger.entries)
    for words in (("tick", "I-9", "contain", "--as", "op"), ("assess", "I-9", "--fact", "x"), ("grants", "--as", "op", "--reason", "x"),
                  ("inspect", "--as", "op"), ("partner", "partner-9", "ask"), ("answer", "R-9", "--as", "op"),
                  ("letters", "--way", "in"), ("receiver", "nobody", "--told", "2026-01-01"), ("footprint",),
                  ("export-list", "shop.customers", "--as", "op"), ("review", "--as", "op", "--lessons", "x"),
                  ("handover", "--as", "sue"), ("authority", "--to", " ", "--as", "sue", "--out", f"{case.folder}/pack"),
                  ("oscal", "--out", f"{case.folder}/o.json"), ("notice", "final"), ("drill", "leak", "--as", "nobody")):
        with pytest.raises(WorkbenchError) as caught:
            CliRunner().invoke(govern, [words[0], str(case.folder), *words[1:]], catch_exceptions=False)
        assert caught.value.exit_code == 2
        assert caught.value.todo, words
    assert len(Case.open(case.folder).ledger.entries) == size


def test_the_command_line_takes_an_incident_from_opening_to_notice(shop: Callable[..., Case]) -> None:
    case = shop()
    run = CliRunner()

    def call(*words: str) -> tuple[int, str]:
        result = run.invoke(govern, [w.replace("CASE", str(case.folder)) for w in words], catch_exceptions=False)
        return result.exit_code, result.output

    assert call("watch", "CASE") == (0, "no open incident\n")
    open_incident(case, "leak", "person", "x")
    assert call("watch", "CASE")[0] == 1
    (item,) = incidents(case)
    assert call("assess", "CASE", item.id, "--persons", "2000000", "--fact", "cii=no")[0] == 0
    assert "provincial CAC" in call("clocks", "CASE", item.id, "--lang", "en")[1]
    assert "privacy@a.example" in call("drafts", "CASE", item.id, "--lang", "en")[1]
    assert call("tick", "CASE", item.id, "contain", "--as", "op")[0] == 0
    assert call("grants", "CASE", "--as", "ann", "--reason", "closing")[0] == 0
    assert call("inspect", "CASE", "--as", "ivy")[0] == 1
    assert "partner-001 new" in call("partner", "CASE")[1]
    assert "C-2019" in call("partner", "CASE", "partner-001", "ask")[1]
    assert "closing.en.html" in call("notice", "CASE", "closing")[1]
    assert "children.en.html" in call("notice", "CASE", "children")[1]
    assert "seen in" in call("drill", "CASE", "error", "--as", "sue")[1]
    assert "2026-08-31" in call("material", "CASE", "--as", "op", "--lang", "en")[1]
    assert call("oscal", "CASE", "--out", "CASE/oscal.json")[0] == 0
    assert "PIPL 47" in call("duties", "CASE", "--lang", "en")[1]
    assert "controller" in call("duties", "CASE", "--article30", "--lang", "en")[1]
    assert "Ed25519" in call("algorithms", "CASE", "--lang", "en")[1]
    assert "L-001" in call("letters", "CASE", "--way", "out", "--party", "CAC", "--subject", "notice of closing")[1]
    assert call("receiver", "CASE") == (0, "")
    assert "W-001 1." in call("review", "CASE", "--as", "sue", "--lessons", "partners were asked too late",
                              "--action", "op", "2026-12-01", "ask in week one")[1]
    assert "1 open actions" in call("compare", "CASE")[1]
    assert call("open", "CASE", "leak", "--as", "sue", "--what", "a list was found on a train")[0] == 0
    assert call("board", "CASE", "--lang", "en")[0] == 1
    assert "1 cases, 1 red" in call("portfolio", "CASE")[1]
