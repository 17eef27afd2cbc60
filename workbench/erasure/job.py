"""JOB: what every kind of store goes through, and the file that says how far it came."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.erasure.model import (
    ColumnControl,
    DisposalResult,
    FileScan,
    Hidden,
    Preflight,
    ScrubResult,
    StoreProof,
    TableProof,
    Verdict,
)
from workbench.erasure.needles import Control, Hunt
from workbench.erasure.pace import Progress, quiet
from workbench.errors import ErasureError, VaultError
from workbench.ledger import write_durably
from workbench.plan.model import Disposal

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.case.config import SourceSpec
    from workbench.vault.vault import Vault


class Phase(IntEnum):
    """How far a source has come; each is durable before the next begins."""

    NEW = 0
    SELECTED = 1
    SEALED = 2
    CONTROLLED = 3
    EXECUTED = 4
    SCRUBBED = 5
    PROVEN = 6


@dataclass
class Context:
    """What a job is given."""

    case: Case
    spec: SourceSpec
    disposals: list[Disposal]
    plan: str
    folder: Path
    """private folder of this plan's run"""
    progress: Progress = quiet


class Job(ABC):
    """One source's erasure. ``state`` survives kill -9; needles do not, by design."""

    engine = ""

    def __init__(self, context: Context) -> None:
        self.context, self.case, self.spec = context, context.case, context.spec
        self.name, self.disposals, self.plan = context.spec.name, context.disposals, context.plan
        self.progress = context.progress
        self._path = context.folder / f"{self.name}.json"
        self.state: dict[str, Any] = json.loads(self._path.read_bytes()) if self._path.exists() else {"phase": 0}
        self.notes = Control(context.folder / f"{self.name}.control.json")

    @property
    def phase(self) -> Phase:
        """The last phase that is complete."""
        return Phase(self.state["phase"])

    def reached(self, phase: Phase) -> None:
        """Write the state down."""
        self.state["phase"] = int(phase)
        write_durably(self._path, json.dumps(self.state, sort_keys=True).encode())

    @abstractmethod
    def open(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def survey(self) -> list[DisposalResult]: ...

    def release(self) -> None:  # noqa: B027  (most stores need nothing here)
        """Let others read the source."""

    def clear(self) -> None:  # noqa: B027  (most stores need nothing here)
        """Remove what a killed selection left behind."""

    @abstractmethod
    def choose(self) -> None: ...

    @abstractmethod
    def results(self) -> list[DisposalResult]: ...

    @abstractmethod
    def preflight(self) -> Iterator[Preflight]: ...

    @abstractmethod
    def seal(self, vault: Vault) -> None: ...

    @abstractmethod
    def control(self) -> None: ...

    @abstractmethod
    def execute(self) -> None: ...

    def after_execute(self) -> None:  # noqa: B027  (most stores need nothing here)
        """Take away what only the execution needed."""

    @abstractmethod
    def scrub(self) -> list[ScrubResult]: ...

    @abstractmethod
    def prove(self) -> tuple[list[TableProof], StoreProof]: ...

    @abstractmethod
    def fingerprint(self) -> str: ...

    @abstractmethod
    def where(self) -> Path | None:
        """A file or folder of the store on this machine."""

    def hidden(self) -> dict[str, Hidden]:
        """Disposal id -> how well its rows hide people now, for anonymising lines of which anything can be measured."""
        from workbench.erasure.hidden import measured

        self.release()
        known = {i: Hidden.model_validate(h) for i, h in self.state.get("hidden", {}).items()}
        return known | {d.id: h for d in self.disposals if d.action == "anonymise" and d.id not in known
                        and (h := measured(self.case, d)) is not None}

    def foretold(self) -> Iterator[Preflight]:
        """Red for each line that would not reach the k that the plan wants: nothing is gained by trying."""
        from workbench.erasure.hidden import foretell

        self.release()
        for d in self.disposals if self.phase < Phase.EXECUTED else ():
            yield from foretell(self.case, d)

    # -- shared by all kinds ---------------------------------------------------------------------------------

    def no_control(self, why: str) -> StoreProof:
        """A proof that proves nothing: no control, no claim."""
        return StoreProof(source=self.name, engine=self.engine, verdict="INCONCLUSIVE", columns=(), files=(),
                          encodings=(), control_at="", scanned_at=self.case.now(), control_sha256="", note=why)

    def store_proof(self, control: dict[str, Any], columns: Iterable[ColumnControl], files: Iterable[FileScan],
                    hunt: Hunt, note: str = "") -> StoreProof:
        """The verdict over one store's bytes."""
        columns = tuple(columns)
        residual = sum(hunt.hits.values())
        blind = [c for c in columns if c.needles and not c.control_hits]
        verdict: Verdict = "STORE_CLEAN"
        if residual:
            verdict = "FAILED"
        elif note or not control["needles"]:
            verdict = "INCONCLUSIVE"
            note = note or "no value of the rows that went is long enough to be searched for"
        elif blind:
            verdict = "INCONCLUSIVE"
            note = "no control hit in " + ", ".join(sorted(f"{c.table}.{c.column}" for c in blind))
        return StoreProof(
            source=self.name, engine=self.engine, verdict=verdict, columns=columns, files=tuple(files),
            encodings=tuple(sorted(control["encodings"])), control_at=control["at"], scanned_at=self.case.now(),
            control_sha256=control["sha256"], note=note)

    def sealed_file(self, file: str) -> Iterator[bytes | bytearray]:
        """Bytes of a file as they were sealed in the backup.

        Raises:
            ErasureError: the window is closed, or it is not in the backup.
        """
        from workbench.vault.model import SealedBackup
        from workbench.vault.restoring import parts
        from workbench.vault.vault import open_vault

        backup = self.case.load(SealedBackup)
        raw = next((t for t in backup.tables if (t.source, t.table, t.form) == (self.name, file, "file")), None)
        try:
            if raw is not None:
                with open_vault(self.case) as vault:
                    yield from parts(vault, backup, raw)
        except VaultError as e:
            raise ErasureError(f"the needles are lost: {e.what}", e.todo) from None

    def sealed_cells(self, table: str, column: str) -> Iterator[Iterable[object]]:
        """Cells of a column as they were sealed in the backup, block by block.

        Raises:
            ErasureError: the window is closed, so the needles cannot be had again.
        """
        from workbench.vault.model import SealedBackup
        from workbench.vault.restoring import backup_batches
        from workbench.vault.vault import open_vault

        backup = self.case.load(SealedBackup)
        try:
            with open_vault(self.case) as vault:
                for batch in backup_batches(vault, backup, self.name, table):
                    at = batch.schema.get_field_index(column)
                    if at >= 0:
                        yield batch.column(at).to_pylist()
        except VaultError as e:
            raise ErasureError(f"the needles are lost: {e.what}", e.todo) from None
