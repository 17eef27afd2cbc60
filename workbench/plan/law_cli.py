"""``workbench law diff``: what changed in the law, and which disposals and deadlines of open cases that moves."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from workbench.law.cli import DATE, choose, day_of, law, packs_of


@law.command("diff")
@click.option("--from", "before", type=DATE, help="First day, e.g. 2025-12-31.")
@click.option("--to", "after", type=DATE, help="Second day; today when left out.")
@click.option("--old", type=click.Path(path_type=Path), help="An older version of a pack ...")
@click.option("--new", type=click.Path(path_type=Path), help="... and the newer one; the shipped one when left out.")
@click.option("--case", "cases", multiple=True, type=click.Path(path_type=Path),
              help="A case folder: which of its disposals and deadlines move. May be given again.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh")
@choose
def diff(before: dt.datetime | None, after: dt.datetime | None, old: Path | None, new: Path | None, cases: tuple[Path, ...],
         lang: str, place: tuple[str, ...], sector: tuple[str, ...], pack: tuple[Path, ...]) -> None:
    """What changed between two days, or between two versions of a pack; with --case, what that moves. Changes nothing."""
    from workbench.case import Case
    from workbench.law import commands, load_pack
    from workbench.plan.compare import columns
    from workbench.plan.law_impact import Impact, of_dates, of_pack
    from workbench.plan.simulate import ground

    if (old is None) == (before is None):
        raise click.UsageError("give --from DAY, or --old PACK.yaml")
    packs = packs_of(place, sector, pack)
    older = newer = None
    if old is not None:
        older = load_pack(old)
        newer = load_pack(new) if new else commands.shipped_as(older)
        packs = commands.with_pack(packs, newer)
        changes = commands.diff_packs(commands.with_pack(packs, older), packs, day_of(after))
    else:
        changes = commands.diff_dates(packs, day_of(before), day_of(after))
    head = ("规则", "变化", "原", "新", "起") if lang == "zh" else ("rule", "change", "was", "is", "since")
    rows = [(c.id, c.what, _side(c.old, c.old_law, lang), _side(c.new, c.new_law, lang), c.since) for c in changes]
    click.echo(commands.table(rows, head))
    for folder in cases:
        base = ground(Case.open(folder))
        found: Impact = of_pack(base, older, newer, lang) if older and newer else of_dates(base, day_of(before), day_of(after), lang)
        click.echo(f"\n{found.case_id}: {len(found.moved)} {'处变动' if lang == 'zh' else 'lines move'}")
        click.echo(commands.table([(m.kind, m.place, m.what, m.before, m.after, ", ".join(m.rules)) for m in found.moved],
                                  columns(lang)))
    if cases:
        click.echo("\n按新规则重做计划:在 case.toml 写 packs = [\"新规则包.yaml\"](或更新程序),再 workbench run CASE plan"
                   if lang == "zh" else "\nTo plan again under the new rules: packs = [\"new-pack.yaml\"] in case.toml (or update the "
                   "program), then workbench run CASE plan")


def _side(term: str, cited: str, lang: str) -> str:
    zh, _, en = cited.partition(" / ")
    return f"{term} ({zh if lang == 'zh' else en or zh})" if cited else term


__all__ = ["law"]
