"""GOVERN, second half: the smaller registers on the command line. Each command is one call."""

from __future__ import annotations

import json
from pathlib import Path

import click

from workbench.errors import ParameterError

CASE = click.argument("case_dir", type=click.Path(path_type=Path))
AS = click.option("--as", "person", required=True, metavar="PERSON", help="id of case.toml")
LANG = click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@CASE
@LANG
def board(case_dir: Path, lang: str) -> None:
    """Every register in one line: red, due or done. Exit code 1 while one is red."""
    from workbench.case import Case
    from workbench.governance.board import board as call
    from workbench.governance.texts import load, pick

    value, table = call(Case.open(case_dir)), load("board")
    for x in value.lines:
        click.echo(f"{pick(table['states'][x.state], lang):<5} {pick(table['registers'][x.name], lang)} "
                   f"{x.count or ''} {x.due}".rstrip())
    raise SystemExit(1 if value.red else 0)


@click.command()
@CASE
@click.argument("sort", type=click.Choice(["leak", "tamper", "misuse", "error"]))
@AS
def drill(case_dir: Path, sort: str, person: str) -> None:
    """Rehearse an incident in a sandbox that holds none of the data; then tick its steps with `govern tick`."""
    from workbench.case import Case
    from workbench.governance.drills import rehearse

    value, item = rehearse(Case.open(case_dir), sort, person)  # type: ignore[arg-type]
    click.echo(f"{value.id} {'seen' if value.seen else 'NOT seen'} in {value.milliseconds} ms ({value.opened_as})")
    click.echo(f"Next: workbench govern tick {case_dir} {item.id} contain --as PERSON")


@click.command()
@CASE
@AS
@LANG
def material(case_dir: Path, person: str, lang: str) -> None:
    """Training material for a person's roles, made from the case."""
    from workbench.case import Case
    from workbench.governance.training import material as call

    for n, text in enumerate(call(Case.open(case_dir), person, lang), 1):
        click.echo(f"{n}. {text}")


@click.command()
@CASE
@click.option("--out", type=click.Path(path_type=Path), required=True, help="JSON file to write.")
@LANG
def oscal(case_dir: Path, out: Path, lang: str) -> None:
    """Write inspections and findings as OSCAL assessment-results (JSON)."""
    from workbench.case import Case
    from workbench.governance.oscal import write_oscal

    click.echo(write_oscal(Case.open(case_dir), out, lang))


@click.command()
@CASE
@click.option("--to", required=True, help="The authority, in words.")
@AS
@click.option("--out", type=click.Path(path_type=Path), required=True, help="New folder.")
def authority(case_dir: Path, to: str, person: str, out: Path) -> None:
    """Write everything an authority asks for into one folder; who took it out, for whom, is noted."""
    from workbench.case import Case
    from workbench.governance.authority import authority_pack

    click.echo(f"{authority_pack(Case.open(case_dir), to, person, out)}/index.html")


@click.command()
@CASE
@LANG
@click.option("--article30", is_flag=True, help="The GDPR article 30 record instead.")
def duties(case_dir: Path, lang: str, article30: bool) -> None:
    """Per regime each duty with its evidence or its gap. Exit code 1 while there is a gap."""
    from workbench.case import Case
    from workbench.governance import regimes

    case, zh = Case.open(case_dir), lang == "zh"
    if article30:
        for field, text in regimes.article30(case, lang):
            click.echo(f"{field}: {text}")
        return
    value = regimes.checklist(case)
    for x in value.lines:
        click.echo(f"{'✓' if x.state == 'evidence' else '✗'} {x.regime:<6} {x.zh if zh else x.en} · "
                   f"{x.law_zh if zh else x.law_en} [{x.mark}] {', '.join(regimes.named(r, lang) for r in x.refs or x.lacking)}")
    raise SystemExit(1 if value.gaps else 0)


@click.command()
@CASE
@LANG
def algorithms(case_dir: Path, lang: str) -> None:
    """Algorithms and formats in use, their end of life and replacement."""
    from workbench.case import Case
    from workbench.governance.algorithms import algorithms as call

    zh = lang == "zh"
    for a in call(Case.open(case_dir)):
        click.echo(f"{'⚠' if a.outlived else '✓'} {a.zh if zh else a.en} · {a.end_zh if zh else a.end_en} → "
                   f"{a.replace_zh if zh else a.replace_en} [{a.mark}]")


@click.command()
@CASE
@click.option("--way", type=click.Choice(["in", "out"]), default=None, help="Enter a letter; without it the log is shown.")
@click.option("--party", default="")
@click.option("--subject", default="")
@click.option("--file", "file", type=FILE, default=None, help="The paper; only its digest is kept.")
@click.option("--due", default="", help="Day by which an answer is expected.")
@click.option("--answers", default="", help="Letter that this one answers.")
@click.option("--as", "person", default="", metavar="PERSON")
def letters(case_dir: Path, way: str | None, party: str, subject: str, file: Path | None, due: str, answers: str,
            person: str) -> None:
    """The log of correspondence."""
    from workbench.case import Case
    from workbench.governance.correspondence import Letter, note_letter
    from workbench.governance.register import entries

    case = Case.open(case_dir)
    if way:
        note_letter(case, way, party, subject, person or case.operator(), file=file, due=due,  # type: ignore[arg-type]
                    answers=answers)
    for k in entries(case, Letter):
        click.echo(f"{k.id} {k.at} {k.way:<3} {k.party}: {k.subject} {k.due} {k.answers}".rstrip())


@click.command()
@CASE
@click.argument("name", required=False)
@click.option("--contact", default="")
@click.option("--told", default="", help="Day on which the persons were told.")
@click.option("--how", default="")
@click.option("--proof", type=FILE, default=None, help="The notice as published or sent.")
@click.option("--consent", type=FILE, default=None, help="Proof of consent, where the purpose changes.")
@click.option("--same-purpose/--new-purpose", default=True)
@click.option("--as", "person", default="", metavar="PERSON")
def receiver(case_dir: Path, name: str | None, contact: str, told: str, how: str, proof: Path | None, consent: Path | None,
             same_purpose: bool, person: str) -> None:
    """Receivers of the plan; note with NAME that the persons were told."""
    from workbench.case import Case
    from workbench.governance import receivers as room

    case = Case.open(case_dir)
    if name:
        if proof is None:
            raise ParameterError("a notice needs its proof", "--proof FILE")
        room.tell(case, name, person or case.operator(), contact=contact, told=told, how=how, proof=proof,
                  same_purpose=same_purpose, consent=consent)
    for r in room.receivers(case):
        click.echo(f"{r.state:<13} {r.id} {r.told} {', '.join(r.tables)}")


@click.command(name="export-list")
@CASE
@click.argument("table")
@AS
@click.option("--second", default="", metavar="PERSON", help="The second person, who signs too.")
@click.option("--ground", default="", help="hand_over, order or consent.")
@click.option("--reference", default="", help="SHA-256 of the order or of the proof of consent.")
def export_list(case_dir: Path, table: str, person: str, second: str, ground: str, reference: str) -> None:
    """Take a list of customers out: refused without a ground in law and a second person."""
    from workbench.case import Case
    from workbench.governance.access import export_list as call

    click.echo(call(Case.open(case_dir), table, person, ground=ground, second=second, reference=reference))


@click.command()
@CASE
@AS
@click.option("--lessons", default="", help="What went well, what went wrong and why.")
@click.option("--action", "todo", multiple=True, metavar="OWNER DAY TEXT", nargs=3, type=(str, str, str))
@click.option("--done", "finished", default=None, nargs=2, type=(str, int), metavar="REVIEW NUMBER")
def review(case_dir: Path, person: str, lessons: str, todo: tuple[tuple[str, str, str], ...],
           finished: tuple[str, int] | None) -> None:
    """Note a closing review, or that one of its actions is done."""
    from workbench.case import Case
    from workbench.governance.improvement import Action, action_done, closing_review

    case = Case.open(case_dir)
    if finished:
        value = action_done(case, finished[0], finished[1], person)
    else:
        value = closing_review(case, person, lessons, [Action(owner=o, due=d, text=t) for o, d, t in todo])
    for n, a in enumerate(value.actions, 1):
        click.echo(f"{value.id} {n}. {'✓' if a.done else '⚠'} {a.owner} {a.due} {a.text}")


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def compare(folders: tuple[Path, ...]) -> None:
    """Runs and cases beside each other: failures, times, findings, repeats, near misses."""
    from workbench.governance.improvement import compare_cases

    for c in compare_cases(folders):
        failed = sum(s.failed for s in c.steps)
        click.echo(f"{c.case_id}: {sum(s.runs for s in c.steps)} runs, {failed} failed, {sum(c.findings.values())} findings, "
                   f"{len(c.repeated)} repeated, {c.near_misses} near misses, incidents {json.dumps(c.incidents)}, "
                   f"{c.drills} drills, {c.open_actions} open actions")


@click.command()
@CASE
@AS
@click.option("--contract", default="")
@click.option("--cost", default="")
def handover(case_dir: Path, person: str, contract: str, cost: str) -> None:
    """Hand the request desk to the custodian of case.toml."""
    from workbench.case import Case
    from workbench.governance.handover import hand_over_desk

    value = hand_over_desk(Case.open(case_dir), person, contract=contract, cost=cost)
    click.echo(f"{value.custodian} until {value.until}: {len(value.receipts)} receipts, {len(value.open_requests)} open requests")


@click.command()
@CASE
@LANG
def footprint(case_dir: Path, lang: str) -> None:
    """Storage and energy freed: an estimate, with its range and source."""
    from workbench.case import Case
    from workbench.governance.footprint import footprint as call

    f = call(Case.open(case_dir))
    click.echo(f"{f.bytes_freed + f.backup_bytes:,} B; {f.wh_low:,} – {f.wh_high:,} Wh/a; "
               f"{f.source_zh if lang == 'zh' else f.source_en} [{f.mark}]")


COMMANDS = (board, drill, material, oscal, authority, duties, algorithms, letters, receiver, export_list, review, compare,
            handover, footprint)
