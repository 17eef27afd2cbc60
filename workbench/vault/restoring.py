"""RESTORE: open what was sealed, test that all of it opens, and write it out again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import SourceError, VaultError
from workbench.vault import store
from workbench.vault.backup import catalogue_objects, files_of
from workbench.vault.digest import ContentDigest
from workbench.vault.model import Compared, RestoreTest, SealedBackup, SealedObject, SealedTable, WindowClosed
from workbench.vault.vault import ARCHIVE, Vault, open_vault

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.case import Case


def _objects(vault: Vault, set_id: str) -> dict[str, SealedObject]:
    objects = catalogue_objects(vault, set_id)
    if objects is None:
        raise VaultError("this backup was not finished", f"workbench run {vault.case.folder} protect")
    return {o.id: o for o in objects}


def _identity(vault: Vault, set_id: str, label: str) -> bytes:
    for slot in vault.keys.slots.values():
        if (slot.set, slot.label) == (set_id, label):
            return slot.key
    raise VaultError("the key of this sealed set was destroyed; nothing opens it any more",
                     "what must be kept is in the archive")


def parts(vault: Vault, backup: SealedBackup, table: SealedTable, *, place: int | None = None) -> Iterator[bytearray]:
    """Plaintext of each segment of ``table``, each verified whole before it is handed out."""
    objects = _objects(vault, backup.set_id)
    key = _identity(vault, backup.set_id, table.source)
    for id_ in table.objects:
        yield vault.read(backup.set_id, objects[id_], key, place=place)


def sealed_batches(vault: Vault, backup: SealedBackup, table: SealedTable, *,
                   place: int | None = None) -> Iterator[pa.RecordBatch]:
    """Rows of a sealed table as record batches."""
    for part in parts(vault, backup, table, place=place):
        yield from parquet_batches(part)


def backup_batches(vault: Vault, backup: SealedBackup, source: str, table: str) -> Iterator[pa.RecordBatch]:
    """Rows of a table as it was sealed, Parquet files sealed as files included.

    Raises:
        VaultError: it is not in the backup, or the window is closed.
    """
    sealed = backup.table(source, table)
    if sealed is not None:
        yield from sealed_batches(vault, backup, sealed)
        return
    raw = next((t for t in backup.tables if (t.source, t.table, t.form) == (source, table, "file")), None)
    if raw is None:
        raise VaultError(f"{source}.{table} is not in the backup", "run protect with again=True")
    yield from parquet_batches(b"".join(parts(vault, backup, raw)))


def parquet_batches(data: bytes | bytearray) -> Iterator[pa.RecordBatch]:
    """Row groups of a Parquet file in memory, one batch at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    yield from pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)), pre_buffer=False).iter_batches(32_768)


def open_object(case: Case, object_id: str) -> bytes:
    """Plaintext of one object of the newest backup or of the archive, after all of it verified."""
    with open_vault(case) as vault:
        backup = case.find(SealedBackup)
        if backup is not None and object_id in (objects := _objects(vault, backup.set_id)):
            label = next((t.source for t in backup.tables if object_id in t.objects), "catalogue")
            return bytes(vault.read(backup.set_id, objects[object_id], _identity(vault, backup.set_id, label)))
        for line in vault.journal(ARCHIVE):
            for o in line.get("objects", []):
                if o["id"] == object_id:
                    return bytes(vault.read(ARCHIVE, SealedObject(**o), _identity(vault, ARCHIVE, line["slot"])))
    raise VaultError("there is no sealed object of that name", "see SHA256SUMS in a vault place")


def restore_test(case: Case, *, place: int = -1) -> RestoreTest:
    """Open everything from one place (the last by default) and compare counts and digests with the source read anew.

    After erasure the source is no longer what was sealed; then the comparison is with the digests taken at sealing.
    No plaintext touches a disk.
    """
    from workbench.vault.evidence import restore_evidence

    with case.step("restore_test") as run, open_vault(case) as vault:
        backup = case.load(SealedBackup)
        closed = case.find(WindowClosed)
        if closed is not None and backup.set_id in closed.set_ids:
            raise VaultError("the restore window is closed; the backup's keys are destroyed",
                             "restore from the archive what must be kept")
        started = time.monotonic()
        number = range(len(vault.places))[place]
        against_source = not _erased(case)
        compared = tuple(_compare(case, vault, backup, number, against_source))
        result = RestoreTest(
            case_id=case.id, set_id=backup.set_id, place=backup.places[number], at=case.now(), tables=compared,
            ok=all(c.equal for c in compared), seconds=round(time.monotonic() - started),
            against="source" if against_source else "seal")
        case.save(result)
        run.note(tables=len(compared), equal=sum(c.equal for c in compared), ok=result.ok)
        case.evidence("vault-restore", restore_evidence(case, result))
        return result


def _erased(case: Case) -> bool:
    """Whether erasure has begun (its intent is in the ledger): sources then differ from the backup by design."""
    return any(e.predicate.get("step") == "erase" for e in case.ledger.of_type("step/v1"))


def _compare(case: Case, vault: Vault, backup: SealedBackup, place: int, against_source: bool) -> Iterator[Compared]:
    from workbench.sources import open_source

    for spec in case.config.sources:
        mine = [t for t in backup.tables if t.source == spec.name]
        source = open_source(spec, case.folder) if against_source else None
        try:
            columns = {t.name: [c.name for c in t.columns] for t in source.tables()} if source else {}
            files = dict(files_of(case.resolve(spec.path))) if against_source and spec.path else {}
            for table in mine:
                if table.form == "file":
                    sha = hashlib.sha256()
                    for part in parts(vault, backup, table, place=place):
                        sha.update(part)
                    want = _file_sha(files.get(table.table)) if against_source else table.content
                    yield Compared(source=table.source, table=table.table, form="file", rows_sealed=0,
                                   rows_restored=0, equal=sha.hexdigest() == want == table.content)
                    continue
                yield _compare_table(vault, backup, table, place, source, columns)
        finally:
            if source is not None:
                source.close()


def _compare_table(vault: Vault, backup: SealedBackup, table: SealedTable, place: int, source: object,
                   columns: dict[str, list[str]]) -> Compared:
    from workbench.sources.base import Source

    restored: ContentDigest | None = None
    for batch in sealed_batches(vault, backup, table, place=place):
        restored = restored or ContentDigest(batch.schema.names)
        restored.add(batch)
    rows = restored.rows if restored else 0
    digest = restored.hex() if restored else table.content
    if isinstance(source, Source):
        names = columns.get(table.table, [])
        fresh = ContentDigest(names)
        try:
            for batch in source.batches(table.table):
                fresh.add(batch)
        except SourceError as e:
            return Compared(source=table.source, table=table.table, form="parquet", rows_sealed=table.rows,
                            rows_restored=rows, equal=False, note=type(e).__name__)
        return Compared(source=table.source, table=table.table, form="parquet", rows_sealed=table.rows,
                        rows_restored=rows, rows_source=fresh.rows,
                        equal=rows == fresh.rows == table.rows and (rows == 0 or digest == fresh.hex()))
    return Compared(source=table.source, table=table.table, form="parquet", rows_sealed=table.rows,
                    rows_restored=rows, equal=rows == table.rows and digest == table.content)


def _file_sha(path: Path | None) -> str:
    if path is None:
        return ""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def restore(case: Case, target: Path | str) -> tuple[Path, ...]:
    """Write the whole backup into the new folder ``target`` (0700): files as they were, tables as Parquet.

    A table of n segments becomes ``SOURCE/TABLE.parquet`` (or ``TABLE.0.parquet`` ... when there are several).
    """
    base = Path(target)
    if base.exists() and any(base.iterdir()):
        raise VaultError("the folder to restore into is not empty", "name a new one", where=str(base))
    written = []
    with open_vault(case) as vault:
        backup = case.load(SealedBackup)
        for table in backup.tables:
            safe = [p for p in table.table.split("/") if p not in ("", ".", "..")]
            path = store.make_folder(base / table.source / ("files" if table.form == "file" else "tables"))
            store.make_folder(path.joinpath(*safe[:-1]))
            for n, part in enumerate(parts(vault, backup, table)):
                if table.form == "file":
                    out, mode = path.joinpath(*safe), "ab" if n else "wb"
                else:
                    suffix = f".{n}.parquet" if len(table.objects) > 1 else ".parquet"
                    out, mode = path.joinpath(*safe[:-1], safe[-1].replace("\0", "") + suffix), "wb"
                with out.open(mode) as f:
                    f.write(part)
                written.append(out)
    return tuple(dict.fromkeys(written))
