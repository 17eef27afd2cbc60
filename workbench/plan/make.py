"""The step: read the case, count months in date columns, plan, save."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from workbench.classification.model import Findings
from workbench.errors import PlanError, SourceError
from workbench.inventory import Inventory
from workbench.law import Packs, load_packs
from workbench.plan.decisions import standing
from workbench.plan.model import Plan
from workbench.plan.planner import Planner, plan
from workbench.plan.spans import DateSpan

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.case.config import CaseConfig


def packs_of(case: Case) -> Packs:
    """The rule packs that case.toml selects."""
    c = case.config
    return load_packs(c.case.jurisdictions, c.case.sectors, [case.resolve(p) for p in c.packs])


def make_plan(case: Case) -> Plan:
    """Plan the case for ``case.today()`` and save it. Nothing is changed in any source.

    Raises:
        CaseError: the case has no inventory or findings yet.
        LawError, PlanError: a pack or a setting is wrong.
    """
    with case.step("plan") as run:
        if case.today() > dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1):
            raise PlanError(f"dates.as_of = {case.today()} lies in the future: gates and terms would open before their day",
                            "take it out of case.toml, or use workbench.plan.simulate to look ahead")
        inventory, findings = case.load(Inventory), case.load(Findings)
        packs = packs_of(case)
        evidence = case.all_evidence()
        config = standing(case).applied(case.config)
        spans = date_spans(case, inventory, findings, packs, config)
        value = plan(inventory, findings, packs, config, case.today(), evidence, spans)
        case.save(value)
        run.note(
            disposals=len(value.disposals),
            warnings=len(value.warnings),
            gates_shut=sum(not g.open for g in value.gates),
        )
        for d in value.disposals:
            run.basis(*(r.id for r in d.rules))
        return value


def date_spans(
    case: Case, inventory: Inventory, findings: Findings, packs: Packs, config: CaseConfig | None = None
) -> tuple[DateSpan, ...]:
    """Rows per month for every date column that a term needs; a source that cannot be read gives none."""
    from workbench.plan.graph import linked_tables
    from workbench.plan.spans import measure
    from workbench.sources import open_source

    planner = Planner(inventory, findings, packs, config or case.config, case.today(), (), ())
    linked_tables(planner.subjects)
    wanted: dict[str, list[tuple[str, str]]] = {}
    for s in planner.subjects.values():
        if s.linked and s.date and not s.holds and any(t.keeps for t in s.terms):
            wanted.setdefault(s.table.source, []).append((s.table.name, s.date))
    out = []
    for spec in case.config.sources:
        if spec.name not in wanted:
            continue
        try:
            with open_source(spec, case.folder) as source:
                out += [measure(source, table, column) for table, column in sorted(wanted[spec.name])]
        except SourceError:
            continue  # erasure will refuse; the plan then takes the latest reading
    return tuple(out)
