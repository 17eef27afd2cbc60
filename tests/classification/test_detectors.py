"""Detectors are data: each is whole, its examples behave, and users' own ones are checked before they run."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from workbench.classification import scan
from workbench.classification.patterns import check_of, scan_pattern
from workbench.classification.rules import Detector, load_rules
from workbench.classification.slots import NUMBER
from workbench.errors import ParameterError

RULES = load_rules(20261123)
PATTERNS = [d for d in RULES.detectors if d.pattern]
CATEGORIES = {
    "basic", "identity", "biometric", "netid", "auth", "health", "eduwork", "property", "comm", "contacts", "browsing", "device",
    "location", "label", "sport", "other", "religion", "specific", "finacct", "track", "minor14",
}  # fmt: skip


@pytest.mark.parametrize("d", RULES.detectors, ids=lambda d: d.id)
def test_every_detector_is_whole(d: Detector) -> None:
    """Names in both languages, a category of the law's tree, a source, context words, and something that finds it."""
    assert d.zh
    assert d.en
    assert d.source
    assert d.context
    assert d.category in CATEGORIES
    assert (d.slot in NUMBER) or d.group in RULES.groups or d.pattern
    check_of(d.check)


@pytest.mark.parametrize("d", PATTERNS, ids=lambda d: d.id)
def test_examples_behave(d: Detector) -> None:
    """What must match matches and what must not does not, for every pattern."""
    assert d.match
    assert d.no_match
    wrong = [n for n, text in enumerate(d.match) if not scan_pattern(pa.array([text]), d, (0, 0))[0][3]]
    assert wrong == []
    wrong = [n for n, text in enumerate(d.no_match) if scan_pattern(pa.array([text]), d, (0, 0))[0][3]]
    assert wrong == []


OWN = """
detectors:
  - id: member_no
    pattern: '\\bM\\d{6}\\b'
    category: netid
    context: [会员号, member]
    match: [M123456]
    not: [M12345, X123456]
"""


def test_users_detectors_find_their_own(tmp_path: Path) -> None:
    """A YAML file of a user's own adds a detector; several matches in one cell are one cell."""
    (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")
    (tmp_path / "a.csv").write_text("会员号,note\nM000001,see M000002 and M000003\nM000004,none\n", encoding="utf-8")
    got = scan([str(tmp_path / "a.csv")], rules=[tmp_path / "own.yaml"])
    found = {f.column: (f.detector, f.confidence, f.matched, f.distinct) for f in got.findings}
    assert found == {"会员号": ("member_no", "high", 2, 2), "note": ("member_no", "low", 1, 2)}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("M123456", "M1"), "example 1"),
        (("category: netid", "colour: red"), "unknown field colour"),
        (("id: member_no", "id: email"), "used twice"),
        (("\\bM\\d{6}\\b", "(M"), "RE2"),
        (("match:", "check: nonsense\n    match:"), "no check named"),
        (("detectors:", "x: ["), "cannot be read"),
    ],
)
def test_bad_rule_files_are_refused(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    """A rule whose examples fail, with unknown fields, a taken id or a broken pattern is refused before anything is scanned."""
    (tmp_path / "own.yaml").write_text(OWN.replace(*change), encoding="utf-8")
    with pytest.raises(ParameterError, match=says):
        load_rules(20261123, extra=[tmp_path / "own.yaml"])


def test_unsupported_types_are_said_never_dropped(tmp_path: Path) -> None:
    """Asked for a type we lack, the result lists it as unsupported."""
    (tmp_path / "a.csv").write_text("mail\nli@example.com\n", encoding="utf-8")
    got = scan([str(tmp_path / "a.csv")], types=["email", "palm_print"])
    assert [f.detector for f in got.findings] == ["email"]
    assert got.unreadable[0].item == "palm_print"
    assert "unsupported" in got.unreadable[0].reason


def test_national_numbers_need_a_name_that_agrees(tmp_path: Path) -> None:
    """Eleven digits are a PESEL in a column called so, and nothing in a column called code."""
    (tmp_path / "a.csv").write_text("pesel,code\n44051401359,44051401359\n", encoding="utf-8")
    got = {f.column: f.detector for f in scan([str(tmp_path / "a.csv")]).findings}
    assert got == {"pesel": "pl_pesel", "code": None}
