"""TEXTS of this room: YAML files in ``data/``, every sentence in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError

DATA = Path(__file__).parent / "data"


@cache
def load(name: str) -> dict[str, Any]:
    """The file ``data/NAME.yaml``; WorkbenchError naming the line when it is not YAML."""
    import yaml

    path = DATA / f"{name}.yaml"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WorkbenchError(f"governance/data/{name}.yaml is missing", "reinstall winddown-workbench") from None
    except yaml.YAMLError as e:
        line = getattr(getattr(e, "problem_mark", None), "line", -1) + 1
        raise WorkbenchError(f"governance/data/{name}.yaml is not YAML", "mend that line", where=f"line {line}") from None
    if not isinstance(found, dict):
        raise WorkbenchError(f"governance/data/{name}.yaml holds no table", "write keys and values")
    return found


def pairs(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping that holds a sentence in some language, with its place; tests compare the languages."""
    if isinstance(value, dict):
        if "zh" in value or "en" in value:
            yield place, value
        for k, v in value.items():
            yield from pairs(v, f"{place}.{k}")
    elif isinstance(value, list):
        for n, v in enumerate(value):
            yield from pairs(v, f"{place}[{n}]")


def word(name: str, lang: str) -> str:
    """The word for a state, a severity or a direction (``data/board.yaml``)."""
    return pick(load("board")["words"][name], lang)


def pick(text: dict[str, Any], lang: str) -> str:
    """The sentence of that language."""
    return str(text["zh" if lang == "zh" else "en"])
