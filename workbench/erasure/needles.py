"""NEEDLES: values that must be gone, kept in memory only; on disk they exist as keyed HMACs.

Chosen by smallest HMAC, so the same choice can be made again from the sealed backup after a crash. Candidates that
rows which stay hold as well cannot prove anything and are left out, and counted.
"""

from __future__ import annotations

import hashlib
import heapq
import hmac
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.erasure.model import ColumnControl, FileScan
from workbench.erasure.scan import PREFIX, Scanner, contents
from workbench.ledger import write_durably

PER_COLUMN = 60
CANDIDATES = 240
OTHER = "other-database"
"""class of files that belong to another database of the same server"""
_WORD = re.compile(r"[A-Za-z_ -]{1,12}\Z")
Forms = Callable[[object], dict[str, bytes]]


@dataclass
class Needle:
    """One value of one column, in every form it may take in bytes. Never printed, never written."""

    table: str
    column: str
    tag: str
    forms: dict[str, bytes]

    def __repr__(self) -> str:
        return f"Needle({self.tag[:8]})"


@dataclass
class Sampler:
    """Takes cells of one column and keeps those with the smallest keyed ranks."""

    key: bytes
    table: str
    column: str
    forms: Forms
    small: int = 0
    _heap: list[tuple[int, str, Needle]] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)
    _ends: dict[str, Needle] = field(default_factory=dict)

    def must(self, cells: Iterable[object]) -> None:
        """Take these whatever their tags are: the ends of a column are what statistics and index pages keep longest."""
        for cell in cells:
            forms = {k: v for k, v in self.forms(cell).items() if len(v) >= PREFIX} if cell is not None else {}
            if forms:
                tag = tag_of(self.key, self.table, self.column, cell)
                self._ends.setdefault(tag, Needle(self.table, self.column, tag, forms))

    def add(self, cells: Iterable[object]) -> None:
        for cell in cells:
            if cell is None or isinstance(cell, bool | float):
                continue
            rank = self._rank(cell)
            if rank in self._seen or (len(self._heap) >= CANDIDATES and -self._heap[0][0] <= rank):
                continue
            forms = {k: v for k, v in self.forms(cell).items() if len(v) >= PREFIX}
            if not forms or (isinstance(cell, str) and _WORD.match(cell) and " " not in cell.strip() and len(cell) < 9):
                self.small += 1  # short words are in every schema and program
                continue
            self._seen.add(rank)
            tag = tag_of(self.key, self.table, self.column, cell)
            heapq.heappush(self._heap, (-rank, tag, Needle(self.table, self.column, tag, forms)))
            if len(self._heap) > CANDIDATES:
                self._seen.discard(-heapq.heappop(self._heap)[0])

    def _rank(self, cell: object) -> int:
        """A keyed number by which cells are chosen: cheap, since every cell of the source is asked for it."""
        text = cell if isinstance(cell, bytes) else str(cell).encode("utf-8", "replace")
        return int.from_bytes(hashlib.blake2b(text, key=self.key[:64], digest_size=8).digest(), "big")

    def merge(self, other: Sampler) -> None:
        """Take over the candidates of a sampler of the same column."""
        known = {tag for _, tag, _ in self._heap}
        self._heap = heapq.nlargest(CANDIDATES, [*self._heap, *(x for x in other._heap if x[1] not in known)],
                                    key=lambda x: x[0])
        heapq.heapify(self._heap)
        self._seen = {-rank for rank, _, _ in self._heap}
        self.small += other.small
        self._ends |= other._ends

    def needles(self) -> list[Needle]:
        """Candidates: the column's ends, then by tag."""
        rest = [n for _, tag, n in sorted(self._heap, key=lambda x: x[1]) if tag not in self._ends]
        return [*self._ends.values(), *rest]


def tag_of(key: bytes, table: str, column: str, cell: object) -> str:
    """HMAC-SHA-256 under the run's key: useless to anyone without it."""
    text = cell if isinstance(cell, bytes) else str(cell).encode("utf-8", "replace")
    return hmac.digest(key, f"{table}\0{column}\0".encode() + text, "sha256").hex()


@dataclass
class Hunt:
    """Needles of one source with what a scan found: hits by (needle, class of file)."""

    needles: list[Needle]
    hits: Counter[str] = field(default_factory=Counter)
    """tag -> occurrences in all files"""
    files: dict[str, list[int]] = field(default_factory=dict)
    """class -> [files, bytes, hits]"""
    names: dict[str, list[str]] = field(default_factory=dict)
    encodings: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)
    """tag -> occurrences in files of other databases on the server: no part of this store, so neither control nor residue"""

    def scan(self, files: Iterable[tuple[str, Path]]) -> None:
        """Search every file, raw and inside its container."""
        flat = [(n, e, f) for n in self.needles for e, f in n.forms.items()]
        scanner = Scanner(f for _, _, f in flat)
        for kind, path in files:
            entry = self.files.setdefault(kind, [0, 0, 0])
            try:
                found = scanner.count_file(path)
                size = path.stat().st_size
                for piece in contents(path):
                    found.update(scanner.count(piece()))
            except FileNotFoundError:
                continue  # a server may remove its own files while we look
            for i, n in found.items():
                needle, encoding, _ = flat[i]
                if kind == OTHER:
                    self.elsewhere[needle.tag] += n
                    continue
                self.hits[needle.tag] += n
                self.encodings[encoding] += n
            entry[0] += 1
            entry[1] += size
            entry[2] += sum(found.values())
            if found:
                self.names.setdefault(kind, []).append(f"{path.parent.name}/{path.name}" if kind == OTHER else path.name)


def drop_shared(needles: list[Needle], kept: Iterable[bytes]) -> tuple[list[Needle], Counter[tuple[str, str]]]:
    """Leave out needles whose text also occurs in ``kept`` (what stays); returns the rest and how many went, by column."""
    flat = [(i, f) for i, n in enumerate(needles) for f in n.forms.values()]
    scanner = Scanner(f for _, f in flat)
    shared: set[int] = set()
    for piece in kept:
        shared.update(flat[i][0] for i in scanner.count(piece))
    counts = Counter((needles[i].table, needles[i].column) for i in shared)
    return [n for i, n in enumerate(needles) if i not in shared], counts


def choose(samplers: Iterable[Sampler], kept: Iterator[bytes]) -> tuple[list[Needle], Counter[tuple[str, str]]]:
    """At most PER_COLUMN needles a column that nothing which stays holds."""
    pool = [n for s in samplers for n in s.needles()]
    free, shared = drop_shared(pool, kept)
    taken: Counter[tuple[str, str]] = Counter()
    out = []
    for needle in free:
        if taken[(needle.table, needle.column)] < PER_COLUMN:
            taken[(needle.table, needle.column)] += 1
            out.append(needle)
    return out, shared


class Control:
    """The positive control of one source, as it is written down: tags and counts only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def key(self) -> bytes:
        """The run's random HMAC key, made on first use; destroyed when the proof is done."""
        path = self.path.with_suffix(".key")
        if not path.exists():
            write_durably(path, os.urandom(32).hex().encode())
        return bytes.fromhex(path.read_text())

    def destroy_key(self) -> None:
        """Without the key the tags cannot be compared with guessed values any more."""
        path = self.path.with_suffix(".key")
        if path.exists():
            size = path.stat().st_size
            with path.open("r+b") as f:
                f.write(os.urandom(size))
                f.flush()
                os.fsync(f.fileno())
            path.unlink()

    def save(self, hunt: Hunt, shared: Counter[tuple[str, str]], small: dict[tuple[str, str], int], at: str,
             columns: Iterable[tuple[str, str]]) -> str:
        """Write tags with their hits; returns the digest of what was written."""
        data = {
            "at": at,
            "columns": [[t, c, shared[(t, c)], small.get((t, c), 0)] for t, c in columns],
            "needles": [[n.table, n.column, n.tag, hunt.hits[n.tag]] for n in hunt.needles],
            "files": hunt.files, "encodings": dict(hunt.encodings),
        }
        raw = json.dumps(data, sort_keys=True).encode()
        write_durably(self.path, raw)
        return hashlib.sha256(raw).hexdigest()

    def load(self) -> dict[str, Any] | None:
        """What :meth:`save` wrote, or None."""
        if not self.path.exists():
            return None
        data: dict[str, Any] = json.loads(self.path.read_bytes())
        data["sha256"] = hashlib.sha256(self.path.read_bytes()).hexdigest()
        return data


def again(control: dict[str, Any], key: bytes, forms: Callable[[str, str], Forms],
          cells: Callable[[str, str], Iterable[Iterable[object]]]) -> list[Needle]:
    """The needles of ``control``, found again among ``cells(table, column)`` of the sealed backup."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for table, column, tag, _ in control["needles"]:
        wanted.setdefault((table, column), set()).add(tag)
    out = []
    for (table, column), tags in wanted.items():
        for block in cells(table, column):
            for cell in block:
                if tags and cell is not None and (tag := tag_of(key, table, column, cell)) in tags:
                    tags.discard(tag)
                    out.append(Needle(table, column, tag, {k: v for k, v in forms(table, column)(cell).items()
                                                               if len(v) >= PREFIX}))
            if not tags:
                break
    return out


def compare(source: str, control: dict[str, Any], after: Hunt) -> tuple[list[ColumnControl], list[FileScan]]:
    """Columns and file classes with hits before and after."""
    before: Counter[tuple[str, str]] = Counter()
    count: Counter[tuple[str, str]] = Counter()
    residual: Counter[tuple[str, str]] = Counter()
    for table, column, tag, hits in control["needles"]:
        before[(table, column)] += hits
        count[(table, column)] += 1
        residual[(table, column)] += after.hits[tag]
    columns = [ColumnControl(source=source, table=t, column=c, needles=count[(t, c)], shared=shared, small=small,
                             control_hits=before[(t, c)], residual_hits=residual[(t, c)])
               for t, c, shared, small in control["columns"]]
    kinds = sorted(set(control["files"]) | set(after.files))
    files = [FileScan(source=source, sort=k, files=after.files.get(k, [0, 0, 0])[0],
                      bytes=after.files.get(k, [0, 0, 0])[1], control_hits=control["files"].get(k, [0, 0, 0])[2],
                      residual_hits=after.files.get(k, [0, 0, 0])[2], names=tuple(after.names.get(k, [])))
             for k in kinds]
    return columns, files
