"""Step 8: before the bundle is packed, ledger and records are checked once more and what was left open is named."""

from __future__ import annotations

from pathlib import Path

from workbench.case import Case
from workbench.case.evidence import Evidence
from workbench.case.steps import GOVERNANCE, STEPS
from workbench.errors import ErasureError, RecordError
from workbench.freeze import Expected, FreezeCheck
from workbench.inventory import Inventory
from workbench.plan.model import Plan
from workbench.records.bundle import digest
from workbench.values import Value
from workbench.vault.model import SealedBackup, WindowClosed


class Archived(Value):
    """What goes into the bundle, and in which state."""

    case_id: str
    at: str
    entries: int
    root: str
    records: tuple[tuple[str, str, str], ...]
    """(step, result, SHA-256 of the executed notebook)"""
    missing: tuple[str, ...] = ()
    """steps without a record"""
    failed: tuple[str, ...] = ()
    """steps that failed once and were run again: retries are part of the record"""


def archive(case: Case) -> Archived:
    """Check ledger and records and save the list of what is handed over.

    Raises:
        RecordError: a record was changed after it was signed for.
        LedgerError: the ledger does not verify.
    """
    with case.step("archive") as run:
        checkpoint = case.ledger.check()
        newest = {e.predicate["step"]: e for e in case.ledger.of_type("record/v1")}
        records = []
        for s in (*STEPS[:-1], GOVERNANCE):
            entry = newest.get(s.id)
            if entry is None:
                continue
            name = f"records/{s.notebook}"
            if digest(case.folder / name) != entry.subjects[name]:
                raise RecordError(f"{name} was changed after ledger entry {entry.seq} signed for it",
                                  f"workbench run {case.folder} {s.id}", where=name)
            records.append((s.id, str(entry.predicate["result"]), entry.subjects[name]))
        failed = sorted({str(e.predicate["step"]) for e in case.ledger.of_type("step/v1")
                         if e.predicate.get("result") == "failed"})
        value = Archived(
            case_id=case.id, at=case.now(), entries=checkpoint.size, root=checkpoint.root.hex(),
            records=tuple(records), missing=tuple(s.id for s in STEPS[:-1] if s.id not in newest), failed=tuple(failed))
        case.save(value)
        run.note(entries=checkpoint.size, records=len(records))
        return value


class WindowOpen(Value):
    """The restore window stays open, and why."""

    case_id: str
    at: str
    zh: str
    en: str
    todo: str


def end_window(case: Case) -> WindowClosed | WindowOpen:
    """Close the restore window when the erasure is proven, nothing arrived since the freeze, and no hold stands.

    A hold or an alarm leaves it open: a value that says so, and no error, since both are for people to settle.

    Raises:
        ErasureError: residue is left or a step of the scrub failed; the next run scrubs and looks again.
    """
    from workbench.erasure.flow import settled
    from workbench.erasure.left import done
    from workbench.vault import close_window
    from workbench.vault.shred import holds_on

    erasure, check = done(case), case.find(FreezeCheck)
    if check is not None:
        case.evidence("freeze", [Evidence(item="freeze.alarms", value=float(len(check.alarms)), at=check.checked_at,
                                          by="freeze", sha256=check.digest)])
    if not settled(erasure):
        what = erasure.problems[0] if erasure.problems else f"the verdict is {erasure.verdict}"
        raise ErasureError(f"the erasure is not proven: {what}", f"mend that, then workbench run {case.folder}")
    if check is None or not check.ok:
        return _stays_open(case, "停止收集之后数据有变化,恢复窗口保持开启。",
                           "Data changed after collection stopped; the restore window stays open.",
                           "look at the alarms, then workbench run CASE erase")
    holds = holds_on(case, {f"{t.source}.{t.table}" for t in case.load(SealedBackup).tables})
    if holds:
        return _stays_open(case, f"保全 {holds[0]} 仍然有效,恢复窗口保持开启。",
                           f"Hold {holds[0]} stands; the restore window stays open.",
                           "write until = ... for it when whoever ordered it agrees, then workbench run CASE erase")
    return close_window(case)


def _stays_open(case: Case, zh: str, en: str, todo: str) -> WindowOpen:
    value = WindowOpen(case_id=case.id, at=case.now(), zh=zh, en=en, todo=todo)
    case.save(value)
    return value


def expected_changes(case: Case) -> tuple[Expected, ...]:
    """What the executed plan was allowed to change, table by table, for :func:`workbench.freeze.check_freeze`."""
    links: dict[tuple[str, str], set[str]] = {}
    for t in case.load(Inventory).tables:
        links[t.source, t.name] = {c for k in t.foreign_keys for c in k.columns}
    found: dict[tuple[str, str], tuple[bool, set[str]]] = {}
    for d in case.load(Plan).disposals:
        if d.action not in ("erase", "lock", "anonymise", "hand_over"):
            continue
        key = (d.set.source, d.set.table)
        removed, cleared = found.get(key, (False, set()))
        # the key columns of a row that stays may have been emptied when the row they point at went
        found[key] = (removed or d.action != "anonymise", cleared | {*d.suppress, *d.altered} | links.get(key, set()))
    return tuple(Expected(source=s, table=t, removed=removed, cleared=tuple(sorted(cleared)))
                 for (s, t), (removed, cleared) in sorted(found.items()))


def out_folder(case: Case) -> Path:
    """Where the bundle goes: ``[settings.archive] out``, relative to the case folder; default ``bundle``."""
    out = case.settings("archive").get("out", "bundle")
    if not isinstance(out, str):
        raise RecordError("settings.archive.out is not a path", "edit case.toml")
    return case.resolve(out)
