"""Where notebooks and templates are: inside the installed wheel, or in the checkout beside the package."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import WorkbenchError

_PACKAGE = Path(__file__).parent


def _folder(name: str) -> Path:
    for base in (_PACKAGE / "_share", _PACKAGE.parent):
        if (base / name).is_dir():
            return base / name
    raise WorkbenchError(f"the installed package lacks its {name}", "reinstall winddown-workbench")


def notebook(name: str) -> Path:
    """Path of a source notebook, e.g. ``03_classify.ipynb``."""
    return _folder("notebooks") / name


def template(name: str) -> Path:
    """Path of a template, e.g. ``record/record.css``."""
    return _folder("templates") / name
