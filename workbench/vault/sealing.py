"""SEALING: one door to the two containers. The key's type decides: an SM4 secret, or an age identity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from workbench.vault import age, sm4

Form = Literal["age", "sm4"]


def recipient(key: bytes) -> bytes:
    """What seals for ``key``: the public half of an age identity; SM4 is symmetric, so the secret itself."""
    return key if isinstance(key, sm4.Secret) else age.public(key)


def form(recipient: bytes) -> Form:
    """Which container a recipient seals into; also the ending of the object's name."""
    return "sm4" if isinstance(recipient, sm4.Secret) else "age"


def sealed_size(recipient: bytes, size: int) -> int:
    """Bytes of the sealed object of ``size`` bytes."""
    return sm4.sealed_size(size) if isinstance(recipient, sm4.Secret) else age.sealed_size(size)


def encrypt_into(pieces: Iterable[memoryview], size: int, recipient: bytes, out: memoryview, sha: Any = None) -> int:
    """Seal ``size`` bytes, given in pieces of whole chunks, into ``out``; returns the size. ``sha`` is fed what was written."""
    if isinstance(recipient, sm4.Secret):
        return sm4.encrypt_into(pieces, size, recipient, out, sha)
    return age.encrypt_into(pieces, size, recipient, out, sha)


def encrypt(view: memoryview, recipient: bytes) -> bytearray:
    """The sealed object of ``view``."""
    out = bytearray(sealed_size(recipient, len(view)))
    encrypt_into((view,), len(view), recipient, memoryview(out))
    return out


def decrypt(data: bytes | bytearray | memoryview, key: bytes) -> bytearray:
    """The plaintext, once all of it verified. Raises: age.Damaged."""
    return sm4.decrypt(data, key) if isinstance(key, sm4.Secret) else age.decrypt(data, key)


def opener(head: bytes, key: bytes) -> tuple[int, age.OpenChunk]:
    """Where the first chunk begins in an object whose first 4 KiB are ``head``, and what opens a chunk. Raises: age.Damaged."""
    return sm4.opener(head[: sm4.HEAD], key) if isinstance(key, sm4.Secret) else age.opener(head, key)
