"""Hostile and damaged files through a scan: named with a reason, and what lies beside them is read."""

from __future__ import annotations

import gzip
import os
import sqlite3
import zipfile
from pathlib import Path

import pytest

from tests.sources import samples
from workbench.classification import scan
from workbench.sources.formats import NotThisFormat
from workbench.sources.formats.encoding import encoding_of
from workbench.sources.formats.excel import refuse_far_cells

ROWS = f"姓名,身份证号,手机\n张伟,{samples.ID},13812345678\n"


def workbook(path: Path, change: tuple[bytes, bytes]) -> None:
    """A small workbook whose first sheet is changed after it was written."""
    from openpyxl import Workbook

    plain = path.with_name("plain.bin")
    book = Workbook()
    book.active.append(["姓名", "身份证号"])
    book.active.append(["张伟", samples.ID])
    book.save(plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(*change) if name.endswith("sheet1.xml") else data)
    plain.unlink()


FAR = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'


@pytest.mark.parametrize("cell", [FAR, FAR.replace(b'r="XFD1048576"', b"r = 'xfd1048576'")])
def test_cells_too_far_apart_do_not_end_the_process(tmp_path: Path, cell: bytes) -> None:
    """The reader would ask for 549 GB and abort; the workbook is named, the file beside it is read."""
    workbook(tmp_path / "far.xlsx", (b"</sheetData>", cell))
    (tmp_path / "good.csv").write_text(ROWS, encoding="utf-8")
    result = scan([str(tmp_path)], engine="serial")
    assert "cn_resident_id" in {f.detector for f in result.findings}
    assert [(u.item, "far" in u.reason) for u in result.unreadable] == [("far.xlsx", True)]


def test_cells_without_a_place_are_tried_elsewhere(tmp_path: Path) -> None:
    """A sheet whose cells do not say where they are is opened by a process of its own first, and then read."""
    workbook(tmp_path / "a.xlsx", (b'<c r="A2"', b"<c"))
    refuse_far_cells(tmp_path / "a.xlsx")
    assert scan([str(tmp_path / "a.xlsx")]).findings
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as z:
        z.writestr("xl/worksheets/sheet1.xml", '<c r="B1"/><c r="ZZZ9999999"/>')
    with pytest.raises(NotThisFormat, match="too far apart"):
        refuse_far_cells(tmp_path / "b.xlsx")


def test_a_damaged_page_costs_one_table(tmp_path: Path) -> None:
    """The other tables of the SQLite file are read, by its own address and in a folder."""
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE good (id_card TEXT)")
        db.execute("INSERT INTO good VALUES (?)", (samples.ID,))
        db.execute("CREATE TABLE bad (x TEXT)")
        db.executemany("INSERT INTO bad VALUES (?)", [("z" * 500,)] * 3_000)
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'bad'").fetchone()[0]
    db.close()
    data = bytearray(path.read_bytes())
    for page in range(root + 5, root + 60):
        data[page * 4096 : page * 4096 + 200] = os.urandom(200)
    path.write_bytes(data)
    for place in (path, tmp_path):
        result = scan([str(place)], engine="serial")
        assert [f.detector for f in result.findings] == ["cn_resident_id"]
        assert [u.item.endswith("bad") for u in result.unreadable] == [True]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("nul.csv", ROWS.encode().replace(b",", b"\0,") + b"\0" * 5_000 + ROWS.encode()),
        ("mac.csv", ROWS.replace("\n", "\r").encode()),
        ("tabs.xls", ROWS.replace(",", "\t").encode("gb18030")),
        ("page.xls", f"<html><table><tr><td>{samples.ID}</td></tr></table></html>".encode()),
        ("packed.csv.gz", gzip.compress(ROWS.encode(), mtime=0)),
    ],
    ids=["nul", "returns", "tabs", "page", "gz"],
)  # fmt: skip
def test_odd_files_are_read(tmp_path: Path, name: str, data: bytes) -> None:
    """NUL bytes, lone carriage returns, text under a workbook's name, a single packed file."""
    (tmp_path / name).write_bytes(data)
    result = scan([str(tmp_path)], engine="serial")
    assert "cn_resident_id" in {f.detector for f in result.findings}
    assert not result.unreadable


def test_nul_bytes_are_no_utf_16(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a\0\0\0b" * 900)
    (tmp_path / "b").write_bytes("plain text, name\n".encode("utf-16-le") * 300)
    assert encoding_of(tmp_path / "a") == "utf-8"
    assert encoding_of(tmp_path / "b") == "utf-16-le"


def test_protected_office_files_say_so(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.docx"):
        (tmp_path / name).write_bytes(bytes.fromhex("D0CF11E0A1B11AE1") + bytes(3_000))
    assert {u.item: "password" in u.reason for u in scan([str(tmp_path)]).unreadable} == {"a.xlsx": True, "b.docx": True}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_second_member_of_the_same_name_is_named(tmp_path: Path) -> None:
    """Not read under the first one's name: erasure goes by names."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as z:
        z.writestr("x.csv", ROWS)
        z.writestr("x.csv", "nothing\n1\n")
    result = scan([str(tmp_path)], engine="serial")
    assert "cn_resident_id" in {f.detector for f in result.findings}
    assert [u.item for u in result.unreadable] == ["a.zip!x.csv (2)"]
