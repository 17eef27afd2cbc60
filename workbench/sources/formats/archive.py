"""ZIP, TAR, single files packed with gz, bz2 or xz: members are read as files of their own, in a private folder that lives as
long as the source.

Names are never used as paths; links, devices and encrypted members are listed, not followed; what unpacks to far more than
it weighs is refused before it is written.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from workbench.sources.formats import NotThisFormat

MAX_MEMBERS = 100_000
MAX_MEMBER = 4 << 30
MAX_TOTAL = 16 << 30
MAX_RATIO = 200
SMALL = 50 << 20
MAX_DEPTH = 3

Listed = Callable[[str, str], None]


def is_archive(path: Path, head: bytes) -> bool:
    """Whether the file is a zip or a tar (packed or not), office files excepted."""
    name = path.name.lower()
    if head.startswith(b"PK\x03\x04"):
        return path.suffix.lower() not in (".xlsx", ".xlsm", ".xlsb", ".ods", ".docx", ".odt", ".pptx", ".jar", ".apk")
    if name.endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")):
        return tarfile.is_tarfile(path)
    return _packed(head) is not None


def _packed(head: bytes) -> Callable[[Path], Any] | None:
    """What opens a single packed file."""
    if head.startswith(b"\x1f\x8b\x08"):
        return gzip.open
    if head.startswith(b"BZh") and head[4:10] == b"1AY&SY":
        return bz2.open
    return lzma.open if head.startswith(b"\xfd7zXZ\0") else None


def unpack(path: Path, into: Path, unreadable: Listed) -> Iterator[tuple[str, Path]]:
    """(member name, unpacked file); what is not unpacked goes to ``unreadable(member, reason)``."""
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    packed = max(path.stat().st_size, 1)
    total = 0
    try:
        for n, (name, size, stream) in enumerate(_members(path, unreadable)):
            if n >= MAX_MEMBERS:
                raise NotThisFormat("more than 100,000 members; the rest was not read")
            if size > MAX_MEMBER or total + size > MAX_TOTAL or (total + size > SMALL and (total + size) / packed > MAX_RATIO):
                unreadable(name, "unpacks to far more than it weighs; refused as a possible zip bomb")
                continue
            target = into / f"{n:06d}{PurePosixPath(name).suffix[:12].replace('/', '')}"
            try:
                total += _copy(stream, target, min(MAX_MEMBER, max(SMALL, packed * MAX_RATIO)))
            except (OSError, ValueError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as e:
                target.unlink(missing_ok=True)
                unreadable(name, f"cannot be unpacked ({type(e).__name__})")
                continue
            yield name, target
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError) as e:
        raise NotThisFormat(f"a damaged archive ({type(e).__name__})") from None


def _members(path: Path, unreadable: Listed) -> Iterator[tuple[str, int, Callable[[], IO[bytes]]]]:
    with path.open("rb") as f:
        zipped = f.read(4) == b"PK\x03\x04"  # a tar that ends with a workbook has the end of a zip
    if zipped:
        with zipfile.ZipFile(path) as z:
            names: dict[str, int] = {}
            for info in z.infolist():
                if info.is_dir():
                    continue
                name = _legible(info)
                names[name] = names.get(name, 0) + 1
                if names[name] > 1:  # a table's name has to say which; erasure goes by it
                    unreadable(f"{name} ({names[name]})", "a second member of the same name; unpack the archive and name the folder")
                    continue
                if info.flag_bits & 1:
                    unreadable(name, "encrypted; unpack it with its password and name the folder")
                    continue
                yield name, info.file_size, lambda i=info: z.open(i)  # type: ignore[misc]
        return
    with path.open("rb") as f:
        packed = _packed(f.read(16))
    if packed is not None and not tarfile.is_tarfile(path):
        yield path.stem, 0, lambda: packed(path)
        return
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isdir():
                continue
            if not member.isreg():
                unreadable(member.name, "a link or a special file; not followed")
                continue
            yield member.name, member.size, lambda m=member: tar.extractfile(m)  # type: ignore[misc]


def _legible(info: zipfile.ZipInfo) -> str:
    """The member's name; Chinese Windows writes GBK where the format says cp437."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return info.filename


def _copy(stream: Callable[[], IO[bytes]], target: Path, most: int) -> int:
    done = 0
    with stream() as source, target.open("xb") as out:
        while chunk := source.read(1 << 20):
            done += len(chunk)
            if done > most:
                raise ValueError("larger than it says")
            out.write(chunk)
    return done
