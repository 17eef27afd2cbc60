"""The log: appends, crashes, and everything an attacker may do to its files."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import rfc8785

from workbench.errors import LedgerError
from workbench.ledger import Ledger, Signer, note
from workbench.ledger.statement import PAYLOAD, pae, read, seal


@pytest.fixture
def key(tmp_path: Path) -> Signer:
    return Signer.create("log", tmp_path / "log.key")


@pytest.fixture
def person(tmp_path: Path) -> Signer:
    return Signer.create("ann", tmp_path / "ann.key")


@pytest.fixture
def log(tmp_path: Path, key: Signer, person: Signer) -> Ledger:
    made = Ledger.create(tmp_path / "ledger", "t", key, {})
    made.append("key/v1", {}, {"owner": "ann", "public": person.public_pem}, key, key)
    for n in range(5):
        made.append("note/v1", {"x": f"{n:064x}"}, {"n": n}, person, key)
    return made


def lines(log: Ledger) -> list[bytes]:
    return (log.folder / "entries.jsonl").read_bytes().splitlines()


def write(log: Ledger, new: list[bytes]) -> None:
    (log.folder / "entries.jsonl").write_bytes(b"".join(x + b"\n" for x in new))


def refused(log: Ledger, says: str) -> None:
    with pytest.raises(LedgerError, match=says):
        Ledger.open(log.folder).check()


def test_a_log_reads_back_and_checks(log: Ledger) -> None:
    """Seven entries, a checkpoint over all of them, readable by a fresh object."""
    again = Ledger.open(log.folder)
    assert len(again) == 7
    assert again.check().size == 7
    assert again.root_hex == log.root_hex


def test_files_are_for_their_owner_only(log: Ledger) -> None:
    """Mode 0600 on entries and checkpoint."""
    for name in ("entries.jsonl", "checkpoint"):
        assert (log.folder / name).stat().st_mode & 0o077 == 0


def test_every_single_changed_byte_is_found(log: Ledger) -> None:
    """Any byte of the entries or the checkpoint, changed in one bit."""
    for name in ("entries.jsonl", "checkpoint"):
        path = log.folder / name
        good = path.read_bytes()
        for i in range(0, len(good), 17 if name == "entries.jsonl" else 1):
            path.write_bytes(good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :])
            with pytest.raises(LedgerError):
                Ledger.open(log.folder).check()
        path.write_bytes(good)


@pytest.mark.parametrize(("attack", "says"), [
    (lambda x: [*x[:3], x[4], x[3], *x[5:]], "entry 3"),
    (lambda x: [*x[:3], *x[4:]], "entry 3"),
    (lambda x: x[:-1], "1 missing"),
    (lambda x: [*x, x[-1]], "entry 7"),
    (lambda x: [], "empty|no key|counts 7"),
])
def test_reordered_dropped_truncated_and_repeated_entries_are_named(
    log: Ledger, attack: Callable[[list[bytes]], list[bytes]], says: str
) -> None:
    """Each attack on the order is refused with the entry's number."""
    write(log, attack(lines(log)))
    refused(log, says)


def test_truncating_and_signing_anew_is_caught_by_an_older_checkpoint(log: Ledger, key: Signer, tmp_path: Path) -> None:
    """With the log's key an attacker can make a shorter log that verifies; a checkpoint kept elsewhere shows it."""
    kept = log.checkpoint()
    write(log, lines(log)[:-2])
    short = Ledger.open(log.folder)
    short._sign(key)
    short.check()
    assert len(short) < kept.size  # a witness refuses a smaller tree
    from workbench.ledger.witness import Witness

    witness = Witness.create(tmp_path / "w", "sue")
    witness.cosign(kept, log.leaves, log.log_key(), time=1)
    with pytest.raises(LedgerError, match="smaller"):
        witness.cosign(short.checkpoint(), short.leaves, short.log_key(), time=2)


def test_another_logs_entries_and_checkpoint_are_refused(log: Ledger, key: Signer, tmp_path: Path) -> None:
    """Replay of another case: its checkpoint names another origin, its entries another past."""
    other = Ledger.create(tmp_path / "other", "t", key, {})
    cp = (log.folder / "checkpoint").read_text()
    (log.folder / "checkpoint").write_text((other.folder / "checkpoint").read_text())
    refused(log, "another log")
    (log.folder / "checkpoint").write_text(cp)
    write(log, [*lines(other), *lines(log)[1:]])
    refused(log, "entry 1")


def test_a_key_that_was_never_registered_cannot_sign(log: Ledger, key: Signer, tmp_path: Path) -> None:
    """Nor can one that was revoked."""
    stranger = Signer.create("eve", tmp_path / "eve.key")
    with pytest.raises(LedgerError, match="not valid"):
        log.append("note/v1", {}, {}, stranger, key)


def test_a_revoked_key_cannot_sign_later_entries(log: Ledger, key: Signer, person: Signer) -> None:
    """Validity is by place in the log, not by a clock."""
    log.append("key/v1", {}, {"owner": "ann", "revokes": person.key_id}, key, key)
    with pytest.raises(LedgerError, match="not valid"):
        log.append("note/v1", {}, {}, person, key)


def test_a_persons_key_cannot_bring_in_another_persons(log: Ledger, key: Signer, person: Signer, tmp_path: Path) -> None:
    """Only the log's key registers people; a person may renew her own key."""
    eve = Signer.create("eve", tmp_path / "eve.key")
    with pytest.raises(LedgerError, match="may not"):
        log.append("key/v1", {}, {"owner": "eve", "public": eve.public_pem}, person, key)


@pytest.mark.parametrize("spoil", [
    lambda e, s: e | {"payloadType": "text/plain"},
    lambda e, s: e | {"extra": 1},
    lambda e, s: e | {"signatures": e["signatures"] * 2},
    lambda e, s: e | {"payload": e["payload"] + "\n"},
])
def test_confusing_envelopes_are_refused(person: Signer, spoil: Callable[[dict, dict], dict]) -> None:
    """Payload type, extra members, two signatures, base64 with white space."""
    envelope = json.loads(seal("note/v1", {}, {"seq": 0}, person))
    with pytest.raises(LedgerError):
        read(rfc8785.dumps(spoil(envelope, {})), 0)


def test_duplicate_keys_and_other_spellings_are_refused(person: Signer) -> None:
    """JSON that two parsers could read differently is refused, signed or not."""
    line = seal("note/v1", {}, {"seq": 0, "who": "a"}, person)
    envelope = json.loads(line)
    payload = base64.b64decode(envelope["payload"]).replace(b'"who":"a"', b'"who":"a","who":"b"')
    forged = {"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD, "signatures": [
        {"keyid": person.key_id, "sig": base64.b64encode(person.sign(pae(payload))).decode()}]}
    with pytest.raises(LedgerError, match="twice"):
        read(rfc8785.dumps(forged), 0)
    with pytest.raises(LedgerError, match="canonical"):
        read(line.replace(b'","payloadType"', b'", "payloadType"'), 0)


def test_floats_never_enter_signed_data(person: Signer) -> None:
    """Two languages may print a float differently."""
    with pytest.raises(LedgerError, match="float"):
        seal("note/v1", {}, {"a": [{"b": 0.5}]}, person)


def test_a_torn_tail_is_dropped_by_the_next_writer(log: Ledger, key: Signer, person: Signer) -> None:
    """Killed inside a write: half a line stays, and verification says so until somebody writes again."""
    with (log.folder / "entries.jsonl").open("ab") as f:
        f.write(b'{"payload":"abc')
    refused(log, "stray bytes")
    again = Ledger.open(log.folder)
    again.append("note/v1", {}, {}, person, key)
    assert Ledger.open(log.folder).check().size == 8


def test_a_whole_line_without_checkpoint_is_signed_for_by_the_next_writer(log: Ledger, key: Signer, person: Signer) -> None:
    """Killed between the line and the checkpoint."""
    old = (log.folder / "checkpoint").read_bytes()
    log.append("note/v1", {}, {}, person, key)
    (log.folder / "checkpoint").write_bytes(old)
    refused(log, "counts 7 entries, the ledger has 8")
    Ledger.open(log.folder).append("note/v1", {}, {}, person, key)
    assert Ledger.open(log.folder).check().size == 9


def test_a_writer_killed_at_random_moments_never_breaks_the_log(log: Ledger, tmp_path: Path) -> None:
    """kill -9 twelve times while entries pour in; after each, the log verifies after one more append."""
    code = ("import sys, pathlib\nfrom workbench.ledger import Ledger, Signer\n"
            "base = pathlib.Path(sys.argv[1]); key = Signer.load('log', base / 'log.key')\n"
            "log = Ledger.open(base / 'ledger')\nprint('go', flush=True)\n"
            "while True: log.append('note/v1', {}, {}, key, key)\n")
    for n in range(12):
        p = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
        assert p.stdout is not None
        p.stdout.readline()
        time.sleep(0.01 + 0.013 * n)
        os.kill(p.pid, signal.SIGKILL)
        p.wait()
        p.stdout.close()
    log.refresh()
    key = Signer.load("log", tmp_path / "log.key")
    log.append("note/v1", {}, {}, key, key)
    assert Ledger.open(log.folder).check().size == len(log) > 20


def test_two_writers_at_once_do_not_lose_an_entry(log: Ledger, tmp_path: Path) -> None:
    """The lock makes them take turns."""
    code = ("import sys, pathlib\nfrom workbench.ledger import Ledger, Signer\n"
            "base = pathlib.Path(sys.argv[1]); key = Signer.load('log', base / 'log.key')\n"
            "log = Ledger.open(base / 'ledger')\n"
            "for _ in range(20): log.append('note/v1', {}, {}, key, key)\n")
    before = len(log)
    runs = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [p.wait() for p in runs] == [0, 0, 0]
    assert Ledger.open(log.folder).check().size == before + 60


def test_openssl_verifies_a_checkpoint(log: Ledger, tmp_path: Path) -> None:
    """A stranger needs nothing of ours."""
    text, _, sigs = (log.folder / "checkpoint").read_text(encoding="utf-8").partition("\n\n")
    (tmp_path / "text").write_text(text + "\n", encoding="utf-8")
    (tmp_path / "sig").write_bytes(base64.b64decode(sigs.split(" ")[2])[4:])
    run = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", tmp_path / "log.pub", "-rawin",
                          "-in", tmp_path / "text", "-sigfile", tmp_path / "sig"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("text", ["", "a\n1\n", "a\n01\nAAAA\n\n— a AAAAAAA=\n", "a\n-1\n" + "A" * 44 + "\n\n— a AAAAAA==\n"])
def test_malformed_notes_are_refused(text: str) -> None:
    """Too few lines, sizes with leading zeros or signs, roots of the wrong length."""
    with pytest.raises(LedgerError):
        note.parse(text)


def test_keys_readable_by_others_and_wrong_passphrases_are_refused(tmp_path: Path) -> None:
    """The sentence says what to type."""
    Signer.create("bob", tmp_path / "bob.key", b"pass")
    with pytest.raises(LedgerError, match="WORKBENCH_KEY_BOB"):
        Signer.load("bob", tmp_path / "bob.key", b"wrong")
    (tmp_path / "bob.key").chmod(0o644)
    with pytest.raises(LedgerError, match="chmod 600"):
        Signer.load("bob", tmp_path / "bob.key", b"pass")


def test_random_names_never_read_like_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log's name or a key's id of digits only would be masked as a bank card, and its record held back."""
    from workbench.i18n import mask
    from workbench.ledger import keys

    assert mask("case/622202123456") != "case/622202123456"
    ids, real = iter(["6222021234567890"]), keys.key_id
    monkeypatch.setattr(keys, "key_id", lambda key: next(ids, real(key)))
    monkeypatch.setattr("secrets.token_hex", lambda n: "622202123456f00d" * 2)
    log = Ledger.create(tmp_path / "log", "case", Signer.create("log", tmp_path / "log.key"), {})
    assert next(ids, "") == ""
    assert mask(log.origin) == log.origin
