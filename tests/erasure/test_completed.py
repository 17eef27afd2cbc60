"""Partners' certificates and receivers' receipts are checked and stand with the certificate of their line, once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workbench.erasure import Certificates, erase
from workbench.erasure.complete import complete, completions, take_receipt
from workbench.errors import ErasureError, VerificationError
from workbench.governance.partners import ask, follow_up, take_certificate
from workbench.ledger.keys import public_pem
from workbench.plan.model import Disposal
from workbench.records.certificate_document import write
from workbench.vault import SealedArchive

Line = Callable[..., Disposal]
THEIRS = {"partner": "courier", "contract": "C-1", "systems": "TMS", "sets": "addresses", "copies": "none",
          "sub_processors": "none", "method": "delete and overwrite", "level": "purge", "date": "2026-11-20",
          "exceptions": "tape of March", "signatory": "DPO", "evidence_sha256": "ab" * 32}
SOURCES = """[[sources]]
name = "s"
url = "sqlite:///p.sqlite"
[[assets]]
name = "safe"
kind = "device"
serial = "SN-77"
[[assets]]
name = "courier"
kind = "partner"
contract = "C-1"
"""


@pytest.fixture
def ready(bench: Any, line: Line) -> Any:
    """A table to be handed over, a partner that holds a copy, a device."""
    with sqlite3.connect(bench.folder / "p.sqlite") as db:
        db.execute("CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT)")
        db.executemany("INSERT INTO p VALUES (?, ?)", [(i, f"CANARYNAME{i:05d}") for i in range(200)])
    db.close()
    bench.open(SOURCES)
    bench.approval = bench.ready(line("D1", "s", "p", "hand_over", receiver="successor"),
                                 line("D2", "assets", "safe", "destroy_medium", level="volume"),
                                 line("D3", "assets", "courier", "destroy_medium", level="volume"))
    return bench


def receipt(bench: Any, path: Path, **changes: object) -> Path:
    """A receiver's receipt for D1, signed with a key of its own."""
    rows = next(r for r in bench.case.load(SealedArchive).rows if r.disposal == "D1")
    body = {"case": "shop", "disposal": "D1", "content": rows.content, "rows": rows.rows, "receiver": "successor",
            "received": "2026-11-24"} | changes
    key = Ed25519PrivateKey.generate()
    path.write_text(json.dumps(body | {"public_pem": public_pem(key.public_key()), "signature": key.sign(rfc8785.dumps(body)).hex()}))
    return path


def test_a_receipt_is_checked_and_joined_once(ready: Any, tmp_path: Path) -> None:
    """Another number of rows, content or receiver, or a changed byte, is refused; the true one stands with the certificate."""
    assert erase(ready.case, ready.approval).problems == ()
    for name, value in (("rows", 199), ("content", "0" * 64), ("receiver", "somebody")):
        with pytest.raises(VerificationError, match=f"names another {name}"):
            take_receipt(ready.case, "D1", receipt(ready, tmp_path / "r.json", **{name: value}), "op")
    path = receipt(ready, tmp_path / "r.json")
    told = json.loads(path.read_text())
    (tmp_path / "forged.json").write_text(json.dumps(told | {"received": "2026-11-25"}))
    with pytest.raises(VerificationError, match="not signed by the key in it"):
        take_receipt(ready.case, "D1", tmp_path / "forged.json", "op")
    with pytest.raises(VerificationError, match="cannot be read"):
        take_receipt(ready.case, "D1", ready.folder / "case.toml", "op")
    first = take_receipt(ready.case, "D1", path, "op")
    assert take_receipt(ready.case, "D1", receipt(ready, tmp_path / "later.json"), "a1") == first
    with pytest.raises(ErasureError, match="no certificate of D9"):
        complete(ready.case, "D9", "op", sort="medium", evidence={"photo": "00" * 32})
    page = write(ready.case, tmp_path / "c.html", "en", "html", "D1").read_text()
    assert first.evidence["receipt"] in page
    assert first.evidence["key"] in page


def test_a_partners_certificate_is_joined_with_its_exceptions(ready: Any, tmp_path: Path) -> None:
    """Certified before we erase, it is joined as soon as there is a certificate; what it does not cover is said."""
    ask(ready.case, "partner-002")
    assert take_certificate(ready.case, "partner-002", THEIRS, "op").state == "certified"
    assert completions(ready.case) == {}
    erase(ready.case, ready.approval)
    follow_up(ready.case)
    certificates = {c.disposal: c for c in ready.case.load(Certificates).certificates}
    assert certificates["D2"].volume == "SN-77"
    (told,) = completions(ready.case).values()
    assert (told.certificate, told.exceptions) == (certificates["D3"].id, ("tape of March",))
    assert told.evidence["evidence_sha256"] == "ab" * 32
    follow_up(ready.case)
    assert len(completions(ready.case)) == 1
    for lang in ("zh", "en"):
        assert "tape of March" in write(ready.case, tmp_path / f"{lang}.html", lang, "html", "D3").read_text()
