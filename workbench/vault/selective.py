"""SELECTIVE: shred one table or one person out of every backup and the archive, and prove that the rest still opens.

Who the person is stands in nobody's record: the value, the ledger and the journals hold tables and counts alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from workbench.errors import ParameterError, VaultError
from workbench.vault.cells import as_text
from workbench.vault.model import SealedBackup, SealedObject, Shredded
from workbench.vault.readers import recall
from workbench.vault.rewrite import Doomed, Mask, rewrite, sets_of, unit_of, untold
from workbench.vault.shred import holds_on
from workbench.vault.vault import ARCHIVE, Vault, open_vault

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.case import Case

Keys = dict[tuple[str, ...], set[str]]
"""columns of a table -> the values (joined by U+001F) of the rows that go"""
Matches = Mapping[str, Mapping[str, Collection[object]]]
"""``source.table`` -> column -> values"""


class _Table:
    """One table, with the sheets of a workbook when a file is named."""

    def __init__(self, source: str, table: str) -> None:
        self.source, self.table = source, table

    def whole(self, source: str, table: str, form: str) -> bool:
        return source == self.source and (table == self.table or table.startswith(f"{self.table}#"))

    def mask(self, set_id: str, source: str, table: str) -> Mask | None:
        return None


class _Rows:
    """Rows of one person, by table; ``hits``: (set, source, table) where there are any; ``files`` go whole."""

    def __init__(self, keys: dict[tuple[str, str], Keys], hits: set[tuple[str, str, str]], files: set[tuple[str, str]]) -> None:
        self.keys, self.hits, self.files = keys, hits, files

    def whole(self, source: str, table: str, form: str) -> bool:
        return form == "file" and (source, table) in self.files

    def mask(self, set_id: str, source: str, table: str) -> Mask | None:
        if (set_id, source, table) not in self.hits:
            return None
        return lambda batch: _hits(batch, self.keys[(source, table)])


def shred_table(case: Case, source: str, table: str, reason: str) -> Shredded:
    """Destroy what is sealed of one table (or file) in every backup and in the archive.

    Raises:
        VaultError: nothing of it is sealed, a legal hold covers it, or what remains would not open.
    """
    with case.step("shred_table") as run, open_vault(case) as vault:
        _free(case, {f"{source}.{table}"})
        doomed = _Table(source, table)
        result = _carry_out(case, vault, doomed, f"table {source}.{table}", reason)
        if not result.tables:
            raise VaultError(f"nothing of {source}.{table} is sealed", "the vault notebook lists what is")
        run.note(tables=len(result.tables), rows=sum(t.rows for t in result.tables), slots=result.slots, epoch=result.epoch)
        return result


def shred_person(case: Case, matches: Matches, reason: str, *, follow: bool = True, files: bool = False) -> Shredded:
    """Destroy one person's sealed rows: those that ``matches`` names and (``follow``) the rows that point at them.

    Sealed originals (an Excel book, a CSV as it was) cannot lose a row; they are named in ``left``, or with ``files``
    shredded whole. Documents that no table was read from were not looked into.

    Raises:
        VaultError: no row matches, a legal hold covers one of the tables, or what remains would not open.
        ParameterError: a table is not written as ``source.table``, or names no column and value.
    """
    with case.step("shred_person") as run, open_vault(case) as vault:
        keys = _given(matches)
        hits = _search(vault, keys, _links(case) if follow else {})
        found = {(source, table) for _, source, table in hits}
        originals = _originals(vault, found)
        _free(case, {f"{s}.{t}" for s, t in (*found, *(originals if files else ()))})
        result = _carry_out(case, vault, _Rows(keys, hits, originals if files else set()), "person", reason,
                            () if files else tuple(sorted(f"{s}.{t}" for s, t in originals)))
        if not result.tables:
            raise VaultError("no sealed row matches", "check table, column and value; nothing was changed")
        run.note(tables=len(result.tables), rows=sum(t.rows for t in result.tables), slots=result.slots, epoch=result.epoch)
        return result


def _free(case: Case, tables: set[str]) -> None:
    holding = holds_on(case, tables)
    if holding:
        raise VaultError(f"legal hold {holding[0]} covers what is to be shredded; nothing was changed",
                         "end the hold in case.toml (until = ...) when whoever ordered it agrees")


def _carry_out(case: Case, vault: Vault, doomed: Doomed, what: str, reason: str, left: tuple[str, ...] = ()) -> Shredded:
    from workbench.vault.archive import archive_state
    from workbench.vault.backup import backup_value

    for set_id in sets_of(vault):
        rewrite(vault, set_id, doomed)
    rows, slots, counts = untold(vault)
    told = recall(vault, {f"{r.source}.{r.table}" for r in rows})
    result = Shredded(case_id=case.id, what=what, reason=reason, at=case.now(), slots=slots, epoch=vault.keys.epoch,
                      holders=vault.keys.strengths(), tables=tuple(rows), left=left, rewrites=counts, readers=told)
    if not rows:
        return result
    newest = case.find(SealedBackup)
    if newest is not None and any(r.set == newest.set_id for r in rows):
        manifest = next(x["tidied"] for x in reversed(vault.raw_journal(newest.set_id)) if "tidied" in x)
        case.save(backup_value(vault, newest.set_id, manifest))
    if any(r.set == ARCHIVE for r in rows):
        case.save(archive_state(vault))
    case.save(result)
    return result


def _given(matches: Matches) -> dict[tuple[str, str], Keys]:
    keys: dict[tuple[str, str], Keys] = {}
    for name, columns in matches.items():
        source, dot, table = name.partition(".")
        if not dot or not any(columns.values()):
            raise ParameterError("a table is written source.table, with at least one column and value", "shop.customers.id")
        for column, values in columns.items():
            keys.setdefault((source, table), {})[(column,)] = {str(v) for v in values}
    return keys


def _links(case: Case) -> dict[tuple[str, str], list[tuple[str, tuple[str, ...], tuple[str, ...]]]]:
    """(source, table) -> (table that points at it, its columns, the columns pointed at), from the newest inventory."""
    from workbench.inventory import Inventory

    inventory = case.find(Inventory)
    out: dict[tuple[str, str], list[tuple[str, tuple[str, ...], tuple[str, ...]]]] = {}
    for t in inventory.tables if inventory else ():
        for k in t.foreign_keys:
            out.setdefault((t.source, k.ref_table), []).append((t.name, k.columns, k.ref_columns))
    return out


def _search(vault: Vault, keys: dict[tuple[str, str], Keys],
            links: dict[tuple[str, str], list[tuple[str, tuple[str, ...], tuple[str, ...]]]]) -> set[tuple[str, str, str]]:
    """Where rows match: (set, source, table). ``keys`` grows by what points at them, and by their primary keys, so that
    a copy without the column asked for (the archive keeps fewer) goes too."""
    todo = list(keys)
    hits: set[tuple[str, str, str]] = set()
    while todo:
        at = source, table = todo.pop()
        for set_id, primary, batch in _rows_of(vault, at):
            chosen = batch.filter(_hits(batch, keys[at]))
            if not chosen.num_rows:
                continue
            hits.add((set_id, source, table))
            for child, columns, referred in [*links.get(at, []), *([(table, primary, primary)] if primary else [])]:
                values = _joined(chosen, referred)
                mine = keys.setdefault((source, child), {}).setdefault(columns, set())
                fresh = {v for v in values.to_pylist() if v is not None} - mine if values is not None else set()
                mine |= fresh
                if fresh and (source, child) not in todo:
                    todo.append((source, child))
    return hits


def _rows_of(vault: Vault, at: tuple[str, str]) -> Iterator[tuple[str, tuple[str, ...], pa.RecordBatch]]:
    """(set, primary key, batch) of every sealed row of a table that a key still opens, in whatever set."""
    from workbench.vault.restoring import parquet_batches

    primary: tuple[str, ...] = ()
    for set_id in sets_of(vault):
        for line in vault.journal(set_id):
            if unit_of(line) != (*at, "parquet"):
                continue
            primary = tuple(line.get("sealed", {}).get("primary_key", ())) or primary
            things = [SealedObject(**o) for o in (line["archived"]["objects"] if "archived" in line else line["objects"])]
            slot = vault.slot_of(set_id, things[0].id) if things else None
            for thing in things if slot else ():
                assert slot is not None
                for batch in parquet_batches(vault.read(set_id, thing, slot.key)):
                    yield set_id, primary, batch


def _originals(vault: Vault, found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Sealed originals of the files that the tables in ``found`` were read from."""
    out = set()
    for set_id in sets_of(vault):
        for line in vault.journal(set_id):
            unit = unit_of(line)
            if unit and unit[2] == "file" and any(s == unit[0] and (t == unit[1] or t.startswith(f"{unit[1]}#")) for s, t in found):
                out.add(unit[:2])
    return out


def _joined(batch: pa.RecordBatch, columns: tuple[str, ...]) -> pa.Array | None:
    """The cells of ``columns`` as one text a row, null where one is null; None when the batch lacks a column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not set(columns) <= set(batch.schema.names):
        return None
    texts = [as_text(batch.column(batch.schema.get_field_index(c))).cast(pa.large_string()) for c in columns]
    return pc.binary_join_element_wise(*texts, pa.scalar("\x1f", pa.large_string()))


def _hits(batch: pa.RecordBatch, keys: Keys) -> pa.Array:
    """True where any of ``keys`` matches."""
    import pyarrow as pa
    import pyarrow.compute as pc

    out = pa.array([False] * batch.num_rows, pa.bool_())
    for columns, values in keys.items():
        text = _joined(batch, columns)
        if text is not None and values:
            out = pc.or_(out, pc.is_in(text, value_set=pa.array(sorted(values), pa.large_string())))
    return out
