"""REVIEW: what an analyst decides about findings, kept with who and why, and replayed on every later run.

A correction names a place (source, table, column) and a detector, so it survives new data. The newest one for a place and
detector counts. Nothing is edited: a correction is a saved value, and a rejected finding stays visible as decided by someone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from workbench.classification.model import Finding, Findings
from workbench.errors import ParameterError
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.classification.rules import Detector, Rules

Decision = Literal["accept", "reject", "change"]
LONGEST = 200
"""characters of a reason; a longer one is no reason but a copy of something"""


class Correction(Value):
    """One decision of one person about one finding."""

    source: str
    table: str
    column: str
    detector: str = ""
    """detector of the finding; empty: the column had none"""
    decision: Decision
    to: str = ""
    """for change: the detector that is right"""
    by: str
    """person id"""
    at: str
    reason: str


class Corrections(Value):
    """The decisions in force: the newest of each place and detector, by place."""

    case_id: str
    items: tuple[Correction, ...]


class Difference(Value):
    """One place where two runs differ."""

    source: str
    table: str
    column: str
    detector: str
    what: Literal["appeared", "gone", "more", "fewer", "confidence"]
    before: int = 0
    after: int = 0


class Comparison(Value):
    """Two runs of findings side by side; ``rules_changed`` tells whether the rules are to blame."""

    before: str
    after: str
    rules_changed: bool
    differences: tuple[Difference, ...]


def correct(
    case: Case, source: str, table: str, column: str, detector: str, decision: Decision, reason: str, *, by: str = "", to: str = ""
) -> Correction:
    """Keep a decision; the next ``classify`` follows it.

    Raises: ParameterError without a reason, for one that holds a person's data, or for an unknown detector; CaseError for an
    unknown person.
    """
    said = checked_reason(reason, "a correction")
    known = {d.id for d in detectors(case)}
    for name in (detector, to):
        if name and name not in known:
            raise ParameterError(f"there is no detector {name!r}", "use one of: " + ", ".join(sorted(known)))
    if (decision == "change") != bool(to):
        raise ParameterError("a change names the right detector, and only a change does", "give to=...")
    with case.step("review") as run:
        person = case.config.person(by).id if by else case.operator()
        made = Correction(
            source=source, table=table, column=column, detector=detector, decision=decision, to=to, by=person, at=case.now(),
            reason=said,
        )  # fmt: skip
        case.save(made)
        run.note(decision=decision)
        return made


def checked_reason(reason: str, what: str) -> str:
    """``reason`` trimmed; ParameterError when it is empty, long, or holds a person's data: reasons are kept for good."""
    from workbench.classification.texts import count_values

    if not reason.strip():
        raise ParameterError(f"{what} needs a reason", "say in a few words why; no personal data")
    if len(reason.strip()) > LONGEST:
        raise ParameterError(f"the reason has {len(reason.strip()):,} characters, and {LONGEST} is the most", "say why in a few words")
    if held := count_values([reason]):
        raise ParameterError("the reason holds personal data: " + ", ".join(sorted(held)), "say why without a value; it is kept")
    return reason.strip()


def detectors(case: Case) -> tuple[Detector, ...]:
    """Every detector a decision may name: ours and the case's own."""
    from workbench.classification.rules import load_rules

    return load_rules(0, extra=[case.resolve(p) for p in case.settings("classify").get("rules", ())]).detectors


def standing(case: Case) -> Corrections:
    """The decisions that the next ``classify`` follows."""
    newest = {(c.source, c.table, c.column, c.detector): c for c in case.history(Correction)}
    return Corrections(case_id=case.id, items=tuple(newest[k] for k in sorted(newest)))


def apply_corrections(findings: Iterable[Finding], corrections: Iterable[Correction], rules: Rules) -> list[Finding]:
    """Findings after the decisions, sorted as before."""
    newest = {(c.source, c.table, c.column, c.detector): c for c in corrections}
    known = {d.id: d for d in rules.detectors}
    out: list[Finding] = []
    for f in findings:
        c = newest.get((f.source, f.table, f.column, f.detector or ""))
        if c is None:
            out.append(f)
        elif c.decision == "accept":
            out.append(f.model_copy(update={"confidence": "high" if f.detector else None, "decided_by": c.by}))
        elif c.decision == "reject":
            out.append(_emptied(f, c.by))
        elif c.to in known:
            d = known[c.to]
            cells = f.matched or f.nonnull
            changed = {
                "detector": d.id, "category": d.category, "sensitive": d.sensitive or f.minors > 0, "confidence": "high",
                "matched": cells, "whole": f.whole or cells, "rule_source": d.source, "decided_by": c.by,
            }  # fmt: skip
            out.append(f.model_copy(update=changed))
    return sorted(_without_spare(out), key=lambda f: (f.source, f.table, f.column, f.detector or ""))


def _emptied(f: Finding, by: str) -> Finding:
    return Finding(
        source=f.source, table=f.table, column=f.column, detector=None, category=None, sensitive=False, confidence=None,
        rows=f.rows, nonnull=f.nonnull, matched=0, distinct=0, decided_by=by,
    )  # fmt: skip


def _without_spare(findings: list[Finding]) -> list[Finding]:
    """A column keeps one finding of a detector (a decided one first), one empty finding at most, and none beside a personal one."""
    personal = {(f.source, f.table, f.column) for f in findings if f.detector}
    out, seen = [], set()
    for f in sorted(findings, key=lambda f: not f.decided_by):
        spot = (f.source, f.table, f.column)
        if (f.detector is None and spot in personal) or (*spot, f.detector) in seen:
            continue
        seen.add((*spot, f.detector))
        out.append(f)
    return out


def compare(before: Findings, after: Findings) -> Comparison:
    """What two runs disagree about: findings that came, went, grew or shrank by more than a hundredth, or changed certainty."""
    old = {(f.source, f.table, f.column, f.detector): f for f in before.findings if f.detector}
    new = {(f.source, f.table, f.column, f.detector): f for f in after.findings if f.detector}
    found = []
    for key in sorted(old.keys() | new.keys(), key=str):
        a, b = old.get(key), new.get(key)
        x, y = a.matched if a else 0, b.matched if b else 0
        what: Literal["appeared", "gone", "more", "fewer", "confidence"]
        if a is None:
            what = "appeared"
        elif b is None:
            what = "gone"
        elif abs(x - y) * 100 > x:
            what = "more" if y > x else "fewer"
        elif a.confidence != b.confidence:
            what = "confidence"
        else:
            continue
        found.append(Difference(source=key[0], table=key[1], column=key[2], detector=str(key[3]), what=what, before=x, after=y))
    return Comparison(
        before=before.digest,
        after=after.digest,
        rules_changed=before.rules_digest != after.rules_digest,
        differences=tuple(found),
    )
