"""ANCHOR: what people outside said about the log: a witness's cosignatures and time stamps of an authority.

    ledger/witness/LOG-00000042-sue.note   a checkpoint of 42 entries, cosigned by sue (C2SP tlog-cosignature)
    ledger/stamps/00000042.note        a checkpoint that an RFC 3161 authority stamped
    ledger/stamps/00000042.tsr         its answer
    ledger/stamps/roots.pem            certificates that the answers lead to

Each ties the first N entries to a moment that the writer of the log does not choose. Whoever holds the log's key can
drop newer entries or write another history; neither fits an anchor any more, and an anchor kept elsewhere shows it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import LedgerError
from workbench.ledger import note
from workbench.ledger.log import CLOCK, TIME, Ledger, earlier

WITNESS, STAMPS, ROOTS = "witness", "stamps", "roots.pem"
WITNESSES = {"supervisor", "inspector", "custodian"}
"""roles whose cosignature counts"""
DOERS = {"operator", "approver"}
"""roles that cannot witness themselves"""


def may_witness(roles: Iterable[str]) -> bool:
    """Whether a person of these roles may witness: a supervisor, inspector or custodian who neither runs nor approves."""
    return bool(set(roles) & WITNESSES) and not set(roles) & DOERS


@dataclass(frozen=True)
class Anchor:
    """The first ``size`` entries stood like this when ``by`` looked at them."""

    size: int
    by: str
    at: str
    """ISO 8601, UTC, by the outside clock"""


def fits(ledger: Ledger, point: note.Checkpoint, who: str, where: str) -> None:
    """Whether ``ledger`` begins with the entries that ``point`` counts; LedgerError naming the entry."""
    if point.origin != ledger.origin:
        raise LedgerError(f"{who} signed for another log, {point.origin}", where=where)
    if point.size > len(ledger):
        raise LedgerError(f"{who} signed for {point.size} entries and the ledger has {len(ledger)}: the newest "
                          f"{point.size - len(ledger)} were dropped", where=f"entry {len(ledger)}")
    if not note.signed_by(point, ledger.log_key(point.size), point.origin):
        raise LedgerError(f"what {who} signed is not signed by the log's key of that time", where=where)
    if point.size < 1 or ledger.root_at(point.size) != point.root:
        raise LedgerError(f"the ledger is not a continuation of the {point.size} entries that {who} signed for: it was "
                          "rewritten", where=f"entry {max(point.size - 1, 0)} or before")


def cosigned(ledger: Ledger, path: Path) -> Anchor:
    """Check one cosigned checkpoint against ``ledger``; LedgerError when it is no valid one or does not fit."""
    point = _note(path)
    names = [name for name, _ in point.lines if name != point.origin]
    fits(ledger, point, ", ".join(names) or "the log", path.name)
    for name in names:
        for kid, (owner, public) in ledger.keys.items():
            time = note.cosigned_by(point, public, name) if owner == name else None
            if time is None:
                continue
            if not may_witness(roles_of(ledger, name)):
                raise LedgerError(f"{name} cosigned and is no supervisor, inspector or custodian who neither runs nor approves",
                                  where=path.name)
            if kid in ledger.revoked and kid not in ledger.standing(point.size - 1):
                raise LedgerError(f"{name} cosigned with a key that is not valid there", where=path.name)
            return _timed(ledger, Anchor(point.size, name, dt.datetime.fromtimestamp(time, dt.UTC).strftime(TIME)), path)
    raise LedgerError("no witness that the ledger knows has cosigned this checkpoint", where=path.name)


def stamped(ledger: Ledger, path: Path, roots: Path | None = None) -> Anchor:
    """Check one time stamp (``.tsr`` with its ``.note``) against ``ledger`` and the certificates in ``roots``.

    The authority's certificate must have been valid at the stamp's time (RFC 3161; RFC 5280 path by OpenSSL's rules).
    """
    from cryptography import x509
    from cryptography.utils import CryptographyDeprecationWarning
    from rfc3161_client import VerifierBuilder, decode_timestamp_response
    from rfc3161_client.errors import VerificationError as Refused

    kept = path.with_suffix(".note")
    point = _note(kept)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            answer = decode_timestamp_response(path.read_bytes())
            builder = VerifierBuilder()
            for certificate in x509.load_pem_x509_certificates((roots or path.with_name(ROOTS)).read_bytes()):
                builder = builder.add_root_certificate(certificate)
            builder.build().verify_message(answer, kept.read_bytes())
            at = answer.tst_info.gen_time.astimezone(dt.UTC).strftime(TIME)
    except Refused as e:
        raise LedgerError(f"the time stamp does not hold: {e}", where=path.name) from None
    except (OSError, ValueError, AttributeError) as e:
        raise LedgerError(f"the time stamp cannot be read ({type(e).__name__})", where=path.name) from None
    fits(ledger, point, "the time-stamp authority", kept.name)
    return _timed(ledger, Anchor(point.size, "RFC 3161", at), path)


def _timed(ledger: Ledger, anchor: Anchor, path: Path) -> Anchor:
    """What stands before the anchor cannot be later than it, what follows cannot be earlier."""
    for e in ledger.entries:
        at = str(e.predicate.get("at", ""))
        if not at:
            continue
        if e.seq < anchor.size and earlier(at, CLOCK) > anchor.at:
            raise LedgerError(f"ledger entry {e.seq} says {at}, and {anchor.by} saw it at {anchor.at} already ({path.name})",
                              where=f"entry {e.seq}")
        if e.seq >= anchor.size and at < earlier(anchor.at, CLOCK):
            raise LedgerError(f"ledger entry {e.seq} says {at}, and {anchor.by} had not seen it at {anchor.at} "
                              f"({path.name}): a clock was turned back", where=f"entry {e.seq}")
    return anchor


def not_ahead(anchor: Anchor, now: str) -> None:
    """Refuse an anchor from the future: every later entry would seem to stand before it. ``now``: ISO 8601, UTC."""
    if earlier(anchor.at, CLOCK) > now:
        raise LedgerError(f"{anchor.by} says {anchor.at}, and here it is {now}", "set the clock that is wrong, then ask again")


def anchors(ledger: Ledger) -> list[Anchor]:
    """Every anchor beside the ledger, checked; LedgerError for the first that fails or that the ledger misses."""
    for e in ledger.of_type("witness/v1"):
        for name, want in e.subjects.items():
            path = ledger.folder / name
            if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != want:
                raise LedgerError(f"{name}, for which ledger entry {e.seq} signed, is missing or was changed",
                                  where=f"entry {e.seq}")
    found = [cosigned(ledger, p) for p in files(ledger.folder / WITNESS, ".note")]
    found += [stamped(ledger, p) for p in files(ledger.folder / STAMPS, ".tsr")]
    return sorted(found, key=lambda a: a.size)


def files(folder: Path, suffix: str) -> Iterator[Path]:
    """Regular files of that suffix in ``folder``, by name."""
    return (p for p in sorted(folder.glob(f"*{suffix}")) if p.is_file() and not p.is_symlink())


def clocks(ledger: Ledger) -> None:
    """Entries follow one another in time, give or take :data:`CLOCK` seconds; LedgerError naming the entry."""
    last = ""
    for e in ledger.entries:
        at = str(e.predicate.get("at", ""))
        if at and at < earlier(last, CLOCK):
            raise LedgerError(f"ledger entry {e.seq} says {at}, an entry before it says {last}: a clock was turned back",
                              where=f"entry {e.seq}")
        last = max(last, at)


def roles_of(ledger: Ledger, person: str) -> set[str]:
    """Roles that the log's own key last registered for ``person``."""
    told = [set(e.predicate["roles"]) for e in ledger.entries
            if e.type in ("key/v1", "roles/v1") and e.predicate.get("owner") == person and "roles" in e.predicate]
    return told[-1] if told else set()


def request(checkpoint: bytes) -> bytes:
    """The question for an RFC 3161 authority (DER): SHA-256 of a checkpoint's bytes, a nonce, certificates wanted."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    made: Any = TimestampRequestBuilder().data(checkpoint).hash_algorithm(HashAlgorithm.SHA256)
    return bytes(made.nonce(nonce=True).cert_request(cert_request=True).build().as_bytes())


def _note(path: Path) -> note.Checkpoint:
    try:
        return note.parse(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError):
        raise LedgerError("the cosigned checkpoint cannot be read", where=path.name) from None
