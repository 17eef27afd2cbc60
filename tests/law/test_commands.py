"""``workbench law``: what applies, what changed, in both languages."""

from __future__ import annotations

import datetime as dt

import pytest
from click.testing import CliRunner

from workbench.errors import LawError
from workbench.law import all_packs, commands, load_packs
from workbench.plan.law_cli import law


def test_renumbering_is_told_apart_from_a_change() -> None:
    """The log duty moved from article 21 to 23 and stayed six months; hazardous chemicals went from one year to three."""
    changes = {c.id: c for c in commands.diff_dates(all_packs(), dt.date(2025, 12, 31), dt.date(2026, 5, 1))}
    assert changes["cn.network.log"].what == "renumbered"
    assert "21" in changes["cn.network.log"].old_law
    assert "23" in changes["cn.network.log"].new_law
    assert changes["cn.hazchem.sale"].what == "changed"
    assert ("P1Y" in changes["cn.hazchem.sale"].old, "P3Y" in changes["cn.hazchem.sale"].new) == (True, True)
    assert "cn.accounting.voucher" not in changes


def test_a_future_rule_is_added_on_its_day() -> None:
    """The EU rule of 2027-07-10 is not law on the day before."""
    ids = {c.id: c.what for c in commands.diff_dates(all_packs(), dt.date(2027, 7, 9), dt.date(2027, 7, 10))}
    assert ids == {"eu.amlr.cdd": "added"}


def test_check_counts_what_nobody_signed() -> None:
    """The check passes and still says that every rule waits for a lawyer."""
    c = commands.check()
    assert c.rules == len(c.unsigned) > 150
    assert ("cn.accounting.voucher", "M-high") in c.weak


def test_an_unknown_rule_names_near_ones() -> None:
    """A typing error gets help."""
    with pytest.raises(LawError, match=r"cn\.network\.log"):
        commands.show_rule(load_packs(("CN",)), "cn.network.logs")


@pytest.mark.parametrize("args", [["list", "--lang", "en"], ["list", "log", "--format", "json"], ["show", "cn.network.log"], ["check"],
                                  ["diff", "--from", "2025-12-31", "--to", "2026-11-23"]])
def test_each_command_answers(args: list[str]) -> None:
    """Every subcommand runs on the shipped packs."""
    result = CliRunner().invoke(law, args)
    assert result.exit_code == 0
    assert "cn.network.log" in result.output or args == ["check"]
