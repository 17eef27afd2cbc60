"""WRITER: large files sealed and opened at the speed of hashing: threads, buffers used again, no page cache where it can be avoided.

The cipher and SHA-256 release the interpreter's lock on large buffers, so threads do; each does all the work on its part.
Buffers are private memory in huge pages: with 4 KiB pages the same took a quarter longer (page faults, O_DIRECT in small
pieces). O_DIRECT writes past the page cache: less work for the processor, and what is read back afterwards (when it is
copied to the other places, before the set counts as done) really comes from the medium.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import itertools
import mmap
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from workbench.errors import VaultError
from workbench.vault import age, sealing, store
from workbench.vault.model import SealedObject
from workbench.vault.store import BLOCK

PART = 8 * 1024 * 1024
"""plaintext bytes in one object of a large file"""
WINDOW = 8 * age.CHUNK
"""plaintext bytes that are read at a time, into memory that stays in a core's own cache"""
BUDGET = 64 * 1024 * 1024
"""plaintext bytes that may be in memory at once while objects are opened"""


class Slab:
    """Page-aligned memory that is used again and again."""

    def __init__(self, size: int) -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS  # shared memory gets no huge pages
        self._map = mmap.mmap(-1, max(BLOCK, -(-size // BLOCK) * BLOCK), flags=flags)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with contextlib.suppress(OSError):  # a kernel without them
                self._map.madvise(mmap.MADV_HUGEPAGE)
        self.view = memoryview(self._map)


def seal_stream(path: Path, folder: Path, identity: bytes, workers: int = 4) -> tuple[list[SealedObject], int]:
    """Seal a file's bytes in parts of 8 MiB: (objects in order, bytes).

    Each part is sealed, hashed, written, synced and renamed; :meth:`Vault.spread` reads all of them back.

    Raises: VaultError: a part cannot be written, or the file changed meanwhile.
    """
    before = path.stat()
    size = before.st_size
    part = min(PART, max(1, size))
    count = max(1, -(-size // part))
    recipient = sealing.recipient(identity)
    done: dict[int, SealedObject] = {}
    numbers, stop = iter(range(count)), threading.Event()  # next() of a range is one step under the interpreter's lock

    def work(f: Any) -> None:
        window, sealed = Slab(min(WINDOW, part)), Slab(sealing.sealed_size(recipient, part) + BLOCK)
        try:
            while not stop.is_set():
                number = next(numbers, None)
                if number is None:
                    return
                length = min(part, size - number * part)
                pieces = _pieces(f, window.view[:WINDOW], number * part, length)
                done[number] = put_direct(folder, pieces, length, recipient, sealed)
        except BaseException:
            stop.set()
            raise

    with path.open("rb", buffering=0) as f:
        if count == 1:
            work(f)
        else:
            with ThreadPoolExecutor(min(workers, count)) as pool:
                try:
                    for asked in [pool.submit(work, f) for _ in range(min(workers, count))]:
                        asked.result()
                finally:
                    stop.set()
        after = os.fstat(f.fileno())
    if (after.st_size, after.st_mtime_ns) != (size, before.st_mtime_ns):
        raise _changed(path.name)
    return [done[n] for n in range(count)], size


def _changed(name: str) -> VaultError:
    return VaultError("a file changed while it was sealed", "stop what writes to it and run the step again", where=name)


def _pieces(f: Any, window: memoryview, at: int, length: int) -> Iterator[memoryview]:
    """``length`` bytes from offset ``at``, each time as many as ``window`` holds. VaultError: the file ends before."""
    while length:
        want, done = min(len(window), length), 0
        while done < want:
            if not (got := os.preadv(f.fileno(), [window[done:want]], at + done)):
                raise _changed(Path(f.name).name)
            done += got
        yield window[:want]
        at, length = at + want, length - want


def open_stream(read: Callable[[SealedObject, memoryview, memoryview], memoryview], things: Sequence[SealedObject],
                workers: int = 4) -> Iterator[memoryview]:
    """Plaintext of each object, in order, each verified whole. A view is good until the next one is asked for.

    ``read(object, window, plain)`` is :func:`store.read_into` on some place; what it raises is raised here.
    """
    if not things:
        return
    largest = max(t.bytes for t in things)
    slabs = max(1, min(workers + 1, len(things), BUDGET // largest))
    workers = max(1, min(workers, slabs - 1))
    windows: queue.SimpleQueue[Slab] = queue.SimpleQueue()
    plain: queue.SimpleQueue[Slab] = queue.SimpleQueue()
    for _ in range(workers):
        windows.put(Slab(min(store.WINDOW, store.FRONT + largest)))
    for _ in range(slabs):
        plain.put(Slab(largest))

    def one(thing: SealedObject) -> tuple[Slab, memoryview]:
        window, target = windows.get(), plain.get()
        try:
            return target, read(thing, window.view, target.view)
        finally:
            windows.put(window)

    rest = iter(things)
    asked: collections.deque[Future[tuple[Slab, memoryview]]] = collections.deque()
    with ThreadPoolExecutor(workers) as pool:
        asked.extend(pool.submit(one, t) for t in itertools.islice(rest, workers))
        while asked:
            slab, view = asked.popleft().result()
            asked.extend(pool.submit(one, t) for t in itertools.islice(rest, 1))
            yield view
            plain.put(slab)


def put_direct(folder: Path, pieces: Iterable[memoryview], size: int, recipient: bytes, slab: Slab) -> SealedObject:
    """Seal ``size`` bytes, in ``pieces`` of whole chunks, into ``folder`` under a random name, synced.

    Who calls this reads it back before relying on it.

    Raises: VaultError: it cannot be written.
    """
    sha = hashlib.sha256()
    length = sealing.encrypt_into(pieces, size, recipient, slab.view, sha)
    thing = SealedObject(id=os.urandom(16).hex(), bytes=length, sha256=sha.hexdigest(), form=sealing.form(recipient))
    target = folder / thing.path
    if not target.parent.is_dir():
        store.make_folder(target.parent)
        store.sync_folder(target.parent.parent)
    temp = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with _opened(temp) as (fd, direct):
            at, end = 0, -(-length // BLOCK) * BLOCK if direct else length
            while at < end:
                at += os.pwrite(fd, slab.view[at:end], at)
            os.ftruncate(fd, length)
            os.fsync(fd)
            if not direct:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        temp.rename(target)
    except OSError as e:
        temp.unlink(missing_ok=True)
        raise VaultError(f"a sealed object cannot be written: {type(e).__name__}",
                         "free space in that place and run the step again; it resumes", where=str(target.parent)) from e
    store.sync_folder(target.parent)
    return thing


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[int, bool]]:
    """A new file, past the page cache where the file system has that."""
    flags, direct = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, True
    try:
        fd = os.open(path, flags | os.O_EXCL | os.O_DIRECT, 0o600)
    except OSError:
        direct = False
        fd = os.open(path, flags | os.O_TRUNC, 0o600)
    try:
        yield fd, direct
    finally:
        os.close(fd)
