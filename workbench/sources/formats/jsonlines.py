"""JSON LINES, JSON: an object a line, or one array of objects; nested keys are joined with dots."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.sources.formats import NotThisFormat, Part, text_batches, text_schema
from workbench.sources.formats.encoding import encoding_of

MAX_DEPTH = 20
MAX_DOCUMENT = 512 << 20


def parts(path: Path) -> list[Part]:
    """The file as one table with the union of all keys, in order of appearance."""
    encoding = encoding_of(path)
    names: dict[str, None] = {}
    rows = 0
    for item in _objects(path, encoding):
        names.update(dict.fromkeys(item))
        rows += 1
    keys = list(names) or ["text"]
    schema = text_schema(keys)
    return [
        Part(
            "",
            "jsonl",
            schema,
            rows,
            lambda n: text_batches(schema, ([o.get(k) for k in keys] for o in _objects(path, encoding)), n),
        )
    ]


def _objects(path: Path, encoding: str) -> Iterator[dict[str, str | None]]:
    with path.open("r", encoding=encoding, errors="replace") as f:
        first = f.read(4096).lstrip()[:1]
        f.seek(0)
        whole = first == "[" or path.suffix.lower() == ".json"
        if whole:
            if path.stat().st_size > MAX_DOCUMENT:
                raise NotThisFormat("one JSON document of more than 512 MB; write it as JSON lines")
            try:
                data = json.load(f)
            except (ValueError, RecursionError):
                f.seek(0)
            else:
                for item in data if isinstance(data, list) else [data]:
                    yield _flat(item)
                return
        bad = 0
        for line in f:
            if not line.strip():
                continue
            try:
                yield _flat(json.loads(line))
            except (ValueError, RecursionError):
                bad += 1
                yield {"text": line.rstrip("\n")}


def _flat(item: Any) -> dict[str, str | None]:
    out: dict[str, str | None] = {}

    def walk(value: Any, key: str, depth: int) -> None:
        if isinstance(value, dict) and depth < MAX_DEPTH:
            for k, v in value.items():
                walk(v, f"{key}.{k}" if key else str(k), depth + 1)
        elif value is None:
            out[key or "text"] = None
        elif isinstance(value, str):
            out[key or "text"] = value
        else:
            out[key or "text"] = json.dumps(value, ensure_ascii=False)

    walk(item, "", 0)
    return out
