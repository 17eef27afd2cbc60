"""GRANTS: who may read or write each source now, against what somebody answered for.

PostgreSQL and MariaDB: the catalogue. SQLite, DuckDB and files: owner and mode of each file. Account names become keyed
labels: the register tells that a right is new and on what, and the catalogue tells whose it is.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from typing import TYPE_CHECKING

from workbench.errors import ParameterError, SourceRefused
from workbench.governance.model import Grants
from workbench.sources.credentials import password_of

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.case.config import SourceSpec

_POSTGRES = """
SELECT grantee, privilege_type, table_schema || '.' || table_name FROM information_schema.role_table_grants
 WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
UNION ALL SELECT rolname, CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'LOGIN' END, '*' FROM pg_roles WHERE rolcanlogin
"""
_MARIADB = """
SELECT grantee, privilege_type, '*' FROM information_schema.user_privileges
UNION ALL SELECT grantee, privilege_type, table_schema FROM information_schema.schema_privileges
UNION ALL SELECT grantee, privilege_type, concat(table_schema, '.', table_name) FROM information_schema.table_privileges
"""


def rights_now(case: Case) -> dict[str, tuple[str, ...]]:
    """Source -> sorted ``label privilege object`` lines, as the catalogues and file systems tell it now."""
    key = _key(case)
    return {s.name: tuple(sorted({f"{_label(key, who)} {right} {thing}" for who, right, thing in _rights(case, s)}))
            for s in case.config.sources}


def note_grants(case: Case, person: str, reason: str) -> Grants:
    """A person answers for the rights as they are now; what is there beyond them later is an incident."""
    who = case.config.person(person)
    if not {"approver", "supervisor"} & set(who.roles):
        raise ParameterError(f"{person} cannot approve access rights", "an approver or a supervisor does")
    if not reason.strip():
        raise ParameterError("approving access rights needs a reason", "say it with --reason")
    value = Grants(case_id=case.id, at=case.now(), person=who.id, reason=reason[:300], rights=rights_now(case))
    case.save(value, who.id)
    return value


def new_rights(case: Case) -> dict[str, tuple[str, ...]]:
    """Source -> rights that nobody answered for; empty before the first :func:`note_grants`."""
    then = case.find(Grants)
    if then is None:
        return {}
    now = rights_now(case)
    return {s: new for s, lines in now.items() if (new := tuple(x for x in lines if x not in then.rights.get(s, ())))}


def _rights(case: Case, spec: SourceSpec) -> list[tuple[str, str, str]]:
    scheme = spec.url.split(":", 1)[0].split("+", 1)[0]
    if scheme in ("postgresql", "mariadb", "mysql"):
        return _catalogue(spec, _POSTGRES if scheme == "postgresql" else _MARIADB, scheme)
    path = case.resolve(spec.path or spec.url.split("///", 1)[-1])
    things = [path, *(sorted(path.rglob("*")) if path.is_dir() else ())]
    found = []
    for thing in things:
        if thing.is_symlink() or not thing.exists():
            continue
        info = thing.stat()
        name = thing.relative_to(path).as_posix() if thing != path else "."
        found.append((f"uid {info.st_uid}", "owns", name))
        for who, read, write in (("group", stat.S_IRGRP, stat.S_IWGRP), ("everybody", stat.S_IROTH, stat.S_IWOTH)):
            label = f"{who} {info.st_gid}" if who == "group" else who
            found += [(label, word, name) for bit, word in ((read, "read"), (write, "write")) if info.st_mode & bit]
    return found


def _catalogue(spec: SourceSpec, query: str, scheme: str) -> list[tuple[str, str, str]]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    url = make_url(spec.url).set(drivername="postgresql+psycopg" if scheme == "postgresql" else "mysql+pymysql")
    password = password_of(spec)
    engine = create_engine(url if password is None else url.set(password=password), poolclass=NullPool)
    try:
        with engine.connect() as c:
            return [(str(a), str(b), str(d)) for a, b, d in c.execute(text(query))]
    except SQLAlchemyError as e:
        raise SourceRefused(f"{spec.name} does not tell its access rights ({type(e).__name__})",
                            "let the login read information_schema") from None
    finally:
        engine.dispose()


def _label(key: bytes, who: str) -> str:
    return "account-" + hmac.new(key, who.encode(), hashlib.sha256).hexdigest()[:8]


def _key(case: Case) -> bytes:
    path = case.private("governance-private") / "grants.key"
    if not path.exists():
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as f:
            f.write(secrets.token_bytes(32))
    return path.read_bytes()
