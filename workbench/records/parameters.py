"""Parameters of a notebook: read from its ``parameters`` cell, compared before a kernel starts.

papermill takes any name and any type with a warning at most; for a tool that deletes, that is not enough. And one
value passed as a parameter is written five times into a failed notebook, so what looks personal or secret is refused.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from workbench.errors import ParameterError
from workbench.i18n import mask

TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}
SECRET = ("password", "passwd", "secret", "token", "passphrase", "apikey", "api_key", "private_key")


@dataclass(frozen=True)
class Parameter:
    """One declared parameter."""

    name: str
    type: str
    default: Any
    help: str


def declared(notebook: Any, name: str = "notebook") -> dict[str, Parameter]:
    """The parameters that the cell tagged ``parameters`` declares as ``name: type = default  # help``.

    Raises:
        ParameterError: the cell declares something else, or a type other than str, int, float, bool.
    """
    cells = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ParameterError(f"{name} has {len(cells)} cells tagged parameters; it needs one")
    source = cells[0].source
    lines = source.splitlines()
    found: dict[str, Parameter] = {}
    for node in ast.parse(source).body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
                and isinstance(node.annotation, ast.Name) and node.annotation.id in TYPES and node.value is not None):
            raise ParameterError(f"line {node.lineno} of the parameters cell is not 'name: type = default  # help'",
                                 where=name)
        comment = lines[node.lineno - 1].partition("#")[2].strip()
        found[node.target.id] = Parameter(node.target.id, node.annotation.id, ast.literal_eval(node.value), comment)
    return found


def check(given: dict[str, Any], known: dict[str, Parameter], name: str = "notebook") -> dict[str, Any]:
    """``given`` when every name is known and every value fits; nothing is coerced silently.

    Raises:
        ParameterError: an unknown name (with the known ones), a wrong type, or a value that must not be written.
    """
    for key, value in given.items():
        if key not in known:
            raise ParameterError(f"{name} has no parameter {key!r}", "use one of: " + ", ".join(sorted(known)))
        want = known[key].type
        if not isinstance(value, TYPES[want]) or (want != "bool" and isinstance(value, bool)):
            raise ParameterError(f"the parameter {key!r} of {name} is {type(value).__name__}, not {want}",
                                 f"give a value like {known[key].default!r}")
        if isinstance(value, str) and mask(value) != value:
            raise ParameterError(f"the value of the parameter {key!r} looks personal or secret and would be written "
                                 "into the record", "put it into case.toml by environment variable instead")
        if any(word in key.lower() for word in SECRET):
            raise ParameterError(f"the parameter {key!r} is named like a secret; parameters are written into records",
                                 "name the secret's environment variable in case.toml instead")
    return given


def parse_pairs(pairs: tuple[str, ...], known: dict[str, Parameter], name: str) -> dict[str, Any]:
    """``("rows=5", ...)`` as typed values for :func:`check`; ParameterError for anything that does not convert."""
    values: dict[str, Any] = {}
    for pair in pairs:
        key, eq, text = pair.partition("=")
        if not eq:
            raise ParameterError(f"{pair!r} is not NAME=VALUE", "write for example -p rows=5")
        want = known[key].type if key in known else "str"
        try:
            if want == "bool":
                values[key] = {"true": True, "false": False, "1": True, "0": False}[text.lower()]
            else:
                values[key] = {"str": str, "int": int, "float": float}[want](text)
        except (ValueError, KeyError):
            raise ParameterError(f"the parameter {key!r} of {name} is not of type {want}",
                                 f"give a value like {known[key].default!r}") from None
    return check(values, known, name)
