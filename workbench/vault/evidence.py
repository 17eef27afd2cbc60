"""EVIDENCE that the vault gathers, for the risk room."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from workbench.risk.evidence import Evidence

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.vault.model import MediaCheck, RestoreTest, SealedBackup, WindowClosed
    from workbench.vault.vault import Vault


def _item(case: Case, item: str, value: float, sha256: str = "", note: str = "") -> Evidence:
    return Evidence(item=item, value=value, at=case.now(), by="vault", sha256=sha256, note=note)


def backup_evidence(case: Case, vault: Vault, backup: SealedBackup) -> list[Evidence]:
    """Share of sources sealed, copies, share of sealed bytes that are encrypted and were opened once."""
    sealed = {t.source for t in backup.tables}
    share = len(sealed & {s.name for s in case.config.sources}) / len(case.config.sources)
    return [
        _item(case, "backup.coverage", share, backup.digest),
        _item(case, "backup.age_days", 0.0, backup.digest),
        _item(case, "backup.copies", len(vault.places), backup.digest),
        _item(case, "backup.encrypted", 1.0, backup.digest, "each object was read back and compared after writing"),
    ]


def restore_evidence(case: Case, test: RestoreTest) -> list[Evidence]:
    """Share of tables and files that came back equal."""
    share = sum(c.equal for c in test.tables) / max(1, len(test.tables))
    return [_item(case, "backup.restore_tested", share, test.digest, f"against {test.against}")]


def media_evidence(case: Case, check: MediaCheck) -> list[Evidence]:
    """Share of media without a finding, how many inspections are due, how old the backup is.

    A restore test that is overdue counts as none: what opened long ago may not open today.
    """
    from workbench.vault.model import SealedBackup
    from workbench.vault.schedule import due

    good = sum(m.ok for m in check.media) / max(1, len(check.media))
    found = [_item(case, "media.sound", good, check.digest),
             _item(case, "media.due", sum(m.due for m in check.media), check.digest)]
    backup = case.find(SealedBackup)
    if backup is not None:
        age = dt.datetime.fromisoformat(check.at) - dt.datetime.fromisoformat(backup.sealed_at)
        found.append(_item(case, "backup.age_days", float(age.days), backup.digest))
    test = next((i for i in due(case).items if i.what == "restore"), None)
    if test is not None and test.due:
        found.append(_item(case, "backup.restore_tested", 0.0, check.digest, f"last good restore: {test.last or 'never'}"))
    return found


def window_evidence(case: Case, closed: WindowClosed) -> list[Evidence]:
    """The backup can no longer be opened by anyone."""
    return [_item(case, "backup.shredded", 1.0, closed.digest, closed.holders[0].strength if closed.holders else "")]
