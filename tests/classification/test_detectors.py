"""Detectors are data: each is whole, its examples behave, and users' own ones are checked before they run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.classification import scan
from workbench.classification.columns import scan_column
from workbench.classification.partial import ColumnPartial
from workbench.classification.patterns import check_of, scan_pattern, scan_patterns
from workbench.classification.rules import Detector, load_rules
from workbench.classification.shapes import automaton
from workbench.classification.slots import NUMBER
from workbench.errors import ParameterError
from workbench.sources.keyed import views

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
    assert (d.slot in NUMBER) or d.group in RULES.groups or d.pattern or d.codes
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


@pytest.mark.parametrize("d", [d for d in PATTERNS if d.shape], ids=lambda d: d.id)
def test_no_match_lacks_the_shape(d: Detector) -> None:
    """Where the shape is not seen the pattern does not run: each match must hold it, and the byte pass must see it there."""
    @given(st.from_regex(re.compile(d.pattern, re.ASCII)))
    def holds(text: str) -> None:
        found = re.search(d.pattern, text, re.ASCII)
        assert found
        assert re.search(d.shape, found[0], re.ASCII)

    holds()


SHAPES = automaton((r"ab[0-9]{2}", r"\d{3}[-,]", "q", "微b", "a[b信]"))


@given(st.lists(st.text("abq0123-,微信", max_size=9), max_size=5))
def test_the_automaton_finds_what_a_pattern_finds(texts: list[str]) -> None:
    """Bit-parallel against the standard library, over cells of any cut."""
    data, offsets, valid = views(array := pa.array([*texts, "x"]))
    chars, vocabulary = RULES.tables()
    part = ColumnPartial()
    day, key = np.int64(20261123), (np.uint64(1), np.uint64(2))
    *_, seen = scan_column(data, offsets, valid, chars, vocabulary, day, *key, SHAPES.table, part.counts, part.stats, part.groups,
                           np.empty((2, 999), np.uint64), np.empty(len(array), np.uint64))
    for shape, bit in SHAPES.finals.items():
        assert bool(int(seen) & bit) == any(re.search(shape, t) for t in texts)


def test_a_shape_is_simple_and_short() -> None:
    """Alternatives and open counts are refused, and so are more than 64 places."""
    for wrong in ("a|b", "a+", "[^a]", ".", "(a)"):
        with pytest.raises(ParameterError, match="literals, digits"):
            automaton((wrong,))
    with pytest.raises(ParameterError, match="before its end"):
        automaton(("[a号]b",))
    with pytest.raises(ParameterError, match="64 places"):
        automaton(("a{40}", "b{25}"))


def test_patterns_looked_for_together_are_found_one_by_one() -> None:
    """The first pass over all patterns at once loses none of them, in strings, binary cells and nulls."""
    texts = [t for d in PATTERNS for t in d.match] + [None, "no", "12"]
    for array in (pa.array(texts), pa.array([t and t.encode() for t in texts], pa.binary())):
        one_by_one = [(d.id, scan_pattern(array, d, (1, 2))) for d in PATTERNS]
        together = {i: (c.tolist(), h.tolist()) for i, c, h in scan_patterns(array, PATTERNS, (1, 2))}
        assert together == {i: (c.tolist(), h.tolist()) for i, (c, h) in one_by_one if c.any()}
        assert set(together) == {d.id for d in PATTERNS}
    assert not list(scan_patterns(pa.array(["~", None, ""]), PATTERNS, (1, 2)))


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
