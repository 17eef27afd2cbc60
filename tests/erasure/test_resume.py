"""kill -9 at any moment, then a plain run: the same end state, one certificate, nothing certified that is not gone."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.case import Case, approvals
from workbench.erasure import Certificates, erase
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]
CHILD = """
import sys
from workbench.case import Case, approvals
from workbench.erasure import erase
case = Case.open(sys.argv[1])
erase(case, approvals.check(case))
"""


def test_a_killed_erasure_ends_like_an_undisturbed_one(bench: Any, line: Line, make_shop: Callable[..., None],
                                                        shop_plan: list[Disposal]) -> None:
    """Fifteen kills spread over the run; then one plain run gives the undisturbed result and a control-backed proof."""
    path = bench.folder / "shop.sqlite"
    make_shop(path, rows=8000)
    (bench.folder / "exports").mkdir()
    for n in range(3):
        (bench.folder / "exports" / f"e{n}.csv").write_text(
            "编号,姓名,日期\n" + "".join(f"{i},钱CANARY{i:05d},{2010 + i % 16}-01-02\n" for i in range(3000)))
    bench.open('[[sources]]\nname = "shop"\nurl = "sqlite:///shop.sqlite"\n'
               '[[sources]]\nname = "exports"\npath = "exports"\n')
    files = [d for n in range(3) for d in (
        line(f"E{n}a", "exports", f"e{n}.csv", "erase", [("日期", "<", "2020-01-01")]),
        line(f"E{n}b", "exports", f"e{n}.csv", "keep", [("日期", ">=", "2020-01-01")]))]
    bench.ready(*shop_plan, *files)
    rng = random.Random(7)
    kills = 0
    for _ in range(15):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(bench.folder)], cwd=Path(__file__).parents[2],
                                 stderr=subprocess.PIPE)
        time.sleep(rng.uniform(0.8, 3.5))
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        _, told = child.communicate()
        assert b"Traceback" not in told, told.decode()[-2000:]
    case = Case.open(bench.folder)
    result = erase(case, approvals.check(case))
    assert kills >= 3
    assert result.verdict == "STORE_CLEAN", (result.problems, [s.note for s in result.stores])
    assert result.problems == ()
    data = b"".join(p.read_bytes() for p in bench.folder.glob("shop.sqlite*"))
    assert data.count(b"CANARY") == 0
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(*) FROM orders").fetchone() == (sum(r.planned for r in result.disposals
                                                                       if r.disposal == "D004"),)
    db.close()
    for r in result.disposals:
        assert r.deleted == (r.planned if r.action == "erase" else 0)
    assert len(case.load(Certificates).certificates) == 13
    assert [e.predicate["phase"] for e in case.ledger.of_type("certificates/v1")].count("opened") == 1
