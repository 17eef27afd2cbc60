"""COMPLETE: what people and other companies did, joined to the certificate of its line: a partner's certificate, a
receiver's signed receipt. The certificate itself stays as it was signed; the completion points at it and is noted in the
ledger by whoever took the evidence in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.erasure.model import Certificate, Certificates, Completion, Erasure
from workbench.errors import ErasureError, VerificationError

if TYPE_CHECKING:
    from workbench.case import Case

RECEIPT = ("case", "disposal", "content", "rows", "receiver", "received")
"""fields of a receipt, besides ``public_pem`` and ``signature`` (hex Ed25519 over the canonical JSON of the others)"""


def completions(case: Case) -> dict[str, Completion]:
    """Certificate id -> what completed it, for the newest run."""
    return {c.certificate: c for c in case.history(Completion)}


def certificate_of(case: Case, disposal: str) -> Certificate:
    """The closed certificate of a line of the plan.

    Raises:
        ErasureError: nothing was carried out yet, or the plan has no such line.
    """
    run = next((e for e in reversed(case.history(Erasure)) if e.certificates), None)
    held = case.read(Certificates, run.certificates).certificates if run else ()
    found = next((c for c in held if c.disposal == disposal), None)
    if found is None:
        raise ErasureError(f"there is no certificate of {disposal} yet", f"workbench run {case.folder} erase")
    return found


def complete(case: Case, disposal: str, person: str, *, sort: str, evidence: Mapping[str, str],
             exceptions: tuple[str, ...] = ()) -> Completion:
    """Join evidence (name -> SHA-256 or a short word) to the certificate of ``disposal``; ``person`` signs.

    A second call returns the first completion.

    Raises:
        ErasureError: no certificate yet, one that waits for nothing, or no evidence.
    """
    certificate = certificate_of(case, disposal)
    if (first := completions(case).get(certificate.id)) is not None:
        return first
    if certificate.verdict != "TASK" and certificate.action != "hand_over":
        raise ErasureError(f"the certificate of {disposal} waits for nothing", "name a medium, a partner or a hand-over")
    if not evidence:
        raise ErasureError("there is no evidence", "name at least one document by its digest")
    value = Completion(case_id=case.id, certificate=certificate.id, disposal=disposal, plan=certificate.plan, sort=sort,
                       at=case.now(), person=case.config.person(person).id, evidence=dict(evidence), exceptions=exceptions)
    case.save(value, person)
    return value


def take_receipt(case: Case, disposal: str, receipt: Path, person: str) -> Completion:
    """Check a receiver's signed receipt against what was sealed for it, and join it to the certificate.

    Raises:
        ErasureError: the line hands nothing over. VerificationError: a field or the signature is wrong.
    """
    import rfc8785

    from workbench.ledger.keys import key_id, parse_public, verify
    from workbench.vault.archive import SealedArchive

    certificate = certificate_of(case, disposal)
    rows = next((r for r in reversed(case.load(SealedArchive).rows) if r.disposal == disposal), None)
    if certificate.action != "hand_over" or rows is None:
        raise ErasureError(f"{disposal} hands nothing over", "name a line of the plan with the action hand_over")

    def refuse(what: str) -> VerificationError:
        return VerificationError(f"the receipt {what}", "ask the receiver for another", where=receipt.name)

    data = receipt.read_bytes()
    try:
        told = json.loads(data)
        body = rfc8785.dumps({k: told[k] for k in RECEIPT})
        public, signature = parse_public(told["public_pem"]), bytes.fromhex(told["signature"])
    except Exception:  # it comes from outside: whatever is wrong with it, it is no receipt
        raise refuse("cannot be read") from None
    want = {"case": case.id, "disposal": disposal, "content": rows.content, "rows": rows.rows, "receiver": certificate.receiver}
    for name, value in want.items():
        if told[name] != value:
            raise refuse(f"names another {name}")
    if not verify(public, signature, body):
        raise refuse("is not signed by the key in it")
    return complete(case, disposal, person, sort="receipt", evidence={
        "receipt": hashlib.sha256(data).hexdigest(), "key": key_id(public), "received": str(told["received"])[:10]})
