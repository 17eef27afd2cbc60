"""READERS: a person outside the vault gets some retention classes, and of them some columns, sealed to their own key.

No key of ours is given away and no reader's key stands in an object of ours: a stored wrap to a living key would outlive
the shredding of what it opens. A reader gets a copy of their own, opened with ``age -d -i THEIR_KEY``; removing a reader
removes it from our places and gives them nothing new. What they took with them nobody can call back, and we say so.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from workbench.errors import ParameterError, VaultError
from workbench.values import Value
from workbench.vault import age
from workbench.vault.archive import archived_parts
from workbench.vault.backup import parquet_parts
from workbench.vault.model import ArchivedRows, SealedObject
from workbench.vault.rewrite import base_label
from workbench.vault.store import BLOCK
from workbench.vault.vault import ARCHIVE, Vault, open_vault
from workbench.vault.writer import Slab, put_direct

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.case import Case

JOURNAL = "readers"
PAST_ZH = "副本已从各封存位置删除，今后不再给予；此人已取走的副本无法收回，请其书面确认已销毁。"
PAST_EN = ("the copy was removed from every place and nothing more will be given; what this reader took away cannot be called "
           "back: have them confirm its destruction in writing.")


class ReaderCopy(Value):
    """What one reader was given, or that it was taken back."""

    case_id: str
    reader: str
    recipient: str
    """their public age key"""
    classes: tuple[str, ...]
    columns: tuple[str, ...]
    """empty: all"""
    tables: tuple[str, ...]
    rows: int
    objects: int
    at: str
    reason: str
    removed_at: str = ""


def add_reader(case: Case, reader: str, recipient: str, classes: Collection[str], reason: str, *,
               columns: Collection[str] = ()) -> ReaderCopy:
    """Seal a copy of ``classes`` (of ``columns`` only, when named) to a reader's age key, in every place.

    A reader who has a copy gets a new one instead.

    Raises:
        ParameterError: the name or the key is none. VaultError: no such class or column in the archive, or its key is gone.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,47}", reader):
        raise ParameterError("a reader is named by small letters, digits, - and _", "e.g. court-clerk")
    key = age.recipient_of(recipient)
    with case.step("add_reader") as run, open_vault(case) as vault:
        chosen = [a for a in _archived(vault) if base_label(a.retention_class) in classes]
        lacking = set(classes) - {a.retention_class for a in chosen}
        if lacking or not chosen:
            raise VaultError(f"the archive has no retention class {min(lacking, default='')!r}", "see the archive's classes")
        unknown = set(columns) - {c for a in chosen for c in a.columns}
        if unknown:
            raise VaultError(f"no table of these classes has a column {min(unknown)!r}", "see the archive's columns")
        _remove(vault, reader)
        copy = _give(vault, reader, recipient, key, chosen, tuple(sorted(classes)), tuple(columns), reason)
        case.save(copy)
        run.note(reader=reader, rows=copy.rows, objects=copy.objects)
        return copy


def remove_reader(case: Case, reader: str) -> ReaderCopy:
    """Remove a reader's copy from every place.

    Raises: VaultError when that reader has none.
    """
    with case.step("remove_reader") as run, open_vault(case) as vault:
        had = next((c for c in readers(vault) if c.reader == reader), None)
        if had is None:
            raise VaultError(f"there is no reader {reader!r}", f"workbench vault readers {case.folder}")
        _remove(vault, reader)
        gone = had.model_copy(update={"removed_at": case.now()})
        case.save(gone)
        run.note(reader=reader)
        return gone


def readers(vault: Vault) -> tuple[ReaderCopy, ...]:
    """Copies that are out."""
    out: dict[str, ReaderCopy] = {}
    for line in vault.journal(JOURNAL):
        if "given" in line:
            out[line["given"]["reader"]] = ReaderCopy(**line["given"])
        else:
            out.pop(line["removed"], None)
    return tuple(out.values())


def recall(vault: Vault, tables: Collection[str]) -> tuple[str, ...]:
    """Remove every copy that holds one of ``tables`` (``source.table``), because rows of it were shredded; their readers."""
    found = tuple(c.reader for c in readers(vault) if set(c.tables) & set(tables))
    for reader in found:
        _remove(vault, reader)
    return found


def _archived(vault: Vault) -> list[ArchivedRows]:
    rows = [ArchivedRows(**line["archived"]) for line in vault.journal(ARCHIVE) if "archived" in line]
    return [a for a in rows if a.objects and vault.slot_of(ARCHIVE, a.objects[0].id)]


def _give(vault: Vault, reader: str, recipient: str, key: bytes, chosen: list[ArchivedRows], classes: tuple[str, ...],
          columns: tuple[str, ...], reason: str) -> ReaderCopy:
    set_id = f"{JOURNAL}/{reader}"
    folder = vault.set_folder(0, set_id)
    objects: list[SealedObject] = []
    listing: list[dict[str, Any]] = []
    for rows in chosen:
        names = [c for c in rows.columns if not columns or c in columns]
        if not names:
            continue
        mine = [_put(folder, part, key) for part in parquet_parts(_only(vault, rows, names), _limit(vault))]
        objects += mine
        listing.append({"class": rows.retention_class, "table": f"{rows.source}.{rows.table}", "columns": names,
                        "rows": rows.rows, "objects": [o.path for o in mine]})
    text = "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in listing)
    objects.append(_put(folder, memoryview(text.encode()), key))
    vault.spread(set_id, objects)
    copy = ReaderCopy(
        case_id=vault.case.id, reader=reader, recipient=recipient, classes=classes, columns=columns,
        tables=tuple(sorted({str(x["table"]) for x in listing})), rows=sum(int(x["rows"]) for x in listing),
        objects=len(objects), at=vault.case.now(), reason=reason)
    vault.note(JOURNAL, {"given": copy.model_dump()})
    return copy


def _limit(vault: Vault) -> int:
    return int(vault.options["object_mib"]) * 1024 * 1024


def _only(vault: Vault, rows: ArchivedRows, names: list[str]) -> Iterator[pa.RecordBatch]:
    from workbench.vault.restoring import parquet_batches

    for part in archived_parts(vault, rows):
        for batch in parquet_batches(part):
            yield batch.select(names)


def _put(folder: Any, plain: memoryview, key: bytes) -> SealedObject:
    return put_direct(folder, (plain.cast("B"),), plain.nbytes, key, Slab(age.sealed_size(plain.nbytes) + BLOCK))


def _remove(vault: Vault, reader: str) -> None:
    for n in range(len(vault.places)):
        folder = vault.set_folder(n, f"{JOURNAL}/{reader}")
        if folder.is_dir():
            shutil.rmtree(folder)
    if any(c.reader == reader for c in readers(vault)):
        vault.note(JOURNAL, {"removed": reader})
