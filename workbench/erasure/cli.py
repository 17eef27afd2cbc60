"""COMMANDS beside an erasure: measure what deleting costs here; pause a run, let it go on, ask how far it is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from workbench.erasure.pace import PAUSE, TOLD

CASE = click.argument("case_dir", type=click.Path(path_type=Path))


def _folder(case_dir: Path) -> Path:
    from workbench.case import Case

    return Case.open(case_dir).private("erasure-private")


@click.group("erase")
def erase() -> None:
    """Measure what deleting costs here; pause an erasure that runs, let it go on, ask how far it is."""


@erase.command()
@CASE
@click.option("--source", default="", metavar="NAME", help="Only this database; otherwise the first of each engine.")
@click.option("--rows", default=120_000, show_default=True, help="Made-up rows; more take longer and tell more of large tables.")
def fit(case_dir: Path, source: str, rows: int) -> None:
    """Measure on the servers of CASE_DIR what each way of deleting costs, so that plans choose and estimate by it.

    Works in a schema, database or file of its own (wb_erase_fit) with made-up rows, and takes it away again, also after
    Ctrl-C. No table of yours is touched.
    """
    from workbench.case import Case
    from workbench.erasure.fit import fit as measure

    measure(Case.open(case_dir), source=source, rows=rows, told=click.echo)
    click.echo(f"written: {Path(case_dir) / 'erasure-private' / 'rates.json'}\nNext: workbench run {case_dir} dry_run")


@erase.command()
@CASE
def pause(case_dir: Path) -> None:
    """Make the erasure of CASE_DIR wait after the batch it is in; it keeps its place, also over a restart."""
    (_folder(case_dir) / PAUSE).touch(mode=0o600)
    click.echo(f"Next: workbench erase resume {case_dir}")


@erase.command()
@CASE
def resume(case_dir: Path) -> None:
    """Let a paused erasure go on."""
    (_folder(case_dir) / PAUSE).unlink(missing_ok=True)


@erase.command()
@CASE
def progress(case_dir: Path) -> None:
    """Say which table the erasure is at, how many rows are done and about how long it still takes."""
    path = _folder(case_dir) / TOLD
    if not path.exists():
        click.echo("no erasure has begun")
        return
    told = json.loads(path.read_text(encoding="utf-8"))
    left = "" if told["seconds_left"] is None else f", about {told['seconds_left']} s left"
    click.echo(f"{told['what']}: {told['done']:,} of {told['total']:,} rows, {told['state']}{left}")
