"""ARCHIVE: rows that a duty keeps, sealed under one key per retention class; it outlives the backup and the company."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from workbench.errors import VaultError
from workbench.values import Value
from workbench.vault import store
from workbench.vault.backup import _watched, parquet_parts
from workbench.vault.digest import ContentDigest
from workbench.vault.model import ArchivedRows, SealedObject
from workbench.vault.restoring import parquet_batches
from workbench.vault.vault import ARCHIVE, Vault, open_vault

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.case import Case


class SealedArchive(Value):
    """Everything in the archive so far, and the digest of its SHA256SUMS."""

    case_id: str
    rows: tuple[ArchivedRows, ...]
    objects: int
    bytes: int
    manifest_sha256: str
    classes: tuple[str, ...]
    custodian: str = ""


def archive_rows(case: Case, batches: Iterable[pa.RecordBatch], *, disposal: str, source: str, table: str,
                 retention_class: str, columns: tuple[str, ...], keep_until: str = "", plan: str = "") -> ArchivedRows:
    """Seal rows of one disposal into the archive and prove that they open; the first call's result is kept.

    ``batches`` hold exactly ``columns``. A repetition for the same plan and disposal returns the first without
    reading ``batches``.
    """
    with open_vault(case, create=True) as vault:
        return add_rows(vault, batches, disposal=disposal, source=source, table=table,
                        retention_class=retention_class, columns=columns, keep_until=keep_until, plan=plan)


def add_rows(vault: Vault, batches: Iterable[pa.RecordBatch], *, disposal: str, source: str, table: str,
             retention_class: str, columns: tuple[str, ...], keep_until: str = "", plan: str = "") -> ArchivedRows:
    """:func:`archive_rows` in an open vault."""
    for line in vault.journal(ARCHIVE):
        if line.get("archived") and (line["plan"], line["archived"]["disposal"]) == (plan, disposal):
            return ArchivedRows(**line["archived"])
    label = retention_class or f"unclassified/{disposal}"
    slot = vault.keys.slot(ARCHIVE, label)
    recipient = slot.recipient
    known = {o["id"] for line in vault.journal(ARCHIVE) for o in line.get("objects", [])}
    store.clean(store.make_folder(vault.set_folder(0, ARCHIVE)), known)
    digest = ContentDigest(columns)
    objects = [vault.put(ARCHIVE, part, slot.key, recipient)
               for part in parquet_parts(_watched(batches, digest), vault.options["object_mib"] * 1024 * 1024)]
    spec = vault.case.config.vault
    rows = ArchivedRows(
        case_id=vault.case.id, disposal=disposal, source=source, table=table, retention_class=label, columns=columns,
        rows=digest.rows, content=digest.hex(), objects=tuple(objects), sealed_at=vault.case.now(),
        custodian=spec.custodian, keep_until=keep_until, places=spec.places)
    catalogue = vault.put(ARCHIVE, json.dumps(rows.model_dump(), ensure_ascii=False, sort_keys=True).encode(),
                          slot.key, recipient)
    _spread(vault, [*objects, catalogue])
    for place in range(len(vault.places)):
        if digest.rows and _content(vault, rows, slot.key, place) != rows.content:
            raise VaultError("the archive read back is not what was sealed", "check the medium; nothing was erased",
                             where=spec.places[place])
    vault.note(ARCHIVE, {"archived": rows.model_dump(), "plan": plan, "slot": label,
                         "objects": [o.model_dump() for o in [*objects, catalogue]]})
    return rows


def _spread(vault: Vault, new: list[SealedObject]) -> str:
    old = [SealedObject(**o) for line in vault.journal(ARCHIVE) for o in line.get("objects", [])]
    return vault.spread(ARCHIVE, [*old, *new], generation=1 + len(vault.journal(ARCHIVE)))


def _content(vault: Vault, rows: ArchivedRows, key: bytes, place: int) -> str:
    digest = ContentDigest(rows.columns)
    for thing in rows.objects:
        for batch in parquet_batches(vault.read(ARCHIVE, thing, key, place=place)):
            digest.add(batch)
    return digest.hex()


def archive_state(vault: Vault) -> SealedArchive:
    """The whole archive as one value."""
    lines = vault.journal(ARCHIVE)
    rows = tuple(ArchivedRows(**line["archived"]) for line in lines if "archived" in line)
    objects = [SealedObject(**o) for line in lines for o in line.get("objects", [])]
    manifest = vault.spread(ARCHIVE, objects, generation=len(lines)) if objects else ""
    return SealedArchive(
        case_id=vault.case.id, rows=rows, objects=len(objects), bytes=sum(o.bytes for o in objects),
        manifest_sha256=manifest, classes=tuple(sorted({r.retention_class for r in rows})),
        custodian=vault.case.config.vault.custodian)


def archived_batches(case: Case, rows: ArchivedRows) -> Iterator[pa.RecordBatch]:
    """Rows of one archived disposal, as record batches."""
    with open_vault(case) as vault:
        for part in archived_parts(vault, rows):
            yield from parquet_batches(part)


def archived_parts(vault: Vault, rows: ArchivedRows, *, place: int | None = None) -> Iterator[bytearray]:
    """Plaintext of the segments of one archived disposal as it stands now (rows may have been shredded since).

    Raises: VaultError when its key was destroyed.
    """
    now = next((ArchivedRows(**line["archived"]) for line in vault.journal(ARCHIVE) if "archived" in line and
                (line["archived"]["disposal"], line["archived"]["sealed_at"]) == (rows.disposal, rows.sealed_at)), rows)
    if not now.rows:
        return
    slot = vault.slot_of(ARCHIVE, now.objects[0].id) if now.objects else None
    if slot is None:
        raise VaultError("the key of this retention class was destroyed", "nothing opens it any more")
    for thing in now.objects:
        yield vault.read(ARCHIVE, thing, slot.key, place=place)
