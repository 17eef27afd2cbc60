"""PUBLIC: closing notice, progress and final report as inert, accessible pages in both languages.

Numbers come from plan and erasure, small ones suppressed; law comes from the plan's rules with its confidence mark; the
ledger's checkpoint is printed so that readers can check later records against it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import workbench
from workbench.errors import ParameterError
from workbench.governance.suppression import suppress, total_text
from workbench.governance.texts import load, pick
from workbench.i18n import LANGS
from workbench.ledger import write_durably
from workbench.ledger.merkle import root_of
from workbench.resources import template
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case

Kind = Literal["closing", "progress", "final", "children", "guardians", "older"]


class PublicNotice(Value):
    """A page that was written for the public: which, when, its files and digests, and the checkpoint it prints."""

    id: str
    case_id: str
    sort: Kind
    at: str
    files: dict[str, str]
    """file name -> SHA-256"""
    checkpoint: str
    entries: int
    hidden: int
    """counts suppressed"""


@dataclass(frozen=True)
class Section:
    """One section of the page."""

    title: str
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    code: str = ""


def write_notice(case: Case, sort: Kind, folder: Path | None = None) -> PublicNotice:
    """Write the page in both languages into ``folder`` (default ``public/`` of the case) and note it.

    Raises:
        ParameterError: an unknown sort, or a final report before anything was erased.
    """
    if sort not in load("public")["titles"]:
        raise ParameterError(f"there is no public page {sort!r}", "one of: " + ", ".join(load("public")["titles"]))
    from workbench.erasure.model import Erasure

    if sort == "final" and not any(not r.dry_run for r in case.history(Erasure)):
        raise ParameterError("nothing was erased yet, so there is no final report", "write_notice(case, 'progress')")
    out = folder or case.folder / "public"
    out.mkdir(mode=0o755, parents=True, exist_ok=True)
    case.begin()
    case.ledger.refresh()
    point = case.ledger.check()
    files, hidden = {}, 0
    for lang in LANGS:
        html, hidden = page(case, sort, lang)
        name = _name(sort, lang)
        write_durably(out / name, html.encode())
        (out / name).chmod(0o644)  # it is made to be published
        files[name] = _sha(html)
    value = PublicNotice(id=f"{sort} {case.now()}", case_id=case.id, sort=sort, at=case.now(), files=files,
                         checkpoint=point.root.hex(), entries=point.size, hidden=hidden)
    case.save(value)
    return value


def page(case: Case, sort: Kind, lang: str) -> tuple[str, int]:
    """The page's HTML in ``lang`` and how many counts it hides."""
    w = labels(lang)
    sections, hidden = (_plain(case, sort, lang, w), 0) if sort in load("public")["plain"] else _sections(case, sort, lang, w)
    return render(case, lang, pick(load("public")["titles"][sort], lang), sections, _name(sort, "en" if lang == "zh" else "zh")), hidden


def labels(lang: str) -> dict[str, str]:
    """The words of the public pages."""
    return {k: pick(v, lang) for k, v in load("public")["labels"].items()}


def render(case: Case, lang: str, title: str, sections: list[Section], other: str) -> str:
    """An inert, accessible page of these sections; ``other``: file name of the other language."""
    from workbench.records.page import policy

    c = case.config.case
    return str(_environment().get_template("public.html.j2").render(
        lang=lang, csp=policy(), title=title, sections=sections, w=labels(lang), other=other,
        company=c.company if lang == "zh" else c.company_en or c.company,
        css=template("governance/public.css").read_text(encoding="utf-8"), generator=f"winddown-workbench {workbench.__version__}"))


def _plain(case: Case, sort: str, lang: str, w: dict[str, str]) -> list[Section]:
    """The same news in plain words for one kind of reader; no numbers, so nothing to suppress."""
    c, d, v = case.config.case, case.config.dates, case.config.vault
    facts = {"company": c.company if lang == "zh" else c.company_en or c.company, "contact": c.contact or w["unknown"],
             "service_end": d.service_end.isoformat() if d.service_end else w["unknown"], "custodian": v.custodian or w["unknown"]}
    said = [Section(pick(p["title"], lang), pick(p["text"], lang).format(**facts)) for p in load("public")["plain"][sort]]
    return [*said, Section(w["proof"], w["proof_text"], code=_checkpoints(case))]


def _sections(case: Case, sort: Kind, lang: str, w: dict[str, str]) -> tuple[list[Section], int]:
    c, d, v = case.config.case, case.config.dates, case.config.vault
    company = c.company if lang == "zh" else c.company_en or c.company
    until = f"({v.custodian_until.isoformat()})" if v.custodian_until else ""
    keeper = f"{v.custodian} {until}".strip() or w["unknown"]
    frozen = _collection_end(case)

    def day(x: Any) -> str:
        return x.isoformat() if x else w["unknown"]

    numbers, hidden = _numbers(case, sort, lang, w)
    found = [
        Section(w["who"], facts=((w["company"], company), (w["credit_code"], c.credit_code or w["unknown"]),
                                 (w["contact"], c.contact or w["unknown"]), (w["custodian"], keeper))),
        Section(w["stops"], facts=((w["collection"], frozen or w["unknown"]), (w["service"], day(d.service_end)),
                                   (w["claims"], day(d.claims_end)), (w["deregistration"], day(d.deregistration)))),
        _categories(case, lang, w), *numbers, _kept(case, lang, w, keeper),
        Section(w["receiver"], _receivers(case, lang) or w["receiver_text"]),
        Section(w["rights"], w["rights_text"]), Section(w["children"], w["children_text"]),
        Section(w["refunds"], w["refunds_text"]), *(_freed(case, lang, w) if sort == "final" else ()),
        Section(w["complain"], w["complain_text"]),
        Section(w["proof"], w["proof_text"], facts=((w["date"], case.today().isoformat()),
                (w["version"], f"{sort} {case.now()}")),
                code=_checkpoints(case)),
    ]
    return [s for s in found if s.text or s.facts or s.rows], hidden


def _checkpoints(case: Case) -> str:
    """The ledger's signed checkpoint; when a bundle was packed, also the one of the ledger inside it."""
    packed = [e.seq for e in case.ledger.of_type("bundle/v1")]
    root = root_of(case.ledger.leaves[: packed[-1]]).hex() if packed else ""
    inside = f"{case.ledger.origin}\n{packed[-1]}\n{root}\n\n" if packed else ""
    return inside + case.ledger.checkpoint().render()


def _freed(case: Case, lang: str, w: dict[str, str]) -> tuple[Section, ...]:
    from workbench.governance.footprint import footprint

    f = footprint(case)
    return (Section(w["freed"], f"{f.source_zh if lang == 'zh' else f.source_en} [{f.mark}]", facts=(
        (w["freed_bytes"], f"≈ {(f.bytes_freed + f.backup_bytes) / 1e6:,.1f} MB"),
        (w["freed_energy"], f"≈ {f.wh_low / 1000:,.3f} – {f.wh_high / 1000:,.3f} kWh"))),)


def _collection_end(case: Case) -> str:
    from workbench.freeze import Freeze

    frozen = case.find(Freeze)
    return frozen.declared_at[:10] if frozen else ""


def _categories(case: Case, lang: str, w: dict[str, str]) -> Section:
    from workbench.classification.model import Findings
    from workbench.plan import packs_of

    found = case.find(Findings)
    packs = packs_of(case)
    tables: dict[str, set[str]] = {}
    sensitive: set[str] = set()
    for f in found.findings if found else ():
        if f.detector and f.category:
            tables.setdefault(f.category, set()).add(f"{f.source}.{f.table}")
            if f.sensitive:
                sensitive.add(f.category)
    rows = tuple((pick(k.names.model_dump(), lang) if (k := packs.category(i)) else i, w["yes"] if i in sensitive else "",
                  str(len(t))) for i, t in sorted(tables.items()))
    return Section(w["categories"], w["purpose"], columns=(w["category"], w["sensitive"], w["tables"]), rows=rows)


def _numbers(case: Case, sort: Kind, lang: str, w: dict[str, str]) -> tuple[list[Section], int]:
    from workbench.erasure.model import Erasure
    from workbench.plan.model import Plan

    table = load("public")
    least = table["minimum"]
    plan = case.find(Plan)
    runs = [r for r in case.history(Erasure) if not r.dry_run]
    if plan is None:
        return [], 0
    counts: Counter[str] = Counter()
    open_: set[str] = set()  # disposals with lines whose rows are counted only when they run
    facts: tuple[tuple[str, str], ...] = ()
    if sort == "final" or (sort == "progress" and runs):
        for d in runs[-1].disposals:
            counts[d.action] += {"erase": d.deleted, "lock": d.archived, "hand_over": d.archived}.get(d.action, d.planned)
        facts = ((w["verdict"], pick(table["verdicts"][runs[-1].verdict], lang)),)
    else:
        for line in plan.disposals:
            counts[line.action] += line.rows or 0
            if line.rows is None:
                open_.add(line.action)
    shown = suppress(counts, minimum=least, total=True)
    rows = tuple((pick(table["actions"][a], lang), _partly(n, w) if a in open_ else n) for a, n in sorted(shown.items()))
    total = total_text(counts, minimum=least)
    rows += (("Σ", _partly(total, w) if open_ else total),)
    hidden = sum(not n[0].isdigit() for n in shown.values())
    state = w["done"] if facts else w["planned"]
    return [Section(f"{w['numbers']} ({state})", facts=facts, columns=(w["what"], w["count"]), rows=rows,
                    note=w["suppressed"].format(n=least))], hidden


def _partly(counted: str, w: dict[str, str]) -> str:
    """A count to which rows will be added when the plan runs."""
    if counted == "0":
        return w["uncounted"]
    return w["at_least"].format(n=counted) if counted[0].isdigit() else counted


def _kept(case: Case, lang: str, w: dict[str, str], keeper: str) -> Section:
    from workbench.plan.model import Plan

    plan = case.find(Plan)
    lines: dict[tuple[str, str], str] = {}
    for d in plan.disposals if plan else ():
        if d.action not in ("lock", "hand_over"):
            continue
        basis = "; ".join(f"{_cited(r.provision, lang)} [{r.confidence}]" for r in d.rules if r.term) or \
            pick(d.reason.model_dump(), lang)
        key = (basis, d.receiver or keeper)
        lines[key] = max(lines.get(key, ""), d.keep_until.isoformat() if d.keep_until else "")
    rows = tuple((basis, until or w["unknown"], who) for (basis, who), until in sorted(lines.items()))
    return Section(w["kept"], columns=(w["basis"], w["until"], w["keeper"]), rows=rows)


def _cited(provision: str, lang: str) -> str:
    parts = provision.split(" / ")
    return parts[0] if lang == "zh" or len(parts) < 2 else parts[-1]


def _receivers(case: Case, lang: str) -> str:
    from workbench.plan.model import Plan

    plan = case.find(Plan)
    return ("、" if lang == "zh" else ", ").join(sorted({d.receiver for d in plan.disposals if d.receiver}) if plan else ())


def _name(sort: str, lang: str) -> str:
    return f"{sort}.html" if lang == "zh" else f"{sort}.en.html"


def _sha(html: str) -> str:
    import hashlib

    return hashlib.sha256(html.encode()).hexdigest()


@cache
def _environment() -> Any:
    from jinja2 import DictLoader, Environment, StrictUndefined

    env = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=DictLoader(
        {"public.html.j2": template("governance/public.html.j2").read_text(encoding="utf-8")}))
    env.tests["dated"] = lambda cell: len(cell) < 32 and bool(re.search(r"\d{4}-\d\d-\d\d", cell))  # its lines do not break
    return env
