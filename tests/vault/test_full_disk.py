"""A really full disk (a small tmpfs) at every stage of sealing, archiving and shredding: nothing kept is lost, nothing shredded returns."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.vault.conftest import PASS
from workbench.case import Case
from workbench.errors import VaultError, WorkbenchError
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


class Small:
    """A file system whose free space a test decides."""

    def __init__(self, place: Path, mib: int = 64) -> None:
        self.place = place
        place.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", place], capture_output=True).returncode:
            pytest.skip("this machine lets nobody mount a small file system")

    def leave(self, kib: int) -> None:
        """Fill it until about ``kib`` KiB are free."""
        self.empty()
        disk = os.statvfs(self.place)
        with (self.place / "ballast").open("wb") as f:
            os.posix_fallocate(f.fileno(), 0, max(1, disk.f_bavail * disk.f_frsize - (kib << 10)))

    def empty(self) -> None:
        (self.place / "ballast").unlink(missing_ok=True)

    def gone(self) -> None:
        subprocess.run(["umount", "-l", self.place], check=True)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    disk = Small(tmp_path / "small")
    yield disk
    disk.gone()


def onto(small: Small, case: Case) -> Path:
    return Path(shutil.copytree(case.folder, small.place / "case"))


def full(e: BaseException) -> bool:
    """Whether an error says that the disk is full, itself or through what it was raised from."""
    return (isinstance(e, OSError) and e.errno == errno.ENOSPC) or (isinstance(e, WorkbenchError) and "ENOSPC" in str(e)) or bool(
        (e.__cause__ and full(e.__cause__)) or (e.__context__ and full(e.__context__)))


def archive(case: Case, name: str) -> Any:
    batch = pa.record_batch({"id": list(range(500)), "who": [f"CANARY{name}{i:05d}" for i in range(500)]})
    return archive_rows(case, [batch], disposal=f"D-{name}", source="shop", table=name, retention_class=f"cn.{name}/2040",
                        columns=("id", "who"))


def rows(folder: Path, sealed: Any) -> int:
    return sum(b.num_rows for b in archived_batches(Case.open(folder), sealed))


def tried(folder: Path, step: Callable[[Case], object]) -> bool:
    """Whether the step met the full disk; any other error is the test's."""
    try:
        step(Case.open(folder))
    except (OSError, WorkbenchError) as e:
        if not full(e):
            raise
        return True
    return False


def test_a_backup_that_meets_a_full_disk_again_and_again(small: Small, make_case: MakeCase) -> None:
    """Each failure says so and leaves something to go on from; with room at last the backup is whole."""
    folder = onto(small, make_case(customers=2000))
    failed = 0
    for kib in (0, 4, 12, 28, 60, 100, 160, 240, 400, 600, 900):
        small.leave(kib)
        failed += tried(folder, protect)
    small.empty()
    case = Case.open(folder)
    backup = protect(case)
    assert failed >= 5
    assert len(backup.tables) == 7
    assert restore_test(case).ok
    for place in case.config.vault.places:
        assert verify_sealed(case.resolve(place)) == ()


def test_an_archive_and_a_shred_that_meet_a_full_disk(small: Small, make_case: MakeCase) -> None:
    """Sealing for the archive, shredding a class and closing the window, each with 0 to 64 KiB left, then with room."""
    folder = onto(small, make_case())
    protect(Case.open(folder))
    kept = archive(Case.open(folder), "kept")
    gone = None
    failed = 0
    for n, step in enumerate((lambda c: archive(c, "gone"), lambda c: shred_class(c, "cn.gone/2040", "term ended"), close_window)):
        for kib in (0, 4, 8, 12, 16, 24, 32, 48, 64):
            small.leave(kib)
            if not tried(folder, step):
                break
            failed += 1
            small.empty()
            assert rows(folder, kept) == 500, f"step {n} with {kib} KiB"
        small.empty()
        done = step(Case.open(folder))
        gone = gone or done
        assert rows(folder, kept) == 500
        if n == 0:
            assert rows(folder, gone) == 500
    assert failed >= 6
    case = Case.open(folder)
    with pytest.raises(VaultError):
        rows(folder, gone)
    with pytest.raises(VaultError, match="destroyed"):
        open_object(case, case.load(SealedBackup).tables[0].objects[0])


def test_a_rotation_that_meets_a_full_disk(small: Small, make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 0 to 48 KiB left, again and again: after each failure exactly one of the two passphrases opens everything."""
    folder = onto(small, make_case())
    protect(Case.open(folder))
    kept = archive(Case.open(folder), "kept")
    words = {"OLD_PASS": PASS, "WORKBENCH_VAULT_PASSPHRASE": "another good passphrase"}
    failed = 0

    def opens(word: str) -> bool:
        monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", word)
        try:
            return rows(folder, kept) == 500 and restore_test(Case.open(folder)).ok
        except VaultError:
            return False

    for kib in (0, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48):
        for name, word in words.items():
            monkeypatch.setenv(name, word)
        small.leave(kib)
        if not tried(folder, lambda c: rotate_passphrase(c, "OLD_PASS")):
            break
        failed += 1
        small.empty()
        state = [opens(word) for word in words.values()]
        assert sorted(state) == [False, True], kib
        if state[1]:
            break
    small.empty()
    assert failed >= 2
    if not opens(words["WORKBENCH_VAULT_PASSPHRASE"]):
        for name, word in words.items():
            monkeypatch.setenv(name, word)
        rotate_passphrase(Case.open(folder), "OLD_PASS")
    assert opens(words["WORKBENCH_VAULT_PASSPHRASE"])
    assert not opens(PASS)


def test_the_command_says_that_the_disk_is_full(small: Small, make_case: MakeCase) -> None:
    """One sentence with what to do, exit 2, no traceback."""
    folder = onto(small, make_case())
    small.leave(0)
    run = subprocess.run([sys.executable, "-m", "workbench", "run", str(folder), "case"], capture_output=True, text=True, env=os.environ)
    assert run.returncode == 2, run.stderr
    assert "full" in run.stderr
    assert "Traceback" not in run.stderr
