"""CASE: one closing. In: a folder with case.toml. Out: its saved values, people's keys, approvals and ledger.

    case = Case.open("my-case")
    with case.step("inventory") as run:        # intent in the ledger before, outcome after
        run.note(tables=12)
        case.save(value)                       # stored under its digest, a product of this step
    case.load(Inventory)                       # the newest one
"""

from workbench.case.case import Case, StepRun
from workbench.case.config import CaseConfig, load_config

__all__ = ["Case", "CaseConfig", "StepRun", "load_config"]
