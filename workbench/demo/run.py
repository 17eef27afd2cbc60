"""The demo: build the company, open a case over it, run every step as a record, approve as two people, pack, verify."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.case import Case
from workbench.demo.company import TODAY
from workbench.errors import CaseError, VerificationError
from workbench.ledger.keys import passphrase_name
from workbench.resources import template

MARK = ".winddown-demo"
"""file that says a folder is ours to make anew"""


def run_demo(work: Path, out: Path, *, customers: int = 20_000, lang: str = "zh", seed: int = 20261123,
             say: Callable[[str], object] = print) -> str:
    """Run the whole flow over a made-up company in ``work``; the bundle goes to ``out``.

    Returns the closing lines. Raises CaseError when ``work`` holds something else.
    """
    from workbench.case import approvals, outside
    from workbench.case.steps import STEPS
    from workbench.demo.company import build
    from workbench.demo.warm import beside
    from workbench.records import runner
    from workbench.records.verify import verify
    from workbench.ui.progress import progress_line

    started = time.time()
    work, out = work.resolve(), out.resolve()
    folder = prepare(work, out, lang)
    t = time.time()
    with _passphrases(folder):
        with beside():
            build(work / "data", customers=customers, seed=seed)
            say(f"[0/9] company   公司数据 data of {customers:,} customers ✓ {time.time() - t:.1f} s")
            case = Case.open(folder)
            runner.run_case(case, STEPS[:3], progress=progress_line)
        runner.run_case(case, STEPS[:7], progress=progress_line)
        outside.new_witness(work / "witness", case, "supervisor")
        for person in ("approver-a", "approver-b"):
            approvals.approve(case, person, comment="demo")
            say(f"      approve   审批 {case.config.person(person).name} ✓")
        _cosign(case, work, say)  # nothing irreversible before somebody outside has the approvals on their own medium
        runner.run_case(case, STEPS[:8], progress=progress_line)
        _cosign(case, work, say)
        runner.run_case(case, STEPS, progress=progress_line)
    report = verify(out)
    if not report.ok:
        raise VerificationError("the demo's bundle does not verify", f"workbench verify {out}")
    return summary(case, out, report.checks.__len__(), time.time() - started, lang)


def _cosign(case: Case, work: Path, say: Callable[[str], object]) -> None:
    from workbench.case import outside

    path, _ = outside.cosign(work / "witness", case.folder)
    outside.add_note(case, path)
    say(f"      witness   见证 {case.config.person('supervisor').name} ✓")


def prepare(work: Path, out: Path, lang: str) -> Path:
    """Empty ``work`` (only when it is ours) and lay a case into it; returns the case folder."""
    for name, path in (("--work", work), ("--out", out)):
        if path.exists() and not path.is_dir():
            raise CaseError(f"{path} is not a folder", f"name another with {name}")
    if out.exists() and any(out.iterdir()) and not (out / "bagit.txt").exists():
        raise CaseError(f"{out} is not empty and holds no bundle", "name another folder with --out")
    if work.exists() and any(work.iterdir()) and not (work / MARK).exists():
        raise CaseError(f"{work} holds something that the demo did not make", "name another folder with --work")
    shutil.rmtree(work, ignore_errors=True)
    folder = work / "case"
    folder.mkdir(mode=0o700, parents=True)
    (work / MARK).touch()
    text = template("case/demo.toml").read_text(encoding="utf-8")
    today = min(TODAY, dt.datetime.now(dt.UTC).date())  # a plan is never made for a day to come
    text = text.replace("@TODAY@", today.isoformat()).replace("@LANG@", lang).replace("@OUT@", os.path.relpath(out, folder))
    (folder / "case.toml").write_text(text, encoding="utf-8")
    from workbench.case.new import copy_notebooks

    copy_notebooks(folder)
    return folder


@contextmanager
def _passphrases(folder: Path) -> Iterator[None]:
    """A passphrase for the vault and one for every person's key, in the environment while the demo runs.

    They are kept beside the demo case (0600) so that a reader can open it afterwards; a real case never does that.
    """
    from workbench.case import load_config

    config = load_config(folder / "case.toml")
    names = [config.vault.passphrase_env, passphrase_name("log"), *(passphrase_name(p.id) for p in config.people)]
    made = {n: secrets.token_urlsafe(18) for n in names if n not in os.environ}
    path = folder.parent / "demo-passphrases.env"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as f:
        f.writelines(f"export {k}={v}\n" for k, v in made.items())
    os.environ.update(made)
    try:
        yield
    finally:
        for n in made:
            os.environ.pop(n, None)


def summary(case: Case, out: Path, checks: int, seconds: float, lang: str) -> str:
    """What the demo did, in a few lines."""
    from workbench.records.index import cards

    numbers = " · ".join(f"{n} {label}" for n, label in cards(case, lang))
    index = out / ("index.html" if lang == "zh" else "index.en.html")
    try:
        shown = index.relative_to(Path.cwd())
    except ValueError:
        shown = index
    return "\n".join([
        "", numbers, f"verify: {checks} checks passed · {seconds:.0f} s", str(shown),
    ])
