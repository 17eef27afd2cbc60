"""SM4: sealed objects in national cryptography, for those who must use it (``[settings.vault] cipher = "sm4"``).

An own format, since age has one cipher only. Layout, all of it:

    "winddown-workbench/sm4-gcm/1" LF      29 bytes
    salt                                   16 random bytes
    HMAC-SM3(header key, the 45 bytes above)   32 bytes
    chunks                                 64 KiB of plaintext each, the last one shorter, each with its tag of 16 bytes

header key, payload key = HKDF-SM3(key, salt, first line without LF + " header" / " payload"), 32 and 16 bytes. Chunk i is
SM4-GCM under the payload key; its nonce is i in 11 bytes, big-endian, then 1 for the last chunk and 0 for others (as age's STREAM).

Sources: SM4 GB/T 32907-2016, SM3 GB/T 32905-2016, SM4-GCM RFC 8998, HKDF RFC 5869. ``open_sm4.py``, which lies beside
every such set, is a second reader on the standard library and the ``openssl`` command alone. Symmetric: who seals can open.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from workbench.vault.age import CHUNK, TAG, Damaged, OpenChunk, chunk_nonce, chunks, open_chunks, opened

NAME = b"winddown-workbench/sm4-gcm/1"
SALT, MAC = 16, 32
HEAD = len(NAME) + 1 + SALT + MAC


class Secret(bytes):
    """32 random bytes that seal and open SM4 objects; any other key of the vault is an age identity."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret()"

    __str__ = __repr__


def derive(key: bytes, salt: bytes, info: bytes, size: int = 32) -> bytes:
    """HKDF-SM3."""
    return HKDF(hashes.SM3(), size, salt or None, info).derive(key)


def sealed_size(size: int) -> int:
    """Bytes of the object that holds ``size`` bytes."""
    return HEAD + size + TAG * max(1, -(-size // CHUNK))


def encrypt_into(pieces: Iterable[memoryview], size: int, key: bytes, out: memoryview, sha: Any = None) -> int:
    """Write the object of ``size`` bytes in ``pieces`` (:func:`age.chunks`) to ``out``, which is large enough; its size."""
    salt = os.urandom(SALT)
    start = NAME + b"\n" + salt
    out[:HEAD] = start + _mac(key, salt, start)
    payload, count, at = derive(key, salt, NAME + b" payload", 16), max(1, -(-size // CHUNK)), HEAD
    for i, piece in enumerate(chunks(pieces, size)):
        cipher = Cipher(SM4(payload), modes.GCM(chunk_nonce(i, count))).encryptor()
        at += cipher.update_into(piece, out[at:])
        cipher.finalize()
        out[at : at + TAG] = cipher.tag
        at += TAG
    if sha is not None:
        sha.update(out[:at])
    return at


def decrypt_into(view: memoryview, key: bytes, out: memoryview) -> int:
    """The plaintext to the beginning of ``out``, which is as large as ``view``; returns its size.

    What is in ``out`` means nothing unless this returns.

    Raises:
        Damaged: header, length or chunks are not what was written, or another key is needed.
    """
    at, one = opener(bytes(view[:HEAD]), key)
    if len(view) < at + TAG:
        raise Damaged("a sealed object is cut off before its first chunk", "repair it from another place")
    return open_chunks(view[at:], out, one)


def opener(head: bytes, key: bytes) -> tuple[int, OpenChunk]:
    """Where the first chunk begins, and what opens a chunk."""
    start = head[: HEAD - MAC]
    if len(head) < HEAD or not start.startswith(NAME + b"\n"):
        raise Damaged("a sealed object's header is damaged", "repair it from another place")
    salt = start[-SALT:]
    if not hmac.compare_digest(_mac(key, salt, start), head[HEAD - MAC : HEAD]):
        raise Damaged("a sealed object is not for this key, or its header is damaged")
    payload = derive(key, salt, NAME + b" payload", 16)

    def one(nonce: bytes, piece: memoryview, to: memoryview) -> None:
        cipher = Cipher(SM4(payload), modes.GCM(nonce, bytes(piece[-TAG:]))).decryptor()
        cipher.update_into(piece[:-TAG], to)
        cipher.finalize()

    return HEAD, one


def decrypt(data: bytes | bytearray | memoryview, key: bytes) -> bytearray:
    """The plaintext, only after its last chunk was authenticated. Raises: Damaged."""
    return opened(data, key, decrypt_into)


def opens(data: bytes, key: bytes) -> bytes | None:
    """The plaintext, or None."""
    try:
        return bytes(decrypt(data, key))
    except Damaged:
        return None


def _mac(key: bytes, salt: bytes, start: bytes) -> bytes:
    mac = HMAC(derive(key, salt, NAME + b" header"), hashes.SM3())
    mac.update(start)
    return mac.finalize()
