"""Ed25519 keys of people and of the log: files of mode 0600, ids anyone can recompute.

A key's id is the first 16 hex characters of SHA-256 over its raw 32-byte public key.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from workbench.errors import LedgerError


def passphrase_name(person: str) -> str:
    """The environment variable in which the passphrase of a person's key (or the log's) is looked for."""
    return f"WORKBENCH_KEY_{person.upper().replace('-', '_')}"


def passphrase(person: str) -> bytes | None:
    """That passphrase; None when there is none, for a key without one."""
    return os.environ.get(passphrase_name(person), "").encode() or None


def raw_public(key: Ed25519PublicKey) -> bytes:
    """The 32 raw bytes of a public key."""
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_id(key: Ed25519PublicKey) -> str:
    """16 hex characters naming ``key``."""
    return hashlib.sha256(raw_public(key)).hexdigest()[:16]


def public_pem(key: Ed25519PublicKey) -> str:
    """SubjectPublicKeyInfo PEM, readable by ``openssl pkey -pubin``."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def parse_public(pem: str) -> Ed25519PublicKey:
    """The Ed25519 key in ``pem``; LedgerError for anything else."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise LedgerError("a public key is not valid PEM of an Ed25519 key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise LedgerError(f"a public key is {type(key).__name__}, not Ed25519")
    return key


class Signer:
    """Signs with one Ed25519 key."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self.name = name
        self._private = private
        self.public = private.public_key()
        self.key_id = key_id(self.public)

    def __repr__(self) -> str:
        return f"Signer({self.name!r}, {self.key_id})"

    @property
    def public_pem(self) -> str:
        """Public half as PEM."""
        return public_pem(self.public)

    def sign(self, data: bytes) -> bytes:
        """64-byte Ed25519 signature (RFC 8032)."""
        return self._private.sign(data)

    @classmethod
    def load(cls, name: str, path: Path, passphrase: bytes | None = None) -> Signer:
        """Read the private key at ``path``.

        Raises:
            LedgerError: no file, readable by others, wrong passphrase, or another kind of key.
        """
        try:
            if path.stat().st_mode & 0o077:
                raise LedgerError(f"the key {path.name} can be read by others", f"chmod 600 {path}")
            pem = path.read_bytes()
        except FileNotFoundError:
            raise LedgerError(f"there is no key for {name}", "workbench run CASE case makes missing keys; WORKBENCH_KEY_FOLDER names "
                              "the folder of one kept elsewhere",
                              where=str(path)) from None
        try:
            key = load_pem_private_key(pem, passphrase)
        except (ValueError, TypeError):
            hint = f"set {passphrase_name(name)} to its passphrase"
            raise LedgerError(f"the key of {name} does not open", hint, where=str(path)) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise LedgerError(f"the key of {name} is not Ed25519", where=str(path))
        return cls(name, key)

    @classmethod
    def create(cls, name: str, path: Path, passphrase: bytes | None = None) -> Signer:
        """Make a key and write it to ``path`` (0600, never over an existing file) and its public half beside it."""
        key = Ed25519PrivateKey.generate()
        while key_id(key.public_key()).isdigit():  # one in 1,800: it would read like a card's number
            key = Ed25519PrivateKey.generate()
        encryption: KeySerializationEncryption = (
            BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        temp = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as f:
            f.write(pem)
            f.flush()
            os.fsync(f.fileno())
        try:
            os.link(temp, path)  # whole or not at all, and never over an existing key
        finally:
            temp.unlink()
        signer = cls(name, key)
        signer.publish(path.with_suffix(".pub"))
        return signer

    def publish(self, path: Path) -> None:
        """Write the public half to ``path``, whole or not at all."""
        temp = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        temp.write_text(self.public_pem, encoding="ascii")
        temp.replace(path)


def verify(public: Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether ``signature`` over ``data`` was made by ``public``'s owner."""
    try:
        public.verify(signature, data)
    except InvalidSignature:
        return False
    return True
