"""SHRED: what is sealed stops being readable because its key is destroyed; what must be kept opens before and after.

Order: hold check, intent in the ledger, new table and epoch written and tested, old epoch destroyed, outcome.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.errors import VaultError
from workbench.vault.keys import KeyTable, Slot
from workbench.vault.model import SealedBackup, SealedObject, Shredded, WindowClosed
from workbench.vault.rewrite import base_label
from workbench.vault.vault import ARCHIVE, Vault, label_of, open_vault

if TYPE_CHECKING:
    from workbench.case import Case


def holds_on(case: Case, tables: set[str]) -> tuple[str, ...]:
    """Ids of the legal holds in force today that cover any of ``tables`` (``source.table``)."""
    today = case.today()
    return tuple(h.id for h in case.config.holds
                 if h.since <= today and (h.until is None or today <= h.until)
                 and any(fnmatch.fnmatch(t, pattern) for t in tables for pattern in h.covers))


def close_window(case: Case) -> WindowClosed:
    """Destroy every key of every backup. Afterwards the archive opens and nothing of the backups does.

    Returns the first result when the window is closed already.

    Raises:
        VaultError: a legal hold covers something in the backup; the archive does not open; no passphrase.
    """
    from workbench.vault.evidence import window_evidence

    with case.step("close_window") as run, open_vault(case) as vault:
        backup = case.load(SealedBackup)
        first = case.find(WindowClosed)
        doomed = {k for k, s in vault.keys.slots.items() if s.set.startswith("backup-")}
        if not doomed and first is not None and backup.set_id in first.set_ids:
            case.save(first)
            run.note(repeated=True)
            return first
        holding = holds_on(case, {f"{t.source}.{t.table}" for t in backup.tables})
        if holding:
            raise VaultError(f"legal hold {holding[0]} covers data in the backup; the window stays open",
                             "end the hold in case.toml (until = ...) when whoever ordered it agrees")
        planned = vault.journal("shreds")
        if not doomed and not any(line["what"] == "window" for line in planned):
            raise VaultError("the backup has no keys here", "was the key table brought from another case?")
        opened = [0]

        def test(keys: KeyTable) -> None:
            opened[0] = _archive_opens(vault, keys)

        sets = {s["set"] for s in vault.journal("backups")}
        old = vault.keys.epoch
        if doomed:
            vault.note("shreds", {"what": "window", "slots": len(doomed), "epoch": old, "at": case.now()})
            vault.keys.shred(doomed, test)
        else:
            line = [x for x in planned if x["what"] == "window"][-1]
            old, doomed = line["epoch"], set(map(str, range(line["slots"])))
            test(vault.keys)
        closed = WindowClosed(
            case_id=case.id, set_ids=tuple(sorted(sets)), at=case.now(), slots=len(doomed), epoch_destroyed=old,
            epoch=vault.keys.epoch, archive_opens=opened[0], holders=vault.keys.strengths())
        case.save(closed)
        run.note(slots=closed.slots, epoch_destroyed=old, archive_opens=opened[0])
        case.evidence("vault-window", window_evidence(case, closed))
        return closed


def shred_class(case: Case, retention_class: str, reason: str) -> Shredded:
    """Destroy one retention class of the archive by its key, for instance when its term has ended.

    Raises:
        VaultError: no such class, or a legal hold covers a table in it.
    """
    from workbench.vault.readers import recall

    with case.step("shred_class") as run, open_vault(case) as vault:
        rows = [line["archived"] for line in vault.journal(ARCHIVE)
                if line.get("archived", {}).get("retention_class") == retention_class]
        if not rows:
            raise VaultError(f"the archive has no retention class {retention_class!r}", "see the archive's classes")
        holding = holds_on(case, {f"{r['source']}.{r['table']}" for r in rows})
        if holding:
            raise VaultError(f"legal hold {holding[0]} covers this retention class", "end the hold first")
        result = _shred(vault, retention_class, reason,
                        lambda s: s.set == ARCHIVE and base_label(s.label) == retention_class)
        result = result.model_copy(update={"readers": recall(vault, {f"{r['source']}.{r['table']}" for r in rows})})
        case.save(result)
        run.note(slots=result.slots, epoch=result.epoch)
        return result


def _shred(vault: Vault, what: str, reason: str, doomed: Callable[[Slot], bool]) -> Shredded:
    gone = {k for k, s in vault.keys.slots.items() if doomed(s)}
    if gone:
        vault.note("shreds", {"what": what, "slots": len(gone), "epoch": vault.keys.epoch, "at": vault.case.now()})
        vault.keys.shred(gone, lambda keys: _check(vault, keys))
    return Shredded(case_id=vault.case.id, what=what, reason=reason, at=vault.case.now(), slots=len(gone),
                    epoch=vault.keys.epoch, holders=vault.keys.strengths())


def _check(vault: Vault, keys: KeyTable) -> None:
    _archive_opens(vault, keys)


def _archive_opens(vault: Vault, keys: KeyTable) -> int:
    """Open every archive object whose key is still in ``keys``; raises when one does not open."""
    labels = {s.label: s.key for s in keys.slots.values() if s.set == ARCHIVE}
    count = 0
    for line in vault.journal(ARCHIVE):
        if label_of(line) in labels:
            for o in line["objects"]:
                vault.read(ARCHIVE, SealedObject(**o), labels[label_of(line)])
                count += 1
    return count
