"""INCIDENTS: open, assess, tick, close. The register, its clocks, and notices drafted from the case."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.errors import LedgerError, ParameterError
from workbench.governance.clocks import Clock, clocks
from workbench.governance.model import Incident, Sort, Tick
from workbench.governance.register import entries, entry, moment
from workbench.governance.texts import load
from workbench.ledger import write_durably
from workbench.plan.make import packs_of

if TYPE_CHECKING:
    from workbench.case import Case

FOLDER = "incidents"
SORTS: tuple[Sort, ...] = ("leak", "tamper", "misuse", "error")
REPORT_CHARACTERS = 20


def incidents(case: Case) -> tuple[Incident, ...]:
    """Every incident as it stands, those kept beside a broken ledger included, oldest first."""
    try:
        logged = entries(case, Incident)
    except LedgerError:  # while the ledger does not verify only what is kept beside it can be worked on
        logged = ()
    found = {i.id: i for i in (*_beside(case), *logged)}
    return tuple(sorted(found.values(), key=lambda i: (i.opened_at, i.id)))


def incident(case: Case, id_: str) -> Incident:
    """One incident; ParameterError lists the ids there are."""
    found = {i.id: i for i in incidents(case)}
    return found[id_] if id_ in found else entry(case, Incident, id_)


def open_incident(case: Case, sort: Sort, origin: str, mark: str, *, places: tuple[str, ...] = (), records: int = 0,
                  persons: int | None = None, at: str = "", logged: bool = True, person: str = "") -> Incident:
    """Open an incident, or return the one that the same thing opened before.

    ``person``: who reports it, and signs; the program itself signs as the operator.
    ``at``: UTC time of discovery, now when empty. A ledger that does not verify takes no entry (``logged`` False):
    the incident then lies in the case's private ``incidents/`` folder until :func:`adopt`.
    """
    if sort not in SORTS:
        raise ParameterError(f"there is no sort of incident {sort!r}", "use one of: " + ", ".join(SORTS))
    for known in incidents(case) if logged else _beside(case):
        if (known.origin, known.mark) == (origin, mark):
            return known
    now = case.now()
    seen = at or now
    moment(seen)
    id_ = "I-" + hashlib.sha256(f"{origin}\0{mark}\0{now}".encode()).hexdigest()[:8]
    new = Incident(id=id_, case_id=case.id, sort=sort, origin=origin, mark=mark, opened_at=now, discovered_at=seen,
                   places=places[:50], records=records, persons=persons, categories=_categories(case, places) if logged
                   else (), unlogged=not logged, events={"occurrence": seen, "discovery": seen, "awareness": seen})
    return _keep(case, new, person)


def assess(case: Case, id_: str, *, persons: int | None = None, facts: Mapping[str, bool] | None = None,
           events: Mapping[str, str] | None = None, person: str = "") -> Incident:
    """Say, as ``person``, what was found out: persons touched, facts of ``data/conditions.yaml``, times at which clocks start."""
    known = load("conditions")
    for name in facts or {}:
        if name not in known["facts"]:
            raise ParameterError(f"there is no fact {name!r}", "use one of: " + ", ".join(sorted(known["facts"])))
    for name, at in (events or {}).items():
        if name not in known["starts"]:
            raise ParameterError(f"no clock starts with {name!r}", "use one of: " + ", ".join(sorted(known["starts"])))
        moment(at)
    if persons is not None and persons < 0:
        raise ParameterError("a number of persons cannot be below zero", "count them, or leave it out")
    old = _open(case, id_)
    return _keep(case, old.model_copy(update={
        "persons": old.persons if persons is None else persons, "facts": {**old.facts, **(facts or {})},
        "events": {**old.events, **(events or {})}}), person)


def tick(case: Case, id_: str, step: str, person: str, note: str = "") -> Incident:
    """Note that a person did a step of the playbook."""
    old = _open(case, id_)
    who = case.config.person(person).id
    steps = [s["id"] for s in load("playbooks")[old.sort]["steps"]]
    if step not in steps:
        raise ParameterError(f"the playbook {old.sort} has no step {step!r}", "use one of: " + ", ".join(steps))
    if step in (t.step for t in old.ticks):
        raise ParameterError(f"step {step} is ticked already", "tick the next one")
    done = Tick(step=step, at=case.now(), person=who, note=note[:300])
    return _keep(case, old.model_copy(update={"ticks": (*old.ticks, done)}), who)


def close(case: Case, id_: str, person: str, report: str) -> Incident:
    """Close an incident with its report; every step of the playbook must be ticked.

    The clock of the final report (where the law sets one) starts here.
    """
    old = _open(case, id_)
    who = case.config.person(person)
    if not {"supervisor", "inspector", "counsel"} & set(who.roles):
        raise ParameterError(f"{person} may not close an incident", "a supervisor, inspector or counsel closes it")
    done = {t.step for t in old.ticks}
    left = [s["id"] for s in load("playbooks")[old.sort]["steps"] if s["id"] not in done]
    if left:
        raise ParameterError(f"steps of the playbook are not ticked: {', '.join(left)}",
                             f"workbench govern tick CASE {id_} {left[0]} --as PERSON")
    if len(report.strip()) < REPORT_CHARACTERS:
        raise ParameterError("a closing report says cause, effect, remedy and what changes", "write a sentence on each")
    now = case.now()
    return _keep(case, old.model_copy(update={"state": "closed", "closed_at": now, "closed_by": who.id,
                                              "report": report[:4000], "events": {**old.events, "handling_end": now}}), who.id)


def clocks_of(case: Case, item: Incident) -> tuple[Clock, ...]:
    """The clocks of one incident from the case's packs; a drill's are shown like real ones."""
    on = dt.date.fromisoformat(item.discovered_at[:10])
    return clocks(packs_of(case), max(on, case.today()), item.persons, item.events, item.facts)


def drill(case: Case, sort: Sort, person: str = "") -> Incident:
    """Begin the people's part of a drill: an incident of that sort with the case's own tables as its scenario.

    No source is touched; :func:`workbench.governance.drills.rehearse` also provokes it, in a sandbox.
    """
    from workbench.classification.model import Findings

    found = case.find(Findings)
    tables = sorted(found.tables, key=lambda t: -t.persons)[:1] if found else []
    return open_incident(case, sort, "drill", f"{sort} {case.now()}", records=sum(t.rows for t in tables),
                         places=tuple(f"{t.source}.{t.table}" for t in tables),
                         persons=tables[0].persons if tables else None, person=person)


def score(item: Incident) -> tuple[float, tuple[str, ...]]:
    """Share of the playbook's steps ticked within the house's target minutes, and the ids of those that were not."""
    begun = moment(item.opened_at)
    ticked = {t.step: moment(t.at) for t in item.ticks}
    steps = load("playbooks")[item.sort]["steps"]
    late = tuple(s["id"] for s in steps
                 if s["id"] not in ticked or ticked[s["id"]] - begun > dt.timedelta(minutes=s["minutes"]))
    return 1 - len(late) / len(steps), late


def adopt(case: Case) -> tuple[Incident, ...]:
    """Note incidents that were kept beside a broken ledger in the ledger, once it verifies again."""
    case.ledger.refresh()
    if case.ledger.entries:
        case.ledger.check()
    taken = []
    for item in _beside(case):
        logged = item.model_copy(update={"unlogged": False})
        case.save(logged)
        (case.private(FOLDER) / f"{item.id}.json").unlink()
        taken.append(logged)
    return tuple(taken)


def _open(case: Case, id_: str) -> Incident:
    old = incident(case, id_)
    if old.state == "closed":
        raise ParameterError(f"incident {id_} is closed", "open a new one if it happens again")
    return old


def _keep(case: Case, item: Incident, person: str = "") -> Incident:
    if item.unlogged:
        write_durably(case.private(FOLDER) / f"{item.id}.json", item.canonical())
    else:
        case.save(item, person)
    return item


def _beside(case: Case) -> tuple[Incident, ...]:
    found = []
    for path in sorted(case.private(FOLDER).glob("I-*.json")):
        try:
            found.append(Incident.from_bytes(path.read_bytes()))
        except (ValueError, json.JSONDecodeError):
            raise ParameterError("an incident kept beside the ledger cannot be read", "restore it from a copy",
                                 where=path.name) from None
    return tuple(found)


def _categories(case: Case, places: tuple[str, ...]) -> tuple[str, ...]:
    from workbench.classification.model import Findings

    found = case.find(Findings)
    if found is None:
        return ()
    near = {f.category for f in found.findings if f.category and f"{f.source}.{f.table}" in places}
    return tuple(sorted(near or {f.category for f in found.findings if f.category and f.detector}))
