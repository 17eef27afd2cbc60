"""``workbench law``: each command is one call of :mod:`workbench.law.commands`. ``law diff`` stands in the plan room, which
knows what a change moves."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any

import click

DATE = click.DateTime(formats=["%Y-%m-%d"])


def day_of(value: dt.datetime | None) -> dt.date:
    return value.date() if value else dt.datetime.now().astimezone().date()


def packs_of(place: tuple[str, ...], sector: tuple[str, ...], pack: tuple[Path, ...]) -> Any:
    from workbench.law.loader import load_pack, load_packs, shipped
    from workbench.law.packs_value import Packs

    if not place and not sector:
        return Packs.merge([*shipped(), *(load_pack(p) for p in pack)])
    return load_packs(place or ("CN",), sector, pack)


def choose(f: Any) -> Any:
    f = click.option("--pack", multiple=True, type=click.Path(path_type=Path), help="A pack of your own, beside the shipped ones.")(f)
    f = click.option("--sector", multiple=True, help="ecommerce, finance, medical, telecom, ...")(f)
    return click.option("--place", multiple=True, help="CN EU DE FR UK US US-CA HK SG JP KR; all when left out.")(f)


@click.group(help="Rule packs: list, show, check, diff.")
def law() -> None:
    """Questions to the rule packs. Nothing here is legal advice; marks and missing sign-offs are printed."""


@law.command("list")
@click.argument("word", default="")
@click.option("--on", type=DATE, help="The day asked about; today when left out.")
@click.option("--kind", default="", help="retention obligation notice handover deadline threshold matrix level hold")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh")
@choose
def list_(word: str, on: dt.datetime | None, kind: str, form: str, lang: str, place: tuple[str, ...], sector: tuple[str, ...],
          pack: tuple[Path, ...]) -> None:
    """Rules in force on a day."""
    from workbench.law import commands

    rows = commands.list_rules(packs_of(place, sector, pack), day_of(on), kind, word.lower(), lang)
    if form == "json":
        for r in rows:
            click.echo(json.dumps(dataclasses.asdict(r), ensure_ascii=False))
        return
    head = ("规则", "内容", "期限", "依据", "可信度") if lang == "zh" else ("rule", "what", "term", "law", "confidence")
    click.echo(commands.table([(r.id, getattr(r, lang), r.term, r.provision, r.confidence + ("" if r.signed_off else " ✎?"))
                               for r in rows], head))
    click.echo("✎? = 未经律师签核 no lawyer has signed it off")


@law.command("show")
@click.argument("rule_id")
@choose
def show(rule_id: str, place: tuple[str, ...], sector: tuple[str, ...], pack: tuple[Path, ...]) -> None:
    """Everything the packs hold about one rule."""
    from workbench.law import commands

    packs = packs_of(place, sector, pack)
    rule = commands.show_rule(packs, rule_id)
    click.echo(f"{rule.id}  {rule.names.zh} / {rule.names.en}\n  pack {rule.pack}, kind {rule.kind}")
    for v in rule.values:
        state = "repealed" if v.repealed else f"{commands.term_of(v)}  [{v.confidence}]"
        click.echo(f"  {commands.since_of(v)}: {state}\n      {packs.cite(v)}")
    for words in (rule.text, rule.note):
        if words:
            click.echo(f"  {words.zh} / {words.en}")
    targets = ", ".join(x for v in rule.maps_to.values() for x in v)
    click.echo(f"  binds: {', '.join(rule.applies_to.record) or '-'}; maps to: {targets or '-'}")
    click.echo(f"  signed off: {rule.review.by or 'nobody 无人'}")


@law.command("check")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def check(paths: tuple[Path, ...]) -> None:
    """Check the shipped packs, or your own beside them."""
    from workbench.law import commands

    c = commands.check(paths)
    click.echo(f"{c.packs} packs, {c.rules} rules, {c.values} dated values: well formed ✓")
    click.echo(f"{len(c.unsigned)} rules have no lawyer's sign-off; {len(c.weak)} rest on memory (M-*).")
