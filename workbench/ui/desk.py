"""DESK: the live panel of a step, in JupyterLab only. A record shows the charts above it instead."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from workbench.errors import ParameterError
from workbench.records.blocks import recording

if TYPE_CHECKING:
    from workbench.case import Case

PANELS = {"review": ("review_panel", "review_panel"), "risk": ("risk_panel", "risk_panel"),
          "plan": ("plan_panel", "plan_panel"), "approve": ("approve_panel", "approve_panel"), "run": ("run_panel", "run_panel"),
          "quiz": ("quiz_panel", "quiz_panel")}
"""name -> (module of workbench.ui, function of a case and a language)"""


def desk(case: Case, name: str) -> None:
    """Show the panel ``name`` of ``case``; nothing in record mode.

    Raises:
        ParameterError: there is no such panel.
    """
    if name not in PANELS:
        raise ParameterError(f"there is no panel {name!r}", "use one of: " + ", ".join(PANELS))
    if not recording():
        module, function = PANELS[name]
        getattr(import_module(f"workbench.ui.{module}"), function)(case, case.lang)
