"""KEK: the key-encryption key, from a passphrase by Argon2id or out of a PKCS#11 token; and the process that holds keys.

The passphrase (or the token's PIN) comes from the environment variable named in case.toml, or from a prompt; never from argv.
"""

from __future__ import annotations

import ctypes
import getpass
import hashlib
import hmac
import json
import os
import resource
import sys
from pathlib import Path

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from workbench.errors import VaultError
from workbench.ledger import write_durably

KDF = "kdf.json"
_cache: dict[bytes, bytes] = {}


def harden() -> None:
    """No core dump of this process, and no reading of its memory by other processes of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pr_set_dumpable = 4
    try:
        ctypes.CDLL(None).prctl(pr_set_dumpable, 0, 0, 0, 0)
    except (OSError, AttributeError):
        return  # not Linux: the limit above is what there is


def passphrase(env: str, least: int = 8) -> bytes:
    """The vault's passphrase (or a token's PIN) from ``env``, or asked for on a terminal."""
    text = os.environ.get(env, "")
    if not text and sys.stdin is not None and sys.stdin.isatty():
        text = getpass.getpass("Vault passphrase: ")
    if len(text) < least:
        what = f"the vault's passphrase is shorter than {least} characters" if text else "the vault has no passphrase"
        raise VaultError(what, f"read -rs {env} && export {env}")
    return text.encode()


def describe(folder: Path) -> str:
    """How the KEK is made, for reports."""
    kdf = json.loads((folder / KDF).read_text())
    if kdf["kdf"] == "pkcs11":
        return f"pkcs11 {kdf['token']}"
    return f"argon2id {kdf['memory_kib'] // 1024} MiB t={kdf['iterations']}"


def kek(folder: Path, env: str, *, mib: int = 128, create: bool = False, token: tuple[str, str] | None = None) -> bytes:
    """32 bytes; makes salt and commitment in ``folder`` first if ``create``.

    ``token``: PKCS#11 module and token label: a new vault's key is then random and sealed by a key that stays in the token.

    Raises:
        VaultError: no passphrase or PIN, or not the one that the vault was made with.
    """
    path = folder / KDF
    if (token and create and not path.exists()) or (path.exists() and json.loads(path.read_text())["kdf"] == "pkcs11"):
        return _from_token(path, env, token)
    word = passphrase(env)
    if not path.exists():
        if not create:
            raise VaultError("this vault has no keys yet", "workbench run CASE protect")
        kdf = {"format": "workbench-kdf/1", "kdf": "argon2id", "salt": os.urandom(16).hex(), "iterations": 4,
               "lanes": 4, "memory_kib": mib * 1024}
        key = _derive(kdf, word)
        kdf["commitment"] = _commitment(key)
        write_durably(path, (json.dumps(kdf, indent=1, sort_keys=True) + "\n").encode())
        return key
    kdf = json.loads(path.read_text())
    key = _derive(kdf, word)
    if not hmac.compare_digest(_commitment(key), str(kdf["commitment"])):
        raise VaultError("the passphrase does not open this vault", f"set {env} to the one it was made with")
    return key


def _from_token(path: Path, env: str, made: tuple[str, str] | None) -> bytes:
    """The key that the token opens; ``made``: where a new vault's token is."""
    from workbench.vault.token import Token

    pin = passphrase(env, least=4).decode()
    if not path.exists():
        assert made is not None
        key, salt = os.urandom(32), os.urandom(16).hex()
        sealed = Token(*made, pin).seal(f"workbench kek {salt}", key)
        write_durably(path, (json.dumps({
            "format": "workbench-kdf/1", "kdf": "pkcs11", "module": made[0], "token": made[1], "salt": salt,
            "sealed": sealed.hex(), "commitment": _commitment(key)}, indent=1, sort_keys=True) + "\n").encode())
        return key
    kdf = json.loads(path.read_text())
    token = Token(made[0] if made else kdf["module"], kdf["token"], pin)
    found = token.open(f"workbench kek {kdf['salt']}", bytes.fromhex(kdf["sealed"]))
    if found is None or not hmac.compare_digest(_commitment(found), str(kdf["commitment"])):
        raise VaultError("the token does not hold this vault's key", "bring the token that the vault was made with")
    return found


def _commitment(key: bytes) -> str:
    return hmac.digest(key, b"workbench kek-commit v1", "sha256").hex()


def _derive(kdf: dict[str, object], word: bytes) -> bytes:
    salt = bytes.fromhex(str(kdf["salt"]))
    shape = [int(str(kdf[k])) for k in ("iterations", "lanes", "memory_kib")]
    name = hashlib.sha256(salt + repr(shape).encode() + hashlib.sha256(word).digest()).digest()
    if name not in _cache:
        _cache[name] = Argon2id(salt=salt, length=32, iterations=shape[0], lanes=shape[1],
                                memory_cost=shape[2]).derive(word)
    return _cache[name]
