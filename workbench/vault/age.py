"""AGE: the C2SP age v1 file format on ``cryptography``, for objects that fit in memory.

One X25519 stanza, 64 KiB STREAM chunks. Any age implementation opens what :func:`encrypt` writes. :func:`decrypt`
checks every chunk before it returns a byte and names every damaged chunk; pyrage holds the interpreter lock, runs at
a third of the speed and stops at the first bad chunk (DECISIONS: measured), so it is the cross-check in tests.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from workbench.errors import ParameterError, VaultError

CHUNK, TAG = 65_536, 16
SEALED_CHUNK = CHUNK + TAG
INTRO = b"age-encryption.org/v1\n"
HEAD = len(INTRO) + len("-> X25519 ") + 43 + 1 + 43 + 1 + len("--- ") + 43 + 1 + 16
"""bytes before the first chunk: one X25519 stanza, the header's MAC, the payload's nonce"""
OpenChunk = Callable[[bytes, memoryview, memoryview], object]
"""(nonce, chunk with its tag, where the plaintext goes); raises InvalidTag"""
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


class Damaged(VaultError):
    """An object that does not open whole. ``chunks``: indexes of bad 64 KiB chunks; empty: header or length."""

    def __init__(self, what: str, todo: str = "", *, where: str = "", chunks: tuple[int, ...] = ()) -> None:
        super().__init__(what, todo, where=where)
        self.chunks = chunks


def _hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt or None, info).derive(key)


def _b64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _unb64(text: bytes) -> bytes:
    data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    if _b64(data) != text:  # non-canonical base64 is another file with the same meaning
        raise ValueError
    return data


def public(identity: bytes) -> bytes:
    """The 32-byte recipient of a 32-byte identity."""
    key = X25519PrivateKey.from_private_bytes(identity).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def new_identity() -> bytes:
    """32 random bytes; random, never derived, so that losing them loses what they open."""
    return os.urandom(32)


def sealed_size(size: int) -> int:
    """Bytes of the age file of ``size`` bytes for one recipient."""
    return HEAD + size + TAG * max(1, -(-size // CHUNK))


def plain_size(sealed: int) -> int:
    """The inverse of :func:`sealed_size`."""
    body = sealed - HEAD
    return body - TAG * -(-body // SEALED_CHUNK)


def encrypt(data: bytes | bytearray | memoryview, recipient: bytes) -> bytearray:
    """The age file of ``data`` for one recipient (32 raw bytes)."""
    view = memoryview(data).cast("B")
    out = bytearray(sealed_size(len(view)))
    encrypt_into((view,), len(view), recipient, memoryview(out))
    return out


def chunks(pieces: Iterable[memoryview], size: int) -> Iterator[memoryview]:
    """``pieces``, each but the last a whole number of chunks long, cut into chunks; an empty one when ``size`` is 0."""
    if not size:
        yield memoryview(b"")
    for piece in pieces:
        for at in range(0, len(piece), CHUNK):
            yield piece[at : at + CHUNK]


def encrypt_into(pieces: Iterable[memoryview], size: int, recipient: bytes, out: memoryview, sha: Any = None) -> int:
    """Write the age file of ``size`` bytes, given in ``pieces`` (:func:`chunks`), to ``out``, which is large enough; its size.

    ``sha``: a hash that is fed what was written, in pieces that are still in the processor's cache.
    """
    file_key, nonce = os.urandom(16), os.urandom(16)
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    wrap = _hkdf(shared, share + recipient, b"age-encryption.org/v1/X25519")
    body = ChaCha20Poly1305(wrap).encrypt(bytes(12), file_key, None)
    header = INTRO + b"-> X25519 " + _b64(share) + b"\n" + _b64(body) + b"\n---"
    mac = hmac.digest(_hkdf(file_key, b"", b"header"), header, "sha256")
    out[:HEAD] = header + b" " + _b64(mac) + b"\n" + nonce
    count = max(1, -(-size // CHUNK))
    cipher, at, told = ChaCha20Poly1305(_hkdf(file_key, nonce, b"payload")), HEAD, 0
    for i, piece in enumerate(chunks(pieces, size)):
        cipher.encrypt_into(chunk_nonce(i, count), piece, None, out[at : at + len(piece) + TAG])
        at += len(piece) + TAG
        if sha is not None and (i % 8 == 7 or i == count - 1):
            sha.update(out[told:at])
            told = at
    return at


def decrypt(data: bytes | bytearray | memoryview, identity: bytes) -> bytearray:
    """The plaintext of an age file, only after its last chunk was authenticated.

    Raises:
        Damaged: header, length or chunks are not what was written, or another identity is needed.
    """
    return opened(data, identity, decrypt_into)


def opened(data: bytes | bytearray | memoryview, key: bytes, into: Callable[[memoryview, bytes, memoryview], int]) -> bytearray:
    """What ``into`` opens, in memory of its own."""
    view = memoryview(data).cast("B")
    out = bytearray(len(view))
    with memoryview(out) as target:
        size = into(view, key, target)
    del out[size:]
    return out


def decrypt_into(view: memoryview, identity: bytes, out: memoryview) -> int:
    """:func:`decrypt` to the beginning of ``out``, which is as large as ``view``; returns the plaintext's size.

    What is in ``out`` means nothing unless this returns.
    """
    at, one = opener(bytes(view[:4096]), identity)
    if len(view) < at + TAG:
        raise Damaged("a sealed object is cut off before its first chunk", "repair it from another place")
    return open_chunks(view[at:], out, one)


def opener(head: bytes, identity: bytes) -> tuple[int, OpenChunk]:
    """Where the first chunk begins, and what opens a chunk; ``head``: the file's first bytes, all before that one at least."""
    file_key, at = _open_header(head, identity)
    cipher = ChaCha20Poly1305(_hkdf(file_key, head[at : at + 16], b"payload"))
    return at + 16, lambda nonce, piece, to: cipher.decrypt_into(nonce, piece, None, to)


def open_chunks(payload: memoryview, out: memoryview, one: OpenChunk, first: int = 0, whole: int = 0) -> int:
    """STREAM chunks to the beginning of ``out``; returns the plaintext's size.

    ``first``, ``whole``: number of the first chunk in ``payload``, and of all chunks, when they are not all there.

    Raises: Damaged, naming every chunk for which ``one`` raised InvalidTag.
    """
    count = -(-len(payload) // SEALED_CHUNK)
    size = len(payload) - count * TAG
    if len(payload) % SEALED_CHUNK in range(1, TAG) or (size == (count - 1) * CHUNK and count > 1):
        raise Damaged("a sealed object is cut off inside a chunk", "repair it from another place", chunks=(count - 1,))
    bad = []
    for i in range(count):
        piece = payload[i * SEALED_CHUNK : (i + 1) * SEALED_CHUNK]
        try:
            one(chunk_nonce(first + i, whole or count), piece, out[i * CHUNK : i * CHUNK + len(piece) - TAG])
        except InvalidTag:
            bad.append(first + i)
    if bad:
        raise Damaged(f"{len(bad)} of {count} chunks of a sealed object are damaged",
                      "repair it from another place", chunks=tuple(bad))
    return size


def chunk_nonce(i: int, count: int) -> bytes:
    """STREAM: the number of the chunk in 11 bytes, and whether it is the last."""
    return i.to_bytes(11, "big") + (b"\x01" if i == count - 1 else b"\x00")


def _open_header(head: bytes, identity: bytes) -> tuple[bytes, int]:
    """File key and offset of the payload nonce; foreign stanzas (age's grease) are passed over."""
    broken = Damaged("a sealed object's header is damaged", "repair it from another place")
    mark = head.find(b"\n--- ")
    end = head.find(b"\n", mark + 1)
    if not head.startswith(INTRO) or mark < 0 or end < 0:
        raise broken
    lines = head[len(INTRO) : mark].split(b"\n")
    file_key = None
    try:
        mac = _unb64(head[mark + 5 : end])
        for first, body in itertools.pairwise(lines):
            words = first.split(b" ")
            if words[:2] == [b"->", b"X25519"] and len(words) == 3:
                file_key = _unwrap(_unb64(words[2]), _unb64(body), identity)
    except (ValueError, binascii.Error):
        raise broken from None
    if file_key is None:
        raise Damaged("a sealed object is not for this key, or its header is damaged")
    want = hmac.digest(_hkdf(file_key, b"", b"header"), head[: mark + 4], "sha256")
    if not hmac.compare_digest(want, mac):
        raise broken
    return file_key, end + 1


def _unwrap(share: bytes, body: bytes, identity: bytes) -> bytes | None:
    if len(share) != 32 or len(body) != 32:
        raise ValueError
    shared = X25519PrivateKey.from_private_bytes(identity).exchange(X25519PublicKey.from_public_bytes(share))
    wrap = _hkdf(shared, share + public(identity), b"age-encryption.org/v1/X25519")
    try:
        return ChaCha20Poly1305(wrap).decrypt(bytes(12), body, None)
    except InvalidTag:
        return None


def identity_text(identity: bytes) -> str:
    """``AGE-SECRET-KEY-1...`` as ``age -i`` reads it."""
    return _bech32("age-secret-key-", identity).upper()


def recipient_text(recipient: bytes) -> str:
    """``age1...`` as ``age -r`` reads it."""
    return _bech32("age", recipient)


def recipient_of(text: str) -> bytes:
    """The 32 bytes of ``age1...``.

    Raises: ParameterError when it is mistyped or no X25519 recipient.
    """
    bad = ParameterError("this is no age recipient", "it begins with age1 and has 62 characters; copy it whole")
    prefix, one, words = text.strip().rpartition("1")
    if prefix != "age" or not one or len(words) != 58 or not set(words) <= set(_ALPHABET):
        raise bad
    values = [_ALPHABET.index(c) for c in words]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    bits = 0
    for value in values[:-6]:
        bits = bits << 5 | value
    if _polymod([*expanded, *values]) != 1 or bits & 15:
        raise bad
    return (bits >> 4).to_bytes(32, "big")


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= g if (top >> i) & 1 else 0
    return check


def _bech32(prefix: str, data: bytes) -> str:
    """BIP 173 without its length limit."""
    bits = int.from_bytes(data, "big") << (-len(data) * 8 % 5)
    n = -(-len(data) * 8 // 5)
    words = [(bits >> 5 * (n - 1 - i)) & 31 for i in range(n)]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = _polymod([*expanded, *words, 0, 0, 0, 0, 0, 0]) ^ 1
    words += [(check >> 5 * (5 - i)) & 31 for i in range(6)]
    return prefix + "1" + "".join(_ALPHABET[w] for w in words)
