"""A shop that nobody here wrote, taken through the whole flow by the command line and a case.toml of 33 lines."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ENV = os.environ | {"WORKBENCH_VAULT_PASSPHRASE": "correct horse battery staple"}


def workbench(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "workbench", *map(str, args)], capture_output=True, text=True, env=ENV)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case folder after the whole flow."""
    shared = Path(__file__).resolve().parents[3] / "shared" / "data" / "chinook.sqlite"
    if not shared.exists():
        pytest.skip("../shared/data is not beside this checkout")
    case = tmp_path_factory.mktemp("chinook")
    shutil.copyfile(Path(__file__).with_name("chinook.toml"), case / "case.toml")
    shutil.copyfile(shared, case / "chinook.sqlite")
    shutil.copyfile(shared, case / "before.sqlite")
    first = workbench("run", case)
    assert first.returncode == 2
    assert "not approved" in first.stderr
    assert (case / "chinook.sqlite").read_bytes() == shared.read_bytes(), "nothing is erased before it was approved"
    assert workbench("approve", case, "--as", "ann").returncode == 0
    assert workbench("approve", case, "--as", "ann").returncode == 2
    assert workbench("approve", case, "--as", "ben").returncode == 0
    last = workbench("run", case)
    assert last.returncode == 0, last.stderr
    return case


def test_the_case_is_small(done: Path) -> None:
    """Under 40 lines, written by hand."""
    assert len((done / "case.toml").read_text(encoding="utf-8").splitlines()) < 40


def test_customers_are_gone_from_the_files_bytes(done: Path) -> None:
    """Names in full, mail addresses, phones, streets and faxes of all 59 customers, in UTF-8 and UTF-16."""
    before = sqlite3.connect(done / "before.sqlite")
    values = [v for row in before.execute(
        "SELECT Email, Phone, Fax, Address, FirstName || ' ' || LastName FROM Customer") for v in row if v]
    before.close()
    assert len(values) > 200
    after = (done / "chinook.sqlite").read_bytes()
    control = (done / "before.sqlite").read_bytes()
    found = [v for v in values if v.encode() in control]
    assert len(found) > 150, "positive control: the same search finds them in the original"
    assert not [v for v in values if v.encode() in after or v.encode("utf-16-le") in after]


def test_kept_invoices_still_join(done: Path) -> None:
    """412 invoices with their 2,240 lines and their customers' empty rows; amounts unchanged; no orphan."""
    sql = ("SELECT count(*), sum(l.UnitPrice * l.Quantity) FROM Invoice i JOIN Customer c USING (CustomerId) "
           "JOIN InvoiceLine l USING (InvoiceId)")
    after, before = sqlite3.connect(done / "chinook.sqlite"), sqlite3.connect(done / "before.sqlite")
    assert after.execute(sql).fetchone() == before.execute(sql).fetchone() == (2240, pytest.approx(2328.6))
    assert after.execute("SELECT InvoiceId, InvoiceDate, Total FROM Invoice ORDER BY 1").fetchall() == \
        before.execute("SELECT InvoiceId, InvoiceDate, Total FROM Invoice ORDER BY 1").fetchall()
    assert after.execute("PRAGMA foreign_key_check").fetchall() == []
    assert after.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    after.close(), before.close()


def test_what_is_not_personal_is_untouched(done: Path) -> None:
    """Tracks, albums and artists, row by row."""
    after, before = sqlite3.connect(done / "chinook.sqlite"), sqlite3.connect(done / "before.sqlite")
    for table in ("Track", "Album", "Artist", "Genre", "Playlist", "PlaylistTrack", "MediaType"):
        assert after.execute(f"SELECT * FROM {table}").fetchall() == before.execute(f"SELECT * FROM {table}").fetchall()
    after.close(), before.close()


@pytest.mark.parametrize(("lang", "words"), [("zh", ("会计档案管理办法", "30年", "税收征收管理法")),
                                             ("en", ("30 years", "Accounting", "Tax Collection Law"))])
def test_the_record_explains_why_invoices_were_kept(done: Path, lang: str, words: tuple[str, ...]) -> None:
    """Law, article and term stand in the plan's page in both languages, with their confidence."""
    page = (done / "bundle" / "data" / "records" / f"06_plan.{lang}.html").read_text(encoding="utf-8")
    for word in (*words, "M-high", "cn.accounting.voucher"):
        assert word in page


def test_the_bundle_verifies_and_holds_no_customer(done: Path) -> None:
    """`workbench verify` passes; no name or mail address anywhere in the bundle."""
    assert workbench("verify", done / "bundle").returncode == 0
    before = sqlite3.connect(done / "before.sqlite")
    values = [v.encode() for row in before.execute("SELECT Email, Phone, Address FROM Customer") for v in row if v]
    before.close()
    for path in (p for p in (done / "bundle").rglob("*") if p.is_file()):
        data = path.read_bytes()
        assert not [v for v in values if v in data], path.name


def test_the_disposal_report_agrees_with_the_ledger_figure_by_figure(done: Path) -> None:
    """The same recomputation as for the demo company, over a shop that nobody here wrote."""
    import importlib.util

    path = Path(__file__).parents[1] / "records" / "test_disposal_report.py"
    spec = importlib.util.spec_from_file_location("disposal", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    from workbench.case import Case

    want = module.recomputed(Case.open(done))
    assert want["rows erased"] + want["rows with personal columns cleared"] > 59
    bundle = done / "bundle" / "data" / "reports"
    assert (bundle / "disposal.zh.html").is_file()
    assert (bundle / "disposal.en.docx").is_file()
