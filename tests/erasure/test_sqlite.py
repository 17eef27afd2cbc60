"""SQLite: rows gone, bytes gone, kept rows intact, and the proof says so only when it is so."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.erasure import Certificates, dry_run, erase
from workbench.errors import ApprovalError, ErasureError
from workbench.plan.model import Disposal
from workbench.vault import SealedArchive, archived_batches, protect

Line = Callable[..., Disposal]
CHINOOK = Path(__file__).resolve().parents[3] / "shared" / "data" / "chinook.sqlite"
SHOP = '[[sources]]\nname = "shop"\nurl = "sqlite:///shop.sqlite"\n'


def store_bytes(path: Path) -> bytes:
    return b"".join(p.read_bytes() for p in path.parent.glob(path.name + "*"))


@pytest.fixture
def shop(bench: Any, make_shop: Callable[..., None]) -> Path:
    make_shop(bench.folder / "shop.sqlite")
    bench.open(SHOP)
    return bench.folder / "shop.sqlite"


def test_erased_to_plan_and_clean_to_the_byte(bench: Any, shop: Path, line: Line, shop_plan: list[Disposal]) -> None:
    """Rows go as planned, suppressed cells are empty, no canary is left in the file, and the control saw them before."""
    assert store_bytes(shop).count(b"CANARY") > 1000
    approval = bench.ready(*shop_plan)
    result = erase(bench.case, approval)
    assert result.verdict == "STORE_CLEAN", (result.problems, result.stores)
    assert result.problems == ()
    assert store_bytes(shop).count(b"CANARY") == 0
    assert store_bytes(shop).count((13_800_000_005).to_bytes(6, "big")) == 0
    db = sqlite3.connect(shop)
    assert db.execute("SELECT count(*) FROM orders WHERE placed < '2014'").fetchone() == (0,)
    kept = db.execute("SELECT count(*), count(nullif(address, '')) FROM orders").fetchone()
    assert kept == (552, 0)
    assert db.execute("SELECT count(*) FROM orders o JOIN customers c ON c.id = o.customer_id").fetchone() == (552,)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert db.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE 'wb_erase%'").fetchone() == (0,)
    db.close()
    store = result.stores[0]
    assert all(c.control_hits > 0 for c in store.columns if c.needles)
    assert sum(r.archived for r in result.disposals) == sum(r.planned for r in result.disposals if r.action == "lock")


def test_the_archive_holds_what_was_locked(bench: Any, shop: Path, line: Line, shop_plan: list[Disposal]) -> None:
    """Locked rows open from the archive with the values that the live rows no longer hold."""
    erase(bench.case, bench.ready(*shop_plan))
    archive = bench.case.load(SealedArchive)
    orders = next(r for r in archive.rows if r.table == "orders")
    cells = [c for b in archived_batches(bench.case, orders) for c in b.column("address").to_pylist()]
    assert len(cells) == 552
    assert all("CANARYADDR" in c for c in cells)


def test_a_second_run_returns_the_first_certificates(bench: Any, shop: Path, line: Line, shop_plan: list[Disposal]) -> None:
    """A retry issues no new certificate with zero rows; it returns the first."""
    approval = bench.ready(*shop_plan)
    first = erase(bench.case, approval)
    before = bench.case.load(Certificates)
    assert erase(bench.case, approval) == first
    assert bench.case.load(Certificates) == before
    assert all(c.state == "closed" for c in before.certificates)


def test_a_dry_run_changes_no_byte(bench: Any, shop: Path, line: Line, shop_plan: list[Disposal]) -> None:
    """The dry run counts the same rows and leaves the file as it was."""
    bench.plan(*shop_plan)
    before = shop.read_bytes()
    told = dry_run(bench.case)
    assert shop.read_bytes() == before
    approval = bench.ready(*shop_plan)
    done = erase(bench.case, approval)
    assert [r.planned for r in told.disposals] == [r.planned for r in done.disposals]


def test_nothing_is_erased_unprotected_or_unapproved(bench: Any, shop: Path, line: Line, shop_plan: list[Disposal]) -> None:
    """Without backup, with a changed source, or with another plan's approval nothing changes."""
    plan = shop_plan
    bench.plan(*plan)
    approval = bench.approve()
    before = shop.read_bytes()
    with pytest.raises(ErasureError, match="nothing is protected"):
        erase(bench.case, approval)
    protect(bench.case)
    bench.plan(*plan[:-1])
    with pytest.raises(ApprovalError):
        erase(bench.case, approval)
    assert shop.read_bytes() == before
    bench.plan(*plan)
    with sqlite3.connect(shop) as db:
        db.execute("INSERT INTO products VALUES ('new', 'arrived later')")
    db.close()
    after = shop.read_bytes()
    with pytest.raises(ErasureError, match="not what the sealed backup holds"):
        erase(bench.case, approval)
    with sqlite3.connect(shop) as db:
        assert db.execute("SELECT count(*) FROM customers").fetchone() == (600,)
    db.close()
    assert len(after) <= shop.stat().st_size


def test_chinook_customers_are_gone_and_invoices_still_join(bench: Any, line: Line) -> None:
    """The spine: Chinook's customers leave the file's bytes, kept invoices join, invoice lines are intact."""
    if not CHINOOK.exists():
        pytest.skip("the shared sample is not here")
    path = bench.folder / "chinook.sqlite"
    shutil.copyfile(CHINOOK, path)
    path.chmod(0o600)
    bench.open('[[sources]]\nname = "chinook"\nurl = "sqlite:///chinook.sqlite"\n')
    db = sqlite3.connect(path)
    people = list(db.execute("SELECT FirstName, LastName, Email, Address, Phone FROM Customer"))
    total = db.execute("SELECT count(*), sum(Total) FROM Invoice").fetchone()
    db.close()
    customer = ["FirstName", "LastName", "Company", "Address", "City", "State", "PostalCode", "Phone", "Fax",
                            "Email"]
    rest = ["Album", "Artist", "Employee", "Genre", "MediaType", "Playlist", "PlaylistTrack", "Track", "InvoiceLine"]
    billing = ("BillingAddress", "BillingCity", "BillingState", "BillingPostalCode")
    approval = bench.ready(
        line("D001", "chinook", "Invoice", "lock", suppress=billing, retention_class="cn.accounting.voucher/2040"),
        line("D002", "chinook", "Customer", "lock", suppress=tuple(customer), retention_class="cn.accounting/2040"),
        *[line(f"K{i}", "chinook", t, "keep") for i, t in enumerate(rest)])
    result = erase(bench.case, approval)
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN", result.stores
    data = store_bytes(path)
    for first, last, email, address, phone in people:
        assert email.encode() not in data
        assert phone is None or phone.encode() not in data
        assert address.encode() not in data
        assert f"{first}{last}".encode() not in data
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(*), sum(Total) FROM Invoice JOIN Customer USING (CustomerId)").fetchone() == total
    db.close()


@pytest.mark.parametrize("journal", ["wal", "delete", "persist", "truncate"])
def test_every_journal_mode_ends_clean(bench: Any, line: Line, journal: str, shop_plan: list[Disposal],
                                       make_shop: Callable[..., None]) -> None:
    """WAL, DELETE, PERSIST and TRUNCATE journals hold no canary after the run."""
    path = bench.folder / "shop.sqlite"
    make_shop(path, journal=journal, rows=300)
    bench.open(SHOP)
    result = erase(bench.case, bench.ready(*shop_plan))
    assert result.verdict == "STORE_CLEAN", (result.problems, result.stores)
    assert store_bytes(path).count(b"CANARY") == 0


def test_an_old_copy_beside_the_database_is_named(bench: Any, shop: Path, line: Line, shop_plan: list[Disposal]) -> None:
    """A forgotten backup next to the file makes the verdict FAILED and is named; without it, the next run proves clean."""
    approval = bench.ready(*shop_plan)
    shutil.copyfile(shop, shop.with_name("shop.sqlite.bak"))
    result = erase(bench.case, approval)
    assert any("shop.sqlite.bak" in p for p in result.problems)
    assert result.verdict == "FAILED"
    shop.with_name("shop.sqlite.bak").unlink()
    again = erase(bench.case, approval)
    assert again.verdict == "STORE_CLEAN", again.problems
    assert [r.deleted for r in again.disposals] == [r.deleted for r in result.disposals]
    assert erase(bench.case, approval) == again


def test_a_copying_trigger_is_named_and_copies_nothing(bench: Any, shop: Path, line: Line, shop_plan: list[Disposal]) -> None:
    """A trigger that writes deleted rows elsewhere is named, is off while we delete, and is there again afterwards."""
    with sqlite3.connect(shop) as db:
        db.executescript("CREATE TABLE history (name TEXT); CREATE TRIGGER keep_copy AFTER DELETE ON customers "
                         "BEGIN INSERT INTO history VALUES (old.name); END;")
    db.close()
    result = erase(bench.case, bench.ready(*shop_plan))
    assert result.verdict == "STORE_CLEAN", result.problems
    assert ("trigger", "keep_copy") in {(p.check, p.object) for p in result.preflight}
    with sqlite3.connect(shop) as db:
        assert db.execute("SELECT count(*) FROM history").fetchone() == (0,)
        assert db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall() == [("keep_copy",)]
    db.close()


def test_full_text_shadow_is_rebuilt(bench: Any, line: Line, shop_plan: list[Disposal], make_shop: Callable[..., None]) -> None:
    """An FTS5 index over the names gives no hit and holds no token of an erased name afterwards."""
    path = bench.folder / "shop.sqlite"
    make_shop(path, rows=200)
    db = sqlite3.connect(path)
    db.executescript("""
        CREATE VIRTUAL TABLE f USING fts5(name, content='customers', content_rowid='id');
        INSERT INTO f(f) VALUES('rebuild');
        CREATE TRIGGER f_ad AFTER DELETE ON customers BEGIN
            INSERT INTO f(f, rowid, name) VALUES('delete', old.id, old.name); END;
        CREATE TRIGGER f_au AFTER UPDATE ON customers BEGIN
            INSERT INTO f(f, rowid, name) VALUES('delete', old.id, old.name);
            INSERT INTO f(rowid, name) VALUES (new.id, new.name); END;
    """)
    db.commit()
    db.close()
    bench.open(SHOP)
    plan = shop_plan
    result = erase(bench.case, bench.ready(*plan))
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(*) FROM f WHERE f MATCH 'canaryname*'").fetchone() == (0,)
    db.close()
    assert b"canaryname" not in store_bytes(path).lower(), result.problems


def test_not_null_cycle_and_self_reference(bench: Any, line: Line) -> None:
    """Two tables that must point at each other, and a staff tree, are erased completely."""
    path = bench.folder / "c.sqlite"
    with sqlite3.connect(path) as db:
        db.executescript("""
            CREATE TABLE store (id INTEGER PRIMARY KEY, manager INTEGER NOT NULL REFERENCES staff(id), title TEXT);
            CREATE TABLE staff (id INTEGER PRIMARY KEY, store INTEGER NOT NULL REFERENCES store(id), name TEXT,
                                boss INTEGER NOT NULL REFERENCES staff(id));
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
                INSERT INTO store SELECT i, i, 'CANARYSTORE' || i FROM n;
            INSERT INTO staff SELECT id, id, 'CANARYSTAFF' || id, max(1, id - 1) FROM store;
        """)
    db.close()
    bench.open('[[sources]]\nname = "c"\nurl = "sqlite:///c.sqlite"\n')
    result = erase(bench.case, bench.ready(line("D1", "c", "staff", "erase"), line("D2", "c", "store", "erase")))
    assert (result.verdict, result.problems) == ("STORE_CLEAN", ())
    assert [r.deleted for r in result.disposals] == [50, 50]
    assert b"CANARYST" not in store_bytes(path)


def test_generated_columns_follow_what_they_are_made_of(bench: Any, line: Line) -> None:
    """No value is set for them; they count neither as kept cells nor as controls, stored or not."""
    path = bench.folder / "shop.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE p (id INTEGER PRIMARY KEY, mail TEXT, host TEXT AS (substr(mail, 14)) STORED, "
                   "loud TEXT AS (upper(mail)), label TEXT AS ('R-' || id) STORED)")
        db.executemany("INSERT INTO p (id, mail) VALUES (?, ?)", [(i, f"canary{i:06d}@host{i}.example") for i in range(80)])
    db.close()
    bench.open(f'[[sources]]\nname = "s"\nurl = "sqlite:///{path}"\n')
    result = erase(bench.case, bench.ready(line("D1", "s", "p", "lock", suppress=("mail", "loud"), retention_class="x/2040")))
    assert result.verdict == "STORE_CLEAN", (result.problems, result.stores)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*), count(mail), count(host), count(loud), min(label) FROM p").fetchall() == [
            (80, 0, 0, 0, "R-0")]
    db.close()
