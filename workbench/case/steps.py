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


STEPS = (
    Step("case", "00_case.ipynb", "立案", "Case"),
    Step("freeze", "01_freeze.ipynb", "停止收集", "Freeze", ("case",)),
    Step("inventory", "02_inventory.ipynb", "盘点", "Inventory", ("case",)),
    Step("classify", "03_classify.ipynb", "分类分级", "Classify", ("inventory",)),
    Step("assess", "04_assess.ipynb", "风险评估", "Assess", ("classify",)),
    Step("protect", "05_protect.ipynb", "加密备份", "Protect", ("inventory",)),
    Step("plan", "06_plan.ipynb", "处置计划", "Plan", ("classify", "protect")),
    Step("erase", "07_erase.ipynb", "删除与证明", "Erase", ("plan", "protect")),
    Step("archive", "08_archive.ipynb", "归档", "Archive", ("erase",)),
)


def step(name: str) -> Step:
    """The step of that id; ParameterError lists the ids."""
    for s in STEPS:
        if s.id == name:
            return s
    raise ParameterError(f"there is no step {name!r}", "use one of: " + ", ".join(s.id for s in STEPS))
