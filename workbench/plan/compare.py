"""Two plans side by side: which sets of records and which deadlines move."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.plan.documents import condition
from workbench.plan.model import Condition, Disposal, Plan
from workbench.plan.texts import ACTIONS, anonymised, day

if TYPE_CHECKING:
    import pandas as pd

_AND = (" and ", " 且 ")
_WORDS = {"disposal": "处置", "duty": "义务", "gate": "关口", "pack": "规则包", "added": "新增", "removed": "取消", "changed": "变动",
          "open": "已开", "shut": "未开", "all rows": "全部行"}
_Line = tuple[str, str, tuple[str, ...]]
"""which rows, what happens to them, by which rules"""


@dataclass(frozen=True)
class Moved:
    """A line, a duty, a gate or a rule pack that differs; words in the language asked for. what: added, removed, changed."""

    kind: str
    place: str
    what: str
    before: str
    after: str
    rules: tuple[str, ...] = ()


def where_in_words(where: tuple[Condition, ...], lang: str = "en") -> str:
    """Conditions without the ids of other lines, which change with every plan."""
    kept = (c if c.op in ("<", ">=") else c.model_copy(update={"value": ""}) for c in where)
    return _AND[lang == "zh"].join(condition(c, lang) for c in kept)


def line_in_words(d: Disposal, lang: str = "en") -> str:
    """What happens to a line, in one phrase."""
    zh = lang == "zh"
    action = ACTIONS[d.action]
    parts = [action.zh if zh else action.en, d.retention_class, anonymised(d, lang)]
    for name_zh, name_en, value in (("保存至", "keep until", d.keep_until and day(d.keep_until)),
                                    ("不早于", "not before", d.not_before), ("移交", "to", d.receiver),
                                    ("保全", "hold", ", ".join(d.holds))):
        if value:
            parts.append(f"{name_zh if zh else name_en} {value}")
    return ("," if zh else ", ").join(p for p in parts if p)


def compare(before: Plan, after: Plan, lang: str = "en") -> tuple[Moved, ...]:
    """What moves from one plan to the other, by table; lines that only got another number do not count."""
    out = []
    a, b = _by_table(before, lang), _by_table(after, lang)
    for table in sorted(set(a) | set(b)):
        old, new = a.get(table, []), b.get(table, [])
        gone = [x for x in old if x[:2] not in {y[:2] for y in new}]
        come = [y for y in new if y[:2] not in {x[:2] for x in old}]
        for x, y in _pairs(gone, come):
            rules = tuple(sorted({r for z in (x, y) if z for r in z[2]}))
            out.append(Moved(_word("disposal", lang), table, _what(x, y, lang), _shown(x, lang), _shown(y, lang), rules))
    for kind, read in (("duty", _duties), ("gate", _gates), ("pack", _packs)):
        out += _mapping(kind, read(before, lang), read(after, lang), lang)
    return tuple(out)


def _pairs(gone: list[_Line], come: list[_Line]) -> Iterator[tuple[_Line | None, _Line | None]]:
    """The same rows before and after side by side; then what only one of the plans has, in its order."""
    later = {y[0]: y for y in come}
    for x in gone:
        yield x, later.pop(x[0], None)
    for y in come:
        if y[0] in later:
            yield None, y


def _duties(p: Plan, lang: str) -> dict[str, str]:
    return {d.id: str(d.due or "–") for d in p.duties}


def _gates(p: Plan, lang: str) -> dict[str, str]:
    return {g.id: f"{_word('open' if g.open else 'shut', lang)} {g.until or ''}".strip() for g in p.gates}


def _packs(p: Plan, lang: str) -> dict[str, str]:
    return {r.id: f"{r.version} ({r.sha256[:8]})" for r in p.packs}


def _word(key: str, lang: str) -> str:
    return _WORDS[key] if lang == "zh" else key


def _what(x: object, y: object, lang: str) -> str:
    return _word("changed" if x and y else "removed" if x else "added", lang)


def _shown(x: _Line | None, lang: str) -> str:
    return f"[{x[0] or _word('all rows', lang)}] {x[1]}" if x else ""


def _by_table(plan: Plan, lang: str) -> dict[str, list[_Line]]:
    out: dict[str, list[_Line]] = defaultdict(list)
    for d in plan.disposals:
        out[d.set.table_id].append((where_in_words(d.set.where, lang), line_in_words(d, lang), tuple(r.id for r in d.rules)))
    return out


def _mapping(kind: str, a: Mapping[str, str], b: Mapping[str, str], lang: str) -> list[Moved]:
    return [Moved(_word(kind, lang), k, _what(a.get(k), b.get(k), lang), a.get(k, ""), b.get(k, ""))
            for k in sorted(set(a) | set(b)) if a.get(k) != b.get(k)]


def columns(lang: str) -> list[str]:
    """Headings of a table of moved things."""
    return ("种类,位置,变化,原,现,规则" if lang == "zh" else "kind,place,change,before,after,rules").split(",")


def compare_table(before: Plan, after: Plan, lang: str = "zh") -> pd.DataFrame:
    """:func:`compare` as a table."""
    import pandas as pd

    rows = [(m.kind, m.place, m.what, m.before, m.after, ", ".join(m.rules)) for m in compare(before, after, lang)]
    return pd.DataFrame(rows, columns=columns(lang))
