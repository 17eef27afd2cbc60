"""The JSON Schema of a pack file, made from the model, so that editors complete and check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workbench.law.model import DatedValue, Pack

FILE = Path(__file__).with_name("pack.schema.json")


def schema() -> dict[str, Any]:
    """The schema: a pack's head, then its sections; rules carry ``values`` keyed by date."""
    made = Pack.model_json_schema()
    defs = made["$defs"]
    defs["DatedValue"] = {**DatedValue.model_json_schema(ref_template="#/$defs/{model}"), "$defs": {}}
    value = defs["DatedValue"]
    value.pop("$defs")
    value["properties"].pop("since")
    value["required"] = ["provision"]
    value["anyOf"] = [{"required": ["provision", "confidence"]}, {"required": ["repealed"]}]
    value.pop("required")
    rule = defs["Rule"]
    for name in ("pack", "jurisdictions"):
        rule["properties"].pop(name)
    rule["properties"]["id"]["pattern"] = r"^[a-z][a-z_]*(\.[a-z][a-z_]*)+$"
    rule["properties"]["values"] = {
        "type": "object", "minProperties": 1, "additionalProperties": False,
        "patternProperties": {r"^(\d{4}-\d{2}-\d{2}|undated)$": {"$ref": "#/$defs/DatedValue"}},
    }
    defs["Expression"]["properties"]["effective"] = {"type": "string", "pattern": r"^(\d{4}-\d{2}-\d{2}|undated)$"}
    sections = ("instruments", "rules", "categories", "start_events", "record_types")
    head = {k: v for k, v in made["properties"].items() if k not in (*sections, "sha256", "path")}
    head["lang"] = {"type": "array", "items": {"type": "string"}}
    head["jurisdiction"] = {"type": "array", "items": {"type": "string"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Wind-down Workbench rule pack", "type": "object",
        "additionalProperties": False, "required": ["pack", "rules"], "$defs": defs,
        "properties": {
            "pack": {"type": "object", "additionalProperties": False, "properties": head,
                     "required": ["id", "version", "as_of", "jurisdiction", "names"]},
            **{s: made["properties"][s] for s in sections},
        },
    }


def text() -> str:
    """The schema as it is written to ``pack.schema.json``."""
    return json.dumps(schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
