"""CATALOG: what an engine says about its tables, as :class:`~workbench.sources.base.Table` values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from workbench.errors import SourceUnreadable
from workbench.sources.base import BATCH_ROWS, Column, ForeignKey, Index, SourceKind, Table, Unreadable

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Inspector


class SourceBase:
    """Common parts of every source: names, the list of what could not be read, the context manager."""

    kind: SourceKind = "files"

    def __init__(self, name: str, location: str) -> None:
        self.name, self.location = name, location
        self._tables: tuple[Table, ...] | None = None
        self._unreadable: dict[str, str] = {}

    def tables(self) -> tuple[Table, ...]:
        """Every table, sorted by name; listed once and kept."""
        if self._tables is None:
            self._tables = tuple(sorted(self._list(), key=lambda t: t.name))
        return self._tables

    def table(self, name: str) -> Table:
        """The table of that name."""
        for t in self.tables():
            if t.name == name:
                return t
        raise SourceUnreadable(f"there is no table {name!r}", "workbench scan lists them", where=self.name)

    def unreadable(self) -> tuple[Unreadable, ...]:
        """Items met so far that could not be read, sorted."""
        return tuple(Unreadable(source=self.name, item=i, reason=r) for i, r in sorted(self._unreadable.items()))

    def ping(self) -> None:
        """Connect and let go of nothing: SourceMissing or SourceRefused now instead of at the first read."""
        connect = getattr(self, "_connect", None)
        if connect is not None:
            connect()

    def _list(self) -> list[Table]:
        raise NotImplementedError

    def batches(
        self, table: str, columns: Sequence[str] | None = None, *, batch_rows: int = BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """All rows of ``table``."""
        raise NotImplementedError

    def streams(self, table: str, most: int) -> Sequence[Callable[[], Iterator[pa.RecordBatch]]]:
        """One part, where the engine has no way to read a table in several from the same snapshot."""
        return [lambda: self.batches(table)]

    def close(self) -> None:
        """Release connections; idempotent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def full_name(schema: str, table: str) -> str:
    """A table's name in its source: ``schema.table``, a part that holds a dot in quotes; without the default schema.

    >>> full_name("crm", "people"), full_name("", "crm.people")
    ('crm.people', '"crm.people"')
    """
    parts = (schema, table) if schema else (table,)
    return ".".join('"' + p.replace('"', '""') + '"' if "." in p or p.startswith('"') else p for p in parts)


def name_parts(name: str) -> tuple[str, str]:
    """(schema or "", table): what :func:`full_name` put together.

    >>> name_parts('"odd.one".t'), name_parts("people")
    (('odd.one', 't'), ('', 'people'))
    """
    found = []
    for quoted, plain in re.findall(r'(?:^|\.)(?:"((?:[^"]|"")*)"(?=\.|$)|([^.]*))', name, re.DOTALL):
        found.append(quoted.replace('""', '"') if quoted else plain)
    return (found[0], found[1]) if len(found) > 1 else ("", found[0])


def code_of(e: BaseException) -> str:
    """Class name and the engine's number, SQLSTATE or SQLite's name of a driver's exception; never its text."""
    driver = getattr(e, "orig", None) or e
    args = getattr(driver, "args", ())
    number = args[0] if args and isinstance(args[0], int) else None  # MySQL's number says more than its SQLSTATE
    state = number or getattr(driver, "sqlstate", None) or getattr(driver, "sqlite_errorname", None)
    kind = type(driver).__name__
    return f"{kind} {state}" if state else kind


def inspect_tables(
    inspector: Inspector,
    source: str,
    schema: str | None,
    format_: str,
    columns_of: Callable[[str, list[dict[str, Any]]], tuple[Column, ...]],
    rows_of: Callable[[str], int],
    bytes_of: Callable[[str], int],
    *,
    referred: Callable[[str | None, str], str] = lambda _schema, table: table,
    without: Collection[str] = (),
) -> Iterator[Table]:
    """Tables of one schema with keys, links and indexes; ``columns_of`` gives the Arrow types.

    referred: (schema, table) that a key points at -> that table's name in this source. without: tables not to list.
    """
    for name in sorted(set(inspector.get_table_names(schema=schema)) - set(without)):
        described = [dict(c) for c in inspector.get_columns(name, schema=schema)]
        keys = tuple(
            sorted(
                (
                    ForeignKey(
                        columns=tuple(k["constrained_columns"]),
                        ref_table=referred(k["referred_schema"], k["referred_table"]),
                        ref_columns=tuple(k["referred_columns"]),
                    )
                    for k in inspector.get_foreign_keys(name, schema=schema)
                    if k["constrained_columns"]
                ),
                key=lambda k: (k.columns, k.ref_table),
            )
        )
        indexes = [
            Index(
                name=i["name"] or "",
                columns=tuple(c for c in i["column_names"] if c),
                unique=bool(i.get("unique")),
            )
            for i in inspector.get_indexes(name, schema=schema)
        ]
        known = {i.columns for i in indexes}
        indexes += [
            Index(name=u["name"] or "", columns=tuple(u["column_names"]), unique=True)
            for u in inspector.get_unique_constraints(name, schema=schema)
            if tuple(u["column_names"]) not in known
        ]
        try:
            comment = inspector.get_table_comment(name, schema=schema).get("text") or ""
        except NotImplementedError:
            comment = ""
        yield Table(
            source=source,
            name=name,
            columns=columns_of(name, described),
            primary_key=tuple(inspector.get_pk_constraint(name, schema=schema)["constrained_columns"] or ()),
            foreign_keys=keys,
            indexes=tuple(sorted(indexes, key=lambda i: (i.columns, i.name))),
            rows=rows_of(name),
            bytes=bytes_of(name),
            format=format_,
            comment=comment,
        )


def columns_from(schema: pa.Schema, described: list[dict[str, Any]]) -> tuple[Column, ...]:
    """Columns with the Arrow types of ``schema`` and the catalogue's nullability and comments."""
    by_name = {d["name"]: d for d in described}
    return tuple(
        Column(
            name=f.name,
            type=str(f.type),
            nullable=bool(by_name.get(f.name, {}).get("nullable", True)),
            comment=by_name.get(f.name, {}).get("comment") or "",
            declared=_declared(by_name.get(f.name, {}).get("type")),
            generated=str((by_name.get(f.name, {}).get("computed") or {}).get("sqltext") or ""),
        )
        for f in schema
    )


def _declared(kind: Any) -> str:
    """SQLAlchemy's reflected type in its own dialect's words; empty when the column has none or it is unknown."""
    from importlib import import_module

    from sqlalchemy.exc import CompileError

    words = type(kind).__module__.split(".")
    own = words[:2] == ["sqlalchemy", "dialects"]  # else a standard type, which every dialect spells alike
    try:
        text = str(kind.compile(dialect=import_module(".".join(words[:3])).dialect())) if own else str(kind)
    except CompileError:
        return ""
    return "" if text in ("None", "NULL") else text
