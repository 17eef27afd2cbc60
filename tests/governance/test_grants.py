"""A right given in a database behind our back opens an incident, and names no account."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.governance.conftest import TOML
from workbench.case import Case
from workbench.errors import ParameterError
from workbench.governance.grants import note_grants
from workbench.governance.watch import watch

SERVERS = Path(__file__).parents[1] / "erasure"
GIVE = {
    "postgresql": ("CREATE ROLE zhangwei LOGIN", "GRANT SELECT ON customers TO zhangwei"),
    "mariadb": ("CREATE USER zhangwei@localhost", "GRANT SELECT ON shop.customers TO zhangwei@localhost"),
}


@pytest.mark.parametrize("store", GIVE)
def test_a_grant_opens_an_incident(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SERVERS))
    import servers

    there = (servers.PG_BIN / "initdb").exists() if store == "postgresql" else shutil.which("mariadb-install-db")
    if not there:
        pytest.skip(f"no {store} server on this machine")
    with servers.server_folder() as folder:
        server = servers.Postgres(folder) if store == "postgresql" else servers.Maria(folder)
        try:
            if store == "mariadb":
                server.sql("CREATE DATABASE shop")
            name = "postgres" if store == "postgresql" else "shop"
            server.sql("CREATE TABLE customers (id int PRIMARY KEY, phone text)", name)
            url = f"{store}://{'postgres' if store == 'postgresql' else 'root'}@127.0.0.1:{server.port}/{name}"
            (tmp_path / "case.toml").write_text(
                TOML.replace("@OP@", '["operator"]').replace("@PLACES@", '["CN"]').replace("sqlite:///data/shop.sqlite", url),
                encoding="utf-8")
            case = Case.open(tmp_path)
            case.begin()
            with pytest.raises(ParameterError, match="cannot approve"):
                note_grants(case, "op", "x")
            note_grants(case, "ann", "as of the closing")
            assert watch(case) == ()
            for statement in GIVE[store]:
                server.sql(statement, name)
            (found,) = watch(case)
            assert (found.sort, found.origin, found.records) == ("misuse", "grants", 2)
            assert "zhangwei" not in found.canonical().decode()
            note_grants(case, "sue", "auditor's login")
        finally:
            server.stop()
