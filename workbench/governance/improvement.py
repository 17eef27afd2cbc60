"""IMPROVEMENT: runs and cases compared, corrective actions with an owner, the closing review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import ParameterError
from workbench.governance.correspondence import day
from workbench.governance.register import entries, next_id
from workbench.i18n import mask
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case

WORDS = 20
"""characters a lesson has at least"""


class StepRuns(Value):
    """How often a step ran, failed and how long its records took."""

    step: str
    runs: int
    failed: int
    first_seconds: int = 0
    last_seconds: int = 0


class Comparison(Value):
    """One case over its time: what went wrong, what came back, what became faster."""

    case_id: str
    at: str
    steps: tuple[StepRuns, ...]
    findings: dict[str, int]
    """check -> findings ever"""
    repeated: tuple[str, ...]
    """findings that were cleared and came back"""
    near_misses: int
    """records stopped by the gate, runs stopped by an objection, objections lifted"""
    incidents: dict[str, int]
    drills: int
    open_actions: int


class Action(Value):
    """A corrective action."""

    text: str
    owner: str
    due: str
    done: str = ""


class ClosingReview(Value):
    """What the people learnt, and who mends what by when."""

    id: str
    case_id: str
    at: str
    person: str
    lessons: str
    actions: tuple[Action, ...] = ()


def compare(case: Case) -> Comparison:
    """Count over the ledger and every saved state of the registers; no source is opened."""
    from workbench.governance.incidents import incidents
    from workbench.governance.model import Finding

    case.ledger.refresh()
    seconds: dict[str, list[int]] = {}
    for e in case.ledger.of_type("record/v1"):
        seconds.setdefault(e.predicate["step"], []).append(int(e.predicate["seconds"]))
    outcomes = [e.predicate for e in case.ledger.of_type("step/v1") if e.predicate["phase"] == "outcome"]
    runs, failed = Counter(p["step"] for p in outcomes), Counter(p["step"] for p in outcomes if p["result"] != "done")
    history: dict[str, list[str]] = {}
    for f in case.history(Finding):
        history.setdefault(f.id, []).append(f.state)
    known = incidents(case)
    lifted = sum(e.predicate["decision"] in ("object", "lift") for e in case.ledger.of_type("approval/v1"))
    return Comparison(
        case_id=case.id, at=case.now(),
        steps=tuple(StepRuns(step=s, runs=n, failed=failed[s], first_seconds=seconds.get(s, [0])[0],
                             last_seconds=seconds.get(s, [0])[-1]) for s, n in sorted(runs.items())),
        findings=dict(Counter(f.check for f in entries(case, Finding))),
        repeated=tuple(sorted(i for i, states in history.items() if "cleared" in states[:-1] and states[-1] == "open")),
        near_misses=sum(1 for _ in case.ledger.of_type("quarantine/v1")) + lifted,
        incidents=dict(Counter(i.sort for i in known if not i.drill)), drills=sum(i.drill for i in known),
        open_actions=len(open_actions(case)))


def compare_cases(folders: Iterable[Path]) -> tuple[Comparison, ...]:
    """The same for several cases, beside each other."""
    from workbench.case import Case

    return tuple(compare(Case.open(f)) for f in folders)


def closing_review(case: Case, person: str, lessons: str, actions: Iterable[Action] = ()) -> ClosingReview:
    """Note the review; a supervisor, inspector or counsel signs it.

    Raises:
        ParameterError: the wrong role, too few words, personal data in them, an unknown owner or a bad day.
    """
    who = case.config.person(person)
    if not {"supervisor", "inspector", "counsel"} & set(who.roles):
        raise ParameterError(f"{person} does not review", "a supervisor, inspector or counsel does")
    todo = tuple(actions)
    if len(lessons.strip()) < WORDS:
        raise ParameterError("a review says what went well, what went wrong and why", "write a sentence on each")
    if any(mask(t) != t for t in (lessons, *(a.text for a in todo))):
        raise ParameterError("the review holds what looks like personal data", "say it without numbers and addresses")
    for a in todo:
        case.config.person(a.owner)
        day(a.due)
    value = ClosingReview(id=next_id(case, ClosingReview, "W"), case_id=case.id, at=case.now(), person=who.id,
                          lessons=lessons[:4000], actions=todo)
    case.save(value, who.id)
    return value


def open_actions(case: Case) -> tuple[Action, ...]:
    """Corrective actions not done, the earliest first."""
    return tuple(sorted((a for r in entries(case, ClosingReview) for a in r.actions if not a.done), key=lambda a: a.due))


def action_done(case: Case, id_: str, number: int, person: str) -> ClosingReview:
    """Note that action ``number`` (from 1) of review ``id_`` is done; its owner or the reviewer signs."""
    from workbench.governance.register import entry

    old = entry(case, ClosingReview, id_)
    if not 1 <= number <= len(old.actions):
        raise ParameterError(f"review {id_} has no action {number}", f"1 to {len(old.actions)}")
    action = old.actions[number - 1]
    if person not in (action.owner, old.person):
        raise ParameterError(f"{person} neither owns the action nor reviews", f"{action.owner} or {old.person} does")
    actions = tuple(a if n != number else a.model_copy(update={"done": case.now()}) for n, a in enumerate(old.actions, 1))
    value = old.model_copy(update={"actions": actions})
    case.save(value, person)
    return value
