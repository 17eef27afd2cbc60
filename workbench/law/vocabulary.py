"""Our categories and actions in the words of W3C DPV and fideslang, and what those lack as a ``cn:`` extension.

inventory, findings and plan go in; JSON-LD (DPV) and a fideslang dataset come out. Names of tables and columns, counts,
terms and rules only; never a value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.law.packs_value import Packs

NAMESPACE = "https://winddown-workbench.example/ns/cn#"
CONTEXT = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "risk": "https://w3id.org/dpv/risk#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "cn": NAMESPACE,
    "skos": "http://www.w3.org/2004/02/skos/core#",
}
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "erase": ("dpv:Erase",),
    "lock": ("dpv:Restrict", "dpv:Store"),
    "anonymise": ("dpv:Anonymise",),
    "hand_over": ("dpv:Transfer",),
    "keep": ("dpv:Store",),
    "destroy_medium": ("dpv:Destruct",),
    "ask": ("cn:human-decision",),
}
"""erase: not recoverable; logical deletion would be dpv:Delete; lock is PIPL 47(2)'s storage only"""
FIDES_USE = {"lock": "essential.legal_obligation", "hand_over": "third_party_sharing.legal_obligation"}
EXTENSION: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "winding-up",
        "公司终止",
        "Company winding up",
        "dpv:Context",
        "The controller ends its business and its legal person.",
    ),
    (
        "custodian-after-dissolution",
        "终止后的保管人",
        "Custodian after dissolution",
        "dpv:LegalEntity",
        "Keeps sealed records when the company is gone.",
    ),
    (
        "storage-only",
        "仅存储和保护",
        "Storage and protection only",
        "dpv:Restrict",
        "PIPL 47(2): no processing other than storage and security.",
    ),
    ("core-data", "核心数据", "Core data", "dpv:SensitivityLevel", "Highest of China's three levels."),
    (
        "important-data",
        "重要数据",
        "Important data",
        "dpv:SensitivityLevel",
        "Declared by authority or catalogue, never guessed.",
    ),
    ("general-data", "一般数据", "General data", "dpv:SensitivityLevel", "The default level."),
    (
        "handover-on-closing",
        "终止时移交",
        "Hand-over on closing",
        "dpv:Transfer",
        "A statute names who receives the records.",
    ),
    (
        "human-decision",
        "由人决定",
        "Left to a person",
        "dpv:OrganisationalMeasure",
        "Clocks conflict or facts are missing.",
    ),
    ("label", "标签信息", "Labels and profiles", "dpv:PersonalData", "Tags and profiles about a person."),
    ("sport", "运动信息", "Sport", "dpv:PersonalData", "Steps and other sports data."),
    ("other", "其他个人信息", "Other", "dpv:PersonalData", "Marriage history, unpublished crime record and the like."),
    (
        "specific",
        "特定身份信息",
        "Specific identity",
        "dpv:SensitivePersonalData",
        "Disability, an occupation not to be made public.",
    ),
    (
        "minor14",
        "不满14周岁未成年人",
        "Child under 14",
        "dpv:DataSubject",
        "PIPL 28: any information of such a child is sensitive.",
    ),
)
"""term, zh, en, broader DPV term, what it means"""


def extension() -> dict[str, Any]:
    """The ``cn:`` terms as JSON-LD; published beside the packs as ``cn-extension.jsonld``."""
    graph = [
        {
            "@id": f"cn:{t}",
            "@type": "skos:Concept",
            "skos:prefLabel": [{"@language": "zh", "@value": zh}, {"@language": "en", "@value": en}],
            "skos:broader": {"@id": broader},
            "skos:definition": {"@language": "en", "@value": text},
        }
        for t, zh, en, broader, text in EXTENSION
    ]
    return {"@context": CONTEXT, "@graph": graph}


FILE = Path(__file__).with_name("cn-extension.jsonld")


def extension_text() -> str:
    """The extension file's text."""
    return json.dumps(extension(), ensure_ascii=False, indent=1) + "\n"


def mapped(packs: Packs, category: str, vocabulary: str = "dpv") -> tuple[str, ...]:
    """A category in the terms of ``dpv`` or ``fides``."""
    found = packs.category(category)
    return found.maps_to.get(vocabulary, ()) if found else ()


def to_dpv(
    packs: Packs,
    columns: Sequence[tuple[str, str, str, str]],
    lines: Sequence[tuple[str, str, str, str, Sequence[str]]],
) -> dict[str, Any]:
    """JSON-LD of findings and plan.

    columns: (source, table, column, category); lines: (id, table id, action, keep until or '', rule ids).
    """
    data = [
        {
            "@id": f"urn:column:{s}.{t}.{c}",
            "@type": ["dpv:PersonalData", *mapped(packs, k)],
            "cn:table": f"{s}.{t}",
            **(
                {"dpv:hasSensitivity": "dpv:SensitivePersonalData"}
                if (x := packs.category(k)) and x.sensitive == "pipl"
                else {}
            ),
        }
        for s, t, c, k in columns
    ]
    plan = [
        {
            "@id": f"urn:disposal:{i}",
            "@type": list(ACTIONS[a]),
            "cn:table": table,
            "dpv:hasLegalBasis": "dpv:LegalObligation",
            "cn:rules": list(rules),
            **({"dpv:hasStorageCondition": {"@type": "dpv:StorageDuration", "cn:until": until}} if until else {}),
        }
        for i, table, a, until, rules in lines
    ]
    return {"@context": CONTEXT, "@graph": [*data, *plan]}


def to_fides(packs: Packs, name: str, tables: Sequence[tuple[str, Sequence[tuple[str, str]], str]]) -> dict[str, Any]:
    """A fideslang dataset: tables as collections, columns as fields with data categories.

    tables: (table, ((column, category), ...), retention in words).
    """
    return {
        "dataset": [
            {
                "fides_key": name.replace(".", "_"),
                "name": name,
                "description": "made by Wind-down Workbench",
                "collections": [
                    {
                        "name": t,
                        "retention": retention,
                        "fields": [
                            {"name": c, "data_categories": list(mapped(packs, k, "fides")) or ["user"]}
                            for c, k in fields
                        ],
                    }
                    for t, fields, retention in tables
                ],
            }
        ]
    }
