"""SCHEDULE: what has to be looked at again, and since when. The intervals stand in ``[settings.vault]``; house rules, no statute."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from workbench.vault.media import INSPECTED
from workbench.vault.model import DueItem, DueList, MediaCheck, RemoteCopy, RestoreTest, SealedBackup
from workbench.vault.vault import settings

if TYPE_CHECKING:
    from workbench.case import Case


def due(case: Case) -> DueList:
    """Every recurring check of the vault with its last good date and its next one. Needs no key, opens nothing."""
    items = tuple(sorted(_items(case), key=lambda i: (i.next or "", i.what, i.name)))
    return DueList(case_id=case.id, at=case.today().isoformat(), items=items)


def _items(case: Case) -> Iterator[DueItem]:
    options, today = settings(case), case.today()
    check, test = _last_check(case), _last_good(case)

    def item(what: str, name: str, last: dt.date | None, days: int, todo: str) -> DueItem:
        after = last + dt.timedelta(days=days) if last else None
        return DueItem.model_validate({
            "what": what, "name": name, "last": last.isoformat() if last else "", "next": after.isoformat() if after else "",
            "every_days": days, "due": after is None or after <= today, "todo": todo})

    if case.find(SealedBackup) is not None:
        for place in case.config.vault.places:
            yield item("verify", place, check.get(place), options["places_due_days"], f"workbench vault check {case.folder}")
        if options["remote"]:
            sent = [_day(case, c.at) for c in case.history(RemoteCopy) if c.ok and c.url == options["remote"]]
            yield item("verify", options["remote"], sent[-1] if sent else None, options["places_due_days"],
                       f"workbench vault push {case.folder}")
        yield item("restore", "", test, options["restore_due_days"],
                   f"workbench vault restore-test {case.folder} --into sqlite:///NEW.sqlite")
    for n, asset in enumerate(case.config.assets, 1):
        if asset.kind in INSPECTED:
            yield item("inspect", f"asset-{n:03d}", asset.last_inspected, options["inspect_due_days"],
                       "inspect it and write last_inspected in case.toml")


def _last_check(case: Case) -> dict[str, dt.date]:
    """Place -> the day of the last check that found it whole."""
    return {m.name: dt.date.fromisoformat(m.last_inspected) for c in case.history(MediaCheck) for m in c.media
            if m.sort == "place" and m.ok and m.last_inspected}


def _last_good(case: Case) -> dt.date | None:
    """The day, in the case's time zone, of the last restore test in which everything was equal."""
    good = [t.at for t in case.history(RestoreTest) if t.ok]
    return _day(case, good[-1]) if good else None


def _day(case: Case, at: str) -> dt.date:
    return dt.datetime.fromisoformat(at).astimezone(ZoneInfo(case.config.case.timezone)).date()
