"""Wrong packs are refused with file, line and rule; right ones load and fit their schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from workbench.errors import LawError
from workbench.law import all_packs, load_pack, load_packs
from workbench.law.loader import FOLDER, _Loader
from workbench.law.schema import FILE, schema, text

GOOD = """pack: {id: acme, version: 1.0.0, as_of: 2026-11-23, jurisdiction: ["*"], names: {zh: 甲公司, en: Acme}}
instruments:
  - id: acme.policy
    names: {zh: 制度, en: policy}
    expressions: [{effective: 2020-01-01, until: 2025-12-31}, {effective: 2026-01-01}]
rules:
  - id: acme.tickets
    kind: retention
    names: {zh: 工单, en: tickets}
    applies_to: {record: [person.service]}
    values:
      2020-01-01: {min_term: P1Y, start_event: record_created, provision: [acme.policy/art_3], confidence: T}
"""


def write(folder: Path, content: str) -> Path:
    path = folder / "acme.yaml"
    path.write_text(content, encoding="utf-8")
    return path


WRONG = {
    "an article number in the id": ("id: acme.tickets", "id: acme.art_three", 7, "never an article"),
    "a digit in the id": ("id: acme.tickets", "id: acme.tickets2", 7, "never an article"),
    "a bad duration": ("P1Y", "1 year", 12, "ISO 8601"),
    "an empty duration": ("P1Y", "P", 12, "ISO 8601"),
    "an unknown start event": ("record_created", "full_moon", 0, "unknown start event"),
    "an unknown record type": ("person.service", "person.alien", 0, "unknown record type"),
    "a provision of no instrument": ("acme.policy/art_3", "acme.other/art_3", 12, "names no instrument"),
    "a provision that is no anchor": ("[acme.policy/art_3]", "[Article Three]", 12, "not an anchor"),
    "an instrument not yet in force": ("      2020-01-01: {min", "      2019-12-31: {min", 12, "not in force"),
    "a value after the instrument ended": (", {effective: 2026-01-01}]", "]", 12, "has ended"),
    "no start event for a term": (", start_event: record_created", "", 12, "start_event"),
    "no provision": (", provision: [acme.policy/art_3]", "", 12, "provision"),
    "an unknown field": ("confidence: T", "confidence: T, colour: blue", 12, "colour"),
    "an unknown mark": ("confidence: T", "confidence: sure", 12, "confidence"),
    "an unknown kind": ("kind: retention", "kind: magic", 8, "kind"),
    "a maximum below the minimum": ("min_term: P1Y", "min_term: P2Y, max_term: P1Y", 12, "longer than max_term"),
    "no names": ("    names: {zh: 工单, en: tickets}\n", "", 7, "names"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_pack_is_refused_with_its_place(tmp_path: Path, what: str) -> None:
    """The message names the file, the line where one can be named, and the rule."""
    old, new, line, words = WRONG[what]
    assert old in GOOD
    with pytest.raises(LawError) as e:
        load_packs(("CN",), (), [write(tmp_path, GOOD.replace(old, new))])
    assert words in str(e.value)
    assert "acme.yaml" in e.value.where
    if line:
        assert f":{line}" in e.value.where


def test_a_gap_between_instruments_needs_repealed(tmp_path: Path) -> None:
    """A later value must begin when the former instrument ends, or the rule says it was repealed in between."""
    gap = GOOD.replace("{effective: 2026-01-01}", "{effective: 2026-06-01}")
    later = "      2026-06-01: {min_term: P2Y, start_event: record_created, provision: [acme.policy/art_3], confidence: T}\n"
    with pytest.raises(LawError, match="gap"):
        load_packs(("CN",), (), [write(tmp_path, gap + later)])
    mended = gap + "      2026-01-01: {repealed: true}\n" + later
    load_packs(("CN",), (), [write(tmp_path, mended)])


def test_values_out_of_order_are_refused(tmp_path: Path) -> None:
    """Dated values are sorted, so a reader sees the history."""
    earlier = "      2019-01-01: {min_term: P2Y, start_event: record_created, provision: [acme.policy/art_3], confidence: T}\n"
    with pytest.raises(LawError, match="sorted"):
        load_packs(("CN",), (), [write(tmp_path, GOOD + earlier)])


def test_two_packs_may_not_define_the_same_rule(tmp_path: Path) -> None:
    """Which of two definitions holds must never depend on the order of files."""
    text_ = GOOD.replace("acme.tickets", "cn.network.log")
    with pytest.raises(LawError, match="is defined in"):
        load_packs(("CN",), (), [write(tmp_path, text_)])


def test_broken_yaml_names_its_line(tmp_path: Path) -> None:
    """A pack that is no YAML is refused at its line; nothing of its content is shown."""
    with pytest.raises(LawError) as e:
        load_pack(write(tmp_path, GOOD + "  - {broken: [\n"))
    assert "acme.yaml:" in e.value.where


def test_an_unknown_place_lists_the_known_ones() -> None:
    """A jurisdiction without a pack is an error, not silence."""
    with pytest.raises(LawError, match="SG"):
        load_packs(("ATLANTIS",))


def test_a_company_pack_joins_the_law(tmp_path: Path) -> None:
    """A company's own rule binds beside the statutes."""
    packs = load_packs(("CN",), (), [write(tmp_path, GOOD)])
    assert packs.rule("acme.tickets") is not None


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_pack_fits_the_schema(path: Path) -> None:
    """Editors check what the loader checks."""
    import jsonschema

    raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    for r in raw["rules"]:
        r["values"] = {str(k): v for k, v in r["values"].items()}
    jsonschema.Draft202012Validator(schema()).validate(json.loads(json.dumps(raw, default=str)))


def test_the_schema_file_is_the_model_s() -> None:
    """The published schema is made from the code and never edited by hand."""
    assert FILE.read_text(encoding="utf-8") == text()


def test_no_rule_claims_a_sign_off_nobody_gave() -> None:
    """The shipped packs are unsigned; the program must say so."""
    assert all(r.review.by is None for r in all_packs().rules)
