"""Archives, mail, documents and pictures are read; traps in them are named, and nothing leaves its folder."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

from tests.sources import samples
from workbench.classification import scan
from workbench.sources import open_location


def found(path: Path) -> set[str]:
    return {f.detector for f in scan([str(path)], engine="serial").findings if f.detector}


ALL = {"cn_resident_id", "cn_mobile", "email"}


def test_zip_and_nested_zip(tmp_path: Path) -> None:
    """Members of a zip and of a zip inside it are tables; a name with ../ is only a name."""
    samples.zipped(tmp_path / "a.zip")
    with open_location(str(tmp_path / "a.zip")) as s:
        assert {t.name for t in s.tables()} == {"a.zip!../../a.csv", "a.zip!inner.zip!深/b.txt"}
        assert all(t.file == "a.zip" for t in s.tables())
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]
    assert found(tmp_path / "a.zip") >= ALL


def test_tar_gz(tmp_path: Path) -> None:
    """A packed tar is read; its link is listed, not followed."""
    samples.tarred(tmp_path / "a.tar.gz")
    with open_location(str(tmp_path / "a.tar.gz")) as s:
        assert [t.name for t in s.tables()] == ["a.tar.gz!/etc/a.csv"]
        assert s.unreadable()[0].item == "a.tar.gz!link.csv"
    assert found(tmp_path / "a.tar.gz") >= ALL


@pytest.mark.parametrize("kind", ["eml", "mbox"])
def test_mail(tmp_path: Path, kind: str) -> None:
    """Heads, plain and HTML bodies in any charset are read."""
    path = tmp_path / f"a.{kind}"
    if kind == "mbox":
        samples.mbox(path)
    else:
        path.write_bytes(samples.message().as_bytes())
    assert found(path) >= ALL


def test_pdf(tmp_path: Path) -> None:
    """Text of a PDF is read line by line."""
    samples.pdf(tmp_path / "a.pdf", [f"ID {samples.ID}", f"Tel {samples.PHONE}", samples.MAIL])
    assert found(tmp_path / "a.pdf") >= ALL


def test_docx(tmp_path: Path) -> None:
    """Paragraphs, tables and headers of a Word file are read."""
    samples.docx(tmp_path / "a.docx")
    assert found(tmp_path / "a.docx") >= ALL


def test_database_among_files(tmp_path: Path) -> None:
    """An SQLite file in a folder, or in a zip, is read as its tables."""
    with sqlite3.connect(tmp_path / "x.db") as db:
        db.execute("CREATE TABLE c (phone TEXT)")
        db.execute("INSERT INTO c VALUES (?)", (samples.PHONE,))
    db.close()
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as z:
        z.write(tmp_path / "x.db", "x.db")
    with open_location(str(tmp_path)) as s:
        assert [t.name for t in s.tables()] == ["x.db#c", "y.zip!x.db#c"]
    assert found(tmp_path) == {"cn_mobile"}


def test_picture_without_the_extra_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that can't be read for want of OCR is never passed over in silence."""
    from workbench.sources.formats import document

    document._reader.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "rapidocr_onnxruntime", None)
    samples.card_image(tmp_path / "id.png")
    (tmp_path / "a.csv").write_text("a\nb\n", encoding="utf-8")
    with open_location(str(tmp_path)) as s:
        s.tables()
        assert "ocr" in s.unreadable()[0].reason
    document._reader.cache_clear()


@pytest.mark.skipif(importlib.util.find_spec("rapidocr_onnxruntime") is None, reason="the extra ocr is not installed")
@pytest.mark.filterwarnings("ignore")
def test_picture_of_an_identity_card(tmp_path: Path) -> None:
    """The number on a printed, slightly turned card is read and checked, also by the command."""
    samples.card_image(tmp_path / "id.png")
    assert "cn_resident_id" in samples.commanded(str(tmp_path / "id.png"))


def test_traps_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    """Bombs, entities, encrypted and cut files are listed with a reason; the good file is found."""
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("big.txt", b"0" * (300 << 20))
    with zipfile.ZipFile(tmp_path / "x.docx", "w") as z:
        z.writestr("word/document.xml", '<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><a>&d;</a>')
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04" + samples.TEXT.encode())
    (tmp_path / "cut.pdf").write_bytes(b"%PDF-1.7 " + samples.TEXT.encode())
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + samples.TEXT.encode())
    (tmp_path / "empty.mbox").write_bytes(b"")
    (tmp_path / "good.txt").write_text(samples.TEXT, encoding="utf-8")
    result = scan([str(tmp_path)], engine="serial")
    assert {f.detector for f in result.findings if f.detector} == ALL
    items = {u.item for u in result.unreadable}
    assert {"bomb.zip!big.txt", "x.docx", "cut.zip", "cut.pdf", "cut.png", "empty.mbox"} <= items
    assert samples.ID not in str(result.unreadable)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "xls", "pdf", "docx", "zip", "mbox", "sqlite", "duckdb", "parquet", "jsonl"])
def test_every_kind_through_the_command(tmp_path: Path, kind: str) -> None:
    """``workbench scan --format json`` prints the contract's names for every kind of file, and no value."""
    path = tmp_path / f"客户.{kind}"
    make(path, kind)
    assert "cn_resident_id" in samples.commanded(str(path))


def make(path: Path, kind: str) -> None:
    if kind == "csv":
        path.write_bytes(samples.CSV.encode("gb18030"))
    elif kind in ("pdf", "docx", "mbox"):
        {"pdf": lambda: samples.pdf(path, [samples.ID]), "docx": lambda: samples.docx(path), "mbox": lambda: samples.mbox(path)}[kind]()
    elif kind == "zip":
        samples.zipped(path)
    elif kind == "jsonl":
        path.write_text(json.dumps({"证件": samples.ID}, ensure_ascii=False) + "\n", encoding="utf-8")
    elif kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"id": [samples.ID]}), path)
    elif kind == "xlsx":
        from openpyxl import Workbook

        book = Workbook()
        book.active.append(["姓名", "身份证号"])
        book.active.append(["张伟", samples.ID])
        book.save(path)
    elif kind == "xls":
        import xlwt

        book = xlwt.Workbook()
        sheet = book.add_sheet("a")
        for i, row in enumerate((["姓名", "身份证号"], ["张伟", samples.ID])):
            for j, cell in enumerate(row):
                sheet.write(i, j, cell)
        book.save(str(path))
    elif kind == "sqlite":
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE c (id_card TEXT)")
        db.execute("INSERT INTO c VALUES (?)", (samples.ID,))
        db.commit()
        db.close()
    else:
        import duckdb

        with duckdb.connect(str(path)) as db:
            db.execute("CREATE TABLE c (id_card VARCHAR)")
            db.execute("INSERT INTO c VALUES (?)", [samples.ID])
