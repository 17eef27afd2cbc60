"""CELLS: a cell's bytes as stores may hold them, and rows as Arrow batches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def text_forms(cell: object) -> dict[str, bytes]:
    """UTF-8, UTF-16LE and GB18030 bytes of a cell's text; only the forms that differ."""
    if isinstance(cell, bytes | bytearray | memoryview):
        data = bytes(cell)
        return {"bytes": data[:64]} if len(data) >= 6 else {}
    if not isinstance(cell, str) or len(cell) > 1_000:
        return {}  # numbers and dates are stored in the engine's own form; long text may be stored compressed
    text = cell[:64]
    if len(text.encode("utf-8", "ignore")) < 6:
        return {}  # too short to be told from chance
    out = {"utf-8": text.encode("utf-8", "ignore"), "utf-16-le": text.encode("utf-16-le", "ignore")}
    if not text.isascii():
        out["gb18030"] = text.encode("gb18030", "ignore")
    return {k: v for k, v in out.items() if len(v) >= 6}


def to_batch(block: Sequence[Sequence[Any]], columns: Sequence[str], types: dict[str, str]) -> pa.RecordBatch:
    """A record batch of rows; a column that does not fit its declared type goes on as text."""
    import pyarrow as pa

    arrays = []
    for i, name in enumerate(columns):
        cells = [bytes(r[i]) if isinstance(r[i], memoryview | bytearray) else r[i] for r in block]
        arrays.append(_array(cells, types.get(name, "")))
    return pa.record_batch(arrays, names=list(columns))


def _array(cells: list[Any], declared: str) -> pa.Array:
    import pyarrow as pa

    for kind in (_arrow_type(declared), None):
        try:
            if kind is not None or declared == "":
                return pa.array(cells, type=kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            continue
    if all(isinstance(c, bytes | None) for c in cells):
        return pa.array(cells, pa.binary())
    return pa.array([None if c is None else c if isinstance(c, str) else str(c) for c in cells], pa.string())


def _arrow_type(text: str) -> Any:
    """The Arrow type of that name, or None for one not known here."""
    import pyarrow as pa

    if found := re.fullmatch(r"decimal(?:128|256)\((\d+),\s*(\d+)\)", text):
        return pa.decimal128(min(38, int(found[1])), int(found[2]))
    if found := re.fullmatch(r"timestamp\[(\w+)(?:, tz=(.+))?\]", text):
        return pa.timestamp(found[1], found[2])
    try:
        return pa.type_for_alias(text) if text else None
    except ValueError:
        return None
