"""TABLES: what a table says about persons as a whole: how many, how many of them children, what singles them out together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from workbench.classification.model import Finding, TableProfile
from workbench.classification.partial import Partial, distinct, smallest
from workbench.classification.slots import NUMBER
from workbench.sources.base import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

# identifiers that stand for one person, the surest first, with the kernel slots that hold their sketches
IDENTIFIERS = {
    "cn_resident_id": ("cn_resident_id",), "cn_mobile": ("cn_mobile",), "email": ("email",), "passport": ("passport",),
    "us_ssn": ("us_ssn",), "phone": ("phone",), "wechat": ("wechat",), "person_name": ("person_name_zh", "person_name_en"),
}  # fmt: skip
_STRONGEST = ("cn_mobile", "cn_resident_id", "email")
QUASI = frozenset(
    {"birth_date", "gender", "address", "ethnicity", "marital_status", "education", "nationality", "blood_type", "person_name", "age"}
)
PLACE = frozenset({"location", "address", "ipv4", "ipv6", "cn_plate"})


def profile_tables(
    tables: list[tuple[Table, Partial]], findings: list[Finding]
) -> tuple[tuple[TableProfile, ...], int, int]:
    """(profiles sorted by table, persons over all sources, minors over all sources)."""
    by_table: dict[tuple[str, str], list[Finding]] = {}
    for f in findings:
        if f.detector:
            by_table.setdefault((f.source, f.table), []).append(f)
    profiles = []
    unions: dict[str, list[NDArray[np.uint64]]] = {}
    children = [np.zeros(0, np.uint64)]
    for table, part in tables:
        mine = by_table.get((table.source, table.name), [])
        if not mine:
            continue
        persons, identifier = 0, ""
        for detector in IDENTIFIERS:
            for f in mine:
                if f.detector != detector:
                    continue
                if detector == "cn_resident_id" and f.minors:
                    children.append(part[f.column].values.get(NUMBER["minor"] * 2 + 1, children[0]))
                if detector in _STRONGEST:
                    unions.setdefault(detector, []).append(_sketch(part, f.column, detector))
                if not identifier and f.whole * 2 >= f.nonnull and f.nonnull * 2 >= f.rows:
                    persons, identifier = f.distinct, f.column
        minors = max([f.minors for f in mine], default=0)
        quasi = sorted(f.column for f in mine if f.detector in QUASI)
        dated = any(c.type.startswith(("timestamp", "date")) or "time" in c.name.lower() or "时间" in c.name for c in table.columns)
        profiles.append(
            TableProfile(
                source=table.source,
                table=table.name,
                rows=table.rows,
                persons=persons,
                minors=minors,
                identifier=identifier,
                quasi_identifiers=tuple(quasi) if len(quasi) > 1 else (),
                track=dated and _someone(table, mine) and any(f.detector == "location" for f in mine),
            )
        )
    profiles.sort(key=lambda p: (p.source, p.table))
    persons = max(
        [distinct(smallest(np.concatenate(s))) for s in unions.values()] + [p.persons for p in profiles], default=0
    )
    minors = max([distinct(smallest(np.concatenate(children)))] + [p.minors for p in profiles])
    return tuple(profiles), persons, minors


def _someone(table: Table, mine: list[Finding]) -> bool:
    """Whether rows can be told by person or device: an identifier, or a column that points at one."""
    if any(f.detector in (*IDENTIFIERS, "imei", "device_id", "account_name", "cn_plate") for f in mine):
        return True
    pointer = r"(user|customer|member|client|driver|device|person)_?(id|no)$|会员号|客户号|用户"
    return any(re.search(pointer, c.name, re.I) for c in table.columns)


def _sketch(part: Partial, column: str, detector: str) -> NDArray[np.uint64]:
    values = part[column].values
    found = [values[k] for s in IDENTIFIERS[detector] for k in (NUMBER[s] * 2, NUMBER[s] * 2 + 1) if k in values]
    return smallest(np.concatenate(found)) if found else np.zeros(0, np.uint64)
