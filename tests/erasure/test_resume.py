"""kill -9 at fifty points of progress, then a plain run: an undisturbed run's end state, and nothing certified that is not gone."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from kills import driver, storm

from workbench.case import Case
from workbench.erasure import Certificates, Erasure
from workbench.erasure.sqlstore import JOURNAL
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]
KILLS = 50
ROWS = {"items": 1800, "orders": 1200, "customers": 600}


def outcome(folder: Path) -> dict[str, Any]:
    """What counts of an end: rows, files, and what result, certificates and ledger say of them."""
    db = sqlite3.connect(folder / "shop.sqlite")
    rows = {t: db.execute(f"SELECT * FROM {t} ORDER BY 1").fetchall() for t in (*ROWS, "products")}
    schema = db.execute("SELECT name, sql FROM sqlite_master ORDER BY 1").fetchall()
    db.close()
    case = Case.open(folder)
    erasure, certificates = case.load(Erasure), case.load(Certificates)
    return {
        "rows": rows, "schema": schema,
        "files": {p.name: p.read_bytes() for p in sorted((folder / "exports").iterdir())},
        "erasure": erasure.model_dump(exclude={"started", "ended", "stores", "certificates", "tasks", "scrubs"}),
        "scrubs": [(s.source, s.step, s.done, s.task) for s in erasure.scrubs],
        "stores": [(s.source, s.verdict, s.note, sum(c.residual_hits for c in s.columns)) for s in erasure.stores],
        "certificates": [(c.disposal, c.state, c.planned, c.deleted, c.suppressed, c.archived, c.refused, c.logical,
                          c.residual_hits, c.verdict, c.exceptions) for c in certificates.certificates],
        "ledger": [e.predicate["phase"] for e in case.ledger.of_type("certificates/v1")],
        "open intents": case.open_intents(),
    }


def journal_agrees(folder: Path, copy: Path) -> None:
    """In a copy, so that the next run still finds a hot journal: as many rows are gone as the journal counts."""
    for path in folder.glob("shop.sqlite*"):
        shutil.copyfile(path, copy / path.name)
    db = sqlite3.connect(copy / "shop.sqlite")
    try:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (JOURNAL,)).fetchone():
            return
        lines = dict(db.execute(f"SELECT work, changed FROM {JOURNAL} WHERE kind = 'delete'").fetchall())
        for table, works in (("items", ["wb_erase_k0"]), ("orders", ["wb_erase_k2"]), ("customers", ["wb_erase_k4"])):
            left = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            assert left == ROWS[table] - sum(lines.get(w, 0) for w in works)
    finally:
        db.close()


def nothing_false_is_certified(folder: Path) -> None:
    """A closed certificate exists only when no value is left in the bytes."""
    closed = [p for p in (folder / "values").glob("*.json") if b'"state":"closed"' in p.read_bytes()]
    if closed:
        for path in (*folder.glob("shop.sqlite*"), *(folder / "exports").iterdir()):
            assert b"CANARY" not in path.read_bytes(), path.name


@pytest.fixture
def calm(bench: Any, line: Line, make_shop: Callable[..., None], shop_plan: list[Disposal]) -> Path:
    """A case that is ready to be erased: a database and a folder of files."""
    make_shop(bench.folder / "shop.sqlite", rows=ROWS["customers"])
    (bench.folder / "exports").mkdir()
    for n in range(3):
        (bench.folder / "exports" / f"e{n}.csv").write_text(
            "编号,姓名,日期\n" + "".join(f"{i},{'钱CANARY' if not n or i % 16 < 10 else '孙'}{i:05d},{2010 + i % 16}-01-02\n"
                                      for i in range(400)))
    bench.open('[[sources]]\nname = "shop"\nurl = "sqlite:///shop.sqlite"\n'
               '[[sources]]\nname = "exports"\npath = "exports"\n')
    files = [d for n in range(3) for d in (
        line(f"E{n}a", "exports", f"e{n}.csv", "erase", [("日期", "<", "2020-01-01")] if n else ()),
        *([line(f"E{n}b", "exports", f"e{n}.csv", "keep", [("日期", ">=", "2020-01-01")])] if n else []))]
    bench.ready(*shop_plan, *files)
    return Path(bench.folder)


def test_fifty_kills_change_nothing(calm: Path, tmp_path: Path) -> None:
    """Fifty runs killed at points all over the run, some twice, end exactly like the undisturbed twin."""
    made, copy = iter(range(10_000)), tmp_path / "copy"
    copy.mkdir()

    def fresh() -> Path:
        return Path(shutil.copytree(calm, tmp_path / f"wild{next(made)}"))

    with driver(tmp_path) as run:
        twin = fresh()
        events = run.erase(twin)
        want = outcome(twin)
        assert want["erasure"]["verdict"] == "STORE_CLEAN", want["erasure"]["problems"]
        assert want["ledger"] == ["opened", "closed"]

        def after_kill(folder: Path) -> None:
            journal_agrees(folder, copy)
            nothing_false_is_certified(folder)

        def after_run(folder: Path) -> None:
            nothing_false_is_certified(folder)
            got = outcome(folder)
            for key, value in want.items():
                assert got[key] == value, f"{key} of {folder.name}"
            states = [json.loads(p.read_bytes()) for p in sorted(folder.glob("erasure-private/*/shop.json"))]
            counted = {d: c["deleted"] for s in states for d, c in s["counts"].items()}
            told = {c[0]: c[3] for c in got["certificates"]}
            assert all(told[d] == n for d, n in counted.items())
            shutil.rmtree(folder)

        assert storm(run, KILLS, events, 7, fresh, after_kill, after_run) == KILLS
