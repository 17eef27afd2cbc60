"""RUNNER: one step's notebook, executed by papermill in a fresh kernel, made into a record.

In: a case and a step. Out: ``records/NN_step.ipynb`` and one HTML page per language in the case folder, and a ledger
entry with their digests. A failing cell or a dead kernel leaves a record that says so and raises RecordError.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import workbench
from workbench.case import Case
from workbench.case.steps import STEPS, Step
from workbench.errors import CaseError, RecordError, SourceMissing, VaultError
from workbench.i18n import LANGS, mask, text
from workbench.ledger import write_durably
from workbench.plan.model import Plan
from workbench.records import page, parameters
from workbench.resources import notebook as source_notebook

START_TIMEOUT = 600
"""seconds a kernel may take to start: a disk busy with another job has been seen to stretch imports to minutes"""


@dataclass(frozen=True)
class Run:
    """What running one step's notebook left."""

    step: str
    result: str
    seconds: float
    files: tuple[Path, ...]
    error: str = ""


def prepare(step: Step) -> Any:
    """The step's notebook as shipped, with a kernelspec and without outputs."""
    import nbformat

    notebook = nbformat.read(source_notebook(step.notebook), as_version=4)  # type: ignore[no-untyped-call]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return notebook


def run_step(case: Case, step: Step, given: dict[str, Any] | None = None) -> Run:
    """Execute ``step`` of ``case`` and write its record.

    ``given``: further parameters of the notebook. Raises ParameterError before a kernel starts, RecordError after a
    failed run whose record was written.
    """
    import papermill as pm
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    notebook = prepare(step)
    known = parameters.declared(notebook, step.notebook)
    values = parameters.check({"case_dir": ".", **(given or {})}, known, step.notebook)
    source = source_notebook(step.notebook).read_bytes()
    folder = case.private("records")
    output = folder / step.notebook
    partial = folder / f".part.{step.notebook}"
    started = time.time()
    error = ""
    before = len(case.ledger.entries)
    with _environment(case):
        try:
            pm.execute_notebook(notebook, str(partial), parameters=values, engine_name="guarded", progress_bar=False,
                                start_timeout=START_TIMEOUT, kernel_name="python3", log_output=False)
        except PapermillExecutionError as e:
            error = f"{e.ename}: {mask(str(e.evalue))}"
        except DeadKernelError:
            error = "DeadKernelError: the kernel died"
        except RuntimeError as e:  # jupyter_client: the kernel never came up
            raise RecordError(f"no kernel could be started ({type(e).__name__})",
                              "check that ipykernel is installed beside the workbench") from None
    _tidy(partial)
    partial.replace(output)
    case.ledger.refresh()
    run = Run(step.id, "failed" if error else "done", time.time() - started, (), error)
    files = write_record(case, step, run, output, source, before)
    run = Run(run.step, run.result, run.seconds, files, error)
    if error:
        kind, _, message = error.partition(": ")
        raise RecordError(f"step {step.id} failed ({kind}): {_first(message)}", _next(case, step, message),
                          where=str(output))
    return run


def _first(message: str) -> str:
    return message.partition(" Next: ")[0].strip().partition("\n")[0][:300].rstrip(".")


def _next(case: Case, step: Step, message: str) -> str:
    told = message.partition(" Next: ")[2]
    return told or f"see the record, mend the cause, then: workbench run {case.folder} {step.id}"


@contextmanager
def _environment(case: Case) -> Iterator[None]:
    """Record mode for the kernel, which starts in the case folder."""
    changed = {"WORKBENCH_RECORD": "1", "WORKBENCH_LANG": case.lang}
    saved = {k: os.environ.get(k) for k in changed}
    here = Path.cwd()
    os.environ.update(changed)
    os.chdir(case.folder)
    try:
        yield
    finally:
        os.chdir(here)
        for k, v in saved.items():
            if v is None:
                os.environ.pop(k, None)
            else:
                os.environ[k] = v


def _tidy(path: Path) -> None:
    """Take machine paths and papermill's environment out of the executed notebook; keep times and parameters."""
    import nbformat

    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    meta = notebook.metadata.get("papermill", {})
    notebook.metadata["papermill"] = {k: meta[k] for k in ("start_time", "end_time", "duration", "exception",
                                                           "parameters", "version") if k in meta}
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell["outputs"] = _joined(cell.outputs)
        for out in cell.get("outputs", []):
            if out.output_type == "error":
                out["traceback"] = [mask(f"{out.ename}: {out.evalue}")]
    write_durably(path, nbformat.writes(notebook).encode())  # type: ignore[no-untyped-call]


def _joined(outputs: list[Any]) -> list[Any]:
    """Neighbouring pieces of one stream as one, masked as a whole: a number may come in two messages."""
    done: list[Any] = []
    for out in outputs:
        if out.output_type == "stream" and done and done[-1].output_type == "stream" and done[-1].name == out.name:
            done[-1]["text"] += out.text
        else:
            done.append(out)
    for out in done:
        if out.output_type == "stream":
            out["text"] = mask(out.text)
    return done


def write_record(case: Case, step: Step, run: Run, output: Path, source: bytes, before: int) -> tuple[Path, ...]:
    """HTML pages of an executed notebook in every language, and the ledger entry that fixes all files' digests."""
    import nbformat

    notebook: Any = nbformat.read(output, as_version=4)  # type: ignore[no-untyped-call]
    asset = page.plotly_asset(case.private("assets"))
    files = [output]
    for lang in LANGS:
        target = output.with_suffix(f".{lang}.html")
        others = [output.with_suffix(f".{other}.html").name for other in LANGS if other != lang]
        html = page.render(notebook, head(case, step, run, source, before, lang), lang,
                           shared_js=f"../assets/{asset.name}", other=others[0])
        write_durably(target, html.encode())
        files.append(target)
    from workbench.records.gate import inspect

    hits = inspect(files)
    if hits:
        quarantine(case, step, files, hits)
        raise RecordError(f"the record of step {step.id} holds what looks like personal data: {hits[0]}",
                          "a masked copy is in quarantine/; report it: no shipped notebook may print such a thing", where=step.notebook)
    digests = {f"records/{f.name}": hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
    digests[f"assets/{asset.name}"] = hashlib.sha256(asset.read_bytes()).hexdigest()
    person = case.operator()
    case.append("record/v1", digests, {
        "step": step.id, "result": run.result, "person": person, "at": case.now(),
        "seconds": int(run.seconds), "notebook": hashlib.sha256(source).hexdigest(),
    }, person)
    return tuple(files)


def quarantine(case: Case, step: Step, files: list[Path], hits: list[str]) -> None:
    """Take a record that holds what it must not out of the way, keep a masked copy, and note where it was."""
    folder = case.private("quarantine")
    for f in files:
        write_durably(folder / f.name, mask(f.read_text(encoding="utf-8")).encode())
        f.unlink()
    person = case.operator()
    case.append("quarantine/v1", {}, {"step": step.id, "person": person, "at": case.now(), "where": hits[:20]}, person)


def head(case: Case, step: Step, run: Run, source: bytes, before: int, lang: str) -> page.Head:
    """What the record says of itself, from case.toml and the ledger entries the run added."""
    cfg = case.config.case
    company = cfg.company if lang == "zh" else cfg.company_en or cfg.company
    new = case.ledger.entries[before:]
    outcomes = [e for e in new if e.type == "step/v1" and e.predicate["phase"] == "outcome"]
    outcome = next((e for e in outcomes if e.predicate["step"] == step.id), outcomes[-1] if outcomes else None)
    who = case.config.person(case.operator())
    local = _local(case, lang)
    supervisors = ", ".join(f"{p.name} ({p.organisation})" if p.organisation else p.name
                            for p in case.config.with_role("supervisor")) or text("page.nobody", lang)
    counts = outcome.predicate.get("counts", {}) if outcome else {}
    laws = sorted({rule for e in outcomes for rule in e.predicate.get("legalBasis", [])})
    span = f"{new[0].seq}–{new[-1].seq + 1}" if new else str(before)
    facts = [
        (text("page.what", lang), step.zh if lang == "zh" else step.en),
        (text("page.company", lang), company),
        (text("page.who", lang), f"{who.name} ({text('role.operator', lang)})"),
        (text("page.where", lang), cfg.place),
        (text("page.when", lang), f"{case.now().replace('T', ' ').replace('Z', ' UTC')} · {local}"),
        (text("page.result", lang), counts_line(counts, lang) if not run.error else run.error[:300]),
        (text("page.law", lang), law_line(case, laws, lang)),
        (text("page.supervised", lang), supervisors),
        (text("page.verified", lang), text("page.verify_with", lang, entries=span)),
    ]
    footer = (
        (text("page.ledger", lang), f"{case.ledger.origin} · {span}"),
        (text("page.source", lang), hashlib.sha256(source).hexdigest()),
        (text("page.software", lang), workbench.__version__),
    )
    title = f"{(step.zh if lang == 'zh' else step.en)} · {company}"
    return page.Head(title, text(f"step.{step.id}", lang), run.result, tuple(facts), footer)


def law_line(case: Case, rules: list[str], lang: str) -> str:
    """Rules as a person reads them: name, law and article, confidence."""
    from workbench.plan import packs_of

    packs = packs_of(case)
    parts = []
    for id_ in rules:
        rule = packs.rule(id_)
        value = rule.at(case.today()) if rule else None
        if rule is None or value is None:
            parts.append(id_)
            continue
        name, cited = (rule.names.zh, packs.cite(value, "zh")) if lang == "zh" else (rule.names.en, packs.cite(value, "en"))
        parts.append(f"{name}({cited})[{value.confidence}]" if lang == "zh" else f"{name} ({cited}) [{value.confidence}]")
    return (";" if lang == "zh" else "; ").join(parts) or text("page.law_default", lang)


def counts_line(counts: dict[str, Any], lang: str) -> str:
    """The counts of an outcome entry as one line of words."""
    parts = []
    for k, v in counts.items():
        try:
            label = text(f"count.{k}", lang)
        except KeyError:
            label = k
        number = isinstance(v, int) and not isinstance(v, bool)
        parts.append(f"{v:,} {label}" if number else f"{label}: {'✓' if v is True else '–' if v is False else v}")
    return " · ".join(parts) or text("page.result_done", lang)


def _local(case: Case, lang: str) -> str:
    import datetime as dt
    from zoneinfo import ZoneInfo

    zone = case.config.case.timezone
    return f"{dt.datetime.now(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S} ({zone})"


def recorded(case: Case, step: Step) -> bool:
    """Whether ``step`` is done and its record stands in the ledger."""
    outcome = case.outcome(step.id)
    if outcome is None or outcome.predicate["result"] != "done":
        return False
    return any(e.seq > outcome.seq and e.predicate["step"] == step.id and e.predicate["result"] == "done"
               for e in case.ledger.of_type("record/v1"))


def preflight(case: Case, step: Step) -> None:
    """Refuse what is known to fail before a kernel starts and before the ledger hears of it."""
    from workbench.case.approvals import check

    done = {s.id for s in STEPS if (e := case.stands(s.id)) is not None and e.predicate["result"] == "done"}
    missing = [n for n in step.needs if n not in done]
    if missing:
        raise CaseError(f"step {step.id} needs {missing[0]} to be done first", f"workbench run {case.folder} {missing[0]}")
    if step.id == "erase":
        from workbench.erasure.flow import current_config

        check(case)
        current_config(case, case.load(Plan))
    if step.id in ("protect", "erase"):
        _passphrase(case.config.vault.passphrase_env)


def _passphrase(name: str) -> None:
    """The vault's passphrase has to be in the environment that the kernel inherits; asked for on a terminal."""
    import getpass
    import sys

    if os.environ.get(name):
        return
    if not sys.stdin.isatty():
        raise VaultError("the vault has no passphrase", f"read -rs {name} && export {name}, then run again")
    first = getpass.getpass(f"Passphrase of the vault ({name}): ")
    if len(first) < 12:
        raise VaultError("the passphrase has fewer than 12 characters", "choose a longer one and run again")
    os.environ[name] = first


def check_sources(case: Case) -> None:
    """Open every source once; SourceError for the first that is missing or refuses."""
    from workbench.sources import open_source

    for spec in case.config.sources:
        try:
            with open_source(spec, case.folder) as source:
                source.ping()
        except SourceMissing as e:
            raise SourceMissing(e.what, f"edit the source {spec.name!r} in {case.folder}/case.toml", where=e.where) from None


def run_case(case: Case, steps: tuple[Step, ...], *, again: bool = False, progress: Any = None) -> list[Run]:
    """Run ``steps`` in order, skipping those recorded already unless ``again``; stops at the first that fails.

    ``progress(step, number, of, run or None)`` is called before and after each.
    """
    if again or not all(recorded(case, s) for s in steps):
        check_sources(case)
    with case.running():
        return _run_case(case, steps, again=again, progress=progress)


def _run_case(case: Case, steps: tuple[Step, ...], *, again: bool, progress: Any) -> list[Run]:
    runs: list[Run] = []
    begun = False
    for step in steps:
        if not again and recorded(case, step):
            continue
        if not begun:
            case.begin()
            begun = True
        preflight(case, step)
        number = STEPS.index(step) + 1 if step in STEPS else len(STEPS)
        if progress:
            progress(step, number, len(STEPS), None)
        run = run_step(case, step)
        runs.append(run)
        if progress:
            progress(step, number, len(STEPS), run)
    if any(s.id == "archive" for s in steps) and all(recorded(case, s) for s in STEPS) and not packed(case):
        from workbench.records.archive import out_folder
        from workbench.records.bundle import pack

        pack(case, out_folder(case))
    return runs


def packed(case: Case) -> bool:
    """Whether a bundle was packed after the newest record and cosignature, and still lies where it was put."""
    from workbench.records.archive import out_folder

    # a cosignature or a new key after the last bundle belongs into the next one
    newest = max((e.seq for e in case.ledger.entries if e.type in ("record/v1", "witness/v1", "key/v1")), default=-1)
    return any(e.seq > newest for e in case.ledger.of_type("bundle/v1")) and (out_folder(case) / "bagit.txt").exists()
