"""INDEX: the first page of a bundle, in each language: numbers, records, timeline, search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import workbench
from workbench.case import Case
from workbench.case.steps import GOVERNANCE, STEPS
from workbench.i18n import LANGS, text
from workbench.i18n.catalogue import catalogue
from workbench.ledger import write_durably
from workbench.records import page
from workbench.records.blocks import Block, Table
from workbench.resources import template

SEARCH = """
const q = document.getElementById('q'), none = document.getElementById('none');
const rows = [...document.querySelectorAll('#steps li')];
q.addEventListener('input', () => {
  const word = q.value.trim().toLowerCase();
  let seen = 0;
  rows.forEach(r => { const hit = r.textContent.toLowerCase().includes(word); r.hidden = !hit; seen += hit; });
  none.hidden = seen > 0;
});
"""


def write_index(case: Case, folder: Path) -> tuple[Path, ...]:
    """Write ``index.html`` (Chinese) and ``index.en.html`` into the bundle ``folder``; returns both paths."""
    written = []
    for lang, name, other in (("zh", "index.html", "index.en.html"), ("en", "index.en.html", "index.html")):
        target = folder / name
        write_durably(target, render(case, lang, other, documents(folder, lang)).encode())
        written.append(target)
    assert len(written) == len(LANGS)
    return tuple(written)


def documents(folder: Path, lang: str) -> list[tuple[str, str]]:
    """(address, words) of what else a reader may open, as far as it lies in ``folder``."""
    words = {"viewer": ("查阅:谁在何时对哪类信息做了什么", "Read again: who did what to which category, when"),
             "html": ("客户信息处置报告", "Disposal report"), "docx": ("Word", "Word"), "pdf": ("PDF", "PDF"),
             "certificates": ("销毁证明", "Certificates of disposal")}
    names = {"viewer": "viewer.html" if lang == "zh" else "viewer.en.html",
             "certificates": f"data/reports/certificates.{lang}.html",
             **{k: f"data/reports/disposal.{lang}.{k}" for k in ("html", "docx", "pdf")}}
    return [(names[k], words[k][lang == "en"]) for k in words if k == "viewer" or (folder / names[k]).exists()]


def render(case: Case, lang: str, other: str, links: list[tuple[str, str]]) -> str:
    """The index page in ``lang``; ``other`` is the other language's file name, ``links`` what else there is."""
    company = case.config.case
    name = company.company if lang == "zh" else company.company_en or company.company
    rows = _steps(case, lang)
    header = (
        (text("page.company", lang), f"{name} {company.credit_code}".strip()),
        (text("page.where", lang), company.place),
        (text("page.people", lang), ", ".join(
            f"{p.name} ({', '.join(text(f'role.{r}', lang) for r in p.roles)})" for p in case.config.people)),
        (text("page.ledger", lang), case.ledger.origin),
    )
    footer = (("SHA-256 root", case.ledger.root_hex), (text("page.software", lang), workbench.__version__))
    done = sum(r["result"] == "done" for r in rows)
    return str(page._environment().get_template("index.html.j2").render(
        lang=lang, csp=page.policy(SEARCH), title=f"{text('page.index_title', lang)} · {name}",
        subtitle=text("page.index_subtitle", lang, done=done, of=len(rows)), cards=cards(case, lang), header=header,
        steps=rows, links=links, blocks=(), timeline=timeline(case, lang).data(), footer=footer, words=page.words(lang),
        search_js=SEARCH, other=other, css=template("record/record.css").read_text(encoding="utf-8"),
        generator=f"winddown-workbench {workbench.__version__}"))


def _steps(case: Case, lang: str) -> list[dict[str, Any]]:
    newest = {e.predicate["step"]: e for e in case.ledger.of_type("record/v1")}
    rows = []
    for n, s in enumerate((*STEPS, *((GOVERNANCE,) if GOVERNANCE.id in newest else ()))):
        entry, outcome = newest.get(s.id), case.outcome(s.id)
        href = f"data/records/{s.notebook.removesuffix('.ipynb')}.{lang}.html" if entry else ""
        counts = outcome.predicate.get("counts", {}) if outcome else {}
        from workbench.records.runner import counts_line

        rows.append({"n": n, "title": s.zh if lang == "zh" else s.en, "href": href,
                     "result": str(entry.predicate["result"]) if entry else "half",
                     "what": counts_line(counts, lang) if counts else text(f"step.{s.id}", lang)})
    return rows


def cards(case: Case, lang: str) -> list[tuple[str, str]]:
    """The numbers of the case at a glance, from outcome entries."""
    found = []
    for step, key in (("inventory", "tables"), ("inventory", "rows"), ("classify", "findings"), ("classify", "persons"),
                      ("erase", "deleted"), ("erase", "archived"), ("erase", "certificates")):
        entry = case.outcome(step)
        value = entry.predicate.get("counts", {}).get(key) if entry else None
        if isinstance(value, int):
            found.append((f"{value:,}", text(f"count.{key}", lang)))
    return found


def timeline(case: Case, lang: str) -> Block:
    """Every outcome, approval and record, in order."""
    rows = []
    titles = {s.id: s.zh if lang == "zh" else s.en for s in STEPS}
    names = {p.id: p.name for p in case.config.people}
    for e in case.ledger.entries:
        p = e.predicate
        step = str(p.get("step", ""))
        what = titles.get(step) or (text(f"step_name.{step}", lang) if f"step_name.{step}" in catalogue(lang) else step)
        if e.type == "step/v1" and p["phase"] == "intent":
            continue
        if e.type in ("genesis/v1", "key/v1"):
            what = names.get(p["owner"], p["owner"])
        if e.type == "approval/v1":
            what = p["decision"]
        kind, result = e.type.partition("/")[0], str(p.get("result", ""))
        if result in ("done", "failed"):
            result = f"{'✓' if result == 'done' else '✗'} {text(f'page.result_{result}', lang)}"
        known = f"entry.{kind}" in catalogue(lang)
        rows.append((str(e.seq), str(p.get("at", "")), text(f"entry.{kind}", lang) if known else kind,
                     str(what), names.get(who := str(p.get("person", p.get("owner", ""))), who), result))
    columns = tuple(text(f"page.{k}", lang) for k in ("entry", "when", "kind", "what", "who", "result"))
    return Table(text("page.timeline", lang), columns, tuple(rows))
