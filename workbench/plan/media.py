"""Devices, media, paper and partners' copies: destroyed or returned, with a certificate."""

from __future__ import annotations

import datetime as dt

from workbench.case.config import Asset, CaseConfig
from workbench.plan.model import Disposal, RecordSet
from workbench.plan.texts import both

SOURCE = "assets"
_HOW = {
    "device": (
        "purge",
        "逐台清除或销毁存储部件,记录序列号",
        "purge or destroy the storage of each device; note the serial number",
    ),
    "medium": ("destroy", "销毁介质,双人在场", "destroy the medium, two people present"),
    "paper": ("destroy", "碎纸销毁,列清册并监销", "shred; list and supervise"),
    "partner": ("certificate", "要求返还或删除并出具证明", "have it returned or deleted, with a certificate"),
    "cloud": (
        "cryptographic erase",
        "删除实例、快照和备份,销毁密钥",
        "delete instances, snapshots and backups, destroy keys",
    ),
    "other": ("destroy", "按清册处置", "dispose of by list"),
}


def media(config: CaseConfig, offset: int, as_of: dt.date, not_before: dt.date | None) -> tuple[Disposal, ...]:
    """One line per asset of case.toml that no source reads; held ones are left alone."""
    out = []
    for n, a in enumerate(sorted(config.assets, key=lambda a: (a.kind, a.name, a.serial))):
        out.append(_line(a, f"D{offset + n + 1:03d}", config, as_of, not_before))
    return tuple(out)


def _line(a: Asset, id_: str, config: CaseConfig, as_of: dt.date, not_before: dt.date | None) -> Disposal:
    from fnmatch import fnmatchcase

    method, zh, en = _HOW[a.kind]
    holds = tuple(
        sorted(
            h.id
            for h in config.holds
            if (h.until is None or h.until >= as_of) and any(fnmatchcase(f"{SOURCE}.{a.name}", g) for g in h.covers)
        )
    )
    if holds:
        return Disposal(
            id=id_,
            set=RecordSet(source=SOURCE, table=a.name),
            action="ask",
            level="none",
            holds=holds,
            who="approver",
            reason=both("保全令覆盖,暂不处置。", "A hold covers it; not disposed of."),
        )
    wish = f"({a.disposal})" if a.disposal else ""
    return Disposal(
        id=id_,
        set=RecordSet(source=SOURCE, table=a.name),
        action="destroy_medium",
        level="volume",
        method=method,
        importance=3 if a.encrypted == "no" else 2,
        not_before=not_before,
        who=a.keeper or "operator",
        delete_by=config.dates.deregistration,
        reason=both(f"{zh}{wish}。", f"{en}{' ' + wish if wish else ''}."),
    )
