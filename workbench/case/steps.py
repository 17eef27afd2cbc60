"""STEPS: the flow of a closing, in order. Each is a notebook and the function that the notebook calls."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import ParameterError


@dataclass(frozen=True)
class Step:
    """One step of the flow."""

    id: str
    notebook: str
    zh: str
    en: str
    needs: tuple[str, ...] = ()
    laws: tuple[str, ...] = ()
    """rules of the shipped packs that ask for this step; plan and erase name those of their own lines"""


STEPS = (
    Step("case", "00_case.ipynb", "立案", "Case", laws=("cn.closing.liquidation_group",)),
    Step("freeze", "01_freeze.ipynb", "停止收集", "Freeze", ("case",), ("cn.closing.stop_collection",)),
    Step("inventory", "02_inventory.ipynb", "盘点", "Inventory", ("case",), ("cn.level.national",)),
    Step("classify", "03_classify.ipynb", "分类分级", "Classify", ("inventory",), ("cn.level.national", "cn.level.general")),
    Step("assess", "04_assess.ipynb", "风险评估", "Assess", ("classify",), ("cn.closing.pipia", "cn.risk.matrix")),
    Step("protect", "05_protect.ipynb", "加密备份", "Protect", ("inventory",), ("cn.security.measures",)),
    Step("plan", "06_plan.ipynb", "处置计划", "Plan", ("classify", "protect")),
    Step("erase", "07_erase.ipynb", "删除与证明", "Erase", ("plan", "protect")),
    Step("archive", "08_archive.ipynb", "归档", "Archive", ("erase",), ("cn.pi.pipia", "cn.closing.custodian")),
)

GOVERNANCE = Step("governance", "09_governance.ipynb", "治理", "Governance")
"""beside the flow: run it whenever the registers are looked at; it belongs to the records when it was"""


def laws_of(name: str, jurisdictions: tuple[str, ...]) -> list[str]:
    """Rules that ask for the step of that id in these jurisdictions."""
    return [r for s in STEPS if s.id == name for r in s.laws if r.partition(".")[0].upper() in jurisdictions]


def step(name: str) -> Step:
    """The step of that id; ParameterError lists the ids."""
    for s in (*STEPS, GOVERNANCE):
        if s.id == name:
            return s
    raise ParameterError(f"there is no step {name!r}", "use one of: " + ", ".join(s.id for s in STEPS))
