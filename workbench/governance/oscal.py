"""OSCAL: inspections and their findings as an assessment-results document (NIST OSCAL 1.1, JSON).

Controls are the checks of ``data/checks.yaml``; each finding has an observation and a risk with its deadline and remedy.
Identifiers are UUID v5 of the case's log and the register's id, so the same finding keeps its identifier.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import workbench
from workbench.errors import CaseError
from workbench.governance.model import Finding, Inspection
from workbench.governance.register import entries
from workbench.governance.texts import load, pick
from workbench.ledger import write_durably

if TYPE_CHECKING:
    from workbench.case import Case

VERSION = "1.1.3"


def assessment_results(case: Case, lang: str) -> dict[str, Any]:
    """The document as JSON-able data; CaseError before the first inspection."""
    inspections = entries(case, Inspection)
    if not inspections:
        raise CaseError("nothing was inspected yet", f"workbench govern inspect {case.folder} --as INSPECTOR")
    findings = {f.id: f for f in entries(case, Finding)}
    people = sorted({i.inspector for i in inspections} | {f.owner for f in findings.values()})
    company = case.config.case.company if lang == "zh" else case.config.case.company_en or case.config.case.company
    return {"assessment-results": {
        "uuid": _uuid(case, "document", inspections[-1].id),
        "metadata": {
            "title": f"{company}: " + ("客户信息处置的监督检查" if lang == "zh" else "inspection of the disposal of customer information"),
            "last-modified": inspections[-1].at, "version": str(len(inspections)), "oscal-version": VERSION,
            "roles": [{"id": "inspector", "title": "检查人" if lang == "zh" else "inspector"}],
            "parties": [{"uuid": _uuid(case, "person", p), "type": "person", "name": case.config.person(p).name} for p in people],
            "remarks": f"winddown-workbench {workbench.__version__}; {case.ledger.origin}",
        },
        "import-ap": {"href": "#checks", "remarks": "winddown-workbench governance/data/checks.yaml"},
        "results": [_result(case, i, findings, lang) for i in inspections],
    }}


def write_oscal(case: Case, path: Path, lang: str = "en") -> Path:
    """Write the document to ``path``."""
    write_durably(path, json.dumps(assessment_results(case, lang), ensure_ascii=False, indent=1).encode())
    return path


def _result(case: Case, item: Inspection, findings: dict[str, Finding], lang: str) -> dict[str, Any]:
    mine = [findings[i] for r in item.results for i in r.findings if i in findings]
    result: dict[str, Any] = {
        "uuid": _uuid(case, "inspection", item.id), "title": item.id, "start": item.at, "end": item.at,
        "description": "; ".join(f"{r.zh if lang == 'zh' else r.en}: {'✓' if r.ok else '✗'}" for r in item.results),
        "reviewed-controls": {"control-selections": [{"include-controls": [{"control-id": r.check} for r in item.results]}]},
    }
    if mine:  # an empty list is not allowed
        result |= {"observations": [_observation(case, item, f, lang) for f in mine],
                   "risks": [_risk(case, f, lang) for f in mine], "findings": [_finding(case, f, lang) for f in mine]}
    return result


def _observation(case: Case, item: Inspection, f: Finding, lang: str) -> dict[str, Any]:
    return {"uuid": _uuid(case, "observation", f"{item.id} {f.id}" if f.found_at != item.at else f.id), "title": f.asset,
            "description": _said(f, lang), "methods": ["TEST"], "collected": f.found_at,
            "origins": [{"actors": [{"type": "party", "actor-uuid": _uuid(case, "person", f.found_by)}]}]}


def _risk(case: Case, f: Finding, lang: str) -> dict[str, Any]:
    return {"uuid": _uuid(case, "risk", f.id), "title": f.id, "description": _said(f, lang), "statement": f.severity,
            "status": "closed" if f.state == "cleared" else "open", "deadline": f"{f.due}T23:59:59Z",
            "remediations": [{"uuid": _uuid(case, "remedy", f.id), "lifecycle": "planned", "title": f.owner,
                              "description": f.remedy_zh if lang == "zh" else f.remedy_en}]}


def _finding(case: Case, f: Finding, lang: str) -> dict[str, Any]:
    state = "satisfied" if f.state == "cleared" else "not-satisfied"
    return {"uuid": _uuid(case, "finding", f.id), "title": f"{f.id} {pick(load('checks')[f.check]['names'], lang)}",
            "description": _said(f, lang), "target": {"type": "objective-id", "target-id": f.check, "status": {"state": state}},
            "related-risks": [{"risk-uuid": _uuid(case, "risk", f.id)}]}


def _said(f: Finding, lang: str) -> str:
    return f.zh if lang == "zh" else f.en


def _uuid(case: Case, what: str, id_: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{case.ledger.origin}/{what}/{id_}"))
