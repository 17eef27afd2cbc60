"""PARQUET: columns as they are; nested ones as JSON text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.sources.formats import NotThisFormat, Part

BUFFER = 1 << 20
"""bytes read at a time; a mapped file would count as memory of the process, all of it by the end, and a file cut short under it kills"""


def parts(path: Path) -> list[Part]:
    """The file as one table."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema, rows = flat_schema(file.schema_arrow), file.metadata.num_rows
    except (pa.ArrowException, OSError) as e:
        raise NotThisFormat(f"not a readable Parquet file ({type(e).__name__})") from None
    return [Part("", "parquet", schema, rows, lambda n: _batches(path, n))]


def _batches(path: Path, batch_rows: int) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=batch_rows, use_threads=False):
                yield flat(batch)
    except (pa.ArrowException, OSError) as e:
        raise NotThisFormat(f"the Parquet file is damaged ({type(e).__name__})") from None


def flat_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with nested columns as strings."""
    return pa.schema([pa.field(f.name, pa.string() if pa.types.is_nested(f.type) else f.type, f.nullable) for f in schema])


def flat(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with nested columns as JSON text."""
    if not any(pa.types.is_nested(f.type) for f in batch.schema):
        return batch
    import json

    def text(value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, default=str)

    columns = [
        pa.array([text(v) for v in c.to_pylist()], pa.string()) if pa.types.is_nested(c.type) else c
        for c in batch.columns
    ]
    return pa.record_batch(columns, schema=flat_schema(batch.schema))
