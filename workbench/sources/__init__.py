"""SOURCES: databases, files and folders, read as Arrow batches without changing a byte of them.

In goes a place (an entry of case.toml, or whatever a person types after ``workbench scan``); out comes a
:class:`~workbench.sources.base.Source` that lists its tables and streams each one.

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "clients.csv").write_text("id,phone\\n1,x\\n", encoding="utf-8")
    >>> with open_location(str(folder)) as source:
    ...     [(t.name, t.rows, [c.name for c in t.columns]) for t in source.tables()]
    [('clients.csv', 1, ['id', 'phone'])]
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import ParameterError, SourceMissing, SourceRefused, SourceUnreadable
from workbench.sources.base import Source

if TYPE_CHECKING:
    from workbench.case.config import SourceSpec

__all__ = ["open_location", "open_source"]

_URL = re.compile(r"^[A-Za-z][\w+.-]*://")
_PASSWORD = re.compile(r"^[\w+.-]+://[^/@:]*:[^/@]+@")
LOCATION_PASSWORD_ENV = "WORKBENCH_SOURCE_PASSWORD"


def open_source(spec: SourceSpec, base: Path) -> Source:
    """The source that ``spec`` names; relative places are relative to ``base`` (the case folder).

    Raises: SourceMissing, SourceRefused, SourceUnreadable.
    """
    from workbench.sources.credentials import password_of

    if spec.path:
        path = Path(spec.path)
        return _open_path(path if path.is_absolute() else base / path, spec.name)
    return _open_url(spec.url, spec.name, base, password_of(spec), spec.schema_)


def open_location(location: str, name: str = "", password_env: str = "") -> Source:
    """A database URL, a file or a folder, as typed on a command line.

    A password is never taken from the command line: put it in the variable ``password_env`` names, or in
    ``WORKBENCH_SOURCE_PASSWORD``.
    """
    if not location:
        raise ParameterError("the source is empty", "name a database URL, a file or a folder")
    if not _URL.match(location):
        path = Path(location)
        return _open_path(path, name or _name(path.resolve().stem or "source"))
    if _PASSWORD.match(location):
        raise ParameterError(
            "the address holds a password, and a command line is visible to others",
            f"take it out and type: export {LOCATION_PASSWORD_ENV}=...",
        )
    password = os.environ.get(password_env or LOCATION_PASSWORD_ENV)
    if password_env and password is None:
        raise SourceRefused(f"the environment variable {password_env} is not set", f"export {password_env}=...")
    return _open_url(location, name, Path.cwd(), password, "")


def _open_path(path: Path, name: str) -> Source:
    if not path.exists():
        raise SourceMissing("there is no such file or folder", "check the path", where=str(path))
    if path.is_file():
        with path.open("rb") as f:
            head = f.read(16)
        if head == b"SQLite format 3\0":
            from workbench.sources.sqlite import SqliteSource

            return SqliteSource(path, name)
        if head[8:12] == b"DUCK":
            from workbench.sources.duckdb import DuckdbSource

            return DuckdbSource(path, name)
    from workbench.sources.files import FilesSource

    return FilesSource(path, name)


def _open_url(text: str, name: str, base: Path, password: str | None, schema: str) -> Source:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ParameterError(
            "the address is not a database URL", "write it like postgresql://user@host/database"
        ) from None
    backend = url.get_backend_name()
    if backend in ("sqlite", "duckdb"):
        if not url.database or url.database == ":memory:":
            raise ParameterError("the address names no file", f"write it like {backend}:///shop.db")
        path = Path(url.database)
        path = path if path.is_absolute() else base / path
        name = name or _name(path.stem)
        if not path.is_file():
            raise SourceMissing("there is no such database file", "check the path", where=str(path))
        if backend == "sqlite":
            from workbench.sources.sqlite import SqliteSource

            return SqliteSource(path, name)
        from workbench.sources.duckdb import DuckdbSource

        return DuckdbSource(path, name)
    if password is not None:
        url = url.set(password=password)
    name = name or _name(url.database or backend)
    if backend == "postgres":
        raise ParameterError("the address begins with postgres://", "write it like postgresql://user@host/database")
    if backend == "postgresql":
        from workbench.sources.postgres import PostgresSource

        return PostgresSource(url, name, schema)
    if backend in ("mariadb", "mysql"):
        from workbench.sources.mariadb import MariadbSource

        return MariadbSource(url, name, schema)
    raise SourceUnreadable(
        f"{backend} is not an engine this version reads",
        "export the tables to Parquet or CSV and name that folder",
    )


def _name(text: str) -> str:
    """A source name made from a file or database name."""
    cleaned = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:48]
    return cleaned if re.match(r"^[a-z]", cleaned) else f"s-{cleaned}".strip("-")[:48] if cleaned else "source"
