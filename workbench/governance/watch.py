"""WATCH: incidents that open themselves. Run it by hand, from the notebook, or every hour from a timer."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import CaseError, WorkbenchError
from workbench.governance.incidents import adopt, incidents, open_incident
from workbench.governance.model import Incident, Sort
from workbench.ledger import Ledger
from workbench.values import short

if TYPE_CHECKING:
    from workbench.case import Case

# alarm of the freeze -> sort of incident: what goes on being collected is use without a ground, a change is tampering,
# and rows that nobody planned to remove are an operational error until somebody finds another cause
ALARMS: dict[str, Sort] = {"added": "misuse", "newer": "misuse", "new_table": "misuse", "changed": "tamper",
                           "removed": "error", "missing_table": "error"}


def watch(case: Case, *, look: bool = True) -> tuple[Incident, ...]:
    """Open an incident for everything wrong; returns all that are open, drills left out.

    ``look``: compare the sources with the freeze anew; otherwise the newest comparison counts. Looking costs one pass
    over the data. While the ledger does not verify, nothing else is examined: it could not be noted.
    """
    broken = ledger_problem(case.folder)
    if broken:
        open_incident(case, "tamper", "ledger", broken, places=(broken,), logged=False)
        return tuple(i for i in incidents_beside(case) if i.state == "open")
    adopt(case)
    _quarantine(case)
    _freeze(case, look=look)
    _grants(case)
    _erasure(case)
    return tuple(i for i in incidents(case) if i.state == "open" and not i.drill)


def watch_folder(folder: Path, *, look: bool = True) -> tuple[Incident, ...]:
    """The same for a case that cannot even be opened because its ledger does not verify."""
    return watch(open_anyway(folder), look=look)


def open_anyway(folder: Path) -> Case:
    """The case, also when its ledger does not verify: then only incidents kept beside it can be worked on."""
    from workbench.case import Case, load_config

    try:
        return Case.open(folder)
    except WorkbenchError:
        if not ledger_problem(folder):
            raise
    case = Case.__new__(Case)
    case.folder, case.config = folder.resolve(), load_config(folder / "case.toml")
    case.ledger, case._run, case._signers = Ledger(folder / "ledger"), None, {}
    return case


def ledger_problem(folder: Path) -> str:
    """Where the ledger in ``folder`` does not verify; empty when it does (or has not begun)."""
    fresh = Ledger(folder / "ledger")
    try:
        fresh.refresh()
        if fresh.entries:
            fresh.check()
    except WorkbenchError as e:
        return e.where or e.what
    except (ValueError, KeyError, TypeError):
        return f"entry {len(fresh)}"
    return ""


def incidents_beside(case: Case) -> tuple[Incident, ...]:
    """Incidents kept beside a ledger that does not verify."""
    from workbench.governance.incidents import _beside

    return _beside(case)


def _quarantine(case: Case) -> None:
    for e in case.ledger.of_type("quarantine/v1"):
        where = tuple(str(w) for w in e.predicate["where"])
        open_incident(case, "leak", "quarantine", f"entry {e.seq}", places=where, records=len(where), at=e.predicate["at"])


def _freeze(case: Case, *, look: bool) -> None:
    from workbench.freeze import Freeze, FreezeCheck, check_freeze
    from workbench.records.archive import expected_changes

    if case.find(Freeze) is None:
        return
    check = case.find(FreezeCheck)
    if look and (case.folder / "freeze" / "key.json").exists():
        done = case.outcome("erase")
        # while an erasure is half-done nothing can be compared: rows go in the middle of it
        if not any(e.predicate["step"] == "erase" for e in case.open_intents()):
            erased = expected_changes(case) if done and done.predicate["result"] == "done" else ()
            with contextlib.suppress(CaseError):
                check = check_freeze(case, erased)
    for a in check.alarms if check else ():
        name = f"{a.source}.{a.table}"
        # a second look at the same alarm is the same incident; more rows of it are one more
        open_incident(case, ALARMS[a.what], a.what, f"{name} {a.rows} {','.join(a.columns)}", places=(name,),
                      records=a.rows, at=check.checked_at if check else "")


def _grants(case: Case) -> None:
    from workbench.governance.grants import new_rights

    for source, lines in new_rights(case).items():
        things = sorted({f"{source}.{line.split(' ', 2)[2]}" for line in lines})
        open_incident(case, "misuse", "grants", f"{source} {' '.join(lines)[:200]}", places=tuple(things),
                      records=len(lines))


def _erasure(case: Case) -> None:
    from workbench.erasure.model import Erasure

    runs = case.history(Erasure)
    dry = {(r.plan, d.disposal): d.planned for r in runs if r.dry_run for d in r.disposals}
    for run in (r for r in runs if not r.dry_run):
        off = []
        for d in run.disposals:
            moved = d.deleted + d.suppressed + d.refused
            want = dry.get((run.plan, d.disposal), d.planned)
            if d.action in ("erase", "lock", "anonymise", "hand_over") and d.verdict != "TASK" and (
                    d.planned != want or moved > d.planned):
                off.append(f"{d.source}.{d.table}")
        bad = [t for t in run.tables if not t.ok]
        off += [f"{t.source}.{t.table}" for t in bad]
        if off or run.verdict == "FAILED":
            open_incident(case, "error", "erasure", short(run.digest, 16), places=tuple(sorted(set(off))), at=run.ended)
