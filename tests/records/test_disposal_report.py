"""The report that goes with the liquidation report: every figure is the ledger's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from workbench.case import Case
from workbench.erasure.left import done
from workbench.records.disposal_report import disposal_report


def value(case: Case, entry: int, kind: str) -> dict:
    """The saved value that a ledger entry signed for, as plain JSON: nothing of the report's own code."""
    digest = case.ledger.entries[entry].subjects[kind]
    return json.loads((case.folder / "values" / f"{digest}.json").read_bytes())


def recomputed(case: Case) -> dict[str, int]:
    """Every figure of the report, counted again from the signed JSON behind the entry it names; all must agree."""
    report = disposal_report(case)
    found = {f.en: f for f in report.figures}
    inventory = value(case, found["rows"].entry, "inventory")
    findings = value(case, found["persons (estimate)"].entry, "findings")
    plan = value(case, found["lines of the plan"].entry, "plan")
    erasure = value(case, found["rows erased"].entry, "erasure")
    certificates = json.loads((case.folder / "values" / f"{erasure['certificates']}.json").read_bytes())["certificates"]
    personal = [f for f in findings["findings"] if f["detector"]]
    columns = [c for s in erasure["stores"] for c in s["columns"]]
    want = {
        "tables and files": len(inventory["tables"]), "rows": sum(t["rows"] for t in inventory["tables"]),
        "columns with personal information": len({(f["source"], f["table"], f["column"]) for f in personal}),
        "of the findings, sensitive": sum(f["sensitive"] for f in personal), "persons (estimate)": findings["persons"],
        "of them under 14": findings["minors"], "lines of the plan": len(plan["disposals"]),
        "of them, left as they are (nothing personal, or kept by law)": sum(d["action"] == "keep" for d in plan["disposals"]),
        "of them, waiting for a person's decision": sum(d["action"] == "ask" for d in plan["disposals"]),
        "rows erased": sum(d["deleted"] for d in erasure["disposals"]),
        "rows with personal columns cleared": sum(d["suppressed"] for d in erasure["disposals"]),
        "rows sealed into the archive": sum(d["archived"] for d in erasure["disposals"]),
        "rows left because others need them": sum(d["refused"] for d in erasure["disposals"]),
        "samples found in the store's bytes before (positive control)": sum(c["control_hits"] for c in columns),
        "samples still found in the store's bytes after": sum(c["residual_hits"] for c in columns),
        "tables that failed the second reading": sum(bool(t["problem"]) for t in erasure["tables"]),
        "certificates": len(certificates),
    }
    assert {k: f.number for k, f in found.items()} == want
    # the certificates, each signed, add up to the same rows; so does the ledger's own outcome entry
    assert sum(c["deleted"] for c in certificates) == want["rows erased"]
    assert sum(c["archived"] for c in certificates) == want["rows sealed into the archive"]
    told = case.ledger.entries[found["rows erased"].entry].predicate["counts"]
    assert (told["deleted"], told["archived"]) == (want["rows erased"], want["rows sealed into the archive"])
    # what remains: rows of every class, and the latest day, from the plan's own lines
    rows = {d["disposal"]: d["archived"] for d in erasure["disposals"]}
    classes: dict[str, list[dict]] = {}
    for d in plan["disposals"]:
        if rows.get(d["id"]):
            classes.setdefault(d["retention_class"], []).append(d)
    assert {r.retention_class: (r.rows, r.keep_until) for r in report.remaining} == {
        k: (sum(rows[d["id"]] for d in v), max(d["keep_until"] for d in v)) for k, v in classes.items()}
    for f in report.figures:
        entry = case.ledger.entries[f.entry]
        assert entry.type == "step/v1", "the step that made the value, not somebody who named it later"
        assert (case.folder / "records" / f"{f.record}.zh.html").is_file()
    return want


def test_every_figure_is_recomputed_from_the_entry_it_names(demo: Path) -> None:
    """Seventeen numbers and what remains, for the demo company."""
    want = recomputed(Case.open(demo / "work" / "case"))
    assert want["rows erased"] > 500
    hits = [n for k, n in want.items() if k.startswith("samples")]
    assert hits[0] > 100
    assert hits[1] == 0


def test_a_dry_run_afterwards_changes_no_figure(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may look again what a plan would do; the report is about what was done."""
    shutil.copytree(demo / "work", tmp_path / "work")
    for line in (demo / "work" / "demo-passphrases.env").read_text().splitlines():
        monkeypatch.setenv(*line.removeprefix("export ").split("=", 1))
    case = Case.open(tmp_path / "work" / "case")
    before = disposal_report(case).figures
    case.save(done(case).model_copy(update={"dry_run": True, "certificates": "", "disposals": (), "ended": case.now()}))
    assert disposal_report(case).figures == before


@pytest.mark.parametrize(("lang", "words"), [
    ("zh", ("客户信息处置报告", "留存的信息", "会计档案管理办法", "本程序不是律师", "存储文件中已无残留")),
    ("en", ("Report on the disposal", "What remains", "Accounting", "not a lawyer", "gone from the store")),
])
def test_the_word_file_in_the_bundle_reads_through(demo: Path, lang: str, words: tuple[str, ...]) -> None:
    """Opened with another library's eyes: all numbers, laws and signature lines are there."""
    from docx import Document

    doc = Document(str(demo / "out" / "data" / "reports" / f"disposal.{lang}.docx"))
    text = "\n".join([p.text for p in doc.paragraphs] + [c.text for t in doc.tables for r in t.rows for c in r.cells])
    for word in words:
        assert word in text
    for f in disposal_report(Case.open(demo / "work" / "case")).figures:
        assert f"{f.number:,}" in text


def test_every_certificate_is_in_the_bundle_as_it_was_signed(demo: Path) -> None:
    """One JSON file a line of the plan; each verifies with a key of the ledger, and no byte of it can change."""
    from workbench.erasure import Certificate, verify_certificate
    from workbench.errors import VerificationError
    from workbench.ledger import Ledger

    bag = demo / "out" / "data"
    files = sorted((bag / "certificates").glob("*.json"))
    keys = Ledger.open(bag / "ledger").keys
    assert len(files) > 20
    for path in files:
        certificate = Certificate.from_bytes(path.read_bytes())
        assert path.name == f"{certificate.disposal}.json"
        verify_certificate(certificate, keys=keys)
        with pytest.raises(VerificationError, match="changed after it was signed"):
            verify_certificate(certificate.model_copy(update={"volume": "another"}), keys=keys)
        assert certificate.volume or certificate.action == "destroy_medium"
        assert len(certificate.config) == 64
        assert {i for i, _, _ in certificate.people} == {certificate.operator, *certificate.approvers}
        if certificate.verdict == "STORE_CLEAN":
            assert sum(c.control_hits for c in certificate.columns) == certificate.control_hits > 0
            assert {f.residual_hits for f in certificate.files} == {0}
            assert certificate.keys
            assert {"sealed backup", "partner"} <= {c.sort for c in certificate.copies}


@pytest.mark.parametrize(("lang", "words"), [
    ("zh", ("客户信息销毁证明", "审批人", "卷", "对照与残留", "密钥已于", "不包括", "卷的空闲块")),
    ("en", ("Certificates of disposal", "approvers", "volume", "control and residue", "its keys were destroyed at", "not covered",
            "free blocks of the volume"))])
def test_certificates_are_printed_in_both_languages(demo: Path, lang: str, words: tuple[str, ...]) -> None:
    """Page and PDF name every certificate, its level in plain words, and what it does not cover."""
    import shutil
    import subprocess

    from workbench.records.pdf import browser

    folder = demo / "out" / "data"
    page = (folder / "reports" / f"certificates.{lang}.html").read_text(encoding="utf-8")
    ids = [json.loads(p.read_bytes())["id"] for p in (folder / "certificates").glob("*.json")]
    assert all(i in page for i in ids)
    assert all(w in page for w in words)
    if browser() is None or shutil.which("pdftotext") is None:
        pytest.skip("no Chromium or no pdftotext here")
    pdf = folder / "reports" / f"certificates.{lang}.pdf"
    text = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    assert all(i in text for i in ids)
