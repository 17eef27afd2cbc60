"""COMMANDS of witnesses, time stamps and keys."""

from __future__ import annotations

from pathlib import Path

import click

CASE = click.argument("case_dir", type=click.Path(path_type=Path))
FOLDER = click.argument("folder", type=click.Path(path_type=Path))
AS = click.option("--as", "person", required=True, help="Person id of case.toml.")


@click.group()
def witness() -> None:
    """Have somebody outside sign for the ledger as it stands: a supervisor with an own key, or a time-stamp authority."""


@witness.command("new")
@FOLDER
@CASE
@AS
def witness_new(folder: Path, case_dir: Path, person: str) -> None:
    """Make a supervisor's key and memory in FOLDER (their own medium); the public half goes into CASE_DIR."""
    from workbench.case import Case, outside

    key = outside.new_witness(folder, Case.open(case_dir), person)
    click.echo(f"{person} {key}\nWrite this key down elsewhere. Next: workbench witness sign {folder} {case_dir}")


@witness.command("sign")
@FOLDER
@click.argument("target", type=click.Path(path_type=Path))
def witness_sign(folder: Path, target: Path) -> None:
    """Cosign the ledger of TARGET (case or bundle) unless it lost or rewrote what this witness signed before."""
    from workbench.case import outside

    path, point = outside.cosign(folder, target)
    click.echo(f"{path}\n{point.size} entries cosigned. Keep the file. Next, the operator: workbench witness add CASE {path}")


@witness.command("add")
@CASE
@click.argument("note", type=click.Path(path_type=Path))
def witness_add(case_dir: Path, note: Path) -> None:
    """Lay a cosigned checkpoint into the case; the next bundle carries it."""
    from workbench.case import Case, outside

    found = outside.add_note(Case.open(case_dir), note)
    click.echo(f"{found.by} saw the first {found.size} entries at {found.at}. Next: workbench run {case_dir}")


@witness.command("stamp")
@CASE
@click.option("--reply", type=click.Path(path_type=Path, exists=True), help="The authority's answer (.tsr).")
@click.option("--roots", type=click.Path(path_type=Path, exists=True), help="Its certificates (PEM).")
def witness_stamp(case_dir: Path, reply: Path | None, roots: Path | None) -> None:
    """Ask an RFC 3161 authority: without --reply write the question, with it lay the answer in. Nothing is sent."""
    from workbench.case import Case, outside
    from workbench.errors import ParameterError

    case = Case.open(case_dir)
    if reply is None:
        path = outside.ask_stamp(case)
        click.echo(f"{path}\nSend it to your time-stamp authority (Content-Type: application/timestamp-query). "
                   f"Next: workbench witness stamp {case_dir} --reply ANSWER.tsr --roots CA.pem")
        return
    if roots is None:
        raise ParameterError("--reply needs the authority's certificates", "add --roots CA.pem")
    found = outside.add_stamp(case, reply, roots)
    click.echo(f"the first {found.size} entries are stamped {found.at}. Next: workbench run {case_dir}")


@click.group()
def key() -> None:
    """People's signing keys and the log's: list, renew, declare invalid."""


@key.command("list")
@CASE
def key_list(case_dir: Path) -> None:
    """Every key that the ledger knows, and whether it still signs."""
    from workbench.case import Case

    ledger = Case.open(case_dir).ledger
    for kid, (owner, _) in ledger.keys.items():
        click.echo(f"{kid}  {'retired' if kid in ledger.revoked else 'valid  '}  {owner}")


@key.command("rotate")
@CASE
@AS
def key_rotate(case_dir: Path, person: str) -> None:
    """Give a person (or `log`) a new key, brought in by the old one, which then signs nothing more."""
    from workbench.case import Case, outside

    click.echo(f"{person} now signs with {outside.rotate(Case.open(case_dir), person)}")


@key.command("revoke")
@CASE
@click.argument("key_id")
@click.option("--reason", required=True)
def key_revoke(case_dir: Path, key_id: str, reason: str) -> None:
    """Declare KEY_ID invalid from here on (lost or stolen); its owner gets a new one when next signing."""
    from workbench.case import Case, outside

    outside.revoke(Case.open(case_dir), key_id, reason)
    click.echo(f"{key_id} signs nothing more. Next: workbench verify {case_dir}")
