"""VAULT: what must be kept is unreadable without keys, provably restorable, and destroyed by destroying a key.

In: a case with sources, two places and a passphrase. Out: a sealed backup of everything, a sealed archive of what is
kept by retention class, restore tests, media checks; and in the end the proof that the backup's keys are gone.

    backup = protect(case)            # seal, copy, verify; resumes after a crash
    restore_test(case).ok             # open all of it from the last place, compare with the source
    verify_sealed(folder)             # without keys: which object was changed
    close_window(case)                # shred the backup's keys; the archive still opens
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.vault.archive import SealedArchive, archive_rows, archived_batches
    from workbench.vault.backup import protect
    from workbench.vault.media import check_media
    from workbench.vault.model import (
        ArchivedRows,
        MediaCheck,
        Problem,
        RestoreTest,
        SealedBackup,
        SealedObject,
        Shredded,
        WindowClosed,
    )
    from workbench.vault.restoring import open_object, restore, restore_test
    from workbench.vault.shred import close_window, shred_class
    from workbench.vault.store import verify_sealed

_WHERE = {
    "archive": ("SealedArchive", "archive_rows", "archived_batches"),
    "backup": ("protect",),
    "media": ("check_media",),
    "model": ("ArchivedRows", "MediaCheck", "Problem", "RestoreTest", "SealedBackup", "SealedObject", "Shredded",
              "WindowClosed"),
    "restoring": ("open_object", "restore", "restore_test"),
    "shred": ("close_window", "shred_class"),
    "store": ("verify_sealed",),
}

__all__ = [
    "ArchivedRows", "MediaCheck", "Problem", "RestoreTest", "SealedArchive", "SealedBackup", "SealedObject",
    "Shredded", "WindowClosed", "archive_rows", "archived_batches", "check_media", "close_window", "open_object",
    "protect", "restore", "restore_test", "shred_class", "verify_sealed",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for module, names in _WHERE.items():
        if name in names:
            return getattr(import_module(f"workbench.vault.{module}"), name)
    raise AttributeError(name)
