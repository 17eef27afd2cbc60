"""MEMBERS: archives (zip, tar, tar.gz, tar.bz2, tar.xz, and one inside another) written again without what goes.

Members that stay keep name, order, times, modes and owners, and their bytes; they are copied from stream to stream, so
none is ever unpacked to disk. Only a member that changes is, into one private file that is overwritten afterwards; the
source room unpacked it before under its limits. Names are never used as paths.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import struct
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from workbench.erasure.files import short, wipe
from workbench.errors import ErasureError

if TYPE_CHECKING:
    from workbench.erasure.rewrite import Chosen
    from workbench.sources.base import Table

TIMES = (0x5455, 0x7875)
"""extra fields of a zip that are kept: exact times, owner"""
PACKED = {b"\x1f\x8b": "gz", b"BZ": "bz2", b"\xfd7": "xz"}


def kind_of(file: IO[bytes]) -> str:
    """``zip``, ``tar`` or nothing, by how it begins: a tar that ends with a workbook has the end of a zip."""
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    found = "zip" if head == b"PK\x03\x04" else "tar" if tarfile.is_tarfile(file) else ""
    file.seek(0)
    return found


def _named(info: zipfile.ZipInfo) -> str:
    from workbench.sources.formats.archive import _legible

    return _legible(info)


def names_of(file: IO[bytes]) -> list[str]:
    """Names of the members of an archive, folders and links left out."""
    if kind_of(file) == "zip":
        with zipfile.ZipFile(file) as box:
            return [_named(i) for i in box.infolist() if not i.is_dir()]
    with tarfile.open(fileobj=file) as tar:
        return [m.name for m in tar if m.isreg()]


def member_bytes(file: IO[bytes], name: str) -> bytes | None:
    """Bytes of one member, or None."""
    if kind_of(file) == "zip":
        with zipfile.ZipFile(file) as box:
            return next((box.read(i) for i in box.infolist() if not i.is_dir() and _named(i) == name), None)
    with tarfile.open(fileobj=file) as tar:
        for m in tar:
            if m.isreg() and m.name == name and (stream := tar.extractfile(m)) is not None:
                return stream.read()
    return None


def cannot_leave_out(path: Path, tables: Sequence[Table], chosen: Sequence[Chosen]) -> str:
    """Why members cannot be taken out of this archive, or changed in it; or nothing."""
    from workbench.erasure.whole import rowwise

    for c in chosen:
        if not (c.all_go or c.untouched) and not rowwise(c.table):
            return f"its member of the format {c.table.format.split('/')[0]} can only be erased whole"
    fates = {t.name: c for t, c in zip(tables, chosen, strict=True)}
    try:
        with path.open("rb") as file:
            return _cannot(file, tables[0].file, tables, fates)
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError) as e:
        return f"the archive cannot be read to its end ({type(e).__name__})"


def _cannot(file: IO[bytes], item: str, tables: Sequence[Table], fates: dict[str, Chosen]) -> str:
    kind = kind_of(file)
    if not kind:
        return "only a zip or a tar can lose single members; this archive can only be erased whole"
    if kind == "zip":
        with zipfile.ZipFile(file) as box:
            if any(i.flag_bits & 1 for i in box.infolist()):
                return "the archive holds encrypted members"
            if any(i.compress_type not in (0, 8, 12, 14) for i in box.infolist()):
                return "the archive holds members packed in a way that cannot be read here"
    else:
        with tarfile.open(fileobj=file) as tar:
            if any(m.issparse() for m in tar):
                return "the archive holds sparse members"
        file.seek(0)
    names = names_of(file)
    file.seek(0)
    if any(n > 1 for n in Counter(names).values()):
        return "two of its members have the same name"
    seen = set()
    for name in names:
        held = _held(f"{item}!{name}", tables)
        seen |= {t.name for t in held}
        mine = [fates[t.name] for t in held]
        deeper = any(t.name.startswith(f"{item}!{name}!") for t in held)
        if deeper and not all(c.all_go for c in mine) and not all(c.untouched for c in mine):
            data = member_bytes(file, name)
            file.seek(0)
            if why := _cannot(io.BytesIO(data or b""), f"{item}!{name}", held, fates):
                return f"an archive inside it: {why}"
    return "" if seen == {t.name for t in tables} else "its members cannot be told apart by their names"


def _held(item: str, tables: Sequence[Table]) -> list[Table]:
    """Tables that lie in the member called ``item``."""
    return [t for t in tables if (t.name + "#").startswith((f"{item}#", f"{item}!"))]


def leave_out(path: Path, temp: Path, item: str, tables: Sequence[Table], chosen: dict[str, Chosen]) -> None:
    """Write an archive again without the members that go, with the rows that stay of those that change.

    item: how the names of tables in it begin: the file, or for an inner archive the file and the member.

    Raises:
        ErasureError: a member cannot be written again; nothing was replaced.
    """
    def new(name: str, read: Callable[[], IO[bytes]]) -> bytes | None:
        """The member's new bytes; None when it stays as it is."""
        held = _held(f"{item}!{name}", tables)
        if all(chosen[t.name].untouched for t in held):
            return None
        return _changed(path, f"{item}!{name}", held, chosen, read)

    def goes(name: str) -> bool:
        held = _held(f"{item}!{name}", tables)
        return bool(held) and all(chosen[t.name].all_go for t in held)

    with path.open("rb") as file:
        kind = kind_of(file)
        if kind == "zip":
            with zipfile.ZipFile(file) as old, zipfile.ZipFile(temp, "w") as fresh:
                _zip(old, fresh, goes, new)
            return
        head = file.read(2)
        file.seek(0)
        with tarfile.open(fileobj=file) as source:
            pax = any(m.pax_headers for m in source) or bool(source.pax_headers)
        file.seek(0)
        mode = PACKED.get(head, "")
        with tarfile.open(fileobj=file) as source, tarfile.open(  # type: ignore[call-overload]
                temp, f"w:{mode}" if mode else "w", format=tarfile.PAX_FORMAT if pax else tarfile.GNU_FORMAT,
                pax_headers=dict(source.pax_headers)) as target:
            _tar(source, target, goes, new)


def _zip(old: zipfile.ZipFile, fresh: zipfile.ZipFile, goes: Callable[[str], bool],
         new: Callable[[str, Callable[[], IO[bytes]]], bytes | None]) -> None:
    fresh.comment = old.comment
    for info in old.infolist():
        name = _named(info)
        if not info.is_dir() and goes(name):
            continue
        made = zipfile.ZipInfo(name, info.date_time)
        made.external_attr, made.compress_type, made.comment = info.external_attr, info.compress_type, info.comment
        made.create_system, made.extra = info.create_system, _kept_extra(info.extra)
        if info.is_dir():
            fresh.writestr(made, b"")
            continue
        data = new(name, lambda i=info: old.open(i))  # type: ignore[misc]
        made.file_size = info.file_size if data is None else len(data)
        with fresh.open(made, "w") as out:
            if data is not None:
                out.write(data)
            else:
                with old.open(info) as source:
                    shutil.copyfileobj(source, out, 1 << 20)


def _kept_extra(extra: bytes) -> bytes:
    out, at = b"", 0
    while at + 4 <= len(extra):
        tag, size = struct.unpack_from("<HH", extra, at)
        out += extra[at:at + 4 + size] if tag in TIMES else b""
        at += 4 + size
    return out


def _tar(old: tarfile.TarFile, fresh: tarfile.TarFile, goes: Callable[[str], bool],
         new: Callable[[str, Callable[[], IO[bytes]]], bytes | None]) -> None:
    gone = {m.name for m in old if m.isreg() and goes(m.name)}
    for m in old:
        if m.name in gone or ((m.islnk() or m.issym()) and _target(m) in gone):
            continue  # a link to what goes is another name for it
        if not m.isreg():
            fresh.addfile(m)
            continue
        data = new(m.name, lambda m=m: old.extractfile(m))  # type: ignore[misc, arg-type]
        if data is not None:
            m.pax_headers = {k: v for k, v in m.pax_headers.items() if k != "size"}
            m.size = len(data)
            fresh.addfile(m, io.BytesIO(data))
        else:
            fresh.addfile(m, old.extractfile(m))


def _target(m: tarfile.TarInfo) -> str:
    """The member that a link points at: a hard link names it, a symbolic one starts from its own folder."""
    return m.linkname if m.islnk() else os.path.normpath(PurePosixPath(m.name).parent / m.linkname)


def _changed(path: Path, item: str, held: Sequence[Table], chosen: dict[str, Chosen], read: Callable[[], IO[bytes]]) -> bytes:
    """New bytes of a member some of whose rows go or change, by way of a file of its own beside the archive."""
    from workbench.erasure.rewrite import rewrite, undecodable

    inner = path.with_name(f".wb-erase-{short(path)}-member.tmp{PurePosixPath(item).suffix[:12]}")
    out = inner.with_name(f".wb-erase-{short(inner)}-new.tmp")
    try:
        with read() as source, os.fdopen(os.open(inner, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            shutil.copyfileobj(source, f, 1 << 20)
        if any(t.name.startswith(f"{item}!") for t in held):
            leave_out(inner, out, item, held, chosen)
        elif why := undecodable(inner, held[0]):
            raise ErasureError(f"a member of {held[0].file} cannot be rewritten: {why}; that archive was not changed",
                               "have all of it erased or kept, or export it to UTF-8", where=held[0].source)
        else:
            rewrite(inner, out, list(held), chosen, inside=True)
        return out.read_bytes()
    finally:
        for left in (inner, out):
            with contextlib.suppress(FileNotFoundError):
                wipe(left)


def dig(data: bytes, names: Iterator[str]) -> bytes:
    """The bytes of a member of a member ...; empty when there is none of that name."""
    for name in names:
        file = io.BytesIO(data)
        found = member_bytes(file, name) if kind_of(file) else None
        if found is None:
            return b""
        data = found
    return data
