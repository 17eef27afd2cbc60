"""Documents for signature and for the file: the plan, the disposal report, impact assessments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import ParameterError

if TYPE_CHECKING:
    from workbench.case import Case


def write(case: Case, kind: str, lang: str = "zh", form: str = "docx", out: Path | None = None) -> Path:
    """Write one document; returns its path.

    kind: plan, disposal, pipia or dpia; form: docx, and for the plan also xlsx, csv, ics.

    Raises:
        ParameterError: that kind has no such format. CaseError: the step it needs has not run.
    """
    if form != "docx" and kind != "plan":
        raise ParameterError(f"{kind} is written as docx only", f"workbench report {case.folder} {kind}")
    path = out or case.private("reports") / f"{kind}.{lang}.{form}"
    if kind == "plan":
        return _plan(case, path, lang, form)
    if kind == "disposal":
        from workbench.records.disposal_report import disposal_report, to_docx

        return to_docx(disposal_report(case), path, lang)
    from workbench.classification.model import Findings
    from workbench.inventory import Inventory
    from workbench.plan import packs_of
    from workbench.risk.model import RiskReport
    from workbench.risk.reports import to_docx as assessment

    return assessment("pipia" if kind == "pipia" else "dpia", case.load(RiskReport), case.load(Findings),
                      case.load(Inventory), case.config, packs_of(case), path, lang,
                      [p.name for p in case.config.with_role("operator")])


def _plan(case: Case, path: Path, lang: str, form: str) -> Path:
    from workbench.plan import documents
    from workbench.plan.model import Plan

    plan = case.load(Plan)
    if form == "xlsx":
        return documents.to_xlsx(plan, path, lang)
    if form in ("csv", "ics"):
        path.write_bytes(documents.to_csv(plan, lang) if form == "csv" else documents.to_ics(plan, lang))
        return path
    c = case.config
    return documents.to_docx(plan, path, lang, c.case.company, [p.name for p in c.with_role("approver")])
