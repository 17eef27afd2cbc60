"""DRAFT: a disposal before it has a number; drafts point at each other, numbers come last."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from workbench.law import Packs
from workbench.law.query import Term
from workbench.plan.bases import Band, Subject
from workbench.plan.model import Action, Condition, Disposal, Generalisation, Level, RecordSet, RuleRef, Text

STAYING: tuple[Action, ...] = ("lock", "anonymise", "keep", "ask", "destroy_medium")


@dataclass(eq=False)
class Draft:
    """One line of the plan in the making."""

    subject: Subject
    action: Action
    where: tuple[Condition, ...] = ()
    at: list[tuple[str, str, tuple[Draft, ...]]] = field(default_factory=list)
    """(op, column, drafts): conditions that will name the disposals of those drafts"""
    band: Band | None = None
    rules: tuple[RuleRef, ...] = ()
    why: list[Text] = field(default_factory=list)
    suppress: tuple[str, ...] = ()
    generalise: tuple[Generalisation, ...] = ()
    k: int = 0
    keep_columns: tuple[str, ...] = ()
    retention_class: str = ""
    keep_until: dt.date | None = None
    delete_by: dt.date | None = None
    not_before: dt.date | None = None
    level: Level = "store"
    method: str = "clear"
    holds: tuple[str, ...] = ()
    receiver: str = ""
    party: bool = False
    """the duty needs the name of the person these rows point at"""
    origin: Draft | None = None
    """the draft that was split into this one; followers of it follow this one"""
    order: int = 0
    rows: int | None = None

    @property
    def stays(self) -> bool:
        """Rows remain in the live store."""
        return self.action in STAYING

    def sort_key(self) -> tuple[object, ...]:
        t = self.subject.table
        return (
            t.source,
            self.order,
            t.name,
            tuple((c.column, c.value, c.op) for c in self.where),
            tuple((op, col) for op, col, _ in self.at),
            self.retention_class,
            self.action,
        )


def importance(s: Subject) -> int:
    """0..4, 4 = disposed of first: what hurts people most if it leaks."""
    worst = {
        "auth": 4,
        "biometric": 4,
        "finacct": 4,
        "health": 4,
        "track": 4,
        "religion": 4,
        "specific": 4,
        "minor14": 4,
        "identity": 3,
        "property": 3,
        "comm": 3,
        "location": 3,
        "contacts": 2,
        "basic": 2,
        "browsing": 2,
    }
    found = [worst.get(f.category or "", 1) for f in s.findings]
    if s.minors:
        found.append(4)
    return max(found, default=1 if s.linked else 0)


def number(drafts: list[Draft], refs: dict[Draft, Text]) -> tuple[Disposal, ...]:
    """Disposals in the plan's order, with ids; references between drafts become ids."""
    ordered = sorted(drafts, key=Draft.sort_key)
    ids = {d: f"D{i + 1:03d}" for i, d in enumerate(ordered)}
    stands = dict(ids)
    for d in ordered:
        if d.origin is not None:
            stands.setdefault(d.origin, ids[d])
    return tuple(_disposal(d, ids[d], stands, refs[d]) for d in ordered)


def _disposal(d: Draft, id_: str, ids: dict[Draft, str], reason: Text) -> Disposal:
    named = tuple(Condition(column=col, op=op, value=",".join(sorted({ids[x] for x in xs}))) for op, col, xs in d.at)
    return Disposal(
        id=id_,
        set=RecordSet(source=d.subject.table.source, table=d.subject.table.name, where=d.where + named),
        action=d.action,
        level=d.level,
        method=d.method,
        suppress=d.suppress,
        generalise=d.generalise,
        k=d.k,
        keep_columns=d.keep_columns,
        retention_class=d.retention_class,
        rows=d.rows,
        importance=importance(d.subject),
        sensitive=d.subject.sensitive,
        categories=tuple(sorted({f.category for f in d.subject.findings if f.category})),
        keep_until=d.keep_until,
        delete_by=d.delete_by,
        not_before=d.not_before,
        holds=d.holds,
        rules=d.rules,
        reason=reason,
        order=d.order,
        who="" if d.action == "keep" else "approver" if d.action == "ask" else "operator",
        receiver=d.receiver,
    )


def ref(packs: Packs, t: Term) -> RuleRef:
    """A rule as the plan cites it."""
    v = t.value
    return RuleRef(
        id=t.rule.id,
        provision=packs.cite(v),
        term=v.min_term or v.max_term,
        confidence=v.confidence,
        signed_off=bool(t.rule.review.by),
    )
