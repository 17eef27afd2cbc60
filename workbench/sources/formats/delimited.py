"""CSV, TSV: any delimiter and encoding; every byte is read, rows of the wrong width included.

pyarrow reads well-formed files; a file it refuses (a cell larger than a block, broken quoting, broken bytes) is read
again by the csv module, slower and to the end.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.sources.formats import Part, looks_like_data, text_batches, text_schema, unique_names
from workbench.sources.formats.encoding import decodes, encoding_of

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = ",\t;|"
BLOCK = 4 << 20


def parts(path: Path) -> list[Part]:
    """The file as one table."""
    encoding = encoding_of(path)
    strict = decodes(path, encoding)
    with path.open("r", encoding=encoding, errors="replace", newline="") as f:
        sample = f.read(65_536)
    delimiter = delimiter_of(sample)
    first = next(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter), []) if sample.strip() else []
    if not first:
        return [Part("", f"csv/{encoding}", text_schema(["column1"]), 0, lambda n: iter(()))]
    header = not looks_like_data(first)
    names = unique_names(first if header else [""] * len(first))
    schema = text_schema(names)

    def fast(batch_rows: int) -> Iterator[pa.RecordBatch]:
        return _arrow(path, encoding, delimiter, header, schema, batch_rows)

    def slow(batch_rows: int) -> Iterator[pa.RecordBatch]:
        return text_batches(schema, _python(path, encoding, delimiter, header), batch_rows)

    import pyarrow as pa

    read = slow
    rows = -1
    if strict:
        try:
            rows = sum(b.num_rows for b in fast(65_536))
            read = fast
        except (pa.ArrowInvalid, UnicodeError):
            rows = -1
    if rows < 0:
        rows = sum(b.num_rows for b in slow(65_536))
    return [Part("", f"csv/{encoding}", schema, rows, read)]


def delimiter_of(sample: str) -> str:
    """The delimiter that splits most lines into the same number (> 1) of fields; a comma when none does."""
    lines = [line for line in sample.splitlines()[:50] if line.strip()]
    best, score = ",", 0.0
    for delimiter in DELIMITERS:
        widths = [len(r) for r in csv.reader(lines, delimiter=delimiter)]
        if not widths:
            continue
        common = max(set(widths), key=lambda w: (widths.count(w), w))
        if common > 1 and widths.count(common) / len(widths) * common > score:
            best, score = delimiter, widths.count(common) / len(widths) * common
    return best


def _arrow(
    path: Path, encoding: str, delimiter: str, header: bool, schema: pa.Schema, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    odd: list[str] = []

    def keep(row: Any) -> str:
        odd.append(row.text if row.text is not None else "")
        return "skip"

    reader = arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(
            encoding="utf8" if encoding.startswith("utf-8") else encoding,
            column_names=schema.names,
            skip_rows=1 if header else 0,
            block_size=BLOCK,
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=keep, ignore_empty_lines=True
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=schema, strings_can_be_null=False, check_utf8=True
        ),
    )
    with reader:
        for batch in reader:
            for at in range(0, batch.num_rows, batch_rows):
                yield batch.slice(at, batch_rows)
            if len(odd) > 10_000:  # mostly odd rows: the csv module copes better, and in bounded memory
                raise pa.ArrowInvalid("too many rows of another width")
    if odd:
        yield from text_batches(schema, ([text] for text in odd), batch_rows)


def _python(path: Path, encoding: str, delimiter: str, header: bool) -> Iterator[list[str]]:
    limit = csv.field_size_limit()
    csv.field_size_limit(1 << 30)
    try:
        with path.open("r", encoding=encoding, errors="replace", newline="") as f:
            reader = csv.reader((line.replace("\0", " ") for line in f), delimiter=delimiter)
            if header:
                next(reader, None)
            for row in reader:
                if row:
                    yield row
    finally:
        csv.field_size_limit(limit)
