"""Attacks on a bundle: each fails verification and is named; each fails VERIFY.md too, but for a count that only a
reader of the value it was counted in can doubt.

``sealed`` attacks are made by somebody who holds the operator's and the log's keys and packs the bundle anew.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import rfc8785

from workbench.case import Case
from workbench.ledger import Ledger, Signer, write_durably
from workbench.ledger.statement import PAYLOAD, pae, seal
from workbench.records import bundle
from workbench.records.verify import verify


@pytest.fixture
def bag(demo: Path, tmp_path: Path) -> Path:
    """A copy of the demo's bundle to break."""
    shutil.copytree(demo / "out", tmp_path / "bag")
    return tmp_path / "bag"


@pytest.fixture
def keys(demo: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Signer]:
    """The demo's own keys, as a thief would have them."""
    for line in (demo / "work" / "demo-passphrases.env").read_text().splitlines():
        monkeypatch.setenv(*line.removeprefix("export ").split("=", 1))
    case = Case.open(demo / "work" / "case")
    return case.signer


def repack(bag: Path, signer: Signer) -> None:
    """Manifest, tag manifest and signature anew, as ``pack`` would write them."""
    files = sorted(f for f in (bag / "data").rglob("*") if f.is_file())
    (bag / bundle.MANIFEST).write_text("".join(f"{bundle.digest(f)}  {f.relative_to(bag)}\n" for f in files))
    retag(bag, signer)


def retag(bag: Path, signer: Signer) -> None:
    tags = sorted(f for f in bag.iterdir() if f.is_file() and f.name not in (bundle.TAGS, bundle.SIGNATURE))
    (bag / bundle.TAGS).write_text("".join(f"{bundle.digest(f)}  {f.name}\n" for f in tags))
    write_durably(bag / bundle.SIGNATURE, json.dumps(bundle._signature(bag / bundle.TAGS, signer), indent=1).encode())


def shell(bag: Path) -> subprocess.CompletedProcess[str]:
    """VERIFY.md, by its one command."""
    (command,) = [line.strip() for line in (Path(bag) / "VERIFY.md").read_text(encoding="utf-8").splitlines()
                  if line.startswith("    sed ")]
    return subprocess.run(["bash", "-c", command], cwd=bag, capture_output=True, text=True, timeout=600)


def caught(bag: Path, *names: str, by_shell: bool = True) -> None:
    report = verify(bag)
    assert not report.ok
    for name in names:
        assert name in str(report), str(report)
    if by_shell:
        run = shell(bag)
        assert run.returncode != 0
        assert "all checks passed" not in run.stdout


def edit_notebook(path: Path, change: Callable[[Any], None]) -> None:
    book = nbformat.read(path, as_version=4)
    change(book)
    nbformat.write(book, path)


def test_packing_anew_alone_is_no_attack(bag: Path, keys: Callable[[str], Signer]) -> None:
    """Control: the thief's tools make a bundle that verifies, so what fails below fails for its own reason."""
    repack(bag, keys("operator"))
    report = verify(bag)
    assert report.ok, str(report)
    run = shell(bag)
    assert run.returncode == 0, run.stderr
    assert "supervisor saw the first" in run.stdout


def test_notebooks_swapped_between_two_runs_are_named(bag: Path, keys: Callable[[str], Signer]) -> None:
    """Both are genuine, each under the other's name."""
    a, b = bag / "data/records/02_inventory.ipynb", bag / "data/records/03_classify.ipynb"
    x, y = a.read_bytes(), b.read_bytes()
    a.write_bytes(y), b.write_bytes(x)
    repack(bag, keys("operator"))
    caught(bag, "02_inventory.ipynb", "ledger entry")


def test_parameters_changed_after_the_run_are_named(bag: Path, keys: Callable[[str], Signer]) -> None:
    """papermill's metadata and the injected cell."""
    path = bag / "data/records/07_erase.ipynb"

    def change(book: Any) -> None:
        book.metadata["papermill"]["parameters"]["case_dir"] = "elsewhere"

    edit_notebook(path, change)
    repack(bag, keys("operator"))
    caught(bag, "07_erase.ipynb", "ledger entry")


def test_outputs_edited_together_with_the_hash_in_the_ledger_are_named(bag: Path, keys: Callable[[str], Signer]) -> None:
    """The entry's payload is changed to the new hash; its signature and everything after it no longer hold."""
    path = bag / "data/records/05_protect.ipynb"
    old = bundle.digest(path)
    edit_notebook(path, lambda book: book.cells[0].update(source="# nothing was wrong"))
    new = bundle.digest(path)
    ledger = bag / "data/ledger/entries.jsonl"
    lines, hit = [], -1
    for n, line in enumerate(ledger.read_bytes().splitlines()):
        envelope = json.loads(line)
        payload = base64.b64decode(envelope["payload"])
        if old.encode() in payload:
            hit = n
            envelope["payload"] = base64.b64encode(payload.replace(old.encode(), new.encode())).decode()
        lines.append(rfc8785.dumps(envelope))
    assert hit > 0
    ledger.write_bytes(b"\n".join(lines) + b"\n")
    repack(bag, keys("operator"))
    caught(bag, f"entry {hit}", "signature of ledger entry")


def cut(bag: Path, keep: int, log: Signer, *more: bytes) -> Ledger:
    path = bag / "data/ledger/entries.jsonl"
    path.write_bytes(b"".join(x + b"\n" for x in [*path.read_bytes().splitlines()[:keep], *more]))
    ledger = Ledger.open(bag / "data/ledger")
    ledger._sign(log)
    return ledger


def test_an_old_ledger_under_a_new_bundle_is_named(bag: Path, keys: Callable[[str], Signer]) -> None:
    """Its own older checkpoint as the newest, signed anew: the witness saw more."""
    size = len(Ledger.open(bag / "data/ledger"))
    cut(bag, size - 10, keys("log"))
    repack(bag, keys("operator"))
    caught(bag, f"entry {size - 10}", "were dropped")


def test_a_forked_ledger_is_named(bag: Path, keys: Callable[[str], Signer]) -> None:
    """Rewritten from the middle with every key of the operator."""
    ledger = Ledger.open(bag / "data/ledger")
    keep, size, tail = len(ledger) - 12, len(ledger), []
    short = cut(bag, keep, keys("log"))
    for n in range(size - keep):
        line = seal("value/v1", {}, {"person": "operator", "n": n, "at": ledger.entries[keep + n].predicate["at"],
                                     "seq": keep + n, "prev": short.root_hex}, keys("operator"))
        tail.append(line)
        short = cut(bag, keep + n, keys("log"), line)
    repack(bag, keys("operator"))
    caught(bag, "rewritten")


def test_a_witness_taken_out_is_missed(bag: Path, keys: Callable[[str], Signer]) -> None:
    """The ledger tells that somebody cosigned, and what."""
    shutil.rmtree(bag / "data/ledger/witness")
    repack(bag, keys("operator"))
    caught(bag, "missing or was changed", "entry")


def test_another_cases_ledger_is_refused(bag: Path, keys: Callable[[str], Signer], make_case: Callable[..., Path]) -> None:
    """Replay: genuine, of the same people's program, about something else."""
    other = Case.open(make_case())
    other.begin()
    for name in ("entries.jsonl", "checkpoint"):
        shutil.copyfile(other.folder / "ledger" / name, bag / "data/ledger" / name)
    repack(bag, keys("operator"))
    caught(bag, "another log")


def append(bag: Path, keys: Callable[[str], Signer], predicate: dict[str, Any], subjects: dict[str, str] | None = None) -> int:
    """One more genuine entry of the operator, as a program without scruples would write it."""
    ledger = Ledger.open(bag / "data/ledger")
    last = str(ledger.entries[-1].predicate["at"])
    entry = ledger.append("step/v1", subjects or {}, {"person": "operator", "at": last, "place": "", "materials": {}, "counts": {}}
                          | predicate, keys("operator"), keys("log"))
    (bag / "data/ledger/.lock").unlink(missing_ok=True)
    repack(bag, keys("operator"))
    return entry.seq


def test_an_intent_without_an_outcome_is_an_alarm(bag: Path, keys: Callable[[str], Signer]) -> None:
    """An erasure that began and of which nobody says how it ended."""
    seq = append(bag, keys, {"phase": "intent", "step": "erase", "resumes": []})
    caught(bag, f"entry {seq} says that step erase began")


def test_an_outcome_without_an_intent_is_named(bag: Path, keys: Callable[[str], Signer]) -> None:
    """It points at an entry that is no intent of that step."""
    seq = append(bag, keys, {"phase": "outcome", "step": "erase", "intent": 0, "result": "done"})
    caught(bag, f"entry {seq} is an outcome without its intent")


def test_an_outcome_that_tells_other_counts_than_its_value_is_named(bag: Path, keys: Callable[[str], Signer]) -> None:
    """The value is genuine, the number in the entry is not."""
    ledger = Ledger.open(bag / "data/ledger")
    old = [e for e in ledger.of_type("step/v1") if "erasure" in e.subjects][-1]
    intent = append(bag, keys, {"phase": "intent", "step": "x", "resumes": []})
    seq = append(bag, keys, {"phase": "outcome", "step": "x", "intent": intent, "result": "done",
                             "counts": {"deleted": int(old.predicate["counts"]["deleted"]) + 1}}, dict(old.subjects))
    caught(bag, f"entry {seq} tells of", by_shell=False)


def test_duplicate_keys_in_an_entry_are_named(bag: Path, keys: Callable[[str], Signer]) -> None:
    """Signed by a genuine key, readable in two ways."""
    ledger = Ledger.open(bag / "data/ledger")
    line = seal("note/v1", {}, {"seq": len(ledger), "prev": ledger.root_hex, "who": "a"}, keys("operator"))
    payload = base64.b64decode(json.loads(line)["payload"]).replace(b'"who":"a"', b'"who":"a","who":"b"')
    forged = rfc8785.dumps({"payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD, "signatures": [{
        "keyid": keys("operator").key_id, "sig": base64.b64encode(keys("operator").sign(pae(payload))).decode()}]})
    with (bag / "data/ledger/entries.jsonl").open("ab") as f:
        f.write(forged + b"\n")
    repack(bag, keys("operator"))
    caught(bag, f"entry {len(ledger)} holds", "key twice")


def test_duplicate_keys_in_the_signature_are_refused(bag: Path) -> None:
    """Two parsers could read two signers."""
    path = bag / bundle.SIGNATURE
    path.write_bytes(path.read_bytes().replace(b'"signer": ', b'"signer": "eve",\n "signer": '))
    caught(bag, bundle.SIGNATURE)


NAMES = {
    "decomposed": "data/values/re\u0301sume\u0301.json", "composed": "data/values/r\u00e9sum\u00e9.json",
    "right-to-left": "data/values/a\u202enosj.exe", "fullwidth dots": "data/\uff0e\uff0e\uff0fetc",
    "homoglyph": "data/ledger/entri\u0435s.jsonl", "blank": "data/values/a b.json", "newline": "data/values/a\nb.json",
    "case twin": "data/ledger/Checkpoint", "backslash": "data/..\\..\\x", "hidden": "data/values/.x.json",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_names_that_could_be_mistaken_are_refused(bag: Path, keys: Callable[[str], Signer], name: str) -> None:
    """Unicode twins, direction marks, look-alikes, control characters, names that differ in case only; listed and signed."""
    path = bag / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"{}")
    repack(bag, keys("operator"))
    caught(bag, "mistaken for another" if "\n" not in name else "malformed")


@pytest.mark.parametrize("line", ["{d}  /etc/hostname", "{d}  data/../../hostname", "{d}  ../hostname", "{d} data/x",
                                  "{d}  data/ledger/checkpoint", "zz  data/x", ""])
def test_manifest_lines_that_lead_out_or_repeat_are_refused(bag: Path, keys: Callable[[str], Signer], line: str) -> None:
    """Zip slip's cousin: absolute, upward, twice, malformed; signed by the operator's own key."""
    with (bag / bundle.MANIFEST).open("a") as f:
        f.write(line.format(d=bundle.digest(bag / "data/ledger/checkpoint")) + "\n")
    retag(bag, keys("operator"))
    caught(bag, bundle.MANIFEST)


@pytest.mark.parametrize("kind", ["symlink", "folder link", "hard link", "fifo", "fetch.txt", "extra", "hidden"])
def test_things_that_are_no_files_of_the_bundle_are_refused(bag: Path, kind: str, tmp_path: Path) -> None:
    """Links out of the bundle, a pipe that would block a reader, files that nobody listed."""
    victim = sorted((bag / "data/values").iterdir())[0]
    named = victim.name
    if kind == "symlink":
        victim.rename(tmp_path / "moved")
        victim.symlink_to(tmp_path / "moved")
    elif kind == "folder link":
        shutil.move(bag / "data/assets", tmp_path / "assets")
        (bag / "data/assets").symlink_to(tmp_path / "assets")
        named = "data/assets"
    elif kind == "hard link":
        os.link(victim, tmp_path / "again")
    elif kind == "fifo":
        victim.unlink()
        os.mkfifo(victim)
    elif kind == "fetch.txt":
        (bag / "fetch.txt").write_text("https://example.invalid/x 3 data/x\n")
        named = "fetch.txt"
    elif kind == "extra":
        (bag / "data/records/09_more.zh.html").write_text("x")
        named = "09_more.zh.html"
    else:
        (bag / "data/records/.hidden").write_text("x")
        named = ".hidden"
    caught(bag, named)


def test_fetch_txt_is_refused_even_when_listed_and_signed(bag: Path, keys: Callable[[str], Signer]) -> None:
    """A bundle is complete in itself; it never tells its reader to load the rest from somewhere."""
    (bag / "fetch.txt").write_text("https://example.invalid/x 3 data/x\n")
    retag(bag, keys("operator"))
    caught(bag, "fetch.txt")


def test_a_backup_set_rolled_back_as_a_whole_is_found_in_its_place(demo: Path, tmp_path: Path) -> None:
    """Listed digests agree among themselves; the ledger knows another list (``expect`` of the vault's check)."""
    copy = tmp_path / "work"
    shutil.copytree(demo / "work", copy)
    case = Case.open(copy / "case")
    assert verify(case.folder).ok, str(verify(case.folder))
    place = case.resolve(case.config.vault.places[0])
    sums = [p for p in place.rglob("SHA256SUMS") if p.parent.name.startswith("backup-")]
    assert sums, "the demo's backup is there"
    lines = sums[0].read_text().splitlines()
    path = sums[0].parent / lines[-1][66:]
    path.unlink()
    sums[0].write_text("\n".join(lines[:-1]) + "\n")
    manifest = sums[0].parent / "manifest.json"
    told = json.loads(manifest.read_text())
    report = str(verify(case.folder))
    assert "NOT verified" in report
    assert "not the one the ledger knows" in report, (report, list(told))


def test_a_stamped_bundle_is_checked_by_openssl_alone(demo: Path, tmp_path: Path, keys: Callable[[str], Signer],
                                                      make_authority: Any) -> None:
    """A local RFC 3161 authority stamps the case; the next bundle carries question, answer and certificate; each spoilt
    byte of them fails, and so does a stamp that another authority gave."""
    from workbench.case import outside
    from workbench.records.bundle import pack

    shutil.copytree(demo / "work", tmp_path / "work")
    case = Case.open(tmp_path / "work" / "case")
    authority = make_authority(tmp_path / "tsa")
    outside.add_stamp(case, authority.answer(outside.ask_stamp(case)), authority.roots)
    bag = pack(case, tmp_path / "stamped")
    report = verify(bag)
    assert report.ok, str(report)
    assert "RFC 3161 saw the first" in str(report)
    good = shell(bag)
    assert good.returncode == 0, good.stderr
    assert "stamped at" in good.stdout
    (stamp,) = (bag / "data/ledger/stamps").glob("*.tsr")
    whole = stamp.read_bytes()
    for path in (stamp, stamp.with_suffix(".note")):
        data = path.read_bytes()
        path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        repack(bag, keys("operator"))
        caught(bag, path.stem)
        path.write_bytes(data)
    stamp.unlink()
    repack(bag, keys("operator"))
    caught(bag, stamp.name)
    stamp.write_bytes(whole)
    (stamp.with_name("roots.pem")).write_bytes(make_authority(tmp_path / "other").roots.read_bytes())
    repack(bag, keys("operator"))
    caught(bag, stamp.name)


def test_verify_md_checks_a_bundle_after_keys_changed_hands(demo: Path, tmp_path: Path, keys: Callable[[str], Signer]) -> None:
    """The operator's and the log's keys are rotated; old entries, old cosignatures and new ones all verify, by script too."""
    from workbench.case import outside
    from workbench.records.bundle import pack

    shutil.copytree(demo / "work", tmp_path / "work")
    case = Case.open(tmp_path / "work" / "case")
    old = case.signer("operator")
    outside.rotate(case, "operator"), outside.rotate(case, "log")
    bag = pack(case, tmp_path / "rotated")
    report = verify(bag)
    assert report.ok, str(report)
    run = shell(bag)
    assert run.returncode == 0, run.stderr
    retag(bag, old)
    caught(bag, "signed by a key that the ledger does not know")
