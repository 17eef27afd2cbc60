"""ALGORITHMS: what this case's records rest on, when each is expected to end, and how it is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from workbench.governance.texts import load
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case


class Algorithm(Value):
    """One algorithm or format in use; nothing measured, everything with its mark."""

    id: str
    sort: Literal["algorithm", "format"]
    zh: str
    en: str
    mark: str
    ends: str = ""
    """year, empty: none announced"""
    end_zh: str
    end_en: str
    replace_zh: str
    replace_en: str
    needed_until: str = ""
    """the last day to which this case keeps something, ISO"""
    outlived: bool = False
    """the case keeps things longer than the algorithm is expected to hold"""


def algorithms(case: Case) -> tuple[Algorithm, ...]:
    """Every entry of ``data/algorithms.yaml`` that this case uses, those that end too early first."""
    from workbench.plan.model import Plan

    case.ledger.refresh()
    kinds = {name.partition("#")[0] for e in case.ledger.entries for name in e.subjects}
    plan = case.find(Plan)
    days = [d.keep_until for d in plan.disposals if d.keep_until] if plan else []
    until = max([*days, *filter(None, [case.config.vault.custodian_until])], default=None)
    found = []
    for e in load("algorithms")["entries"]:
        if e["used"] == "always" or e["used"] in kinds:
            outlived = bool(e["ends"] and until and until.year >= int(e["ends"]))
            fields = {k: v for k, v in e.items() if k != "used"}
            found.append(Algorithm(**fields, needed_until=until.isoformat() if until else "", outlived=outlived))
    return tuple(sorted(found, key=lambda a: (not a.outlived, a.sort, a.id)))
