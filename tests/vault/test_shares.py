"""Custodians and passphrases: any k open, fewer or foreign ones do not, and each failure says why."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from workbench.case import Case
from workbench.errors import VaultError
from workbench.vault import cli, protect, restore_test, shares
from workbench.vault.keys import KeyTable
from workbench.vault.shares import combine, recover, rotate_passphrase, split

pytest.importorskip("shamir_mnemonic")
MakeCase = Callable[..., Case]


def test_any_two_of_three_restore_and_each_failure_is_told(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any k give the key; k-1, a mistyped word, a foreign share and another case's shares are told apart."""
    case, other = make_case(), make_case("other")
    protect(case)
    protect(other)
    made, foreign = split(case, 2, 3), split(other, 2, 3)
    keys = {combine(case, pair) for pair in (made[:2], made[1:], (made[0], made[2]))}
    assert len(keys) == 1
    words = made[0].split()
    wrong, foreign_word = (" ".join([*words[:7], w, *words[8:]]) for w in ("acid" if words[7] == "academic" else "academic", "zzzz"))
    for bad, message in (((made[0],), "1 of 2"), ((made[0], made[0]), "1 of 2"), ((wrong, made[1]), "mistyped"),
                         ((made[0], foreign[1]), "belong together"), (foreign[:2], "another case"),
                         ((made[0], made[2], foreign[1]), "share 3 does not"), ((foreign_word, made[1]), "word: number 8 is not"),
                         ((made[0], made[1].rpartition(" ")[0]), "share 2 has 32 words"), ((), "0 of 2")):
        with pytest.raises(VaultError, match=message):
            combine(case, bad)
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "a new passphrase, the old one is lost")
    with pytest.raises(VaultError, match="does not open this vault"):
        restore_test(case)
    assert recover(case, (made[0], made[0], made[2])) == 2
    assert restore_test(case).ok
    with pytest.raises(VaultError, match="older than"):
        combine(case, made[:2])


def test_the_ceremony_by_command(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares are shown on a terminal only and typed back; typing errors, a share twice and a foreign one are asked for again."""
    case, other = make_case(), make_case("other")
    protect(case)
    protect(other)
    made, foreign = split(case, 2, 3), split(other, 2, 2)
    runner, folder = CliRunner(), str(case.folder)
    refused = runner.invoke(cli.vault, ["split-key", folder, "--need", "2", "--of", "3"])
    assert "terminal" in str(refused.exception)
    assert not any(word in refused.output for word in made[0].split())
    monkeypatch.setattr(cli, "_terminal", lambda: True)
    monkeypatch.setattr(shares, "split", lambda *a: made)
    short = [" ".join(w[:4] for w in share.split()) for share in made]
    typed = ["", short[1], "", "", short[0], "", short[1], "", "x", short[2]]
    told = runner.invoke(cli.vault, ["split-key", folder, "--need", "2", "--of", "3"], input="\n".join(typed) + "\n")
    assert told.exit_code == 0, told.output
    assert "has 1 words" in told.output or "number 1 is not" in told.output
    assert all(made[2].split()[n] in told.output for n in range(33))
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "a new passphrase, the old one is lost")
    typed = [short[2], foreign[0], made[2], short[0]]
    told = runner.invoke(cli.vault, ["recover-key", folder], input="\n".join(typed) + "\n")
    assert told.exit_code == 0, told.output
    assert told.output.count("不计入") == 2
    assert not any(word in told.output for word in made[0].split())
    assert restore_test(case).ok
    monkeypatch.setenv("OLD_PASS", "a new passphrase, the old one is lost")
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "and one more passphrase")
    assert runner.invoke(cli.vault, ["rotate-passphrase", folder, "--old-env", "OLD_PASS"]).exit_code == 0
    assert restore_test(case).ok


def test_rotation_changes_the_passphrase_and_no_object(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new passphrase opens, the old one does not, and the objects are the same files; the key is no easier to guess."""
    case = make_case()
    backup = protect(case)
    path = case.folder / "case.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("argon2_mib = 8", "argon2_mib = 1"), encoding="utf-8")
    case = Case.open(case.folder)
    monkeypatch.setenv("OLD_PASS", "correct horse battery")
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "another good passphrase")
    assert rotate_passphrase(case, "OLD_PASS") == 2
    assert json.loads((case.private("vault-private", "keys") / "kdf.json").read_text())["memory_kib"] == 8 << 10
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
