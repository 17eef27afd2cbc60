"""LOOKUP: the rows of one person in every source, by keyed comparison; no list of people is made and none is kept.

A person is known by strong identifiers only (phone, identity number, e-mail ...), never by a name, so a namesake's rows
stay out. From a row found that way its other identifiers count too: a former phone number leads to older rows. A row
that carries another identity number than the person's is left out and counted: a person has to look at it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.errors import ParameterError
from workbench.values import Value

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.case import Case
    from workbench.classification.model import Findings
    from workbench.inventory import Inventory
    from workbench.sources.base import Column, Source, Table

UNIQUE = frozenset({"cn_resident_id", "cn_resident_id_15", "passport", "cn_hkmo_permit", "cn_taiwan_permit",
                    "cn_foreigner_permit", "us_ssn", "hk_id", "sg_nric"})
"""identify one person for life; two different ones are two persons"""
STRONG = UNIQUE | {"cn_mobile", "phone", "cn_landline", "email", "bank_card", "wechat", "qq"}
LEAST = 6
"""characters of an identifier after normalising; shorter ones match by chance"""
ROUNDS = 4
_WHOLE = re.compile(r"u?int(16|32|64)$")
RowId = tuple[Any, ...]
"""primary key of a row, else its number: an engine may hand out rows in another order for other columns"""


class Hit(Value):
    """Rows of one table that belong to the person."""

    source: str
    table: str
    rows: int
    by: str
    """identifier, text, link"""


class Lookup(Value):
    """What was found, in counts."""

    hits: tuple[Hit, ...]
    conflicts: int = 0
    """rows left out: same phone or e-mail, another identity number"""

    @property
    def rows(self) -> int:
        """Rows over all tables."""
        return sum(h.rows for h in self.hits)


@dataclass
class _Search:
    case: Case
    findings: Findings
    inventory: Inventory
    key: tuple[int, int] = field(default_factory=lambda: (secrets.randbits(64), secrets.randbits(64)))
    wanted: set[str] = field(default_factory=set)
    unique: set[str] = field(default_factory=set)
    rows: dict[tuple[str, str], dict[RowId, str]] = field(default_factory=dict)
    """(source, table) -> row -> how it was found"""
    conflicts: set[tuple[str, str, RowId]] = field(default_factory=set)


def normal(text: str) -> str:
    """An identifier without the ways of writing it: case, spaces, dashes, the Chinese country code.

    >>> normal("+86 138-0013-8000"), normal("A@x.EXAMPLE ")
    ('13800138000', 'a@x.example')
    """
    squeezed = re.sub(r"[\s\-()—–]", "", text).lower()
    return re.sub(r"^(\+|00)?86(?=1[3-9]\d{9}$)", "", squeezed)


def find_person(case: Case, identifiers: Iterable[str]) -> Lookup:
    """Count the person's rows in every source. The identifiers stay in memory and go with this call.

    Raises:
        ParameterError: no identifier, or one too short to tell anybody apart.
        CaseError: nothing was classified yet.
    """
    return _search(case, identifiers)[0]


def rows_of(case: Case, identifiers: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(table, row) of the person's rows, for the answer that goes to the person alone."""
    from workbench.sources import open_source

    _, search = _search(case, identifiers)
    for spec in case.config.sources:
        if not any(s == spec.name for s, _ in search.rows):
            continue
        with open_source(spec, case.folder) as source:
            for (name, table), found in sorted(search.rows.items()):
                if name == spec.name:
                    for number, row in _numbered(source, table, None):
                        if number in found:
                            yield f"{name}.{table}", row


def _search(case: Case, identifiers: Iterable[str]) -> tuple[Lookup, _Search]:
    from workbench.classification.model import Findings
    from workbench.inventory import Inventory

    given = {normal(i) for i in identifiers if i.strip()}
    if not given:
        raise ParameterError("the request names no identifier", "give a phone, an identity number or an e-mail")
    if min(len(i) for i in given) < LEAST:
        raise ParameterError("an identifier is too short to tell one person from another", f"{LEAST} characters or more")
    search = _Search(case, case.load(Findings), case.load(Inventory))
    search.wanted |= given
    for _ in range(ROUNDS):
        before = len(search.wanted)
        search.rows.clear()
        search.conflicts.clear()
        _round(search)
        if len(search.wanted) == before:
            break
    for _ in range(ROUNDS):
        if not _follow(search) and not _across(search):
            break
    hits = tuple(Hit(source=s, table=t, rows=len(r), by=min(r.values()))
                 for (s, t), r in sorted(search.rows.items()) if r)
    return Lookup(hits=hits, conflicts=len(search.conflicts)), search


def _columns(search: _Search, source: str, table: str) -> dict[str, tuple[str, bool]]:
    """Column -> (detector, whole cells) of the strong identifiers found there."""
    found: dict[str, tuple[str, bool]] = {}
    for f in search.findings.of(source, table):
        if f.detector in STRONG:
            whole = not f.matched or f.whole * 2 >= f.matched
            known = found.get(f.column)
            found[f.column] = (f.detector if known is None or f.detector in UNIQUE else known[0],
                               whole and (known is None or known[1]))
    return found


def _round(search: _Search) -> None:
    from workbench.sources import open_source

    for spec in search.case.config.sources:
        with open_source(spec, search.case.folder) as source:
            for table in source.tables():
                columns = _columns(search, spec.name, table.name)
                if columns:
                    _table(search, source, table, columns)


def _table(search: _Search, source: Source, table: Table, columns: dict[str, tuple[str, bool]]) -> None:
    import numpy as np
    import pyarrow as pa

    from workbench.sources.keyed import hash_cells

    base = 0
    found = search.rows.setdefault((source.name, table.name), {})
    present = [c for c in columns if table.column(c)]
    for batch in source.batches(table.name):
        needles = hash_cells(pa.array(sorted(search.wanted)), search.key)
        texts = {c: _normal_cells(batch.column(batch.schema.get_field_index(c))) for c in present}
        mask = np.zeros(batch.num_rows, bool)
        inside = np.zeros(batch.num_rows, bool)
        for c in present:
            mask |= np.isin(hash_cells(texts[c], search.key), needles) & texts[c].is_valid().to_numpy(zero_copy_only=False)
            if not columns[c][1]:
                inside |= _contains(texts[c], search.wanted)
        keys = [batch.column(batch.schema.get_field_index(k)) for k in table.primary_key]
        for n in np.flatnonzero(mask | inside):
            id_ = tuple(k[int(n)].as_py() for k in keys) or (base + int(n),)
            row = {c: texts[c][int(n)].as_py() for c in present if columns[c][1]}
            mine = {v for c, v in row.items() if v and columns[c][0] in UNIQUE}
            if mine and search.unique and not mine & search.unique and not mine & search.wanted:
                search.conflicts.add((source.name, table.name, id_))
                continue
            if mask[n]:  # free text tells of a person, it does not say that its other numbers are the same person's
                search.unique |= mine
                search.wanted |= {v for v in row.values() if v and len(v) >= LEAST}
            found[id_] = "identifier" if mask[n] else "text"
        base += batch.num_rows


def _normal_cells(array: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    from workbench.sources.keyed import text_of

    text = text_of(array)
    if not pa.types.is_string(text.type):
        text = pc.cast(text, pa.string(), safe=False) if pa.types.is_large_string(text.type) else pa.array(
            [None if v is None else v.decode("utf-8", "replace") for v in text.to_pylist()], pa.string())
    squeezed = pc.utf8_lower(pc.replace_substring_regex(text, r"[\s\-()—–]", ""))
    return pc.replace_substring_regex(squeezed, r"^(?:\+|00)?86(1[3-9][0-9]{9})$", r"\1")


def _contains(text: pa.Array, wanted: set[str]) -> Any:
    import pyarrow.compute as pc

    one = "|".join(re.escape(w) for w in sorted(wanted))
    pattern = rf"(^|[^0-9a-z])(86)?({one})($|[^0-9a-z])"
    return pc.fill_null(pc.match_substring_regex(text, pattern), False).to_numpy(zero_copy_only=False)


def _follow(search: _Search) -> bool:
    """Rows that point at the person's rows are the person's too (orders, payments); True when some were new."""
    from workbench.sources import open_source

    new = False
    for spec in search.case.config.sources:
        links = [k for k in search.inventory.links if k.source == spec.name and (spec.name, k.key.ref_table) in search.rows]
        if not links:
            continue
        with open_source(spec, search.case.folder) as source:
            for link in links:
                parents = search.rows.get((spec.name, link.key.ref_table), {})
                # a row that only speaks of the person in free text is no owner of what points at it
                own = {n for n, by in parents.items() if by != "text"}
                if not own or link.table == link.key.ref_table:
                    continue
                keys = {tuple(row.values()) for n, row in _numbered(source, link.key.ref_table, link.key.ref_columns) if n in own}
                mine = search.rows.setdefault((spec.name, link.table), {})
                for n, row in _numbered(source, link.table, link.key.columns):
                    if tuple(row.values()) in keys and n not in mine:
                        mine[n] = "link"
                        new = True
    return new


def _across(search: _Search) -> bool:
    """Rows of another source that carry the key of the person's rows (an event log with customer numbers)."""
    from workbench.inventory import name_score, points_at
    from workbench.sources import open_source

    def text(column: Column) -> Column:  # one source may keep as text the number that another keeps as a number
        return column.model_copy(update={"type": "string"}) if _WHOLE.match(column.type) else column

    new = False
    specs = {s.name: s for s in search.case.config.sources}
    for (name, table), found in list(search.rows.items()):
        parent = search.inventory.table(name, table)
        own = {n for n, by in found.items() if by != "text"}
        pairs = [(child, c, key) for child in search.inventory.tables if child.source != name and parent is not None and own
                 for c in map(text, child.columns) for key in map(text, parent.columns) if name_score(child, c, parent, key) >= 4]
        for child, c, key in pairs:
            with open_source(specs[child.source], search.case.folder) as source, \
                    open_source(specs[name], search.case.folder) as other:
                assert parent is not None
                if not points_at(source, child, c, other, parent, key):
                    continue
                theirs = {row[key.name] for n, row in _numbered(other, table, (key.name,)) if n in own}
                keys = {str(v) for v in theirs - {None}}
                mine = search.rows.setdefault((child.source, child.name), {})
                for n, row in _numbered(source, child.name, (c.name,)):
                    if row[c.name] is not None and str(row[c.name]) in keys and n not in mine:
                        mine[n] = "link"
                        new = True
    return new


def _numbered(source: Source, table: str, columns: tuple[str, ...] | None) -> Iterator[tuple[RowId, dict[str, Any]]]:
    """Rows (only ``columns``, when given) with their ids."""
    keys = next(t.primary_key for t in source.tables() if t.name == table)
    n = 0
    for batch in source.batches(table):
        wanted = batch.select(list(dict.fromkeys((*keys, *columns)))) if columns else batch
        for row in wanted.to_pylist():
            yield tuple(row[k] for k in keys) or (n,), {c: row[c] for c in columns} if columns else row
            n += 1
