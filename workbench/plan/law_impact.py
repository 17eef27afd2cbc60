"""What a change of law does to open cases: which disposals and deadlines move, and by which rule."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from workbench.law.commands import Change, diff_dates, diff_packs, with_pack
from workbench.law.model import Pack
from workbench.plan.compare import Moved, compare
from workbench.plan.simulate import Ground, Scenario


@dataclass(frozen=True)
class Impact:
    """One case under a change of law."""

    case_id: str
    changes: tuple[Change, ...]
    """changed duties among the case's packs"""
    moved: tuple[Moved, ...]


def of_pack(base: Ground, old: Pack, new: Pack, lang: str = "en") -> Impact:
    """The case planned with the old version of a pack against the new one, whichever of them it was planned with."""
    before, after = base.plan(Scenario(pack=old)), base.plan(Scenario(pack=new))
    changes = diff_packs(with_pack(base.packs, old), with_pack(base.packs, new), base.as_of)
    return Impact(base.config.case.id, changes, compare(before, after, lang))


def of_dates(base: Ground, before: dt.date, after: dt.date, lang: str = "en") -> Impact:
    """The case planned on two days: what the law's own dates and the passing of time do together."""
    a, b = base.plan(Scenario(as_of=before)), base.plan(Scenario(as_of=after))
    return Impact(base.config.case.id, diff_dates(base.packs, before, after), compare(a, b, lang))
