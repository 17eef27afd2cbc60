"""Read YAML packs, refuse wrong ones. Every message names file, line and rule."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from workbench.errors import LawError
from workbench.law.checks import check_pack
from workbench.law.model import UNDATED, Instrument, Pack, Rule
from workbench.law.packs_value import Packs

FOLDER = Path(__file__).with_name("packs")
_SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MEMBER_STATES = ("DE", "FR", "AT", "IT")
"""selecting one of these selects EU too; the packs hold no other member state"""


class _Loader(_SAFE):  # type: ignore[misc]
    """YAML 1.2's idea of booleans: ``on`` and ``no`` are words."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, rx) for tag, rx in pairs if tag != "tag:yaml.org,2002:bool"]
    for first, pairs in _SAFE.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def _line_of(node: Any, *path: str | int) -> int:
    """1-based line of the node at ``path`` below ``node``, or of the nearest one that exists."""
    for key in path:
        if isinstance(node, yaml.MappingNode):
            found = next((v for k, v in node.value if k.value == str(key)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            found = node.value[key]
        else:
            found = None
        if found is None:
            break
        node = found
    return int(node.start_mark.line) + 1


def _rule(raw: Any) -> Any:
    """``values: {date: {...}}`` becomes a list with ``since``; undated values count as always in force."""
    if not isinstance(raw, dict) or not isinstance(raw.get("values"), dict):
        return raw
    values = []
    for since, value in raw["values"].items():
        if not isinstance(value, dict):
            return raw
        day = UNDATED if since == "undated" else since
        values.append({**value, "since": day})
    return {**raw, "values": values}


def _instrument(raw: Any) -> Any:
    if isinstance(raw, dict) and isinstance(raw.get("expressions"), list):
        fixed = [
            {**e, "effective": UNDATED} if isinstance(e, dict) and e.get("effective") == "undated" else e
            for e in raw["expressions"]
        ]
        return {**raw, "expressions": fixed}
    return raw


def load_pack(path: Path) -> Pack:
    """One pack file, checked by itself.

    Raises:
        LawError: not YAML, not of the shape, or one of the checks of :func:`workbench.law.checks.check_pack` failed.
    """
    try:
        data = path.read_bytes()
    except OSError as e:
        raise LawError(
            f"rule pack cannot be read: {type(e).__name__}", "mend packs = [...] in case.toml", where=str(path)
        ) from None
    return parse_pack(data, path.name if path.parent == FOLDER else str(path))


@cache
def parse_pack(data: bytes, name: str) -> Pack:
    """A pack from its bytes; ``name`` goes into messages."""
    try:
        text = data.decode("utf-8")
        root = yaml.compose(text, Loader=_Loader)
        raw = yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of SafeLoader
    except UnicodeDecodeError:
        raise LawError("rule pack is not UTF-8", "save it as UTF-8", where=name) from None
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise LawError("rule pack is not valid YAML", "mend that line", where=f"{name}{line}") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("pack"), dict):
        raise LawError("rule pack has no 'pack:' head", "start it with pack: {id: ..., version: ...}", where=name)
    unknown = sorted(set(raw) - {"pack", "instruments", "rules", "categories", "start_events", "record_types"})
    if unknown:
        raise LawError(
            f"unknown section {unknown[0]!r}", "see pack.schema.json", where=f"{name}:{_line_of(root, unknown[0])}"
        )
    head = {k: v for k, v in raw["pack"].items() if k != "lang"}
    jurisdiction = head.get("jurisdiction")
    if isinstance(jurisdiction, str):
        head["jurisdiction"] = [jurisdiction]
    rules = [_rule(r) for r in raw.get("rules") or []]
    for r in rules:
        if isinstance(r, dict):
            r.setdefault("pack", head.get("id", ""))
            r.setdefault("jurisdictions", head.get("jurisdiction", ()))
    body = {
        **head,
        "sha256": hashlib.sha256(data).hexdigest(),
        "path": name,
        "rules": rules,
        "instruments": [_instrument(i) for i in raw.get("instruments") or []],
        "categories": raw.get("categories") or [],
        "start_events": raw.get("start_events") or [],
        "record_types": raw.get("record_types") or [],
    }
    try:
        pack = Pack.model_validate(body)
    except ValidationError as e:
        raise _shape_error(e, raw, root, name) from None

    def place(section: str, index: int, *rest: str) -> str:
        item = (raw.get(section) or [])[index]
        id_ = item.get("id", "") if isinstance(item, dict) else ""
        return f"{name}:{_line_of(root, section, index, *rest)}, {id_}"

    check_pack(pack, place)
    return pack


def _shape_error(e: ValidationError, raw: dict[str, Any], root: Any, name: str) -> LawError:
    first = e.errors(include_input=False, include_url=False, include_context=False)[0]
    loc = list(first["loc"])
    id_ = ""
    if len(loc) > 1 and isinstance(loc[1], int):
        section = raw.get(str(loc[0])) or []
        item = section[loc[1]] if loc[1] < len(section) else None
        id_ = str(item.get("id", "")) if isinstance(item, dict) else ""
        if (
            loc[0] == "rules"
            and len(loc) > 3
            and loc[2] == "values"
            and isinstance(item, dict)
            and isinstance(loc[3], int)
        ):
            loc[3] = str(list(item["values"])[loc[3]])
    elif loc and loc[0] not in raw:
        loc = ["pack", *loc]
    key = ".".join(str(p) for p in loc)
    where = f"{name}:{_line_of(root, *loc)}" + (f", {id_}" if id_ else "")
    return LawError(f"{key}: {first['msg']}", "mend that line", where=where)


def selected(pack: Pack, jurisdictions: Iterable[str], sectors: Iterable[str]) -> bool:
    """Whether a shipped pack applies: the place matches, and the sector where the pack names sectors."""
    places = set(jurisdictions)
    if places & set(MEMBER_STATES):
        places.add("EU")
    places |= {p.split("-")[0] for p in places}
    here = "*" in pack.jurisdiction or bool(places & set(pack.jurisdiction))
    return here and (not pack.sectors or bool(set(pack.sectors) & set(sectors)))


@cache
def shipped() -> tuple[Pack, ...]:
    """Every pack that comes with the package, sorted by id."""
    return tuple(sorted((load_pack(p) for p in FOLDER.glob("*.yaml")), key=lambda p: p.id))


def load_packs(
    jurisdictions: Sequence[str] = ("CN",), sectors: Sequence[str] = (), extra_paths: Sequence[str | Path] = ()
) -> Packs:
    """The packs that apply to a case: shipped ones by place and sector, then those of ``extra_paths``.

    One of the same id as a shipped pack takes its place (a newer or older state of the law); any other stands beside
    them (the company's own policies).

    Raises:
        LawError: a pack is wrong, two packs contradict, or no pack knows a jurisdiction or sector.
    """
    known = {j for p in shipped() for j in p.jurisdiction} | {"*"}
    for place in jurisdictions:
        if place not in known:
            raise LawError(
                f"no rule pack for jurisdiction {place!r}", "use one of: " + ", ".join(sorted(known - {"*"}))
            )
    extra = [load_pack(Path(path)) for path in extra_paths]
    told = {s for p in (*shipped(), *extra) for s in p.sectors}
    for sector in sectors:  # a slip of the pen here would erase what the sector has to keep
        if sector not in told:
            raise LawError(f"no rule pack for sector {sector!r}", "use some of: " + ", ".join(sorted(told))
                           + "; leave out what is not among them")
    packs = {p.id: p for p in shipped() if selected(p, jurisdictions, sectors)}
    packs |= {p.id: p for p in extra}
    return Packs.merge(packs.values())


def all_packs() -> Packs:
    """Every shipped pack at once: for listing and checking."""
    return Packs.merge(shipped())


def instrument_index(packs: Iterable[Pack]) -> dict[str, Instrument]:
    """Instruments by id."""
    return {i.id: i for p in packs for i in p.instruments}


def overdue_rules(packs: Packs, on: dt.date) -> tuple[Rule, ...]:
    """Rules that no lawyer has signed off, on a date: what every report must say."""
    return tuple(r for r in packs.rules if r.at(on) and not r.review.by)
