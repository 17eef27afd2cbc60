"""``workbench law diff --case``: open cases named with the duties and lines that a change of law moves; planning again shows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.plan.conftest import finding as found
from tests.plan.conftest import findings as all_findings
from tests.plan.conftest import inventory, table
from workbench.case import Case
from workbench.law.loader import FOLDER
from workbench.plan import make_plan
from workbench.plan.law_cli import law
from workbench.ui.views import replanned


@pytest.fixture
def case(make_case: Callable[..., Path]) -> Case:
    """A case with one table of invoices, classified."""
    case = Case.open(make_case())
    case.begin()
    case.save(inventory(table("invoices", ["id", "buyer_name"], source="files")))
    case.save(all_findings(found("files.invoices.buyer_name")))
    return case


@pytest.fixture
def old_pack(tmp_path: Path) -> Path:
    """The China pack with fifteen instead of thirty years for vouchers."""
    old = tmp_path / "old.yaml"
    old.write_text((FOLDER / "cn-base.yaml").read_text(encoding="utf-8").replace("min_term: P30Y", "min_term: P15Y", 1), encoding="utf-8")
    return old


@pytest.mark.parametrize("planned_with", ["old", "shipped"])
@pytest.mark.parametrize(("lang", "words"), [("en", "keep until 2041"), ("zh", "保存至 2041")])
def test_the_command_names_rules_and_lines(case: Case, old_pack: Path, lang: str, words: str, planned_with: str) -> None:
    """The voucher rule and the invoices' line are printed, as they were and as they are, whichever pack the case has."""
    if planned_with == "old":
        toml = case.folder / "case.toml"
        toml.write_text(f"packs = [{str(old_pack)!r}]\n{toml.read_text(encoding='utf-8')}", encoding="utf-8")
    given = ["diff", "--case", str(case.folder), "--old", str(old_pack), "--lang", lang]
    result = CliRunner().invoke(law, given, catch_exceptions=False)
    assert result.exit_code == 0
    assert "cn.accounting.voucher" in result.output
    line = next(x for x in result.output.splitlines() if "files.invoices" in x)
    assert words in line
    assert "2056" in line


def test_two_questions_at_once_are_refused(old_pack: Path) -> None:
    """Either two days or two packs."""
    result = CliRunner().invoke(law, ["diff", "--old", str(old_pack), "--from", "2025-12-31"])
    assert result.exit_code == 2
    assert "--from DAY, or --old" in result.output


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_planning_again_under_the_new_pack_shows_the_same_lines(case: Case, old_pack: Path, lang: str) -> None:
    """A pack of the same id in case.toml takes the shipped one's place; the record says what moved since."""
    toml = case.folder / "case.toml"
    shipped = toml.read_text(encoding="utf-8")
    toml.write_text(f"packs = [{str(old_pack)!r}]\n{shipped}", encoding="utf-8")
    first = make_plan(Case.open(case.folder))
    assert not list(replanned(Case.open(case.folder))(lang))
    toml.write_text(shipped, encoding="utf-8")
    again = Case.open(case.folder)
    second = make_plan(again)
    assert first.digest != second.digest
    text = str(list(replanned(again)(lang)))
    assert "files.invoices" in text
    assert "2041" in text
    assert "2056" in text
    assert "cn-base" in text
