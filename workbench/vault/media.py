"""MEDIA: every place that holds sealed sets and every recorded medium, looked at and dated."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.vault import store
from workbench.vault.model import MediaCheck, MediumChecked
from workbench.vault.smart import smart_below
from workbench.vault.vault import settings

if TYPE_CHECKING:
    from workbench.case import Case

INSPECTED = ("device", "medium", "paper")
"""kinds of assets that somebody can go and look at"""
_ZH = {
    "is not there": "不存在", "is not encrypted": "未加密", "not known to be encrypted": "未知是否加密", "no keeper named": "未指定保管人",
    "inspection is due": "应检查",
    "the disk reports errors (SMART)": "磁盘自检报告错误（SMART）",
    "missing": "缺失", "changed": "被改动", "size": "大小不符", "extra": "多余文件", "manifest": "清单不符", "link": "链接",
    "unreadable": "无法读取", "temporary": "临时文件", "yes": "是", "no": "否", "unknown": "未知", "place": "封存位置", "device": "设备",
    "medium": "介质", "paper": "纸质", "partner": "合作方", "cloud": "云",
    "other": "其他", "sound": "完好",
    "inspect it and write last_inspected in case.toml": "检查后在 case.toml 写明 last_inspected",
    "verify": "核对", "restore": "恢复测试", "inspect": "检查",
}


def in_words(text: str, lang: str) -> str:
    """A result, sort or state of a medium in the language; ``OBJECT: PROBLEM`` keeps the object's name.

    >>> in_words("a/b.age: missing", "zh"), in_words("inspection is due", "zh"), in_words("no", "en")
    ('a/b.age: 缺失', '应检查', 'no')
    """
    if lang != "zh":
        return text
    head, colon, last = text.rpartition(": ")
    return f"{head}{colon}{_ZH.get(last, last)}"


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
    disk, smart = os.statvfs(folder), smart_below(folder)
    told = [f"{p.object}: {p.problem}" for p in problems[:50]]
    if smart.offered and (not smart.passed or smart.findings):
        told.append("the disk reports errors (SMART)")
    return MediumChecked(
        name=text, sort="place", ok=not told, smart=smart, encrypted=encrypted, free_bytes=disk.f_bavail * disk.f_frsize,
        objects=sum(1 for _ in store.sealed_files(folder)),
        problems=tuple(told), last_inspected=case.today().isoformat())


def _asset(case: Case, number: int) -> MediumChecked:
    asset = case.config.assets[number]
    last = asset.last_inspected
    due = asset.kind in INSPECTED and (last is None or case.today() - last > dt.timedelta(days=settings(case)["inspect_due_days"]))
    problems = []
    if asset.encrypted != "yes" and asset.kind in ("device", "medium"):
        problems.append("is not encrypted" if asset.encrypted == "no" else "not known to be encrypted")
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
