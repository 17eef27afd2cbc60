"""The report that goes with the liquidation report: every figure is the ledger's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.case import Case
from workbench.records.disposal_report import disposal_report


def value(case: Case, entry: int, kind: str) -> dict:
    """The saved value that a ledger entry signed for, as plain JSON: nothing of the report's own code."""
    digest = case.ledger.entries[entry].subjects[kind]
    return json.loads((case.folder / "values" / f"{digest}.json").read_bytes())


def test_every_figure_is_recomputed_from_the_entry_it_names(demo: Path) -> None:
    """Fifteen numbers, each counted again from the signed value behind its ledger entry."""
    case = Case.open(demo / "work" / "case")
    report = disposal_report(case)
    found = {f.en: f for f in report.figures}
    inventory = value(case, found["rows"].entry, "inventory")
    findings = value(case, found["persons (estimate)"].entry, "findings")
    plan = value(case, found["lines of the plan"].entry, "plan")
    erasure = value(case, found["rows erased"].entry, "erasure")
    personal = [f for f in findings["findings"] if f["detector"]]
    want = {
        "tables and files": len(inventory["tables"]), "rows": sum(t["rows"] for t in inventory["tables"]),
        "columns with personal information": len({(f["source"], f["table"], f["column"]) for f in personal}),
        "of the findings, sensitive": sum(f["sensitive"] for f in personal), "persons (estimate)": findings["persons"],
        "of them under 14": findings["minors"], "lines of the plan": len(plan["disposals"]),
        "rows erased": sum(d["deleted"] for d in erasure["disposals"]),
        "rows with personal columns cleared": sum(d["suppressed"] for d in erasure["disposals"]),
        "rows sealed into the archive": sum(d["archived"] for d in erasure["disposals"]),
        "rows left because others need them": sum(d["refused"] for d in erasure["disposals"]),
        "control hits before": sum(c["control_hits"] for s in erasure["stores"] for c in s["columns"]),
        "residual hits after": sum(c["residual_hits"] for s in erasure["stores"] for c in s["columns"]),
        "tables that failed the second reading": sum(bool(t["problem"]) for t in erasure["tables"]),
        "certificates": len(value_of_certificates(case, erasure)),
    }
    assert {k: f.number for k, f in found.items()} == want
    assert want["rows erased"] > 500
    assert want["control hits before"] > 100
    assert want["residual hits after"] == 0


def value_of_certificates(case: Case, erasure: dict) -> list:
    return json.loads((case.folder / "values" / f"{erasure['certificates']}.json").read_bytes())["certificates"]


@pytest.mark.parametrize(("lang", "words"), [
    ("zh", ("客户信息处置报告", "留存的信息", "会计档案管理办法", "本程序不是律师")),
    ("en", ("Report on the disposal", "What remains", "Accounting", "not a lawyer")),
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
