"""ANONYMISE: what a person asks for in ``[settings.plan.anonymise]``: rows of a table that stay as statistics.

    [settings.plan.anonymise]
    "shop.customers" = { k = 5, columns = { born = "year", postcode = "prefix 3", income = "band 1000", last_ip = "/24",
                                            gender = "keep", plan = "sensitive" } }

Only what is named still says something: every other column is cleared, but for keys, links and unique columns that hold
nothing personal. PIPL 4 and 73(4): anonymised is what cannot be told to be anybody's and cannot be turned back, so k is
measured afterwards and a table below it does not count as anonymised.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from workbench.case.config import CaseConfig
from workbench.errors import PlanError
from workbench.plan import columns as cols
from workbench.plan.bases import Subject
from workbench.plan.drafts import Draft
from workbench.plan.model import Generalisation
from workbench.plan.texts import both, coarse
from workbench.values import Value

SMALLEST = 5
"""k where none is asked for: classes under five count as small everywhere here"""
_PLAIN = {"month": "month", "year": "year", "keep": "keep", "sensitive": "sensitive", "/24": "ip24"}
_SIZED = re.compile(r"(band|prefix) ([1-9]\d{0,8})")
WRITE = '"month", "year", "band WIDTH", "prefix LENGTH", "/24", "keep" or "sensitive"'


class Asked(Value):
    """One table of the settings."""

    table: str
    k: int
    columns: tuple[Generalisation, ...]


def asked(config: CaseConfig) -> tuple[Asked, ...]:
    """Every table of ``[settings.plan.anonymise]``, in a fixed order.

    Raises:
        PlanError: a word that means nothing here; nothing is guessed.
    """
    given = config.settings.get("plan", {}).get("anonymise", {})
    if not isinstance(given, dict):
        raise PlanError("settings.plan.anonymise is no table", 'write "SOURCE.TABLE" = { columns = { born = "year" } }')
    return tuple(_table(str(name), value) for name, value in sorted(given.items()))


def _table(name: str, value: Any) -> Asked:
    todo = f'write "{name}" = {{ k = 5, columns = {{ COLUMN = "year" }} }}'
    if not isinstance(value, dict) or set(value) - {"k", "columns"} or not isinstance(value.get("columns"), dict):
        raise PlanError(f"settings.plan.anonymise: {name!r} needs columns and may have k", todo)
    k = value.get("k", SMALLEST)
    if not isinstance(k, int) or isinstance(k, bool) or k < 2:
        raise PlanError(f"settings.plan.anonymise: k of {name!r} is no whole number from 2 on", todo)
    found = tuple(_how(name, str(c), how) for c, how in sorted(value["columns"].items()))
    if all(g.how == "sensitive" for g in found):
        raise PlanError(f"settings.plan.anonymise: {name!r} names no column that counts for k",
                        "name one, or leave the table out: its rows are then erased")
    if sum(g.how == "sensitive" for g in found) > 1:
        raise PlanError(f"settings.plan.anonymise: {name!r} has several sensitive columns", "name the one that l is measured on")
    return Asked(table=name, k=k, columns=found)


def _how(table: str, column: str, how: object) -> Generalisation:
    text = str(how).strip()
    if text in _PLAIN:
        return Generalisation(column=column, how=_PLAIN[text])
    if sized := _SIZED.fullmatch(text):
        return Generalisation(column=column, how=sized[1], width=int(sized[2]))
    raise PlanError(f"settings.plan.anonymise: {table}, column {column}: {text!r} is unknown", f"write {WRITE}")


def asked_of(s: Subject, tables: tuple[Asked, ...]) -> Asked | None:
    """What is asked of this table, once it is known to make sense.

    Raises:
        PlanError: a column is not there, or is a key, a link or unique; or the key itself says who somebody is.
    """
    found = next((a for a in tables if a.table == s.id or fnmatchcase(s.id, a.table)), None)
    if found is None:
        return None
    unique = {c for i in s.table.indexes if i.unique for c in i.columns}
    for g in found.columns:
        if s.table.column(g.column) is None:
            raise PlanError(f"settings.plan.anonymise names the column {g.column!r}, which {s.id} has not",
                            "write it as the inventory has it")
        if g.changes and (g.column in s.structural or g.column in unique or s.table.made_of(g.column)):
            raise PlanError(f"{s.id}.{g.column} cannot be made coarser: it is a key, a link, unique or made of other columns",
                            "take it out of settings.plan.anonymise; keys stay, other columns that are not named are cleared")
    telling = sorted({f.column for f in s.findings if f.column in s.structural and f.confidence == "high"})
    if telling:
        raise PlanError(f"{s.id} cannot be anonymised: its key or link {', '.join(telling)} holds personal information and stays",
                        "replace it by a number that means nothing, or take the table out of settings.plan.anonymise")
    return found


def anonymised(d: Draft, a: Asked) -> Draft:
    """The same rows, made coarser instead of erased. Columns that a condition reads stay as they are: it must hold afterwards too."""
    s = d.subject
    used = {c.column for c in d.where} | {c for _, col, _ in d.at for c in col.split(",")}
    d.generalise = tuple(g if g.column not in used else g.model_copy(update={"how": "keep", "width": 0}) for g in a.columns)
    named = {g.column for g in a.columns}
    clear = {*cols.tombstone(s, used), *cols.cleared(s, used)}
    d.suppress = tuple(c.name for c in s.table.columns if c.name in clear and c.name not in named)
    d.action, d.k = "anonymise", a.k
    words = [coarse(g) for g in d.generalise]
    d.why.append(both(
        f"按设置匿名化后留作统计:{'、'.join(w.zh for w in words)};其余列清除;事后测得 k 小于 {a.k} 则不算匿名化。",
        f"As asked, the rows stay as statistics: {', '.join(w.en for w in words)}; other columns are cleared; below k = {a.k}, "
        "measured afterwards, they do not count as anonymised.",
    ))
    return d
