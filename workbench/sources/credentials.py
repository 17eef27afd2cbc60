"""CREDENTIALS: case.toml names where a password is; this fetches it, and never prints it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import SourceRefused

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from workbench.case.config import SourceSpec


def password_of(spec: SourceSpec) -> str | None:
    """The password of a source from its environment variable or keyring entry; None when it names neither.

    Raises: SourceRefused when the variable is unset or the entry is absent.
    """
    if spec.password_env:
        value = os.environ.get(spec.password_env)
        if value is None:
            raise SourceRefused(
                f"the environment variable {spec.password_env} is not set",
                f"export {spec.password_env}=...",
                where=spec.name,
            )
        return value
    if spec.password_keyring:
        import keyring
        from keyring.errors import KeyringError

        service, _, user = spec.password_keyring.partition("/")
        try:
            value = keyring.get_password(service, user)
        except KeyringError as e:
            raise SourceRefused(
                f"the keyring did not answer ({type(e).__name__})",
                "unlock it, or use password_env instead",
                where=spec.name,
            ) from None
        if value is None:
            raise SourceRefused(
                f"the keyring has no entry {spec.password_keyring}",
                f"keyring set {service} {user}",
                where=spec.name,
            )
        return value
    return None


def database_url(spec: SourceSpec, base: Path) -> URL:
    """SQLAlchemy URL of a database source with its password in place: for rooms that open their own connection."""
    from sqlalchemy.engine import make_url

    url = make_url(spec.url)
    password = password_of(spec)
    if password is not None:
        url = url.set(password=password)
    if url.get_backend_name() in ("sqlite", "duckdb") and url.database:
        path = Path(url.database)
        url = url.set(database=str(path if path.is_absolute() else base / path))
    return url
