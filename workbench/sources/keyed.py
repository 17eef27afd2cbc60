"""KEYED: 64-bit SipHash of every cell of a batch, so that values can be compared without keeping a list of them.

SipHash-1-3 (Aumasson, Bernstein 2012) under a random 128-bit key: who has no key learns nothing from a hash, and
destroying the key turns every kept hash into noise. :func:`siphash_reference` is the plain-Python proof.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

NULL = np.uint64(0x9E3779B97F4A7C15)
Key = tuple[int, int]


def compiled(signature: str) -> Callable[[Callable[..., Any]], Any]:
    """Compile by numba for exactly this signature, without the GIL; cached on disk where some folder can be written.

    One signature a function: numba would otherwise compile a twin for every kind of integer it is called with.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        import numba

        from workbench.sources.kernel_cache import our_stamp

        try:
            with our_stamp():
                return numba.njit(signature, nogil=True, cache=True, error_model="numpy")(function)
        except RuntimeError:  # numba finds no writable folder for its cache
            return numba.njit(signature, nogil=True, error_model="numpy")(function)

    return decorate


def _intrinsic(function: Callable[..., Any]) -> Any:
    from numba.extending import intrinsic

    return intrinsic(function)


@_intrinsic
def pointer(typing: Any, array: Any) -> Any:
    """Address of an array's first item. Passing arrays themselves would count references at every call."""
    from numba import types

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, values[0]).data

    return types.CPointer(array.dtype)(array), generate  # type: ignore[no-untyped-call]


@_intrinsic
def at_address(typing: Any, address: Any) -> Any:
    """A pointer to bytes from the number of their address."""
    from numba import types

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.uint8)(address), generate  # type: ignore[no-untyped-call]


@compiled("u8(CPointer(u1), i8)")
def _word(data: Any, at: Any) -> Any:
    """Eight bytes from ``at``, the first one lowest; one load once compiled."""
    return (
        np.uint64(data[at])
        | (np.uint64(data[at + 1]) << np.uint64(8))
        | (np.uint64(data[at + 2]) << np.uint64(16))
        | (np.uint64(data[at + 3]) << np.uint64(24))
        | (np.uint64(data[at + 4]) << np.uint64(32))
        | (np.uint64(data[at + 5]) << np.uint64(40))
        | (np.uint64(data[at + 6]) << np.uint64(48))
        | (np.uint64(data[at + 7]) << np.uint64(56))
    )


@compiled("u8(CPointer(u1), i8, i8, u8, u8)")
def siphash(data: Any, start: Any, end: Any, k0: Any, k1: Any) -> Any:
    """SipHash-1-3 of ``data[start:end]``."""
    v0 = k0 ^ np.uint64(0x736F6D6570736575)
    v1 = k1 ^ np.uint64(0x646F72616E646F6D)
    v2 = k0 ^ np.uint64(0x6C7967656E657261)
    v3 = k1 ^ np.uint64(0x7465646279746573)
    n = end - start
    last = np.uint64(n & 0xFF) << np.uint64(56)
    words = n >> 3
    for w in range(words + 1):
        if w < words:
            m = _word(data, start + (w << 3))
        elif words:  # the last eight bytes, less those that the word before held
            m = last
            if n & 7:
                m |= _word(data, end - 8) >> np.uint64(64 - 8 * (n & 7))
        else:
            m = last
            for i in range(n):
                m |= np.uint64(data[start + i]) << np.uint64(8 * i)
        v3 ^= m
        v0 += v1
        v1 = (v1 << np.uint64(13)) | (v1 >> np.uint64(51))
        v1 ^= v0
        v0 = (v0 << np.uint64(32)) | (v0 >> np.uint64(32))
        v2 += v3
        v3 = (v3 << np.uint64(16)) | (v3 >> np.uint64(48))
        v3 ^= v2
        v0 += v3
        v3 = (v3 << np.uint64(21)) | (v3 >> np.uint64(43))
        v3 ^= v0
        v2 += v1
        v1 = (v1 << np.uint64(17)) | (v1 >> np.uint64(47))
        v1 ^= v2
        v2 = (v2 << np.uint64(32)) | (v2 >> np.uint64(32))
        v0 ^= m
    v2 ^= np.uint64(0xFF)
    for _ in range(3):
        v0 += v1
        v1 = (v1 << np.uint64(13)) | (v1 >> np.uint64(51))
        v1 ^= v0
        v0 = (v0 << np.uint64(32)) | (v0 >> np.uint64(32))
        v2 += v3
        v3 = (v3 << np.uint64(16)) | (v3 >> np.uint64(48))
        v3 ^= v2
        v0 += v3
        v3 = (v3 << np.uint64(21)) | (v3 >> np.uint64(43))
        v3 ^= v0
        v2 += v1
        v1 = (v1 << np.uint64(17)) | (v1 >> np.uint64(47))
        v1 ^= v2
        v2 = (v2 << np.uint64(32)) | (v2 >> np.uint64(32))
    return v0 ^ v1 ^ v2 ^ v3


@compiled("void(u8, i8[::1], b1[::1], u8, u8, u8[::1])")
def _hash_all(address: Any, offsets: Any, valid: Any, k0: Any, k1: Any, out: Any) -> None:
    data = at_address(address)
    for i in range(len(out)):
        if valid[i]:
            out[i] = siphash(data, np.int64(offsets[i]), np.int64(offsets[i + 1]), k0, k1)
        else:
            out[i] = np.uint64(0x9E3779B97F4A7C15)


def siphash_reference(text: bytes, key: Key) -> int:
    """SipHash-1-3 in plain Python."""
    mask = (1 << 64) - 1

    def rot(x: int, n: int) -> int:
        return ((x << n) | (x >> (64 - n))) & mask

    v = [key[0] ^ 0x736F6D6570736575, key[1] ^ 0x646F72616E646F6D, key[0] ^ 0x6C7967656E657261, key[1] ^ 0x7465646279746573]

    def rounds(times: int) -> None:
        for _ in range(times):
            v[0] = (v[0] + v[1]) & mask
            v[1] = rot(v[1], 13) ^ v[0]
            v[0] = rot(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = rot(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = rot(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = rot(v[1], 17) ^ v[2]
            v[2] = rot(v[2], 32)

    whole = len(text) // 8 * 8
    tail = text[whole:] + b"\0" * (7 - len(text) % 8) + bytes([len(text) & 0xFF])
    for block in [text[i : i + 8] for i in range(0, whole, 8)] + [tail]:
        m = int.from_bytes(block, "little")
        v[3] ^= m
        rounds(1)
        v[0] ^= m
    v[2] ^= 0xFF
    rounds(3)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def text_of(array: pa.Array) -> pa.Array:
    """The array as string or binary cells: a number's decimal text, a date's ISO text, bytes as they are."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return text_of(array.dictionary_decode())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return array
    if pa.types.is_null(kind):
        return pa.nulls(len(array), pa.string())
    if pa.types.is_fixed_size_binary(kind):
        return array.cast(pa.binary())
    if pa.types.is_nested(kind):
        return pa.array([None if v is None else repr(v) for v in array.to_pylist()], pa.string())
    try:
        return pc.cast(array, pa.string())
    except pa.ArrowException:
        return pa.array([None if v is None else str(v) for v in array.to_pylist()], pa.string())


def views(array: pa.Array) -> tuple[np.uint64, NDArray[np.int64], NDArray[np.bool_]]:
    """(address of the bytes, offsets, valid) of a string or binary array: keep ``array`` alive while they are used."""
    wide = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    _, offsets, data = array.buffers()
    n = len(array)
    if offsets is None or n == 0 or data is None or data.size == 0:
        filled = n and array.null_count < n
        valid = np.zeros(n, np.bool_)
        if filled:
            valid[:] = array.is_valid().to_numpy(zero_copy_only=False)
        return np.uint64(0), np.zeros(n + 1, np.int64), valid
    starts = np.frombuffer(offsets, np.int64 if wide else np.int32)[array.offset : array.offset + n + 1].astype(np.int64)
    if starts[0] < 0 or starts[-1] > data.size or (starts[1:] < starts[:-1]).any():
        raise ValueError("offsets outside of their buffer")  # damaged input; the compiled code trusts them
    valid = np.ones(n, np.bool_)
    if array.null_count:
        valid[:] = array.is_valid().to_numpy(zero_copy_only=False)
    return np.uint64(data.address), starts, valid


def hash_cells(array: pa.Array, key: Key) -> NDArray[np.uint64]:
    """One keyed hash a cell; null cells share one constant."""
    text = text_of(array)  # views point into it: it must live until the loop is over
    data, offsets, valid = views(text)
    out = np.empty(len(array), np.uint64)
    _hash_all(data, offsets, valid, np.uint64(key[0]), np.uint64(key[1]), out)
    del text
    return out


def hash_rows(batch: pa.RecordBatch, key: Key) -> NDArray[np.uint64]:
    """One keyed hash a row; it does not depend on the order of columns or on how a number was typed."""
    total = np.zeros(batch.num_rows, np.uint64)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        seed = siphash_reference(name.encode("utf-8", "replace"), key)
        total += hash_cells(column, (key[0] ^ seed, key[1]))
    total ^= total >> np.uint64(33)
    total *= np.uint64(0xFF51AFD7ED558CCD)
    total ^= total >> np.uint64(33)
    return total
