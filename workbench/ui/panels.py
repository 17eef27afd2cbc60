"""Controls around a drawing: live in JupyterLab, drawn once in a record. A plain figure in an Output, nothing saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.records.blocks import recording

__all__ = ["live", "recording"]


def live(draw: Callable[..., Any], controls: dict[str, Any], head: Any = None, foot: Any = None) -> Any:
    """Show ``draw(**values)`` under its controls and redraw on each change; the box is returned for tests.

    In record mode nothing is shown and the drawing for the controls' first values is returned.
    """

    def values() -> dict[str, Any]:
        return {name: control.value for name, control in controls.items()}

    if recording():
        return draw(**values())
    import ipywidgets as widgets
    from IPython.display import clear_output, display

    area = widgets.Output(layout={"min_height": "440px"})

    def redraw(_change: Any = None) -> None:
        with area:
            clear_output(wait=True)  # type: ignore[no-untyped-call]
            drawn = draw(**values())
            for item in drawn if isinstance(drawn, (tuple, list)) else (drawn,):
                _show(item)

    for control in controls.values():
        control.observe(redraw, "value")
    box = widgets.VBox([x for x in (head, *controls.values(), area, foot) if x is not None])
    box.redraw = redraw
    display(box)  # type: ignore[no-untyped-call]
    redraw()
    return box


def _show(item: Any) -> None:
    """A figure goes out as plotly's own type only: the default renderer adds a page of HTML and takes 200 ms over it."""
    import json

    from IPython.display import display

    if hasattr(item, "to_plotly_json"):
        display({"application/vnd.plotly.v1+json": json.loads(item.to_json())}, raw=True)  # type: ignore[no-untyped-call]
    else:
        display(item)  # type: ignore[no-untyped-call]
