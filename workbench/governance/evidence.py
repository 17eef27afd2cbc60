"""EVIDENCE for the risk room: what the registers say, under the ids of the multipliers file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.case.evidence import Evidence

if TYPE_CHECKING:
    from workbench.case import Case


def items(case: Case) -> tuple[Evidence, ...]:
    """Share of people trained, share of partners certified, open findings, alarms of the newest look at the freeze.

    A register that was never used says nothing: silence is not evidence.
    """
    from workbench.freeze import FreezeCheck
    from workbench.governance.inspection import open_findings
    from workbench.governance.model import Inspection
    from workbench.governance.partners import partners
    from workbench.governance.training import Training, standing

    def item(name: str, value: float) -> Evidence:
        return Evidence(item=name, value=value, at=case.now(), by="governance")

    found = []
    people = standing(case)
    if case.find(Training) is not None and people:
        found.append(item("training.done", sum(s.valid for s in people) / len(people)))
    register = partners(case)
    if register:
        found.append(item("partners.certified", sum(p.state == "certified" for p in register) / len(register)))
    if case.find(Inspection) is not None:
        found.append(item("inspections.open", len(open_findings(case))))
    check = case.find(FreezeCheck)
    if check is not None:
        found.append(item("freeze.alarms", len(check.alarms)))
    return tuple(found)


def feed(case: Case) -> tuple[Evidence, ...]:
    """Hand the evidence to the case; replaces this room's earlier set."""
    found = items(case)
    if found:
        case.evidence("governance", found)
    return found
