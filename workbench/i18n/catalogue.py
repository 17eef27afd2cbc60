"""Catalogues: one TOML file a language, the same keys in each (a test compares them)."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

Lang = Literal["zh", "en"]
LANGS: tuple[Lang, ...] = ("zh", "en")


@cache
def catalogue(lang: str) -> dict[str, str]:
    """Flat ``key -> sentence`` of one language; KeyError for a language we do not speak."""
    if lang not in LANGS:
        raise KeyError(lang)
    tree = tomllib.loads((Path(__file__).parent / f"{lang}.toml").read_text(encoding="utf-8"))
    flat: dict[str, str] = {}

    def walk(prefix: str, node: dict[str, object]) -> None:
        for k, v in node.items():
            key = f"{prefix}.{k}" if prefix else k
            if isinstance(v, dict):
                walk(key, v)
            else:
                flat[key] = str(v)

    walk("", tree)
    return flat


def text(key: str, lang: str, **fields: object) -> str:
    """The sentence ``key`` in ``lang`` with ``{fields}`` filled; KeyError when there is none."""
    sentence = catalogue(lang)[key]
    return sentence.format(**fields) if fields else sentence


def both(key: str, **fields: object) -> dict[str, str]:
    """The sentence in every language."""
    return {lang: text(key, lang, **fields) for lang in LANGS}
