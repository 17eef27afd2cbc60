"""SHARES: k of n custodians can open the vault when the passphrase is lost (SLIP-39 words; ``pip install .[shares]``).

A ceremony on a machine without network: the words are shown once and written on paper. Shares cannot be revoked, so
the epoch secret stays outside them: k old shares and an old key table open nothing that was shredded.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import VaultError
from workbench.ledger import write_durably
from workbench.vault import kek as keks
from workbench.vault.keys import KeyTable
from workbench.vault.vault import Vault, open_vault

if TYPE_CHECKING:
    from workbench.case import Case

WORDS = 33
"""in a share of a 32-byte key"""


def _slip39() -> Any:
    try:
        import shamir_mnemonic
    except ImportError:
        raise VaultError("shares need the package shamir-mnemonic", "pip install 'winddown-workbench[shares]'") from None
    return shamir_mnemonic


def split(case: Case, k: int, n: int) -> tuple[str, ...]:
    """``n`` shares of 33 words, any ``k`` of which give the key back. Nothing is stored; show them once.

    Raises:
        VaultError: k or n out of range, or the passphrase does not open the vault.
    """
    if not 2 <= k <= n <= 16:
        raise VaultError(f"{k} of {n} is not possible", "choose 2 <= k <= n <= 16")
    slip39 = _slip39()
    with open_vault(case) as vault:
        secret = _kek(vault)
    with case.step("split_key", k=k, n=n):
        return tuple(slip39.generate_mnemonics(1, [(k, n)], secret)[0])


def _kek(vault: Vault) -> bytes:
    return keks.kek(vault.folder / "keys", vault.case.config.vault.passphrase_env)


def read_share(text: str, number: int = 1) -> Any:
    """One share as typed from paper; of each word the first four letters are enough.

    Raises: VaultError: which word is wrong, by its position; never the word.
    """
    slip39 = _slip39()
    short = {word[:4]: word for word in slip39.wordlist.WORDLIST}
    typed = text.lower().split()
    words = [w if short.get(w[:4]) == w else short.get(w, "") for w in typed]
    again = "compare it with the paper, word by word"
    if "" in words:
        raise VaultError(f"share {number} has a mistyped word: number {words.index('') + 1} is not in the list", again)
    try:
        return slip39.Share.from_mnemonic(" ".join(words))
    except (slip39.MnemonicError, ValueError):
        what = "has a mistyped word" if len(words) == WORDS else f"has {len(words)} words; {WORDS} belong to it"
        raise VaultError(f"share {number} {what}", again) from None


def combine(case: Case, shares: Sequence[str]) -> bytes:
    """The key that ``shares`` give, checked against this vault's commitment.

    Raises:
        VaultError: too few shares, a mistyped word, shares of different keys, or of another case's vault.
    """
    slip39 = _slip39()
    path = case.private("vault-private", "keys") / keks.KDF
    if not path.exists():
        raise VaultError("this vault has no keys yet", "workbench run CASE protect")
    parsed = [read_share(text, n) for n, text in enumerate(shares, 1)]
    kinds = [(p.identifier, p.extendable) for p in parsed]
    usual = max(kinds, key=kinds.count, default=None)
    odd = [n for n, kind in enumerate(kinds, 1) if kind != usual]
    if odd:
        told = f"share {odd[0]} does not belong to the others" if len(kinds) > 2 else "these shares do not belong together"
        raise VaultError(told, "one of them is of another case or another ceremony")
    need = parsed[0].member_threshold if parsed else 2
    different = list({p.index: p for p in parsed}.values())
    if len(different) < need:
        raise VaultError(f"{len(different)} of {need} needed shares are here", "ask another custodian")
    try:
        secret = bytes(slip39.combine_mnemonics([p.mnemonic() for p in different[:need]]))
    except slip39.MnemonicError:
        raise VaultError("these shares do not give a key", "compare each with the paper") from None
    if not hmac.compare_digest(keks._commitment(secret), str(json.loads(path.read_text())["commitment"])):
        raise VaultError("these shares are of another case's vault, or older than this vault's last new passphrase",
                         "bring the shares of this case that were made last")
    return secret


def recover(case: Case, shares: Sequence[str]) -> int:
    """Open the vault with ``shares`` and give it the passphrase that the environment variable holds now."""
    secret = combine(case, shares)
    with case.step("recover_key") as run:
        epoch = _rekey(case, secret)
        run.note(epoch=epoch, shares=len(shares))
        return epoch


def rotate_passphrase(case: Case, old_passphrase_env: str) -> int:
    """Give the vault a new passphrase: ``old_passphrase_env`` holds the present one, the usual variable the new one.

    Only the key table is written again; no object changes. Returns the new epoch.
    """
    secret = keks.kek(case.private("vault-private", "keys"), old_passphrase_env)
    with case.step("rotate_passphrase") as run:
        epoch = _rekey(case, secret)
        run.note(epoch=epoch)
        return epoch


def _rekey(case: Case, secret: bytes) -> int:
    """New key-encryption key, new epoch. Killed before kdf.json is replaced, the old key still opens the old table."""
    from workbench.vault.vault import holders_of, settings

    folder = case.private("vault-private", "keys")
    env = case.config.vault.passphrase_env
    table = KeyTable(folder, secret, holders_of(case), case.id, [case.resolve(p) / "keys" for p in case.config.vault.places])
    table.begin()
    scratch = case.private("vault-private", "rekey")
    (scratch / keks.KDF).unlink(missing_ok=True)
    path = folder / keks.KDF
    before = json.loads(path.read_text()).get("memory_kib", 0) // 1024 if path.exists() else 0  # none in a token's; never weaker
    fresh = keks.kek(scratch, env, mib=max(before, settings(case)["argon2_mib"]), create=True)
    epoch = table.rekey(fresh, lambda: write_durably(path, (scratch / keks.KDF).read_bytes()))
    (scratch / keks.KDF).unlink()
    return epoch
