"""Two plans side by side: which sets of records and which deadlines move."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.plan.model import Condition, Disposal, Plan

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Moved:
    """A line, a duty or a gate that differs. what: added, removed, changed."""

    kind: str
    place: str
    what: str
    before: str
    after: str
    rules: tuple[str, ...] = ()


def where_in_words(where: tuple[Condition, ...]) -> str:
    """Conditions without the ids of other lines, which change with every plan."""
    return " and ".join(f"{c.column} {c.op} {c.value if c.op in ('<', '>=') else ''}".strip() for c in where)


def line_in_words(d: Disposal) -> str:
    """What happens to a line, in one phrase."""
    parts = [d.action, d.retention_class, d.keep_until and f"keep until {d.keep_until}", d.not_before and f"not before {d.not_before}",
             d.receiver and f"to {d.receiver}", d.holds and f"hold {', '.join(d.holds)}"]
    return ", ".join(str(p) for p in parts if p)


def compare(before: Plan, after: Plan) -> tuple[Moved, ...]:
    """What moves from one plan to the other, by table; lines that only got another number do not count."""
    out = []
    a, b = _by_table(before), _by_table(after)
    for table in sorted(set(a) | set(b)):
        old, new = a.get(table, []), b.get(table, [])
        gone = [x for x in old if x[:2] not in {y[:2] for y in new}]
        come = [y for y in new if y[:2] not in {x[:2] for x in old}]
        for i in range(max(len(gone), len(come))):
            x = gone[i] if i < len(gone) else None
            y = come[i] if i < len(come) else None
            what = "changed" if x and y else "removed" if x else "added"
            rules = tuple(sorted({r for z in (x, y) if z for r in z[2]}))
            out.append(Moved("disposal", table, what, _shown(x), _shown(y), rules))
    duties = ({d.id: str(d.due or "–") for d in p.duties} for p in (before, after))
    gates = ({g.id: f"{'open' if g.open else 'shut'} {g.until or ''}".strip() for g in p.gates} for p in (before, after))
    out += _mapping("duty", *duties)
    out += _mapping("gate", *gates)
    return tuple(out)


def _shown(x: tuple[str, str, tuple[str, ...]] | None) -> str:
    return f"[{x[0] or 'all rows'}] {x[1]}" if x else ""


def _by_table(plan: Plan) -> dict[str, list[tuple[str, str, tuple[str, ...]]]]:
    out: dict[str, list[tuple[str, str, tuple[str, ...]]]] = defaultdict(list)
    for d in plan.disposals:
        out[d.set.table_id].append((where_in_words(d.set.where), line_in_words(d), tuple(r.id for r in d.rules)))
    return out


def _mapping(kind: str, a: Mapping[str, str], b: Mapping[str, str]) -> list[Moved]:
    out = []
    for k in sorted(set(a) | set(b)):
        if a.get(k) != b.get(k):
            what = "changed" if k in a and k in b else "removed" if k in a else "added"
            out.append(Moved(kind, k, what, a.get(k, ""), b.get(k, "")))
    return out


def compare_table(before: Plan, after: Plan, lang: str = "zh") -> pd.DataFrame:
    """:func:`compare` as a table."""
    import pandas as pd

    names = "种类,位置,变化,原,现,规则" if lang == "zh" else "kind,place,change,before,after,rules"
    rows = [(m.kind, m.place, m.what, m.before, m.after, ", ".join(m.rules)) for m in compare(before, after)]
    return pd.DataFrame(rows, columns=names.split(","))
