"""Custodians and passphrases: any k open, fewer or foreign ones do not, and each failure says why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workbench.case import Case
from workbench.errors import VaultError
from workbench.vault import protect, restore_test
from workbench.vault.keys import KeyTable
from workbench.vault.shares import combine, recover, rotate_passphrase, split

pytest.importorskip("shamir_mnemonic")
MakeCase = Callable[..., Case]


def test_any_two_of_three_restore_and_each_failure_is_told(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any k give the key; k-1, a mistyped word, a foreign share and another case's shares are told apart."""
    case, other = make_case(), make_case("other")
    protect(case)
    protect(other)
    shares, foreign = split(case, 2, 3), split(other, 2, 3)
    keys = {combine(case, pair) for pair in (shares[:2], shares[1:], (shares[0], shares[2]))}
    assert len(keys) == 1
    word = shares[0].split()[7]
    wrong = shares[0].replace(word, "academic" if word != "academic" else "acid", 1)
    for bad, message in (((shares[0],), "1 of 2"), ((shares[0], shares[0]), "1 of 2"), ((wrong, shares[1]), "mistyped"),
                         ((shares[0], foreign[1]), "belong together"), (foreign[:2], "another case")):
        with pytest.raises(VaultError, match=message):
            combine(case, bad)
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "a new passphrase, the old one is lost")
    with pytest.raises(VaultError, match="does not open this vault"):
        restore_test(case)
    assert recover(case, shares[:2]) == 2
    assert restore_test(case).ok


def test_rotation_changes_the_passphrase_and_no_object(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new passphrase opens, the old one does not, and the objects are the same files."""
    case = make_case()
    backup = protect(case)
    monkeypatch.setenv("OLD_PASS", "correct horse battery")
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "another good passphrase")
    assert rotate_passphrase(case, "OLD_PASS") == 2
    assert restore_test(case).ok
    assert protect(case) == backup
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "correct horse battery")
    with pytest.raises(VaultError, match="does not open this vault"):
        restore_test(case)


@pytest.mark.parametrize("stage", ["_write", "_open", "_mirror"])
def test_a_fault_during_rotation_leaves_one_passphrase_that_opens(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch,
                                                                  stage: str) -> None:
    """A full disk at any stage of a rotation: the old or the new passphrase opens everything."""
    case = make_case()
    protect(case)
    monkeypatch.setenv("OLD_PASS", "correct horse battery")
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "another good passphrase")
    original, calls = getattr(KeyTable, stage), [0]

    def boom(self: KeyTable, *a: object) -> object:
        calls[0] += 1
        if calls[0] >= (2 if stage != "_write" else 1):
            raise OSError(28, "no space left")
        return original(self, *a)

    with monkeypatch.context() as patch:
        patch.setattr(KeyTable, stage, boom)
        with pytest.raises(OSError, match="no space"):
            rotate_passphrase(case, "OLD_PASS")
    opened = []
    for word in ("correct horse battery", "another good passphrase"):
        monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", word)
        try:
            opened.append(restore_test(case).ok)
        except VaultError:
            continue
    assert opened == [True]
