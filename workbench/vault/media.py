"""MEDIA: every place that holds sealed sets and every recorded medium, looked at and dated."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.vault import store
from workbench.vault.model import MediaCheck, MediumChecked
from workbench.vault.vault import settings

if TYPE_CHECKING:
    from workbench.case import Case

INSPECT_DAYS = 365
"""recorded media not inspected for this long are due; a house rule, not a statute"""


def check_media(case: Case) -> MediaCheck:
    """Verify every place without keys, and list the recorded devices, media and papers with what is due.

    Needs no passphrase; changes nothing.
    """
    from workbench.vault.evidence import media_evidence

    with case.step("check_media") as run:
        media = tuple(_place(case, text) for text in case.config.vault.places)
        media += tuple(_asset(case, n) for n in range(len(case.config.assets)))
        result = MediaCheck(case_id=case.id, at=case.now(), media=media, ok=all(m.ok for m in media))
        case.save(result)
        run.note(media=len(media), due=sum(m.due for m in media), ok=result.ok)
        case.evidence("vault-media", media_evidence(case, result))
        return result


def _place(case: Case, text: str) -> MediumChecked:
    folder = case.resolve(text)
    if not folder.is_dir():
        return MediumChecked(name=text, sort="place", ok=False, problems=("is not there",), due=True)
    problems = store.verify_sealed(folder)
    encrypted = encrypted_below(folder)
    disk = os.statvfs(folder)
    return MediumChecked(
        name=text, sort="place", ok=not problems, encrypted=encrypted, free_bytes=disk.f_bavail * disk.f_frsize,
        objects=sum(1 for _ in folder.rglob("*.age")),
        problems=tuple(f"{p.object}: {p.problem}" for p in problems[:50]),
        last_inspected=case.today().isoformat(), due=bool(settings(case)["places_due_days"] <= 0))


def _asset(case: Case, number: int) -> MediumChecked:
    asset = case.config.assets[number]
    last = asset.last_inspected
    due = last is None or case.today() - last > dt.timedelta(days=INSPECT_DAYS)
    problems = []
    if asset.encrypted != "yes" and asset.kind in ("device", "medium"):
        problems.append("not known to be encrypted")
    if not asset.keeper:
        problems.append("no keeper named")
    if due:
        problems.append("inspection is due")
    return MediumChecked(name=f"asset-{number + 1:03d}", sort=asset.kind, ok=not problems, encrypted=asset.encrypted,
                         problems=tuple(problems), last_inspected=last.isoformat() if last else "", due=due)


def encrypted_below(folder: Path) -> str:
    """Whether the block device under ``folder`` is dm-crypt, as Linux tells it: yes, no or unknown."""
    try:
        device = folder.stat().st_dev
        base = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
        uuid = (base / "dm" / "uuid").read_text()
    except OSError:
        return "unknown"
    return "yes" if uuid.startswith("CRYPT-") else "unknown"
