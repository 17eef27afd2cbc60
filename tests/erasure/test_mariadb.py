"""MariaDB: a private server, so that every byte of its data directory can be looked at."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from servers import Maria, hits, server_folder

from workbench.case.config import SourceSpec
from workbench.erasure import erase
from workbench.erasure.mariadb import MariaStore
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]
pytestmark = pytest.mark.skipif(not shutil.which("mariadb-install-db"), reason="no MariaDB server on this machine")
CHINOOK = Path(__file__).resolve().parents[3] / "shared" / "data" / "chinook_mysql.sql"


@pytest.fixture(scope="module")
def server() -> Iterator[Maria]:
    with server_folder() as folder:
        made = Maria(folder, log_bin="bin", server_id="7", binlog_format="ROW")
        yield made
        made.stop()


SHOP = """
CREATE TABLE customers (id BIGINT PRIMARY KEY, name VARCHAR(60) NOT NULL, phone VARCHAR(20) UNIQUE, mobile BIGINT,
    email VARCHAR(80), born DATE, boss BIGINT NULL, memo LONGTEXT,
    updated TIMESTAMP NOT NULL DEFAULT '2024-01-01 00:00:00' ON UPDATE CURRENT_TIMESTAMP,
    KEY (email), FOREIGN KEY (boss) REFERENCES customers(id)) ENGINE=InnoDB CHARACTER SET utf8mb4;
CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT NOT NULL, placed VARCHAR(20), total DECIMAL(12,2),
    address VARCHAR(200) NOT NULL, state ENUM('new','paid') NOT NULL, FOREIGN KEY (customer_id) REFERENCES customers(id)
    ) ENGINE=InnoDB CHARACTER SET gbk;
CREATE TABLE history (id BIGINT AUTO_INCREMENT PRIMARY KEY, who VARCHAR(60)) ENGINE=InnoDB;
INSERT INTO customers (id, name, phone, mobile, email, born, boss, memo) SELECT seq,
    CONCAT('王CANARYNAME', LPAD(seq, 5, '0')), CONCAT('139', LPAD(seq, 8, '0')), 13800000000 + seq,
    CONCAT('canarymail', seq, '@x.example'), '1990-01-01', IF(seq > 1, seq - 1, NULL),
    CONCAT('CANARYMEMO', seq, REPEAT(MD5(seq), 400)) FROM seq_1_to_400;
INSERT INTO orders SELECT seq, 1 + seq % 400, CONCAT(2000 + seq % 26, '/5/1'), seq / 4,
    IF(seq % 3, CONCAT('CANARYADDR', LPAD(seq, 5, '0'), ' 上海路'), ''), IF(seq % 3, 'paid', 'new') FROM seq_1_to_1200;
CREATE TRIGGER keep_copy AFTER DELETE ON customers FOR EACH ROW INSERT INTO history (who) VALUES (OLD.name);
"""


def plan(line: Line) -> list[Disposal]:
    old, young = ("placed", "<", "2014-01-01"), ("placed", ">=", "2014-01-01")
    return [
        line("D1", "shop", "orders", "erase", [old]),
        line("D2", "shop", "orders", "lock", [young], suppress=("address", "state"), retention_class="cn.accounting/2040"),
        line("D3", "shop", "customers", "erase", [("", "unreferenced", "")]),
        line("D4", "shop", "customers", "lock", [("", "referenced", "")], retention_class="cn.accounting/2040",
             suppress=("name", "phone", "mobile", "email", "born", "memo")),
        line("D5", "shop", "history", "keep"),
    ]


@pytest.fixture
def shop(bench: Any, server: Maria) -> Iterator[str]:
    server.sql("DROP DATABASE IF EXISTS wb_erase_shop; CREATE DATABASE wb_erase_shop CHARACTER SET utf8mb4")
    server.sql(SHOP, "wb_erase_shop")
    server.sql("ANALYZE TABLE wb_erase_shop.customers PERSISTENT FOR ALL")
    bench.open(f'[[sources]]\nname = "shop"\nurl = "{server.url("wb_erase_shop")}"\n')
    yield "wb_erase_shop"
    server.sql("DROP DATABASE IF EXISTS wb_erase_shop")


def test_every_byte_of_the_server_is_clean(bench: Any, server: Maria, shop: str, line: Line) -> None:
    """Tables, undo, redo, binary log and statistics hold no canary; kept rows and the trigger are intact."""
    assert sum(hits(server.data, b"CANARY").values()) > 2000
    result = erase(bench.case, bench.ready(*plan(line)))
    assert result.problems == (), [x for x in result.scrubs if not x.done]
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    assert hits(server.data, b"CANARY") == {}
    assert hits(server.data, b"canarymail") == {}
    assert hits(server.data, (13_800_000_007 + (1 << 63)).to_bytes(8, "big")) == {}
    kept = server.sql("SELECT count(*), sum(address <> ''), min(state) FROM orders", shop)[0]
    assert kept[0] == sum(r.planned for r in result.disposals if r.disposal == "D2")
    assert (int(kept[1]), kept[2]) == (0, "new")
    assert server.sql("SELECT count(*) FROM orders o JOIN customers c ON c.id = o.customer_id", shop)[0][0] == kept[0]
    assert server.sql("SELECT count(*) FROM history", shop) == [(0,)]
    assert server.sql("SELECT count(*) FROM customers WHERE updated <> '2024-01-01 00:00:00'", shop) == [(0,)]
    assert server.sql("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'wb_erase_shop'") == [
        ("keep_copy",)]
    assert ("trigger", "keep_copy") in {(p.check, p.object) for p in result.preflight}


@pytest.mark.parametrize(("step", "sort"), [("optimize", "table"), ("binlog", "binlog"), ("redo", "redo"),
                                            ("statistics", "system"), ("undo", "undo")])
def test_a_left_out_step_shows(bench: Any, server: Maria, shop: str, line: Line, step: str, sort: str,
                               monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof fails, naming the class of file, when one scrub step is left out."""
    steps = {step} | ({"scrub-pages"} if step == "optimize" else set())
    if step == "optimize":
        server.sql("SET GLOBAL innodb_immediate_scrub_data_uncompressed = OFF")
    monkeypatch.setattr(MariaStore, "skip_steps", frozenset(steps))
    result = erase(bench.case, bench.ready(*plan(line)))
    assert result.verdict == "FAILED", [(f.sort, f.control_hits, f.residual_hits) for f in result.stores[0].files]
    assert sort in {f.sort for f in result.stores[0].files if f.residual_hits}


@pytest.mark.parametrize("kib", [4, 16, 64])
def test_pages_in_the_doublewrite_buffer_are_overwritten(tmp_path: Path, kib: int) -> None:
    """A large flush left a second copy of pages in ibdata1; the step notices when it did not replace all of them."""
    size = kib << 10
    with server_folder() as folder:
        server = Maria(folder, innodb_page_size=f"{kib}k")
        try:
            server.fill("wb_erase_shop", 8000)

            def second_copies() -> int:
                extent = max((1 << 20) // size, 64)
                return (server.data / "ibdata1").read_bytes()[extent * size:3 * extent * size].count(b"CANARY")

            for _ in range(2):  # new pages are written once only
                server.sql("UPDATE o SET address = CONCAT(address, 'x'); FLUSH TABLES o, c FOR EXPORT; UNLOCK TABLES", "wb_erase_shop")
            assert second_copies() > 0
            store = MariaStore(SourceSpec(name="shop", url=server.url("wb_erase_shop")), tmp_path)
            store.open()
            try:
                later = store._lsn()
                assert store._written_before(later) > 0
                step = store._doublewrite()
                assert (step.done, step.note) == (True, ""), step
                assert store._written_before(later) == 0
            finally:
                store.close()
            assert second_copies() == 0
        finally:
            server.stop()


def test_a_doublewrite_buffer_that_is_off_becomes_a_task(tmp_path: Path) -> None:
    """Its old pages stay where they are; without RELOAD it cannot be filled. Neither leaves a work table."""
    with server_folder() as folder:
        server = Maria(folder)
        try:
            server.fill("wb_erase_shop", 100)
            server.sql("CREATE USER lesser IDENTIFIED BY ''; GRANT ALL ON wb_erase_shop.* TO lesser")
            server.stop()
            server.settings["innodb_doublewrite"] = "0"
            server.start()
            for user, word in (("root", "innodb_doublewrite=ON"), ("lesser", "FOR EXPORT")):
                url = server.url("wb_erase_shop").replace("root", user)
                store = MariaStore(SourceSpec(name="shop", url=url), tmp_path)
                store.open()
                try:
                    step = store._doublewrite()
                finally:
                    store.close()
                assert (step.done, step.task) == (False, True), step
                assert word in step.command
                assert server.sql("SHOW TABLES LIKE 'wb_erase_%'", "wb_erase_shop") == []
        finally:
            server.stop()


def test_keys_are_committed_and_the_rows_free(tmp_path: Path, server: Maria) -> None:
    """Another client may write rows that were selected, whatever the key is made of."""
    server.sql("DROP DATABASE IF EXISTS wb_erase_keys; CREATE DATABASE wb_erase_keys")
    server.sql("CREATE TABLE v (k VARCHAR(9) PRIMARY KEY, n INT); INSERT INTO v SELECT seq, seq FROM seq_1_to_90", "wb_erase_keys")
    store = MariaStore(SourceSpec(name="s", url=server.url("wb_erase_keys")), tmp_path)
    store.open()
    try:
        assert store.make_keys("wb_erase_k0", "v", "t.n < 50") == 49
        assert server.sql("SELECT count(*) FROM wb_erase_k0", "wb_erase_keys") == [(49,)]
        server.sql("SET innodb_lock_wait_timeout = 1; UPDATE v SET n = 0", "wb_erase_keys")
    finally:
        store.close()
    server.sql("DROP DATABASE wb_erase_keys")


def test_a_dump_in_the_data_directory_is_named(bench: Any, server: Maria, shop: str, line: Line) -> None:
    """A forgotten dump below the data directory makes the verdict FAILED and is named."""
    dump = server.data / "before_migration.sql"
    dump.write_text("".join(f"canarymail{i}@x.example\n" for i in range(500)))
    try:
        result = erase(bench.case, bench.ready(*plan(line)))
        assert any("before_migration.sql" in p for p in result.problems)
    finally:
        dump.unlink()


def test_names_with_a_per_cent_sign(bench: Any, server: Maria, line: Line) -> None:
    """The driver takes % in a statement for a place where a value goes."""
    server.sql("DROP DATABASE IF EXISTS `wb_erase_%d`; CREATE DATABASE `wb_erase_%d` CHARACTER SET utf8mb4")
    server.sql("""
        CREATE TABLE `折扣%` (`编号%` INT PRIMARY KEY, `谁%` VARCHAR(40), `placed%` VARCHAR(20)) CHARACTER SET utf8mb4;
        INSERT INTO `折扣%` SELECT seq, CONCAT('CANARY%', seq), IF(seq % 2, '2010/1/2', '2024/1/2') FROM seq_1_to_500;
        CREATE TABLE `rate%a` (id INT PRIMARY KEY, `of` INT NOT NULL, who VARCHAR(40), FOREIGN KEY (`of`) REFERENCES `折扣%`(`编号%`));
        INSERT INTO `rate%a` SELECT seq, seq, CONCAT('CANARYX', seq) FROM seq_1_to_500 WHERE seq % 2 = 1;
        CREATE TABLE `q%` (id INT PRIMARY KEY, who VARCHAR(40)); INSERT INTO `q%` SELECT seq, CONCAT('kept', seq) FROM seq_1_to_99;
        CREATE TABLE `q%%` (`p%sum` VARCHAR(9) PRIMARY KEY, who VARCHAR(40));
        INSERT INTO `q%%` SELECT seq, CONCAT('CANARYQ', seq) FROM seq_1_to_99;
    """, "wb_erase_%d")
    bench.open(f'[[sources]]\nname = "s"\nurl = "{server.url("wb_erase_%25d")}"\n')
    old, young = ("placed%", "<", "2014-01-01"), ("placed%", ">=", "2014-01-01")
    result = erase(bench.case, bench.ready(
        line("D1", "s", "折扣%", "erase", [old]), line("D2", "s", "rate%a", "erase"),
        line("D4", "s", "q%", "keep"), line("D5", "s", "q%%", "erase"),
        line("D3", "s", "折扣%", "lock", [young], suppress=("谁%",), retention_class="cn.accounting/2040")))
    assert (result.verdict, result.problems) == ("STORE_CLEAN", ()), [s.note for s in result.stores]
    assert server.sql("SELECT count(*), sum(`谁%` <> '') FROM `折扣%`", "wb_erase_%d")[0] == (250, None)
    assert server.sql("SELECT (SELECT count(*) FROM `q%`), (SELECT count(*) FROM `q%%`)", "wb_erase_%d") == [(99, 0)]
    assert hits(server.data, b"CANARY") == {}
    server.sql("DROP DATABASE `wb_erase_%d`")


def test_not_null_cycle_and_self_reference(bench: Any, server: Maria, line: Line) -> None:
    """Two tables that must point at each other, and a staff tree, are erased completely."""
    server.sql("DROP DATABASE IF EXISTS wb_erase_cycle; CREATE DATABASE wb_erase_cycle")
    server.sql("""
        SET foreign_key_checks = 0;
        CREATE TABLE store (id INT PRIMARY KEY, manager INT NOT NULL, title VARCHAR(40));
        CREATE TABLE staff (id INT PRIMARY KEY, store INT NOT NULL, name VARCHAR(40), boss INT NOT NULL,
                            FOREIGN KEY (store) REFERENCES store(id), FOREIGN KEY (boss) REFERENCES staff(id));
        INSERT INTO store SELECT seq, seq, CONCAT('CANARYSTORE', seq) FROM seq_1_to_50;
        INSERT INTO staff SELECT seq, seq, CONCAT('CANARYSTAFF', seq), GREATEST(1, seq - 1) FROM seq_1_to_50;
        ALTER TABLE store ADD FOREIGN KEY (manager) REFERENCES staff(id);
    """, "wb_erase_cycle")
    bench.open(f'[[sources]]\nname = "c"\nurl = "{server.url("wb_erase_cycle")}"\n')
    result = erase(bench.case, bench.ready(line("D1", "c", "staff", "erase"), line("D3", "c", "store", "erase")))
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    assert server.sql("SELECT (SELECT count(*) FROM staff), (SELECT count(*) FROM store)", "wb_erase_cycle") == [(0, 0)]
    assert hits(server.data, b"CANARYST") == {}
    server.sql("DROP DATABASE wb_erase_cycle")


def test_chinook_invoices_join_after_customers_are_stripped(bench: Any, server: Maria, line: Line) -> None:
    """Chinook on MariaDB: erased to plan, joins intact, nothing of a customer left in the server's files."""
    if not CHINOOK.exists():
        pytest.skip("the shared sample is not here")
    import subprocess

    with CHINOOK.open("rb") as f:
        subprocess.run(["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(server.port), "-u", "root"], stdin=f,
                       check=True, capture_output=True)
    bench.open(f'[[sources]]\nname = "chinook"\nurl = "{server.url("Chinook")}"\n')
    people = server.sql("SELECT Email, Phone FROM Customer", "Chinook")
    total = server.sql("SELECT count(*), sum(Total) FROM Invoice", "Chinook")
    rest = ["Album", "Artist", "Employee", "Genre", "MediaType", "Playlist", "PlaylistTrack", "Track", "InvoiceLine"]
    result = erase(bench.case, bench.ready(
        line("D1", "chinook", "Invoice", "lock", retention_class="cn.accounting/2040",
             suppress=("BillingAddress", "BillingCity", "BillingState", "BillingPostalCode")),
        line("D2", "chinook", "Customer", "lock", retention_class="cn.accounting/2040",
             suppress=("FirstName", "LastName", "Company", "Address", "City", "State", "PostalCode", "Phone", "Fax",
                       "Email")),
        *[line(f"K{i}", "chinook", t, "keep") for i, t in enumerate(rest)]))
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN", [s.note for s in result.stores]
    data = b"".join(p.read_bytes() for p in server.data.rglob("*") if p.is_file())
    assert all(str(email).encode() not in data for email, _ in people)
    assert server.sql("SELECT count(*), sum(Total) FROM Invoice JOIN Customer USING (CustomerId)", "Chinook") == total
    server.sql("DROP DATABASE Chinook")
