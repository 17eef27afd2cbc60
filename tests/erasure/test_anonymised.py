"""Anonymised rows: k and l are measured afterwards and stand in the certificate; the original bytes are gone."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import Any

from workbench.classification.model import Findings, TableProfile
from workbench.erasure import Certificates, erase
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]


def test_k_is_measured_after_and_the_bytes_are_gone(bench: Any, line: Line) -> None:
    """k and uniques equal a count by hand over the columns that are still filled; no name or year of birth is left."""
    rows = [(i, f"CANARYNAME{i:05d}", "mf"[i % 2], f"CANARYBORN{1950 + i % 40}", f"city{i % 7}" if i else "island") for i in range(400)]
    with sqlite3.connect(bench.folder / "p.sqlite") as db:
        db.execute("CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT, gender TEXT, born TEXT, city TEXT)")
        db.executemany("INSERT INTO p VALUES (?, ?, ?, ?, ?)", rows)
    db.close()
    bench.open('[[sources]]\nname = "s"\nurl = "sqlite:///p.sqlite"\n')
    bench.case.save(Findings(case_id="shop", as_of="2026-11-23", findings=(), tables=(
        TableProfile(source="s", table="p", rows=400, quasi_identifiers=("gender", "born", "city")),)))
    result = erase(bench.case, bench.ready(line("D1", "s", "p", "anonymise", suppress=("name", "born"))))
    assert (result.verdict, result.problems) == ("STORE_CLEAN", ())
    classes = Counter((g, c) for _, _, g, _, c in rows)
    hidden = bench.case.load(Certificates).certificates[0].hidden
    assert hidden is not None
    assert (hidden.columns, hidden.rows) == (("gender", "city"), 400)
    assert (hidden.k, hidden.uniques) == (min(classes.values()), sum(n == 1 for n in classes.values()))
    assert hidden.k == 1, "the one person on the island stands alone, and the certificate says so"
    data = (bench.folder / "p.sqlite").read_bytes()
    assert b"CANARY" not in data
