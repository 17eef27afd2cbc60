"""COPYOUT: PostgreSQL's COPY ... (FORMAT binary) to Arrow batches, without the GIL, for scans of large tables.

ADBC reads the same stream, at about as many processor seconds as the server needs to send it and the detection to judge it; on a
machine where all three share few cores a scan cannot then come near the bare reader. Here one compiled loop takes rows from
libpq (``PQgetCopyData``, in the very libpq that psycopg made the connection with) and puts each field where Arrow wants it.
Types and values are those that ADBC gives; a type that is not in :data:`KINDS` leaves the table to ADBC.
Format: PostgreSQL documentation, COPY, "Binary Format".
"""


from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.sources.keyed import _intrinsic, at_address, compiled, pointer

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 1 << 15
"""rows of a batch; its cells stay in the processor's cache until they are judged"""
ROOM = 1 << 20
"""bytes of one text column of a batch; a batch ends early when one is full, and a larger cell gets a batch with room for it"""
FIELDS = 8
"""numbers a column: kind, addresses of values, offsets and validity bits, room, bytes used, bytes used with this row, nulls"""
KINDS = {"string": 0, "binary": 0, "bool": 1, "int16": 2, "int32": 4, "float": 4, "int64": 8, "double": 8, "date32[day]": 5}
TIMESTAMP, EPOCH_DAYS, EPOCH_MICROSECONDS = 9, 10_957, 946_684_800_000_000
"""PostgreSQL counts from the year 2000"""
FULL, DONE, FAILED, STRANGE, TOO_LARGE = range(5)
"""what :func:`fetch` returns"""


class NotReadable(Exception):
    """The stream ended with an error; ``sqlstate`` may be empty."""

    def __init__(self, sqlstate: str = "") -> None:
        self.sqlstate = sqlstate
        super().__init__(sqlstate)


@_intrinsic
def _get(typing: Any, function: Any, connection: Any, slot: Any) -> Any:
    """``int PQgetCopyData(PGconn *, char **, 0)`` by its address."""
    from llvmlite import ir
    from numba import types

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        word, number = ir.IntType(64), ir.IntType(32)
        made = builder.inttoptr(values[0], ir.FunctionType(number, [word, word, number]).as_pointer())
        return builder.sext(builder.call(made, [values[1], values[2], ir.Constant(number, 0)]), word)

    return types.int64(types.int64, types.int64, types.int64), generate


@_intrinsic
def _free(typing: Any, function: Any, row: Any) -> Any:
    """``void PQfreemem(void *)`` by its address."""
    from llvmlite import ir
    from numba import types

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        word = ir.IntType(64)
        builder.call(builder.inttoptr(values[0], ir.FunctionType(ir.VoidType(), [word]).as_pointer()), [values[1]])
        return ir.Constant(word, 0)

    return types.int64(types.int64, types.int64), generate


@compiled("i8(CPointer(u1), i8, i8)")
def _number(t: Any, at: Any, size: Any) -> Any:
    """A signed number of ``size`` bytes, the highest first."""
    value = np.int64(0)
    for i in range(size):
        value = (value << 8) | t[at + i]
    shift = 64 - 8 * size
    return (value << shift) >> shift


@compiled("void(CPointer(u1), i8, i8, i8)")
def _store(t: Any, at: Any, value: Any, size: Any) -> Any:
    """The same, the lowest first."""
    for i in range(size):
        t[at + i] = np.uint8((value >> (8 * i)) & 255)


@compiled("i8(i8, i8, i8, i8[::1], i8, i8[::1], i8, i8)")
def fetch(get: Any, free: Any, connection: Any, states: Any, slot: Any, fields_: Any, n: Any, most: Any) -> Any:
    """Rows of the stream into the columns' buffers until they are full.

    ``states``: rows; address and length of a row that waits (``slot`` is where that address stands); whether the head was
    read; where the waiting row begins; after TOO_LARGE the column and the bytes it wants.
    """
    state, columns = pointer(states), pointer(fields_)
    while state[0] < most:
        if state[1] == 0:
            length = _get(get, connection, slot)
            if length == -1:
                return DONE
            if length < 0:
                return FAILED
            state[2] = length
            state[4] = 0
        row = at_address(state[1])
        length, at = state[2], state[4]
        if state[3] == 0:
            if length < 19 or row[0] != 80 or row[1] != 71 or row[6] != 10 or row[10] != 0:
                return STRANGE
            at = 19 + _number(row, 15, 4)
            if at < 19:
                return STRANGE
            state[3] = 1
            state[4] = at
        if at < length:
            if at + 2 > length:
                return STRANGE
            fields = _number(row, at, 2)
            at += 2
            if fields != -1:
                if fields != n:
                    return STRANGE
                r = state[0]
                for c in range(n):
                    f = c * FIELDS
                    if at + 4 > length:
                        return STRANGE
                    size = _number(row, at, 4)
                    at += 4
                    kind, data = columns[f], at_address(columns[f + 1])
                    if size < 0:
                        columns[f + 6] = -1 - columns[f + 5]
                        if kind != 0 and kind != 1:
                            width = 8 if kind == TIMESTAMP else 4 if kind == 5 else kind
                            _store(data, r * width, 0, width)
                        continue
                    if at + size > length:
                        return STRANGE
                    if kind == 0:
                        used = columns[f + 5]
                        if used + size > columns[f + 4]:
                            state[5] = c
                            state[6] = size
                            return TOO_LARGE if r == 0 else FULL
                        for i in range(size):
                            data[used + i] = row[at + i]
                        columns[f + 6] = used + size
                    elif kind == 1:
                        if size != 1:
                            return STRANGE
                        bit = np.uint8(1 << (r & 7))
                        data[r >> 3] = data[r >> 3] | bit if row[at] else data[r >> 3] & ~bit
                        columns[f + 6] = 0
                    else:
                        width = 8 if kind == TIMESTAMP else 4 if kind == 5 else kind
                        if size != width:
                            return STRANGE
                        value = _number(row, at, width)
                        if kind == TIMESTAMP:
                            value += EPOCH_MICROSECONDS  # infinity wraps round, and is no date either way
                        elif kind == 5:
                            value += EPOCH_DAYS
                        _store(data, r * width, value, width)
                        columns[f + 6] = 0
                    at += size
                for c in range(n):
                    f = c * FIELDS
                    used = columns[f + 6]
                    if used < 0:
                        used = -1 - used
                        valid = at_address(columns[f + 3])
                        valid[r >> 3] = valid[r >> 3] & ~np.uint8(1 << (r & 7))
                        columns[f + 7] += 1
                    columns[f + 5] = used
                    if columns[f] == 0:
                        _store(at_address(columns[f + 2]), (r + 1) * 4, used, 4)
                state[0] = r + 1
        _free(free, state[1])
        state[1] = 0
    return FULL


@cache
def _functions() -> tuple[int, int]:
    """Addresses of PQgetCopyData and PQfreemem in the libpq that psycopg uses; zeros where that is not plain to see."""
    import ctypes

    import psycopg  # noqa: F401 - loads it

    try:
        found = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/libpq" in line}
        if len(found) != 1:
            return 0, 0
        library = ctypes.CDLL(found.pop())
        get, free = (ctypes.cast(f, ctypes.c_void_p).value or 0 for f in (library.PQgetCopyData, library.PQfreemem))
        return get, free
    except (OSError, AttributeError):
        return 0, 0


def kind_of(type_: pa.DataType) -> int | None:
    """The number of an Arrow type here; None: not read by this reader."""
    text = str(type_)
    return TIMESTAMP if text.startswith("timestamp[us") else KINDS.get(text)


def readable(schema: pa.Schema) -> bool:
    """Whether this reader can do a table with this schema on this machine."""
    return bool(len(schema)) and all(kind_of(f.type) is not None for f in schema) and all(_functions())


def read(connection: Any, sql: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """All rows of a SELECT through COPY, on a psycopg connection that is inside a transaction.

    Raises:
        NotReadable: the server refused or stopped; the connection is of no more use.
    """
    from psycopg.pq import ExecStatus

    pg = connection.pgconn
    if pg.exec_(f"COPY ({sql}) TO STDOUT (FORMAT binary)".encode()).status != ExecStatus.COPY_OUT:
        raise NotReadable()
    get, free = _functions()
    state = np.zeros(7, np.int64)
    slot, ended = state.ctypes.data + 8, False
    try:
        room = {i: ROOM for i, f in enumerate(schema) if kind_of(f.type) == 0}
        while not ended:
            columns, buffers = _columns(schema, room)
            state[0] = 0
            code = fetch(get, free, pg.pgconn_ptr, state, slot, columns, len(schema), ROWS)
            if code == TOO_LARGE:
                room[int(state[5])] = int(state[6])
                continue
            if code in (FAILED, STRANGE):
                raise NotReadable()
            ended = code == DONE
            if state[0]:
                yield _batch(schema, int(state[0]), columns, buffers)
            room = dict.fromkeys(room, ROOM)
        while (result := pg.get_result()) is not None:
            if result.status != ExecStatus.COMMAND_OK:
                raise NotReadable((result.error_field(67) or b"").decode("ascii", "replace"))  # 67: SQLSTATE
    finally:
        if state[1]:
            import ctypes

            ctypes.CFUNCTYPE(None, ctypes.c_void_p)(free)(int(state[1]))
        if not ended:
            connection.close()  # rows are still on their way


def _columns(schema: pa.Schema, room: dict[int, int]) -> tuple[Any, list[list[Any]]]:
    """(numbers for :func:`fetch`, buffers [validity, values, offsets] a column)."""
    columns, buffers = np.zeros(FIELDS * len(schema), np.int64), []
    for i, field in enumerate(schema):
        kind = kind_of(field.type) or 0
        width = {TIMESTAMP: 8, 5: 4}.get(kind, kind)
        values = np.empty(room[i] if kind == 0 else ROWS // 8 if kind == 1 else ROWS * width, np.uint8)
        valid, offsets = np.full(ROWS // 8, 255, np.uint8), np.zeros(ROWS + 1 if kind == 0 else 0, np.int32)
        columns[i * FIELDS:i * FIELDS + 5] = kind, values.ctypes.data, offsets.ctypes.data, valid.ctypes.data, room.get(i, 0)
        buffers.append([valid, values, offsets])
    return columns, buffers


def _batch(schema: pa.Schema, rows: int, columns: Any, buffers: list[list[Any]]) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = []
    for i, (field, (valid, values, offsets)) in enumerate(zip(schema, buffers, strict=True)):
        nulls = int(columns[i * FIELDS + 7])
        parts = [pa.py_buffer(valid) if nulls else None]
        if columns[i * FIELDS] == 0:
            parts.append(pa.py_buffer(offsets))
        parts.append(pa.py_buffer(values))
        arrays.append(pa.Array.from_buffers(field.type, rows, parts, nulls))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
