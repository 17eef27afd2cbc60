"""GOVERN: the registers on the command line. Each command is one call; everything heavy is imported inside it."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.errors import ParameterError
from workbench.governance.cli_registers import AS, CASE, COMMANDS, LANG
from workbench.values import short


@click.group()
def govern() -> None:
    """Incidents, inspections, partners, requests, training, public notices, portfolio."""


for _command in COMMANDS:
    govern.add_command(_command)


@govern.command()
@CASE
@click.option("--look/--no-look", default=True, help="Compare the sources with the freeze anew.")
def watch(case_dir: Path, look: bool) -> None:
    """Open incidents for whatever is wrong; run it from a timer. Exit code 1 while one is open."""
    from workbench.governance.watch import watch_folder

    found = watch_folder(case_dir, look=look)
    for i in found:
        click.echo(f"{i.id} {i.sort:<7} {i.origin:<14} {i.discovered_at} {', '.join(i.places[:3])}")
    if not found:
        click.echo("no open incident")
    raise SystemExit(1 if found else 0)


@govern.command()
@CASE
@click.argument("incident_id")
@LANG
def clocks(case_dir: Path, incident_id: str, lang: str) -> None:
    """Who must be told by when; no number where the law gives none."""
    from workbench.governance.incidents import clocks_of, incident
    from workbench.governance.texts import load, pick
    from workbench.governance.watch import open_anyway

    case = open_anyway(case_dir)
    for c in clocks_of(case, incident(case, incident_id)):
        due = c.due or (c.within or pick(load("notices")["words"]["no_hours"], lang))
        why = c.why_zh if lang == "zh" else c.why_en
        click.echo(f"{c.applies:<4}{due:<24}{c.zh if lang == 'zh' else c.en} → {c.to} [{c.confidence}] {why}")


@govern.command()
@CASE
@click.argument("incident_id")
@click.option("--persons", type=int, default=None)
@click.option("--fact", "facts", multiple=True, metavar="NAME=yes|no")
@click.option("--at", "events", multiple=True, metavar="START=TIME")
@click.option("--as", "person", default="", metavar="PERSON", help="Who assesses and signs; default the operator.")
def assess(case_dir: Path, incident_id: str, persons: int | None, facts: tuple[str, ...], events: tuple[str, ...],
           person: str) -> None:
    """Say what was found out about an incident."""
    from workbench.governance.incidents import assess as call
    from workbench.governance.watch import open_anyway

    said = {k: v.lower() in ("yes", "true", "1") for k, v in map(_pair, facts)}
    call(open_anyway(case_dir), incident_id, persons=persons, facts=said, events=dict(map(_pair, events)),
         person=person)
    click.echo(f"Next: workbench govern clocks {case_dir} {incident_id}")


@govern.command()
@CASE
@click.argument("incident_id")
@LANG
def drafts(case_dir: Path, incident_id: str, lang: str) -> None:
    """Print a draft of every notice."""
    from workbench.governance.drafts import as_text
    from workbench.governance.drafts import drafts as call
    from workbench.governance.incidents import incident
    from workbench.governance.watch import open_anyway

    case = open_anyway(case_dir)
    for d in call(case, incident(case, incident_id), lang):
        click.echo(as_text(d))


@govern.command()
@CASE
@click.argument("incident_id")
@click.argument("step")
@AS
@click.option("--note", default="")
def tick(case_dir: Path, incident_id: str, step: str, person: str, note: str) -> None:
    """Note that a step of the playbook is done."""
    from workbench.governance.incidents import tick as call
    from workbench.governance.watch import open_anyway

    call(open_anyway(case_dir), incident_id, step, person, note)


@govern.command()
@CASE
@click.argument("incident_id")
@AS
@click.option("--report", required=True, help="Cause, effect, remedy, what changes.")
def close(case_dir: Path, incident_id: str, person: str, report: str) -> None:
    """Close an incident with its report."""
    from workbench.case import Case
    from workbench.governance.incidents import close as call

    call(Case.open(case_dir), incident_id, person, report)


@govern.command()
@CASE
@AS
@click.option("--reason", required=True)
def grants(case_dir: Path, person: str, reason: str) -> None:
    """Answer for the access rights as they are now; new ones later open an incident."""
    from workbench.case import Case
    from workbench.governance.grants import note_grants

    value = note_grants(Case.open(case_dir), person, reason)
    click.echo(f"{sum(map(len, value.rights.values()))} rights in {len(value.rights)} sources")


@govern.command()
@CASE
@AS
@LANG
@click.option("--again", is_flag=True, help="Re-check open findings only.")
def inspect(case_dir: Path, person: str, lang: str, again: bool) -> None:
    """Run the checks; severe findings stop the plan. Exit code 1 while a finding is open."""
    from workbench.case import Case
    from workbench.governance import inspection

    case = Case.open(case_dir)
    if again:
        inspection.recheck(case, person)
    else:
        inspection.inspect(case, person)
    left = inspection.open_findings(case)
    for f in left:
        zh = lang == "zh"
        click.echo(f"{f.id} {f.severity:<7}{f.asset}: {f.zh if zh else f.en} → {f.owner} {f.due}: "
                   f"{f.remedy_zh if zh else f.remedy_en}")
    raise SystemExit(1 if left else 0)


@govern.command()
@CASE
@click.argument("partner_id", required=False)
@click.argument("what", type=click.Choice(["list", "ask", "follow-up", "certificate"]), default="list")
@click.option("--field", "fields", multiple=True, metavar="NAME=TEXT")
@click.option("--as", "person", default="", metavar="PERSON")
@LANG
def partner(case_dir: Path, partner_id: str | None, what: str, fields: tuple[str, ...], person: str, lang: str) -> None:
    """Ask partners to return or delete, remind them, take their certificates in."""
    from workbench.case import Case
    from workbench.governance import partners as room

    case = Case.open(case_dir)
    if partner_id is None or "follow-up" in (what, partner_id):  # the id may be left out: partner CASE follow-up
        for p in room.follow_up(case):
            click.echo(f"{p.id}: {room.letter(case, p, 'remind' if p.state == 'reminded' else 'escalate', lang)}")
    elif what == "ask":
        click.echo(room.letter(case, room.ask(case, partner_id, person), "ask", lang))
    elif what == "certificate":
        room.take_certificate(case, partner_id, dict(map(_pair, fields)), person or case.operator())
    for p in room.partners(case):
        click.echo(f"{p.id} {p.state} {', '.join(p.wrong)}".rstrip())


@govern.command()
@CASE
@click.argument("sort", type=click.Choice(["closing", "progress", "final", "children", "guardians", "older"]))
@click.option("--out", type=click.Path(path_type=Path), default=None)
def notice(case_dir: Path, sort: str, out: Path | None) -> None:
    """Write the public page in both languages."""
    from workbench.case import Case
    from workbench.governance.public import write_notice

    value = write_notice(Case.open(case_dir), sort, out)  # type: ignore[arg-type]
    click.echo(f"{', '.join(value.files)}; {value.hidden} small counts hidden; checkpoint {value.entries} {short(value.checkpoint, 16)}")


@govern.command()
@CASE
@click.argument("sort")
@AS
@LANG
def request(case_dir: Path, sort: str, person: str, lang: str) -> None:
    """Take a customer's request in, look the person up (identifiers are asked for, never typed on the command line)."""
    from workbench.case import Case
    from workbench.governance import desk

    case = Case.open(case_dir)
    item, code = desk.receive(case, sort, person)
    click.echo(f"{item.id} · {code}")
    given = click.prompt("identifiers, separated by spaces", hide_input=True).split()
    checked = click.confirm("was identity checked?")
    click.echo(desk.answer_text(case, desk.look_up(case, item.id, given, person, identity_checked=checked), lang))


@govern.command()
@CASE
@click.argument("request_id")
@AS
@click.option("--refuse", default="", help="Reason of a refusal.")
@LANG
def answer(case_dir: Path, request_id: str, person: str, refuse: str, lang: str) -> None:
    """Close a request as answered, or refused with its reason."""
    from workbench.case import Case
    from workbench.governance import desk

    case = Case.open(case_dir)
    click.echo(desk.answer_text(case, desk.answer(case, request_id, person, refuse=refuse), lang))


@govern.command()
@CASE
@click.argument("request_id")
def prove(case_dir: Path, request_id: str) -> None:
    """After the erasure: prove to the holder of a receipt what became of the records."""
    from workbench.case import Case
    from workbench.governance import desk

    code = click.prompt("code of the receipt", hide_input=True)
    given = click.prompt("identifiers, separated by spaces", hide_input=True).split()
    proof = desk.prove_deleted(Case.open(case_dir), request_id, code, given)
    click.echo(f"{'deleted' if proof.deleted else 'NOT deleted'}: {proof.rows_then} rows then, {proof.rows_now} now; "
               f"{', '.join(proof.verdicts)}; certificates {', '.join(proof.certificates)}"
               + ("; what the law keeps is sealed" if proof.sealed else ""))
    raise SystemExit(0 if proof.deleted else 1)


@govern.command(name="open")
@CASE
@click.argument("sort", type=click.Choice(["leak", "tamper", "misuse", "error"]))
@AS
@click.option("--what", required=True, help="In a few words, nothing personal.")
@click.option("--place", "places", multiple=True, help="source.table, file or system.")
@click.option("--at", default="", help="UTC time of discovery; default now.")
def open_(case_dir: Path, sort: str, person: str, what: str, places: tuple[str, ...], at: str) -> None:
    """Report an incident that the program cannot see by itself."""
    from workbench.case import Case
    from workbench.governance.incidents import open_incident
    from workbench.i18n import mask

    if mask(what) != what:
        raise ParameterError("the words hold what looks like personal data", "say it without numbers and addresses")
    item = open_incident(Case.open(case_dir), sort, "person", what[:200], places=places, at=at, person=person)  # type: ignore[arg-type]
    click.echo(f"{item.id}\nNext: workbench govern clocks {case_dir} {item.id}")


@govern.command()
@CASE
@AS
@LANG
def quiz(case_dir: Path, person: str, lang: str) -> None:
    """Take the quiz; the result is signed with the person's key."""
    from workbench.case import Case
    from workbench.governance import training

    case = Case.open(case_dir)
    answers = {}
    for q in training.quiz(case, person, lang):
        click.echo(f"\n{q.question}\n" + "\n".join(f"  {n}. {o}" for n, o in enumerate(q.options)))
        answers[q.id] = click.prompt("", type=click.IntRange(0, len(q.options) - 1), prompt_suffix="> ")
    result = training.answer(case, person, answers)
    click.echo(f"{result.right}/{result.questions} {'✓' if result.passed else '✗'}")
    for line in training.explain(result.wrong, lang):
        click.echo(line)


@govern.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def portfolio(folders: tuple[Path, ...]) -> None:
    """Where many cases stand: what is due, what is red."""
    from workbench.governance.portfolio import portfolio as call

    found = call(folders)
    for c in found.cases:
        mark = "✗" if c.red else "✓"
        click.echo(f"{mark} {c.id:<20} {c.done}/9 {c.step:<10} {c.next_date:<11}{c.next_what:<16}{'; '.join(c.red)}")
    click.echo(f"{len(found.cases)} cases, {found.red} red")


def _pair(text: str) -> tuple[str, str]:
    name, sep, value = text.partition("=")
    if not sep:
        raise ParameterError("that is no NAME=VALUE", "write it with an equals sign")
    return name.strip(), value.strip()
