"""kill -9 before every so many durable steps of backup, archive, rotation and the end of the window: nothing kept is lost,
nothing shredded comes back, and the same command ends the work."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.vault.conftest import PASS
from tests.vault.kills import dying
from workbench.case import Case
from workbench.errors import VaultError
from workbench.vault import (
    SealedBackup,
    archive_rows,
    archived_batches,
    close_window,
    open_object,
    protect,
    restore_test,
    shred_class,
    verify_sealed,
)
from workbench.vault.shares import rotate_passphrase

MakeCase = Callable[..., Case]


def killed(case: Case, tmp_path: Path, step: Callable[[Path], object], stride: int) -> Iterator[Path]:
    """Copies of the case, each killed ``stride`` durable steps later than the one before, until one is not killed."""
    after = 0
    while True:
        folder = tmp_path / f"try-{after}"
        shutil.copytree(case.folder, folder)
        if not dying(step, folder, after):
            assert after > 2 * stride
            return
        yield folder
        shutil.rmtree(folder)
        after += stride


def whole(folder: Path) -> None:
    case = Case.open(folder)
    for place in case.config.vault.places:
        assert verify_sealed(case.resolve(place)) == ()


def archive(case: Case, name: str) -> Any:
    batch = pa.record_batch({"id": list(range(500)), "who": [f"CANARY{name}{i:05d}" for i in range(500)]})
    return archive_rows(case, [batch], disposal=f"D-{name}", source="shop", table=name, retention_class=f"cn.{name}/2040",
                        columns=("id", "who"))


def rows(folder: Path, sealed: Any) -> int:
    return sum(b.num_rows for b in archived_batches(Case.open(folder), sealed))


def test_a_backup(make_case: MakeCase, tmp_path: Path) -> None:
    """Run again it is whole, equal to the source, with no stray file."""
    case = make_case()
    for folder in killed(case, tmp_path, lambda f: protect(Case.open(f)), 13):
        backup = protect(Case.open(folder))
        assert len(backup.tables) == 7
        assert restore_test(Case.open(folder)).ok
        whole(folder)


def test_an_archive(make_case: MakeCase, tmp_path: Path) -> None:
    """What was archived before opens at every moment; run again the new rows are there once."""
    case = make_case()
    kept = archive(case, "kept")
    for folder in killed(case, tmp_path, lambda f: archive(Case.open(f), "more"), 5):
        assert rows(folder, kept) == 500
        more = archive(Case.open(folder), "more")
        assert rows(folder, more) == 500
        assert archive(Case.open(folder), "more") == more
        whole(folder)


def test_a_rotation(make_case: MakeCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old or the new passphrase opens everything, whenever it was cut short."""
    case = make_case()
    protect(case)
    monkeypatch.setenv("OLD_PASS", PASS)
    new = "another good passphrase"

    def rotate(folder: Path) -> None:
        rotate_passphrase(Case.open(folder), "OLD_PASS")

    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", new)
    for folder in killed(case, tmp_path, rotate, 1):
        opened = []
        for word in (PASS, new):
            monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", word)
            try:
                opened.append(restore_test(Case.open(folder)).ok)
            except VaultError:
                continue
        assert opened == [True], folder.name
        monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", new)


def test_the_shredding_of_a_class(make_case: MakeCase, tmp_path: Path) -> None:
    """The other class opens at every moment; what the killed run destroyed stays so, and run again the class is gone."""
    case = make_case()
    kept, gone = archive(case, "kept"), archive(case, "gone")

    def step(folder: Path) -> object:
        return shred_class(Case.open(folder), "cn.gone/2040", "term ended")

    for folder in killed(case, tmp_path, step, 1):
        assert rows(folder, kept) == 500
        step(folder)
        assert rows(folder, kept) == 500
        with pytest.raises(VaultError, match="destroyed"):
            rows(folder, gone)
        whole(folder)


def test_the_end_of_the_window(make_case: MakeCase, tmp_path: Path) -> None:
    """The archive opens at every moment; run again the backup never opens again."""
    case = make_case()
    protect(case)
    kept = archive(case, "kept")
    for folder in killed(case, tmp_path, lambda f: close_window(Case.open(f)), 2):
        assert rows(folder, kept) == 500
        close_window(Case.open(folder))
        assert rows(folder, kept) == 500
        now = Case.open(folder)
        with pytest.raises(VaultError, match="destroyed"):
            open_object(now, now.load(SealedBackup).tables[0].objects[0])
