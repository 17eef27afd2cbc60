"""RESTORE: open what was sealed, test that all of it opens, and write it out again."""

from __future__ import annotations

import bisect
import functools
import hashlib
import io
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import SourceError, VaultError
from workbench.sources.base import BATCH_ROWS
from workbench.vault import age, store
from workbench.vault.backup import catalogue_objects, files_of, let_go, rows_at_once
from workbench.vault.digest import ContentDigest
from workbench.vault.model import Compared, RestoreTest, SealedBackup, SealedObject, SealedTable, WindowClosed
from workbench.vault.vault import ARCHIVE, Vault, open_vault

BATCH = 8_192
"""rows of a batch that is read from a sealed Parquet file"""
COMPARED = 262_144
"""bytes of a file that are compared at once: few enough to be in the processor's cache still"""


def file_digests(case: Case, backup: SealedBackup) -> dict[tuple[str, str], str]:
    """(source, path) of each sealed file whose SHA-256 is known: from the last restore test, or from an older set's sealing."""
    test = case.find(RestoreTest)
    tested = test.tables if test and test.set_id == backup.set_id else ()
    return {**{(t.source, t.table): t.content for t in backup.tables if t.form == "file" and t.content},
            **{(t.source, t.table): t.sha256 for t in tested if t.sha256 and t.equal}}

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.case import Case


def _objects(vault: Vault, set_id: str) -> dict[str, SealedObject]:
    objects = catalogue_objects(vault, set_id)
    if objects is None:
        raise VaultError("this backup was not finished", f"workbench run {vault.case.folder} protect")
    return {o.id: o for o in objects}


def identity_of(vault: Vault, set_id: str, object_id: str) -> bytes:
    """The key of an object.

    Raises: VaultError when it was destroyed.
    """
    slot = vault.slot_of(set_id, object_id)
    if slot is None:
        raise VaultError("the key of this sealed set was destroyed; nothing opens it any more",
                         "what must be kept is in the archive")
    return slot.key


def parts(vault: Vault, backup: SealedBackup, table: SealedTable, *, place: int | None = None) -> Iterator[bytearray]:
    """Plaintext of each segment of ``table``, each verified whole before it is handed out."""
    things, key = _sealed(vault, backup, table)
    for thing in things:
        yield vault.read(backup.set_id, thing, key, place=place)


def stream(vault: Vault, backup: SealedBackup, table: SealedTable, *, place: int | None = None) -> Iterator[memoryview]:
    """:func:`parts` by several threads, for bytes that are used up before the next part is asked for."""
    things, key = _sealed(vault, backup, table)
    return vault.stream(backup.set_id, things, key, place=place)


def _sealed(vault: Vault, backup: SealedBackup, table: SealedTable) -> tuple[list[SealedObject], bytes]:
    """The objects of ``table`` in order, and their key."""
    objects = _objects(vault, backup.set_id)
    if not table.objects:
        return [], b""
    if table.objects[0] not in objects:
        raise VaultError("these rows were sealed anew since; this list of them is an old one", "load the newest backup")
    return [objects[i] for i in table.objects], identity_of(vault, backup.set_id, table.objects[0])


def sealed_batches(vault: Vault, backup: SealedBackup, table: SealedTable, *,
                   place: int | None = None) -> Iterator[pa.RecordBatch]:
    """Rows of a sealed table as record batches."""
    for part in parts(vault, backup, table, place=place):
        yield from parquet_batches(part)
        del part  # before the next one is opened
        let_go()


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
    import pyarrow.parquet as pq

    things, key = _sealed(vault, backup, raw)
    file = _Opened([age.plain_size(t.bytes) for t in things], lambda n: vault.read(backup.set_id, things[n], key))
    yield from pq.ParquetFile(io.BufferedReader(file), pre_buffer=False).iter_batches(BATCH, use_threads=False)


def parquet_batches(data: bytes | bytearray) -> Iterator[pa.RecordBatch]:
    """Row groups of a Parquet file in memory, one batch at a time; by one thread, since each has memory of its own."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    yield from pq.ParquetFile(pa.BufferReader(pa.py_buffer(data)), pre_buffer=False).iter_batches(BATCH, use_threads=False)


class _Opened(io.RawIOBase):
    """A file whose parts are opened when something in them is read, whatever the file's size; the last one read is kept."""

    def __init__(self, sizes: list[int], part: Callable[[int], bytearray]) -> None:
        self._starts = [0, *itertools.accumulate(sizes)]
        self._part = functools.lru_cache(1)(part)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._starts[-1])[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Bytes up to the end of the part that is reached."""
        n = bisect.bisect_right(self._starts, self._at) - 1
        if n >= len(self._starts) - 1:
            return 0
        view = memoryview(buffer).cast("B")
        data = self._part(n)
        begin = self._at - self._starts[n]
        got = min(len(view), len(data) - begin)
        view[:got] = memoryview(data)[begin : begin + got]
        self._at += got
        return got


def open_object(case: Case, object_id: str) -> bytes:
    """Plaintext of one object of the newest backup or of the archive, after all of it verified."""
    with open_vault(case) as vault:
        backup = case.find(SealedBackup)
        for set_id in (backup.set_id if backup else "", ARCHIVE):
            for line in vault.journal(set_id) if set_id else ():
                for o in line.get("objects", []):
                    if o["id"] == object_id:
                        return bytes(vault.read(set_id, SealedObject(**o), identity_of(vault, set_id, object_id)))
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


def _rewritten(vault: Vault, set_id: str) -> set[tuple[str, str, str]]:
    """Tables from which rows were shredded in the backup: they differ from their source by design."""
    return {(t["source"], t["table"], t["form"]) for line in vault.raw_journal(set_id) if "rewrite" in line
            for new in line["rewrite"]["lines"] if (t := new.get("sealed"))}


def _compare(case: Case, vault: Vault, backup: SealedBackup, place: int, against_source: bool) -> Iterator[Compared]:
    from workbench.sources import open_source

    changed = _rewritten(vault, backup.set_id)
    known = file_digests(case, backup)
    for spec in case.config.sources:
        mine = [t for t in backup.tables if t.source == spec.name]
        source = open_source(spec, case.folder) if against_source else None
        try:
            files = dict(files_of(case.resolve(spec.path))) if against_source and spec.path else {}
            for table in mine:
                if table.form == "file":
                    beside = files.get(table.table)
                    found = compare_file(vault, backup, table, place, beside, known.get((table.source, table.table), ""))
                    yield found if beside or not against_source else found.model_copy(update={"equal": False})
                    continue
                anew = (table.source, table.table, table.form) in changed
                yield _compare_table(vault, backup, table, place, None if anew else source)
                let_go()
        finally:
            if source is not None:
                source.close()


def _compare_table(vault: Vault, backup: SealedBackup, table: SealedTable, place: int, source: object) -> Compared:
    from workbench.sources.base import Source

    restored: ContentDigest | None = None
    for batch in sealed_batches(vault, backup, table, place=place):
        restored = restored or ContentDigest(batch.schema.names)
        restored.add(batch)
    let_go()
    rows = restored.rows if restored else 0
    digest = restored.hex() if restored else table.content
    if isinstance(source, Source):
        known = next((t for t in source.tables() if t.name == table.table), None)
        fresh = ContentDigest([c.name for c in known.columns] if known else [])
        try:
            for batch in source.batches(table.table, batch_rows=rows_at_once(known) if known else BATCH_ROWS):
                fresh.add(batch)
        except SourceError as e:
            return Compared(source=table.source, table=table.table, form="parquet", rows_sealed=table.rows,
                            rows_restored=rows, equal=False, note=type(e).__name__)
        return Compared(source=table.source, table=table.table, form="parquet", rows_sealed=table.rows,
                        rows_restored=rows, rows_source=fresh.rows,
                        equal=rows == fresh.rows == table.rows and (rows == 0 or digest == fresh.hex()))
    return Compared(source=table.source, table=table.table, form="parquet", rows_sealed=table.rows,
                    rows_restored=rows, equal=rows == table.rows and digest == table.content)


def compare_file(vault: Vault, backup: SealedBackup, table: SealedTable, place: int, beside: Path | None = None,
                 known: str = "") -> Compared:
    """Open a sealed file. Equal: every object is whole, as many bytes as were sealed, and what else is known agrees.

    Args:
        beside: the file in its source, compared byte by byte.
        known: its SHA-256 (:func:`file_digests`), or "".

    Raises: VaultError: an object is damaged, or its key was destroyed.
    """
    import pyarrow as pa

    sha, size, same = hashlib.sha256(), 0, True
    with beside.open("rb", buffering=0) if beside else io.BytesIO() as f:
        buffer = memoryview(bytearray(COMPARED))
        for part in stream(vault, backup, table, place=place):
            sha.update(part)
            size += len(part)
            for at in range(0, len(part) if beside and same else 0, COMPARED):
                piece = part[at : at + COMPARED]
                mine = buffer[: store.fill(f, buffer[: len(piece)])]
                same = same and pa.py_buffer(mine).equals(pa.py_buffer(piece))  # views of memory compare byte by byte
        same = same and not f.read(1)
    digest = sha.hexdigest()
    return Compared(source=table.source, table=table.table, form="file", rows_sealed=0, rows_restored=0, sha256=digest,
                    equal=same and size == table.bytes and digest == (known or digest))


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
            for n, part in enumerate(stream(vault, backup, table)):
                if table.form == "file":
                    out, mode = path.joinpath(*safe), "ab" if n else "wb"
                else:
                    suffix = f".{n}.parquet" if len(table.objects) > 1 else ".parquet"
                    out, mode = path.joinpath(*safe[:-1], safe[-1].replace("\0", "") + suffix), "wb"
                with out.open(mode) as f:
                    f.write(part)
                written.append(out)
    return tuple(dict.fromkeys(written))
