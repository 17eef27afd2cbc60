"""A right given in PostgreSQL behind our back opens an incident, and names no account."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.governance.conftest import TOML
from workbench.case import Case
from workbench.errors import ParameterError
from workbench.governance.grants import note_grants
from workbench.governance.watch import watch

SERVERS = Path(__file__).parents[1] / "erasure"


def test_a_grant_in_postgresql_opens_an_incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SERVERS))
    import servers

    if not (servers.PG_BIN / "initdb").exists():
        pytest.skip("no PostgreSQL server on this machine")
    with servers.server_folder() as folder:
        server = servers.Postgres(folder)
        try:
            server.sql("CREATE TABLE customers (id int PRIMARY KEY, phone text)")
            url = f"postgresql://postgres@127.0.0.1:{server.port}/postgres"
            (tmp_path / "case.toml").write_text(
                TOML.replace("@OP@", '["operator"]').replace("@PLACES@", '["CN"]').replace("sqlite:///data/shop.sqlite", url),
                encoding="utf-8")
            case = Case.open(tmp_path)
            case.begin()
            with pytest.raises(ParameterError, match="cannot approve"):
                note_grants(case, "op", "x")
            note_grants(case, "ann", "as of the closing")
            assert watch(case) == ()
            server.sql("CREATE ROLE zhangwei LOGIN")
            server.sql("GRANT SELECT ON customers TO zhangwei")
            (found,) = watch(case)
            assert (found.sort, found.origin, found.records) == ("misuse", "grants", 2)
            assert "zhangwei" not in found.canonical().decode()
            note_grants(case, "sue", "auditor's login")
        finally:
            server.stop()
