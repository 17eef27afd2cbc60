"""BLOCK: what a page is made of. Six plain kinds, no raw HTML: an executed notebook holds blocks as JSON, the record
draws them with a template that escapes everything, and JupyterLab draws them through the same template.

    show(Heading("盘点"), Table("表", ("表名", "行数"), (("orders", "3"),)))
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from workbench.i18n import LANGS

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

MIME = "application/vnd.workbench.block+json"
PLOTLY = "application/vnd.plotly.v1+json"
MAX_ROWS = 500
"""rows of a table shown on a page; the file beside the record has all of them"""


@dataclass(frozen=True)
class Block:
    """Base of the kinds."""

    def data(self) -> dict[str, Any]:
        """JSON form; ``kind`` names the class."""
        return {"kind": type(self).__name__.lower(), **self.__dict__}

    def plain(self) -> str:
        """What a diff or a terminal sees."""
        return " ".join(str(v) for v in self.__dict__.values())


@dataclass(frozen=True)
class Heading(Block):
    """A section heading."""

    text: str


@dataclass(frozen=True)
class Text(Block):
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Callout(Block):
    """A sentence that must not be missed; the level is shown as word and sign, not by colour alone."""

    level: Literal["good", "note", "warn", "bad"]
    text: str


@dataclass(frozen=True)
class Facts(Block):
    """Label and value pairs."""

    items: tuple[tuple[str, str], ...]

    def plain(self) -> str:
        return "\n".join(f"{k}: {v}" for k, v in self.items)


@dataclass(frozen=True)
class Table(Block):
    """A table of strings; numbers are formatted by whoever makes it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def plain(self) -> str:
        lines = [self.title, " | ".join(self.columns), *(" | ".join(r) for r in self.rows[:20])]
        return "\n".join(lines + ([f"... {len(self.rows)} rows"] if len(self.rows) > 20 else []))


@dataclass(frozen=True)
class Figure(Block):
    """A plotly figure as plain JSON (lists, no typed arrays: a text scan must be able to read it) and its table."""

    title: str
    figure: dict[str, Any]
    table: Table

    def plain(self) -> str:
        return self.table.plain()


def table(title: str, frame: pd.DataFrame) -> Table:
    """A :class:`Table` of a data frame: column names as they are, cells as text."""
    rows = tuple(tuple(_cell(v) for v in row) for row in frame.itertuples(index=False, name=None))
    return Table(title, tuple(str(c) for c in frame.columns), rows)


def figure(title: str, fig: go.Figure, frame: pd.DataFrame) -> Figure:
    """A :class:`Figure` with the frame as its table view."""
    return Figure(title, _plain(fig.to_plotly_json()), table(title, frame))


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "✓" if value else "–"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, tuple | list):
        return ", ".join(str(v) for v in value)
    return str(value)


def _plain(value: Any) -> Any:
    """plotly JSON without numpy or base64 arrays."""
    import numpy as np

    if isinstance(value, dict):
        if set(value) >= {"dtype", "bdata"}:
            import base64

            array = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
            shape = [int(n) for n in str(value.get("shape", "")).split(",") if n.strip()]
            return _plain((array.reshape(shape) if shape else array).tolist())
        return {k: _plain(v) for k, v in value.items() if k != "template"}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and value != value:
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value


def recording() -> bool:
    """Whether a batch makes a record of this run (set by our runner)."""
    return os.environ.get("WORKBENCH_RECORD") == "1"


def show(*blocks: Block | Callable[[str], Iterable[Block]], lang: str = "") -> None:
    """Display blocks. A callable is asked for its blocks in a language: in a record in every one, live in ``lang``.

    Live and without ``lang``, the language is WORKBENCH_LANG or Chinese.
    """
    langs: Sequence[str] = LANGS if recording() else (lang or os.environ.get("WORKBENCH_LANG", "zh"),)
    for item in blocks:
        if isinstance(item, Block):
            _display(item, "")
        else:
            for each in langs:
                for block in item(each):
                    _display(block, each)


def _display(block: Block, lang: str) -> None:
    from IPython.display import display

    data = block.data()
    if isinstance(block, Figure):
        data["table"] = block.table.data()
    bundle: dict[str, Any] = {MIME: json.loads(json.dumps(data, ensure_ascii=False)), "text/plain": block.plain()}
    if not recording():
        from workbench.records.page import block_html

        if isinstance(block, Figure):
            bundle[PLOTLY] = block.figure
        else:
            bundle["text/html"] = block_html(data)
    display(bundle, raw=True, metadata={"workbench": {"lang": lang}} if lang else {})  # type: ignore[no-untyped-call]
