"""CELLS: sealed Arrow columns as a fresh database takes them, and back into the sealed type.

A database is given each value as exact text (or bytes), and what it gives back is cast to the type that was sealed;
equal digests then mean that not one bit of a value was lost on the way there or back.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def as_text(column: pa.Array) -> pa.Array:
    """Every value as UTF-8 text that reads back to the same value; bytes as ``\\x`` and hex digits."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.dictionary_decode())
    if _is_binary(kind):
        return pa.array([None if v is None else "\\x" + v.hex() for v in column.to_pylist()], pa.large_string())
    if pa.types.is_nested(kind) or pa.types.is_null(kind):
        cells = [None if v is None else json.dumps(v, default=str, sort_keys=True) for v in column.to_pylist()]
        return pa.array(cells, pa.large_string())
    if pa.types.is_time(kind):
        return pa.array([None if v is None else v.isoformat() for v in column.to_pylist()], pa.large_string())
    try:
        return pc.cast(column, pa.large_string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.large_string())


def as_sealed(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """A column read back from a database, in the type that was sealed; ArrowInvalid when a value does not fit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if column.type == kind or pa.types.is_nested(kind) or pa.types.is_null(kind):
        return column  # nested values are compared as their text
    if pa.types.is_time(kind) and _is_text(column.type):
        return pa.array([None if v is None else dt.time.fromisoformat(v) for v in column.to_pylist()], kind)
    try:
        return pc.cast(column, kind)
    except pa.ArrowNotImplementedError:
        return column


def python_cells(column: pa.Array) -> list[Any]:
    """Cells for SQLite: numbers, text and bytes as they are, the rest as text.

    NaN (which SQLite takes for null) and the negative zero (whose sign it drops) become ``nan`` and ``-0x0.0p+0``.
    """
    import pyarrow as pa

    kind = column.type
    if pa.types.is_floating(kind):
        return [v.hex() if v is not None and (v != v or (v == 0 and math.copysign(1, v) < 0)) else v
                for v in column.to_pylist()]
    if _is_binary(kind) or _is_text(kind) or pa.types.is_boolean(kind) or (
            pa.types.is_integer(kind) and kind != pa.uint64()):
        return list(column.to_pylist())
    return list(as_text(column).to_pylist())


def from_python(cells: list[Any], kind: pa.DataType) -> pa.Array:
    """SQLite's cells in the sealed type; TypeError, ValueError or ArrowInvalid when one does not fit."""
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return pa.array([None if v is None else bool(v) for v in cells], kind)
    if pa.types.is_floating(kind):
        return pa.array([float.fromhex(v) if isinstance(v, str) else v for v in cells], kind)
    if _is_binary(kind) or _is_text(kind) or (pa.types.is_integer(kind) and kind != pa.uint64()):
        return pa.array(cells, kind)
    return as_sealed(pa.array(cells, pa.large_string()), kind)


def _is_binary(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


_POSTGRES = {
    "bool": "BOOLEAN", "int8": "SMALLINT", "uint8": "SMALLINT", "int16": "SMALLINT", "uint16": "INTEGER",
    "int32": "INTEGER", "uint32": "BIGINT", "int64": "BIGINT", "uint64": "NUMERIC(20)", "halffloat": "REAL",
    "float": "REAL", "double": "DOUBLE PRECISION", "date32[day]": "DATE",
}


def postgres_type(kind: pa.DataType) -> str:
    """The PostgreSQL type that holds every value of an Arrow type; nanoseconds and what it lacks become TEXT."""
    import pyarrow as pa

    if str(kind) in _POSTGRES:
        return _POSTGRES[str(kind)]
    if _is_binary(kind):
        return "BYTEA"
    if pa.types.is_timestamp(kind) and kind.unit != "ns":
        return "TIMESTAMPTZ" if kind.tz else "TIMESTAMP"
    if pa.types.is_decimal(kind) and kind.scale >= 0:
        return f"NUMERIC({kind.precision}, {kind.scale})"
    return "TEXT"


def sqlite_type(kind: pa.DataType) -> str:
    """The SQLite affinity that changes no value of an Arrow type: decimals and times stay text."""
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return "BOOLEAN"
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return "INTEGER"
    if pa.types.is_floating(kind):
        return "REAL"
    return "BLOB" if _is_binary(kind) else "TEXT"
