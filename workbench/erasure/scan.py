"""SCAN: look for many needles in many bytes at once. Knows nothing of databases; reads files through mmap.

A 48-bit rolling prefix is looked up in a bitmap by a compiled loop (any number of needles costs the same), then each
candidate is compared in full. Compressed containers (zip, gzip, Parquet) are opened first: see ``contents``.
"""

from __future__ import annotations

import io
import mmap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import ErasureError

PREFIX = 6
"""bytes; shorter needles cannot be told from chance"""
WINDOW = 64 * 1024 * 1024
MOST = 16 << 30
"""bytes that one container may unpack to"""
OVERLAP = 4096
"""bytes; no needle is longer"""
DEEPEST = 4
CONTAINERS = (b"PK", b"\x1f\x8b", b"BZ", b"\xfd7", b"PA")
"""first two bytes of zip, gzip, bzip2, xz and Parquet"""
_BITS = 20


def _find(data: Any, table: Any, out: Any, start: Any) -> Any:
    """Candidate positions from ``start``: (how many, where it stopped). Compiled on first use."""
    n = 0
    value = np.uint64(0)
    mask = np.uint64((1 << 48) - 1)
    factor = np.uint64(0x9E3779B97F4A7C15)
    shift = np.uint64(64 - 20)
    eight = np.uint64(8)
    for i in range(start, len(data)):
        value = ((value << eight) | np.uint64(data[i])) & mask
        if i - start >= 5 and table[(value * factor) >> shift]:
            out[n] = i - 5
            n += 1
            if n == len(out):
                return n, i - 4
    return n, len(data)


@cache
def _kernel() -> Any:
    import numba

    try:
        return numba.njit(nogil=True, cache=True)(_find)
    except RuntimeError:  # no folder where numba may keep its cache
        return numba.njit(nogil=True)(_find)


class Scanner:
    """Counts occurrences of byte needles. ``needles[i]`` is counted under index i."""

    def __init__(self, needles: Iterable[bytes]) -> None:
        self.needles = list(needles)
        self.bytes = 0
        self._by_prefix: dict[bytes, list[tuple[int, int]]] = {}
        self._table = np.zeros(1 << _BITS, dtype=np.bool_)
        if any(len(n) < PREFIX for n in self.needles):
            raise ValueError("a needle is shorter than 6 bytes")
        common = Counter(w for n in self.needles for w in {n[i : i + PREFIX] for i in range(len(n) - PREFIX + 1)})
        for i, needle in enumerate(self.needles):
            # anchor at the six bytes that fewest needles share: many addresses begin alike, few end alike
            at = min(range(len(needle) - PREFIX + 1), key=lambda k: (common[needle[k : k + PREFIX]], -k))
            self._by_prefix.setdefault(needle[at : at + PREFIX], []).append((i, at))
        for prefix in self._by_prefix:
            value = int.from_bytes(prefix, "big") * 0x9E3779B97F4A7C15 % (1 << 64)
            self._table[value >> (64 - _BITS)] = True
        self._longest = max((len(n) for n in self.needles), default=PREFIX)

    def count(self, data: bytes | bytearray | memoryview | mmap.mmap) -> Counter[int]:
        """Occurrences by needle index, overlapping ones included."""
        view, hits = memoryview(data), Counter[int]()
        self.bytes += len(view)
        if not self.needles:
            return hits
        out = np.empty(1 << 16, dtype=np.int64)
        find = _kernel()
        for base in range(0, len(view), WINDOW):
            piece = view[base : base + WINDOW + self._longest]
            array, at = np.frombuffer(piece, dtype=np.uint8), 0
            array.flags.writeable = False  # one compiled version for mmap, bytes and bytearray
            while at < len(array):
                n, at = find(array, self._table, out, at)
                for pos in out[:n].tolist():
                    for i, before in self._by_prefix.get(bytes(piece[pos : pos + PREFIX]), ()):
                        needle, start = self.needles[i], pos - before
                        # what starts outside is another window's
                        if 0 <= start < WINDOW and piece[start : start + len(needle)] == needle:
                            hits[i] += 1
            del array
            piece.release()
        view.release()
        return hits

    def count_file(self, path: Path) -> Counter[int]:
        """Occurrences in the raw bytes of a file."""
        with path.open("rb") as f:
            size = f.seek(0, 2)
            if size == 0:
                return Counter()
            try:
                with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    return self.count(data)
            except (ValueError, OSError):
                f.seek(0)
                return self.count(f.read())


def contents(path: Path) -> Iterator[Callable[[], bytes]]:
    """Further bytes inside a container file: members of archives unpacked, packed files unpacked, Parquet cells and metadata.

    Containers inside containers (a workbook in a tar) are opened too, if they fit into memory; the bytes of larger ones are
    looked at as they lie.

    Raises:
        ErasureError: it unpacks to more than 16 GiB: who says what is in there?
    """
    with path.open("rb") as f:
        head = f.read(16)
    if head[:4] == b"PAR1":
        yield from _parquet(path)
        return
    left = [MOST]
    for piece in _inside(path, head, left, 0):
        yield lambda p=piece: p  # type: ignore[misc]


def _inside(place: Path | io.BytesIO, head: bytes, left: list[int], depth: int) -> Iterator[bytes]:
    """Pieces of what a container holds; ``left``: bytes that may still be unpacked."""
    import bz2
    import gzip
    import lzma
    import tarfile
    import zipfile
    import zlib

    try:
        if head[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(place) as box:
                for info in box.infolist():
                    if not info.is_dir() and not info.flag_bits & 1:
                        with box.open(info) as member:
                            yield from _pieces(member, left, depth)
            return
        if isinstance(place, io.BytesIO):
            place.seek(0)
        openers: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
        packed = openers.get(head[:2])
        if packed is not None:
            with packed(place) as stream:
                yield from _pieces(stream, left, depth)  # of a tar: its members one after the other, with their headers
            if isinstance(place, io.BytesIO):
                place.seek(0)
        with (tarfile.open(place) if isinstance(place, Path) else tarfile.open(fileobj=place)) as tar:
            for m in tar:
                stream = tar.extractfile(m) if m.isreg() else None
                if stream is not None and (start := stream.read(16))[:2] in CONTAINERS:
                    stream.seek(0)
                    yield from _pieces(stream, left, depth, start)
    except (zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error,
            lzma.LZMAError):
        return  # no container after all, or a damaged one: its bytes were looked at as they lie


def _pieces(stream: Any, left: list[int], depth: int, head: bytes = b"") -> Iterator[bytes]:
    """A stream in windows that overlap, and what is inside it where it is a container itself."""
    data = stream.read(WINDOW)
    whole = len(data) < WINDOW
    tail = b""
    while data:
        left[0] -= len(data)
        if left[0] < 0:
            raise ErasureError("a file unpacks to more than 16 GiB", "take it out of the source's folder, or unpack it there")
        yield tail + data
        if whole:
            break
        tail = data[-OVERLAP:]
        data = stream.read(WINDOW)
    if whole and depth < DEEPEST and data[:2] in CONTAINERS:
        if data[:4] == b"PAR1":
            yield from (read() for read in _parquet(data))
        else:
            yield from _inside(io.BytesIO(data), data[:16], left, depth + 1)


def _parquet(file: Path | bytes) -> Iterator[Callable[[], bytes]]:
    """Cells and whole dictionaries: a page of a dictionary may hold words that no row uses any more."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def textual(kind: Any) -> bool:
        return any(is_(kind) for is_ in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary))

    try:
        with pq.ParquetFile(pa.BufferReader(file) if isinstance(file, bytes) else file) as plain:
            words = [f.name for f in plain.schema_arrow if textual(f.type)]
        found = pq.ParquetFile(pa.BufferReader(file) if isinstance(file, bytes) else file, read_dictionary=words,
                               pre_buffer=False)
    except (pa.ArrowException, OSError):
        return
    with found:
        for batch in found.iter_batches(16_384):
            yield lambda b=batch: batch_bytes(b)  # type: ignore[misc]


def batch_bytes(batch: Any) -> bytes:
    """All cells of a record batch as UTF-8 (binary as it is), separated; of a dictionary, its words."""
    import pyarrow as pa

    out: list[bytes] = []
    for column in batch.columns:
        cells = column.dictionary if pa.types.is_dictionary(column.type) else column
        for cell in cells.to_pylist():
            if isinstance(cell, bytes):
                out.append(cell)
            elif cell is not None:
                out.append(str(cell).encode("utf-8", "replace"))
    return b"\x00".join(out)
