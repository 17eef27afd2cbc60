"""OUTSIDE: what ties a case's ledger to people and clocks that are not the operator's, and how keys change hands.

    workbench witness new FOLDER CASE --as sue     on the supervisor's own stick: a key, an empty memory
    workbench witness sign FOLDER CASE             cosign the ledger as it stands (a bundle may be named too)
    workbench witness add CASE NOTE                the operator lays a cosigned checkpoint into the case
    workbench witness stamp CASE                      a question for an RFC 3161 authority; --reply lays the answer in
    workbench key rotate CASE --as op              a successor, signed by the old key and by the new one
"""

from __future__ import annotations

import base64
import hashlib
import time
from pathlib import Path

from workbench.case.case import Case
from workbench.errors import CaseError, LedgerError
from workbench.i18n.masks import mask
from workbench.ledger import Ledger, Signer, anchor, note, write_durably
from workbench.ledger.keys import key_id, parse_public, passphrase, raw_public
from workbench.ledger.log import LOG_KEY, successor_text
from workbench.ledger.witness import Witness, note_name


def new_witness(folder: Path, case: Case, person: str) -> str:
    """Make a witness's key and memory in ``folder`` and lay its public half into the case; returns its key in hex.

    Raises:
        CaseError: not a supervisor, inspector or custodian, or the folder exists, or the case has another key for them.
    """
    who = case.config.person(person)
    if not anchor.may_witness(who.roles):
        able = ", ".join(p.id for p in case.config.people if anchor.may_witness(p.roles)) or "nobody yet"
        raise CaseError(f"{person} may not witness", f"a supervisor, inspector or custodian who neither runs nor approves: {able}")
    target = case.private("keys") / f"{person}.pub"
    if target.exists():
        raise CaseError(f"{person} has a key in this case already", "name another supervisor, or sign with that key",
                        where=str(target))
    if folder.exists():
        raise CaseError(f"{folder} exists", "name a folder that does not, on the witness's own medium")
    witness = Witness.create(folder, person, passphrase(person))
    witness.signer.publish(target)
    case.enrol(person)
    return raw_public(witness.signer.public).hex()


def cosign(folder: Path, target: Path) -> tuple[Path, note.Checkpoint]:
    """Cosign the ledger of a case folder or a bundle with the witness in ``folder``; returns the note kept there."""
    names = [p.stem for p in folder.glob("*.key")] if folder.is_dir() else []
    if len(names) != 1:
        raise LedgerError("there is no witness", "workbench witness new FOLDER CASE --as PERSON", where=str(folder))
    witness = Witness.open(folder, names[0], passphrase(names[0]))
    ledger = Ledger.open(_ledger_of(target))
    point = ledger.check()
    seen = [note.parse(p.read_text(encoding="utf-8"), p.name) for p in anchor.files(ledger.folder / anchor.WITNESS, ".note")]
    signed = witness.cosign(point, ledger.leaves, ledger.log_key(), time=int(time.time()), seen=seen)
    return folder / "notes" / note_name(point, witness.name), signed


def add_note(case: Case, path: Path) -> anchor.Anchor:
    """Lay a cosigned checkpoint into the case and say so in the ledger; LedgerError when it does not fit."""
    found = anchor.cosigned(case.ledger, path)
    anchor.not_ahead(found, case.now())
    data = path.read_bytes()
    name = note_name(note.parse(data.decode(), path.name), found.by)  # whatever the file is called where it comes from
    target = _private(case, anchor.WITNESS) / name
    if target.exists():
        if target.read_bytes() == data:
            return found
        raise LedgerError(f"{found.by} has cosigned the first {found.size} entries already", "sign again when the ledger has grown",
                          where=str(target))
    write_durably(target, data)
    case.append("witness/v1", {f"{anchor.WITNESS}/{name}": hashlib.sha256(data).hexdigest()},
                {"person": case.operator(), "witness": found.by, "size": found.size, "at": case.now()}, case.operator())
    return found


def ask_stamp(case: Case) -> Path:
    """Write the question for a time-stamp authority over the checkpoint as it stands; returns its path."""
    size = case.ledger.check().size
    folder = _private(case, anchor.STAMPS)
    kept = folder / f"{size:08d}.note"
    write_durably(kept, (case.ledger.folder / "checkpoint").read_bytes())
    question = folder / f"{size:08d}.tsq"
    write_durably(question, anchor.request(kept.read_bytes()))
    return question


def add_stamp(case: Case, reply: Path, roots: Path) -> anchor.Anchor:
    """Lay an authority's answer to the newest question into the case; LedgerError when it does not hold."""
    folder = _private(case, anchor.STAMPS)
    asked = sorted(folder.glob("*.tsq"))
    if not asked:
        raise LedgerError("no time stamp was asked for", f"workbench witness stamp {case.folder}")
    kept = folder / anchor.ROOTS
    before = kept.read_bytes() if kept.exists() else b""
    pem = roots.read_bytes()
    target = asked[-1].with_suffix(".tsr")
    if target.exists():
        raise LedgerError("the newest question has its answer already", f"workbench witness stamp {case.folder} asks a new one")
    write_durably(target, reply.read_bytes())
    try:
        if pem not in before:
            write_durably(kept, before + pem)
        found = anchor.stamped(case.ledger, target)
        anchor.not_ahead(found, case.now())
    except LedgerError:
        target.unlink()
        if before:
            write_durably(kept, before)
        else:
            kept.unlink(missing_ok=True)
        raise
    names = [target.with_suffix(".note"), target]
    case.append("witness/v1", {f"{anchor.STAMPS}/{p.name}": hashlib.sha256(p.read_bytes()).hexdigest() for p in names},
                {"person": case.operator(), "witness": found.by, "size": found.size, "at": case.now()}, case.operator())
    return found


def rotate(case: Case, person: str) -> str:
    """Give ``person`` (or ``log``) a new key that the old one brings in; returns its id. The old one signs no more.

    The old public half stays as ``keys/<id>.<key id>.pub`` for whoever checks old entries; the old private half is
    deleted. A killed rotation is finished, or taken back, by the next one.
    """
    _settle(case, person)
    keys = case.private("keys")
    old = case.signer(person)
    fresh = Signer.create(f"{person}.next", keys / f"{person}.next.key", passphrase(person))
    proof = fresh.sign(successor_text(case.ledger.origin, old.key_id, fresh.key_id))
    log = fresh if person == LOG_KEY else case.signer(LOG_KEY)
    case.ledger.append("key/v1", {}, {"owner": person, "public": fresh.public_pem, "at": case.now(),
                                      "proof": base64.b64encode(proof).decode()}, old, log)
    _settle(case, person)
    return fresh.key_id


def _settle(case: Case, person: str) -> None:
    """Put the key that the ledger knows in its place; a key that it never heard of is dropped."""
    keys = case.private("keys")
    fresh = keys / f"{person}.next.key"
    if not fresh.exists():
        return
    signer = Signer.load(f"{person}.next", fresh, passphrase(person))
    case.ledger.refresh()
    if signer.key_id in case.ledger.keys:
        for kid, (owner, _) in case.ledger.keys.items():
            retired = keys / f"{person}.{kid}.pub"
            if owner == person and kid in case.ledger.revoked and not retired.exists():
                retired.write_bytes((keys / f"{person}.pub").read_bytes())
        signer.publish(keys / f"{person}.pub")
        fresh.replace(keys / f"{person}.key")
    else:
        fresh.unlink()
    fresh.with_suffix(".pub").unlink(missing_ok=True)
    case._signers.pop(person, None)


def revoke(case: Case, key: str, reason: str) -> None:
    """Declare a key (its id) invalid from here on, e.g. because it was stolen; the log's key says so."""
    found = [k for k in case.ledger.keys if k.startswith(key)] if len(key) >= 8 else []
    if len(found) != 1:
        raise LedgerError(f"the ledger knows no single key {key}",
                          f"workbench key list {case.folder} names them; give 8 or more characters")
    if found[0] in case.ledger.revoked:
        raise LedgerError(f"the key {found[0]} signs no more already", f"workbench key list {case.folder}")
    owner = case.ledger.keys[found[0]][0]
    keys = case.private("keys")
    log = case.signer(LOG_KEY)
    case.ledger.append("key/v1", {}, {"owner": owner, "revokes": found[0], "reason": mask(reason[:200]), "at": case.now()}, log, log)
    current = keys / f"{owner}.pub"
    if current.exists() and key_id(parse_public(current.read_text(encoding="ascii"))) == found[0]:
        current.replace(keys / f"{owner}.{found[0]}.pub")
        (keys / f"{owner}.key").unlink(missing_ok=True)
    case._signers.pop(owner, None)


def _ledger_of(target: Path) -> Path:
    for part in ("ledger", "data/ledger"):
        if (target / part / "entries.jsonl").is_file():
            return target / part
    raise LedgerError("there is no ledger", "name a case folder or a bundle", where=str(target))


def _private(case: Case, name: str) -> Path:
    return case.private("ledger", name)


