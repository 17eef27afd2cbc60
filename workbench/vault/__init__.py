"""VAULT: what must be kept is unreadable without keys, provably restorable, and destroyed by destroying a key.

In: a case with sources, two places and a passphrase. Out: a sealed backup of everything, a sealed archive of what is
kept by retention class, restore tests, media checks; and in the end the proof that the backup's keys are gone.

    backup = protect(case)            # seal, copy, verify; resumes after a crash
    restore_test(case).ok             # open all of it from the last place, compare with the source
    restore_into(case, "sqlite:///new.sqlite").ok  # load all of it into an empty database, read it back, compare
    verify_sealed(folder)             # without keys: which object was changed
    repair(case)                      # from the place where it is whole
    due(case)                         # what has to be looked at again, and when
    shred_person(case, {"shop.customers": {"id": [7]}}, "request 7")
    close_window(case)                # shred the backup's keys; the archive still opens
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.vault.archive import SealedArchive, archive_rows, archived_batches
    from workbench.vault.backup import protect
    from workbench.vault.media import check_media
    from workbench.vault.mending import repair
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
    from workbench.vault.readers import add_reader, remove_reader
    from workbench.vault.restoring import open_object, restore, restore_test
    from workbench.vault.schedule import due
    from workbench.vault.selective import shred_person, shred_table
    from workbench.vault.shred import close_window, shred_class
    from workbench.vault.store import verify_sealed
    from workbench.vault.trial import restore_into

_WHERE = {
    "archive": ("SealedArchive", "archive_rows", "archived_batches"),
    "backup": ("protect",),
    "media": ("check_media",),
    "model": ("ArchivedRows", "MediaCheck", "Problem", "RestoreTest", "SealedBackup", "SealedObject", "Shredded",
              "WindowClosed"),
    "readers": ("add_reader", "remove_reader"),
    "mending": ("repair",),
    "schedule": ("due",),
    "restoring": ("open_object", "restore", "restore_test"),
    "selective": ("shred_person", "shred_table"),
    "shred": ("close_window", "shred_class"),
    "store": ("verify_sealed",),
    "trial": ("restore_into",),
}

__all__ = [
    "ArchivedRows", "MediaCheck", "Problem", "RestoreTest", "SealedArchive", "SealedBackup", "SealedObject",
    "Shredded", "WindowClosed", "add_reader", "archive_rows", "archived_batches", "check_media", "close_window", "due",
    "open_object", "protect", "remove_reader", "repair", "restore", "restore_into", "restore_test", "shred_class",
    "shred_person", "shred_table", "verify_sealed",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for module, names in _WHERE.items():
        if name in names:
            return getattr(import_module(f"workbench.vault.{module}"), name)
    raise AttributeError(name)
