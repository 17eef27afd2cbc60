"""The demo over a small company: what it leaves, that nothing leaks, that every changed byte is found."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.records.verify import verify


def truth(demo: Path) -> dict:
    return json.loads((demo / "work" / "data" / "truth.json").read_text(encoding="utf-8"))


def test_it_says_what_it_did_and_where_to_look(demo: Path) -> None:
    """A line per step, numbers, the path of the index."""
    log = (demo / "log").read_text(encoding="utf-8")
    for step in ("freeze", "inventory", "classify", "assess", "protect", "plan", "erase", "archive"):
        assert re.search(rf"\[\d/\d\] {step} .*✓", log), step
    assert log.rstrip().endswith("out/index.html")


def test_the_bundle_verifies(demo: Path) -> None:
    """Every heading of checks, none failed."""
    report = verify(demo / "out")
    assert report.ok, str(report)
    assert {c.heading for c in report.checks} == {"authenticity", "integrity", "usability", "safety"}


def canaries(demo: Path) -> list[bytes]:
    values = truth(demo)["canaries"]
    assert len(values) > 500
    return [v.encode() for v in values] + [v.encode("utf-16-le") for v in values[:200]]


def test_no_canary_anywhere_in_records_ledger_or_output(demo: Path) -> None:
    """Bytes of the bundle, of the case's values, ledger, records and logs, and what was printed."""
    needles = re.compile(b"|".join(re.escape(c) for c in canaries(demo)))
    folders = [demo / "out", *(demo / "work" / "case" / n for n in ("ledger", "values", "records", "assets", "notebooks"))]
    files = [p for f in folders for p in f.rglob("*") if p.is_file()] + [demo / "log"]
    assert len(files) > 60
    hits = [str(p.relative_to(demo)) for p in files if needles.search(p.read_bytes())]
    assert not hits


def test_the_search_for_canaries_can_find_one(demo: Path, tmp_path: Path) -> None:
    """Positive control: the company's truth file is full of them."""
    needles = re.compile(b"|".join(re.escape(c) for c in canaries(demo)))
    assert needles.search((demo / "work" / "data" / "truth.json").read_bytes())


def test_canaries_are_gone_from_the_companys_own_files(demo: Path) -> None:
    """The real sources' bytes, after the erasure; sheets and Parquet files read as what they are."""
    import pyarrow.parquet as pq
    from openpyxl import load_workbook

    needles = re.compile(b"|".join(re.escape(c) for c in canaries(demo)))
    data = demo / "work" / "data"
    left = [p for p in data.rglob("*") if p.is_file() and p.name != "truth.json"]
    for path in left:
        assert not needles.search(path.read_bytes()), path.name
        if path.suffix == ".xlsx":
            text = "\n".join(str(c) for s in load_workbook(path) for row in s.iter_rows(values_only=True) for c in row)
            assert not needles.search(text.encode())
        if path.suffix == ".parquet":
            assert not needles.search(pq.read_table(path).to_pandas().to_csv().encode())


def test_kept_rows_still_join_and_expired_rows_are_gone(demo: Path) -> None:
    """Payments within 30 years stay without payer and card; those before 1996 are gone; customers hold nothing."""
    db = sqlite3.connect(demo / "work" / "data" / "shop.sqlite")
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert db.execute("SELECT count(*) FROM payments WHERE paid_at < '1996-01-01'").fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM payments WHERE paid_at >= '1997-01-01'").fetchone()[0] > 300
    assert db.execute("SELECT count(*) FROM payments WHERE card_no IS NOT NULL").fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM tickets").fetchone() == (0,)
    joined = "SELECT count(*) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.completed_at >= '2024-01-01'"
    assert db.execute(joined).fetchone()[0] > 100
    assert db.execute("SELECT count(*) FROM customers WHERE id_card IS NOT NULL OR email IS NOT NULL").fetchone() == (0,)
    db.close()


def test_after_the_window_closed_the_backup_does_not_open(demo: Path) -> None:
    """Its keys were destroyed: restoring says so instead of giving rows back."""
    env = dict(line.removeprefix("export ").split("=", 1)
               for line in (demo / "work" / "demo-passphrases.env").read_text().splitlines())
    code = ("import workbench\nfrom workbench.errors import VaultError\nfrom workbench.vault import restore_test\n"
            "try: restore_test(workbench.open_case('work/case'))\nexcept VaultError as e: print('refused', e)")
    run = subprocess.run([sys.executable, "-c", code], cwd=demo, capture_output=True, text=True, env=os.environ | env)
    assert "refused" in run.stdout, run.stderr


@pytest.mark.parametrize("kind", ["data/records/07_erase.zh.html", "data/records/07_erase.ipynb", "data/ledger/entries.jsonl",
                                  "data/ledger/checkpoint", "data/archive/objects", "data/archive/SHA256SUMS", "data/values",
                                  "index.html", "VERIFY.md", "bagit.txt", "bag-info.txt", "manifest-sha256.txt",
                                  "tagmanifest-sha256.txt", "signature.json", "data/keys/operator.pub", "data/case.toml",
                                  "data/assets", "data/ro-crate-metadata.json", "data/software.json"])
def test_any_changed_byte_is_found_and_named(demo: Path, tmp_path: Path, kind: str) -> None:
    """One bit, at the start, in the middle and at the end of one file of each kind."""
    copy = tmp_path / "bag"
    shutil.copytree(demo / "out", copy)
    target = copy / kind
    if target.is_dir():
        target = sorted(p for p in target.rglob("*") if p.is_file())[-1]
    good = target.read_bytes()
    for i in {0, len(good) // 3, len(good) // 2, len(good) - 1}:
        target.write_bytes(good[:i] + bytes([good[i] ^ 4]) + good[i + 1 :])
        report = verify(copy)
        assert not report.ok, f"byte {i}"
        named = target.name if kind != "data/ledger/entries.jsonl" else "entr"
        assert named[:12] in str(report), f"byte {i}: {report}"
    target.write_bytes(good)
    assert verify(copy).ok


@pytest.mark.parametrize("attack", ["missing", "extra", "symlink", "stranger"])
def test_missing_added_and_linked_files_are_found(demo: Path, tmp_path: Path, attack: str) -> None:
    """A bundle holds its files, all of them, and nothing else."""
    copy = tmp_path / "bag"
    shutil.copytree(demo / "out", copy)
    victim = sorted((copy / "data" / "values").iterdir())[0]
    if attack == "missing":
        victim.unlink()
    elif attack == "extra":
        (copy / "data" / "records" / "09_more.html").write_text("x")
    elif attack == "symlink":
        victim.rename(tmp_path / "moved")
        victim.symlink_to(tmp_path / "moved")
    else:
        (copy / "notes.txt").write_text("x")
    report = verify(copy)
    assert not report.ok


def script_of(verify_md: str) -> str:
    """The shell lines of VERIFY.md, as a reader would paste them."""
    return "\n".join(re.findall(r"```sh\n(.*?)```", verify_md, re.S))


def test_verify_md_followed_literally_passes_and_fails_on_damage(demo: Path, tmp_path: Path) -> None:
    """Only openssl, sha256sum and coreutils; on a good bundle it ends well, on each damaged one it does not."""
    text = (demo / "out" / "VERIFY.md").read_text(encoding="utf-8")
    assert "workbench" not in script_of(text)
    (command,) = [line.strip() for line in text.splitlines() if line.startswith("    sed ")]
    good = subprocess.run(["bash", "-c", command], cwd=demo / "out", capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    assert good.stdout.rstrip().endswith("all checks passed")
    for name in ("data/records/07_erase.en.html", "data/ledger/entries.jsonl", "data/ledger/checkpoint", "signature.json",
                 "manifest-sha256.txt", "tagmanifest-sha256.txt", "index.html"):
        copy = tmp_path / "bag"
        shutil.copytree(demo / "out", copy)
        target = copy / name
        data = bytearray(target.read_bytes())
        data[len(data) // 2] ^= 1
        target.write_bytes(bytes(data))
        bad = subprocess.run(["bash", "-c", command], cwd=copy, capture_output=True, text=True)
        assert "all checks passed" not in bad.stdout, name
        assert bad.returncode != 0, name
        shutil.rmtree(copy)
