"""What people outside saw: cosignatures, time stamps, keys that changed hands; each attack is refused and named."""

from __future__ import annotations

import datetime as dt
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.case import Case, outside
from workbench.errors import CaseError, LedgerError
from workbench.ledger import Ledger, Signer, note
from workbench.ledger.statement import seal
from workbench.records.verify import verify


@pytest.fixture
def case(make_case: Callable[..., Path]) -> Case:
    made = Case.open(make_case())
    made.begin()
    for n in range(5):
        say(made, n)
    return made


def say(case: Case, n: int) -> None:
    case.append("note/v1", {}, {"n": n, "at": case.now()}, "op")


def say_often(case: Case) -> None:
    for n in range(20):
        say(case, n)


def refused(case: Case, *says: str) -> str:
    report = verify(case.folder)
    assert not report.ok
    for word in says:
        assert word in str(report), str(report)
    return str(report)


@pytest.fixture
def witness(case: Case, tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    outside.new_witness(folder, case, "sue")
    return folder


def cosign(case: Case, witness: Path) -> Path:
    path, _ = outside.cosign(witness, case.folder)
    outside.add_note(case, path)
    return path


def rewrite(case: Case, keep: int) -> None:
    """What holders of both keys can do: cut the log to ``keep`` entries and sign it anew."""
    path = case.folder / "ledger" / "entries.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in path.read_bytes().splitlines()[:keep]))
    short = Ledger.open(case.folder / "ledger")
    short._sign(case.signer("log"))
    case.ledger = short


def test_verify_says_when_nobody_outside_has_looked(case: Case) -> None:
    """No failure, and no silence either."""
    report = verify(case.folder)
    assert report.ok, str(report)
    assert "outside witness: none" in str(report)


def test_a_cosigned_ledger_says_who_saw_it_and_when(case: Case, witness: Path) -> None:
    """The supervisor's own key; a second look at a longer log."""
    cosign(case, witness)
    say(case, 6)
    cosign(case, witness)
    report = verify(case.folder)
    assert report.ok, str(report)
    assert str(report).count("sue saw the first") == 2


def test_nobody_who_runs_or_approves_may_witness(case: Case, tmp_path: Path) -> None:
    """Roles supervisor, inspector, custodian; and a key that stands is not replaced quietly."""
    with pytest.raises(CaseError, match="may not witness"):
        outside.new_witness(tmp_path / "w", case, "ann")
    outside.new_witness(tmp_path / "w", case, "sue")
    with pytest.raises(CaseError, match="has a key in this case already"):
        outside.new_witness(tmp_path / "w2", case, "sue")


def test_dropped_entries_do_not_fit_what_the_witness_saw(case: Case, witness: Path) -> None:
    """Truncated and signed anew with every key of the operator: named by the first entry that is gone."""
    cosign(case, witness)
    size = len(case.ledger)
    rewrite(case, size - 3)
    refused(case, f"entry {size - 3}", "were dropped")


def test_a_rewritten_history_does_not_fit_what_the_witness_saw(case: Case, witness: Path) -> None:
    """A fork of the same length, signed anew."""
    cosign(case, witness)
    size = len(case.ledger)
    rewrite(case, size - 4)
    for n in range(6):
        say(case, 100 + n)
    refused(case, "rewritten")


def test_a_note_that_was_taken_out_is_missed(case: Case, witness: Path) -> None:
    """The ledger itself tells that it was cosigned."""
    cosign(case, witness)
    next((case.folder / "ledger" / "witness").glob("*.note")).unlink()
    refused(case, "missing or was changed", f"entry {len(case.ledger) - 1}")


def test_the_same_size_cannot_be_cosigned_for_two_histories(case: Case, witness: Path) -> None:
    """Equivocation: the witness remembers the root."""
    outside.cosign(witness, case.folder)
    size = len(case.ledger)
    rewrite(case, size - 1)
    say(case, 99)
    assert len(case.ledger) == size
    with pytest.raises(LedgerError, match="not a continuation"):
        outside.cosign(witness, case.folder)


def test_a_smaller_log_is_not_cosigned(case: Case, witness: Path) -> None:
    """An old checkpoint offered as the newest."""
    outside.cosign(witness, case.folder)
    rewrite(case, len(case.ledger) - 2)
    with pytest.raises(LedgerError, match="is smaller"):
        outside.cosign(witness, case.folder)


@pytest.mark.parametrize("keeps", ["notes", "nothing"])
def test_a_witness_whose_memory_was_rolled_back_refuses(case: Case, witness: Path, keeps: str) -> None:
    """By its own kept notes, or, when these were rolled back too, by what lies in the case."""
    old = (witness / "memory.json").read_bytes()
    cosign(case, witness)
    (witness / "memory.json").write_bytes(old)
    if keeps == "nothing":
        shutil.rmtree(witness / "notes")
    with pytest.raises(LedgerError, match="older copy"):
        outside.cosign(witness, case.folder)
    (witness / "memory.json").unlink()
    with pytest.raises(LedgerError, match="lost its memory"):
        outside.cosign(witness, case.folder)


def test_a_cosignature_of_another_case_is_refused(case: Case, witness: Path, make_case: Callable[..., Path], tmp_path: Path
                                                  ) -> None:
    """Replay: the origin line is part of what was signed."""
    other = Case.open(make_case("other"))
    other.begin()
    (other.folder / "keys" / "sue.pub").write_bytes((case.folder / "keys" / "sue.pub").read_bytes())
    other.enrol("sue")
    path, _ = outside.cosign(witness, case.folder)
    with pytest.raises(LedgerError, match="another log"):
        outside.add_note(other, path)


@pytest.mark.parametrize("spoil", ["name", "byte", "twice", "stranger", "approver"])
def test_spoilt_cosignatures_are_refused(case: Case, witness: Path, spoil: str, tmp_path: Path) -> None:
    """Another name, a changed byte, the line twice, a key that nobody registered, an approver's key."""
    path, point = outside.cosign(witness, case.folder)
    name, blob = point.lines[-1]
    lines = {
        "name": [("ann", blob)], "byte": [(name, blob[:-1] + bytes([blob[-1] ^ 1]))], "twice": [(name, blob), (name, blob)],
        "stranger": note.cosign(point, Signer.create("eve", tmp_path / "eve.key"), "eve", 1).lines[-1:],
    }
    case.enrol("ann")
    lines["approver"] = note.cosign(point, case.signer("ann"), "ann", 1).lines[-1:]
    forged = note.Checkpoint(point.origin, point.size, point.root, (point.lines[0], *lines[spoil]))
    path.write_text(forged.render(), encoding="utf-8")
    with pytest.raises(LedgerError, match=r"no witness that the ledger knows|no supervisor"):
        outside.add_note(case, path)


# -- clocks ------------------------------------------------------------------------------------------------------


def test_a_clock_that_was_turned_back_is_refused_when_writing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes; nothing is written."""
    size = len(case.ledger)
    back = (dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with pytest.raises(LedgerError, match="clock"):
        case.append("note/v1", {}, {"at": back}, "op")
    assert verify(case.folder).ok
    assert len(Ledger.open(case.folder / "ledger")) == size


def test_a_clock_that_was_turned_back_is_named_by_verify(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written by a program that does not look."""
    monkeypatch.setattr(Ledger, "_not_before", lambda *_: None)
    case.append("note/v1", {}, {"at": "2020-01-01T00:00:00Z"}, "op")
    refused(case, f"entry {len(case.ledger) - 1} says 2020-01-01", "turned back")


def test_entries_dated_after_a_witness_saw_them_are_named(case: Case, witness: Path) -> None:
    """Clock forward: the witness's own time is a second clock."""
    case.append("note/v1", {}, {"at": "2099-01-01T00:00:00Z"}, "op")
    path, _ = outside.cosign(witness, case.folder)
    with pytest.raises(LedgerError, match=rf"entry {len(case.ledger) - 1} says 2099"):
        outside.add_note(case, path)


# -- RFC 3161, a local authority made with openssl -----------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory, make_authority: Any) -> Any:
    return make_authority(tmp_path_factory.mktemp("tsa") / "a")


def test_a_stamp_is_laid_in_and_openssl_agrees(case: Case, authority: Any) -> None:
    """Asked, answered by the local authority, checked by us and by `openssl ts -verify`."""
    question = outside.ask_stamp(case)
    found = outside.add_stamp(case, authority.answer(question), authority.roots)
    assert found.size == len(case.ledger) - 1
    report = verify(case.folder)
    assert report.ok, str(report)
    assert "RFC 3161 saw" in str(report)
    kept = question.with_suffix(".note")
    run = subprocess.run(["openssl", "ts", "-verify", "-in", question.with_suffix(".tsr"), "-data", kept, "-CAfile",
                          authority.roots], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_a_stamp_of_another_message_is_refused(case: Case, authority: Any) -> None:
    """The answer to an older question, laid over a newer checkpoint; nothing is left behind."""
    old = authority.answer(outside.ask_stamp(case)).read_bytes()
    say(case, 7)
    outside.ask_stamp(case)
    reply = authority.folder / "old.tsr"
    reply.write_bytes(old)
    with pytest.raises(LedgerError, match="Mismatch"):
        outside.add_stamp(case, reply, authority.roots)
    assert not list((case.folder / "ledger" / "stamps").glob("*.tsr"))
    assert verify(case.folder).ok


@pytest.mark.parametrize("kind", ["foreign", "expired", "wrong use", "refusal", "garbage"])
def test_foreign_expired_and_misused_authorities_are_refused(case: Case, authority: Any, make_authority: Any, tmp_path: Path,
                                                             kind: str) -> None:
    """Another root; a certificate that had run out; one that is not for time stamps; a refusal; no answer at all."""
    question = outside.ask_stamp(case)
    roots = authority.roots
    if kind == "foreign":
        reply = make_authority(tmp_path / "b").answer(question)
    elif kind == "expired":
        gone = make_authority(tmp_path / "b", days=("20200101000000Z", "20210101000000Z"))
        reply, roots = gone.answer(question), gone.roots
    elif kind == "wrong use":
        good = make_authority(tmp_path / "b")
        # openssl refuses to stamp with such a certificate, so the answer is signed and then shown the wrong certificate
        bad = make_authority(tmp_path / "c", eku="critical, codeSigning")
        reply, roots = good.answer(question), bad.roots
    elif kind == "refusal":
        reply = tmp_path / "no.tsr"
        reply.write_bytes(bytes.fromhex("30053003020102"))
    else:
        reply = tmp_path / "no.tsr"
        reply.write_bytes(b"<html>not today</html>")
    with pytest.raises(LedgerError, match="stamp"):
        outside.add_stamp(case, reply, roots)
    assert verify(case.folder).ok


def test_a_changed_stamp_fails_and_is_named(case: Case, authority: Any) -> None:
    """One byte of the answer; and the note under it."""
    question = outside.ask_stamp(case)
    outside.add_stamp(case, authority.answer(question), authority.roots)
    for name in (question.with_suffix(".tsr"), question.with_suffix(".note")):
        good = name.read_bytes()
        name.write_bytes(good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])
        refused(case, name.name)
        name.write_bytes(good)
    assert verify(case.folder).ok


def test_entries_dated_before_a_stamp_that_has_not_seen_them_are_named(case: Case, authority: Any,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """Clock rollback after a stamp: the authority's time stands between."""
    early = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    question = outside.ask_stamp(case)
    outside.add_stamp(case, authority.answer(question), authority.roots)
    monkeypatch.setattr(Ledger, "_not_before", lambda *_: None)
    case.append("note/v1", {}, {"at": early}, "op")
    refused(case, f"entry {len(case.ledger) - 1}", "RFC 3161", "turned back")


# -- keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["op", "log"])
def test_a_successor_signs_and_the_old_key_signs_no_more(case: Case, person: str, tmp_path: Path) -> None:
    """Rotation: old entries stay good, new ones are the new key's; the stolen old key is refused by name of the entry."""
    stolen = tmp_path / "old.key"
    shutil.copyfile(case.folder / "keys" / f"{person}.key", stolen)
    stolen.chmod(0o600)
    before = case.signer(person).key_id
    after = outside.rotate(case, person)
    assert after != before
    say(case, 8)
    report = verify(case.folder)
    assert report.ok, str(report)
    assert sorted(p.name for p in (case.folder / "keys").glob(f"{person}.*")) == sorted(
        [f"{person}.key", f"{person}.pub", f"{person}.{before}.pub"])
    thief = Signer.load(person, stolen)
    with pytest.raises(LedgerError, match="not valid there"):
        case.ledger.append("note/v1", {}, {"at": case.now()}, thief, case.signer("log"))
    assert verify(case.folder).ok, "a refused entry is not left in the file"
    with (case.folder / "ledger" / "entries.jsonl").open("ab") as f:
        f.write(seal("note/v1", {}, {"seq": len(case.ledger), "prev": case.ledger.root_hex}, thief) + b"\n")
    refused(case, f"entry {len(case.ledger)}", "not valid there")


def test_the_old_logs_key_cannot_sign_a_checkpoint_after_rotation(case: Case, tmp_path: Path) -> None:
    """Nor can it be revoked away: it is simply followed."""
    old = case.signer("log")
    outside.rotate(case, "log")
    case.ledger._sign(old)
    refused(case, "checkpoint's signature is wrong")


def test_a_successor_must_sign_for_itself(case: Case, tmp_path: Path) -> None:
    """Nobody can be given a key that is not theirs, and one key cannot stand for two people."""
    eve = Signer.create("eve", tmp_path / "eve.key")
    with pytest.raises(LedgerError, match="did not sign for itself"):
        case.ledger.append("key/v1", {}, {"owner": "op", "public": eve.public_pem}, case.signer("op"), case.signer("log"))
    with pytest.raises(LedgerError, match="may not"):
        case.ledger.append("key/v1", {}, {"owner": "ben", "public": case.signer("op").public_pem, "roles": []},
                           case.signer("log"), case.signer("log"))
    assert verify(case.folder).ok


@pytest.mark.parametrize("moment", ["before the entry", "after the entry"])
def test_a_killed_rotation_is_finished_or_taken_back(case: Case, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next rotation settles it; the case keeps working either way."""
    real = Case.append
    if moment == "before the entry":
        monkeypatch.setattr(Ledger, "append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    else:
        done = outside._settle
        calls: list[int] = []

        def settle(c: Case, p: str) -> None:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            done(c, p)

        monkeypatch.setattr(outside, "_settle", settle)
    with pytest.raises(KeyboardInterrupt):
        outside.rotate(case, "op")
    monkeypatch.undo()
    assert Case.append is real
    again = Case.open(case.folder)
    outside.rotate(again, "op")
    say(again, 9)
    report = verify(case.folder)
    assert report.ok, str(report)
    assert not list((case.folder / "keys").glob("*.next*"))


def test_a_lost_key_is_revoked_and_its_owner_gets_another(case: Case) -> None:
    """By the log's key, with a reason; the person is registered anew when next signing."""
    lost = case.signer("op").key_id
    outside.revoke(case, lost[:12], "laptop stolen")
    again = Case.open(case.folder)
    again.begin()
    assert again.signer("op").key_id != lost
    say(again, 10)
    assert verify(case.folder).ok


# -- disks -------------------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_log_whole(case: Case) -> None:
    """RLIMIT_FSIZE a few bytes above the log's size: one sentence, no torn line, and it goes on when there is room."""
    path = case.folder / "ledger" / "entries.jsonl"
    size = path.stat().st_size
    code = ("import resource, signal, sys\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size + 100}, {size + 100}))\n"
            "from workbench.case import Case\nfrom workbench.errors import LedgerError\n"
            "case = Case.open(sys.argv[1])\n"
            "try: case.append('note/v1', {}, {'at': case.now()}, 'op')\n"
            "except LedgerError as e: print(e)\n")
    run = subprocess.run([sys.executable, "-c", code, case.folder], capture_output=True, text=True)
    assert "cannot be written (EFBIG)" in run.stdout, run.stderr
    assert "Next: free the disk" in run.stdout
    assert path.stat().st_size == size
    assert verify(case.folder).ok
    say(case, 11)
    assert verify(case.folder).ok
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_really_full_disk_leaves_the_log_whole(case: Case, tmp_path: Path) -> None:
    """A file system of 256 KiB, filled to the last page (needs the right to mount)."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a small file system")
    try:
        shutil.copytree(case.folder, small / "case")
        tight = Case.open(small / "case")
        (small / "fill").write_bytes(b"")
        with (small / "fill").open("wb", buffering=0) as f:
            try:
                while f.write(b"x" * 512):
                    pass
            except OSError:
                pass
        with pytest.raises(LedgerError, match="ENOSPC"):
            say_often(tight)
        (small / "fill").unlink()
        again = Case.open(small / "case")
        say(again, 12)
        assert verify(again.folder).ok, str(verify(again.folder))
    finally:
        subprocess.run(["umount", small], check=True)


def test_the_commands_say_what_to_type_next(case: Case, tmp_path: Path) -> None:
    """new, sign, add, list, rotate, revoke, stamp by command line, as a person would."""
    def go(*args: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "workbench", *map(str, args)], capture_output=True, text=True, env=os.environ)

    stick = tmp_path / "stick"
    assert "sign" in go("witness", "new", stick, case.folder, "--as", "sue").stdout
    signed = go("witness", "sign", stick, case.folder).stdout
    assert "witness add" in signed
    assert "sue saw the first" in go("witness", "add", case.folder, signed.splitlines()[0]).stdout
    assert "op" in go("key", "list", case.folder).stdout
    assert "now signs with" in go("key", "rotate", case.folder, "--as", "op").stdout
    assert go("verify", case.folder).returncode == 0
    assert "timestamp-query" in go("witness", "stamp", case.folder).stdout
    bad = go("witness", "sign", tmp_path / "nothing", case.folder)
    assert bad.returncode == 2
    assert "Next:" in bad.stderr
    assert "Traceback" not in bad.stderr
