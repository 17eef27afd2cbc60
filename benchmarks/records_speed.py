"""Records and ledger: what the runner adds to papermill, eight notebooks on two cores, a ledger of a million entries.

    python benchmarks/records_speed.py [--entries 1000000]

Peers in the same run: papermill's own engine over the same notebook; the same eight notebooks one after the other.
Targets: runner <= 0.5 s over papermill; parallel <= 60 % of serial; a million entries: tree and consistency <= 10 s,
signatures >= 8,000/s per core, one inclusion <= 20 ms.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from workbench.ledger import Signer, merkle
from workbench.ledger.keys import verify
from workbench.ledger.statement import pae, read, seal

CASE = """
[case]
id = "bench"
company = "甲公司"
place = "上海"
[[people]]
id = "op"
name = "操作"
roles = ["operator"]
[[people]]
id = "ann"
name = "安"
roles = ["approver"]
[[people]]
id = "ben"
name = "本"
roles = ["approver"]
[[sources]]
name = "files"
path = "data"
"""
CELLS = (
    'case_dir: str = "."  # case folder',
    "import pandas as pd, plotly.graph_objects as go\nfrom workbench.records.blocks import figure, show, table",
    "frame = pd.DataFrame({'n': range(200), 'v': [n * n % 97 for n in range(200)]})",
    "show(table('values', frame), figure('chart', go.Figure(go.Bar(x=frame.n, y=frame.v)), frame))",
    "print('rows', len(frame))",
)


def book() -> object:
    """A notebook as a step's: imports, a table, a chart."""
    import nbformat as nbf

    cells = [nbf.v4.new_code_cell(c) for c in CELLS]
    cells[0].metadata["tags"] = ["parameters"]
    made = nbf.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return made


def plain(target: str) -> float:
    """Seconds of papermill's own engine."""
    import papermill as pm

    started = time.perf_counter()
    pm.execute_notebook(book(), target, kernel_name="python3", progress_bar=False, log_output=False)
    return time.perf_counter() - started


def guarded(target: str) -> float:
    """Seconds of our engine alone."""
    import papermill as pm

    started = time.perf_counter()
    pm.execute_notebook(book(), target, kernel_name="python3", engine_name="guarded", progress_bar=False, log_output=False)
    return time.perf_counter() - started


def runner(folder: Path) -> Callable[[], float]:
    """Seconds of the whole record: run, two pages, gate, ledger."""
    import nbformat as nbf

    from workbench.case import Case
    from workbench.case.steps import Step
    from workbench.records import runner as r

    (folder / "data").mkdir(parents=True)
    (folder / "data" / "a.csv").write_text("id\n1\n")
    (folder / "case.toml").write_text(CASE)
    path = folder / "00_case.ipynb"
    nbf.write(book(), path)
    r.source_notebook = lambda _: path  # type: ignore[assignment]
    case = Case.open(folder)
    case.begin()

    def go() -> float:
        started = time.perf_counter()
        r.run_step(case, Step("case", path.name, "立案", "Case"))
        return time.perf_counter() - started

    return go


def overhead(base: Path, rounds: int) -> None:
    """Medians of alternating runs."""
    go = runner(base / "case")
    times: dict[str, list[float]] = {"papermill": [], "engine": [], "runner": []}
    plain(str(base / "warm.ipynb")), go()
    for n in range(rounds):
        times["papermill"].append(plain(str(base / f"p{n}.ipynb")))
        times["engine"].append(guarded(str(base / f"g{n}.ipynb")))
        times["runner"].append(go())
    median = {k: statistics.median(v) for k, v in times.items()}
    print(f"one notebook: papermill {median['papermill']:.2f} s, guarded engine {median['engine']:.2f} s, whole record "
          f"{median['runner']:.2f} s; the runner adds {median['runner'] - median['papermill']:+.2f} s ({rounds} rounds, medians)")


def parallel(base: Path) -> None:
    """Eight notebooks, one after the other and in two processes."""
    targets = [str(base / f"x{n}.ipynb") for n in range(16)]
    started = time.perf_counter()
    for t in targets[:8]:
        guarded(t)
    serial = time.perf_counter() - started
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(guarded, [str(base / f"w{n}.ipynb") for n in range(2)]))  # imports are not what is measured
        started = time.perf_counter()
        list(pool.map(guarded, targets[8:]))
        both = time.perf_counter() - started
    print(f"eight notebooks: serial {serial:.1f} s, two processes {both:.1f} s = {both / serial:.0%} of serial")


def ledger(base: Path, entries: int) -> None:
    """A log of ``entries`` leaves; signatures over real entries."""
    key = Signer.create("log", base / "log.key")
    leaves = [merkle.leaf_hash(n.to_bytes(8, "big")) for n in range(entries)]
    started = time.perf_counter()
    tree = merkle.Tree(leaves)
    root = tree.root()
    built = time.perf_counter() - started
    first = entries * 2 // 3 + 1
    started = time.perf_counter()
    old = merkle.root_of(leaves[:first])  # the other tree is built anew: nothing is taken from the one that is checked
    proof = tree.consistency(first)
    assert merkle.verify_consistency(first, entries, old, root, proof)
    consistent = time.perf_counter() - started
    spent = []
    for n in range(50):
        i = n * (entries // 51)
        started = time.perf_counter()
        path = tree.inclusion(i)
        made = time.perf_counter() - started
        started = time.perf_counter()
        assert merkle.verify_inclusion(leaves[i], i, entries, path, root)
        spent.append((made, time.perf_counter() - started))
    lines = [seal("note/v1", {"x": "0" * 64}, {"n": n, "seq": n, "prev": root.hex()}, key) for n in range(20_000)]
    parsed = [read(line, n) for n, line in enumerate(lines)]
    started = time.process_time()
    assert all(verify(key.public, e.signature, pae(e.payload)) for e in parsed)
    signatures = len(lines) / (time.process_time() - started)
    started = time.process_time()
    for n, line in enumerate(lines):
        read(line, n)
    reading = len(lines) / (time.process_time() - started)
    print(f"{entries:,} entries: tree {built:.2f} s, consistency {consistent:.2f} s; inclusion {max(a for a, _ in spent) * 1e3:.1f} ms "
          f"to make, {max(b for _, b in spent) * 1e3:.2f} ms to check (worst of 50); "
          f"{signatures:,.0f} signatures/s per core, {reading:,.0f} entries/s read strictly")


if __name__ == "__main__":
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--entries", type=int, default=1_000_000)
    args.add_argument("--rounds", type=int, default=5)
    given = args.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        os.environ["IPYTHONDIR"] = str(home / "ipython")
        ledger(home, given.entries)
        overhead(home, given.rounds)
        parallel(home)
