"""AUTHORITY PACK: everything an authority asks for, in one folder and by one command; who took it out, for whom and why is noted.

Facts E4: rules, inventory, impact assessment, audit, incidents, training, partners' certificates, proofs of deletion, log.

    index.html, index.en.html   what is here and how the registers stand; inert and accessible
    values/  ledger/  keys/     the signed values, the log, the public keys
    documents/                  plan, disposal report, impact assessment, as far as their steps have run
    oscal.json                  inspections and findings
    SHA256SUMS
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import CaseError, ParameterError, RecordError
from workbench.governance.access import note, permit
from workbench.governance.public import Section, render
from workbench.governance.register import entries
from workbench.governance.texts import load, pick, word
from workbench.i18n import LANGS, mask
from workbench.ledger import write_durably
from workbench.values import short

if TYPE_CHECKING:
    from workbench.case import Case


def authority_pack(case: Case, to: str, person: str, out: Path) -> Path:
    """Write the pack for ``to`` into the new folder ``out``; ``person`` takes it out and signs.

    Raises:
        ParameterError: no addressee, the folder exists and is not empty. RecordError: a page would hold personal data.
    """
    if not to.strip() or mask(to) != to:
        raise ParameterError("the pack names the authority it is for", "--to 'provincial CAC', without numbers or addresses")
    who = permit(case, "export", person, "authority")
    if out.exists() and any(out.iterdir()):
        raise ParameterError(f"{out.name} is not empty", "name a new folder with --out")
    from markupsafe import escape

    case.ledger.refresh()
    case.ledger.check()
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    _copies(case, out)
    _documents(case, out)
    pages = []
    for lang, name, other in (("zh", "index.html", "index.en.html"), ("en", "index.en.html", "index.html")):
        title = pick(load("authority")["title"], lang).format(to=to)
        write_durably(out / name, render(case, lang, title, list(sections(case, lang)), other).encode())
        pages.append(out / name)
    from workbench.records.gate import inspect_text

    contact = str(escape(case.config.case.contact or "\0"))  # what the company publishes of itself may stand there
    hits = [h for p in pages for h in inspect_text(p.name, p.read_text(encoding="utf-8").replace(contact, ""))]
    if hits:
        shutil.rmtree(out)
        raise RecordError(f"the pack would hold what looks like personal data: {hits[0]}", "look at that register's words")
    from workbench.records.bundle import digest

    files = sorted(f for f in out.rglob("*") if f.is_file())
    write_durably(out / "SHA256SUMS", "".join(f"{digest(f)}  {f.relative_to(out)}\n" for f in files).encode())
    note(case, "export", who, "authority", 0, {"pack": digest(out / "SHA256SUMS")}, to=to[:200])
    return out


def sections(case: Case, lang: str) -> tuple[Section, ...]:
    """The registers as sections of a page, those that are empty left out."""
    table = load("authority")["sections"]
    found = []
    for name, spec in table.items():
        rows = tuple(tuple(str(c) for c in row) for row in _ROWS[name](case, lang))
        if rows:
            found.append(Section(pick(spec["title"], lang), columns=tuple(pick(spec["columns"], lang).split("|")), rows=rows))
    return tuple(found)


def _copies(case: Case, out: Path) -> None:
    case.ledger.refresh()
    wanted = {d for e in case.ledger.entries if e.type in ("value/v1", "step/v1") for d in e.subjects.values()}
    for folder in ("values", "ledger", "keys"):
        (out / folder).mkdir(mode=0o700)
    for path in sorted((case.folder / "values").glob("*.json")):
        if path.stem in wanted:
            shutil.copyfile(path, out / "values" / path.name)
    for name in ("entries.jsonl", "checkpoint"):
        shutil.copyfile(case.folder / "ledger" / name, out / "ledger" / name)
    for path in sorted((case.folder / "keys").glob("*.pub")):
        shutil.copyfile(path, out / "keys" / path.name)


def _documents(case: Case, out: Path) -> None:
    from workbench.classification.model import Findings
    from workbench.governance.oscal import write_oscal
    from workbench.inventory import Inventory
    from workbench.plan import documents, packs_of
    from workbench.plan.model import Plan
    from workbench.records.disposal_document import to_docx as disposal
    from workbench.records.disposal_report import disposal_report
    from workbench.risk.model import RiskReport
    from workbench.risk.reports import to_docx as assessment

    folder = out / "documents"
    folder.mkdir(mode=0o700)
    company, approvers = case.config.case.company, [p.name for p in case.config.with_role("approver")]
    operators = [p.name for p in case.config.with_role("operator")]
    for lang in LANGS:
        with suppress(CaseError):  # a step that has not run has no document
            documents.to_docx(case.load(Plan), folder / f"plan.{lang}.docx", lang, company, approvers)
        with suppress(CaseError):
            disposal(disposal_report(case), folder / f"disposal.{lang}.docx", lang)
        with suppress(CaseError):
            # it assesses what is planned, so the newest report before anything was erased
            reports = [r for r in case.history(RiskReport) if r.stage != "erased"]
            report = reports[-1] if reports else case.load(RiskReport)
            assessment("pipia", report, case.load(Findings), case.load(Inventory), case.config, packs_of(case),
                       folder / f"pipia.{lang}.docx", lang, operators)
    with suppress(CaseError):
        write_oscal(case, out / "oscal.json")


def _article30(case: Case, lang: str) -> Any:
    from workbench.governance.regimes import article30

    return article30(case, lang)


def _checklist(case: Case, lang: str) -> Any:
    from workbench.governance.regimes import checklist, named

    words = load("regimes")["words"]
    return [(x.regime, x.zh if lang == "zh" else x.en, f"{x.law_zh if lang == 'zh' else x.law_en} [{x.mark}]",
             pick(words[x.state], lang), ", ".join(named(r, lang) for r in x.refs)) for x in checklist(case).lines]


def _incidents(case: Case, lang: str) -> Any:
    from workbench.governance.incidents import incidents

    return [(i.id, pick(load("playbooks")[i.sort]["names"], lang), pick(load("notices")["nature"][i.origin], lang),
             i.discovered_at, i.closed_at) for i in incidents(case)]


def _findings(case: Case, lang: str) -> Any:
    from workbench.governance.model import Finding

    return [(f.id, word(f.severity, lang), f.asset, f.zh if lang == "zh" else f.en, f.owner, f.due, f.cleared_at)
            for f in entries(case, Finding)]


def _training(case: Case, lang: str) -> Any:
    from workbench.governance.training import standing

    return [(s.person, "✓" if s.valid else "✗", s.last, s.due) for s in standing(case)]


def _partners(case: Case, lang: str) -> Any:
    from workbench.governance.partners import partners

    return [(p.id, p.contract, pick(load("partners")["states"][p.state], lang), p.certificate.get("date", "")) for p in partners(case)]


def _receivers(case: Case, lang: str) -> Any:
    from workbench.governance.receivers import receivers

    return [(r.id, ", ".join(r.tables), r.told, r.how, short(r.proof_sha256, 16), word(r.state, lang)) for r in receivers(case)]


def _letters(case: Case, lang: str) -> Any:
    from workbench.governance.correspondence import Letter

    return [(k.id, k.at, word(k.way, lang), k.party, k.subject, k.due, k.answers) for k in entries(case, Letter)]


def _requests(case: Case, lang: str) -> Any:
    from workbench.governance.desk import Request

    return [(r.id, pick(load("requests")["sorts"][r.sort], lang), r.received_at, r.answered_at, word(r.state, lang))
            for r in entries(case, Request)]


def _certificates(case: Case, lang: str) -> Any:
    from workbench.erasure.model import Certificates

    made = case.find(Certificates)
    return [(c.id, c.disposal) for c in made.certificates] if made else []


def _algorithms(case: Case, lang: str) -> Any:
    from workbench.governance.algorithms import algorithms

    zh = lang == "zh"
    return [(a.zh if zh else a.en, a.end_zh if zh else a.end_en, a.replace_zh if zh else a.replace_en, a.mark) for a in algorithms(case)]


_ROWS: dict[str, Callable[[Case, str], Any]] = {
    "checklist": _checklist, "article30": _article30, "incidents": _incidents, "findings": _findings, "training": _training,
    "partners": _partners, "receivers": _receivers, "letters": _letters, "requests": _requests, "certificates": _certificates,
    "algorithms": _algorithms,
}
