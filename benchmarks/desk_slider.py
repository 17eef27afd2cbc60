"""From key to paint: every slider of the live panels, in real JupyterLab in headless Chromium.

    flock -x LOCK .venv/bin/python benchmarks/desk_slider.py [--case CASE_DIR] [--moves 25] [--customers 20000]

Without --case the demo company is built and taken to its plan first. A move is one arrow key on the slider's handle; its
time runs from that key to the frame after the last change that the move makes in the chart, kernel and wire included.
Prints median and 95 % of the moves, slider by slider. Target: 150 ms.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CELLS = {
    "risk": "from workbench.ui.risk_panel import risk_panel\nbox = risk_panel(case)",
    "plan": "from workbench.ui.plan_panel import plan_panel\nbox = plan_panel(case)",
}
MOVE = """([slider, key]) => new Promise(done => {
  const chart = document.querySelector('.workbench-chart');
  const handle = document.querySelectorAll('.widget-slider .noUi-handle')[slider];
  let last = 0, frame = 0;
  const seen = new MutationObserver(() => { cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => { last = performance.now(); }); });
  seen.observe(chart, {childList: true, subtree: true, attributes: true, characterData: true});
  handle.focus();
  const at = (name) => Number(handle.getAttribute('aria-value' + name));
  if (at('now') >= at('max')) key = 'Left';
  if (at('now') <= at('min')) key = 'Right';
  const began = performance.now();
  handle.dispatchEvent(new KeyboardEvent('keydown', {key, code: 'Arrow' + key, bubbles: true}));
  let quiet = 0;
  const timer = setInterval(() => { const now = performance.now();
    if ((last && now - last > 300) || now - began > 2500) { clearInterval(timer); seen.disconnect();
      done(last ? last - began : null); } }, 20);
})"""


def _lab() -> Any:
    spec = importlib.util.spec_from_file_location("lab", ROOT / "tests" / "browser" / "lab.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def demo_case(work: Path, customers: int) -> Path:
    """The demo company as far as its plan."""
    from workbench.case import Case
    from workbench.classification import classify
    from workbench.demo.company import build
    from workbench.demo.run import prepare
    from workbench.inventory import take_inventory
    from workbench.plan import make_plan
    from workbench.risk import assess
    from workbench.risk.anonymity import reidentification

    os.environ.setdefault("WORKBENCH_VAULT_PASSPHRASE", "benchmark only")
    folder = prepare(work / "w", work / "out", "zh")
    build(work / "w" / "data", customers=customers)
    case = Case.open(folder)
    for step in (take_inventory, classify, reidentification, assess, make_plan):
        step(case)
    return folder


def measure(page: Any, slider: int, moves: int, warm: int = 2) -> list[float]:
    """Milliseconds of each move of one slider, back and forth so that every move changes its value; ``warm`` more go before."""
    took: list[float] = []
    for i in range(4 * moves):
        key = "Left" if (i // 5) % 2 else "Right"
        one = page.evaluate(MOVE, [slider, key])
        if one is not None:  # none: the value changes nothing (no reader and one reader count the same)
            took.append(one)
        if len(took) == moves + warm:
            break
    return took[warm:]


def main() -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", type=Path)
    parser.add_argument("--moves", type=int, default=25)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--panel", choices=[*CELLS, "both"], default="both")
    asked = parser.parse_args()
    lab = _lab()
    with tempfile.TemporaryDirectory(prefix="wb-slider-") as work:
        folder = asked.case or demo_case(Path(work), asked.customers)
        panels = CELLS if asked.panel == "both" else {asked.panel: CELLS[asked.panel]}
        with sync_playwright() as p, lab.running(folder.resolve(), "zh") as address:
            browser = p.chromium.launch(executable_path=shutil.which("chromium"), headless=True, args=lab.FLAGS)
            for name, code in panels.items():
                _panel(lab, browser, address, folder.resolve(), name, code, asked.moves)
            browser.close()


def _panel(lab: Any, browser: Any, address: str, folder: Path, name: str, code: str, moves: int) -> None:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": None, "outputs": [],
            "source": f"import workbench\ncase = workbench.open_case({str(folder)!r})\n{code}"}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = folder / f"benchmark-{name}.ipynb"
    notebook.write_text(json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    try:
        page = lab.open_notebook(browser, address, notebook.name)
        lab.run_all(page)
        page.wait_for_selector(".workbench-chart .main-svg")
        page.wait_for_timeout(1000)
        labels = page.locator(".widget-slider .widget-label").all_text_contents()
        views = page.locator(".widget-toggle-buttons button")
        for v in range(views.count()):
            shown = views.nth(v).inner_text()
            views.nth(v).click()
            page.wait_for_timeout(1000)
            if not page.locator(".workbench-chart").first.is_visible():
                continue
            for k, label in enumerate(labels):
                if v and k:
                    continue  # the first view with every slider; the others with the first, which moves the largest risk
                took = sorted(measure(page, k, moves, warm=2 if v or k else 10))
                if not took:
                    print(f"{name:5} {shown:6} {label:24} changes nothing in this view")
                    continue
                high = took[min(len(took) - 1, round(0.95 * (len(took) - 1)))]
                print(f"{name:5} {shown:6} {label:24} median {statistics.median(took):5.0f} ms   95 % {high:5.0f} ms   "
                      f"n={len(took)}", flush=True)
        page.context.close()
    finally:
        notebook.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
