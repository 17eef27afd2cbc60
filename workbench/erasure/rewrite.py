"""REWRITE: each file format written again without the rows that go and with cleared cells; kept rows stay as they are.

CSV and JSON lines keep the bytes of kept rows, Parquet keeps schema, metadata, encodings and compression, workbooks are
rebuilt from the values that stay (which leaves chart caches, defined names and hidden sheets behind).
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.erasure.coarse import coarse
from workbench.erasure.members import cannot_leave_out, leave_out
from workbench.erasure.whole import CELL, ROWWISE, member_of
from workbench.errors import ErasureError
from workbench.plan.model import Disposal, Generalisation
from workbench.sources.base import Table

if TYPE_CHECKING:
    import pyarrow as pa

COARSE = ("csv", "jsonl", "parquet", "xlsx")
"""formats with columns, whose cells can be made coarser"""
LOCAL = ("<", ">=", "is_null", "not_null")
HELD = 96 << 20
"""bytes of kept Parquet rows in memory"""


@dataclass(frozen=True)
class Fate:
    """What becomes of a row."""

    goes: bool = False
    """it leaves the file"""
    cleared: tuple[str, ...] = ()
    """columns emptied if it stays"""
    coarser: Mapping[str, Generalisation] = dataclasses.field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Whether a row that stays is written anew."""
        return bool(self.cleared or self.coarser)

    def cell(self, name: str, cell: Any) -> Any:
        """What a column of a row that stays says then; None for nothing."""
        if name in self.cleared:
            return None
        g = self.coarser.get(name)
        return cell if g is None else coarse(cell, g.how, g.width)


STAYS = Fate()


@dataclass
class Chosen:
    """What happens to a row of one table."""

    table: Table
    disposals: list[Disposal]
    whole: bool = False
    """the file leaves as a whole, rows that are sealed included"""
    _known: dict[str, Fate] = dataclasses.field(default_factory=dict)

    def disposal(self, row: dict[str, Any]) -> Disposal | None:
        """The disposal whose set holds this row."""
        from workbench.erasure.files import matches

        return matches(self.disposals, row) if self.disposals else None

    def fate(self, row: dict[str, Any]) -> Fate:
        """What becomes of the row."""
        d = self.disposal(row)
        if d is None:
            return STAYS
        if d.id not in self._known:
            self._known[d.id] = Fate(self.whole or d.action in ("erase", "hand_over"),
                                     d.suppress if d.action in ("lock", "anonymise") else (), {g.column: g for g in d.coarser})
        return self._known[d.id]

    def fates(self, names: Sequence[str], columns: Sequence[Sequence[Any]]) -> Iterator[Fate]:
        """:meth:`fate` of many rows, given by column; rows alike are judged once."""
        known: dict[tuple[Any, ...], Fate] = {}
        for cells in zip(*columns, strict=True):
            try:
                found = known.get(cells)
            except TypeError:  # a list or a struct in it
                yield self.fate(dict(zip(names, cells, strict=True)))
                continue
            if found is None:
                if len(known) >= 50_000:
                    known.clear()
                found = known[cells] = self.fate(dict(zip(names, cells, strict=True)))
            yield found

    @property
    def all_go(self) -> bool:
        """Whether every row goes whatever it holds."""
        return self.whole or (bool(self.disposals) and all(d.action in ("erase", "hand_over") and not d.set.where
                                            for d in self.disposals))

    @property
    def untouched(self) -> bool:
        """Whether every row stays as it is."""
        return not self.whole and not any(d.action in ("erase", "hand_over") or d.altered for d in self.disposals)


def _kind(table: Table) -> str:
    return table.format.split("/")[0]


def cannot_rewrite(path: Path, tables: list[Table], chosen: list[Chosen]) -> str:
    """Why this file cannot be rewritten, or nothing."""
    foreign = sorted({c.op for x in chosen for d in x.disposals for c in d.set.where if c.op not in LOCAL})
    if foreign:
        return f"the condition {foreign[0]} needs links, which files do not have"
    if all(c.all_go for c in chosen):
        return ""
    kind = _kind(tables[0])
    blunt = sorted(g.column for c in chosen if _kind(c.table) not in COARSE for d in c.disposals for g in d.coarser)
    if blunt:
        return f"{blunt[0]} cannot be made coarser in this format; have it cleared, or export the file to CSV"
    if member_of(tables[0]):
        return cannot_leave_out(path, tables, chosen)
    if kind not in ROWWISE:
        return f"the format {kind} can only be erased whole"
    return undecodable(path, tables[0])


def undecodable(path: Path, table: Table) -> str:
    """Why a text file would not keep the bytes of rows that stay, or nothing."""
    if _kind(table) == "csv" and _encoded(_decoded(path), path) != path.read_bytes():
        return "some bytes are not valid in the file's encoding"
    return ""


def readable(path: Path, table: Table) -> Iterator[dict[str, Any]]:
    """Rows in file order, as the rewriter sees them."""
    kind = _kind(table)
    if kind == "csv":
        for _, row in _csv_records(path, table):
            if row is not None:
                yield row
    elif kind == "jsonl":
        for _, row in _json_records(path, table):
            if row is not None:
                yield row
    elif kind == "text":
        for line in _decoded(path).splitlines(keepends=True):
            if line.strip():
                yield {"text": line.rstrip("\r\n")}
    elif kind == "parquet":
        import pyarrow.parquet as pq

        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(32_768):
                yield from batch.to_pylist()
    else:
        from workbench.sources.formats import excel

        sheet = table.name.rsplit("#", 1)[-1]
        for part in excel.parts(path):
            if part.name == sheet or "#" not in table.name:
                for batch in part.read(8_192):
                    yield from batch.to_pylist()


def row_batches(rows: Iterable[dict[str, Any]], chosen: Chosen, d: Disposal, columns: Sequence[str],
                original: bytes | None = None) -> Iterator[pa.RecordBatch]:
    """Rows of one disposal as record batches, for the archive; ``original`` is written beside the first row."""
    from workbench.erasure.cells import to_batch

    types = {c.name: c.type for c in chosen.table.columns} | {CELL: "binary"}
    block: list[list[Any]] = []
    for row in rows:
        if chosen.disposal(row) is d:
            block.append([original if c == CELL else row.get(c) for c in columns])
            original = None
            if len(block) >= 20_000:
                yield to_batch(block, columns, types)
                block = []
    if block:
        yield to_batch(block, columns, types)


def rewrite(path: Path, temp: Path, tables: list[Table], chosen: dict[str, Chosen], *, inside: bool = False) -> bool:
    """Write what stays of ``path`` to ``temp``, synced, same mode; False when nothing stays and no file is wanted.

    inside: ``path`` is the unpacked member of an archive that the tables lie in.
    """
    if all(chosen[t.name].all_go for t in tables):
        return False
    kind = _kind(tables[0])
    if member_of(tables[0]) and not inside:
        leave_out(path, temp, tables[0].file, tables, chosen)
    elif kind == "parquet":
        _parquet(path, temp, chosen[tables[0].name])
    elif kind == "xlsx":
        _workbook(path, temp, tables, chosen)
    else:
        writer = {"csv": _csv, "jsonl": _json, "text": _text}[kind]
        temp.write_bytes(writer(path, tables[0], chosen[tables[0].name]))
    os.chmod(temp, path.stat().st_mode & 0o777)  # noqa: PTH101
    fd = os.open(temp, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    return True


# -- delimited text --------------------------------------------------------------------------------------------


def _codec(path: Path) -> tuple[str, bytes]:
    from workbench.sources.formats.encoding import encoding_of

    name = encoding_of(path)
    head = _head(path)
    for mark in (b"\xef\xbb\xbf", b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff", b"\xff\xfe", b"\xfe\xff"):
        if head.startswith(mark):
            plain = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le" if mark[0] == 0xFF else "utf-16-be",
                     "utf-32": "utf-32-le" if mark[0] == 0xFF else "utf-32-be"}.get(name, name)
            return plain, mark
    return name, b""


def _head(path: Path) -> bytes:
    with path.open("rb") as f:
        return f.read(4)


def _decoded(path: Path) -> str:
    codec, mark = _codec(path)
    return path.read_bytes()[len(mark):].decode(codec, "surrogateescape" if codec == "utf-8" else "strict"
                                                if _strict(path, codec, len(mark)) else "replace")


def _strict(path: Path, codec: str, skip: int) -> bool:
    try:
        path.read_bytes()[skip:].decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _encoded(text: str, path: Path) -> bytes:
    codec, mark = _codec(path)
    return mark + text.encode(codec, "surrogateescape" if codec == "utf-8" else "replace")


def _csv_records(path: Path, table: Table) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """(raw text, row) of each record in file order; header and empty lines have no row."""
    from workbench.sources.formats.delimited import delimiter_of

    text = _decoded(path)
    delimiter = delimiter_of(text[:65_536])
    names = [c.name for c in table.columns]
    first = True
    for raw in _records(text):
        if not raw.strip():
            yield raw, None
            continue
        cells: list[str | None] = list(next(csv.reader([raw.replace("\0", " ")], delimiter=delimiter), []))
        if first:
            first = False
            from workbench.sources.formats import looks_like_data

            if not looks_like_data([c or "" for c in cells]):
                yield raw, None
                continue
        if not cells:
            yield raw, None
            continue
        if len(cells) > len(names):
            cells = [*cells[: len(names) - 1], " ".join(c for c in cells[len(names) - 1:] if c)]
        yield raw, {n: cells[i] if i < len(cells) else None for i, n in enumerate(names)}


def _records(text: str) -> Iterator[str]:
    """Lines, joined while a quote is open."""
    held = ""
    for line in io.StringIO(text, newline=""):
        held += line
        if held.count('"') % 2 == 0:
            yield held
            held = ""
    if held:
        yield held


def _csv(path: Path, table: Table, chosen: Chosen) -> bytes:
    from workbench.sources.formats.delimited import delimiter_of

    delimiter, out = delimiter_of(_decoded(path)[:65_536]), list[str]()
    names = [c.name for c in table.columns]
    for raw, row in _csv_records(path, table):
        fate = chosen.fate(row) if row is not None else STAYS
        if fate.goes:
            continue
        if row is not None and fate.changes:
            line = io.StringIO()
            csv.writer(line, delimiter=delimiter, lineterminator="").writerow([fate.cell(n, row[n]) for n in names])
            raw = line.getvalue() + raw[len(raw.rstrip("\r\n")):]
        out.append(raw)
    return _encoded("".join(out), path)


def _text(path: Path, table: Table, chosen: Chosen) -> bytes:
    out = []
    for line in _decoded(path).splitlines(keepends=True):
        row = {"text": line.rstrip("\r\n")}
        if line.strip() and ((fate := chosen.fate(row)).goes or "text" in fate.cleared):
            continue
        out.append(line)
    return _encoded("".join(out), path)


# -- JSON ------------------------------------------------------------------------------------------------------


def _json_records(path: Path, table: Table) -> Iterator[tuple[str, dict[str, Any] | None]]:
    from workbench.sources.formats.jsonlines import _flat

    names = [c.name for c in table.columns]
    text = _decoded(path)
    whole = text.lstrip()[:1] == "[" or path.suffix.lower() == ".json"
    if whole:
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        if data is not None:
            for item in data if isinstance(data, list) else [data]:
                flat = _flat(item)
                yield json.dumps(item, ensure_ascii=False), {n: flat.get(n) for n in names}
            return
    for line in text.splitlines(keepends=True):
        if not line.strip():
            yield line, None
            continue
        try:
            flat = _flat(json.loads(line))
        except ValueError:
            flat = {"text": line.rstrip("\n")}
        yield line, {n: flat.get(n) for n in names}


def _json(path: Path, table: Table, chosen: Chosen) -> bytes:
    text = _decoded(path)
    whole = text.lstrip()[:1] == "[" or path.suffix.lower() == ".json"
    out = []
    for raw, row in _json_records(path, table):
        if row is None:
            out.append(raw)
        elif not (fate := chosen.fate(row)).goes:
            if fate.changes:
                end = raw[len(raw.rstrip("\r\n")):]
                raw = json.dumps(_altered(json.loads(raw), fate), ensure_ascii=False) + end
            out.append(raw)
    return _encoded("[" + ",\n".join(out) + "]\n" if whole else "".join(out), path)


def _altered(value: Any, fate: Fate, key: str = "") -> Any:
    if key in fate.cleared or key in fate.coarser:
        return fate.cell(key, value)
    if isinstance(value, dict):
        return {k: _altered(v, fate, f"{key}.{k}" if key else str(k)) for k, v in value.items()}
    return value


# -- Parquet ---------------------------------------------------------------------------------------------------


def _parquet(path: Path, temp: Path, chosen: Chosen) -> None:
    """Same schema with metadata, same compression and dictionaries per column.

    What stays of a row group is one row group again, so that a reader who skips groups by their statistics skips as many as
    before; only of more than ``HELD`` bytes are several made, because a group is written from memory.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        schema, meta = file.schema_arrow, file.metadata
        codec, dictionary = {}, []
        if meta.num_row_groups:
            group = meta.row_group(0)
            for i in range(group.num_columns):
                column = group.column(i)
                codec[column.path_in_schema] = column.compression if column.compression != "UNCOMPRESSED" else "NONE"
                if column.has_dictionary_page:
                    dictionary.append(column.path_in_schema)
        with pq.ParquetWriter(temp, schema, compression=codec or "zstd", use_dictionary=dictionary or False,
                              version=meta.format_version if meta.format_version != "1.0" else "1.0",
                              coerce_timestamps=None, store_schema=True) as writer:
            for number in range(meta.num_row_groups):
                size, held = meta.row_group(number).num_rows, list[pa.Table]()
                for batch in file.iter_batches(max(1, min(size, 131_072)), row_groups=[number]):
                    kept = _kept(pa.Table.from_batches([batch]), chosen)
                    if kept.num_rows:
                        held.append(kept.cast(schema))
                    if sum(t.nbytes for t in held) > HELD:
                        writer.write_table(pa.concat_tables(held), row_group_size=size)
                        held = []
                if held:
                    writer.write_table(pa.concat_tables(held), row_group_size=size)


def _kept(table: pa.Table, chosen: Chosen) -> pa.Table:
    import pyarrow as pa

    needed = sorted({c.column for d in chosen.disposals for c in d.set.where if c.column})
    if not needed and not any(d.altered for d in chosen.disposals):
        return table if not chosen.all_go else table.slice(0, 0)
    fates = list(chosen.fates(needed, [_cells(table.column(n)) for n in needed])) if needed \
        else [chosen.fate({})] * table.num_rows
    stays = pa.array([not f.goes for f in fates], pa.bool_())
    cleared = [f.cleared for f in fates]
    for name in sorted({c for x in cleared for c in x}):
        field = table.schema.field(name)
        mask = pa.array([name in x for x in cleared], pa.bool_())
        column = table.column(name).combine_chunks()
        empty = pa.scalar(None, field.type) if field.nullable else _empty(field.type)
        import pyarrow.compute as pc

        values = column.dictionary_decode() if pa.types.is_dictionary(field.type) else column
        new = pc.if_else(mask, empty.cast(values.type) if empty.is_valid else pa.scalar(None, values.type), values)
        if pa.types.is_dictionary(field.type):
            new = new.dictionary_encode().cast(field.type)
        table = table.set_column(table.schema.get_field_index(name), field, new)
    for name in sorted({c for f in fates for c in f.coarser}):
        table = _coarser(table, name, fates)
    return _own_words(table.filter(stays))


def _coarser(table: pa.Table, name: str, fates: Sequence[Fate]) -> pa.Table:
    import pyarrow as pa

    field = table.schema.field(name)
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    nothing = None if field.nullable else _empty(kind).as_py()
    cells = [c if c is None or name not in f.coarser else nothing if (new := f.cell(name, c)) is None else new
             for c, f in zip(table.column(name).to_pylist(), fates, strict=True)]
    made = pa.array(cells, kind)
    if pa.types.is_dictionary(field.type):
        made = made.dictionary_encode().cast(field.type)
    return table.set_column(table.schema.get_field_index(name), field, made)


def _cells(column: pa.ChunkedArray) -> list[Any]:
    """A column as conditions see it: of a moment only its day counts, where it was, and days repeat."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        try:
            return list(pc.strftime(column, "%Y-%m-%d").to_pylist())
        except pa.ArrowInvalid:  # a zone that this machine does not know
            pass
    return list(column.to_pylist())


def _own_words(table: pa.Table) -> pa.Table:
    """Dictionaries without words that no row uses: a filtered column keeps them all, and the writer would write them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            column = table.column(i).unify_dictionaries().combine_chunks()
            used = pc.unique(column.indices.drop_null()).sort()
            indices = pc.index_in(column.indices, value_set=used).cast(field.type.index_type)
            words = column.dictionary.take(used)
            table = table.set_column(i, field, pa.DictionaryArray.from_arrays(indices, words, ordered=field.type.ordered))
    return table


def _empty(kind: pa.DataType) -> pa.Scalar:
    import pyarrow as pa

    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.scalar("", kind)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.scalar(b"", kind)
    return pa.scalar(0, pa.int64()).cast(kind)


# -- workbooks -------------------------------------------------------------------------------------------------


def _workbook(path: Path, temp: Path, tables: list[Table], chosen: dict[str, Chosen]) -> None:
    """A new workbook of the kept values; sheets whose rows all go are left out."""
    import warnings

    from openpyxl import Workbook, load_workbook

    from workbench.sources.formats.excel import layout

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of parts it drops; we drop all of them
        old = load_workbook(path, data_only=True)
    new = Workbook(write_only=True)
    by_sheet = {t.name.rsplit("#", 1)[-1]: t for t in tables}
    for sheet in old.worksheets:
        table = by_sheet.get(sheet.title)
        if table is None or chosen[table.name].all_go:
            continue
        _sheet(sheet, new.create_sheet(sheet.title), table, chosen[table.name], readable(path, table),
               layout(path, sheet.title))
    if not new.worksheets:
        new.create_sheet("Sheet1")
    new.properties.creator = ""
    with temp.open("wb") as f:
        new.save(f)
    old.close()


def _sheet(old: Any, new: Any, table: Table, chosen: Chosen, rows: Iterator[dict[str, Any]],
           place: tuple[int, int, int]) -> None:
    """One sheet. place: what the source room's reader says of it, see :func:`~workbench.sources.formats.excel.layout`."""
    names = [c.name for c in table.columns]
    filled = [[c.value for c in row] for row in old.iter_rows(min_col=1) if any(c.value not in (None, "") for c in row)]
    count, at, before = place
    if len(filled) != count:
        raise ErasureError(f"two readers do not see the same rows in {table.id}", "export the sheet to CSV; it was not changed")
    for i, cells in enumerate(filled):
        if i == at:
            new.append(cells)
            continue
        row = next(rows)  # the source room's text of the same row: conditions read what the plan's author saw
        fate = chosen.fate(row)
        if not fate.goes:
            new.append([fate.cell(names[n], c) if 0 <= n < len(names) else c for n, c in enumerate(cells, -before)])
