"""Controls around a drawing: live in JupyterLab, drawn once in a record. Nothing of the live one is saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.records.blocks import recording

__all__ = ["live", "own_keys", "recording"]

CLASS = "workbench-panel"
OWN_KEYS = f"""(() => {{ let left = 100; const timer = setInterval(() => {{
  const boxes = document.querySelectorAll('.{CLASS}');
  boxes.forEach(b => b.setAttribute('data-lm-suppress-shortcuts', 'true'));
  if (boxes.length || !--left) clearInterval(timer); }}, 100); }})()"""
"""without it JupyterLab takes arrows, Enter and letters in the panel for commands to the notebook (x cuts a cell)"""


def own_keys(box: Any) -> Any:
    """``box`` as a panel that keeps its keys to itself."""
    import ipywidgets as widgets
    from IPython.display import Javascript

    keys = widgets.Output()
    keys.append_display_data(Javascript(OWN_KEYS))  # type: ignore[no-untyped-call]
    box.add_class(CLASS)
    box.children = (*box.children, keys)
    return box


def live(
    draw: Callable[..., Any],
    controls: dict[str, Any],
    head: Any = None,
    foot: Any = None,
    click: Callable[[dict[str, Any]], str] | None = None,
) -> Any:
    """Show ``draw(**values)`` under its controls and redraw on each change; the box is returned for tests.

    draw gives a figure or a table. click: what a clicked point means, as HTML below the chart. In record mode nothing is
    shown and the drawing for the controls' first values is returned.
    """

    def values() -> dict[str, Any]:
        return {name: control.value for name, control in controls.items()}

    if recording():
        return draw(**values())
    import ipywidgets as widgets
    from IPython.display import display

    from workbench.ui.live_chart import drawing, live_chart

    chart, table, told = live_chart(), widgets.HTML(), widgets.HTML()
    table.add_class("jp-RenderedHTMLCommon")
    told.add_class("jp-RenderedHTMLCommon")

    def redraw(_change: Any = None) -> None:
        drawn = draw(**values())
        if hasattr(drawn, "to_plotly_json"):
            chart.figure, table.value = drawing(drawn), ""
        else:
            chart.figure, table.value = {}, drawn.to_html(index=False, border=0)
        told.value = ""

    def clicked(change: Any) -> None:
        if click is not None and change["new"]:
            told.value = click(change["new"])

    for control in controls.values():
        control.observe(redraw, "value")
    chart.observe(clicked, "clicked")
    box = own_keys(widgets.VBox([x for x in (head, *controls.values(), chart, table, told, foot) if x is not None]))
    box.redraw, box.chart = redraw, chart
    display(box)  # type: ignore[no-untyped-call]
    redraw()
    return box
