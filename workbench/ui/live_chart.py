"""One chart of a live panel, redrawn in place. JupyterLab's own renderer of figures draws each one anew and once more as PNG,
which takes most of a second; here the browser keeps the chart and the kernel sends the next figure."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _kind() -> Any:
    """The widget's class; plotly.js travels with it, so that nothing is asked of a network."""
    import anywidget
    import traitlets
    from plotly.offline import get_plotlyjs

    script = Path(__file__).with_name("live_chart.js").read_text(encoding="utf-8")

    class LiveChart(anywidget.AnyWidget):
        _esm = f"{get_plotlyjs()}\n{script}"
        figure = traitlets.Dict().tag(sync=True)
        clicked = traitlets.Dict().tag(sync=True)

    return LiveChart


def live_chart() -> Any:
    """An empty chart: ``figure`` takes plotly's JSON (empty: hidden), ``clicked`` is the point last clicked."""
    return _kind()()


def drawing(fig: Any) -> dict[str, Any]:
    """A ``go.Figure`` as the JSON that :func:`live_chart` takes."""
    made: dict[str, Any] = json.loads(fig.to_json())
    return {"data": made["data"], "layout": made["layout"]}
