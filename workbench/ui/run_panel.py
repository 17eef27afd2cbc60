"""The run panel: run what is next as records, watch it, open the records. The same command as on a terminal, beside the kernel.

from workbench.ui.run_panel import run_panel
run_panel(case)
"""

from __future__ import annotations

import subprocess
import sys
import threading
from html import escape
from typing import TYPE_CHECKING, Any

from workbench.case.steps import STEPS
from workbench.records.blocks import recording
from workbench.ui.chart_style import say
from workbench.ui.panels import own_keys

if TYPE_CHECKING:
    from workbench.case import Case


def run_panel(case: Case, lang: str = "") -> Any:
    """Show the panel and return its box; None in record mode."""
    if recording():
        return None
    import ipywidgets as w
    from IPython.display import display

    lang = lang or case.lang
    until = w.Dropdown(
        options=[(s.zh if lang == "zh" else s.en, s.id) for s in STEPS],
        value=next((s.id for s in STEPS if (e := case.stands(s.id)) is None or e.predicate["result"] != "done"), STEPS[-1].id),
        description=say(lang, "运行到", "run up to"),
    )
    text = say(lang, "▶ 运行并生成记录", "▶ run, as records")
    button = w.Button(description=text, button_style="primary", layout=w.Layout(width="200px"))
    log, records = w.HTML(), w.HTML(_links(case, lang))
    log.add_class("workbench-run-log")

    def follow() -> None:
        command = [sys.executable, "-m", "workbench", "run", str(case.folder), "--until", until.value]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        told: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            told.append(line.rstrip("\n"))
            log.value = _said(told)
        good = process.wait() == 0
        told.append(say(lang, "✓ 完成", "✓ done") if good else say(lang, "✗ 停在这里:见上一行", "✗ stopped here: see the line above"))
        log.value, records.value, button.disabled = _said(told), _links(case, lang), False

    def start(_button: Any) -> None:
        button.disabled = True
        log.value = _said([say(lang, "正在运行……首次运行要编译约半分钟", "running … the first run compiles for about half a minute")])
        threading.Thread(target=follow, daemon=True).start()

    button.on_click(start)
    box = own_keys(w.VBox([w.HBox([until, button]), log, records]))
    display(box)  # type: ignore[no-untyped-call]
    return box


def _said(lines: list[str]) -> str:
    return f"<pre role='status' style='line-height:1.4'>{escape(chr(10).join(lines))}</pre>"


def _links(case: Case, lang: str) -> str:
    """Links to copies of the records made so far, each with its charts inside."""
    import os

    from workbench.records.page import standalone

    root = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/")
    links = []
    for step in STEPS:
        for one in ("zh", "en"):
            page = case.folder / "records" / step.notebook.replace(".ipynb", f".{one}.html")
            copy = case.private("view") / page.name
            if page.exists() and (not copy.exists() or copy.stat().st_mtime < page.stat().st_mtime):
                copy.write_text(standalone(page.read_text(encoding="utf-8")), encoding="utf-8")
            if one == lang and page.exists():
                links.append(f"<a href='{escape(root)}files/view/{page.name}' target='_blank' style='text-decoration:underline'>"
                             f"{escape(step.zh if lang == 'zh' else step.en)}</a>")
    return f"{say(lang, '记录:', 'Records: ')}{' · '.join(links)}" if links else ""
