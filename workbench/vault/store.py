"""STORE: the folder of one sealed set in one place, and the rule by which an object gets into it.

    SET/objects/ab/abcd....age   age files, random names (.sm4: see sm4.py)
    SET/manifest.json            id, size, SHA-256 of each; nothing about what they hold
    SET/SHA256SUMS               checkable with ``sha256sum -c`` and no key

An object exists when it was synced under a temporary name and renamed; a set counts as done when every object of it was read
back and compared in every place. Objects of tables are opened as well before they get their name.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from workbench.errors import VaultError
from workbench.ledger import write_durably
from workbench.vault import age, sealing
from workbench.vault.model import Problem, SealedObject

FORMAT = "workbench-sealed/1"
KEY_MARK = "kdf.json"
MAX_OBJECT = 64 * 1024 * 1024
PIECE = 512 * 1024
"""bytes read, hashed and opened at a time; they fit into a core's own cache"""
BLOCK = 4096
FRONT = -(-age.SEALED_CHUNK // BLOCK) * BLOCK
WINDOW = FRONT + PIECE
"""a piece, and before it the beginning of a chunk from the piece before. Both file and memory are read into at whole blocks: at
other places 610 MB took 2.2 s of a processor, not 1.3"""
README = """这里是加密封存的对象。任何人可用 sha256sum -c SHA256SUMS 检查完整性, 无需密钥。
This folder holds sealed objects. Anyone can check them: sha256sum -c SHA256SUMS
Each objects/*/*.age is an age v1 file (age-encryption.org/v1): age -d -i IDENTITY x.age > x
The plaintext is an Apache Parquet file, a catalogue (JSON lines), or the original document.
"""


README_SM4 = """这里是用国密算法(SM4-GCM、SM3)加密封存的对象。任何人可用 sha256sum -c SHA256SUMS 检查完整性, 无需密钥。
This folder holds sealed objects. Anyone can check them: sha256sum -c SHA256SUMS
Each objects/*/*.sm4 is SM4-GCM in a format that open_sm4.py, beside this file, describes and opens:
    python3 open_sm4.py OBJECT > PLAINTEXT
The plaintext is an Apache Parquet file, a catalogue (JSON lines), or the original document.
Objects that end in .age were sealed before and are age v1 files (age-encryption.org/v1).
"""
READER = Path(__file__).with_name("open_sm4.py")


def sealed_files(folder: Path) -> Iterator[Path]:
    """Every sealed object below ``folder``, whatever its container."""
    for form in ("age", "sm4"):
        yield from folder.rglob(f"*.{form}")


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` durable."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def wipe(path: Path) -> None:
    """Overwrite a plaintext file that we made, sync and remove it. Flash and snapshots may keep old copies all the same."""
    try:
        with path.open("r+b") as f:
            left = path.stat().st_size
            while left > 0:
                left -= f.write(os.urandom(min(left, 1 << 20)))
            f.flush()
            os.fsync(f.fileno())
    except FileNotFoundError:
        return
    path.unlink()
    sync_folder(path.parent)


def make_folder(folder: Path) -> Path:
    """``folder`` with mode 0700; VaultError when it cannot be made."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise VaultError(f"a vault place cannot be written: {type(e).__name__}",
                         "mount it or name another in [vault] places of case.toml", where=str(folder)) from None
    return folder


def _write_temp(target: Path, data: bytes | bytearray | memoryview) -> Path:
    """Write and sync ``data`` beside ``target`` under a new temporary name."""
    make_folder(target.parent)
    temp = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temp.unlink(missing_ok=True)
    try:
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    except OSError as e:
        temp.unlink(missing_ok=True)
        raise VaultError(f"a sealed object cannot be written: {type(e).__name__}",
                         "free space in that place and run the step again; it resumes",
                         where=str(target.parent)) from None
    return temp


def put(folder: Path, plain: bytes | bytearray | memoryview, recipient: bytes, identity: bytes) -> SealedObject:
    """Seal ``plain`` into ``folder`` under a random name, verified by reading it back and opening it."""
    if len(plain) > MAX_OBJECT - 65_536:
        raise VaultError("an object is larger than 64 MiB", "this is a fault of the program: cut it into segments")
    plain = memoryview(plain).cast("B")
    sealed = sealing.encrypt(plain, recipient)
    digest = hashlib.sha256(sealed)
    thing = SealedObject(id=os.urandom(16).hex(), bytes=len(sealed), sha256=digest.hexdigest(),
                         form=sealing.form(recipient))
    target = folder / thing.path
    temp = _write_temp(target, sealed)
    del sealed  # not in memory together with what is read back
    try:  # the page cache was told to let go, so this comes from the medium where it can
        back = _opened(temp, thing, identity)
        if back is None or back != plain:
            raise VaultError("an object read back is not what was written", "check the medium", where=str(folder))
        temp.rename(target)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
    return thing


def copy_object(thing: SealedObject, source: Path, target: Path) -> None:
    """Copy one object between places; both ends are compared with its digest. No-op when it is there and whole."""
    to = target / thing.path
    if to.is_file() and not to.is_symlink() and _sha(to) == thing.sha256:
        return
    data = (source / thing.path).read_bytes()
    if hashlib.sha256(data).hexdigest() != thing.sha256:
        raise age.Damaged("an object read back is not what was written", "check the medium and run the step again",
                          where=str(source / thing.path))
    temp = _write_temp(to, data)
    if _sha(temp) != thing.sha256:
        temp.unlink(missing_ok=True)
        raise VaultError("a copy read back is not what was written", "check the medium", where=str(target))
    temp.rename(to)
    sync_folder(to.parent)


def read(folder: Path, thing: SealedObject, identity: bytes) -> bytearray:
    """The plaintext of one object, only after all of it verified.

    Raises:
        age.Damaged: missing, changed, truncated or swapped; ``where`` names the file.
    """
    path = folder / thing.path
    plain = _opened(path, thing, identity)
    return _closely(path, thing, identity) if plain is None else plain


def _closely(path: Path, thing: SealedObject, identity: bytes) -> bytearray:
    """What :func:`read` does with an object that did not open at once: says what is wrong, or opens another program's age file."""
    try:
        data = path.read_bytes()
    except OSError as e:
        raise age.Damaged(f"a sealed object is not readable: {type(e).__name__}", "repair it from another place",
                          where=str(path)) from None
    try:
        if hashlib.sha256(data).hexdigest() != thing.sha256:
            sealing.decrypt(data, identity)  # tells which chunks, when it can
            raise age.Damaged("a sealed object is another object or an older one", "repair it from another place")
        return sealing.decrypt(data, identity)
    except age.Damaged as e:
        raise age.Damaged(e.what, e.todo, where=str(path), chunks=e.chunks) from None


def fill(f: Any, view: memoryview, sha: Any = None) -> int:
    """Read an unbuffered file until ``view`` is full or the file ends; returns bytes.

    ``sha``: a hash that is fed what was read, in pieces that are still in the processor's cache.
    """
    done = 0
    while done < len(view) and (got := f.readinto(view[done : done + PIECE])):
        if sha is not None:
            sha.update(view[done : done + got])
        done += got
    return done


def read_into(folder: Path, thing: SealedObject, identity: bytes, window: memoryview, plain: memoryview) -> memoryview:
    """:func:`read` into memory that is used again: ``window`` of :data:`WINDOW` bytes, ``plain`` of ``thing.bytes``."""
    size = _open_into(folder / thing.path, thing, identity, window, plain)
    if size is None:
        data = _closely(folder / thing.path, thing, identity)
        size = len(data)
        plain[:size] = data
    return plain[:size]


def _opened(path: Path, thing: SealedObject, identity: bytes) -> bytearray | None:
    """The plaintext of the object in ``path``, or None when that is not all of it, unchanged."""
    plain = bytearray(thing.bytes)
    with memoryview(plain) as view, memoryview(bytearray(min(WINDOW, FRONT + thing.bytes))) as window:
        size = _open_into(path, thing, identity, window, view)
    if size is None:
        return None
    del plain[size:]
    return plain


def _open_into(path: Path, thing: SealedObject, identity: bytes, window: memoryview, plain: memoryview) -> int | None:
    """The plaintext to ``plain``, through ``window``; its size, or None: then what is in ``plain`` means nothing."""
    sha, done, start, count = hashlib.sha256(), 0, 0, 0
    one: age.OpenChunk | None = None
    with contextlib.suppress(OSError, age.Damaged), path.open("rb", buffering=0) as f:
        left = thing.bytes
        while left > 0:
            piece = window[FRONT:][: min(PIECE, left)]
            if fill(f, piece, sha) < len(piece):
                return None
            left, end = left - len(piece), FRONT + len(piece)
            if one is None:
                at, one = sealing.opener(bytes(piece[:BLOCK]), identity)
                start, count = FRONT + at, -(-(thing.bytes - at) // age.SEALED_CHUNK)
            rest = (end - start) % age.SEALED_CHUNK if left else 0
            done += age.open_chunks(window[start : end - rest], plain[done:], one, done // age.CHUNK, count)
            window[FRONT - rest : FRONT] = window[end - rest : end]
            start = FRONT - rest
        if not f.read(1) and sha.hexdigest() == thing.sha256:
            return done
    return None


def _sha(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def write_manifest(folder: Path, set_id: str, objects: Iterable[SealedObject], generation: int = 1) -> str:
    """Write README, manifest.json and SHA256SUMS of a set; returns the digest of SHA256SUMS."""
    for left in folder.glob("*.tmp"):  # by a run that was killed here
        left.unlink()
    things = sorted(objects, key=lambda o: o.id)
    manifest = {"format": FORMAT, "set": set_id, "generation": generation,
                "objects": [{"path": o.path, "bytes": o.bytes, "sha256": o.sha256} for o in things]}
    extra = {"README.txt": README.encode(), "manifest.json": _manifest_bytes(manifest)}
    if any(o.form == "sm4" for o in things):
        extra |= {"README.txt": README_SM4.encode(), READER.name: READER.read_bytes()}
    else:
        (folder / READER.name).unlink(missing_ok=True)
    for name, data in extra.items():
        write_durably(folder / name, data)
    lines = [(o.sha256, o.path) for o in things]
    lines += [(hashlib.sha256(data).hexdigest(), name) for name, data in extra.items()]
    sums = "".join(f"{sha}  {path}\n" for sha, path in sorted(lines, key=lambda x: x[1])).encode()
    write_durably(folder / "SHA256SUMS", sums)
    return hashlib.sha256(sums).hexdigest()


def _manifest_bytes(manifest: dict[str, Any]) -> bytes:
    """manifest.json, which carries a digest of itself so that its own damage is told from that of SHA256SUMS."""
    body = {k: v for k, v in manifest.items() if k != "check"}
    body["check"] = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return (json.dumps(body, indent=0, sort_keys=True) + "\n").encode()


def clean(folder: Path, known: Iterable[str]) -> int:
    """Remove temporary files and objects that no journal line knows; returns how many."""
    keep, gone = set(known), 0
    for path in folder.glob("objects/*/*"):
        if path.name.endswith(".tmp") or path.stem not in keep:
            path.unlink()
            gone += 1
    return gone


def verify_sealed(folder: Path | str, expect: dict[str, str] | None = None) -> tuple[Problem, ...]:
    """Check every sealed set under ``folder`` without any key; returns what is wrong, named.

    Args:
        expect: set id -> digest of its SHA256SUMS as the ledger knows it; tells a set rolled back as a whole.
    """
    problems: list[Problem] = []
    base = Path(folder)
    for sums in sorted(base.rglob("SHA256SUMS")):
        if (sums.parent / "manifest.json").exists() or (sums.parent / "objects").is_dir():
            problems += _verify_set(sums.parent, base, expect or {})
        elif (sums.parent / KEY_MARK).exists():
            problems += _verify_keys(sums.parent, base)
    for objects in sorted(base.rglob("objects")):
        if objects.is_dir() and not (objects.parent / "SHA256SUMS").exists() and any(sealed_files(objects)):
            name = str((objects.parent / "SHA256SUMS").relative_to(base))
            problems.append(Problem(object=name, problem="missing", text="a sealed set has no SHA256SUMS"))
    return tuple(problems)


def write_sums(folder: Path) -> None:
    """SHA256SUMS over the files of a folder of sealed keys."""
    lines = [f"{_sha(p)}  {p.name}\n" for p in sorted(folder.iterdir())
             if p.is_file() and p.name != "SHA256SUMS" and not p.name.endswith(".tmp")]
    write_durably(folder / "SHA256SUMS", "".join(lines).encode())


def _verify_keys(folder: Path, base: Path) -> list[Problem]:
    want = (folder / "SHA256SUMS").read_text(encoding="ascii", errors="replace")
    listed = {line[66:]: line[:64] for line in want.splitlines() if line[64:66] == "  "}
    found = {p.name: _sha(p) for p in folder.iterdir() if p.is_file() and p.name != "SHA256SUMS"}
    out = []
    for name in sorted(set(listed) | set(found)):
        path = (folder / name).relative_to(base).as_posix()
        if name not in found:
            out.append(Problem(object=path, problem="missing", text="is listed and not there"))
        elif found[name] != listed.get(name):
            out.append(Problem(object=path, problem="changed", text="it, or its line in SHA256SUMS, was changed"))
    if want.count("\n") != len(listed) or not want.endswith("\n"):
        path = (folder / "SHA256SUMS").relative_to(base).as_posix()
        out.append(Problem(object=path, problem="manifest", text="is damaged"))
    return out


def _verify_set(folder: Path, base: Path, expect: dict[str, str]) -> list[Problem]:
    out: list[Problem] = []

    def say(path: str, problem: str, text: str) -> None:
        name = str((folder / path).relative_to(base))
        out.append(Problem.model_validate({"object": name, "problem": problem, "text": text}))

    listed = _parse_sums(folder, say)
    declared, set_id = _parse_manifest(folder, say)
    shas = _shas(folder, set(listed) | set(declared))
    for path in sorted(set(listed) | set(declared)):
        here = folder / path
        want = {listed.get(path, ""), declared[path][1] if path in declared else listed.get(path, "")}
        if here.is_symlink() or not here.resolve().is_relative_to(folder.resolve()):
            say(path, "link", "is a link or lies outside the set")
        elif not here.is_file():
            say(path, "missing", "is listed and not there")
        else:
            sha = shas[path]
            if sha not in want and path not in declared and _self_proving(here):
                say("SHA256SUMS", "manifest", f"its line for {path} is damaged")
            elif sha not in want:
                say(path, "changed", "its bytes are not those that were sealed")
            elif len(want) > 1:
                other = "manifest.json" if sha == listed.get(path) else "SHA256SUMS"
                say(other, "manifest", f"disagrees with the others about {path}")
            elif path in declared and here.stat().st_size != declared[path][0]:
                say("manifest.json", "size", f"gives another size for {path}")
    for path in sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() or p.is_symlink()):
        if path.endswith(".tmp"):
            say(path, "temporary", "was left by an interrupted run; run the step again")
        elif path != "SHA256SUMS" and path not in listed:
            say(path, "extra", "is not listed")
    if set_id in expect and (folder / "SHA256SUMS").is_file() and _sha(folder / "SHA256SUMS") != expect[set_id]:
        say("SHA256SUMS", "manifest", "is not the one the ledger knows")
    return out


def _shas(folder: Path, paths: set[str]) -> dict[str, str]:
    """Digests of those paths that are files inside ``folder``; two at a time, since hashing lets go of the interpreter."""
    from concurrent.futures import ThreadPoolExecutor

    here = sorted(p for p in paths if (folder / p).is_file() and not (folder / p).is_symlink()
                  and (folder / p).resolve().is_relative_to(folder.resolve()))
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(here, pool.map(lambda p: _sha(folder / p), here), strict=True))


def _self_proving(path: Path) -> bool:
    """README and manifest.json can be recognised as unchanged without their line in SHA256SUMS."""
    data = path.read_bytes()
    try:
        return data in (README.encode(), README_SM4.encode(), READER.read_bytes()) or (
            path.name == "manifest.json" and data == _manifest_bytes(json.loads(data)))
    except ValueError:
        return False


def _parse_sums(folder: Path, say: object) -> dict[str, str]:
    listed: dict[str, str] = {}
    assert callable(say)
    for n, line in enumerate((folder / "SHA256SUMS").read_bytes().split(b"\n"), 1):
        if not line:
            continue
        found = re.fullmatch(rb"([0-9a-f]{64})  ([A-Za-z0-9._/-]+)", line)
        path = found[2].decode() if found else ""
        if not found or ".." in path or path.startswith("/") or path in listed:
            say("SHA256SUMS", "manifest", f"line {n} is damaged")
        else:
            listed[path] = found[1].decode()
    if not (folder / "SHA256SUMS").read_bytes().endswith(b"\n"):
        say("SHA256SUMS", "manifest", "its last line is cut off")
    if "manifest.json" not in listed:
        say("SHA256SUMS", "manifest", "does not list manifest.json")
    return listed


def _parse_manifest(folder: Path, say: object) -> tuple[dict[str, tuple[int, str]], str]:
    assert callable(say)
    try:
        data = json.loads((folder / "manifest.json").read_text())
        return ({o["path"]: (int(o["bytes"]), str(o["sha256"])) for o in data["objects"]}, str(data["set"]))
    except (OSError, ValueError, KeyError, TypeError):
        say("manifest.json", "unreadable", "is missing or damaged")
        return {}, ""
