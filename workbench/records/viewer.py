"""VIEWER: the story of a bundle as text for a terminal and as one static page per language, offline, with search.

    workbench show bundle                 who did what to which category, when
    workbench show bundle --html out/     viewer.html (Chinese) and viewer.en.html
    workbench show bundle --receipt       asks for a receipt's code and shows what was proven for that request
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import workbench
from workbench.case.steps import STEPS
from workbench.i18n import text
from workbench.i18n.catalogue import catalogue
from workbench.law.loader import all_packs
from workbench.ledger import write_durably
from workbench.plan.texts import ACTIONS
from workbench.records import page
from workbench.records.retention import words as kept_for
from workbench.records.runner import counts_line
from workbench.records.story import Asked, Line, Story
from workbench.resources import template

SCRIPT = """
const q = document.getElementById('q'), rows = [...document.querySelectorAll('tbody.find tr')];
q.addEventListener('input', () => {
  const word = q.value.trim().toLowerCase();
  rows.forEach(r => { r.hidden = !r.textContent.toLowerCase().includes(word); });
});
const code = document.getElementById('code');
if (code) code.addEventListener('input', async () => {
  const bytes = new TextEncoder().encode(code.value.trim());
  const hash = [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map(b => b.toString(16).padStart(2, '0')).join('');
  let hit = false;
  document.querySelectorAll('[data-receipt]').forEach(d => { d.hidden = d.dataset.receipt !== hash; hit = hit || !d.hidden; });
  document.getElementById('unknown').hidden = hit || !code.value.trim();
});
"""
VERDICTS = {
    "STORE_CLEAN": ("存储文件中已无残留", "gone from the store's own files"),
    "LOGICAL": ("已不可查询", "no longer queryable"), "VOLUME_CLEAN": ("设备上已无残留", "gone from the device"),
    "CRYPTO_ERASED": ("密钥已销毁", "key destroyed"), "FAILED": ("未通过", "FAILED"),
    "INCONCLUSIVE": ("无对照,不作结论", "no control, no claim"), "KEPT": ("依法保留", "kept by law"),
    "TASK": ("待人处理", "a task for people"), "STARTED": ("已开始", "started"), "NOT_STARTED": ("未开始", "not started"),
}


def pick(lang: str, zh: str, en: str) -> str:
    """One of two."""
    return zh if lang == "zh" else en


def category(id_: str, lang: str) -> str:
    """A category's name in words."""
    found = all_packs().category(id_)
    return getattr(found.names, lang) if found else id_


def verdict(word: str, lang: str) -> str:
    """A verdict in words, its code in brackets."""
    return f"{pick(lang, *VERDICTS[word])} ({word})" if word in VERDICTS else word


def _done(line: Line, lang: str) -> str:
    parts = []
    if line.erased:
        parts.append(pick(lang, f"{line.erased:,} 行已删除", f"{line.erased:,} rows erased"))
    if line.cleared:
        parts.append(pick(lang, f"{line.cleared:,} 行已清除个人信息列", f"{line.cleared:,} rows cleared of personal columns"))
    if line.sealed:
        until = line.until or pick(lang, "见计划", "see the plan")
        parts.append(pick(lang, f"{line.sealed:,} 行已封存(至 {until})", f"{line.sealed:,} rows sealed (until {until})"))
    return pick(lang, ";", "; ").join(parts) or pick(lang, "尚未处置", "nothing done yet")


def _where(columns: tuple[str, ...]) -> str:
    """Columns by table: ``shop.customers: email, name``."""
    tables: dict[str, list[str]] = {}
    for c in columns:
        table, _, column = c.rpartition(".")
        tables.setdefault(table, []).append(column)
    return "\n".join(f"{t}: {', '.join(names)}" for t, names in tables.items())


def categories(story: Story, lang: str) -> list[dict[str, str]]:
    """A row for each category: where it was, what was decided and done, on which proof."""
    return [{
        "name": category(x.category, lang), "mark": pick(lang, "敏感", "sensitive") if x.sensitive else "",
        "where": _where(x.columns),
        "plan": ", ".join(getattr(ACTIONS[a], lang) if a in ACTIONS else a for a in x.actions),
        "done": _done(x, lang), "proof": pick(lang, f"{x.certificates} 份证明", f"{x.certificates} certificates"),
        "verdict": pick(lang, ";", "; ").join(verdict(v, lang) for v in x.verdicts),
    } for x in story.lines]


def stations(story: Story, lang: str) -> list[dict[str, str]]:
    """First freeze to last certificate: each station with its ledger entry, time and record."""
    named = {s.id: s for s in STEPS}
    rows = []
    for step, (seq, at) in sorted(story.steps.items(), key=lambda i: i[1]):
        if step in named:
            s = named[step]
            rows.append({"seq": str(seq), "at": at[:16].replace("T", " "), "title": s.zh if lang == "zh" else s.en,
                         "record": s.notebook.removesuffix(".ipynb")})
    return rows


def events(story: Story, lang: str) -> list[dict[str, str]]:
    """The whole timeline in words."""
    steps = {s.id: (s.zh, s.en) for s in STEPS}
    rows = []
    for e in story.events:
        kind = text(f"entry.{e.kind}", lang) if f"entry.{e.kind}" in catalogue(lang) else e.kind
        what = pick(lang, *steps[e.what]) if e.what in steps else text(f"step_name.{e.what}", lang) \
            if f"step_name.{e.what}" in catalogue(lang) else e.what
        if e.kind == "witness":
            what = pick(lang, f"前 {e.what} 条", f"first {e.what} entries")
        elif e.kind == "approval":
            what = pick(lang, *{"approve": ("同意", "approves"), "object": ("反对", "objects"),
                                "lift": ("撤回反对", "lifts objection")}.get(e.what, (e.what, e.what)))
        result = f"{'✓' if e.result == 'done' else '✗'} {text(f'page.result_{e.result}', lang)}" \
            if e.result in ("done", "failed") else ""
        rows.append({"seq": str(e.seq), "at": e.at, "kind": kind, "what": what, "who": e.who, "where": e.where,
                     "result": result, "counts": counts_line(e.counts, lang) if e.counts else "", "record": e.record})
    return rows


def answer(item: Asked, lang: str) -> str:
    """What the records say to whoever holds the receipt of ``item``."""
    if not item.proof:
        return pick(lang, f"请求 {item.id}({item.received})已登记,当时查到 {item.rows_then} 行;尚无删除证明。",
                    f"Request {item.id} ({item.received}) is registered; {item.rows_then} rows were found then. Nothing has "
                    "been proven deleted for it yet.")
    p = item.proof
    certificates = ", ".join(p["certificates"]) or "–"
    verdicts = "; ".join(verdict(v, lang) for v in p["verdicts"])
    if not p["deleted"]:
        return pick(lang, f"请求 {item.id}:查到 {p['rows_then']} 行,于 {p['at']} 复查仍有 {p['rows_now']} 行,不能证明已删除。",
                    f"Request {item.id}: {p['rows_then']} rows were found; at {p['at']} {p['rows_now']} were still there. "
                    "Deletion is not proven.")
    kept = pick(lang, "其中部分依法封存留存,到期删除。", " Some of them are kept sealed because a statute says so, until its term ends.") \
        if p["sealed"] else ""
    return pick(lang, f"请求 {item.id}:删除前查到 {p['rows_then']} 行,于 {p['at']} 复查为 0 行,已删除。{kept}"
                f"证明:{certificates}。{verdicts}",
                f"Request {item.id}: {p['rows_then']} rows were found before; looked for again at {p['at']}, there were none: "
                f"deleted.{kept} Certificates: {certificates}. {verdicts}")


def facts(story: Story, lang: str) -> list[tuple[str, str]]:
    """What the head of the page says."""
    c = story.config.case
    people = ", ".join(f"{p.name} ({', '.join(text(f'role.{r}', lang) for r in p.roles)})" for p in story.config.people)
    names = {p.id: p.name for p in story.config.people}
    seen = "; ".join(pick(lang, f"{names.get(a.by, a.by)} 于 {a.at} 见证前 {a.size} 条",
                          f"{names.get(a.by, a.by)} saw the first {a.size} entries at {a.at}") for a in story.outside)
    return [
        (text("page.company", lang), f"{c.company if lang == 'zh' else c.company_en or c.company} {c.credit_code}".strip()),
        (text("page.where", lang), c.place),
        (pick(lang, "期间", "Span"), f"{story.first} – {story.last}"),
        (text("page.people", lang), people),
        (text("page.ledger", lang), f"{story.origin} · {story.entries}"),
        (text("entry.witness", lang), seen or pick(lang, "无外部见证", "nobody outside has looked")),
        (pick(lang, "档案保存", "Records kept"), kept_for(story.config, story.until, lang)),
    ]


def as_text(story: Story, lang: str) -> str:
    """For a terminal."""
    return "\n".join(_text(story, lang))


def _text(story: Story, lang: str) -> Iterator[str]:
    for k, v in facts(story, lang):
        yield f"{k}: {v}"
    yield ""
    for row in categories(story, lang):
        mark = f" [{row['mark']}]" if row["mark"] else ""
        where = row["where"].replace("\n", "\n    ")
        yield f"{row['name']}{mark}\n    {where}\n    {row['plan']} → {row['done']}"
        yield f"    {row['proof']} · {row['verdict']}"
    yield ""
    for e in events(story, lang):
        yield f"{e['seq']:>5}  {e['at']:<20}  {e['kind']} {e['what']}  {e['who']}  {e['result']}  {e['counts']}".rstrip()


def render(story: Story, lang: str, other: str, records: str = "data/records/") -> str:
    """The viewer page in ``lang``; ``records``: where the records' pages lie, seen from it (empty: no links)."""
    c = story.config.case
    name = c.company if lang == "zh" else c.company_en or c.company
    return str(page._environment().get_template("viewer.html.j2").render(
        lang=lang, csp=page.policy(SCRIPT), title=f"{pick(lang, '档案查阅', 'The records, read again')} · {name}",
        facts=facts(story, lang), stations=stations(story, lang), categories=categories(story, lang), events=events(story, lang),
        asked=[{"receipt": a.receipt_sha256, "text": answer(a, lang), "good": bool(a.proof.get("deleted"))} for a in story.asked],
        words=page.words(lang) | _words(lang), script=SCRIPT, other=other, records=records,
        footer=(("SHA-256 root", story.root), (text("page.software", lang), workbench.__version__)),
        css=template("record/record.css").read_text(encoding="utf-8"), generator=f"winddown-workbench {workbench.__version__}"))


def _words(lang: str) -> dict[str, str]:
    table = {
        "stations": ("从停止收集到最后一份证明", "From first freeze to last certificate"),
        "categories": ("每类个人信息的去向", "What became of each category"),
        "overlap": ("一行可含多类信息,因此各类行数之和大于总行数。", "A row may hold several categories, so these counts add up to more "
                    "than all rows."),
        "category": ("类别", "category"), "where": ("所在列", "columns"), "plan": ("决定", "decided"), "done": ("结果", "done"),
        "proof": ("证明", "proof"), "mine": ("我的信息删除了吗?", "Was my data deleted?"),
        "mine_how": ("输入当时收到的回执码。代码只在本页内计算,不发送、不保存;页面里只有回执的摘要,没有任何人的信息。",
                     "Type the code of the receipt you were given. It is computed in this page only, never sent or kept; the page "
                     "holds digests of receipts and nobody's data."),
        "code": ("回执码", "receipt code"), "unknown": ("没有与此回执码相符的请求。", "No request has this receipt."),
        "nobody": ("本案没有登记客户请求。", "No customer's request was registered in this case."),
        "find": ("在类别和时间线中查找", "find in categories and timeline"),
        "columns": ("条目,时间,事项,谁,结果,数量", "entry,when,what,who,result,counts"),
    }
    return {k: pick(lang, *v) for k, v in table.items()}


def write(story: Story, folder: Path, records: str = "data/records/") -> tuple[Path, Path]:
    """Write ``viewer.html`` and ``viewer.en.html`` into ``folder``; returns both."""
    folder.mkdir(parents=True, exist_ok=True)
    made = (folder / "viewer.html", folder / "viewer.en.html")
    for path, lang, other in ((made[0], "zh", made[1].name), (made[1], "en", made[0].name)):
        write_durably(path, render(story, lang, other, records).encode())
    return made

