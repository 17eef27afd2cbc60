"""STORES: the engine behind a source's URL."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.errors import ErasureError

if TYPE_CHECKING:
    from workbench.erasure.job import Context
    from workbench.erasure.sqlstore import SqlStore

ENGINES = {
    "sqlite": ("sqlite", "SqliteStore"),
    "postgresql": ("postgres", "PostgresStore"), "postgres": ("postgres", "PostgresStore"),
    "mariadb": ("mariadb", "MariaStore"), "mysql": ("mariadb", "MariaStore"),
    "duckdb": ("duckdb", "DuckStore"),
}


def open_store(engine: str, context: Context) -> SqlStore:
    """The store for an engine's name; not connected yet."""
    if engine not in ENGINES:
        raise ErasureError(f"erasure does not know the engine {engine!r}", "use one of: " + ", ".join(sorted(ENGINES)),
                           where=context.spec.name)
    module, name = ENGINES[engine]
    made: Any = getattr(import_module(f"workbench.erasure.{module}"), name)
    store: SqlStore = made(context.spec, context.case.folder, context.case.config.case.timezone)
    return store
