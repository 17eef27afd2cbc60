"""BOARD: every register of this room in one line each: red, due, done or nothing there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from workbench.governance.register import entries
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case

State = Literal["red", "due", "done", "none"]


class BoardLine(Value):
    """Where one register stands."""

    name: str
    state: State
    count: int = 0
    """what is due or red, or how many entries are done"""
    due: str = ""
    """the earliest day, where one is known"""


class Board(Value):
    """All of them."""

    case_id: str
    at: str
    lines: tuple[BoardLine, ...]

    @property
    def red(self) -> tuple[BoardLine, ...]:
        """Lines that are red."""
        return tuple(x for x in self.lines if x.state == "red")


def board(case: Case) -> Board:
    """The board as the registers stand; no source is opened and nothing is written."""
    return Board(case_id=case.id, at=case.now(), lines=tuple(_lines(case)))


def review(case: Case) -> Board:
    """The step behind notebook 09: watch, remind partners, feed the evidence, and save the board."""
    from workbench.governance.evidence import feed
    from workbench.governance.partners import follow_up
    from workbench.governance.watch import watch

    watch(case)
    follow_up(case)
    feed(case)
    with case.step("governance") as run:
        value = board(case)
        case.save(value)
        run.note(**{f"registers_{s}": sum(x.state == s for x in value.lines) for s in ("red", "due", "done")})
        return value


def _line(register: str, red: int, due: int, done: int, day: str = "") -> BoardLine:
    state: State = "red" if red else "due" if due else "done" if done else "none"
    return BoardLine(name=register, state=state, count=red or due or done, due=day if red or due else "")


def _lines(case: Case) -> Iterator[BoardLine]:
    from workbench.governance.algorithms import algorithms
    from workbench.governance.correspondence import unanswered
    from workbench.governance.desk import Request, overdue
    from workbench.governance.drills import Rehearsal
    from workbench.governance.drills import due as drill_due
    from workbench.governance.handover import DeskHandover
    from workbench.governance.improvement import Action, ClosingReview, open_actions
    from workbench.governance.incidents import incidents
    from workbench.governance.inspection import due_checks, open_findings
    from workbench.governance.model import Finding, Grants
    from workbench.governance.partners import partners
    from workbench.governance.receivers import receivers
    from workbench.governance.regimes import checklist
    from workbench.governance.training import standing

    today = case.today().isoformat()
    known = [i for i in incidents(case) if not i.drill]
    yield _line("incidents", sum(i.state == "open" for i in known), 0, len(known))
    drills = len(entries(case, Rehearsal))
    yield _line("drills", sum(not r.seen for r in entries(case, Rehearsal)[-1:]), int(drill_due(case)), drills)
    found = open_findings(case)
    late = sum(f.severity == "severe" or f.due < today for f in found)
    yield _line("inspection", late, len(found) + len(due_checks(case)), len(entries(case, Finding)) or 1,
                min((f.due for f in found), default=""))
    yield _line("grants", 0, int(case.find(Grants) is None), 1)
    people = standing(case)
    yield _line("training", 0, sum(not s.valid for s in people), len(people), min((s.due for s in people if s.due), default=""))
    others = partners(case)
    yield _line("partners", sum(p.state == "escalated" for p in others), sum(p.state != "certified" for p in others), len(others))
    to = receivers(case)
    yield _line("receivers", sum(r.state == "needs_consent" for r in to), sum(r.state != "proven" for r in to), len(to))
    waiting = unanswered(case)
    yield _line("letters", sum(k.due < today for k in waiting), len(waiting), 0, waiting[0].due if waiting else "")
    requests = entries(case, Request)
    days = [d.due for r in requests if r.state in ("open", "found") for d in r.deadlines if d.due]
    yield _line("requests", len(overdue(case)), sum(r.state in ("open", "found") for r in requests), len(requests), min(days, default=""))
    gone = case.config.dates.deregistration
    handed = len(entries(case, DeskHandover))
    yield _line("handover", int(not handed and gone is not None and gone < case.today()), int(not handed and gone is not None),
                handed, gone.isoformat() if gone else "")
    duties = checklist(case)
    yield _line("checklist", 0, duties.gaps, len(duties.lines))
    used = algorithms(case)
    yield _line("algorithms", 0, sum(a.outlived for a in used), len(used))
    todo: tuple[Action, ...] = open_actions(case)
    yield _line("actions", sum(a.due < today for a in todo), len(todo), len(entries(case, ClosingReview)), todo[0].due if todo else "")
