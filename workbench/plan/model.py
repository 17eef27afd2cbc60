"""PLAN, DISPOSAL: what happens to which rows, when, how and why. Pure values; see ``planner`` for the function.

The disposals of one table partition its rows: every row belongs to exactly one of them.
"""

from __future__ import annotations

import datetime as dt
from typing import ClassVar, Literal

from workbench.values import Grown, Value

Action = Literal["erase", "lock", "anonymise", "hand_over", "keep", "destroy_medium", "ask"]
"""erase: rows are deleted and scrubbed from the store's bytes
lock: PIPL 47(2): sealed into the archive's retention class; ``suppress`` columns are cleared in the live row
anonymise: the row stays in the live store, ``suppress`` columns are cleared, ``generalise`` columns made coarser, nothing
    goes to the archive
hand_over: sealed for the named receiver, then erased
keep: holds nothing personal; untouched
destroy_medium: a device, a medium or paper; a checklist and a certificate
ask: clocks conflict or facts are missing; a person decides; nothing happens to these rows"""

Level = Literal["none", "logical", "store", "volume"]
Op = Literal["<", ">=", "is_null", "not_null", "referenced", "unreferenced", "parent_in", "parent_gone"]


class Condition(Value):
    """One clause of a row predicate.

    ``<`` and ``>=`` compare the column, read as a date, with ``value`` (ISO date); a cell that is null or no date
    counts as ``>=`` (the cautious reading). ``referenced``: some row that stays (locked, anonymised or kept) of another
    table points at this row; ``unreferenced``: none does. Both have an empty column; ``value`` is empty, or names
    disposals of the same plan joined with commas: then only rows of those sets count as pointing.

    ``parent_in``: detail rows follow their parent. ``column`` is this table's foreign-key column (several joined with
    a comma), ``value`` the id of a disposal of the parent table in the same plan: the row pointed at belongs to that
    disposal's set. Children come before parents in ``order``: the parents are still there.
    Where a condition names disposals, ``referenced`` and ``unreferenced`` clauses of *those* are left out: what counts
    is their dates, nulls and parents, so it is one EXISTS per level and never circular.
    ``parent_gone``: ``column`` as above, ``value`` the parent table's name: the key is null or points at no row.
    """

    column: str = ""
    op: Op
    value: str = ""


class RecordSet(Value):
    """Rows of one table: those meeting every condition (all rows when there is none)."""

    source: str
    table: str
    where: tuple[Condition, ...] = ()

    @property
    def table_id(self) -> str:
        """``source.table``."""
        return f"{self.source}.{self.table}"


class Text(Value):
    """The same sentence in both languages."""

    zh: str
    en: str


class RuleRef(Value):
    """A rule that binds a set, as it stood on the plan's date."""

    id: str
    """names the duty, e.g. cn.accounting.voucher"""
    provision: str
    """law and article in force on the date, for people"""
    term: str = ""
    confidence: str = ""
    """T, T2, M-high, ... as in the packs"""
    signed_off: bool = False
    """a lawyer has reviewed the rule"""


class Generalisation(Value):
    """What a column of rows that are anonymised still says. Done twice it gives the same."""

    column: str
    how: Literal["month", "year", "band", "prefix", "ip24", "keep", "sensitive"]
    """month, year: a date becomes the first day of it. band: a number becomes the lower end of its band of ``width``.
    prefix: of a text its first ``width`` characters stay. ip24: an IPv4 address loses its last part. keep: it stays as it
    is and counts for k. sensitive: it stays as it is, and l is measured on it. A cell that cannot be read so is cleared."""
    width: int = 0

    @property
    def changes(self) -> bool:
        """Whether cells become other ones."""
        return self.how not in ("keep", "sensitive")


class Disposal(Grown):
    """One line of the plan."""

    later: ClassVar[tuple[str, ...]] = ("generalise", "k")

    id: str
    """stable name: D001, D002, ... in the plan's order"""
    set: RecordSet
    action: Action
    level: Level = "store"
    """level of erasure to reach and prove"""
    method: str = ""
    """NIST SP 800-88 r2 term: clear, purge, destroy, cryptographic erase"""
    suppress: tuple[str, ...] = ()
    """columns cleared in live rows that stay"""
    generalise: tuple[Generalisation, ...] = ()
    """columns that still say something in anonymised rows"""
    k: int = 0
    """anonymise: rows that at least share the same quasi-identifiers, or they do not count as anonymised; 0: only measured"""
    keep_columns: tuple[str, ...] = ()
    """columns sealed into the archive (lock, hand_over); empty: all"""
    retention_class: str = ""
    """archive class: one key each, e.g. cn.accounting.voucher/2056"""
    rows: int | None = None
    """expected rows where known from the inventory; the dry run fills the real number"""
    importance: int = 0
    """0..4, 4 = disposed of first"""
    sensitive: bool = False
    categories: tuple[str, ...] = ()
    """categories of personal information found in the table"""
    keep_until: dt.date | None = None
    delete_by: dt.date | None = None
    not_before: dt.date | None = None
    """gate: nothing irreversible before"""
    holds: tuple[str, ...] = ()
    rules: tuple[RuleRef, ...] = ()
    reason: Text
    order: int = 0
    """children before parents inside a source"""
    who: str = ""
    """role or person that carries it out"""
    receiver: str = ""

    @property
    def coarser(self) -> tuple[Generalisation, ...]:
        """Columns whose cells become coarser ones."""
        return tuple(g for g in self.generalise if g.changes) if self.action == "anonymise" else ()

    @property
    def altered(self) -> tuple[str, ...]:
        """Columns that change in rows that stay."""
        return (*self.suppress, *(g.column for g in self.coarser)) if self.action in ("lock", "anonymise") else ()


class Gate(Value):
    """Something that must be true before irreversible steps."""

    id: str
    open: bool
    """True: passed"""
    text: Text
    until: dt.date | None = None
    rule: RuleRef | None = None


class Duty(Value):
    """A dated duty of people: notice, filing, report, hand-over."""

    id: str
    due: dt.date | None
    text: Text
    rule: RuleRef | None = None
    who: str = ""


class PackRef(Value):
    """A rule pack in force: id, version, digest."""

    id: str
    version: str
    sha256: str


class Plan(Value):
    """The whole plan; its digest is what people sign."""

    case_id: str
    as_of: dt.date
    inventory: str
    """digest"""
    findings: str
    """digest"""
    config: str
    """digest of the parts of case.toml the plan depends on"""
    packs: tuple[PackRef, ...]
    disposals: tuple[Disposal, ...]
    gates: tuple[Gate, ...] = ()
    duties: tuple[Duty, ...] = ()
    warnings: tuple[Text, ...] = ()

    def of(self, source: str) -> tuple[Disposal, ...]:
        """Disposals of one source, in order."""
        return tuple(d for d in self.disposals if d.set.source == source)
