"""SEVERITY: ENISA's SE = DPC x EI + CB, with the ease of identification computed from the data.

DPC comes from the categories found, EI from what identifies a person in clear, CB from the kind of event. One number is
then shown three ways: ENISA's level, the cell of the GB/T 39335 matrix, and the map with a third event (disappearance).
"""

from __future__ import annotations

from functools import cache

from workbench.law import load_packs
from workbench.risk.evidence import Risk

CB: dict[Risk, float] = {"leak": 0.5, "tamper": 0.5, "misuse": 0.25 + 0.5, "error": 0.5}
"""loss of confidentiality .5; of integrity .5; of availability .5; misuse: partial confidentiality plus malice"""
LEVELS = ("low", "medium", "high", "very_high")
IMPACT = {"low": "低", "medium": "中", "high": "高", "very_high": "严重"}
LIKELIHOODS = ("低", "中", "高", "很高")
CHANCES = (0.01, 0.1, 0.5)
"""yearly chance of an event from which the likelihood is 中, 高, 很高"""
DIRECT = frozenset(
    {
        "cn_resident_id",
        "cn_mobile",
        "phone",
        "email",
        "passport",
        "bank_card",
        "person_name",
        "wechat",
        "qq",
        "imei",
        "iban",
        "ssn",
        "us_ssn",
        "landline",
    }
)


def severity(dpc: int, ei: float, risk: Risk) -> float:
    """ENISA's SE.

    >>> severity(2, 0.75, "leak"), severity(4, 1.0, "leak")
    (2.0, 4.5)
    """
    return dpc * ei + CB[risk] if ei > 0 else 0.0


def level(se: float) -> str:
    """ENISA's level: below 2 low, below 3 medium, below 4 high, else very high."""
    return LEVELS[sum(se >= edge for edge in (2, 3, 4))]


def ease(direct_in_clear: bool, small_classes: float | None, unintelligible: bool) -> float:
    """EI: 1 with a direct identifier in clear, else .25 + .75 * share of records in classes under 5.

    ``small_classes`` None (not measured) counts as 1: missing evidence never lowers. Encrypted with the key held
    elsewhere and a failed decrypt test: .25.
    """
    if unintelligible:
        return 0.25
    if direct_in_clear:
        return 1.0
    return 0.25 + 0.75 * (1.0 if small_classes is None else min(1.0, max(0.0, small_classes)))


def likelihood(chance: float) -> str:
    """The level for a yearly chance of at least one event."""
    return LIKELIHOODS[sum(chance >= edge for edge in CHANCES)]


@cache
def matrix() -> dict[str, dict[str, str]]:
    """The GB/T 39335 table as the China pack holds it: impact -> likelihood -> risk level."""
    rule = load_packs(("CN",)).rule("cn.risk.matrix")
    assert rule is not None
    return rule.values[-1].table


def cell(impact: str, chance: str) -> str:
    """The risk level of the matrix.

    >>> cell("严重", "低"), cell("中", "很高")
    ('中', '高')
    """
    return matrix()[impact][chance]
