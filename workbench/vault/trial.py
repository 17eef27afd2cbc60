"""TRIAL: the full restore test into a fresh database. Backup and archive are loaded, read back and compared.

Rows, content digest and (same engine) declared types must be those that were sealed. What was restored is removed
again unless it is asked to stay: it is everybody's data in the clear.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.errors import VaultError, WorkbenchError
from workbench.vault.archive import archived_parts
from workbench.vault.database import LEVELS, Fresh, open_fresh
from workbench.vault.digest import ContentDigest
from workbench.vault.model import ArchivedRows, Compared, RestoreTest, SealedBackup, SealedTable, WindowClosed
from workbench.vault.restoring import compare_file, file_digests, parquet_batches, parts
from workbench.vault.vault import ARCHIVE, Vault, open_vault

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.case import Case


def restore_into(case: Case, url: str, *, password_env: str = "", keep: bool = False, place: int = -1) -> RestoreTest:
    """Restore backup (while its window is open) and archive from one place into the empty database at ``url``; compare.

    Documents are opened and compared by their SHA-256 without being written anywhere.

    Raises:
        VaultError: the database is not empty, nothing is sealed, no passphrase.
        ParameterError, SourceError: the address is wrong, or the database does not let us in.
    """
    from workbench.vault.evidence import restore_evidence

    with case.step("restore_test") as run, open_vault(case) as vault:
        started = time.monotonic()
        number = range(len(vault.places))[place]
        backup, closed = case.find(SealedBackup), case.find(WindowClosed)
        if backup is not None and closed is not None and backup.set_id in closed.set_ids:
            backup = None
        archived = [ArchivedRows(**line["archived"]) for line in vault.journal(ARCHIVE) if "archived" in line]
        archived = [a for a in archived if a.objects and vault.slot_of(ARCHIVE, a.objects[0].id)]
        if backup is None and not archived:
            raise VaultError("nothing is sealed that opens", f"workbench run {case.folder} protect")
        fresh = open_fresh(url, password_env)
        try:
            compared = tuple(_Trial(vault, fresh, number, backup, archived, file_digests(case, backup) if backup else {}).run())
            location = fresh.location
            if not keep:
                fresh.drop()
        finally:
            fresh.close()
        result = RestoreTest(
            case_id=case.id, set_id=backup.set_id if backup else ARCHIVE, place=case.config.vault.places[number],
            at=case.now(), tables=compared, ok=all(c.equal for c in compared), seconds=round(time.monotonic() - started),
            against="seal", into=location)
        case.save(result)
        run.note(tables=len(compared), equal=sum(c.equal for c in compared), ok=result.ok, into=fresh.engine)
        case.evidence("vault-restore", restore_evidence(case, result))
        return result


@dataclass(frozen=True)
class _Trial:
    """One run: first everything is loaded, then everything is read back in one snapshot."""

    vault: Vault
    fresh: Fresh
    place: int
    backup: SealedBackup | None
    archived: list[ArchivedRows]
    known: dict[tuple[str, str], str]
    """SHA-256 of files"""

    def run(self) -> Iterator[Compared]:
        loaded = [(table, rows, self.fresh.load(table, lambda t=table, r=rows: self._batches(t, r)))  # type: ignore[misc]
                  for table, rows in self._all()]
        for table, rows, level in loaded:
            yield self._compare(table, rows, level)
        for table in self.backup.tables if self.backup else ():
            if table.form == "file":
                yield self._file(table)

    def _all(self) -> Iterator[tuple[SealedTable, ArchivedRows | None]]:
        """Tables of the backup, then each archived disposal as a table of the source ``archive``."""
        for table in self.backup.tables if self.backup else ():
            if table.form == "parquet":
                yield table, None
        for rows in self.archived:
            origin = self.backup.table(rows.source, rows.table) if self.backup else None
            shape = tuple(c for n in rows.columns for c in (origin.columns if origin else ()) if c.name == n)
            yield SealedTable(
                source="archive", table=f"{rows.source}.{rows.table}.{rows.disposal}", form="parquet", rows=rows.rows,
                content=rows.content, engine=origin.engine if origin else "", columns=shape), rows

    def _batches(self, table: SealedTable, rows: ArchivedRows | None) -> Iterator[pa.RecordBatch]:
        if rows is not None:
            plain = archived_parts(self.vault, rows, place=self.place)
        else:
            assert self.backup is not None
            plain = parts(self.vault, self.backup, table, place=self.place)
        for part in plain:
            yield from parquet_batches(part)

    def _compare(self, table: SealedTable, rows: ArchivedRows | None, level: str) -> Compared:
        import pyarrow as pa

        digest: ContentDigest | None = None
        note = f"taken as {level}" if level in LEVELS[2:] else ""
        equal = True
        try:
            for batch in self.fresh.back(table, (b.schema for b in self._batches(table, rows))):
                digest = digest or ContentDigest(batch.schema.names)
                digest.add(batch)
        except (pa.ArrowInvalid, TypeError, ValueError, WorkbenchError) as e:
            equal, note = False, f"a value does not come back in its sealed type ({type(e).__name__})"
        found = digest.rows if digest else 0
        equal = equal and table.rows == found and (digest is None or not found or digest.hex() == table.content)
        types = None
        if table.engine == self.fresh.engine and table.columns:
            types = self.fresh.declared(table) == tuple(c.declared for c in table.columns)
        return Compared(
            source=rows.source if rows else table.source, table=rows.table if rows else table.table, form="parquet",
            rows_sealed=table.rows, rows_restored=found, equal=equal, note=note,
            disposal=rows.disposal if rows else "", same_types=types)

    def _file(self, table: SealedTable) -> Compared:
        assert self.backup is not None
        return compare_file(self.vault, self.backup, table, self.place, known=self.known.get((table.source, table.table), ""))
