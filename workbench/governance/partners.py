"""PARTNERS: who else holds the data; request, reminder, certificate, escalation. One entry for each asset of kind partner.

PIPL 21: at the contract's end an entrusted processor returns or deletes and keeps nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from workbench.errors import ParameterError
from workbench.governance.register import entries
from workbench.governance.texts import load, pick
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case

State = Literal["new", "asked", "reminded", "escalated", "incomplete", "certified"]


class Partner(Value):
    """A partner and where the matter stands."""

    id: str
    contract: str = ""
    holds: str = ""
    state: State = "new"
    asked: str = ""
    """day, ISO"""
    reminded: str = ""
    escalated: str = ""
    certificate: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    wrong: tuple[str, ...] = ()
    """fields missing or malformed in the newest certificate"""
    taken_by: str = ""


def partners(case: Case) -> tuple[Partner, ...]:
    """Every partner of case.toml as it stands."""
    known = {p.id: p for p in entries(case, Partner)}
    named = [(f"partner-{n + 1:03d}", a) for n, a in enumerate(case.config.assets) if a.kind in ("partner", "cloud")]
    return tuple(known.get(i) or Partner(id=i, contract=a.contract, holds=a.holds_data) for i, a in named)


def ask(case: Case, id_: str, person: str = "") -> Partner:
    """The request to return or delete was sent today; the letter is in :func:`letter`."""
    old = _partner(case, id_)
    if old.state != "new":
        raise ParameterError(f"{id_} was asked on {old.asked}", "use follow_up, which reminds and escalates")
    return _keep(case, old, person, state="asked", asked=case.today().isoformat())


def follow_up(case: Case) -> tuple[Partner, ...]:
    """Remind whoever did not answer in time, escalate whoever was reminded in vain; returns those that moved."""
    days = load("partners")["days"]
    join(case)
    moved = []
    for p in partners(case):
        if p.state == "asked" and _past(case, p.asked, days["remind"]):
            moved.append(_keep(case, p, "", state="reminded", reminded=case.today().isoformat()))
        elif p.state in ("reminded", "incomplete") and _past(case, p.reminded or p.asked, days["escalate"]):
            moved.append(_keep(case, p, "", state="escalated", escalated=case.today().isoformat()))
    return tuple(moved)


def take_certificate(case: Case, id_: str, fields: Mapping[str, str], person: str) -> Partner:
    """Take a certificate in and check its fields; complete: certified, else incomplete with the fields named.

    Raises:
        ParameterError: a field that no certificate has, or a partner that was never asked.
    """
    old = _partner(case, id_)
    spec = load("partners")["fields"]
    unknown = sorted(set(fields) - set(spec))
    if unknown:
        raise ParameterError(f"a certificate has no field {unknown[0]!r}", "fields: " + ", ".join(spec))
    if old.state == "new":
        raise ParameterError(f"{id_} was never asked", f"workbench govern partner CASE {id_} ask")
    wrong = tuple(f for f in spec if not _good(spec[f], fields.get(f, "").strip(), case.today()))
    state = "incomplete" if wrong else "certified"
    kept = _keep(case, old, person, state=state, certificate=dict(fields), wrong=wrong, taken_by=case.config.person(person).id)
    from workbench.governance.evidence import feed

    feed(case)
    join(case)
    return kept


def join(case: Case) -> tuple[str, ...]:
    """Join every certified partner to the certificate of its line in the plan, once there is one; returns the lines.

    The partner's exceptions come along, so that our certificate never says more than theirs.
    """
    from workbench.erasure.complete import complete
    from workbench.errors import ErasureError
    from workbench.plan.model import Plan

    plan = case.find(Plan)
    lines = {d.set.table: d.id for d in plan.disposals if d.action == "destroy_medium"} if plan else {}
    named = {f"partner-{n + 1:03d}": a.name for n, a in enumerate(case.config.assets)}
    done = []
    for p in partners(case):
        line = lines.get(named.get(p.id, ""))
        if p.state != "certified" or line is None:
            continue
        told = p.certificate.get("exceptions", "").strip()
        try:
            complete(case, line, p.taken_by, sort="partner", exceptions=() if told.lower() in ("", "none", "无") else (told,),
                     evidence={k: p.certificate[k] for k in ("evidence_sha256", "date", "level", "method")})
        except ErasureError:
            continue  # nothing was carried out yet: follow_up joins it later
        done.append(line)
    return tuple(done)


def letter(case: Case, item: Partner, sort: Literal["ask", "remind", "escalate"], lang: str) -> str:
    """The letter, filled from case.toml."""
    table = load("partners")
    days = table["days"]["remind" if sort == "ask" else "escalate"]
    names = ("、" if lang == "zh" else ", ").join(pick(f, lang) for f in table["fields"].values())
    return pick(table["letters"][sort], lang).format(
        contract=item.contract or "–", holds=item.holds or "–", fields=names,
        due=(case.today() + dt.timedelta(days=days)).isoformat())


def _good(spec: Mapping[str, object], text: str, today: dt.date) -> bool:
    allowed = spec.get("oneof")
    if isinstance(allowed, list):
        return text.lower() in allowed
    if spec.get("form") == "sha256":
        return bool(re.fullmatch(r"[0-9a-f]{64}", text))
    if spec.get("form") == "date":
        try:
            return dt.date.fromisoformat(text) <= today
        except ValueError:
            return False
    return bool(text)


def _partner(case: Case, id_: str) -> Partner:
    found = {p.id: p for p in partners(case)}
    if id_ not in found:
        raise ParameterError(f"there is no partner {id_!r}", "known: " + (", ".join(found) or "no asset of kind partner"))
    return found[id_]


def _past(case: Case, day: str, days: int) -> bool:
    return bool(day) and case.today() >= dt.date.fromisoformat(day) + dt.timedelta(days=days)


def _keep(case: Case, old: Partner, person: str, **changes: object) -> Partner:
    new = old.model_copy(update=changes)
    case.save(new, person)
    return new
