"""DECISIONS: what an analyst decided about a table in the panel: its record type, with a reason, kept in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.case.config import CaseConfig, RecordSpec
from workbench.errors import PlanError
from workbench.law import Packs
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case


class RecordDecision(Value):
    """One table read as one record type."""

    table: str
    type: str
    date: str = ""
    reason: str
    by: str
    at: str


class RecordDecisions(Value):
    """Every standing decision of a case; the newest value counts."""

    items: tuple[RecordDecision, ...] = ()

    def applied(self, config: CaseConfig) -> CaseConfig:
        """Settings in which each decided table has its decided type; case.toml itself is not touched."""
        if not self.items:
            return config
        decided = {d.table: d for d in self.items}
        kept = tuple(r for r in config.records if r.table not in decided)
        made = tuple(RecordSpec(table=t, type=d.type, date=d.date) for t, d in sorted(decided.items()))
        return config.model_copy(update={"records": made + kept})


def standing(case: Case) -> RecordDecisions:
    """The decisions in force."""
    return case.find(RecordDecisions) or RecordDecisions()


def decide(
    case: Case, packs: Packs, table: str, type_: str, reason: str, person: str = "", date: str = ""
) -> RecordDecisions:
    """Decide what a table's rows are in law; saved and signed into the ledger. An empty ``type_`` takes a decision back.

    Raises:
        PlanError: no reason, or an unknown record type.
    """
    if not reason.strip():
        raise PlanError("a decision needs a reason", "say why in one sentence")
    if type_ and type_ not in packs.record_types:
        raise PlanError(f"unknown record type {type_!r}", "choose one of the packs' record types")
    who = person or case.operator()
    case.config.person(who)
    kept = tuple(d for d in standing(case).items if d.table != table)
    made = (
        (RecordDecision(table=table, type=type_, date=date, reason=reason.strip()[:500], by=who, at=case.now()),)
        if type_
        else ()
    )
    value = RecordDecisions(items=tuple(sorted(kept + made, key=lambda d: d.table)))
    case.save(value)
    return value
