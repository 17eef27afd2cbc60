"""PKCS#11: the key and the epoch secret in a token (SoftHSM2); destroyed there, nothing opens what was shredded."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.case import Case
from workbench.errors import VaultError
from workbench.vault import SealedBackup, close_window, open_object, protect, restore_test
from workbench.vault.token import Token

pytest.importorskip("pkcs11")
MODULE = next((p for p in map(Path, ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so")) if p.exists()), None)
pytestmark = pytest.mark.skipif(MODULE is None or not shutil.which("softhsm2-util"), reason="softhsm2 is not installed")
MakeCase = Callable[..., Case]
LABEL, PIN = "workbench-test", "123456"


@pytest.fixture(scope="module")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token in a folder of its own; the module reads its settings once, when it is loaded."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "conf"))
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "12345678"],
                       check=True, capture_output=True)
        yield folder / "conf"


@pytest.fixture
def case(softhsm: Path, make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", PIN)
    made = make_case()
    text = (made.folder / "case.toml").read_text(encoding="utf-8").replace(
        "argon2_mib = 8", f'argon2_mib = 8\nkek = "pkcs11"\nholders = ["pkcs11"]\npkcs11_module = "{MODULE}"\npkcs11_token = "{LABEL}"')
    (made.folder / "case.toml").write_text(text, encoding="utf-8")
    return Case.open(made.folder)


def test_a_key_stays_in_the_token_and_dies_there(softhsm: Path) -> None:
    """Seal and open; changed bytes and another name open nothing; after destroy nothing does."""
    token = Token(str(MODULE), LABEL, PIN)
    sealed = token.seal("one", b"x" * 32)
    assert token.open("one", sealed) == b"x" * 32
    assert token.open("one", sealed[:-1] + bytes([sealed[-1] ^ 1])) is None
    assert token.open("two", sealed) is None
    token.destroy("one")
    assert token.open("one", sealed) is None
    token.seal("one", b"y")  # a new key of the same name is another key
    assert token.open("one", sealed) is None
    assert token.soft()
    token.destroy("one")


def test_a_vault_with_its_key_and_epochs_in_a_token(case: Case) -> None:
    """Protect, restore test, shred: the epoch's key is gone from the token, and the strength is told honestly."""
    backup = protect(case)
    assert backup.kek == f"pkcs11 {LABEL}"
    assert [(h.holder, h.strength) for h in backup.holders] == [("pkcs11", "weak")]  # software, and it says so
    assert restore_test(case).ok
    hoard = {p: p.read_bytes() for p in case.folder.rglob("*") if p.is_file() and "vault-private" in p.parts}
    close_window(case)
    for path, data in hoard.items():  # every file as it was before; only the token's key is missing
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for path in (case.folder / "vault-private").rglob("*"):
        if path.is_file() and path not in hoard:
            path.unlink()
    with pytest.raises(VaultError, match="key table does not open"):
        open_object(case, case.load(SealedBackup).tables[0].objects[0])


def test_a_wrong_pin_and_a_missing_token_are_told(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with what to do; the vault stays as it is."""
    protect(case)
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "999999")
    with pytest.raises(VaultError, match="refuses the PIN"):
        restore_test(case)
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", PIN)
    path = case.folder / "case.toml"
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace(f'pkcs11_token = "{LABEL}"', 'pkcs11_token = "another"'), encoding="utf-8")
    with pytest.raises(VaultError, match="no token"):
        restore_test(Case.open(case.folder))
    path.write_text(good, encoding="utf-8")
    assert restore_test(Case.open(case.folder)).ok
