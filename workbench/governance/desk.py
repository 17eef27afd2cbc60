"""DESK: requests of customers, from receipt to answer. The register holds counts and a receipt's digest, never a person.

Identity is checked with the least data: the person gives identifiers that are in the records, and a code sent to one of
them; neither is kept. After the erasure the same person can come back with the receipt, and the desk proves "deleted".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from workbench.errors import ParameterError
from workbench.governance.access import note, permit
from workbench.governance.lookup import Hit, find_person, rows_of
from workbench.governance.register import entries, entry, moment, next_id, stamp
from workbench.governance.texts import load, pick
from workbench.law.dates import parse_duration, working_days
from workbench.plan.make import packs_of
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case


class Deadline(Value):
    """A term for the answer, from the packs; ``due`` is empty where the law gives no number."""

    rule: str
    due: str
    zh: str
    en: str
    provision: str
    confidence: str


class Request(Value):
    """One request. Nothing in it tells whose it is."""

    id: str
    case_id: str
    sort: str
    received_at: str
    deadlines: tuple[Deadline, ...]
    receipt_sha256: str
    """digest of a random code that the person holds"""
    identity_checked: bool = False
    hits: tuple[Hit, ...] = ()
    conflicts: int = 0
    state: Literal["open", "found", "answered", "refused"] = "open"
    answered_at: str = ""
    by: str = ""
    reason: str = ""
    """of a refusal"""


class DeletionProof(Value):
    """What the desk can say after the erasure."""

    id: str
    """of the request"""
    at: str
    rows_then: int
    rows_now: int
    deleted: bool
    certificates: tuple[str, ...]
    verdicts: tuple[str, ...]
    sealed: bool
    """some of the tables' rows are kept by law, sealed"""


def receive(case: Case, sort: str, person: str = "", *, at: str = "") -> tuple[Request, str]:
    """Take a request in as ``person``; returns it and the receipt's code, which is given to the person and not kept."""
    if sort not in load("requests")["sorts"]:
        raise ParameterError(f"there is no sort of request {sort!r}", "use: " + ", ".join(load("requests")["sorts"]))
    when = at or case.now()
    code = secrets.token_urlsafe(12)
    value = Request(id=next_id(case, Request, "R"), case_id=case.id, sort=sort, received_at=stamp(moment(when)),
                    deadlines=deadlines(case, sort, when), receipt_sha256=_sha(code))
    case.save(value, person)
    return value, code


def deadlines(case: Case, sort: str, at: str) -> tuple[Deadline, ...]:
    """Terms that the packs set for this sort of request on that day."""
    from workbench.governance.clocks import later

    packs, begun = packs_of(case), moment(at)
    found = []
    for rule, value in packs.in_force(max(begun.date(), case.today()), "deadline"):
        due = ""
        if rule.when == "request":
            due = later(begun, value.within).date().isoformat() if value.within else ""
        elif sort == "close_account" and value.due and value.due.event == "account_closing_request":
            due = working_days(begun.date(), parse_duration(value.due.plus)[1]).isoformat()
        else:
            continue
        found.append(Deadline(rule=rule.id, due=due, zh=rule.text.zh if rule.text else "", en=rule.text.en if rule.text
                              else "", provision=packs.cite(value), confidence=value.confidence))
    return tuple(sorted(found, key=lambda d: d.due or "9"))


def look_up(case: Case, id_: str, identifiers: Iterable[str], person: str, *, identity_checked: bool) -> Request:
    """Find the person's rows for a request. ``identity_checked``: whoever runs this has checked who asks.

    The look-up is logged with who, when and how many rows; identifiers are not.
    """
    if not identity_checked:
        raise ParameterError("nobody is looked up before identity is checked",
                             "send a code to a phone or e-mail of the record and have it said back")
    old = entry(case, Request, id_)
    if old.state in ("answered", "refused"):
        raise ParameterError(f"request {id_} is {old.state}", "take in a new request")
    who = permit(case, "lookup", person, old.sort)
    found = find_person(case, identifiers)
    value = old.model_copy(update={"identity_checked": True, "hits": found.hits, "conflicts": found.conflicts,
                                   "state": "found", "by": who})
    digest = case.save(value, who)
    note(case, "lookup", who, old.sort, found.rows, {"request": digest})
    return value


def write_copy(case: Case, id_: str, identifiers: Iterable[str], person: str, second: str = "") -> Path:
    """Write the person's rows (JSON lines, 0600) into the private ``answers/`` folder; hand it over, then delete it.

    ``second``: a second person, needed for a copy of very many rows.
    """
    item = entry(case, Request, id_)
    if not item.identity_checked or item.sort not in ("access", "copy", "next_of_kin"):
        raise ParameterError("a copy is written for an access or copy request whose identity was checked", "look_up first")
    who = permit(case, "export", person, item.sort, sum(h.rows for h in item.hits), second)
    path = case.private("answers") / f"{id_}.jsonl"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    n = 0
    with os.fdopen(fd, "w", encoding="utf-8") as f:
        for table, row in rows_of(case, identifiers):
            f.write(json.dumps({"table": table, **row}, ensure_ascii=False, default=str) + "\n")
            n += 1
    note(case, "export", who, item.sort, n, request=id_)
    return path


def answer(case: Case, id_: str, person: str, *, refuse: str = "") -> Request:
    """Close a request as answered, or refused with its reason (PIPL 50(2): reasons are told)."""
    old = entry(case, Request, id_)
    if old.state in ("answered", "refused"):
        raise ParameterError(f"request {id_} is {old.state} already", "take in a new request")
    if old.state == "open" and not refuse.strip():
        raise ParameterError("nothing was looked up for this request", "look_up first, or refuse with a reason")
    value = old.model_copy(update={"state": "refused" if refuse else "answered", "answered_at": case.now(),
                                   "by": case.config.person(person).id, "reason": refuse[:500]})
    case.save(value, person)
    return value


def answer_text(case: Case, item: Request, lang: str) -> str:
    """The words of the answer, without anything personal."""
    words = load("requests")["answers"]
    rows = sum(h.rows for h in item.hits)
    parts = [pick(words["found" if rows else "none"], lang).format(rows=f"{rows:,}", tables=len(item.hits))]
    if item.conflicts:
        parts.append(pick(words["conflict"], lang).format(n=item.conflicts))
    parts.append(str(load("requests")["sorts"][item.sort]["law_zh" if lang == "zh" else "law_en"]))
    return " ".join(parts)


def prove_deleted(case: Case, id_: str, code: str, identifiers: Iterable[str]) -> DeletionProof:
    """Look again after the erasure, and name the certificates of the tables where the rows had been.

    Raises:
        ParameterError: the receipt's code is not the one of that request, or nothing was erased yet.
    """
    from workbench.erasure.left import newest
    from workbench.erasure.model import Certificates

    item = entry(case, Request, id_)
    if not hmac.compare_digest(_sha(code), item.receipt_sha256):
        raise ParameterError("that is not the receipt of this request", "check number and code")
    run = newest(case)
    if run is None:
        raise ParameterError("nothing was erased yet", f"workbench run {case.folder} erase")
    now = find_person(case, identifiers)
    spots = {(h.source, h.table) for h in item.hits}
    mine = [d for d in run.disposals if (d.source, d.table) in spots]
    ids = {d.disposal for d in mine}
    held = case.read(Certificates, run.certificates).certificates if run.certificates else ()
    value = DeletionProof(
        id=id_, at=case.now(), rows_then=sum(h.rows for h in item.hits), rows_now=now.rows,
        deleted=now.rows == 0 and now.conflicts == 0 and all(d.verdict != "FAILED" for d in mine),
        certificates=tuple(sorted(c.id for c in held if c.disposal in ids)),
        verdicts=tuple(sorted({d.verdict for d in mine})), sealed=any(d.archived for d in mine))
    case.save(value)
    return value


def overdue(case: Case) -> tuple[Request, ...]:
    """Requests not answered whose earliest term has passed."""
    today = case.today().isoformat()
    return tuple(r for r in entries(case, Request) if r.state in ("open", "found")
                 and any(d.due and d.due < today for d in r.deadlines))


def _sha(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
