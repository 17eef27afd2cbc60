"""FREEZE: collection has stopped, and the proof that nothing arrived since.

At the freeze every row is known by a keyed hash, kept in the case's private folder; hashes without the key are noise, and
the key goes when the case closes. Later, at any time, and also after the erasure, the same rows are hashed again: a row
that was not there is an alarm; a row that is gone is one only where nobody planned to remove it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import CaseError
from workbench.sources.base import Source, Table
from workbench.values import Value

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from workbench.case import Case


class FrozenTable(Value):
    """One table as it stood when collection stopped."""

    source: str
    table: str
    rows: int
    newest: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    """newest value of each date or time column (birth dates left out), ISO 8601"""
    content: str
    """SHA-256 over the sorted keyed row hashes: same rows in any order, same digest"""


class Freeze(Value):
    """The declaration that collection has stopped."""

    case_id: str
    declared_at: str
    tables: tuple[FrozenTable, ...]


class Expected(Value):
    """What an executed plan was allowed to do to one table."""

    source: str
    table: str
    removed: bool = True
    """rows may be gone"""
    cleared: tuple[str, ...] = ()
    """columns that may have changed in rows that stay"""


class CheckedTable(Value):
    """One table now, against the freeze. ``added`` and ``newer`` are always alarms."""

    source: str
    table: str
    rows_then: int
    rows_now: int
    added: int
    """rows that were not there, by primary key (by content where there is no key)"""
    changed: int
    """rows of the same primary key with other content"""
    removed: int
    newer: tuple[str, ...] = ()
    """date columns whose newest value moved on"""
    by_count: bool = False
    """a table without a key whose columns the plan cleared: only its row count could be compared"""


class Alarm(Value):
    """Something arrived, changed or went although collection had stopped."""

    source: str
    table: str
    what: str
    """added, changed, removed, newer, new_table, missing_table"""
    rows: int = 0
    columns: tuple[str, ...] = ()


class FreezeCheck(Value):
    """The comparison, with its alarms."""

    case_id: str
    freeze: str
    """digest of the Freeze"""
    checked_at: str
    tables: tuple[CheckedTable, ...]
    alarms: tuple[Alarm, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing arrived and nothing changed that should not have."""
        return not self.alarms


def freeze(case: Case) -> Freeze:
    """Declare collection stopped and remember every row by keyed hash."""
    from workbench.sources import open_source

    with case.step("freeze") as run:
        folder = case.private("freeze")
        key = _key(folder, create=True)
        frozen = []
        for spec in case.config.sources:
            with open_source(spec, case.folder) as source:
                for table in source.tables():
                    state = _State(source, table, key)
                    state.keep(folder)
                    frozen.append(
                        FrozenTable(
                            source=source.name, table=table.name, rows=state.rows, newest=state.newest, content=state.digest
                        )
                    )
        value = Freeze(
            case_id=case.config.case.id,
            declared_at=case.now(),
            tables=tuple(sorted(frozen, key=lambda t: (t.source, t.table))),
        )
        case.save(value)
        run.note(tables=len(frozen), rows=sum(t.rows for t in frozen))
        return value


def check_freeze(case: Case, erased: Sequence[Expected] = ()) -> FreezeCheck:
    """Compare every source with the freeze; usable at any time.

    ``erased`` names the tables where an executed plan removed rows or cleared columns; everywhere else a missing or
    changed row is an alarm too.

    Raises: CaseError before a freeze, or when its private hashes or their key are gone.
    """
    from workbench.sources import open_source

    with case.step("check-freeze") as run:
        then = case.load(Freeze)
        folder = case.private("freeze")
        key = _key(folder, create=False)
        allowed = {(e.source, e.table): e for e in erased}
        before = {(t.source, t.table): t for t in then.tables}
        checked: list[CheckedTable] = []
        alarms: list[Alarm] = []
        for spec in case.config.sources:
            with open_source(spec, case.folder) as source:
                for table in source.tables():
                    spot = (source.name, table.name)
                    if spot not in before:
                        alarms.append(Alarm(source=spot[0], table=spot[1], what="new_table", rows=table.rows))
                        continue
                    state = _State(source, table, key)
                    row = _compare(before.pop(spot), state, folder)
                    want = allowed.get(spot)
                    if want and want.cleared and not table.primary_key and row.added:
                        # rows without a key are known by content alone, and the plan changed it: the count is what is left
                        extra = max(0, row.rows_now - row.rows_then)
                        row = row.model_copy(update={"added": extra, "by_count": True})
                    checked.append(row)
                    alarms += _alarms(row, allowed.get(spot))
        for (name, table_name), old in sorted(before.items()):
            if old.rows and not ((name, table_name) in allowed and allowed[name, table_name].removed):
                alarms.append(Alarm(source=name, table=table_name, what="missing_table", rows=old.rows))
        check = FreezeCheck(
            case_id=case.config.case.id,
            freeze=then.digest,
            checked_at=case.now(),
            tables=tuple(sorted(checked, key=lambda t: (t.source, t.table))),
            alarms=tuple(sorted(alarms, key=lambda a: (a.source, a.table, a.what))),
        )
        case.save(check)
        run.note(tables=len(checked), alarms=len(alarms), added=sum(t.added for t in checked))
        return check


def destroy_key(case: Case) -> bool:
    """Destroy the key of the row hashes and the hashes; False when they were gone already. After this no check is possible."""
    folder = case.private("freeze")
    found = False
    for path in sorted(folder.iterdir()):
        found = True
        size = path.stat().st_size
        with path.open("r+b") as f:
            f.write(b"\0" * size)
            f.flush()
            os.fsync(f.fileno())
        path.unlink()
    return found


def _alarms(row: CheckedTable, allowed: Expected | None) -> list[Alarm]:
    def alarm(what: str, rows: int = 0, columns: tuple[str, ...] = ()) -> Alarm:
        return Alarm(source=row.source, table=row.table, what=what, rows=rows, columns=columns)

    out = []
    if row.added:
        out.append(alarm("added", row.added))
    if row.newer:
        out.append(alarm("newer", columns=row.newer))
    if row.changed and not (allowed and allowed.cleared):
        out.append(alarm("changed", row.changed))
    if row.removed and not (allowed and allowed.removed):
        out.append(alarm("removed", row.removed))
    return out


class _State:
    """One pass over a table: rows, newest dates, keyed hashes of rows and of primary keys."""

    def __init__(self, source: Source, table: Table, key: tuple[int, int]) -> None:
        import hashlib

        import numpy as np

        from workbench.sources.keyed import hash_rows

        self.spot = (source.name, table.name)
        self.newest: dict[str, str] = {}
        rows: list[NDArray[np.uint64]] = []
        keys: list[NDArray[np.uint64]] = []
        dates = [c.name for c in table.columns if not re.search(r"birth|dob|生日|出生", c.name, re.I)]
        for batch in source.batches(table.name):
            rows.append(hash_rows(batch, key))
            if table.primary_key:
                keys.append(hash_rows(batch.select(list(table.primary_key)), key))
            for name in dates:
                newest = _newest(batch.column(name))
                if newest and newest > self.newest.get(name, ""):
                    self.newest[name] = newest
        empty = np.zeros(0, np.uint64)
        self.hashes = np.concatenate(rows) if rows else empty
        self.keys = np.concatenate(keys) if keys else empty
        order = np.argsort(self.hashes, kind="stable")
        self.hashes = self.hashes[order]
        self.keys = self.keys[order] if len(self.keys) else self.keys
        self.rows = len(self.hashes)
        self.digest = hashlib.sha256(self.hashes.astype("<u8").tobytes()).hexdigest()

    def keep(self, folder: Path) -> None:
        import numpy as np

        path = _hash_file(folder, *self.spot)
        temporary = path.with_suffix(".part")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as f:
            np.savez(f, rows=self.hashes, keys=self.keys)
        temporary.replace(path)


def _compare(then: FrozenTable, now: _State, folder: Path) -> CheckedTable:
    import numpy as np

    path = _hash_file(folder, *now.spot)
    if not path.exists():
        raise CaseError("the row hashes of the freeze are gone", "freeze again: workbench run CASE_DIR freeze")
    with np.load(path, allow_pickle=False) as kept:
        rows, keys = kept["rows"], kept["keys"]
    removed, added = _difference(rows, now.hashes)
    changed = 0
    if len(keys) or len(now.keys):
        gone = keys[_mask(rows, now.hashes)]
        come = now.keys[_mask(now.hashes, rows)]
        changed = int(np.count_nonzero(np.isin(come, gone)))
        removed, added = removed - changed, added - changed
    return CheckedTable(
        source=then.source, table=then.table, rows_then=then.rows, rows_now=now.rows, added=added, changed=changed,
        removed=removed,
        newer=tuple(sorted(c for c, v in now.newest.items() if v > then.newest.get(c, ""))),
    )  # fmt: skip


def _mask(mine: NDArray[np.uint64], theirs: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of my (sorted) hashes have no partner in theirs, repeated rows counted one by one."""
    import numpy as np

    rank = np.arange(len(mine)) - np.searchsorted(mine, mine, "left")
    have = np.searchsorted(theirs, mine, "right") - np.searchsorted(theirs, mine, "left")
    return np.asarray(rank >= have, np.bool_)


def _difference(then: NDArray[np.uint64], now: NDArray[np.uint64]) -> tuple[int, int]:
    return int(_mask(then, now).sum()), int(_mask(now, then).sum())


_DATE = r"^(19|20)\d\d[-/](0[1-9]|1[0-2])[-/](0[1-9]|[12]\d|3[01])([ T].*)?$"


def _newest(column: pa.Array) -> str:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        top = pc.max(column).as_py()
        return "" if top is None else str(top.isoformat())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        first = column.drop_null()[:1].to_pylist()
        if first and re.match(_DATE, first[0]):
            top = pc.max(pc.filter(column, pc.match_substring_regex(column, _DATE))).as_py()
            return str(top or "")
    return ""


def _hash_file(folder: Path, source: str, table: str) -> Path:
    import hashlib

    return folder / (hashlib.sha256(f"{source}\0{table}".encode()).hexdigest()[:32] + ".npz")


def _key(folder: Path, *, create: bool) -> tuple[int, int]:
    path = folder / "key.json"
    if not path.exists():
        if not create:
            raise CaseError("there is no freeze to compare with", "workbench run CASE_DIR freeze")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="ascii") as f:
            json.dump([secrets.randbits(64), secrets.randbits(64)], f)
    a, b = json.loads(path.read_text(encoding="ascii"))
    return int(a), int(b)
