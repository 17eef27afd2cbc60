"""What the vault hands on: counts, digests and places; never a value, never a key."""

from __future__ import annotations

from typing import Literal

from workbench.values import Value


class SealedObject(Value):
    """One sealed file: its random name, size, digest and container. All a stranger without keys may know."""

    id: str
    """32 hex characters; also its file name under ``objects/ab/``"""
    bytes: int
    sha256: str
    form: Literal["age", "sm4"] = "age"

    @property
    def path(self) -> str:
        """Path inside the sealed set."""
        return f"objects/{self.id[:2]}/{self.id}.{self.form}"


class ColumnShape(Value):
    """One column as its engine declares it, so that a fresh database can be given the same."""

    name: str
    declared: str = ""
    """the engine's own words; empty for files"""
    nullable: bool = True


class SealedTable(Value):
    """One table (or file) as it was sealed."""

    source: str
    table: str
    """table name; for raw files the path relative to the source's root"""
    form: Literal["parquet", "file"]
    rows: int = 0
    """0 for files"""
    bytes: int = 0
    """plaintext bytes"""
    content: str = ""
    """content digest over the rows; empty for files, whose bytes the digests of their objects bind (the restore test tells
    their SHA-256); older sets hold the SHA-256 of a file's bytes here"""
    objects: tuple[str, ...] = ()
    """object ids in order of segments"""
    engine: str = ""
    """kind of the source: sqlite, postgresql, mariadb, duckdb, files"""
    columns: tuple[ColumnShape, ...] = ()
    primary_key: tuple[str, ...] = ()


class HolderStrength(Value):
    """Where the epoch secret lies, and what destroying it there proves."""

    holder: str
    strength: Literal["best", "good", "fair", "weak"]
    zh: str
    en: str


class SealedBackup(Value):
    """The restore window: everything as it was, sealed, in at least two places."""

    case_id: str
    set_id: str
    sealed_at: str
    tables: tuple[SealedTable, ...]
    objects: int
    bytes: int
    """ciphertext bytes in one place"""
    plain_bytes: int
    manifest_sha256: str
    """digest of SHA256SUMS, the same in every place"""
    places: tuple[str, ...]
    """as written in case.toml; each verified after copying"""
    epoch: int
    kek: str
    """how the key-encryption key is made, e.g. argon2id 128 MiB t=4"""
    holders: tuple[HolderStrength, ...]

    def table(self, source: str, table: str) -> SealedTable | None:
        """The sealed Parquet form of that table, or None."""
        return next((t for t in self.tables if t.form == "parquet" and (t.source, t.table) == (source, table)), None)


class ArchivedRows(Value):
    """Rows that must be kept, sealed under the key of their retention class."""

    case_id: str
    disposal: str
    source: str
    table: str
    retention_class: str
    columns: tuple[str, ...]
    rows: int
    content: str
    """content digest over the sealed rows"""
    objects: tuple[SealedObject, ...]
    sealed_at: str
    custodian: str = ""
    keep_until: str = ""
    places: tuple[str, ...] = ()


class Compared(Value):
    """One table or file of a restore test."""

    source: str
    table: str
    form: Literal["parquet", "file"]
    rows_sealed: int
    rows_restored: int
    rows_source: int | None = None
    """None: the source was not read again"""
    equal: bool
    note: str = ""
    disposal: str = ""
    """of the archive: the disposal whose rows these are"""
    same_types: bool | None = None
    """restored into the same engine: its catalogue declares the same types"""
    sha256: str = ""
    """of a file's bytes as they came out of the seal"""


class RestoreTest(Value):
    """A full restore from one place, compared with the source and with what was sealed."""

    case_id: str
    set_id: str
    place: str
    at: str
    tables: tuple[Compared, ...]
    ok: bool
    seconds: int = 0
    against: Literal["source", "seal"] = "source"
    into: str = ""
    """the fresh database it was restored into, without password; empty: compared in memory"""


class Problem(Value):
    """Something wrong in a sealed set, named; ``object`` is the path of what was changed."""

    object: str
    problem: Literal["missing", "changed", "size", "extra", "manifest", "link", "unreadable", "temporary"]
    text: str


class Smart(Value):
    """What a disk says of itself."""

    offered: bool
    passed: bool = False
    findings: tuple[str, ...] = ()
    """e.g. ``reallocated 8``"""
    hours: int = 0
    """powered on"""


class MediumChecked(Value):
    """One place or medium, looked at."""

    name: str
    sort: str
    ok: bool
    encrypted: Literal["yes", "no", "unknown"] = "unknown"
    free_bytes: int = 0
    objects: int = 0
    problems: tuple[str, ...] = ()
    last_inspected: str = ""
    due: bool = False
    smart: Smart | None = None
    """places only"""


class MediaCheck(Value):
    """Inspection of the recorded media and of every place that holds sealed sets."""

    case_id: str
    at: str
    media: tuple[MediumChecked, ...]
    ok: bool


class DueItem(Value):
    """One recurring check."""

    what: Literal["verify", "restore", "inspect"]
    name: str
    """the place or medium; empty for the restore test"""
    last: str
    """day of the last good one; empty: never"""
    next: str
    every_days: int
    due: bool
    todo: str


class DueList(Value):
    """What has to be looked at again."""

    case_id: str
    at: str
    items: tuple[DueItem, ...]


class Repaired(Value):
    """What came back from another place, and what no place has whole."""

    case_id: str
    at: str
    mended: tuple[str, ...]
    """PLACE/SET/PATH"""
    lost: tuple[str, ...]
    """SET/PATH"""


class RemoteCopy(Value):
    """A store that holds exactly what a whole place held, each file read back."""

    case_id: str
    url: str
    at: str
    files: int
    sent: int
    removed: int
    bytes: int
    ok: bool


class WindowClosed(Value):
    """The backup's keys are gone; its objects are noise from here on."""

    case_id: str
    set_ids: tuple[str, ...]
    at: str
    slots: int
    """identities destroyed"""
    epoch_destroyed: int
    epoch: int
    """the epoch that now opens the archive"""
    archive_opens: int
    """archive objects opened through the new epoch before the old one was destroyed"""
    holders: tuple[HolderStrength, ...]
    method: str = "cryptographic erase"


class ShreddedRows(Value):
    """What went out of one sealed table or file."""

    set: str
    source: str
    table: str
    form: Literal["parquet", "file"]
    rows: int
    whole: bool


class Shredded(Value):
    """One retention class, table or person that no key opens any more."""

    case_id: str
    what: str
    """the class, ``table SOURCE.TABLE``, or ``person`` (never who)"""
    reason: str
    at: str
    slots: int
    epoch: int
    holders: tuple[HolderStrength, ...]
    tables: tuple[ShreddedRows, ...] = ()
    left: tuple[str, ...] = ()
    """sealed originals of files that still hold such rows: they can only be shredded whole"""
    readers: tuple[str, ...] = ()
    """people who had a copy of it: removed from our places; what they took away nobody can call back"""
    rewrites: tuple[tuple[str, int], ...] = ()
    """how many rewrites of each set this and earlier values tell of"""
