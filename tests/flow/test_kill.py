"""kill -9 at any moment of `workbench run`, then `workbench run`: the same result."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.case import Case
from workbench.case.steps import STEPS
from workbench.errors import WorkbenchError
from workbench.records.runner import recorded
from workbench.records.verify import verify

KILLS = 20
ENV = {k: v for k, v in os.environ.items() if not k.startswith("WORKBENCH_")} | {
    "WORKBENCH_VAULT_PASSPHRASE": "correct horse battery staple"}


def start(case: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "workbench", "run", str(case)], env=ENV, start_new_session=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def kill(run: subprocess.Popen[bytes]) -> None:
    """The command and its kernel, at once, without a chance to tidy up."""
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert run.stderr is not None
    run.stderr.close()


def approve(case: Path) -> None:
    for person in ("approver-a", "approver-b"):
        subprocess.run([sys.executable, "-m", "workbench", "approve", str(case), "--as", person], env=ENV, check=False,
                       capture_output=True)


def finish(case: Path) -> None:
    """Run, approve when asked, run to the end."""
    for _ in range(3):
        run = start(case)
        _, err = run.communicate()
        if run.returncode == 0:
            return
        assert b"not approved" in err or b"approvals" in err, err.decode()
        approve(case)
    raise AssertionError("the case does not come to its end")


def state(case: Path) -> dict[str, object]:
    """What counts of the end: rows of the database, files, archive contents, records, verdict."""
    from workbench.erasure.model import Erasure

    data = case.parent / "data"
    db = sqlite3.connect(data / "shop.sqlite")
    tables = [t for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
    rows = {t: db.execute(f"SELECT * FROM {t} ORDER BY 1").fetchall() for t in tables}
    db.close()
    opened = Case.open(case)
    erasure = opened.load(Erasure)
    return {
        "rows": rows, "files": sorted(p.name for p in (data / "office").iterdir()),
        "lines": [(d.disposal, d.action, d.deleted, d.suppressed, d.archived, d.verdict) for d in erasure.disposals],
        "proof": [(t.table, t.rows_left, t.kept_equal, t.ok) for t in erasure.tables], "verdict": erasure.verdict,
        "records": [recorded(opened, s) for s in STEPS],
    }


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_killed_at_twenty_random_moments_the_run_ends_in_the_same_result(tmp_path: Path) -> None:
    """Twenty kills spread over whole runs; the end equals an undisturbed run's and verifies."""
    from workbench.demo.company import build
    from workbench.demo.run import prepare
    from workbench.vault import restore_test

    seed = int(os.environ.get("WORKBENCH_KILL_SEED", "20261123"))
    rng = random.Random(seed)
    first = tmp_path / "first"
    calm = prepare(first, first / "out", "zh")
    build(first / "data", customers=200)
    kills, n = 0, 0
    runs = []
    while kills < KILLS:
        n += 1
        work = tmp_path / f"wild-{n}"
        shutil.copytree(first, work)
        runs.append(work / "case")
    # one wild case takes kills until it is through, then the next begins
        while kills < KILLS:
            run = start(work / "case")
            try:
                run.wait(timeout=rng.uniform(0.3, 14.0))
            except subprocess.TimeoutExpired:
                kill(run)
                kills += 1
                continue
            _, err = run.communicate()
            if run.returncode == 0:
                break
            assert b"approv" in err, err.decode()
            approve(work / "case")
    finish(calm)
    want = state(calm)
    for case in runs:
        finish(case)
        got = state(case)
        for key, value in want.items():
            assert got[key] == value, f"{key} differs (seed {seed})"
        assert verify(case.parent / "out").ok
        with pytest.raises(WorkbenchError):  # the restore window is closed
            restore_test(Case.open(case))
