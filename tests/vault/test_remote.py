"""A copy in an S3-compatible store: a server on loopback, damage there and here, a store that lies."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from click.testing import CliRunner

from workbench.case import Case
from workbench.errors import BadSetting, VaultError
from workbench.vault import close_window, due, protect, restore_test, verify_sealed
from workbench.vault.cli import vault
from workbench.vault.remote import Remote, pull, push

MakeCase = Callable[..., Case]


class Store(BaseHTTPRequestHandler):
    """The few calls of the S3 protocol that Arrow's client makes: list, put (in one piece or in parts), ranged get, head, delete."""

    held: ClassVar[dict[str, bytes]] = {}
    parts: ClassVar[dict[int, bytes]] = {}
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), "ETag": '"x"', **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        out = b""
        while size := int(self.rfile.readline(), 16):
            out += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return out

    def handle_one(self) -> None:
        parts = urlsplit(self.path)
        query, key = parse_qs(parts.query), unquote(parts.path).lstrip("/").partition("/")[2]
        data = self.body()
        if "Credential=a/" not in self.headers.get("Authorization", ""):
            self.reply(403)
        elif self.command == "POST" and "uploads" in parse_qs(parts.query, keep_blank_values=True):
            self.parts.clear()
            self.reply(200, b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
                       Content_Type="application/xml")
        elif self.command == "POST":
            self.held[key] = b"".join(v for _, v in sorted(self.parts.items()))
            self.reply(200, b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>",
                       Content_Type="application/xml")
        elif self.command == "PUT":
            data = _unchunked(data) if "aws-chunked" in self.headers.get("Content-Encoding", "") else data
            if "partNumber" in query:
                self.parts[int(query["partNumber"][0])] = data
            else:
                self.held[key] = data
            self.reply(200)
        elif self.command == "GET" and "list-type" in query:
            prefix = query.get("prefix", [""])[0]
            rows = "".join(f"<Contents><Key>{escape(k)}</Key><Size>{len(v)}</Size></Contents>"
                           for k, v in sorted(self.held.items()) if k.startswith(prefix))
            self.reply(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode(),
                       Content_Type="application/xml")
        elif key not in self.held:
            self.reply(404)
        elif self.command == "DELETE":
            del self.held[key]
            self.reply(204)
        else:
            whole = self.held[key]
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            piece = whole[int(found[1]):int(found[2]) + 1] if found else whole
            more = {"Content_Range": f"bytes {found[1]}-{int(found[1]) + len(piece) - 1}/{len(whole)}"} if found else {}
            if self.command == "HEAD":
                more["Content_Length"] = str(len(whole))
            self.reply(206 if found else 200, piece, **more)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_one


def _unchunked(data: bytes) -> bytes:
    """Body of an upload in signed chunks: hex size, then that many bytes."""
    out = b""
    while data:
        head, _, rest = data.partition(b"\r\n")
        size = int(head.partition(b";")[0], 16)
        if not size:
            break
        out, data = out + rest[:size], rest[size + 2:]
    return out


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of a bucket on loopback."""
    running = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}/bucket"
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def case(server: str, make_case: MakeCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    made = make_case()
    path = made.folder / "case.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("argon2_mib = 8", f'argon2_mib = 8\nremote = "{server}/{tmp_path.name}"'),
                    encoding="utf-8")
    opened = Case.open(made.folder)
    protect(opened)
    return opened


def bytes_of(place: Path) -> dict[str, bytes]:
    return {p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*") if p.is_file()}


def test_the_store_holds_what_the_place_holds(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent once and read back, without a passphrase; a second run sends nothing; nothing in clear is there."""
    monkeypatch.delenv("WORKBENCH_VAULT_PASSPHRASE")
    place = case.resolve(case.config.vault.places[0])
    done = push(case)
    assert (done.files, done.sent, done.removed) == (len(bytes_of(place)),) * 2 + (0,)
    remote = Remote(done.url)
    assert {n: remote.read(n) for n in remote.files()} == bytes_of(place)
    assert not any(b"CANARY" in remote.read(n) or b"customers" in remote.read(n) for n in remote.files())
    assert push(case).sent == 0
    assert not next(i for i in due(case).items if i.name == done.url).due


def test_a_large_object_goes_in_parts(case: Case) -> None:
    """More than one part of an upload: the same bytes come back."""
    remote = Remote(case.settings("vault")["remote"])
    data = os.urandom(12_000_000)
    remote.write("objects/aa/large.age", data)
    assert remote.read("objects/aa/large.age") == data
    assert Store.parts
    remote.delete("objects/aa/large.age")


def test_both_places_lost_come_back_from_the_store(case: Case) -> None:
    """Disks gone: pulled, whole, and everything opens again."""
    push(case)
    places = [case.resolve(p) for p in case.config.vault.places]
    before = bytes_of(places[0])
    for place in places:
        shutil.rmtree(place)
    run = CliRunner().invoke(vault, ["pull", str(case.folder)])
    assert run.exit_code == 0, run.output
    for place in places:
        assert bytes_of(place) == before
        assert verify_sealed(place) == ()
    assert restore_test(case).ok
    assert pull(case) == ()


def test_damage_there_is_mended_by_push_and_never_pulled(case: Case) -> None:
    """A changed object in the store: pull refuses it by name, push sends it anew, and what was shredded leaves the store."""
    url = push(case).url
    remote = Remote(url)
    name = next(n for n in remote.files() if n.endswith(".age"))
    remote.write(name, b"damaged")
    here = case.resolve(case.config.vault.places[0]) / name
    good = here.read_bytes()
    here.unlink()
    with pytest.raises(VaultError, match="damaged") as e:
        pull(case)
    assert name in e.value.where
    here.write_bytes(good)
    assert push(case).sent == 1
    assert remote.read(name) == good
    close_window(case)
    assert push(case).sent >= 1  # the key table of the new epoch
    assert {n for n in remote.files() if n.startswith("keys/table")} == {"keys/table-000002.sealed"}


def test_a_store_that_lies_or_is_not_there_is_told(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other bytes back, no account, no server, no address: each with what to do."""
    with monkeypatch.context() as patch:
        patch.setattr(Remote, "read", lambda self, path: b"something else")
        with pytest.raises(VaultError, match="something else"):
            push(case)
    with monkeypatch.context() as patch:
        patch.delenv("AWS_SECRET_ACCESS_KEY")
        with pytest.raises(VaultError, match="account"):
            push(case)
    path = case.folder / "case.toml"
    good = path.read_text(encoding="utf-8")
    for address, error in (("ftp://x/y", BadSetting), ("s3://key:secret@bucket/x", BadSetting)):
        path.write_text(good.replace(f'remote = "{push(case).url}"', f'remote = "{address}"'), encoding="utf-8")
        with pytest.raises(error, match="no address"):
            push(Case.open(case.folder))
        path.write_text(good, encoding="utf-8")
