"""``workbench law impact``: open cases named with the duties and lines that a change of law moves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from tests.plan.conftest import finding as found
from tests.plan.conftest import findings as all_findings
from tests.plan.conftest import inventory, table
from workbench.case import Case
from workbench.law.loader import FOLDER
from workbench.plan.law_cli import law


def test_the_command_names_rules_and_lines(make_case: Callable[..., Path], tmp_path: Path) -> None:
    """A pack with fifteen instead of thirty years: the voucher rule and the invoices' class are printed."""
    case = Case.open(make_case())
    case.begin()
    case.save(inventory(table("invoices", ["id", "buyer_name"], source="files")))
    case.save(all_findings(found("files.invoices.buyer_name")))
    old = tmp_path / "old.yaml"
    old.write_text((FOLDER / "cn-base.yaml").read_text(encoding="utf-8").replace("min_term: P30Y", "min_term: P15Y", 1), encoding="utf-8")
    result = CliRunner().invoke(law, ["impact", str(case.folder), "--old", str(old)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "cn.accounting.voucher" in result.output
    assert "files.invoices" in result.output
    assert "2041" in result.output
    assert "2056" in result.output
