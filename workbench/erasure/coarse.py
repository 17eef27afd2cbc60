"""COARSE: a cell made coarser, in Python for files and in each engine's SQL for databases; done twice it gives the same.

A cell that cannot be read as what the plan says is cleared: what is not understood may say too much. The verifier has
its own reading, :func:`workbench.erasure.logical.coarse_enough`.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
from typing import Any

from workbench.erasure.dates import read_date
from workbench.erasure.sqlstore import SqlStore
from workbench.errors import ErasureError
from workbench.plan.model import Disposal, Generalisation

EXACT = 1 << 53
"""numbers with a point are exact below it; larger ones are cleared"""
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?")
_IP = r"^[0-9]{1,3}([.][0-9]{1,3}){3}$"
_TIMED = re.compile(r"\d{4}-\d\d-\d\d([T ])\d")


def coarse(cell: Any, how: str, width: int = 0) -> Any:
    """The coarser cell, of the same type; None for an empty cell and for one that cannot be read.

    >>> coarse("1987-05-12", "month"), coarse("43150", "band", 1000), coarse("200031", "prefix", 3), coarse("10.1.2.3", "ip24")
    ('1987-05-01', '43000', '200', '10.1.2.0')
    """
    if cell is None or isinstance(cell, bool | bytes):
        return cell if how in ("keep", "sensitive") else None
    if how in ("month", "year"):
        return _date(cell, how)
    if how == "band":
        return _band(cell, width)
    if how == "prefix":
        return cell[:width] if isinstance(cell, str) else int(str(abs(cell))[:width]) if isinstance(cell, int) else None
    if how == "ip24":
        text = str(cell).strip()
        return text.rsplit(".", 1)[0] + ".0" if re.match(_IP, text) else None
    return cell


def _date(cell: Any, how: str) -> Any:
    if isinstance(cell, dt.datetime):
        return dt.datetime(cell.year, 1 if how == "year" else cell.month, 1, tzinfo=cell.tzinfo)
    if isinstance(cell, dt.date):
        return dt.date(cell.year, 1 if how == "year" else cell.month, 1)
    iso = read_date(cell) if isinstance(cell, str) else None
    if iso is None:
        return None
    timed = _TIMED.match(cell)
    return (iso[:4] + "-01-01" if how == "year" else iso[:7] + "-01") + (f"{timed[1]}00:00:00" if timed else "")


def _band(cell: Any, width: int) -> Any:
    if isinstance(cell, str):
        text = cell.strip()
        low = _low(decimal.Decimal(text), width) if _NUMBER.fullmatch(text) else None
        return None if low is None else str(low)
    if not isinstance(cell, int | float | decimal.Decimal):
        return None
    low = _low(cell, width)
    return None if low is None else type(cell)(low)


def _low(number: int | float | decimal.Decimal, width: int) -> int | None:
    if not math.isfinite(number) or (isinstance(number, float) and abs(number) >= EXACT):
        return None
    whole = math.floor(number)
    return whole - whole % width


def changed(cells: list[Any], g: Generalisation) -> list[Any]:
    """Cells that a generalisation makes other ones; of those the original has to be gone."""
    return [c for c in cells if c is not None and coarse(c, g.how, g.width) != c]


# -- databases -------------------------------------------------------------------------------------------------


def check(store: SqlStore, d: Disposal) -> None:
    """Refuse, before anything starts, what this store cannot do.

    Raises:
        ErasureError: names the column, why, and what to write instead.
    """
    for g in d.coarser:
        table, where = store.tables[d.set.table], f"{store.name}.{d.set.table}"
        info = table.column(g.column)
        if info is None:
            raise ErasureError(f"{d.id}: the column {g.column!r} of the plan is not there", "make the plan again", where=where)
        linked = {c for k in table.foreign_keys for c in k.columns}
        linked |= {c for _, k in store.links() if k.ref_table == d.set.table for c in k.ref_columns}
        if g.column in {*table.primary_key, *linked} or any(i.unique and g.column in i.columns for i in table.indexes):
            raise ErasureError(f"{d.id}: {g.column} cannot be made coarser: it must be unique, or links hang on it",
                               "take it out of settings.plan.anonymise and plan again", where=where)
        if info.generated:
            raise ErasureError(f"{d.id}: {g.column} cannot be made coarser: the server makes it of other columns",
                               "name those in settings.plan.anonymise and plan again", where=where)
        if g.how not in _FITS.get(_sort(store, d.set.table, g.column), ()):
            raise ErasureError(f"{d.id}: {g.column} is of the type {info.declared or info.type}, which cannot be made coarser by {g.how!r}",
                               "see docs/steps.md, [settings.plan.anonymise], for what goes with which type; plan again", where=where)


_SORTS = {
    "date": ("date",), "moment": ("timestamp without time zone", "datetime", "timestamp"), "zoned": ("timestamp with time zone",),
    "whole": ("smallint", "integer", "bigint", "tinyint", "mediumint", "int", "year"),
    "number": ("numeric", "real", "double precision", "decimal", "double", "float"),
    "text": ("text", "character varying", "character", "citext", "varchar", "char", "tinytext", "mediumtext", "longtext"),
    "inet": ("inet",)}
_ARROW = {"date": ("date",), "zoned": ("timestamp[us, tz=",), "moment": ("timestamp",), "whole": ("int", "uint"),
          "number": ("float", "double", "halffloat", "decimal"), "text": ("string", "large_string")}
_FITS: dict[str, tuple[str, ...]] = {
    "date": ("month", "year"), "moment": ("month", "year"), "zoned": ("month", "year"), "whole": ("band",), "number": ("band",),
    "text": ("month", "year", "prefix", "ip24"), "inet": ("ip24",),
    "any": ("month", "year", "band", "prefix", "ip24")}


def _sort(store: SqlStore, table: str, column: str) -> str:
    """What kind of cells a column holds: a key of ``_FITS``; empty for one of which nothing can be made coarser."""
    if store.engine == "sqlite":
        return "any"  # its columns may hold anything, whatever they are declared as
    if store.engine == "duckdb":
        info = store.tables[table].column(column)
        return next((k for k, heads in _ARROW.items() if info is not None and info.type.startswith(heads)), "")
    return next((k for k, names in _SORTS.items() if store.kind(table, column) in names), "")


def sql(store: SqlStore, table: str, g: Generalisation, neutral: str) -> str:
    """The coarser cell of a column of ``table`` (alias t) in the engine's SQL; ``neutral`` where it cannot be read."""
    if store.engine == "sqlite":
        store.cx.create_function("wb_coarse", 3, coarse, deterministic=True)
        cell = store.q(g.column)
        return f"CASE WHEN {cell} IS NOT NULL THEN COALESCE(wb_coarse({cell}, '{g.how}', {g.width}), {neutral}) END"
    cell = f"t.{store.q(g.column)}"
    text = {"month": _first, "year": _first, "band": _lower, "prefix": _begin, "ip24": _net}[g.how](store, table, g, cell)
    return f"CASE WHEN {cell} IS NOT NULL THEN COALESCE({text}, {neutral}) END"


def _first(store: SqlStore, table: str, g: Generalisation, cell: str) -> str:
    day = store.date_expr(table, g.column, "t")
    length, rest = (4, "-01-01") if g.how == "year" else (7, "-01")
    text = f"concat(left({day}, {length}), '{rest}')"
    text = f"CASE WHEN {day} IS NOT NULL THEN {text} END"
    sort = _sort(store, table, g.column)
    if store.engine == "mariadb" or sort == "text":
        return text
    if sort == "zoned":
        zone = store.timezone.replace("'", "")
        return f"(CAST({text} AS timestamp) AT TIME ZONE '{zone}')"
    return f"CAST({text} AS {'date' if sort == 'date' else 'timestamp'})"


def _lower(store: SqlStore, table: str, g: Generalisation, cell: str) -> str:
    if _sort(store, table, g.column) != "whole":
        text = f"{cell}::numeric" if store.engine == "postgresql" else cell  # whose floats have no mod()
        cell = f"CASE WHEN abs({cell}) < {EXACT} THEN {text} END"  # neither is what is no number (NaN counts as largest)
        cell = f"floor({cell})"
    return f"{cell} - mod(mod({cell}, {g.width}) + {g.width}, {g.width})"


def _begin(store: SqlStore, table: str, g: Generalisation, cell: str) -> str:
    return f"left({cell}, {g.width})"


def _net(store: SqlStore, table: str, g: Generalisation, cell: str) -> str:
    if store.engine == "postgresql" and _sort(store, table, g.column) == "inet":
        return f"CASE WHEN family({cell}) = 4 THEN network(set_masklen({cell}, 24))::inet END"
    bare = f"trim({cell})"
    like = {"postgresql": f"{bare} ~ '{_IP}'", "mariadb": f"{bare} REGEXP '{_IP}'"}.get(store.engine, f"regexp_matches({bare}, '{_IP}')")
    return f"CASE WHEN {like} THEN regexp_replace({bare}, '[.][0-9]+$', '.0') END"
