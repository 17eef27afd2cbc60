"""TOKEN: keys in a hardware security module or smart card, through PKCS#11 (``pip install 'winddown-workbench[hsm]'``).

The key never leaves the token: it encrypts and decrypts 32 bytes for us. Destroying the object in the token is the
strongest proof of destruction there is for an epoch secret; SoftHSM is a file on a disk and is called so.
PKCS #11 v2.40, CKM_AES_GCM. The PIN comes from the environment variable of the vault's passphrase.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import VaultError
from workbench.ledger import write_durably
from workbench.vault.model import HolderStrength

_NONCE = 12


class Token:
    """One token by its label. Every call opens a session of its own and closes it."""

    def __init__(self, module: str, label: str, pin: str) -> None:
        self.module, self.label, self._pin = module, label, pin

    def __repr__(self) -> str:
        return f"Token({self.label})"

    @contextmanager
    def _session(self, rw: bool = False) -> Iterator[Any]:
        """Raises: VaultError: no package, no module, no such token, wrong PIN; or the token itself fails."""
        try:
            import pkcs11
        except ImportError:
            raise VaultError("a token needs the package python-pkcs11", "pip install 'winddown-workbench[hsm]'") from None
        try:
            token = pkcs11.lib(self.module).get_token(token_label=self.label)
            with token.open(user_pin=self._pin, rw=rw) as session:
                yield session
        except pkcs11.exceptions.PinIncorrect:
            raise VaultError("the token refuses the PIN", "check it: some tokens lock after a few tries") from None
        except (pkcs11.exceptions.NoSuchToken, RuntimeError):
            raise VaultError(f"there is no token {self.label!r}, or its module does not load",
                             "check pkcs11_module and pkcs11_token in [settings.vault]", where=self.module) from None
        except pkcs11.exceptions.PKCS11Error as e:
            raise VaultError(f"the token failed ({type(e).__name__})", "check the token; nothing was destroyed") from None

    def _key(self, session: Any, name: str) -> Any | None:
        import pkcs11

        found = list(session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY, pkcs11.Attribute.LABEL: name}))
        return found[0] if found else None

    def seal(self, name: str, data: bytes) -> bytes:
        """``data`` encrypted under the token's key ``name``, which is made (AES-256, not extractable) when there is none."""
        import pkcs11

        nonce = os.urandom(_NONCE)
        with self._session(rw=True) as session:
            key = self._key(session, name) or session.generate_key(
                pkcs11.KeyType.AES, 256, label=name, store=True,
                template={pkcs11.Attribute.EXTRACTABLE: False, pkcs11.Attribute.SENSITIVE: True})
            sealed = key.encrypt(data, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=pkcs11.GCMParams(nonce, name.encode()))
        return nonce + bytes(sealed)

    def open(self, name: str, sealed: bytes) -> bytes | None:
        """What :meth:`seal` was given; None when the key is gone or the bytes were changed."""
        import pkcs11

        with self._session() as session:
            key = self._key(session, name)
            if key is None:
                return None
            try:
                return bytes(key.decrypt(sealed[_NONCE:], mechanism=pkcs11.Mechanism.AES_GCM,
                                         mechanism_param=pkcs11.GCMParams(sealed[:_NONCE], name.encode())))
            except (pkcs11.exceptions.EncryptedDataInvalid, pkcs11.exceptions.GeneralError, pkcs11.exceptions.FunctionFailed):
                return None

    def destroy(self, name: str) -> None:
        """Destroy the key in the token; no-op when it is gone."""
        with self._session(rw=True) as session:
            key = self._key(session, name)
            if key is not None:
                key.destroy()

    def soft(self) -> bool:
        """Whether the token says itself that it is software."""
        with self._session() as session:
            token = session.token
            return "softhsm" in f"{token.manufacturer_id} {token.model}".lower()


class TokenHolder:
    """Epoch secrets encrypted under keys of a token: destroying the key there destroys every copy of the file."""

    def __init__(self, folder: Path, token: Token, case_id: str) -> None:
        self.folder, self.token, self._case = folder, token, case_id

    def _name(self, epoch: int) -> str:
        return f"workbench {self._case} epoch {epoch}"

    def _path(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:06d}.token"

    def put(self, epoch: int, secret: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(self._path(epoch), self.token.seal(self._name(epoch), secret))

    def get(self, epoch: int) -> bytes | None:
        try:
            sealed = self._path(epoch).read_bytes()
        except FileNotFoundError:
            return None
        return self.token.open(self._name(epoch), sealed)

    def destroy(self, epoch: int) -> None:
        if self._path(epoch).exists():
            self.token.destroy(self._name(epoch))
            self._path(epoch).unlink()

    def strength(self) -> HolderStrength:
        if self.token.soft():
            return HolderStrength(
                holder="pkcs11", strength="weak",
                zh="软件令牌（SoftHSM）：密钥仍是磁盘上的文件，不能证明已销毁；仅供测试。",
                en="a token in software (SoftHSM): its keys are files on a disk; this is not proof of destruction; for tests only.")
        return HolderStrength(
            holder="pkcs11", strength="best",
            zh="硬件安全模块：密钥不可导出，已在模块内销毁；以该模块的认证与无备份为前提。",
            en="hardware security module: a key that cannot leave it was destroyed inside; as good as its certification, provided that "
               "nobody made a backup of the module.")
