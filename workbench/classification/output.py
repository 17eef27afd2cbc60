"""OUTPUT: findings as lines for people (table) and for programs (json, csv). The json names are a contract."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Literal
from unicodedata import east_asian_width

from workbench.classification.model import Finding, Findings

FIELDS = (
    "source", "table", "column", "detector", "category", "sensitive", "confidence", "rows", "nonnull", "matched", "distinct",
)  # fmt: skip


def lines(findings: Findings, form: Literal["table", "json", "csv"] | str = "table") -> Iterator[str]:
    """One line a finding; ``table`` leaves out the columns with nothing personal and says how many they are."""
    if form == "json":
        for f in findings.findings:
            yield json.dumps({k: getattr(f, k) for k in FIELDS}, ensure_ascii=False)
        return
    if form == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="")
        for row in (list(FIELDS), *([_cell(f, k) for k in FIELDS] for f in findings.findings)):
            out.seek(0)
            out.truncate()
            writer.writerow(row)
            yield out.getvalue()
        return
    yield from _table(findings)


def _cell(f: Finding, name: str) -> str:
    value = getattr(f, name)
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text}" if text[:1] in "=+-@\t\r" and text[:1] else text  # a spreadsheet would run it as a formula


def _table(findings: Findings) -> Iterator[str]:
    heads = ("table", "column", "detector", "category", "sure", "matched", "of", "distinct", "")
    rows = [
        (
            f"{f.source}.{f.table}", f.column, f.detector or "", f.category or "", f.confidence or "", str(f.matched),
            str(f.rows), str(f.distinct), "sensitive" if f.sensitive else "",
        )
        for f in findings.findings
        if f.detector
    ]  # fmt: skip
    widths = [max(_width(r[i]) for r in [heads, *rows]) for i in range(len(heads))]
    for row in [heads, tuple("-" * w for w in widths), *rows]:
        yield "  ".join(_pad(c, w, right=i in (5, 6, 7)) for i, (c, w) in enumerate(zip(row, widths, strict=True))).rstrip()
    clean = sum(f.detector is None for f in findings.findings)
    yield f"{len(rows)} findings, {clean} columns with nothing personal, about {findings.persons} persons, {findings.minors} under 14"


def _width(text: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
