"""Files: kept rows byte for byte, erased rows nowhere, old bytes overwritten, whole files gone."""

from __future__ import annotations

import decimal
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook, load_workbook

from workbench.erasure import erase
from workbench.plan.model import Disposal
from workbench.vault import SealedArchive

Line = Callable[..., Disposal]
FILES = '[[sources]]\nname = "exports"\npath = "exports"\n'
OLD, YOUNG = ("日期", "<", "2020-01-01"), ("日期", ">=", "2020-01-01")


def folder_bytes(folder: Path) -> bytes:
    import zipfile

    out = b""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            out += path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as z:
                    out += b"".join(z.read(n) for n in z.namelist())
    return out


def gb(text: str) -> bytes:
    return text.encode("gb18030")


def test_gb18030_csv_keeps_the_bytes_of_kept_rows(bench: Any, line: Line) -> None:
    """Old rows leave a GB18030 CSV; header, kept rows, quoting and line ends stay as they were."""
    folder = bench.folder / "exports"
    folder.mkdir()
    rows = [f'{i},李CANARYOLD{i:04d},{2010 + i % 16}/3/{1 + i % 9},"a, ""b"" {i}"\r\n' for i in range(200)]
    rows = [r if 2010 + i % 16 < 2020 else r.replace("CANARYOLD", "KEPTNAME") for i, r in enumerate(rows)]
    head = "编号,姓名,日期,备注\r\n"
    (folder / "clients.csv").write_bytes(gb(head + "".join(rows)))
    bench.open(FILES)
    result = erase(bench.case, bench.ready(line("D1", "exports", "clients.csv", "erase", [OLD]),
                                           line("D2", "exports", "clients.csv", "keep", [YOUNG])))
    assert result.verdict == "STORE_CLEAN", (result.problems, result.stores)
    assert (folder / "clients.csv").read_bytes() == gb(head + "".join(r for r in rows if "KEPTNAME" in r))
    assert not list(folder.glob(".wb-erase*"))


def test_locked_cells_are_cleared_and_archived(bench: Any, line: Line) -> None:
    """A locked CSV keeps its rows without the suppressed column; the archive has it."""
    folder = bench.folder / "exports"
    folder.mkdir()
    text = "编号,姓名,日期\n" + "".join(f"{i},赵CANARY{i:04d},2024-01-0{1 + i % 9}\n" for i in range(80))
    (folder / "c.csv").write_text(text, encoding="utf-8-sig")
    bench.open(FILES)
    result = erase(bench.case, bench.ready(line("D1", "exports", "c.csv", "lock", suppress=("姓名",),
                                                retention_class="x/2040")))
    assert result.verdict == "STORE_CLEAN", (result.problems, result.stores)
    left = (folder / "c.csv").read_bytes()
    assert left.startswith(b"\xef\xbb\xbf")
    assert b"CANARY" not in left
    assert left.decode("utf-8-sig").count("\n") == 81
    assert bench.case.load(SealedArchive).rows[0].rows == 80


def test_whole_files_are_destroyed(bench: Any, line: Line) -> None:
    """A chat export and a JSON lines file whose rows all go are removed."""
    folder = bench.folder / "exports"
    folder.mkdir()
    (folder / "chat.txt").write_text("".join(f"CANARYCHAT{i} 你好世界\n\n" for i in range(50)), encoding="utf-8")
    (folder / "events.jsonl").write_text("".join(json.dumps({"who": f"刘CANARY{i}", "at": "2012-01-01"}) + "\n"
                                                 for i in range(50)))
    bench.open(FILES)
    result = erase(bench.case, bench.ready(line("D1", "exports", "chat.txt", "erase"),
                                           line("D2", "exports", "events.jsonl", "erase")))
    assert result.verdict == "STORE_CLEAN", (result.problems, result.stores)
    assert list(folder.iterdir()) == []


def test_json_lines_lose_old_objects_and_cleared_keys(bench: Any, line: Line) -> None:
    """Nested keys are cleared, old objects leave, kept lines without clearing keep their bytes."""
    folder = bench.folder / "exports"
    folder.mkdir()
    items = [{"at": f"{2015 + i % 8}-01-01", "user": {"name": f"孙CANARY{i:03d}"}, "n": i} for i in range(60)]
    (folder / "e.jsonl").write_text("".join(json.dumps(i) + "\n" for i in items))
    bench.open(FILES)
    result = erase(bench.case, bench.ready(
        line("D1", "exports", "e.jsonl", "erase", [("at", "<", "2019-01-01")]),
        line("D2", "exports", "e.jsonl", "anonymise", [("at", ">=", "2019-01-01")], suppress=("user.name",))))
    assert result.verdict == "STORE_CLEAN", (result.problems, result.stores)
    left = [json.loads(x) for x in (folder / "e.jsonl").read_text().splitlines()]
    assert [x["n"] for x in left] == [i["n"] for i in items if i["at"] >= "2019"]
    assert all(x["user"] == {"name": None} for x in left)


def test_parquet_keeps_schema_metadata_and_encodings(bench: Any, line: Line) -> None:
    """Schema, key-value metadata, decimals, timestamps and dictionaries of kept rows are exactly as before."""
    folder = bench.folder / "exports"
    folder.mkdir()
    import datetime as dt

    n = 3000
    schema = pa.schema([
        pa.field("id", pa.int32(), nullable=False), pa.field("name", pa.string(), metadata={b"k": b"v"}),
        pa.field("day", pa.date32()), pa.field("ns", pa.timestamp("ns", "Asia/Shanghai")),
        pa.field("amount", pa.decimal128(20, 4)), pa.field("city", pa.dictionary(pa.int32(), pa.string())),
        pa.field("tags", pa.list_(pa.string()))], metadata={b"owner": "甲".encode()})
    table = pa.table([
        pa.array(range(n), pa.int32()), [f"CANARYP{i:05d}" if i % 3 == 0 else f"KEEPP{i:05d}" for i in range(n)],
        pa.array([dt.date(2010, 1, 1) if i % 3 == 0 else dt.date(2024, 1, 1) for i in range(n)]),
        pa.array([1_700_000_000_123_456_789 + i for i in range(n)], pa.timestamp("ns", "Asia/Shanghai")),
        pa.array([decimal.Decimal(f"{i}.1234") for i in range(n)], pa.decimal128(20, 4)),
        pa.array([f"c{i % 9}" for i in range(n)]).dictionary_encode(), [[f"t{i % 5}"] for i in range(n)]], schema=schema)
    pq.write_table(table, folder / "log.parquet", compression="zstd", row_group_size=1000)
    before = pq.ParquetFile(folder / "log.parquet").schema_arrow
    pq_before = pq.read_table(folder / "log.parquet")
    bench.open(FILES)
    result = erase(bench.case, bench.ready(
        line("D1", "exports", "log.parquet", "erase", [("day", "<", "2020-01-01")]),
        line("D2", "exports", "log.parquet", "keep", [("day", ">=", "2020-01-01")])))
    assert result.verdict == "STORE_CLEAN", (result.problems, result.stores)
    new = pq.ParquetFile(folder / "log.parquet")
    assert new.schema_arrow.equals(before, check_metadata=True)
    plain = pa.schema([f.with_type(pa.string()) if f.name == "city" else f for f in before], metadata=before.metadata)
    kept = pq_before.filter(pa.array([i % 3 != 0 for i in range(n)]))
    assert new.read().cast(plain).equals(kept.cast(plain))  # as words: the old dictionary holds those of erased rows too
    assert new.read().column("city").unify_dictionaries().chunk(0).dictionary.to_pylist() == ["c1", "c2", "c4", "c5", "c7", "c8"]
    assert new.metadata.row_group(0).column(1).compression == "ZSTD"
    assert b"CANARYP" not in folder_bytes(folder)


def test_a_workbook_is_rebuilt_from_what_stays(bench: Any, line: Line) -> None:
    """Sheets, hidden sheets, defined names and document properties hold no erased value; kept rows are there."""
    from openpyxl.workbook.defined_name import DefinedName

    folder = bench.folder / "exports"
    folder.mkdir()
    book = Workbook()
    sheet = book.active
    sheet.title = "客户"
    sheet.append(["姓名", "日期", "电话"])
    for i in range(60):
        sheet.append([f"周{'CANARY' if i % 2 else 'KEEPER'}{i:04d}", f"{2010 if i % 2 else 2024}-05-01", 13_900_000_000 + i])
    hidden = book.create_sheet("内部")
    hidden.append(["人", "说明"])
    hidden.append(["CANARYHIDDEN", "某某的说明文字"])
    hidden.sheet_state = "hidden"
    book.defined_names["who"] = DefinedName("who", attr_text='"周CANARY0001"')
    book.properties.creator = "CANARYAUTHOR"
    book.save(folder / "c.xlsx")
    bench.open(FILES)
    assert b"CANARY" in folder_bytes(folder)
    result = erase(bench.case, bench.ready(
        line("D1", "exports", "c.xlsx#客户", "erase", [OLD]), line("D2", "exports", "c.xlsx#客户", "keep", [YOUNG]),
        line("D3", "exports", "c.xlsx#内部", "erase")))
    assert result.verdict == "STORE_CLEAN", (result.problems, result.stores, result.tables)
    assert b"CANARY" not in folder_bytes(folder)
    rows = list(load_workbook(folder / "c.xlsx").worksheets[0].values)
    assert len(rows) == 31
    assert rows[1][2] == 13_900_000_000


def test_a_sheet_that_begins_further_in_loses_the_right_columns(bench: Any, line: Line) -> None:
    """Empty columns and a title before the headings: the cells named are cleared, and no others."""
    folder = bench.folder / "exports"
    folder.mkdir()
    book = Workbook()
    sheet = book.active
    sheet.title = "预约"
    for row in ([], [None, None, "2026年预约登记"], [None, None, "编号", "姓名", "手机", "套餐"]):
        sheet.append(row)
    for i in range(60):
        sheet.append([None, None, i, f"周CANARY{i:04d}", f"139{i:08d}", "KEPT"])
    book.save(folder / "c.xlsx")
    bench.open(FILES)
    result = erase(bench.case, bench.ready(line("D1", "exports", "c.xlsx#预约", "lock", suppress=("姓名", "手机"),
                                                keep_columns=("编号", "姓名"), retention_class="x/2040")))
    assert result.verdict == "STORE_CLEAN", (result.problems, result.tables)
    rows = [[c for c in r if c is not None] for r in load_workbook(folder / "c.xlsx").worksheets[0].values]
    assert [r for r in rows if r] == [["2026年预约登记"], ["编号", "姓名", "手机", "套餐"], *([i, "KEPT"] for i in range(60))]


def test_documents_and_members_of_a_zip(bench: Any, line: Line) -> None:
    """A document that a duty keeps is sealed as it is and destroyed; a zip loses one member and keeps the rest."""
    import zipfile

    from docx import Document

    from workbench.vault.archive import archived_batches

    folder = bench.folder / "exports"
    folder.mkdir()
    for name in ("contract.docx", "letter.docx"):
        paper = Document()
        for i in range(30):
            paper.add_paragraph(f"吴CANARY{name[:3]}{i:04d} 住址上海")
        paper.save(folder / name)
    original = (folder / "contract.docx").read_bytes()
    with zipfile.ZipFile(folder / "old.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("备份/people.csv", gb("姓名,日期\n" + "".join(f"郑CANARYZIP{i:04d},2012-01-01\n" for i in range(40))))
        z.writestr("part.csv", "姓名,日期\n" + "".join(f"{'冯CANARYPART' if i % 2 else '冯KEEPER'}{i:04d},"
                                                      f"{2012 if i % 2 else 2024}-01-01\n" for i in range(40)))
        z.writestr("说明.txt", "旧系统的说明")
    bench.open(FILES)
    result = erase(bench.case, bench.ready(
        line("D1", "exports", "contract.docx", "lock", suppress=("text",), retention_class="x/2040"),
        line("D2", "exports", "letter.docx", "erase"), line("D3", "exports", "old.zip!备份/people.csv", "erase"),
        line("D4", "exports", "old.zip!part.csv", "erase", [OLD]), line("D5", "exports", "old.zip!part.csv", "keep", [YOUNG]),
        line("D6", "exports", "old.zip!说明.txt", "keep")))
    assert result.verdict == "STORE_CLEAN", (result.problems, result.stores, result.tables)
    assert [p.name for p in folder.iterdir()] == ["old.zip"]
    assert b"CANARY" not in folder_bytes(folder)
    with zipfile.ZipFile(folder / "old.zip") as z:
        assert z.namelist() == ["part.csv", "说明.txt"]
        assert z.read("part.csv").decode().count("KEEPER") == 20
    (sealed,) = bench.case.load(SealedArchive).rows
    held = [r for b in archived_batches(bench.case, sealed) for r in b.to_pylist()]
    assert held[0]["(file)"] == original
    assert sum("CANARY" in r["text"] for r in held) == 30


def test_a_path_to_a_database_file_goes_by_its_rows(bench: Any, line: Line) -> None:
    """``path = "shop.sqlite"`` is the database that its reader opens, not a file to be rewritten."""
    import sqlite3

    with sqlite3.connect(bench.folder / "shop.sqlite") as db:
        db.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
        db.executemany("INSERT INTO people VALUES (?, ?)", [(i, f"陈CANARY{i:04d}") for i in range(50)])
    db.close()
    bench.open('[[sources]]\nname = "shop"\npath = "shop.sqlite"\n')
    result = erase(bench.case, bench.ready(line("D1", "shop", "people", "erase")))
    assert result.verdict == "STORE_CLEAN", (result.problems, result.stores)
    assert b"CANARY" not in (bench.folder / "shop.sqlite").read_bytes()
