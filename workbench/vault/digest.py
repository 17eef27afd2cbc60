"""DIGEST: a number for the content of a table that does not depend on the order or the batching of its rows.

Each row becomes bytes (length-prefixed cells, null apart from empty), each row's SHA-256 is added lane by lane
modulo 2^64. Equal tables give equal digests; a chance collision is out of reach. It guards against error, not against
a forger who may choose rows; the objects' own SHA-256 and the ledger do that.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


AT_ONCE = 1 << 19
"""bytes of a batch that are made into text at once: several times as much while it lasts"""


class ContentDigest:
    """Add batches, read :attr:`rows` and :meth:`hex`."""

    def __init__(self, columns: Sequence[str]) -> None:
        import numpy as np

        self.columns = tuple(columns)
        self.rows = 0
        self._lanes = np.zeros(4, dtype="<u8")

    def add(self, batch: pa.RecordBatch) -> None:
        """Add every row of ``batch``, which holds the columns of this digest."""
        import numpy as np

        step = max(1, AT_ONCE * batch.num_rows // max(1, batch.nbytes))
        for at in range(0, batch.num_rows, step):
            piece = batch.slice(at, step)
            rows = encode_rows([piece.column(piece.schema.get_field_index(c)) for c in self.columns], piece.num_rows)
            digests = b"".join([hashlib.sha256(row).digest() for row in rows])
            self._lanes += np.frombuffer(digests, dtype="<u8").reshape(-1, 4).sum(axis=0, dtype="<u8")
        self.rows += batch.num_rows

    def hex(self) -> str:
        """64 hex characters over column names, row count and the sum of rows."""
        head = json.dumps([*self.columns, self.rows], ensure_ascii=False).encode()
        return hashlib.sha256(head + b"\0" + self._lanes.tobytes()).hexdigest()


def encode_rows(columns: Sequence[pa.Array], rows: int) -> list[bytes]:
    """One bytes object per row: every cell as ``length:text``, null as ``~``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not columns:
        return [b""] * rows
    colon, null, nothing = _literals()
    pieces = []
    for column in columns:
        text = _text(column)
        size = pc.cast(pc.binary_length(text), pa.large_string()).cast(pa.large_binary())
        pieces.append(pc.fill_null(pc.binary_join_element_wise(size, text, colon), null))
    joined = pc.binary_join_element_wise(*pieces, nothing)
    return list(joined.to_pylist())


def _literals() -> pa.Array:
    """``:``, ``~`` and nothing as Arrow has them; made from buffers since ``pa.scalar`` imports pandas (30 MB)."""
    import pyarrow as pa

    buffers = [None, pa.py_buffer(struct.pack("<4q", 0, 1, 2, 2)), pa.py_buffer(b":~")]
    return pa.Array.from_buffers(pa.large_binary(), 3, buffers)


def _text(column: pa.Array) -> Any:
    """The cells as bytes; the same value always gives the same bytes, whatever its Arrow width."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _text(column.dictionary_decode())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pc.cast(column, pa.large_binary())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pc.cast(column, pa.large_string()).cast(pa.large_binary())
    if any(is_(kind) for is_ in (pa.types.is_timestamp, pa.types.is_time64, pa.types.is_duration, pa.types.is_date64)):
        column = column.cast(pa.int64())
    elif pa.types.is_date32(kind) or pa.types.is_time32(kind):
        column = column.cast(pa.int32())
    elif pa.types.is_nested(kind) or pa.types.is_null(kind):
        cells = [None if v is None else json.dumps(v, default=str, sort_keys=True).encode() for v in column.to_pylist()]
        return pa.array(cells, pa.large_binary())
    try:
        return pc.cast(column, pa.large_string()).cast(pa.large_binary())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        cells = [None if v is None else str(v).encode() for v in column.to_pylist()]
        return pa.array(cells, pa.large_binary())
