"""A new case folder: a commented case.toml and copies of the notebooks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from workbench.errors import CaseError
from workbench.resources import notebook, template


def new_case(folder: Path, lang: str = "zh") -> Path:
    """Make ``folder`` with case.toml (0600) and notebooks; CaseError when it already is a case.

    Returns the path of case.toml.
    """
    os.umask(0o077)
    folder = folder.expanduser().resolve()
    target = folder / "case.toml"
    if target.exists():
        raise CaseError(f"{folder} is a case already", f"workbench status {folder}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, PermissionError) as e:
        raise CaseError(f"{folder} cannot be made: {type(e).__name__}", "choose another folder") from None
    text = template(f"case/case.{lang}.toml").read_text(encoding="utf-8")
    target.write_text(text, encoding="utf-8")
    copy_notebooks(folder)
    return target


def copy_notebooks(folder: Path) -> None:
    """Put the notebooks that are missing into ``folder/notebooks``; an analyst's edits stay."""
    target = folder / "notebooks"
    target.mkdir(mode=0o700, exist_ok=True)
    for source in sorted(notebook("").glob("*.ipynb")):
        if not (target / source.name).exists():
            shutil.copyfile(source, target / source.name)
