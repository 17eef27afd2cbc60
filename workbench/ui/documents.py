"""Documents for signature and for the file: the plan, the disposal report, impact assessments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import ParameterError

if TYPE_CHECKING:
    from workbench.case import Case

FORMS = {"plan": ("docx", "xlsx", "csv", "ics"), "disposal": ("docx", "html", "pdf"),
         "certificates": ("pdf", "docx", "html", "json")}


def write(case: Case, kind: str, lang: str = "zh", form: str = "docx", out: Path | None = None) -> Path:
    """Write one document; returns its path.

    kind: plan, disposal, certificates (``certificates:D003``: one of them), pipia or dpia; form: docx, for the plan also
    xlsx, csv, ics, for the disposal report and the certificates html and pdf, for the latter also json.

    Raises:
        ParameterError: that kind has no such format. CaseError: the step it needs has not run.
    """
    kind, _, line = kind.partition(":")
    if form not in FORMS.get(kind, ("docx",)):
        able = ", ".join(FORMS.get(kind, ("docx",)))
        raise ParameterError(f"{kind} is not written as {form}", f"workbench report {case.folder} {kind} --format docx (or {able})")
    path = out or case.private("reports") / f"{kind}{f'.{line}' if line else ''}.{lang}.{form}"
    if kind == "plan":
        return _plan(case, path, lang, form)
    if kind == "certificates":
        from workbench.records import certificate_document

        return certificate_document.write(case, path, lang, form, line)
    if kind == "disposal":
        return _disposal(case, path, lang, form)
    from workbench.classification.model import Findings
    from workbench.inventory import Inventory
    from workbench.plan import packs_of
    from workbench.risk.model import RiskReport
    from workbench.risk.reports import to_docx as assessment

    # it assesses what is planned, so the newest report before anything was erased
    report = next((r for r in reversed(case.history(RiskReport)) if r.stage != "erased"), None) or case.load(RiskReport)
    return assessment("pipia" if kind == "pipia" else "dpia", report, case.load(Findings),
                      case.load(Inventory), case.config, packs_of(case), path, lang,
                      [p.name for p in case.config.with_role("operator")])


def _disposal(case: Case, path: Path, lang: str, form: str) -> Path:
    from workbench.records.disposal_document import to_docx, to_html
    from workbench.records.disposal_report import disposal_report
    from workbench.records.pdf import print_pdf

    report = disposal_report(case)
    if form == "docx":
        return to_docx(report, path, lang)
    if form == "html":
        return to_html(report, path, lang)
    page = to_html(report, path.with_name(f".{path.name}.html"), lang)
    try:
        return print_pdf(page, path)
    finally:
        page.unlink()


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
