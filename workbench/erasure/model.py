"""What erasure hands on: counts, levels and proofs; never a value of a row, never a needle."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.plan.model import Generalisation
from workbench.values import Grown, Value

Verdict = Literal["NOT_STARTED", "STARTED", "LOGICAL", "STORE_CLEAN", "VOLUME_CLEAN", "CRYPTO_ERASED", "FAILED",
                  "INCONCLUSIVE", "KEPT", "TASK"]


class Preflight(Value):
    """One thing looked at before the first row; red stops the run."""

    source: str
    check: str
    colour: Literal["green", "yellow", "red"]
    object: str = ""
    """table, trigger, slot, file ... by name"""
    zh: str
    en: str
    todo: str = ""


class Hidden(Grown):
    """How well the rows that an anonymising disposal left hide people, measured after it."""

    later: ClassVar[tuple[str, ...]] = ("wanted", "own")

    columns: tuple[str, ...]
    """quasi-identifiers that are still filled"""
    rows: int
    k: int
    """rows in the smallest class"""
    uniques: int
    sensitive: str = ""
    l: int | None = None  # noqa: E741  (its name in the literature)
    """fewest distinct values of ``sensitive`` in a class"""
    wanted: int = 0
    """k that the plan wants"""
    own: bool = False
    """measured over the disposal's own rows; False: over every row of its table"""

    @property
    def enough(self) -> bool:
        """Whether the rows may be called anonymised, as far as k says."""
        return self.k >= self.wanted


class DisposalResult(Grown):
    """What became of one line of the plan."""

    later: ClassVar[tuple[str, ...]] = ("hidden",)

    disposal: str
    source: str
    table: str
    action: str
    planned: int
    """rows of its set when execution began"""
    deleted: int = 0
    suppressed: int = 0
    """rows whose columns were cleared or made coarser"""
    archived: int = 0
    refused: int = 0
    """rows left because a row that stays needs them and its link may not be empty"""
    links_cleared: int = 0
    """rows that stay and whose link to an erased row was emptied"""
    strategy: str = ""
    reason: str = ""
    """why this strategy, with the estimate of the others"""
    reason_zh: str = ""
    seconds_estimated: float = 0.0
    hidden: Hidden | None = None
    """of an anonymising line"""
    verdict: Verdict = "NOT_STARTED"


class ScrubResult(Value):
    """One step of an engine's scrub recipe."""

    source: str
    step: str
    done: bool
    """what its probe said afterwards"""
    command: str
    """what was run, or what a person has to run"""
    task: bool = False
    """True: a person has to do it"""
    note: str = ""


class TableProof(Value):
    """A table read anew by the verifier."""

    source: str
    table: str
    rows_before: int
    rows_expected: int
    rows_left: int
    predicate_rows: int
    """rows left that meet the predicate of an erasing disposal: must be 0"""
    kept_equal: bool
    """count and digest of the rows that stay equal those taken before"""
    uncleared: int = 0
    """cells that were to be cleared or made coarser and say too much"""
    orphans_before: int = 0
    orphans_after: int = 0
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Nothing is wrong with this table."""
        return not self.problem


class ColumnControl(Value):
    """Needles of one column: how many, and how often the store's bytes held them before and after."""

    source: str
    table: str
    column: str
    needles: int
    shared: int = 0
    """candidates left out because rows that stay hold the same text"""
    control_hits: int
    residual_hits: int = 0
    small: int = 0
    """cells too short to be told from chance"""


class FileScan(Value):
    """Files of one class in a store: heap, wal, log, ..."""

    source: str
    sort: str
    files: int
    bytes: int
    control_hits: int = 0
    residual_hits: int = 0
    names: tuple[str, ...] = ()
    """files with residual hits, relative to the store"""


class StoreProof(Value):
    """What the bytes of one store say."""

    source: str
    engine: str
    verdict: Verdict
    columns: tuple[ColumnControl, ...]
    files: tuple[FileScan, ...]
    encodings: tuple[str, ...]
    control_at: str
    scanned_at: str
    control_sha256: str
    """digest of the keyed control file taken before deletion"""
    note: str = ""


class KnownCopy(Value):
    """A copy outside the store's own files, and what becomes of it."""

    sort: str
    """sealed backup, sealed archive, replica, slot, log, copy, partner, ..."""
    name: str
    zh: str
    en: str


class Certificate(Grown):
    """One disposal's certificate; opened before, closed after. Fields follow NIST SP 800-88 r2, 4.6."""

    later: ClassVar[tuple[str, ...]] = ("generalised",)

    id: str
    case_id: str
    state: Literal["open", "closed"]
    plan: str
    disposal: str
    approvers: tuple[str, ...]
    approval_entries: tuple[int, ...]
    controller: str
    operator: str
    people: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """(id, name, roles) of operator and approvers"""
    place: str
    store: str
    """engine, version and a digest that names the data directory or file"""
    volume: str = ""
    """as the operator gave it, else file system and device"""
    table: str
    action: str
    categories: tuple[str, ...] = ()
    """of personal information found in the table"""
    deletion_class: str = ""
    """retention class and the day until which rows were or are kept"""
    receiver: str = ""
    """of rows handed over"""
    method: str
    """Clear / Purge / Destroy / Cryptographic Erase / Logical-only"""
    technique: str = ""
    """how the rows went (keyset batches, set delete, copy and swap, truncate, rewrite) and why"""
    steps: tuple[str, ...] = ()
    legal_basis: tuple[str, ...] = ()
    tool: str
    config: str = ""
    """digest of what of case.toml the plan depends on"""
    planned: int
    deleted: int = 0
    suppressed: int = 0
    archived: int = 0
    refused: int = 0
    generalised: tuple[Generalisation, ...] = ()
    """what columns of anonymised rows still say"""
    hidden: Hidden | None = None
    started: str
    ended: str = ""
    columns: tuple[ColumnControl, ...] = ()
    """of this table: needles with their hits before and after"""
    files: tuple[FileScan, ...] = ()
    """of the whole store, by class of file"""
    control_hits: int = 0
    residual_hits: int = 0
    needles: int = 0
    bytes_scanned: int = 0
    encodings: tuple[str, ...] = ()
    control_sha256: str = ""
    logical: bool = False
    copies: tuple[KnownCopy, ...] = ()
    """backups, replicas and other copies with their disposition"""
    keys: tuple[str, ...] = ()
    """keys of this run with what became of them and of their copies"""
    exceptions: tuple[str, ...] = ()
    """what this certificate does not cover"""
    verdict: Verdict = "STARTED"
    level_zh: str = ""
    level_en: str = ""
    verified_by: str = "workbench.erasure.logical and workbench.erasure.scan, separate from the executor"
    verified_at: str = ""
    key_id: str = ""
    public_pem: str = ""
    signature: str = ""
    """hex Ed25519 over the canonical bytes of this certificate with an empty signature"""


class Completion(Value):
    """Evidence of what people or other companies did, joined to the certificate of its line."""

    case_id: str
    certificate: str
    """id"""
    disposal: str
    plan: str
    sort: str
    """partner, medium or receipt"""
    at: str
    person: str
    """who took it in, and signs for it in the ledger"""
    evidence: dict[str, str]
    """name -> SHA-256 or a short word"""
    exceptions: tuple[str, ...] = ()


class Certificates(Value):
    """All certificates of one run."""

    case_id: str
    plan: str
    certificates: tuple[Certificate, ...]


class Erasure(Value):
    """The result of a run, or of a dry run."""

    case_id: str
    plan: str
    dry_run: bool
    approvers: tuple[str, ...] = ()
    started: str
    ended: str
    preflight: tuple[Preflight, ...] = ()
    disposals: tuple[DisposalResult, ...]
    scrubs: tuple[ScrubResult, ...] = ()
    tables: tuple[TableProof, ...] = ()
    stores: tuple[StoreProof, ...] = ()
    certificates: str = ""
    """digest of the Certificates value"""
    tasks: tuple[str, ...] = ()
    """what people still have to do, with the exact command"""
    problems: tuple[str, ...] = ()
    verdict: Verdict

    @property
    def ok(self) -> bool:
        """No problem is left, and everything erased is proven as far as the plan asked or this program can."""
        return not self.problems
