"""Start JupyterLab on a case: loopback only, token in the environment, no telemetry, no history, Chinese or English."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

from workbench.case.new import copy_notebooks
from workbench.errors import CaseError


def environment(case_dir: Path, lang: str) -> dict[str, str]:
    """Environment of the server: its state lives in the case's private ``.lab`` folder."""
    state = case_dir / ".lab"
    for name in ("config", "data", "runtime", "settings", "workspaces", "ipython"):
        (state / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    locale = "zh_CN" if lang == "zh" else "default"
    over = state / "settings" / "@jupyterlab" / "translation-extension"
    over.mkdir(mode=0o700, parents=True, exist_ok=True)
    (over / "plugin.jupyterlab-settings").write_text(f'{{"locale": "{locale}"}}', encoding="utf-8")
    profile = state / "ipython" / "profile_default"
    profile.mkdir(mode=0o700, exist_ok=True)
    (profile / "ipython_config.py").write_text(
        'c = get_config()\nc.HistoryManager.enabled = False\nc.InteractiveShell.xmode = "Minimal"\n', encoding="utf-8")
    return os.environ | {
        "JUPYTER_CONFIG_DIR": str(state / "config"), "JUPYTER_DATA_DIR": str(state / "data"),
        "JUPYTER_RUNTIME_DIR": str(state / "runtime"), "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"), "IPYTHONDIR": str(state / "ipython"),
        "JUPYTER_TOKEN": os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24), "WORKBENCH_LANG": lang,
    }


def command(case_dir: Path, port: int, browser: bool) -> list[str]:
    """Command line of the server; holds no secret."""
    checkpoints = case_dir / ".lab" / "checkpoints"
    return [
        sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--port={port}", f"--ServerApp.root_dir={case_dir}",
        "--LabApp.default_url=/lab/tree/notebooks/00_start.ipynb", "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.collaborative=False",
        f"--FileCheckpoints.checkpoint_dir={checkpoints}", "--LabApp.extension_manager=readonly",
        *([] if browser else ["--no-browser"]), *(["--allow-root"] if os.geteuid() == 0 else []),
    ]


def start(case_dir: Path, *, port: int = 8888, browser: bool = True, lang: str = "zh") -> int:
    """Run JupyterLab until it is stopped; returns its exit code.

    Raises:
        CaseError: ``case_dir`` is no folder.
    """
    case_dir = case_dir.expanduser().resolve()
    if not case_dir.is_dir():
        raise CaseError(f"{case_dir} is not a folder", f"workbench new {case_dir}")
    os.umask(0o077)
    if not (case_dir / "notebooks" / "00_start.ipynb").exists():
        copy_notebooks(case_dir)
    return subprocess.run(command(case_dir, port, browser), env=environment(case_dir, lang), check=False).returncode
