"""PLACE: what a certificate says of a store's surroundings: the volume under it, and copies that lie outside its own files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.erasure.model import KnownCopy, Preflight

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.plan.model import Disposal

OUTSIDE = ("archive", "backup", "copy", "log", "replica", "slot")
"""checks of the preflight that name a copy"""
COPYING = ("btrfs", "zfs", "overlay", "bcachefs")
"""file systems that write elsewhere instead of over the old bytes"""


def volume_of(case: Case, source: str, path: Path | None) -> str:
    """The volume's id as the operator gave it (``[settings.erase.volumes]``), else what the kernel says of the mount."""
    given = case.settings("erase").get("volumes", {})
    if isinstance(given, dict) and source in given:
        return str(given[source])[:200]
    if path is None:
        return ""
    try:
        device = path.stat().st_dev
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    number = f"{os.major(device)}:{os.minor(device)}"
    kind = next((w[w.index("-") + 1] for w in map(str.split, lines) if w[2] == number), "unknown")
    return f"{kind}, device {number}{_uuid(device)}"


def _uuid(device: int) -> str:
    folder = Path("/dev/disk/by-uuid")
    for link in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            if link.stat().st_rdev == device:
                return f", uuid {link.name}"
        except OSError:
            continue
    return ""


def copies(case: Case, d: Disposal, checks: Iterable[Preflight]) -> Iterator[KnownCopy]:
    """Every copy that is known of: sealed ones, what the preflight saw beside the store, and those of partners."""
    from workbench.vault.model import SealedBackup

    backup = case.find(SealedBackup)
    if backup is not None and any(t.source == d.set.source for t in backup.tables):
        yield KnownCopy(
            sort="sealed backup", name=f"{backup.set_id}, {backup.kek}, {len(backup.places)} x",
            zh="加密；恢复窗口关闭前可打开，届时销毁密钥（账本：window-closed）",
            en="encrypted; opens until the restore window is closed, which destroys its keys (ledger: window-closed)")
    if d.action in ("lock", "hand_over"):
        until = d.keep_until.isoformat() if d.keep_until else ""
        yield KnownCopy(
            sort="sealed archive", name=d.retention_class or f"hand-over/{d.receiver}",
            zh=f"加密封存{f'至 {until}' if until else ''}，到期销毁该类密钥",
            en=f"sealed{f' until {until}' if until else ''}; then the key of that class is destroyed")
    for c in checks:
        if c.source == d.set.source and c.check in OUTSIDE:
            yield KnownCopy(sort=c.check, name=c.object, zh=c.zh, en=c.en + (f"; to do: {c.todo}" if c.todo else ""))
    for a in case.config.assets:
        if a.kind in ("partner", "cloud"):
            yield KnownCopy(sort=a.kind, name=a.name, zh="不在本证明内；计划中有单独行项，凭其证明处置",
                            en="not covered here; a line of its own in the plan, disposed of against its own certificate")
