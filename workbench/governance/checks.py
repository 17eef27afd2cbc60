"""CHECKS: what an inspection looks at. Each yields the assets where something is wrong, with a few words of detail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.governance.incidents import incidents
from workbench.governance.register import moment
from workbench.governance.texts import load

if TYPE_CHECKING:
    from workbench.case import Case

Wrong = Iterator[tuple[str, str]]
"""(asset, detail)"""
APART = (("operator", "approver"), ("operator", "supervisor"), ("operator", "inspector"), ("approver", "inspector"))
"""GB/T 35273 7.1: security administrator, data operator and auditor are different people"""


def sealing(case: Case) -> Wrong:
    """Every table of the newest inventory is in the sealed backup, as Parquet or as its file."""
    from workbench.inventory import Inventory
    from workbench.vault.model import SealedBackup

    inventory, backup = case.find(Inventory), case.find(SealedBackup)
    if inventory is None or backup is None:
        yield "case", "no inventory yet" if inventory is None else "no sealed backup yet"
        return
    sealed = {(t.source, t.table) for t in backup.tables}
    for t in inventory.tables:
        if (t.source, t.name) not in sealed and (t.source, t.file) not in sealed:
            yield t.id, f"{t.rows:,} rows"


def restore(case: Case) -> Wrong:
    """The backup opens whole, now, from every place (without a passphrase: digests alone), and was tested lately."""
    from workbench.vault.model import RestoreTest, SealedBackup, WindowClosed
    from workbench.vault.store import verify_sealed

    backup, closed, test = case.find(SealedBackup), case.find(WindowClosed), case.find(RestoreTest)
    if backup is None:
        yield "case", "no sealed backup yet"
        return
    if closed is not None and backup.set_id in closed.set_ids:
        return
    for text in backup.places:
        bad = verify_sealed(case.resolve(text) / backup.set_id)
        if bad:
            yield text, f"{bad[0].object}: {bad[0].problem}" + (f" (+{len(bad) - 1})" if len(bad) > 1 else "")
    limit = load("checks")["restore"]["every_days"]
    if test is None or test.set_id != backup.set_id:
        yield backup.set_id, "never tested"
    elif not test.ok:
        yield backup.set_id, "the last test failed"
    elif moment(case.now()) - moment(test.at) > dt.timedelta(days=limit):
        yield backup.set_id, f"last tested {test.at}"


def ledger(case: Case) -> Wrong:
    """The log verifies from its first byte, and no step began without an end (the inspection's own left out)."""
    from workbench.governance.watch import ledger_problem

    problem = ledger_problem(case.folder)
    if problem:
        yield "ledger", problem
    for e in case.open_intents():
        if e.predicate["step"] != "inspect":
            yield f"entry {e.seq}", f"step {e.predicate['step']} began and did not end"


def overdue(case: Case) -> Wrong:
    """Lines of the plan whose day to delete by has passed and which no erasure carried out."""
    from workbench.erasure.model import Erasure
    from workbench.plan.model import Plan

    plan = case.find(Plan)
    if plan is None:
        return
    done = {(r.plan, d.disposal) for r in case.history(Erasure) if not r.dry_run for d in r.disposals
            if d.verdict not in ("NOT_STARTED", "STARTED", "FAILED", "TASK")}
    for d in plan.disposals:
        if d.delete_by and d.delete_by < case.today() and d.action not in ("keep", "ask") \
                and (plan.digest, d.id) not in done and not (d.not_before and d.not_before > case.today()):
            yield d.id, f"{d.set.table_id}, {d.delete_by.isoformat()}"


def roles(case: Case) -> Wrong:
    """Nobody holds two roles that must be apart, under one id or under two ids with the same name."""
    by_name: dict[str, set[str]] = {}
    ids: dict[str, str] = {}
    for p in case.config.people:
        by_name.setdefault(p.name.strip(), set()).update(p.roles)
        ids.setdefault(p.name.strip(), p.id)
    for name, held in by_name.items():
        for one, other in APART:
            if one in held and other in held:
                yield ids[name], f"{one} + {other}"


def grants(case: Case) -> Wrong:
    """Somebody answered for the access rights and there are none beyond them."""
    from workbench.governance.grants import new_rights
    from workbench.governance.model import Grants

    if case.find(Grants) is None:
        yield "case", "nobody has answered for the access rights"
        return
    for source, lines in new_rights(case).items():
        yield source, f"{len(lines)} new"


def training(case: Case) -> Wrong:
    """Everybody who takes part is trained and not due again."""
    from workbench.governance.training import standing

    for s in standing(case):
        if not s.valid:
            yield s.person, f"due {s.due}" if s.due else "not trained"


def partners(case: Case) -> Wrong:
    """Every partner that holds data has given a full certificate."""
    from workbench.governance.partners import partners as register

    for p in register(case):
        if p.state != "certified":
            yield p.id, p.state


def media(case: Case) -> Wrong:
    """Every place and medium of the newest look at them is sound."""
    from workbench.vault.model import MediaCheck

    check = case.find(MediaCheck)
    if check is None:
        yield "case", "media were never inspected"
        return
    for m in check.media:
        if not m.ok:
            yield m.name, "; ".join(m.problems[:3])


def records(case: Case) -> Wrong:
    """Every step of the flow that is done has its record."""
    from workbench.case.steps import STEPS

    case.ledger.refresh()
    made = {e.predicate["step"] for e in case.ledger.of_type("record/v1")}
    for s in STEPS:
        outcome = case.outcome(s.id)
        if outcome is not None and outcome.predicate["result"] == "done" and s.id not in made:
            yield s.id, "no record"


def open_incidents(case: Case) -> Wrong:
    """No incident waits."""
    for i in incidents(case):
        if i.state == "open" and not i.drill:
            yield i.id, f"{i.sort}, {i.opened_at}"


CHECKS: dict[str, Callable[[Case], Wrong]] = {
    "sealing": sealing, "restore": restore, "ledger": ledger, "overdue": overdue, "roles": roles, "grants": grants,
    "training": training, "partners": partners, "media": media, "records": records, "incidents": open_incidents,
}


def run_check(case: Case, name: str) -> tuple[tuple[str, str], ...]:
    """What is wrong; a check that cannot be made is itself wrong."""
    try:
        return tuple(CHECKS[name](case))
    except WorkbenchError as e:
        return (("case", f"cannot be checked: {e.what}"[:200]),)
    except OSError as e:
        return (("case", f"cannot be checked: {type(e).__name__}"),)
