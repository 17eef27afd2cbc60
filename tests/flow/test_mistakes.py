"""A user's mistakes: one sentence, the next command, exit code 2, nothing changed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ENV = os.environ | {"WORKBENCH_VAULT_PASSPHRASE": "correct horse battery staple"}


def workbench(*args: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "workbench", *map(str, args)], capture_output=True, text=True,
                          env=ENV | env, timeout=900)


def snapshot(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob("*")) if p.is_file()}


def refuses(folder: Path, run: Callable[[], subprocess.CompletedProcess[str]], *says: str) -> None:
    before = snapshot(folder)
    done = run()
    assert done.returncode == 2, done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "Next:" in lines[0]
    for word in says:
        assert word in lines[0]
    assert snapshot(folder) == before


def test_a_missing_source(make_case: Callable[..., Path], case_toml: str) -> None:
    """The path is named."""
    case = make_case(toml=case_toml.replace('path = "data"', 'path = "nowhere"'))
    refuses(case, lambda: workbench("run", case), "nowhere")


def test_a_missing_scan_source(tmp_path: Path) -> None:
    """Scan needs no case and says the same."""
    refuses(tmp_path, lambda: workbench("scan", tmp_path / "no.csv"), "no.csv")


def test_a_wrong_password(make_case: Callable[..., Path], case_toml: str) -> None:
    """The server's answer is not repeated, the password neither."""
    url = 'url = "mariadb://wb_nobody@127.0.0.1/test"\npassword_env = "SHOP_PW"'
    case = make_case(toml=case_toml.replace('path = "data"', url))
    probe = subprocess.run(["mariadb-admin", "ping", "-h", "127.0.0.1"], capture_output=True)
    if probe.returncode:
        pytest.skip("no MariaDB answers on 127.0.0.1")
    done = workbench("run", case, SHOP_PW="hunter2-canary")
    assert "hunter2-canary" not in done.stdout + done.stderr
    refuses(case, lambda: workbench("run", case, SHOP_PW="hunter2-canary"), "password_env")


def test_an_unknown_parameter(make_case: Callable[..., Path]) -> None:
    """Refused before a kernel starts and before the ledger hears of it."""
    case = make_case()
    refuses(case, lambda: workbench("run", case, "inventory", "-p", "typo=1"), "typo", "case_dir")


def test_an_unknown_step(make_case: Callable[..., Path]) -> None:
    """The steps there are are listed."""
    case = make_case()
    refuses(case, lambda: workbench("run", case, "clasify"), "clasify", "classify")


@pytest.mark.parametrize(("old", "new", "says"), [
    ("[case]", "[case", "not valid TOML"), ('place = "上海"', "", "case.place"),
    ('id = "op"', 'id = "Op!"', "people[0].id"), ("as_of = 2026-11-23", 'as_of = "soon"', "dates.as_of"),
    ('path = "data"', 'url = "postgresql://u:pw@h/d"', "password_env"), ('roles = ["operator"]', "roles = []", "operator"),
    ('name = "files"', 'name = "files"\ncolour = "red"', "sources[0].colour"),
], ids=["toml", "missing", "id", "date", "password", "roles", "unknown"])
def test_a_malformed_case_toml(
    make_case: Callable[..., Path], case_toml: str, old: str, new: str, says: str
) -> None:
    """File, key, and what to write."""
    case = make_case(toml=case_toml.replace(old, new, 1))
    refuses(case, lambda: workbench("run", case), says, "case.toml")
    if "pw" in new:
        assert "u:pw" not in workbench("run", case).stderr


def test_no_case_there(tmp_path: Path) -> None:
    """The command that makes one is named."""
    refuses(tmp_path, lambda: workbench("status", tmp_path), "workbench new")


def test_a_case_is_not_made_over_another(make_case: Callable[..., Path]) -> None:
    """`new` never overwrites."""
    case = make_case()
    refuses(case, lambda: workbench("new", case), "already")


def test_nothing_to_verify(tmp_path: Path) -> None:
    """Exit code 1, a sentence, no traceback."""
    done = workbench("verify", tmp_path / "nothing")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
