"""REWRITE: take rows out of a sealed set. Whatever shares a key with them is sealed anew under another, the old one dies.

Order: new objects written under a new key, read back from every place, one journal line that decides, then the new
epoch without the old key tested and the old epoch destroyed, then manifests written and the old files removed. Cut
short before the line, nothing happened; after it, the next opening of the vault ends it (:func:`finish`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from workbench.errors import VaultError
from workbench.vault import store
from workbench.vault.digest import ContentDigest
from workbench.vault.model import ArchivedRows, SealedObject, SealedTable, Shredded, ShreddedRows

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.vault.keys import KeyTable, Slot
    from workbench.vault.vault import Vault

Mask = Callable[["pa.RecordBatch"], "pa.Array"]
"""true where a row goes"""
_TURN = re.compile(r"~(\d+)$")


class Doomed(Protocol):
    """What is to go."""

    def whole(self, source: str, table: str, form: str) -> bool:
        """The table or file goes as a whole."""

    def mask(self, set_id: str, source: str, table: str) -> Mask | None:
        """Which rows of that table go; None: none in that set."""


def base_label(label: str) -> str:
    """The label of a key without the number of its turn.

    >>> base_label("cn.accounting/2040~2")
    'cn.accounting/2040'
    """
    return _TURN.sub("", label)


def unit_of(line: dict[str, Any]) -> tuple[str, str, str] | None:
    """(source, table, form) of a journal line that holds rows or a file."""
    thing = line.get("sealed") or line.get("archived")
    return (thing["source"], thing["table"], thing.get("form", "parquet")) if thing and line.get("objects") else None


def sets_of(vault: Vault) -> list[str]:
    """Every sealed set of which a key lives."""
    alive = {s.set for s in vault.keys.slots.values()}
    return [s for s in [*(str(x["set"]) for x in vault.journal("backups")), "archive"] if s in alive]


@dataclass
class _Work:
    """A rewrite under way."""

    vault: Vault
    set_id: str
    doomed: Doomed
    gone: list[ShreddedRows] = field(default_factory=list)
    slots: dict[str, Slot] = field(default_factory=dict)

    def slot(self, label: str) -> Slot:
        """The next key for what stays of ``label``; a run that was killed left it behind, and it is taken up again."""
        if label not in self.slots:
            found = _TURN.search(label)
            turn = int(found[1]) + 1 if found else 1
            self.slots[label] = self.vault.keys.slot(self.set_id, f"{base_label(label)}~{turn}")
        return self.slots[label]

    def put(self, plain: bytes | bytearray | memoryview, slot: Slot) -> SealedObject:
        return self.vault.put(self.set_id, plain, slot.key, slot.recipient)


def rewrite(vault: Vault, set_id: str, doomed: Doomed) -> tuple[ShreddedRows, ...]:
    """Take ``doomed`` out of one set, in every place. Nothing to take out: nothing is written.

    Raises: VaultError when the set is not finished, a place cannot be written, or what was written does not read back.
    """
    lines = vault.journal(set_id)
    if set_id != "archive" and not any("done" in line for line in lines):
        raise VaultError("a backup is not finished", f"workbench run {vault.case.folder} protect")
    hit = [n for n, line in enumerate(lines) if (u := unit_of(line)) and (doomed.whole(*u) or (
        u[2] == "parquet" and doomed.mask(set_id, *u[:2]) is not None))]
    if not hit:
        return ()
    from workbench.vault.vault import label_of

    known = {o["id"] for line in lines for o in line.get("objects", [])}
    for n in range(len(vault.places)):
        store.clean(store.make_folder(vault.set_folder(n, set_id)), known)
    work = _Work(vault, set_id, doomed)
    labels = {label_of(lines[n]) for n in hit}
    old = [line for line in lines if line.get("objects") and label_of(line) in labels]
    new = [made for line in old for made in _again(work, line)]
    if set_id != "archive":
        old += [line for line in lines if "catalogue" in line]
        new.append(_catalogue(vault, set_id, lines, old, new))
    _everywhere(vault, set_id, new)
    dead = [s.id for s in vault.keys.slots.values() if s.set == set_id and s.label in labels]
    vault.note(set_id, {"rewrite": {"gone": [o["id"] for line in old for o in line["objects"]], "lines": new},
                        "doomed": dead, "rows": [g.model_dump() for g in work.gone]})
    finish(vault)
    return tuple(work.gone)


def _again(work: _Work, line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The line that takes the place of ``line``: what stays of it, sealed under the new key."""
    from workbench.vault.vault import label_of

    unit = unit_of(line)
    assert unit is not None
    source, table, form = unit
    if work.doomed.whole(*unit):
        rows = int((line.get("sealed") or line["archived"])["rows"])
        work.gone.append(ShreddedRows(set=work.set_id, source=source, table=table, form=form, rows=rows, whole=True))
        if "sealed" in line:
            yield {"dropped": [list(unit)]}
        else:
            yield {**line, "objects": [], "archived": {**line["archived"], "objects": []}}
        return
    slot = work.slot(label_of(line))
    mask = work.doomed.mask(work.set_id, source, table) if form == "parquet" else None
    if "sealed" in line:
        was = SealedTable(**line["sealed"])
        made, changed = _objects(work, line, slot, mask, was.rows, [c.name for c in was.columns])
        now = was.model_copy(update={"objects": tuple(o.id for o in made), **changed})
        yield {"sealed": now.model_dump(), "slot": slot.label, "objects": [o.model_dump() for o in made]}
        return
    kept = ArchivedRows(**line["archived"])
    data = {**line, "objects": [o.model_dump() for o in kept.objects]}
    made, changed = _objects(work, data, slot, mask, kept.rows, list(kept.columns))
    after = kept.model_copy(update={"objects": tuple(made), **{k: v for k, v in changed.items() if k != "bytes"}})
    listing = work.put(json.dumps(after.model_dump(), ensure_ascii=False, sort_keys=True).encode(), slot)
    yield {**line, "archived": after.model_dump(), "slot": slot.label,
           "objects": [o.model_dump() for o in [*made, listing]]}


def _objects(work: _Work, line: dict[str, Any], slot: Slot, mask: Mask | None, rows: int,
             columns: list[str]) -> tuple[list[SealedObject], dict[str, Any]]:
    """New objects for those of ``line``, and the fields of its table that changed (none when every row stays)."""
    plain = _plain(work, line)
    if mask is None:
        return [work.put(part, slot) for part in plain], {}
    from workbench.vault.backup import parquet_parts

    source, table, _ = unit_of(line) or ("", "", "")
    counted = [0, 0]
    digests: list[ContentDigest] = []

    def staying() -> Iterator[pa.RecordBatch]:
        import pyarrow.compute as pc

        from workbench.vault.restoring import parquet_batches

        for part in plain:
            for batch in parquet_batches(part):
                kept = batch.filter(pc.invert(mask(batch)))
                if not digests:
                    digests.append(ContentDigest(columns or batch.schema.names))
                digests[0].add(kept)
                counted[0] += batch.num_rows
                counted[1] += batch.num_rows - kept.num_rows
                if kept.num_rows:
                    yield kept

    size, made = 0, []
    for part in parquet_parts(staying(), work.vault.options["object_mib"] * 1024 * 1024):
        size += len(part)
        made.append(work.put(part, slot))
    if counted[0] != rows:
        raise VaultError(f"a sealed table has {counted[0]} rows instead of {rows}", "nothing was shredded; workbench vault check",
                         where=f"{source}.{table}")
    work.gone.append(ShreddedRows(set=work.set_id, source=source, table=table, form="parquet", rows=counted[1], whole=False))
    digest = digests[0] if digests else ContentDigest(columns)
    return made, {"rows": digest.rows, "content": digest.hex(), "bytes": size}


def _plain(work: _Work, line: dict[str, Any]) -> Iterator[bytearray]:
    from workbench.vault.restoring import identity_of

    objects = [SealedObject(**o) for o in line["objects"]]
    key = identity_of(work.vault, work.set_id, objects[0].id)
    for thing in objects:
        yield work.vault.read(work.set_id, thing, key)


def _catalogue(vault: Vault, set_id: str, lines: Iterable[dict[str, Any]], old: list[dict[str, Any]],
               new: list[dict[str, Any]]) -> dict[str, Any]:
    """The backup's list of what is in which object, for the state after the rewrite."""
    from workbench.vault.backup import catalogue_line

    staying = [line for line in lines if line not in old] + new
    tables = sorted((SealedTable(**x["sealed"]) for x in staying if "sealed" in x), key=lambda t: (t.source, t.table, t.form))
    return catalogue_line(vault, set_id, tables, [SealedObject(**o) for x in staying for o in x.get("objects", [])])


def _everywhere(vault: Vault, set_id: str, new: Iterable[dict[str, Any]]) -> None:
    """Copy new objects to every place; each is compared with its digest there (the first one was opened when written)."""
    for line in new:
        for thing in (SealedObject(**o) for o in line.get("objects", [])):
            for n in range(1, len(vault.places)):
                store.copy_object(thing, vault.set_folder(0, set_id), vault.set_folder(n, set_id))


def finish(vault: Vault) -> None:
    """End every rewrite that was decided: destroy the old keys, then write manifests and remove the old files."""
    names = [*(str(x["set"]) for x in vault.raw_journal("backups")), "archive"]
    for set_id in names:
        raw = vault.raw_journal(set_id)
        rewrites = [n for n, line in enumerate(raw) if "rewrite" in line]
        if not rewrites:
            continue
        dead = {i for n in rewrites for i in raw[n]["doomed"]} & set(vault.keys.slots)
        if dead:
            vault.keys.shred(dead, lambda keys, set_id=set_id: _opens(vault, keys, set_id))  # type: ignore[misc]
        if not any("tidied" in line for line in raw[rewrites[-1]:]):
            objects = [SealedObject(**o) for line in vault.journal(set_id) for o in line.get("objects", [])]
            store.clean(vault.set_folder(0, set_id), {o.id for o in objects})
            digest = vault.spread(set_id, objects, generation=len(raw) + 1)
            vault.note(set_id, {"tidied": digest})


def _opens(vault: Vault, keys: KeyTable, set_id: str) -> None:
    """Every object of the set whose key is in ``keys`` opens; raises when one does not."""
    from workbench.vault.vault import label_of

    labels = {s.label: s.key for s in keys.slots.values() if s.set == set_id}
    for line in vault.journal(set_id):
        for o in line.get("objects", []):
            if label_of(line) in labels:
                vault.read(set_id, SealedObject(**o), labels[label_of(line)])


def untold(vault: Vault) -> tuple[list[ShreddedRows], int, tuple[tuple[str, int], ...]]:
    """Rows that rewrites took out and no saved value tells of yet, how many keys died, and the count to note in the value."""
    told = next((dict(v.rewrites) for v in reversed(vault.case.history(Shredded)) if v.rewrites), {})
    rows, keys, counts = [], 0, []
    for set_id in [*(str(x["set"]) for x in vault.raw_journal("backups")), "archive"]:
        rewrites = [x for x in vault.raw_journal(set_id) if "rewrite" in x]
        counts.append((set_id, len(rewrites)))
        for line in rewrites[told.get(set_id, 0):]:
            rows += [ShreddedRows(**r) for r in line["rows"]]
            keys += len(line["doomed"])
    return rows, keys, tuple(counts)
