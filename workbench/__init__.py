"""Wind-down Workbench: take a closing company's customer data from raw sources to verified audit records.

A case folder goes in; sealed archives, erased sources and signed records come out.

    import workbench
    case = workbench.open_case("my-case")     # the folder that `workbench new` made
    case.status()                             # where it stands and what to type next

Importing this package loads neither pandas nor plotly; each room imports what it needs when it is called.
The program is not a lawyer: every legal fact carries its confidence and whether a person signed it off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "open_case"]

if TYPE_CHECKING:
    from workbench.case import Case


def open_case(folder: str = ".") -> Case:
    """Open the case in ``folder`` (a directory holding ``case.toml``).

    Raises:
        workbench.errors.CaseError: no case there, or its ``case.toml`` is malformed.
    """
    from workbench.case import Case

    return Case.open(folder)
