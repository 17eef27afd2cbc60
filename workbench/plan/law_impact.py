"""What a change of law does to open cases: which disposals and deadlines move, and by which rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.law.commands import Change, diff_dates, diff_packs, with_pack
from workbench.law.model import Pack
from workbench.plan.compare import Moved, compare
from workbench.plan.simulate import Ground, Scenario, ground

if TYPE_CHECKING:
    from workbench.case import Case


@dataclass(frozen=True)
class Impact:
    """One case under a change of law."""

    case_id: str
    changes: tuple[Change, ...]
    """changed duties among the case's packs"""
    moved: tuple[Moved, ...]


def of_pack(base: Ground, old: Pack, new: Pack | None = None) -> Impact:
    """The case planned with the old version of a pack against the new one (the loaded one when None)."""
    newer = with_pack(base.packs, new) if new else base.packs
    before = base.plan(Scenario(pack=old))
    after = base.plan(Scenario(pack=new) if new else None)
    changes = diff_packs(with_pack(newer, old), newer, base.as_of)
    return Impact(base.config.case.id, changes, compare(before, after))


def of_dates(base: Ground, before: dt.date, after: dt.date) -> Impact:
    """The case planned on two days: what the law's own dates and the passing of time do together."""
    a, b = base.plan(Scenario(as_of=before)), base.plan(Scenario(as_of=after))
    return Impact(base.config.case.id, diff_dates(base.packs, before, after), compare(a, b))


def over_cases(cases: Iterable[Case], old: Pack, new: Pack | None = None) -> tuple[Impact, ...]:
    """Each open case's impact."""
    return tuple(of_pack(ground(c), old, new) for c in cases)
