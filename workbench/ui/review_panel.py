"""The review panel: look at findings and why they are there, then accept, change or reject them, with a reason that is kept.

from workbench.ui.review_panel import review_panel
review_panel(case)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from workbench.classification.model import Finding, Findings
from workbench.classification.reveal import reveal
from workbench.classification.review import Correction, Decision, correct, detectors
from workbench.errors import WorkbenchError
from workbench.ui.chart_style import GREEN, GREY, RED, category_name, pick, say
from workbench.ui.panels import own_keys, recording

if TYPE_CHECKING:
    from workbench.case import Case

MOST = 500
"""lines listed at once: a browser is slow with more, and nobody reads them; search narrows"""
MARKS = {"": "○", "accept": "✓", "change": "✎", "reject": "✗"}
DECIDED = {"": ("未决定", "undecided"), "accept": ("已接受", "accepted"), "change": ("已更改", "changed"), "reject": ("已否定", "rejected")}
LEVELS = {"high": ("高", "high"), "low": ("低", "low"), None: ("—", "—")}
Names = dict[str, tuple[str, str]]
"""detector id -> its name in Chinese and English"""


@dataclass(frozen=True)
class Line:
    """One finding, the detector that a decision about it names, and the decision in force."""

    finding: Finding
    key: str
    """what the scan itself found there; empty: nothing"""
    decision: Correction | None = None

    @property
    def table(self) -> str:
        """source.table"""
        return f"{self.finding.source}.{self.finding.table}"

    @property
    def column(self) -> str:
        """source.table.column"""
        return f"{self.table}.{self.finding.column}"

    @property
    def pending(self) -> bool:
        """Whether the decision is newer than the findings, so that classify has yet to follow it."""
        c, f = self.decision, self.finding
        if c is None:
            return False
        wanted = {"accept": self.key, "change": c.to, "reject": ""}[c.decision]
        return f.decided_by != c.by or (f.detector or "") != wanted


def lines_of(findings: Iterable[Finding], history: Sequence[Correction]) -> list[Line]:
    """Findings with their decisions. A decided finding is led back to what the scan had found, and a rejected one stays listed."""
    newest = {(c.source, c.table, c.column, c.detector): c for c in history}
    by_place: dict[tuple[str, str, str], list[Correction]] = {}
    for c in reversed(history):
        by_place.setdefault((c.source, c.table, c.column), []).append(c)
    found: dict[tuple[str, str, str, str], Line] = {}
    empty: dict[tuple[str, str, str], Finding] = {}
    for f in sorted(findings, key=lambda f: not f.decided_by):
        place = (f.source, f.table, f.column)
        empty[place] = f
        key = f.detector or ""
        if f.decided_by:
            causes = [c for c in by_place.get(place, ()) if _made(c, f) and (*place, c.detector) not in found]
            key = causes[0].detector if causes else key
        found.setdefault((*place, key), Line(f, key, newest.get((*place, key))))
    for spot, c in newest.items():
        if spot not in found and spot[:3] in empty:  # rejected, and the column still holds something else
            f = empty[spot[:3]]
            gone = Finding(
                source=f.source, table=f.table, column=f.column, detector=None, category=None, sensitive=False, confidence=None,
                rows=f.rows, nonnull=f.nonnull, matched=0, distinct=0, decided_by=c.by if c.decision == "reject" else "",
            )  # fmt: skip
            found[spot] = Line(gone, c.detector, c)
    return [found[k] for k in sorted(found)]


def _made(c: Correction, f: Finding) -> bool:
    """Whether decision ``c`` can have made finding ``f`` what it is."""
    if c.by != f.decided_by:
        return False
    return (f.detector or "") == {"accept": c.detector, "change": c.to, "reject": ""}[c.decision]


def chosen(
    lines: Iterable[Line], names: Names, table: str = "", level: str = "", sure: str = "", open_only: bool = False, word: str = ""
) -> list[Line]:
    """Lines under the filters. ``level``: sensitive or other; ``sure``: high, low, or none for columns with nothing found."""
    out = []
    for x in lines:
        f = x.finding
        nothing = not x.key and x.decision is None
        if (sure == "none" and f.detector) or (sure != "none" and nothing):
            continue
        if sure in ("high", "low") and f.confidence != sure:
            continue
        if (table and x.table != table) or (level and f.sensitive != (level == "sensitive")) or (open_only and x.decision):
            continue
        text = f"{x.column} {x.key} {f.detector} {f.category} {' '.join(names.get(f.detector or x.key, ()))}".lower()
        if all(part in text for part in word.lower().split()):
            out.append(x)
    return out


def label(x: Line, names: Names, lang: str) -> str:
    """One line of the list: sign, place, type, level, count."""
    f = x.finding
    what = _name(f.detector or x.key, names, lang)
    if x.decision and x.decision.decision == "change":
        what = f"{_name(x.key, names, lang)} → {_name(x.decision.to, names, lang)}"
    parts = [f"{MARKS[x.decision.decision if x.decision else '']} {x.column}", what]
    if f.sensitive:
        parts.append(say(lang, "● 敏感", "● sensitive"))
    if f.confidence:
        parts.append(say(lang, f"可信度{pick(lang, LEVELS[f.confidence])}", f"{f.confidence} confidence"))
    if f.detector:
        parts.append(say(lang, f"{f.matched:,} 格", f"{f.matched:,} cells"))
    return " · ".join(parts)


def _name(id_: str, names: Names, lang: str) -> str:
    if not id_:
        return say(lang, "未发现", "nothing found")
    return pick(lang, names.get(id_, (id_, id_)))


def facts(x: Line, names: Names, lang: str, people: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Why the finding is there: counts and reasons, never a value."""
    f = x.finding
    out = [(say(lang, "列", "column"), x.column), (say(lang, "类型", "type"), _type(f.detector or "", names, lang))]
    if x.key != (f.detector or ""):
        out.append((say(lang, "扫描所见", "the scan found"), _type(x.key, names, lang)))
    out += [
        (say(lang, "行 / 非空", "rows / non-null"), f"{f.rows:,} / {f.nonnull:,}"),
    ]
    if f.detector:
        passed = f"{f.checked:,} ({f.checked / f.shape:.1%})" if f.shape else f"{f.checked:,}"
        if not f.checked and not f.chance:
            passed = say(lang, "此类型没有校验位", "this type has no check digit")
        level = say(lang, "敏感", "sensitive") if f.sensitive else say(lang, "一般", "not sensitive")
        out += [
            (say(lang, "类别", "category"), f"{category_name(f.category or '', lang)} · {level}"),
            (say(lang, "可信度", "confidence"), pick(lang, LEVELS[f.confidence])),
            (say(lang, "命中的单元格", "cells matched"), f"{f.matched:,}"),
            (say(lang, "整格 / 嵌在文字中", "whole / embedded"), f"{f.whole:,} / {max(0, f.matched - f.whole):,}"),
            (say(lang, "不同值", "distinct"), f"{f.distinct:,}"),
            (say(lang, "形状相符", "of the shape"), f"{f.shape:,}"),
            (say(lang, "校验通过", "check passed"), passed),
            (say(lang, "随机数的通过率", "would pass by chance"), f"{f.chance:.2%}" if f.chance else "—"),
            (say(lang, "佐证", "context"), ", ".join(f.context) or "—"),
            (say(lang, "规则来源", "rule source"), f.rule_source or "—"),
        ]
        if f.minors:
            out.append((say(lang, "未满14周岁", "under 14"), f"{f.minors:,}"))
    c = x.decision
    said = pick(lang, DECIDED[c.decision if c else ""])
    if c:
        said += f" · {(people or {}).get(c.by, c.by)} · {c.at} · {c.reason}"
        if c.to:
            said += f" → {_name(c.to, names, lang)}"
        if x.pending:
            said += say(lang, "(下次分类时生效)", " (followed by the next classify)")
    out.append((say(lang, "决定", "decision"), said))
    return out


def _type(id_: str, names: Names, lang: str) -> str:
    return f"{_name(id_, names, lang)} ({id_})" if id_ else _name(id_, names, lang)


def _html(x: Line, names: Names, lang: str, people: dict[str, str]) -> str:
    rows = "".join(
        f"<tr><th scope='row' style='text-align:left;padding:1px 12px 1px 0;width:180px;color:#555;font-weight:normal;white-space:nowrap'>"
        f"{escape(k)}</th><td style='text-align:left;padding:1px 0;overflow-wrap:anywhere'>{escape(v)}</td></tr>"
        for k, v in facts(x, names, lang, people)
    )
    return f"<table class='review-facts' style='line-height:1.35;width:100%'>{rows}</table>"


def review_panel(case: Case, lang: str = "") -> Any:
    """Show the panel and return its box; in record mode nothing is shown and None is returned.

    Raises: CaseError when the case has no findings yet.
    """
    if recording():
        return None
    import ipywidgets as w
    from IPython.display import display

    panel = Panel(case, lang or case.lang, w)
    display(panel.box)  # type: ignore[no-untyped-call]
    return panel.box


class Panel:
    """The widgets and what they do; :func:`review_panel` shows it."""

    def __init__(self, case: Case, lang: str, w: Any) -> None:
        self.case, self.lang = case, lang
        self.findings = case.load(Findings)
        kinds = sorted(detectors(case), key=lambda d: d.id)
        self.names: Names = {d.id: (d.zh, d.en) for d in kinds}
        self.people = {p.id: p.name for p in case.config.people}
        self.lines: list[Line] = []
        self.shown: list[Line] = []
        style, wide, half = {"description_width": "110px"}, w.Layout(width="98%"), w.Layout(width="300px")
        tables = sorted({f"{f.source}.{f.table}" for f in self.findings.findings})
        every = say(lang, "全部", "all")
        self.filters: dict[str, Any] = {
            "table": w.Dropdown(
                options=[(every, ""), *((t, t) for t in tables)], description=say(lang, "表", "table"), style=style, layout=half
            ),
            "level": w.Dropdown(
                options=[(every, ""), (say(lang, "敏感", "sensitive"), "sensitive"), (say(lang, "一般", "not sensitive"), "other")],
                description=say(lang, "敏感程度", "sensitivity"), style=style, layout=half,
            ),
            "sure": w.Dropdown(
                options=[(every, ""), (say(lang, "高", "high"), "high"), (say(lang, "低", "low"), "low"),
                         (say(lang, "未发现个人信息的列", "columns with nothing found"), "none")],
                description=say(lang, "可信度", "confidence"), style=style, layout=half,
            ),
            "open_only": w.Checkbox(value=False, description=say(lang, "只看未决定的", "undecided only"), indent=False, layout=half),
            "word": w.Text(
                description=say(lang, "查找", "search"), style=style, layout=w.Layout(width="610px"),
                placeholder=say(lang, "列名、类型、类别", "column, type, category"),
            ),
        }  # fmt: skip
        self.count = w.HTML()
        self.list = w.Select(rows=12, layout=wide)
        self.why = w.HTML()
        self.reason = w.Text(
            description=say(lang, "理由(必填)", "reason (needed)"), style=style, layout=wide,
            placeholder=say(lang, "为什么;不写任何个人信息", "why; no personal data"),
        )  # fmt: skip
        operators = case.config.with_role("operator")
        me = case.operator()
        ids = [p.id for p in operators] if me in {p.id for p in operators} else [me, *(p.id for p in operators)]
        self.person = w.Dropdown(
            options=[(f"{self.people[i]} ({i})", i) for i in ids], value=me,
            description=say(lang, "决定人", "decided by"), style=style, layout=half,
        )  # fmt: skip
        self.to = w.Dropdown(
            options=[("", ""), *((_type(d.id, self.names, lang), d.id) for d in kinds)],
            description=say(lang, "更改为", "change to"), style=style, layout=w.Layout(width="440px"),
        )  # fmt: skip
        decisions: tuple[tuple[Decision, str, str], ...] = (
            ("accept", say(lang, "✓ 接受", "✓ accept"), GREEN),
            ("change", say(lang, "✎ 更改", "✎ change"), ""),
            ("reject", say(lang, "✗ 否定", "✗ reject"), RED),
        )
        self.buttons = {}
        for decision, text, colour in decisions:
            button = w.Button(description=text, layout=w.Layout(width="130px"))
            if colour:
                button.style = {"button_color": colour, "text_color": "white"}
            button.on_click(lambda _button, decision=decision: self.decide(decision))
            self.buttons[decision] = button
        self.look = w.Button(description=say(lang, "看五个值(记入账本)", "see five values (logged)"), layout=w.Layout(width="190px"))
        self.look.on_click(lambda _button: self.reveal())
        self.told, self.values = w.HTML(), w.HTML()
        f = self.filters
        self.box = w.VBox(
            [
                w.HBox([f["table"], f["level"], f["sure"]], layout=w.Layout(flex_flow="row wrap")),
                w.HBox([f["word"], f["open_only"]], layout=w.Layout(flex_flow="row wrap")),
                self.count, self.list, self.why, self.reason,
                w.HBox([self.person, self.to], layout=w.Layout(flex_flow="row wrap")),
                w.HBox([*self.buttons.values(), self.look]), self.told, self.values,
            ]
        )  # fmt: skip
        own_keys(self.box).add_class("review-panel")
        self.box.panel = self
        for control in self.filters.values():
            control.observe(self._filter, "value")
        self.list.observe(self._explain, "index")
        self._load()
        self._filter()

    @property
    def line(self) -> Line | None:
        """The chosen one."""
        i = self.list.index
        return self.shown[i] if i is not None and i < len(self.shown) else None

    def _load(self) -> None:
        self.lines = lines_of(self.findings.findings, self.case.history(Correction))

    def _filter(self, _change: Any = None) -> None:
        """Fill the list, keeping the chosen finding, or its place in the list when it is gone."""
        was, at = self.line, self.list.index or 0
        found = chosen(self.lines, self.names, **{name: control.value for name, control in self.filters.items()})
        self.shown = found[:MOST]
        keys = [(x.column, x.key) for x in self.shown]
        self.list.unobserve(self._explain, "index")
        self.list.options = [(label(x, self.names, self.lang), i) for i, x in enumerate(self.shown)]
        if keys:
            same = (was.column, was.key) if was else None
            self.list.index = keys.index(same) if same in keys else min(at, len(keys) - 1)
        self.list.observe(self._explain, "index")
        undecided = sum(x.decision is None for x in found)
        more = say(self.lang, f",只列出前 {MOST} 项,请查找", f"; the first {MOST} are listed, search for more")
        self.count.value = say(
            self.lang, f"<b>{len(found):,}</b> 项,{undecided:,} 项未决定", f"<b>{len(found):,}</b> findings, {undecided:,} undecided"
        ) + (more if len(found) > MOST else "")
        self._explain()

    def _explain(self, _change: Any = None) -> None:
        """Why the chosen finding is there, and which decisions fit it."""
        x = self.line
        self.values.value = ""
        for button in (*self.buttons.values(), self.look):
            button.disabled = x is None
        if x is None:
            self.why.value = f"<span style='color:{GREY}'>" + say(self.lang, "没有符合条件的发现。", "No finding fits.") + "</span>"
            return
        self.buttons["reject"].disabled = not x.key
        self.why.value = _html(x, self.names, self.lang, self.people)

    def reveal(self) -> None:
        """Show a few values of the chosen column until another is chosen, if a reason is given; the ledger keeps it."""
        x = self.line
        if x is None:
            return
        f = x.finding
        try:
            shown = reveal(self.case, f.source, f.table, f.column, reason=self.reason.value, by=self.person.value)
        except WorkbenchError as e:
            self.told.value = f"<span role='alert' style='color:{RED}'>⚠ {escape(str(e))}</span>"
            return
        said = say(self.lang, "已记入账本;换一项即消失。", "Logged; gone when another is chosen.")
        self.told.value = f"<span role='status'>{said}</span>"
        self.values.value = shown.html()

    def decide(self, decision: Decision) -> None:
        """Keep a decision about the chosen finding, or say why it can't be kept."""
        x = self.line
        if x is None:
            return
        f, lang = x.finding, self.lang
        try:
            correct(
                self.case, f.source, f.table, f.column, x.key, decision, self.reason.value, by=self.person.value,
                to=self.to.value if decision == "change" else "",
            )  # fmt: skip
        except WorkbenchError as e:
            self.told.value = f"<span role='alert' style='color:{RED}'>⚠ {escape(str(e))}</span>"
            return
        self.reason.value, self.to.value = "", ""
        self._load()
        self._filter()
        said = say(
            lang, f"{pick(lang, DECIDED[decision])}:{x.column}。下次运行“分类分级”时生效。",
            f"{pick(lang, DECIDED[decision]).capitalize()}: {x.column}. The next run of Classify follows it.",
        )  # fmt: skip
        self.told.value = f"<span role='status'>{escape(said)}</span>"
