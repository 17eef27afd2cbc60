"""PLAN: findings + law + holds + risk + date -> ordered disposals; a pure function.

``make_plan(case)`` is the step; ``plan(...)`` the function under it, which touches no file and no clock:

    from workbench.plan import make_plan
    p = make_plan(case)                 # saved in the case; its digest is what people sign
    for d in p.of("shop"):
        print(d.id, d.action, d.set.table_id, d.reason.en)
"""

from __future__ import annotations

from workbench.plan.make import make_plan, packs_of
from workbench.plan.model import Condition, Disposal, Duty, Gate, PackRef, Plan, RecordSet, RuleRef, Text
from workbench.plan.planner import plan
from workbench.plan.projection import projected_risk, remaining
from workbench.plan.spans import DateSpan, read_day

__all__ = [
    "Condition",
    "DateSpan",
    "Disposal",
    "Duty",
    "Gate",
    "PackRef",
    "Plan",
    "RecordSet",
    "RuleRef",
    "Text",
    "make_plan",
    "packs_of",
    "plan",
    "projected_risk",
    "read_day",
    "remaining",
]
