"""What leaves the room: OSCAL, the authority's pack, the record in the bundle, the start page. Valid, inert, nothing personal."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.governance.conftest import sql
from workbench.case import Case
from workbench.case.steps import GOVERNANCE
from workbench.classification import classify
from workbench.errors import CaseError, ParameterError
from workbench.freeze import freeze
from workbench.governance.authority import authority_pack
from workbench.governance.board import review
from workbench.governance.cli import govern
from workbench.governance.drills import rehearse
from workbench.governance.grants import note_grants
from workbench.governance.incidents import open_incident
from workbench.governance.inspection import inspect, recheck
from workbench.governance.oscal import assessment_results
from workbench.governance.partners import ask
from workbench.inventory import take_inventory
from workbench.records import runner
from workbench.records.bundle import pack
from workbench.records.gate import inspect as gate
from workbench.records.verify import verify

CANARY = "13912340077"


@pytest.fixture
def used(shop: Callable[..., Case]) -> Case:
    """A case whose registers all hold something; a canary stands in its data."""
    case = shop(places='["CN", "EU"]')
    sql(case, f"UPDATE customers SET phone = '{CANARY}', name = '陈甲秘' WHERE id = 7")
    take_inventory(case)
    classify(case)
    freeze(case)
    open_incident(case, "leak", "person", "a paper list was lost", person="sue")
    ask(case, "partner-001", "sue")
    rehearse(case, "tamper", "sue")
    inspect(case, "ivy")
    return case


class TestOscal:
    """Read by the published model, not by our own code."""

    @pytest.mark.parametrize("lang", ["zh", "en"])
    def test_the_published_model_accepts_it(self, used: Case, lang: str) -> None:
        from oscal_bindings.v1 import models

        before = assessment_results(used, lang)
        note_grants(used, "sue", "closing")
        recheck(used, "ivy")
        for document in (before, assessment_results(used, lang)):
            parsed = models.AssessmentResults.model_validate(document["assessment-results"])
            (result,) = parsed.results
            assert len(result.findings or []) == len(result.risks or []) == len(result.observations or []) > 3
        states = {f["target"]["target-id"]: f["target"]["status"]["state"]
                  for f in assessment_results(used, lang)["assessment-results"]["results"][0]["findings"]}
        assert (states["grants"], states["sealing"]) == ("satisfied", "not-satisfied")

    def test_the_model_refuses_a_spoiled_document(self, used: Case) -> None:
        from oscal_bindings.v1 import models
        from pydantic import ValidationError

        for spoil in (lambda d: d.pop("import-ap"), lambda d: d.update(uuid="1"), lambda d: d["results"][0].pop("start"),
                      lambda d: d["results"][0]["findings"][0]["target"]["status"].update(state="perhaps")):
            document = assessment_results(used, "en")["assessment-results"]
            spoil(document)
            with pytest.raises(ValidationError):
                models.AssessmentResults.model_validate(document)

    def test_a_finding_keeps_its_identifier(self, used: Case) -> None:
        first = assessment_results(used, "en")["assessment-results"]["results"][0]["findings"]
        inspect(used, "ivy")
        second = assessment_results(used, "en")["assessment-results"]["results"][-1]["findings"]
        assert {f["uuid"] for f in first} == {f["uuid"] for f in second}

    def test_nothing_was_inspected(self, shop: Callable[..., Case]) -> None:
        with pytest.raises(CaseError, match="inspect"):
            assessment_results(shop(), "en")


def test_the_authoritys_pack_is_one_command_whole_inert_and_without_personal_data(used: Case, tmp_path: Path) -> None:
    out = tmp_path / "pack"
    run = CliRunner().invoke(govern, ["authority", str(used.folder), "--to", "provincial CAC", "--as", "sue", "--out", str(out)],
                             catch_exceptions=False)
    assert run.exit_code == 0
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=out, check=True)
    names = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert {"index.html", "index.en.html", "oscal.json", "ledger/entries.jsonl", "ledger/checkpoint"} <= names
    assert len([n for n in names if n.startswith("values/")]) > 8
    for name in ("index.html", "index.en.html"):
        text = (out / name).read_text(encoding="utf-8")
        assert "default-src &#39;none&#39;" in text
        assert "<script" not in text
        assert not re.search(r"(src|href)=\"(https?:)?//", text)
    english = (out / "index.en.html").read_text(encoding="utf-8")
    for part in ("Duties per regime", "GDPR 30", "Incidents", "Findings of inspections", "Training", "Partners", "Algorithms"):
        assert part in english
    files = [p for p in out.rglob("*") if p.is_file()]
    assert not [p.name for p in files if CANARY.encode() in p.read_bytes() or "陈甲秘".encode() in p.read_bytes()]
    log = list(Case.open(used.folder).ledger.of_type("export/v1"))
    assert (log[-1].predicate["person"], log[-1].predicate["purpose"], log[-1].predicate["to"]) == ("sue", "authority", "provincial CAC")
    with pytest.raises(ParameterError, match="not empty"):
        authority_pack(used, "provincial CAC", "sue", out)
    with pytest.raises(ParameterError, match="names the authority"):
        authority_pack(used, f"officer {CANARY}", "sue", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_the_record_of_the_registers_is_in_the_bundle_inert_and_clean(used: Case) -> None:
    """Notebook 09 as a batch: a page per language, listed on the index, verified with the rest."""
    runner.run_case(used, (GOVERNANCE,), again=True)
    bag = pack(used, used.folder / "bundle")
    report = verify(bag)
    assert report.ok, str(report)
    for lang, name in (("zh", "index.html"), ("en", "index.en.html")):
        path = bag / "data" / "records" / f"09_governance.{lang}.html"
        text = path.read_text(encoding="utf-8")
        assert "default-src" in text
        assert "F-001" in text
        assert path.name in (bag / name).read_text(encoding="utf-8")
        assert not gate([path])
    for path in bag.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert CANARY.encode() not in data, path.name
            assert "陈甲秘".encode() not in data, path.name


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_value_has_a_view_and_the_start_page_shows_the_board(used: Case, lang: str) -> None:
    from workbench.governance.improvement import compare
    from workbench.governance.model import Finding, Grants, Incident, Inspection
    from workbench.governance.regimes import checklist
    from workbench.records.blocks import Callout, Table
    from workbench.ui.register_views import VIEWS
    from workbench.ui.start import page
    from workbench.ui.views import view

    note_grants(used, "sue", "closing")
    values = [review(used), checklist(used), compare(used), *(used.load(k) for k in (Finding, Grants, Incident, Inspection))]
    assert {v.kind for v in values} <= set(VIEWS)
    for value in values:
        blocks = list(view(value)(lang))
        assert blocks
        assert all(b.plain() for b in blocks)
    blocks = list(page(used, lang))
    titles = [b.title for b in blocks if isinstance(b, Table)]
    assert ("治理登记" if lang == "zh" else "Governance registers") in titles
    assert any(b.level == "bad" and ("红色" if lang == "zh" else "Red") in b.text for b in blocks if isinstance(b, Callout))
