"""Marker tests with controls for the stores in files: nothing left after the run, and each step, left out, shows.

PostgreSQL's and MariaDB's are in their own files, since they need servers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook, load_workbook

from workbench.erasure import Erasure, erase, filejob, files, rewrite
from workbench.erasure.duckdb import DuckStore
from workbench.erasure.sqlite import SqliteStore
from workbench.plan.model import Disposal

Line = Callable[..., Disposal]
MODES = ("OFF", "FAST", "ON")
FTS = """
    CREATE VIRTUAL TABLE f USING fts5(name, content='customers', content_rowid='id');
    INSERT INTO f(f) VALUES('rebuild');
    CREATE TRIGGER f_ad AFTER DELETE ON customers BEGIN INSERT INTO f(f, rowid, name) VALUES('delete', old.id, old.name); END;
    CREATE TRIGGER f_au AFTER UPDATE ON customers BEGIN
        INSERT INTO f(f, rowid, name) VALUES('delete', old.id, old.name);
        INSERT INTO f(rowid, name) VALUES (new.id, new.name); END;
    ANALYZE;
"""


def sorts(result: Erasure) -> set[str]:
    """Classes of files in which the proof found something."""
    return {f.sort for s in result.stores for f in s.files if f.residual_hits}


def controlled(result: Erasure) -> bool:
    """Whether every column that was searched for had been found before."""
    columns = [c for s in result.stores for c in s.columns if c.needles]
    return bool(columns) and all(c.control_hits for c in columns)


# -- SQLite ----------------------------------------------------------------------------------------------------


def sqlite_run(bench: Any, make_shop: Callable[..., None], plan: list[Disposal], journal: str) -> tuple[Erasure, bytes]:
    path = bench.folder / "shop.sqlite"
    make_shop(path, journal=journal, rows=300)
    db = sqlite3.connect(path)
    db.executescript(FTS)
    db.close()
    assert path.read_bytes().lower().count(b"canaryname") > 300
    bench.open('[[sources]]\nname = "shop"\nurl = "sqlite:///shop.sqlite"\n')
    result = erase(bench.case, bench.ready(*plan))
    return result, b"".join(p.read_bytes() for p in path.parent.glob("shop.sqlite*")).lower()


@pytest.mark.parametrize("journal", ["delete", "wal", "persist", "truncate"])
@pytest.mark.parametrize("mode", MODES)
def test_sqlite_is_clean_in_every_mode(bench: Any, make_shop: Callable[..., None], shop_plan: list[Disposal], mode: str,
                                       journal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever secure_delete and the journal are, with a full-text index: no marker in any case of letters is left."""
    monkeypatch.setattr(SqliteStore, "secure", mode)
    result, data = sqlite_run(bench, make_shop, shop_plan, journal)
    assert controlled(result), result.stores
    assert (result.verdict, result.problems) == ("STORE_CLEAN", ())
    assert data.count(b"canary") == 0


@pytest.mark.parametrize(("step", "mode", "journal", "sort"), [
    ("vacuum", "OFF", "delete", "database"), ("vacuum", "FAST", "wal", "database"),
    *[("fts-rebuild", mode, "delete", "database") for mode in MODES], *[("wal", mode, "wal", "wal") for mode in MODES]])
def test_a_step_left_out_of_sqlite_shows(bench: Any, make_shop: Callable[..., None], shop_plan: list[Disposal], step: str,
                                         mode: str, journal: str, sort: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof fails and names the class of file. (VACUUM shows only without secure_delete=ON, which does the same.)"""
    monkeypatch.setattr(SqliteStore, "secure", mode)
    monkeypatch.setattr(SqliteStore, "skip_steps", frozenset({step}))
    result, _ = sqlite_run(bench, make_shop, shop_plan, journal)
    assert controlled(result), result.stores
    assert result.verdict == "FAILED"
    assert sorts(result) == {sort}


# -- DuckDB ----------------------------------------------------------------------------------------------------


def duck_run(bench: Any, line: Line) -> tuple[Erasure, bytes]:
    path = bench.folder / "shop.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("CREATE TABLE c (id INTEGER, name VARCHAR, placed VARCHAR); INSERT INTO c SELECT i, 'CANARY' || hash(i), "
                   "(2000 + i % 26)::VARCHAR || '-05-01' FROM range(6000) t(i)")
    bench.open('[[sources]]\nname = "shop"\nurl = "duckdb:///shop.duckdb"\n')
    result = erase(bench.case, bench.ready(
        line("D1", "shop", "c", "erase", [("placed", "<", "2014-01-01")]),
        line("D2", "shop", "c", "anonymise", [("placed", ">=", "2014-01-01")], suppress=("name",))))
    return result, b"".join(p.read_bytes() for p in bench.folder.iterdir() if p.is_file())


def test_duckdb_is_clean(bench: Any, line: Line) -> None:
    """The fresh file holds no marker and nothing lies beside it."""
    result, data = duck_run(bench, line)
    assert controlled(result), result.stores
    assert (result.verdict, result.problems) == ("STORE_CLEAN", ())
    assert b"CANARY" not in data


def test_duckdb_deleted_in_place_shows(bench: Any, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the fresh file, DELETE and CHECKPOINT leave the values in the old one."""
    monkeypatch.setattr(DuckStore, "swaps", False)
    result, data = duck_run(bench, line)
    assert result.verdict == "FAILED"
    assert sorts(result) == {"database"}
    assert b"CANARY" in data


def test_duckdb_with_its_old_file_left_shows(bench: Any, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old file, not destroyed, is found beside the fresh one."""
    monkeypatch.setattr(files, "wipe", lambda path: None)
    result, _ = duck_run(bench, line)
    assert result.verdict == "FAILED"
    assert sorts(result) == {"beside"}


# -- Parquet, workbooks ----------------------------------------------------------------------------------------


def parquet(path: Path) -> None:
    """Markers as plain text, as an Arrow dictionary, and in nested lists; compressed."""
    n = 4000
    who = [f"{'CANARY' if i % 2 else 'KEEPER'}{i:05d}" for i in range(n)]
    table = pa.table({"at": [f"{2010 if i % 2 else 2024}-05-01" for i in range(n)], "name": who,
                      "label": pa.array([f"L{w}" for w in who]).dictionary_encode(),
                      "tags": [[f"T{w}", "x"] for w in who]})
    pq.write_table(table, path, compression="zstd", row_group_size=1000)


def workbook(path: Path) -> None:
    """Markers in cells, a defined name, a comment, the properties and a hidden column."""
    from openpyxl.comments import Comment
    from openpyxl.workbook.defined_name import DefinedName

    book = Workbook()
    sheet = book.active
    sheet.append(["姓名", "at"])
    for i in range(60):
        sheet.append([f"周{'CANARY' if i % 2 else 'KEEPER'}{i:04d}", f"{2010 if i % 2 else 2024}-05-01"])
    sheet["A4"].comment = Comment("周CANARY0001", "周CANARY0003")
    book.defined_names["who"] = DefinedName("who", attr_text='"周CANARY0001"')
    book.properties.creator = "周CANARY0005"
    book.save(path)


def unpacked(folder: Path) -> bytes:
    """Raw bytes, zip members, and every page of Parquet files as DuckDB unpacks them, dictionaries included."""
    import zipfile

    out = b""
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        out += path.read_bytes()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as box:
                out += b"".join(box.read(n) for n in box.namelist())
        elif out[-4:] == b"PAR1":
            for batch in pq.ParquetFile(path, read_dictionary=["name", "label"]).iter_batches():
                out += b"".join(str(c.dictionary.to_pylist()).encode() for c in batch.columns if pa.types.is_dictionary(c.type))
                out += str(batch.to_pylist()).encode()
    return out


def file_run(bench: Any, line: Line, name: str) -> tuple[Erasure, bytes]:
    folder = bench.folder / "exports"
    folder.mkdir()
    (parquet if name.endswith("parquet") else workbook)(folder / name)
    table = name if name.endswith("parquet") else f"{name}#Sheet"
    bench.open('[[sources]]\nname = "exports"\npath = "exports"\n')
    assert b"CANARY" in unpacked(folder)
    result = erase(bench.case, bench.ready(line("D1", "exports", table, "erase", [("at", "<", "2020-01-01")]),
                                           line("D2", "exports", table, "keep", [("at", ">=", "2020-01-01")])))
    return result, unpacked(folder)


@pytest.mark.parametrize("name", ["a.parquet", "a.xlsx"])
def test_files_are_clean(bench: Any, line: Line, name: str) -> None:
    """Neither cells, dictionaries, statistics, comments, names nor properties hold a marker; kept ones are all there."""
    result, data = file_run(bench, line, name)
    assert controlled(result), result.stores
    assert (result.verdict, result.problems) == ("STORE_CLEAN", ())
    assert b"CANARY" not in data
    assert b"KEEPER" in data


@pytest.mark.parametrize("name", ["a.parquet", "a.xlsx"])
def test_an_old_file_left_shows(bench: Any, line: Line, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old file, not destroyed, is found beside the new one."""
    monkeypatch.setattr(filejob, "wipe", lambda path: None)
    result, _ = file_run(bench, line, name)
    assert result.verdict == "FAILED"
    assert sorts(result) == {"beside"}


def test_a_workbook_not_rebuilt_shows(bench: Any, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows deleted in place leave a comment, a defined name and the author behind: found."""
    def in_place(path: Path, temp: Path, tables: object, chosen: object) -> None:
        book = load_workbook(path)
        sheet = book.worksheets[0]
        for row in range(sheet.max_row, 1, -1):
            if "2010" in str(sheet.cell(row, 2).value):
                sheet.delete_rows(row)
        with temp.open("wb") as f:
            book.save(f)

    monkeypatch.setattr(rewrite, "_workbook", in_place)
    result, _ = file_run(bench, line, "a.xlsx")
    assert result.verdict == "FAILED"
    assert sorts(result) == {"file"}


def test_parquet_rows_only_hidden_show(bench: Any, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose rows are all still there is found, though its bytes are compressed."""
    def copy(path: Path, temp: Path, *rest: object) -> None:
        temp.write_bytes(path.read_bytes())

    monkeypatch.setattr(rewrite, "_parquet", copy)
    result, _ = file_run(bench, line, "a.parquet")
    assert result.verdict == "FAILED"
    assert sorts(result) == {"file"}
