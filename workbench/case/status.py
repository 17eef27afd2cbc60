"""Where a case stands: every step done, failed, half-done or waiting, and the command that continues it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from workbench.case.steps import STEPS

if TYPE_CHECKING:
    from workbench.case.case import Case

State = Literal["done", "failed", "half", "waiting", "next"]
MARK = {"done": "✓", "failed": "✗", "half": "…", "waiting": "·", "next": "→"}
WORD = {
    "zh": {"done": "已完成", "failed": "失败", "half": "中断,可续", "waiting": "待办", "next": "下一步"},
    "en": {"done": "done", "failed": "failed", "half": "half-done, resumable", "waiting": "waiting", "next": "next"},
}


@dataclass(frozen=True)
class Row:
    """One step's standing."""

    step: str
    title: str
    state: State
    when: str
    note: str


@dataclass(frozen=True)
class Status:
    """The standing of a whole case; prints as text and shows as a table."""

    case: str
    lang: str
    rows: tuple[Row, ...]
    todo: str

    def __str__(self) -> str:
        words = WORD[self.lang]
        lines = [f"{self.case}"]
        for r in self.rows:
            lines.append(f"  {MARK[r.state]} {r.step:<10} {words[r.state]:<12} {r.when:<21} {r.note}".rstrip())
        return "\n".join([*lines, f"{'下一步' if self.lang == 'zh' else 'Next'}: {self.todo}"])

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        words = WORD[self.lang]
        cells = "".join(
            f"<tr><td>{MARK[r.state]}</td><td>{html.escape(r.title)}</td><td>{words[r.state]}</td>"
            f"<td>{html.escape(r.when)}</td><td>{html.escape(r.note)}</td></tr>" for r in self.rows)
        table = f"<table class='wb-status'><tbody>{cells}</tbody></table>"
        return {"text/plain": str(self), "text/html": f"{table}<p><code>{html.escape(self.todo)}</code></p>"}


def status(case: Case) -> Status:
    """Read the ledger; no source is opened."""
    half = {e.predicate["step"] for e in case.open_intents()}
    rows: list[Row] = []
    done: set[str] = set()
    nxt = ""
    for s in STEPS:
        entry = case.stands(s.id)
        state: State = "waiting"
        when = note = ""
        if entry is not None:
            when = str(entry.predicate["at"])
            state = "done" if entry.predicate["result"] == "done" else "failed"
            note = str(entry.predicate.get("what", "records/" + s.notebook if state == "failed" else ""))
        if s.id in half:
            state = "half"
        if state == "done":
            done.add(s.id)
        elif not nxt:
            nxt = s.id
            state = "next" if state == "waiting" else state
        rows.append(Row(s.id, s.zh if case.lang == "zh" else s.en, state, when, note))
    todo = f"workbench verify {case.folder}"
    if nxt == "erase":
        from workbench.case.approvals import check
        from workbench.errors import WorkbenchError

        try:
            check(case)
            todo = f"workbench run {case.folder}"
        except WorkbenchError as e:
            todo = e.todo or e.what
    elif nxt:
        todo = f"workbench run {case.folder}"
    name = case.config.case.company if case.lang == "zh" else case.config.case.company_en or case.config.case.company
    return Status(f"{name} ({case.id})", case.lang, tuple(rows), todo)
