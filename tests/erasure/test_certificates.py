"""Certificates: opened before, closed after, signed; each kind of forgery is refused by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.erasure import Certificates, erase, verify_certificate
from workbench.erasure.model import Certificate
from workbench.errors import VerificationError
from workbench.plan.model import Disposal


@pytest.fixture
def done(bench: Any, make_shop: Callable[..., None], shop_plan: list[Disposal]) -> Any:
    make_shop(bench.folder / "shop.sqlite", rows=120)
    bench.open('[[sources]]\nname = "shop"\nurl = "sqlite:///shop.sqlite"\n')
    bench.result = erase(bench.case, bench.ready(*shop_plan))
    return bench


def keys(bench: Any) -> list[str]:
    return list(bench.case.ledger.keys)


def test_genuine_certificates_pass(done: Any) -> None:
    """Every certificate of a real run verifies against the ledger's keys, the plan and the planned counts."""
    planned = {r.disposal: r.planned for r in done.result.disposals}
    seen: set[str] = set()
    for c in done.case.load(Certificates).certificates:
        verify_certificate(c, keys=keys(done), plan=done.result.plan, planned=planned, seen=seen)
    assert len(seen) == 7


@pytest.mark.parametrize(("change", "message"), [
    ({"deleted": 1}, "changed after"), ({"planned": 0}, "changed after"), ({"control_hits": 0}, "changed after"),
    ({"verdict": "VOLUME_CLEAN"}, "changed after"), ({"state": "open"}, "never closed"), ({"signature": "zz"}, "damaged"),
])
def test_a_changed_field_is_refused(done: Any, change: dict[str, Any], message: str) -> None:
    """A changed count, control, verdict or state breaks the signature."""
    clean = next(x for x in done.case.load(Certificates).certificates if x.verdict == "STORE_CLEAN" and x.deleted > 1)
    c = clean.model_copy(update=change)
    with pytest.raises(VerificationError, match=message):
        verify_certificate(c, keys=keys(done))


def resigned(bench: Any, certificate: Certificate, **change: Any) -> Certificate:
    """Changed and signed again with the operator's own key: an insider's forgery."""
    body = certificate.model_copy(update={**change, "signature": ""})
    return body.model_copy(update={"signature": bench.case.signer("op").sign(body.canonical()).hex()})


def test_an_insiders_forgery_is_refused(done: Any) -> None:
    """Re-signed claims without control, with residue, with other counts, with one approver or another plan fail."""
    clean = next(c for c in done.case.load(Certificates).certificates if c.verdict == "STORE_CLEAN")
    planned = {r.disposal: r.planned for r in done.result.disposals}
    for change, message in (
            ({"control_sha256": ""}, "without a positive control"), ({"residual_hits": 3}, "counts residue"),
            ({"approvers": ("a1",)}, "two approvers"), ({"plan": "f" * 64}, "another plan"),
            ({"planned": clean.planned + 1}, "were planned"),
            ({"planned": clean.planned + 1, "deleted": clean.deleted + 1, "suppressed": clean.suppressed + 1},
             "another number")):
        with pytest.raises(VerificationError, match=message):
            verify_certificate(resigned(done, clean, **change), keys=keys(done), plan=done.result.plan, planned=planned)


def test_a_foreign_key_and_a_copy_are_refused(done: Any, tmp_path: Path) -> None:
    """A signature of a key that the ledger does not know, and the same certificate twice, are refused."""
    from workbench.ledger import Signer

    c = done.case.load(Certificates).certificates[0]
    foreign = Signer.create("x", tmp_path / "x.key")
    body = c.model_copy(update={"signature": "", "key_id": foreign.key_id, "public_pem": foreign.public_pem})
    fake = body.model_copy(update={"signature": foreign.sign(body.canonical()).hex()})
    with pytest.raises(VerificationError, match="does not know"):
        verify_certificate(fake, keys=keys(done))
    seen: set[str] = set()
    verify_certificate(c, keys=keys(done), seen=seen)
    with pytest.raises(VerificationError, match="twice"):
        verify_certificate(c, keys=keys(done), seen=seen)


def test_no_value_and_no_needle_is_written_anywhere(done: Any) -> None:
    """Ledger, saved values, private state and archive manifests hold no canary; control keys are destroyed."""
    shutil.rmtree(done.folder / "vault")  # sealed objects are checked elsewhere
    (done.folder / "shop.sqlite").unlink()
    for path in done.folder.rglob("*"):
        if path.is_file():
            assert b"CANARY" not in path.read_bytes(), path.name
            assert path.suffix != ".key" or path.parent.name == "keys", path.name
