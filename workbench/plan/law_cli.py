"""``workbench law impact``: the group of the law room plus the one command that needs plans."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.law.cli import law


@law.command("impact")
@click.argument("case_dirs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--old", required=True, type=click.Path(path_type=Path), help="The pack as it was, e.g. cn-base.yaml of last year.")
@click.option("--new", type=click.Path(path_type=Path), help="The pack as it is; the loaded one when left out.")
def impact(case_dirs: tuple[Path, ...], old: Path, new: Path | None) -> None:
    """Which disposals and deadlines of open cases a change of law moves."""
    from workbench.case import Case
    from workbench.law import load_pack
    from workbench.law.commands import table
    from workbench.plan.law_impact import over_cases

    cases = [Case.open(d) for d in case_dirs]
    for found in over_cases(cases, load_pack(old), load_pack(new) if new else None):
        click.echo(f"{found.case_id}: {len(found.changes)} rules changed, {len(found.moved)} lines move")
        click.echo(table([(c.id, c.what, c.old, c.new) for c in found.changes], ("rule", "change", "was", "is")))
        if found.moved:
            click.echo(table([(m.kind, m.place, m.before, m.after) for m in found.moved], ("kind", "where", "was", "is")))


__all__ = ["law"]
