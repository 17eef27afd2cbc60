"""REMOTE: a further copy of every sealed set in an S3-compatible store, read back after writing, and a source for repair.

The store sees random names and ciphertext. Arrow's own S3 client does the talking, so nothing more is installed. The
address stands in ``[settings.vault] remote``; the account in the usual variables AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY, never in case.toml.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from workbench.errors import BadSetting, VaultError
from workbench.ledger import write_durably
from workbench.vault import store
from workbench.vault.model import RemoteCopy
from workbench.vault.vault import settings

if TYPE_CHECKING:
    from workbench.case import Case


class Remote:
    """A bucket and a prefix: ``s3://bucket/prefix`` or, for other makers' stores, ``https://host:port/bucket/prefix``."""

    def __init__(self, url: str) -> None:
        import pyarrow.fs as fs

        parts = urlsplit(url)
        key, secret = (os.environ.get(n, "") for n in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
        if parts.scheme not in ("s3", "https", "http") or not parts.netloc or "@" in parts.netloc:
            raise BadSetting("settings.vault.remote is no address of a store", "write s3://bucket/prefix or https://host/bucket/prefix",
                             where="case.toml")
        if not key or not secret:
            raise VaultError("the store's account is not set", "export AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=...")
        where = {} if parts.scheme == "s3" else {"endpoint_override": parts.netloc, "scheme": parts.scheme}
        self.url = url
        self._base = (parts.netloc + parts.path if parts.scheme == "s3" else parts.path).strip("/")
        self._fs: Any = fs.S3FileSystem(access_key=key, secret_key=secret, request_timeout=60, connect_timeout=10,
                                        region=os.environ.get("AWS_REGION", "us-east-1"),
                                        allow_delayed_open=True, **where)  # small files in one request

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            raise VaultError(f"the store does not answer as it should ({type(e).__name__})",
                             "check address, account and network; running it again goes on", where=self.url) from None

    def files(self) -> dict[str, int]:
        """Relative path -> size."""
        import pyarrow.fs as fs

        with self._told():
            found = self._fs.get_file_info(fs.FileSelector(self._base, recursive=True, allow_not_found=True))
        return {i.path[len(self._base) + 1:]: i.size for i in found if i.type == fs.FileType.File}

    def read(self, path: str) -> bytes:
        """The bytes of one file, at most an object's."""
        with self._told(), self._fs.open_input_stream(f"{self._base}/{path}") as stream:
            return bytes(stream.read(store.MAX_OBJECT + (1 << 20)))

    def write(self, path: str, data: bytes) -> None:
        """Write one file whole."""
        with self._told(), self._fs.open_output_stream(f"{self._base}/{path}") as stream:
            stream.write(data)

    def delete(self, path: str) -> None:
        """Remove one file. A store that keeps versions keeps it all the same: noise once its key is destroyed."""
        with self._told():
            self._fs.delete_file(f"{self._base}/{path}")


def open_remote(case: Case) -> Remote:
    """The store of ``[settings.vault] remote``."""
    url = settings(case)["remote"]
    if not url:
        raise BadSetting("settings.vault.remote names no store", 'write remote = "s3://bucket/prefix"', where="case.toml")
    return Remote(url)


def push(case: Case) -> RemoteCopy:
    """Make the store hold exactly what the first whole place holds; every file is read back from it and compared.

    Needs no passphrase. Cut short, the next run goes on: what is there and equal is not sent again.

    Raises: VaultError: no place is whole, or the store does not answer, or gives back something else.
    """
    with case.step("push") as run:
        remote = open_remote(case)
        place = next((p for p in map(case.resolve, case.config.vault.places)
                      if any(p.rglob("SHA256SUMS")) and not store.verify_sealed(p)), None)
        if place is None:
            raise VaultError("no place is whole", f"workbench vault check {case.folder} --repair")
        local = {p.relative_to(place).as_posix(): p for p in sorted(place.rglob("*")) if p.is_file() and not p.is_symlink()}
        there, sent = remote.files(), 0
        for name, path in local.items():
            data = path.read_bytes()
            if there.get(name) == len(data) and remote.read(name) == data:
                continue
            remote.write(name, data)
            sent += 1
            if remote.read(name) != data:
                raise VaultError("the store gives back something else than was sent", "run it again; then ask the store's maker",
                                 where=remote.url)
        stale = sorted(set(there) - set(local))
        for name in stale:
            remote.delete(name)
        result = RemoteCopy(case_id=case.id, url=remote.url, at=case.now(), files=len(local), sent=sent, removed=len(stale),
                            bytes=sum(p.stat().st_size for p in local.values()), ok=True)
        case.save(result)
        run.note(files=len(local), sent=sent, removed=len(stale))
        return result


def pull(case: Case) -> tuple[str, ...]:
    """Bring back into each place what is missing or damaged there, from the store; returns PLACE/PATH of what came back.

    A file is taken only when the store's own SHA256SUMS of its set says so.
    """
    remote = open_remote(case)
    names = remote.files()
    back: list[str] = []
    with case.step("pull") as run:
        for sums_name in [n for n in names if n.rpartition("/")[2] == "SHA256SUMS"]:
            base = sums_name.rpartition("/")[0]
            sums = remote.read(sums_name)
            listed = {line[66:]: line[:64] for line in sums.decode("ascii").splitlines()}
            wanted = {f"{base}/{p}": sha for p, sha in listed.items() if f"{base}/{p}" in names and ".." not in Path(p).parts}
            wanted[sums_name] = hashlib.sha256(sums).hexdigest()
            for place in map(case.resolve, case.config.vault.places):
                for name, sha in wanted.items():
                    if _sha(place / name) == sha:
                        continue
                    data = remote.read(name)
                    if hashlib.sha256(data).hexdigest() != sha:
                        raise VaultError("the store's copy is damaged", "repair from a place: workbench vault check --repair",
                                         where=f"{remote.url} {name}")
                    store.make_folder((place / name).parent)
                    write_durably(place / name, data)
                    back.append(f"{place.name}/{name}")
        run.note(files=len(back))
    return tuple(back)


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
