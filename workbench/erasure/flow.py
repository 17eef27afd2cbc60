"""FLOW: carry out an approved plan on every source, and prove it. :func:`dry_run` is the same code up to the counts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.erasure.certify import close_certificate, open_certificate, too_clear, verdict_of
from workbench.erasure.job import Context, Job, Phase
from workbench.erasure.model import (
    Certificate,
    Certificates,
    DisposalResult,
    Erasure,
    Preflight,
    ScrubResult,
    StoreProof,
    TableProof,
    Verdict,
)
from workbench.erasure.needles import OTHER
from workbench.erasure.pace import Progress, quiet
from workbench.erasure.place import volume_of
from workbench.errors import ApprovalError, ErasureError, PlanError
from workbench.ledger import write_durably
from workbench.plan.model import Plan

if TYPE_CHECKING:
    from workbench.case import Case, StepRun
    from workbench.case.approvals import Approval
    from workbench.vault.model import SealedBackup


def make_job(context: Context) -> Job:
    """The job for the kind of source."""
    url = context.spec.url
    if context.spec.path:
        url = _database(context)
        if not url:
            from workbench.erasure.filejob import FileJob

            return FileJob(context)
        context = dataclasses.replace(context, spec=context.spec.model_copy(update={"url": url, "path": ""}))
    from workbench.erasure.sqljob import SqlJob
    from workbench.erasure.stores import open_store

    return SqlJob(context, open_store(url.split(":", 1)[0].split("+", 1)[0], context))


def _database(context: Context) -> str:
    """The URL of a source whose path is a database file, as its reader opens it; empty for other files and folders."""
    path = context.case.resolve(context.spec.path)
    head = b""
    if path.is_file():
        with path.open("rb") as f:
            head = f.read(16)
    kind = "sqlite" if head == b"SQLite format 3\0" else "duckdb" if head[8:12] == b"DUCK" else ""
    return f"{kind}:///{path.resolve()}" if kind else ""


def _jobs(case: Case, plan: Plan, progress: Progress) -> list[Job]:
    folder = case.private("erasure-private", plan.digest[:16])
    names = [s.name for s in case.config.sources]
    lost = {d.set.source for d in plan.disposals if d.action != "destroy_medium"} - set(names)
    if lost:
        raise ErasureError(f"the plan names the source {sorted(lost)[0]!r}, which case.toml does not", "edit case.toml")
    return [make_job(Context(case, s, list(plan.of(s.name)), plan.digest, folder, progress))
            for s in case.config.sources if plan.of(s.name)]


def dry_run(case: Case, *, progress: Progress = quiet) -> Erasure:
    """Count what :func:`erase` would do, look at everything that could stop it, and change nothing."""
    with case.step("dry_run") as run:
        plan, at = case.load(Plan), case.now()
        results, checks = [], list[Preflight]()
        for job in _jobs(case, plan, progress):
            job.open()
            try:
                results += job.results() if job.phase >= Phase.SELECTED else job.survey()
                checks += job.preflight()
                checks += job.foretold()
            finally:
                job.close()
        erasure = Erasure(case_id=case.id, plan=plan.digest, dry_run=True, started=at, ended=case.now(),
                          preflight=tuple(checks), disposals=tuple(_ordered(plan, [*results, *_tasks(plan)])),
                          problems=tuple(f"{c.object}: {c.en}" for c in checks if c.colour == "red"),
                          verdict="NOT_STARTED")
        run.note(rows=sum(r.planned for r in results), red=len(erasure.problems))
        case.save(erasure)
        return erasure


def erase(case: Case, approval: Approval, *, progress: Progress = quiet) -> Erasure:
    """Carry out the newest plan, which ``approval`` names, and prove the result.

    Safe to call again after kill -9 at any moment: it goes on where it stopped. When the plan has been carried out
    and proven, the first result and its certificates are returned; after a FAILED or INCONCLUSIVE run a new call scrubs
    and looks again, and deletes nothing twice.

    Raises:
        ApprovalError: the approval is not for this plan, or no longer valid.
        ErasureError: no backup, a closed gate, something red in the preflight, or a store that refuses.
    """
    from workbench.case import approvals

    with case.step("erase") as run:
        plan = case.load(Plan)
        folder = case.private("erasure-private", plan.digest[:16])
        first = _finished(case, folder)
        if first is not None:
            if approval.plan != plan.digest:
                raise ApprovalError("the approval is for another plan", f"workbench approve {case.folder}")
            return _repeat(case, run, folder, first)
        standing = approvals.check(case, plan.digest)
        if approval.plan != standing.plan or set(approval.approvers) - set(standing.approvers):
            raise ApprovalError("the approval is not the one that stands", f"workbench approve {case.folder} --as PERSON")
        backup = _ready(case, plan)
        started = _started(case, folder)
        jobs = _jobs(case, plan, progress)
        checks: list[Preflight] = []
        try:
            for job in jobs:
                job.open()
                checks += _choose(job, backup)
            _stop_if_red(checks)
            _seal(case, jobs)
            opened = _open_certificates(case, plan, standing, jobs, folder, started, checks)
            erasure, certificates = _carry_out(case, plan, standing, jobs, checks, opened, started)
        finally:
            for job in jobs:
                job.close()
        done = settled(erasure)
        _record(case, run, folder, erasure, certificates, done)
        for job in jobs:
            if done:
                job.notes.destroy_key()
            else:  # a later run scrubs and looks again, once what was named is put right
                job.reached(Phase.EXECUTED)
        return erasure


def settled(erasure: Erasure) -> bool:
    """Whether nothing is left to do: rows that had to be left are a result, residue and failed steps are not."""
    open_ = [p for p in erasure.problems if "rows were left because" not in p]
    return not open_ and erasure.verdict not in ("FAILED", "INCONCLUSIVE")


def _finished(case: Case, folder: Path) -> tuple[Erasure, Certificates] | None:
    path = folder / "finished.json"
    if not path.exists():
        return None
    told = json.loads(path.read_bytes())
    return case.read(Erasure, told["erasure"]), case.read(Certificates, told["certificates"])


def _repeat(case: Case, run: StepRun, folder: Path, first: tuple[Erasure, Certificates]) -> Erasure:
    """Save the first result again: the step that made it may have been killed before its outcome was written."""
    from workbench.erasure.evidence import erasure_evidence

    case.save(first[1])
    case.save(first[0])
    _tell(case, *first)
    case.evidence("erasure", erasure_evidence(case, first[0]))
    run.note(repeated=True, verdict=first[0].verdict, certificates=len(first[1].certificates))
    for path in folder.glob("*.key"):
        path.unlink()
    return first[0]


def _tell(case: Case, erasure: Erasure, certificates: Certificates) -> None:
    """Note in the ledger that these certificates were closed, once."""
    case.ledger.refresh()
    if any(e.subjects.get("certificates") == certificates.digest and e.predicate["phase"] == "closed"
           for e in case.ledger.of_type("certificates/v1")):
        return
    case.append("certificates/v1", {"certificates": certificates.digest, "plan": erasure.plan},
                {"phase": "closed", "count": len(certificates.certificates), "verdict": erasure.verdict,
                 "at": case.now()}, case.operator())


def _ready(case: Case, plan: Plan) -> SealedBackup:
    from workbench.vault.model import SealedBackup, WindowClosed

    if plan.case_id != case.id:
        raise ErasureError("the plan belongs to another case", "workbench run CASE plan")
    current_config(case, plan)
    # lines that a hold covers hold nothing irreversible; a hold elsewhere does not stop the rest
    shut = [g for g in plan.gates if not g.open and not g.id.startswith("hold.")]
    if shut:
        raise ErasureError(f"gate {shut[0].id} is closed: {shut[0].text.en}",
                           f"set what it names in case.toml or wait for its day, then: workbench run {case.folder} plan")
    early = [d for d in plan.disposals if d.not_before and d.not_before > case.today()
             and d.action not in ("keep", "ask") and not (d.holds and d.level == "none")]
    if early:
        raise ErasureError(f"{early[0].id} may not be carried out before {early[0].not_before}", "wait until that day")
    backup = case.find(SealedBackup)
    if backup is None:
        raise ErasureError("nothing is protected yet; erasure never comes before the sealed backup",
                           f"workbench run {case.folder} protect")
    closed = case.find(WindowClosed)
    if closed is not None and backup.set_id in closed.set_ids:
        raise ErasureError("the restore window is closed already, so nothing may be erased under it",
                           "make a new backup with protect(case, again=True)")
    return backup


def current_config(case: Case, plan: Plan) -> None:
    """Refuse a plan made for another case.toml: a hold or a date may have been added since.

    Raises:
        PlanError: what the plan depends on has changed since it was made.
    """
    from workbench.plan.decisions import standing
    from workbench.plan.gates import config_digest

    if plan.config != config_digest(standing(case).applied(case.config)):
        raise PlanError("case.toml was changed after the plan was made", f"workbench run {case.folder} plan, "
                        "then have the new plan approved")


def _started(case: Case, folder: Path) -> str:
    path = folder / "started"
    if not path.exists():
        write_durably(path, case.now().encode())
    return path.read_text()


def _choose(job: Job, backup: SealedBackup) -> list[Preflight]:
    """Select rows, unless done; check that the source is still what was sealed. A resumed run tells the same again."""
    if job.phase < Phase.CONTROLLED:
        job.clear()
        job.release()
        checks = list(unchanged(job, backup))
        job.choose()
        checks += job.preflight()
        checks += job.foretold()
        job.state["preflight"] = [c.model_dump() for c in checks]
        job.reached(Phase.SELECTED)
    return [Preflight.model_validate(c) for c in job.state.get("preflight", ())]


def unchanged(job: Job, backup: SealedBackup) -> Iterable[Preflight]:
    """Red for each table whose content is not what the backup holds: it would be erased unprotected."""
    from workbench.sources import open_source
    from workbench.vault.digest import ContentDigest
    from workbench.vault.restoring import compare_file, file_digests
    from workbench.vault.vault import open_vault

    known = file_digests(job.case, backup)
    with open_source(job.spec, job.case.folder) as source:
        for table in source.tables():
            if table.name.startswith("wb_erase_"):
                continue
            sealed = backup.table(table.source, table.name)
            if sealed is None:
                raw = next((t for t in backup.tables if (t.source, t.table, t.form)
                            == (table.source, table.file or table.name, "file")), None)
                root = job.case.resolve(job.spec.path)
                path = root / table.file if root.is_dir() else root
                if raw is not None and (raw.source, raw.table) not in known:
                    with open_vault(job.case) as vault:  # no restore test yet
                        same = compare_file(vault, backup, raw, 0, path).equal
                else:
                    same = raw is not None and known[raw.source, raw.table] == _sha(path)
            else:
                digest = ContentDigest([c.name for c in table.columns])
                for batch in source.batches(table.name):
                    digest.add(batch)
                same = digest.hex() == sealed.content
            if not same:
                yield Preflight(source=job.name, check="protected", colour="red", object=table.id,
                                zh="与封存备份不一致：封存后有变化", en="is not what the sealed backup holds: it changed since",
                                todo="protect(case, again=True), then make the plan again")


def _sha(path: Path) -> str:
    import hashlib

    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def _stop_if_red(checks: list[Preflight]) -> None:
    red = [c for c in checks if c.colour == "red"]
    if red:
        more = f" (and {len(red) - 1} more)" if len(red) > 1 else ""
        raise ErasureError(f"{red[0].object}: {red[0].en}{more}; nothing was erased", red[0].todo, where=red[0].source)


def _seal(case: Case, jobs: list[Job]) -> None:
    """Everything that is locked or handed over goes into the archive, verified, before the first deletion anywhere."""
    from workbench.vault.archive import archive_state
    from workbench.vault.vault import open_vault

    waiting = [job for job in jobs if job.phase < Phase.SEALED]
    if not waiting:
        return
    with open_vault(case) as vault:
        for job in waiting:
            job.seal(vault)
        case.save(archive_state(vault))
    for job in waiting:
        job.reached(Phase.SEALED)


def _open_certificates(case: Case, plan: Plan, approval: Approval, jobs: list[Job], folder: Path,
                       at: str, checks: list[Preflight]) -> dict[str, Certificate]:
    path = folder / "opened.json"
    if path.exists():
        return {c.disposal: c for c in Certificates.from_bytes(path.read_bytes()).certificates}
    out = {}
    for job in jobs:
        results = {r.disposal: r for r in job.results()}
        volume = volume_of(case, job.name, job.where())
        for d in job.disposals:
            out[d.id] = open_certificate(case, plan, approval, d, results[d.id], job.fingerprint(), at, volume, checks)
    for result in _tasks(plan):
        d = next(d for d in plan.disposals if d.id == result.disposal)
        serial = next((a.serial for a in case.config.assets if a.name == d.set.table), "")
        out[d.id] = open_certificate(case, plan, approval, d, result, "medium", at, serial)
    opened = Certificates(case_id=case.id, plan=plan.digest, certificates=tuple(out.values()))
    case.append("certificates/v1", {"certificates": opened.digest, "plan": plan.digest},
                {"phase": "opened", "count": len(out), "at": case.now()}, case.operator())
    write_durably(path, opened.canonical())
    return out


def _carry_out(case: Case, plan: Plan, approval: Approval, jobs: list[Job], checks: list[Preflight],
               opened: dict[str, Certificate], started: str) -> tuple[Erasure, Certificates]:
    results: list[DisposalResult] = _tasks(plan)
    scrubs: list[ScrubResult] = []
    tables: list[TableProof] = []
    stores: list[StoreProof] = []
    closed: list[Certificate] = []
    # every control is taken before the first deletion: two sources may share a server
    for job in jobs:
        if job.phase < Phase.CONTROLLED:
            job.control()
            job.reached(Phase.CONTROLLED)
    for job in jobs:
        if job.phase < Phase.EXECUTED:
            job.execute()
            job.reached(Phase.EXECUTED)
    for job in jobs:
        mine, proofs, proof = _prove(job)
        hidden = job.hidden()
        done = [r.model_copy(update={"verdict": verdict_of(d, r, proofs, proof, hidden.get(d.id)), "hidden": hidden.get(d.id)})
                for d, r in zip(job.disposals, job.results(), strict=True)]
        closed += [close_certificate(case, opened[d.id], d, r, proof, proofs, mine, case.now())
                   for d, r in zip(job.disposals, done, strict=True)]
        results += done
        scrubs += mine
        tables += proofs
        stores.append(proof)
    for r in _tasks(plan):
        d = next(d for d in plan.disposals if d.id == r.disposal)
        closed.append(close_certificate(case, opened[d.id], d, r, None, (), (), case.now()))
    certificates = Certificates(case_id=case.id, plan=plan.digest, certificates=tuple(closed))
    problems = _problems(plan, results, tables, stores, scrubs)
    erasure = Erasure(
        case_id=case.id, plan=plan.digest, dry_run=False, approvers=approval.approvers, started=started,
        ended=case.now(), preflight=tuple(checks), disposals=tuple(_ordered(plan, results)), scrubs=tuple(scrubs),
        tables=tuple(tables), stores=tuple(stores), certificates=certificates.digest,
        tasks=(*(f"{s.source}: {s.command} ({s.note})" for s in scrubs if s.task), *_elsewhere(stores)), problems=tuple(problems),
        verdict=_overall(results))
    return erasure, certificates


def _prove(job: Job) -> tuple[list[ScrubResult], list[TableProof], StoreProof]:
    if job.phase < Phase.SCRUBBED:
        job.after_execute()
        job.state["scrubs"] = [s.model_dump() for s in job.scrub()]
        job.reached(Phase.SCRUBBED)
    scrubs = [ScrubResult(**s) for s in job.state["scrubs"]]
    if job.phase < Phase.PROVEN:
        tables, proof = job.prove()
        job.state["proof"] = {"tables": [t.model_dump() for t in tables], "store": proof.model_dump()}
        job.reached(Phase.PROVEN)
    saved = job.state["proof"]
    return scrubs, [TableProof(**t) for t in saved["tables"]], StoreProof.model_validate(saved["store"])


def _problems(plan: Plan, results: list[DisposalResult], tables: list[TableProof], stores: list[StoreProof],
              scrubs: list[ScrubResult]) -> list[str]:
    out = [f"{t.source}.{t.table}: {t.problem}" for t in tables if t.problem]
    out += [f"{s.source}: values are still in {f.sort} file {n}" for s in stores for f in s.files if f.sort != OTHER
            for n in f.names]
    out += [f"{s.source}: scrub step {s.step} is not done ({s.note})" for s in scrubs if not s.task and not s.done]
    out += [f"{r.disposal}: {r.refused} rows were left because rows that stay need them" for r in results if r.refused]
    lines = {d.id: d for d in plan.disposals}
    out += [f"{r.source}.{r.table} ({r.disposal}): {t.en}" for r in results if (t := too_clear(lines[r.disposal], r))]
    out += [f"{r.disposal}: {r.planned} rows planned, {r.deleted or r.suppressed} done" for r in results
            if r.verdict == "FAILED" and not any(r.table in o for o in out)]
    return out


def _elsewhere(stores: list[StoreProof]) -> list[str]:
    """Another database of the server that holds the same values: a copy, or only the same common words. People look."""
    return [f"{s.source}: look into the database file{'s' if len(f.names) > 1 else ''} {', '.join(f.names[:5])} of the same "
            "server (it holds values that were erased here: a copy, or the same common words; a copy becomes a source of its own)"
            for s in stores for f in s.files if f.sort == OTHER and f.names]


def _overall(results: list[DisposalResult]) -> Verdict:
    verdicts = {r.verdict for r in results} - {"KEPT", "TASK"}
    order: tuple[Verdict, ...] = ("FAILED", "INCONCLUSIVE", "STARTED", "NOT_STARTED")
    for bad in order:
        if bad in verdicts:
            return bad
    return "STORE_CLEAN" if "STORE_CLEAN" in verdicts else "LOGICAL" if verdicts else "KEPT"


def _tasks(plan: Plan) -> list[DisposalResult]:
    return [DisposalResult(disposal=d.id, source=d.set.source, table=d.set.table, action=d.action, planned=0,
                           verdict="TASK") for d in plan.disposals if d.action == "destroy_medium"]


def _ordered(plan: Plan, results: list[DisposalResult]) -> list[DisposalResult]:
    place = {d.id: i for i, d in enumerate(plan.disposals)}
    return sorted(results, key=lambda r: place[r.disposal])


def _record(case: Case, run: StepRun, folder: Path, erasure: Erasure, certificates: Certificates,
            done: bool) -> None:
    from workbench.erasure.evidence import erasure_evidence

    case.save(certificates)
    digest = case.save(erasure)
    if done:  # before the ledger tells of it: a run killed in between must not issue others
        write_durably(folder / "finished.json", json.dumps(
            {"erasure": digest, "certificates": certificates.digest}).encode())
    _tell(case, erasure, certificates)
    case.evidence("erasure", erasure_evidence(case, erasure))
    run.basis(*sorted({r.split(":")[0] for c in certificates.certificates for r in c.legal_basis}))
    run.note(verdict=erasure.verdict, deleted=sum(r.deleted for r in erasure.disposals),
             suppressed=sum(r.suppressed for r in erasure.disposals),
             archived=sum(r.archived for r in erasure.disposals), problems=len(erasure.problems),
             certificates=len(certificates.certificates))


