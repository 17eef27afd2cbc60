"""CORRESPONDENCE: letters in and out, to partners, authorities, receivers: what, when, whose answer is due. No letter's text."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from workbench.errors import ParameterError
from workbench.governance.register import entries, next_id
from workbench.i18n import mask
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case


class Letter(Value):
    """One letter; the paper itself stays where letters are kept, its digest is here."""

    id: str
    case_id: str
    at: str
    way: Literal["in", "out"]
    party: str
    """a partner's id, an authority, a receiver; no private person"""
    subject: str
    sha256: str = ""
    due: str = ""
    """day by which an answer is expected, ISO"""
    answers: str = ""
    """id of the letter that this one answers"""
    person: str


def note_letter(case: Case, way: Literal["in", "out"], party: str, subject: str, person: str, *, file: Path | None = None,
                due: str = "", answers: str = "") -> Letter:
    """Enter a letter; ``person`` signs.

    Raises:
        ParameterError: no party or subject, something personal in them, no such letter to answer, a bad day or file.
    """
    if way not in ("in", "out"):
        raise ParameterError("a letter goes in or out", "in or out")
    for word, text in (("party", party), ("subject", subject)):
        if not text.strip():
            raise ParameterError(f"the letter has no {word}", "say it in a few words")
        if mask(text) != text:
            raise ParameterError(f"the {word} holds what looks like personal data and would stand in the log for good",
                                 "say it without numbers and addresses")
    if answers and answers not in {k.id for k in entries(case, Letter)}:
        raise ParameterError(f"there is no letter {answers!r}", "workbench govern letters CASE")
    value = Letter(id=next_id(case, Letter, "L"), case_id=case.id, at=case.now(), way=way, party=party[:200],
                   subject=subject[:300], sha256=file_digest(file) if file else "", due=day(due) if due else "",
                   answers=answers, person=case.config.person(person).id)
    case.save(value, value.person)
    return value


def unanswered(case: Case) -> tuple[Letter, ...]:
    """Letters that wait for an answer, the earliest first."""
    letters = entries(case, Letter)
    done = {k.answers for k in letters}
    return tuple(sorted((k for k in letters if k.due and k.id not in done), key=lambda k: k.due))


def file_digest(path: Path) -> str:
    """SHA-256 of a file that serves as evidence; ParameterError when it cannot be read."""
    from workbench.records.bundle import digest

    try:
        return digest(path)
    except OSError as e:
        raise ParameterError(f"the file cannot be read ({type(e).__name__})", "name an existing file", where=path.name) from None


def day(text: str) -> str:
    """An ISO day; ParameterError when it is none."""
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise ParameterError("that is no day", "write it like 2026-11-23") from None
