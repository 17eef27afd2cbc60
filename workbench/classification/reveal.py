"""REVEAL: the few values of one column that a person has to see to decide; only with a reason, which the ledger keeps.

    shown = reveal(case, "shop", "customers", "phone", reason="is this column phones or order numbers?")
    shown            # 5 values, hidden
    shown.show()     # on the screen for this session; nothing of it is saved in a notebook
"""

from __future__ import annotations

import os
from html import escape
from typing import TYPE_CHECKING

from workbench.errors import ParameterError

if TYPE_CHECKING:
    from workbench.case import Case

MOST = 20


class Revealed:
    """Values of one column; prints only how many there are."""

    def __init__(self, place: str, values: tuple[str, ...]) -> None:
        self.place, self._values = place, values

    def __repr__(self) -> str:
        return f"Revealed({self.place!r}, {len(self._values)} values, hidden; .show() puts them on the screen)"

    def __len__(self) -> int:
        return len(self._values)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("revealed values are not saved")

    def html(self) -> str:
        """The values, escaped, for a widget; a widget's state is not saved in a notebook."""
        return "<br>".join(f"<code>{escape(v)}</code>" for v in self._values)

    def show(self) -> None:
        """Put them on the screen of this session."""
        import ipywidgets
        from IPython.display import display

        display(ipywidgets.HTML(self.html()))  # type: ignore[no-untyped-call]


def reveal(case: Case, source: str, table: str, column: str, *, reason: str, count: int = 5, by: str = "") -> Revealed:
    """The first ``count`` (at most 20) different values of a column. Who asked, what for and how many is in the ledger
    before the first is read.

    Raises:
        ParameterError: no reason, a reason that holds a person's data, a record is being made, or no such place.
    """
    from workbench.classification.review import checked_reason
    from workbench.sources import open_source

    said = checked_reason(reason, "looking at values")
    if os.environ.get("WORKBENCH_RECORD"):
        raise ParameterError("values are not revealed in a record", "open the notebook in JupyterLab")
    spec = next((s for s in case.config.sources if s.name == source), None)
    if spec is None:
        raise ParameterError(f"there is no source {source!r}", "use one of: " + ", ".join(s.name for s in case.config.sources))
    wanted = max(1, min(MOST, count))
    with open_source(spec, case.folder) as opened:
        known = next((t for t in opened.tables() if t.name == table), None)
        if known is None or known.column(column) is None:
            raise ParameterError(f"{source} has no column {table}.{column}", "workbench.inventory lists them")
        person = case.config.person(by or case.operator()).id
        case.enrol(person)  # whoever looks signs for it
        case.append("reveal/v1", {}, {"person": person, "at": case.now(), "column": f"{source}.{table}.{column}", "values": wanted,
                                      "reason": said}, person)
        found: dict[str, None] = {}
        for batch in opened.batches(table, [column]):
            for value in batch.column(0).to_pylist():
                if value is not None:
                    found.setdefault(str(value))
                if len(found) == wanted:
                    return Revealed(f"{source}.{table}.{column}", tuple(found))
    return Revealed(f"{source}.{table}.{column}", tuple(found))
