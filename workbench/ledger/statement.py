"""STATEMENT: one thing that somebody says happened, as an in-toto Statement v1 in a DSSE envelope.

The signed bytes are DSSE's pre-authentication encoding of RFC 8785 JSON. Every statement carries its place in
the log (``seq``) and the root before it (``prev``), so an entry cannot be moved even by its signer. Signed data
hold integers and strings only, and never customer data: the log cannot be erased.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import rfc8785

from workbench.errors import LedgerError
from workbench.ledger.keys import Signer

STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD = "application/vnd.in-toto+json"
PREDICATES = "urn:winddown-workbench:"
MAX_ENTRY = 65_535
"""bytes; the limit of C2SP tlog-tiles entry bundles"""


def pae(payload: bytes) -> bytes:
    """DSSE v1 pre-authentication encoding of ``payload``."""
    kind = PAYLOAD.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True)
class Entry:
    """A statement read back from the log."""

    seq: int
    type: str
    """step/v1, approval/v1, key/v1, genesis/v1, ..."""
    subjects: dict[str, str]
    """name -> SHA-256 hex"""
    predicate: dict[str, Any]
    key_id: str
    signature: bytes
    payload: bytes
    line: bytes = field(repr=False)
    """the bytes in the log, without the newline"""


def seal(type_: str, subjects: dict[str, str], predicate: dict[str, Any], signer: Signer) -> bytes:
    """The line that states ``predicate`` of ``subjects``, signed; LedgerError when over 64 KiB or holding a float."""
    _no_floats(predicate, "predicate")
    statement: Any = {
        "_type": STATEMENT,
        "subject": [{"name": n, "digest": {"sha256": d}} for n, d in sorted(subjects.items())],
        "predicateType": PREDICATES + type_,
        "predicate": predicate,
    }
    payload = rfc8785.dumps(statement)
    envelope: Any = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD,
        "signatures": [{"keyid": signer.key_id, "sig": base64.b64encode(signer.sign(pae(payload))).decode()}],
    }
    line = rfc8785.dumps(envelope)
    if len(line) > MAX_ENTRY:
        raise LedgerError(f"an entry has {len(line)} bytes; the limit is {MAX_ENTRY}")
    return line


def read(line: bytes, seq: int) -> Entry:
    """Parse one line strictly: canonical JSON, one signature, known types, ``seq`` as it stands.

    Raises:
        LedgerError: naming the entry and what is wrong with it.
    """
    where = f"entry {seq}"
    try:
        envelope = _strict(line)
        if set(envelope) != {"payload", "payloadType", "signatures"} or envelope["payloadType"] != PAYLOAD:
            raise ValueError("is not a DSSE envelope of an in-toto statement")
        payload = _b64(envelope["payload"])
        (only,) = envelope["signatures"]
        if set(only) != {"keyid", "sig"}:
            raise ValueError("has a malformed signature")
        if rfc8785.dumps(envelope) != line:
            raise ValueError("is not in canonical form")
        statement = _strict(payload)
        if rfc8785.dumps(statement) != payload:
            raise ValueError("holds a payload that is not in canonical form")
        if statement["_type"] != STATEMENT or not statement["predicateType"].startswith(PREDICATES):
            raise ValueError("is of an unknown type")
        predicate = statement["predicate"]
        subjects = {s["name"]: s["digest"]["sha256"] for s in statement["subject"]}
        if predicate.get("seq") != seq:
            raise ValueError(f"says it is entry {predicate.get('seq')}: moved, dropped or replayed")
        return Entry(seq, statement["predicateType"].removeprefix(PREDICATES), subjects, predicate,
                     only["keyid"], _b64(only["sig"]), payload, line)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        ours = type(e) is ValueError and str(e).startswith(("is ", "has ", "holds ", "says "))
        reason = str(e) if ours else "cannot be read"
        raise LedgerError(f"ledger entry {seq} {reason}", where=where) from None


def _strict(data: bytes) -> dict[str, Any]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({k for k, _ in items}) != len(items):
            raise ValueError("holds a key twice")
        return dict(items)

    value = json.loads(data.decode("utf-8"), object_pairs_hook=pairs)
    if not isinstance(value, dict):
        raise ValueError("is not an object")
    return value


def _b64(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("holds base64 that is not canonical")
    return raw


def _no_floats(value: Any, where: str) -> None:
    if isinstance(value, float):
        raise LedgerError(f"{where} holds a float; signed data hold integers and strings only")
    if isinstance(value, dict):
        for k, v in value.items():
            _no_floats(v, f"{where}.{k}")
    elif isinstance(value, list | tuple):
        for v in value:
            _no_floats(v, where)
