"""COMMAND LINE: each command is one call into the package. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import errno
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

import workbench
from workbench.errors import WorkbenchError

CASE = click.argument("case_dir", type=click.Path(path_type=Path))


GROUPS = {
    "witness": ("workbench.case.cli", "Have a supervisor cosign the ledger, or an authority stamp it."),
    "key": ("workbench.case.cli", "Signing keys: list, rotate, revoke."),
    "law": ("workbench.plan.law_cli", "Rule packs: list, show, check, diff, impact."),
    "vault": ("workbench.vault.cli", "Restore tests, shredding, readers, custodians, due inspections, repair."),
    "erase": ("workbench.erasure.cli", "Measure what deleting costs here; pause an erasure, let it go on, ask how far it is."),
    "govern": ("workbench.governance.cli", "Incidents, inspections, partners, requests, training, notices, portfolio."),
}
"""command -> (module that holds the group under the same name, its line in the help)"""


class _Group(click.Group):
    """Mounts groups without importing them before they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *GROUPS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in GROUPS:
            return super().get_command(ctx, cmd_name)
        module, line = GROUPS[cmd_name]
        if cmd_name not in sys.argv[1:]:  # only its line in the list of commands is wanted
            return click.Group(cmd_name, help=line)
        from importlib import import_module

        group = getattr(import_module(module), cmd_name)
        assert isinstance(group, click.Command)
        return group


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(workbench.__version__, prog_name="workbench")
def cli() -> None:
    """Take a closing company's customer data from raw sources to verified audit records.

    A case is a folder with a case.toml. Begin with `workbench demo`, or `workbench new my-case`.
    """


@cli.command()
@click.option("--customers", default=20_000, show_default=True, help="Size of the made-up company.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("reports/demo"), show_default=True,
              help="Where the verified bundle goes.")
@click.option("--work", type=click.Path(path_type=Path), default=Path("demo-case"), show_default=True,
              help="Folder for the company's data and its case; made anew.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("--seed", default=20261123, show_default=True, help="Same seed, same company.")
def demo(customers: int, out: Path, work: Path, lang: str, seed: int) -> None:
    """Build a closing company and take it through the whole flow."""
    from workbench.demo.run import run_demo

    click.echo(run_demo(work, out, customers=customers, lang=lang, seed=seed, say=click.echo))


@cli.command()
@CASE
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def new(case_dir: Path, lang: str) -> None:
    """Make CASE_DIR with a commented case.toml and the notebooks."""
    from workbench.case.new import new_case

    path = new_case(case_dir, lang)
    click.echo(f"{path}\nNext: edit it, then: workbench run {case_dir}")


@cli.command()
@CASE
@click.argument("steps", nargs=-1)
@click.option("--until", default="", metavar="STEP", help="Go no further than this step.")
@click.option("-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE",
              help="Parameter of the one step named.")
def run(case_dir: Path, steps: tuple[str, ...], until: str, pairs: tuple[str, ...]) -> None:
    """Run the steps that are not done yet (or the STEPS named), each as a record; resumes what was interrupted."""
    from workbench.case import Case
    from workbench.case.steps import STEPS, step
    from workbench.errors import ParameterError
    from workbench.records import parameters, runner
    from workbench.ui.progress import progress_line

    chosen = tuple(step(s) for s in steps)
    if until and chosen:
        raise ParameterError("--until goes without steps", f"workbench run {case_dir} --until {until}")
    flow = STEPS[: STEPS.index(step(until)) + 1] if until else STEPS
    case = Case.open(case_dir)
    if pairs:
        if len(chosen) != 1:
            raise ParameterError("-p needs exactly one step", f"workbench run {case_dir} STEP -p NAME=VALUE")
        known = parameters.declared(runner.prepare(chosen[0]), chosen[0].notebook)
        given = parameters.parse_pairs(pairs, known, chosen[0].notebook)
        runner.preflight(case, chosen[0])
        progress_line(chosen[0], 1, 1, None)
        progress_line(chosen[0], 1, 1, runner.run_step(case, chosen[0], given))
    else:
        with _compiling():
            runner.run_case(case, chosen or flow, again=bool(chosen), progress=progress_line)
    click.echo(str(case.status()))


@contextmanager
def _compiling() -> Iterator[None]:
    """The first run ever compiles the byte kernels, beside the first steps; it says so."""
    from workbench.demo.warm import beside, compiled

    if compiled():
        yield
        return
    click.echo("首次运行:编译约半分钟,仅此一次。First run: about half a minute of compiling, only once.")
    with beside():
        yield


@cli.command()
@CASE
def status(case_dir: Path) -> None:
    """Say where the case stands and what to type next."""
    from workbench.case import Case

    click.echo(str(Case.open(case_dir).status()))


@cli.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--rules", type=click.Path(path_type=Path, exists=True), multiple=True, help="Further detectors (YAML).")
@click.option("--password-env", default="", help="Environment variable that holds the database password.")
def scan(sources: tuple[str, ...], form: str, rules: tuple[Path, ...], password_env: str) -> None:
    """Say what is personal in SOURCES (database URLs, files, folders); never shows a value."""
    from workbench.classification import scan as scan_sources
    from workbench.classification.output import lines

    found = scan_sources(sources, rules=rules, password_env=password_env)
    for line in lines(found, form):
        click.echo(line)
    for item in found.unreadable:
        click.echo(f"unreadable: {item.source} {item.item}: {item.reason}", err=True)


@cli.command()
@CASE
@click.option("--as", "person", required=True, help="Person id of case.toml who signs.")
@click.option("--plan", default="", help="Digest (or its beginning) of the plan you have read.")
@click.option("--comment", default="")
@click.option("--object", "objects", is_flag=True, help="Object instead, with --reason.")
@click.option("--lift", is_flag=True, help="Take an objection back, with --reason.")
@click.option("--reason", default="")
def approve(case_dir: Path, person: str, plan: str, comment: str, objects: bool, lift: bool, reason: str) -> None:
    """Sign the newest plan as a person with the role approver; two different people have to."""
    from workbench.case import Case, approvals

    case = Case.open(case_dir)
    if objects:
        approvals.object_to(case, person, reason)
        click.echo(f"{person} objects; the plan will not run until this is lifted")
        return
    if lift:
        approvals.lift(case, person, reason)
        click.echo(f"{person} has lifted the objection")
        return
    digest = approvals.newest_plan(case)
    full = digest if plan and digest.startswith(plan) else plan
    done = approvals.approve(case, person, plan=full, comment=comment)
    click.echo(f"{person} approved plan {digest[:12]}")
    if done is None:
        others = [p.id for p in case.config.with_role("approver") if p.id != person]
        click.echo(f"One more signature is needed. Next: workbench approve {case_dir} --as {others[0]}")
    else:
        click.echo(f"The plan may run. Next: workbench run {case_dir}")


@cli.command()
@CASE
@click.argument("kind", type=click.Choice(["plan", "disposal", "certificates", "pipia", "dpia"]))
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("--format", "form", type=click.Choice(["docx", "xlsx", "csv", "ics", "html", "pdf", "json"]), default="docx",
              show_default=True, help="xlsx, csv, ics (calendar of duties): the plan; html, pdf: disposal report, certificates; "
              "json: certificates as signed.")
@click.option("--line", default="", metavar="D003", help="Certificates: of this line of the plan only.")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="File to write; default CASE_DIR/reports/.")
def report(case_dir: Path, kind: str, lang: str, form: str, line: str, out: Path | None) -> None:
    """Write the plan, the disposal report, certificates, or an impact assessment (PIPIA, GDPR DPIA) as a document."""
    from workbench.case import Case
    from workbench.ui.documents import write

    click.echo(write(Case.open(case_dir), f"{kind}:{line}" if line else kind, lang, form, out))


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--checkpoint", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None,
              help="Public page or note whose checkpoint must be part of the ledger.")
def verify(path: Path, checkpoint: Path | None) -> None:
    """Check a bundle, a case folder or a vault place; names whatever was changed."""
    from workbench.records.verify import verify as verify_path

    report = verify_path(path, checkpoint)
    click.echo(str(report))
    sys.exit(0 if report.ok else 1)


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("--html", "out", type=click.Path(path_type=Path), default=None, help="Write viewer pages into this folder.")
@click.option("--receipt", is_flag=True, help="Ask for a receipt's code and say what was proven for that request.")
def show(path: Path, lang: str, out: Path | None, receipt: bool) -> None:
    """Read a bundle or case again: who did what to which category when; was this request's data deleted?"""
    from workbench.errors import ParameterError
    from workbench.records import story, viewer

    told = story.read(path)
    if receipt:
        item = told.proof(click.prompt("receipt", hide_input=True, err=True))
        if item is None:
            raise ParameterError("no request has this receipt", "check the code; capitals count")
        click.echo(viewer.answer(item, lang))
    elif out is not None:
        click.echo("\n".join(map(str, viewer.write(told, out, ""))))
    else:
        click.echo(viewer.as_text(told, lang))


@cli.command()
@CASE
@click.option("--to", required=True, help="Person id of case.toml, or the receiver's name.")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Folder for the receipt; default CASE_DIR/reports.")
def handover(case_dir: Path, to: str, out: Path | None) -> None:
    """Hand the bundle to a custodian or archive: check it, note it, write the receipt both sides sign."""
    from workbench.case import Case
    from workbench.records.handover import hand_over

    value, files = hand_over(Case.open(case_dir), to, out)
    click.echo(f"bundle {value.tags_sha256[:16]} handed to {value.receiver}\n" + "\n".join(map(str, files)))


@cli.command()
@CASE
@click.argument("line", metavar="D003")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--as", "person", required=True, help="Person id of case.toml who takes it in.")
def receipt(case_dir: Path, line: str, file: Path, person: str) -> None:
    """Check a receiver's signed receipt (JSON) for rows handed over and join it to that line's certificate."""
    from workbench.case import Case
    from workbench.erasure.complete import take_receipt

    done = take_receipt(Case.open(case_dir), line, file, person)
    click.echo(f"{done.certificate}: receipt {done.evidence['receipt'][:16]} taken in by {done.person}")


@cli.command()
@CASE
@click.option("--port", default=8888, show_default=True)
@click.option("--browser/--no-browser", default=True, show_default=True)
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def lab(case_dir: Path, port: int, browser: bool, lang: str) -> None:
    """Open JupyterLab on the start page of CASE_DIR."""
    from workbench.ui.lab import start

    sys.exit(start(case_dir, port=port, browser=browser, lang=lang))


def main() -> None:
    """Entry point: a WorkbenchError is one sentence and the next command, never a traceback."""
    os.umask(0o077)
    try:
        cli.main(standalone_mode=False)
        sys.stdout.flush()
    except WorkbenchError as e:
        click.echo(f"workbench: {e}", err=True)
        sys.exit(e.exit_code)
    except click.ClickException as e:
        e.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        logging.getLogger("asyncio").disabled = True  # it would tell of the cell that was cut off, with a traceback
        click.echo("\nworkbench: interrupted; nothing is lost. Next: the same command goes on from here", err=True)
        sys.exit(130)
    except OSError as e:
        if isinstance(e, BrokenPipeError):  # `workbench scan ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(141)
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            click.echo("workbench: the disk is full. Next: free some space; the same command then goes on from here", err=True)
            sys.exit(2)
        place = f" ({e.filename})" if isinstance(e.filename, str) else ""
        click.echo(f"workbench: {type(e).__name__}{place}. Next: check that the path exists, is of the right kind and yours",
                   err=True)
        sys.exit(2)
