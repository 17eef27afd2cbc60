"""BACKUP: every table and file of every source, sealed in at least two places before anything irreversible.

Resumable: each sealed table is one journal line; what a killed run left half-done is removed and done again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import SourceError, VaultError
from workbench.sources.base import BATCH_ROWS
from workbench.vault import store
from workbench.vault.digest import ContentDigest
from workbench.vault.kek import describe
from workbench.vault.keys import Slot
from workbench.vault.model import ColumnShape, SealedBackup, SealedObject, SealedTable, WindowClosed
from workbench.vault.vault import CATALOGUE, Vault, open_vault

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.case import Case
    from workbench.case.config import SourceSpec
    from workbench.sources.base import Source, Table

ROW_GROUP = 32_768


def protect(case: Case, *, again: bool = False) -> SealedBackup:
    """Seal everything into the backup; returns the first one when it is there, whole and ``again`` is not asked.

    Raises:
        VaultError: no passphrase, a place that cannot be written, a full disk. Running it again resumes.
        SourceError: a source that cannot be read.
    """
    from workbench.vault.evidence import backup_evidence

    with case.step("protect") as run, open_vault(case, create=True) as vault:
        first = case.find(SealedBackup)
        closed = case.find(WindowClosed)
        shut = first is not None and closed is not None and first.set_id in closed.set_ids
        if first is not None and not again and (shut or _whole(vault, first)):
            case.save(first)
            run.note(set=first.set_id, tables=len(first.tables), objects=first.objects, repeated=True)
            return first
        backup = _seal(case, vault, first if again else None)
        case.save(backup)
        run.note(set=backup.set_id, tables=len(backup.tables), objects=backup.objects, bytes=backup.bytes,
                 places=len(backup.places))
        case.evidence("vault", backup_evidence(case, vault, backup))
        return backup


def _whole(vault: Vault, backup: SealedBackup) -> bool:
    """Every place still holds exactly what was sealed; repairs a damaged object from another place first."""
    objects = catalogue_objects(vault, backup.set_id)
    if objects is None:
        return False
    vault_repair(vault, backup.set_id, objects)
    return all(not store.verify_sealed(vault.set_folder(n, backup.set_id), {backup.set_id: backup.manifest_sha256})
               for n in range(len(vault.places)))


def vault_repair(vault: Vault, set_id: str, objects: Iterable[SealedObject]) -> tuple[str, ...]:
    """Copy each damaged or missing object from a place where it is whole; returns the repaired paths."""
    repaired = []
    for thing in objects:
        for n in range(len(vault.places)):
            here = vault.set_folder(n, set_id)
            path = here / thing.path
            if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == thing.sha256:
                continue
            for m in range(len(vault.places)):
                other = vault.set_folder(m, set_id) / thing.path
                if m != n and other.is_file() and hashlib.sha256(other.read_bytes()).hexdigest() == thing.sha256:
                    store.copy_object(thing, vault.set_folder(m, set_id), here)
                    repaired.append(str(path))
                    break
    return tuple(repaired)


def catalogue_objects(vault: Vault, set_id: str) -> list[SealedObject] | None:
    """All objects of a set from the journal, or None when it is not complete."""
    lines = vault.journal(set_id)
    if not lines or lines[-1].get("done") is None:
        return None
    return [SealedObject(**o) for line in lines for o in line.get("objects", [])]


@dataclass
class _Sealing:
    """State of one backup under way."""

    vault: Vault
    set_id: str
    object_bytes: int
    done: dict[tuple[str, str, str], SealedTable] = field(default_factory=dict)
    objects: list[SealedObject] = field(default_factory=list)

    def slot(self, label: str) -> Slot:
        return self.vault.keys.slot(self.set_id, label)


def _seal(case: Case, vault: Vault, before: SealedBackup | None) -> SealedBackup:
    from workbench.sources import open_source

    set_id = _set_id(vault, before)
    work = _Sealing(vault, set_id, vault.options["object_mib"] * 1024 * 1024)
    noted = set()  # the catalogue's object too: what is in no list is swept away
    shredded: set[tuple[str, str, str]] = set()  # never sealed again by itself
    for line in vault.journal(set_id):
        noted |= {o["id"] for o in line.get("objects", [])}
        shredded |= {(a, b, c) for a, b, c in line.get("dropped", [])}
        if "sealed" in line:
            table = SealedTable(**line["sealed"])
            work.done[(table.source, table.table, table.form)] = table
            work.objects += [SealedObject(**o) for o in line["objects"]]
    store.make_folder(vault.set_folder(0, set_id))
    store.clean(vault.set_folder(0, set_id), noted)
    for spec in case.config.sources:
        with open_source(spec, case.folder) as source:
            tables = source.tables()
            raw = set()
            if source.kind == "files":
                raw = set(_seal_files(case, work, spec, shredded))
            for item in tables:
                if item.format.startswith("parquet") and item.file in raw:
                    continue  # its own bytes are ordinary Parquet already
                if (source.name, item.name, "parquet") not in {*work.done, *shredded}:
                    _seal_table(work, item, source)
    return _finish(case, work)


def _set_id(vault: Vault, before: SealedBackup | None) -> str:
    """The set under way, or a new one."""
    name = "backups"
    known = vault.journal(name)
    if known and (before is None or known[-1]["set"] != before.set_id):
        return str(known[-1]["set"])
    set_id = f"backup-{os.urandom(4).hex()}"
    vault.note(name, {"set": set_id})
    return set_id


def _commit(work: _Sealing, table: SealedTable, objects: list[SealedObject], slot: Slot) -> None:
    work.vault.note(work.set_id, {"sealed": table.model_dump(), "slot": slot.label,
                                  "objects": [o.model_dump() for o in objects]})
    work.done[(table.source, table.table, table.form)] = table
    work.objects += objects


def _seal_table(work: _Sealing, item: Table, reader: Source) -> None:
    # a key for each table of a database, so that one is shredded by its key; the files of a folder share theirs
    slot = work.slot(item.source if reader.kind == "files" else f"{item.source}.{item.name}")
    recipient = slot.recipient
    digest = ContentDigest([c.name for c in item.columns])
    objects, plain = [], 0
    batches = reader.batches(item.name, batch_rows=rows_at_once(item))
    for part in parquet_parts(_watched(batches, digest), work.object_bytes):
        plain += len(part)
        objects.append(work.vault.put(work.set_id, part, slot.key, recipient))
        del part  # before the next one is made
        let_go()
    shape = tuple(ColumnShape(name=c.name, declared=c.declared, nullable=c.nullable) for c in item.columns)
    _commit(work, SealedTable(
        source=item.source, table=item.name, form="parquet", rows=digest.rows, bytes=plain, content=digest.hex(),
        objects=tuple(o.id for o in objects), engine=reader.kind, columns=shape, primary_key=item.primary_key), objects, slot)


def rows_at_once(item: Table) -> int:
    """Rows of a table that make about 2 MiB, by its size on disk."""
    return max(256, min(BATCH_ROWS, (2 << 20) * item.rows // max(1, item.bytes)))


def let_go() -> None:
    """Give the system back what Arrow keeps of the memory that it used."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def _watched(batches: Iterable[pa.RecordBatch], digest: ContentDigest) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        digest.add(batch)
        yield batch


def parquet_parts(batches: Iterable[pa.RecordBatch], limit: int) -> Iterator[memoryview]:
    """Ordinary Parquet files (zstd, no statistics, row groups of 32k rows) of about ``limit`` bytes each, in memory.

    A new file starts when the schema changes (an SQLite column that turns to text half-way).
    """
    import pyarrow.parquet as pq

    writer: pq.ParquetWriter | None = None
    sink = _Sink()

    def close() -> memoryview:
        assert writer is not None
        writer.close()
        return memoryview(sink.data)

    for batch in batches:
        for start in range(0, max(1, batch.num_rows), ROW_GROUP):
            piece = batch.slice(start, ROW_GROUP)
            if writer is not None and (
                    writer.schema != piece.schema or sink.tell() + min(piece.nbytes // 4, limit) > limit):
                yield close()
                writer = None
            if writer is None:
                sink = _Sink()
                writer = pq.ParquetWriter(sink, piece.schema, compression="zstd", write_statistics=False)
            writer.write_batch(piece, row_group_size=ROW_GROUP)
    if writer is not None:
        yield close()


class _Sink(io.RawIOBase):
    """A file in memory that grows in place; Arrow's own is copied to twice its size whenever it is full."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return len(self.data)

    def write(self, data: Any) -> int:
        self.data += data
        return len(data)


def files_of(root: Path) -> Iterator[tuple[str, Path]]:
    """Relative name and path of every regular file under ``root`` (or ``root`` itself); links are not followed."""
    if root.is_file():
        yield root.name, root
        return
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(root).as_posix(), path


def _seal_files(case: Case, work: _Sealing, spec: SourceSpec, shredded: set[tuple[str, str, str]]) -> Iterator[str]:
    """Seal the bytes of every file of a file source; yields the relative names."""
    from workbench.vault.writer import seal_stream

    for name, path in files_of(case.resolve(spec.path)):
        if (spec.name, name, "file") not in {*work.done, *shredded}:
            slot = work.slot(spec.name)
            try:
                objects, size = seal_stream(path, work.vault.set_folder(0, work.set_id), slot.key)
            except OSError as e:
                raise SourceError(f"a file of {spec.name} cannot be read: {type(e).__name__}",
                                  "give read access and run protect again", where=name) from None
            _commit(work, SealedTable(source=spec.name, table=name, form="file", bytes=size,
                                      objects=tuple(o.id for o in objects)), objects, slot)
        yield name


def _finish(case: Case, work: _Sealing) -> SealedBackup:
    """Seal the catalogue, copy to every place, verify each copy, write manifests."""
    vault = work.vault
    tables = tuple(sorted(work.done.values(), key=lambda t: (t.source, t.table, t.form)))
    if not tables:
        raise VaultError("there is nothing to protect: the sources hold no table and no file", "look at [[sources]]")
    if not any("catalogue" in line for line in vault.journal(work.set_id)):
        vault.note(work.set_id, catalogue_line(vault, work.set_id, tables, work.objects))
    work.objects = [SealedObject(**o) for line in vault.journal(work.set_id) for o in line.get("objects", [])]
    manifest = vault.spread(work.set_id, work.objects)
    for place, folder in zip(case.config.vault.places, vault.places, strict=True):
        problems = store.verify_sealed(folder / work.set_id)
        if problems:
            raise VaultError(f"the copy in {place} is not whole: {problems[0].object} {problems[0].problem}",
                             "check that medium and run protect again")
    if not any("done" in line for line in vault.journal(work.set_id)):
        vault.note(work.set_id, {"done": case.now()})
    return backup_value(vault, work.set_id, manifest)


def catalogue_line(vault: Vault, set_id: str, tables: Iterable[SealedTable], objects: Iterable[SealedObject]) -> dict[str, Any]:
    """Seal the list of what is in which object; returns its journal line."""
    slot = vault.keys.slot(set_id, CATALOGUE)
    by_id = {o.id: o for o in objects}
    lines = [json.dumps({**t.model_dump(), "parts": [by_id[i].model_dump() for i in t.objects]},
                        ensure_ascii=False, sort_keys=True) for t in tables]
    thing = vault.put(set_id, "\n".join(lines).encode(), slot.key, slot.recipient)
    return {"catalogue": thing.id, "objects": [thing.model_dump()]}


def backup_value(vault: Vault, set_id: str, manifest: str) -> SealedBackup:
    """A finished backup as its journal tells it; ``manifest``: digest of its SHA256SUMS."""
    journal = vault.journal(set_id)
    tables = sorted((SealedTable(**line["sealed"]) for line in journal if "sealed" in line),
                    key=lambda t: (t.source, t.table, t.form))
    objects = [SealedObject(**o) for line in journal for o in line.get("objects", [])]
    return SealedBackup(
        case_id=vault.case.id, set_id=set_id, sealed_at=journal[-1]["done"], tables=tuple(tables),
        objects=len(objects), bytes=sum(o.bytes for o in objects),
        plain_bytes=sum(t.bytes for t in tables), manifest_sha256=manifest, places=vault.case.config.vault.places,
        epoch=vault.keys.epoch, kek=describe(vault.folder / "keys"), holders=vault.keys.strengths())
