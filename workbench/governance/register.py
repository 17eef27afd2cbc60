"""REGISTER: entries are values with an id; the newest saved value of an id is its state, older ones its history."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from workbench.errors import ParameterError
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case

V = TypeVar("V", bound=Value)


class _HasId(Protocol):
    id: str


def entries(case: Case, kind: type[V]) -> tuple[V, ...]:
    """The state of every entry of that kind, in the order they were first made."""
    newest: dict[str, V] = {}
    for value in case.history(kind):
        newest[cast(_HasId, value).id] = value
    return tuple(newest.values())


def entry(case: Case, kind: type[V], id_: str) -> V:
    """The state of one entry; ParameterError lists the ids there are."""
    found = {cast(_HasId, v).id: v for v in entries(case, kind)}
    if id_ not in found:
        known = ", ".join(sorted(found)[:8]) or "none yet"
        raise ParameterError(f"there is no {kind.kind} {id_!r}", f"known: {known}")
    return found[id_]


def next_id(case: Case, kind: type[V], letter: str) -> str:
    """``I-001``, ``I-002``, ..."""
    return f"{letter}-{len(entries(case, kind)) + 1:03d}"


def sign(case: Case, type_: str, subjects: dict[str, str], predicate: dict[str, Any], person: str) -> None:
    """Add an entry signed with the person's own key, which is made and registered when it is the first."""
    case.enrol(person)
    case.append(type_, subjects, predicate, person)


def moment(text: str) -> dt.datetime:
    """A UTC time as the case writes it; ParameterError when it is none."""
    try:
        at = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise ParameterError("that is no time", "write it like 2026-11-23T08:00:00Z") from None
    if at.tzinfo is None:
        raise ParameterError("that time has no zone", "write it like 2026-11-23T08:00:00Z")
    return at.astimezone(dt.UTC)


def stamp(at: dt.datetime) -> str:
    """ISO 8601 in UTC to the second."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
