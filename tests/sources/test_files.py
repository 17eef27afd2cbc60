"""Files of every kind are read to the last byte, and what can't be read is named without stopping the rest."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.sources import samples
from workbench.errors import SourceMissing, SourceUnreadable
from workbench.sources import open_location
from workbench.sources.base import Source
from workbench.sources.formats.delimited import delimiter_of
from workbench.sources.formats.encoding import encoding_of


def rows(source: Source, table: str) -> list[dict[str, object]]:
    return [r for b in source.batches(table) for r in b.to_pylist()]


class TestCsv:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
    @pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
    def test_any_encoding_and_delimiter(self, tmp_path: Path, encoding: str, delimiter: str) -> None:
        """Chinese text in four encodings and with four delimiters comes out the same."""
        text = "\n".join(delimiter.join(r) for r in [("姓名", "电话", "备注"), ("张伟", "1", "老客户"), ("李丽", "2", "需要开票")] * 1)
        (tmp_path / "a.csv").write_bytes((text + "\n").encode(encoding))
        with open_location(str(tmp_path / "a.csv")) as s:
            (table,) = s.tables()
            assert [c.name for c in table.columns] == ["姓名", "电话", "备注"]
            assert table.rows == 2
            assert [r["备注"] for r in rows(s, "a.csv")] == ["老客户", "需要开票"]

    def test_a_chinese_header_over_plain_digits_keeps_its_encoding(self, tmp_path: Path) -> None:
        """After an erasure a GB18030 export may hold Chinese in its first line only; it is not broken UTF-8."""
        path = tmp_path / "a.csv"
        path.write_text("运单号,收件人,发货日期\n" + "SF001,,2025/01/01\n" * 3000, encoding="gb18030")
        assert encoding_of(path) == "gb18030"

    def test_western_text_is_not_taken_for_chinese(self, tmp_path: Path) -> None:
        """Latin-1 umlauts stay umlauts."""
        (tmp_path / "a.csv").write_bytes("name,town\nMüller,Köln\nJäger,Düsseldorf\nGroß,Fürth\n".encode("latin-1"))
        with open_location(str(tmp_path / "a.csv")) as s:
            assert "Köln" in [r["town"] for r in rows(s, "a.csv")]

    def test_rows_of_another_width_are_kept(self, tmp_path: Path) -> None:
        """A row with too many cells is read, not dropped."""
        (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4,5\n6\n", encoding="utf-8")
        with open_location(str(tmp_path / "a.csv")) as s:
            assert s.tables()[0].rows == 3
            assert any("5" in str(r) for r in rows(s, "a.csv"))

    def test_a_cell_larger_than_a_block(self, tmp_path: Path) -> None:
        """A 20-MB cell is read whole."""
        (tmp_path / "a.csv").write_text('a,b\n1,"' + "x" * 20_000_000 + '"\n2,y\n', encoding="utf-8")
        with open_location(str(tmp_path / "a.csv")) as s:
            assert s.tables()[0].rows == 2
            assert sum(len(str(r["b"])) for r in rows(s, "a.csv")) == 20_000_001

    def test_without_headings(self, tmp_path: Path) -> None:
        """A file whose first row is data keeps that row."""
        (tmp_path / "a.csv").write_text("13812345678,x@y.cn\n13912345678,z@y.cn\n", encoding="utf-8")
        with open_location(str(tmp_path / "a.csv")) as s:
            assert s.tables()[0].rows == 2

    def test_broken_bytes_are_replaced_and_read_on(self, tmp_path: Path) -> None:
        """A few bytes that are no UTF-8 don't end the file."""
        (tmp_path / "a.csv").write_bytes(b"a,b\n" + "姓名,电话\n".encode() * 300 + b"\xff\xfe,1\n" + b"end,2\n")
        with open_location(str(tmp_path / "a.csv")) as s:
            assert rows(s, "a.csv")[-1] == {"a": "end", "b": "2"}

    def test_empty_file(self, tmp_path: Path) -> None:
        """An empty file is a table without rows."""
        (tmp_path / "a.csv").write_bytes(b"")
        with open_location(str(tmp_path / "a.csv")) as s:
            assert s.tables()[0].rows == 0

    def test_delimiter_of_one_column(self) -> None:
        """One column has no delimiter to find; a comma inside quotes is none."""
        assert delimiter_of('a\n"1,2"\n') == ","


class TestWorkbooks:
    def test_xlsx_sheets_are_tables(self, tmp_path: Path) -> None:
        """Sheets, Chinese headings under a title line, numbers and dates without loss."""
        from openpyxl import Workbook

        book = Workbook()
        sheet = book.active
        sheet.title = "客户"
        sheet.append(["客户名单 2026", None, None])
        sheet.append(["姓名", "手机", "生日"])
        sheet.append(["张伟", 13812345678, dt.date(1990, 1, 2)])
        sheet.append(["李丽", 13912345678.0, None])
        book.create_sheet("空")
        book.save(tmp_path / "c.xlsx")
        with open_location(str(tmp_path)) as s:
            (table,) = s.tables()
            assert table.name == "c.xlsx#客户"
            got = rows(s, table.name)
            assert {"姓名": "张伟", "手机": "13812345678", "生日": "1990-01-02"} in got
            assert {"姓名": "李丽", "手机": "13912345678", "生日": None} in got
            assert len(got) == table.rows == 3

    def test_xls(self, tmp_path: Path) -> None:
        """The old binary format is read too."""
        import xlwt

        book = xlwt.Workbook()
        sheet = book.add_sheet("员工")
        for i, row in enumerate([["姓名", "电话"], ["王芳", "13812345678"]]):
            for j, cell in enumerate(row):
                sheet.write(i, j, cell)
        book.save(str(tmp_path / "e.xls"))
        with open_location(str(tmp_path)) as s:
            assert rows(s, "e.xls#员工") == [{"姓名": "王芳", "电话": "13812345678"}]

    def test_zip_bomb_is_refused(self, tmp_path: Path) -> None:
        """A workbook that unpacks to far more than it weighs is listed, and the rest is read."""
        with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("xl/worksheets/sheet1.xml", b"0" * (200 << 20))
        (tmp_path / "good.csv").write_text("a\nb\n", encoding="utf-8")
        with open_location(str(tmp_path)) as s:
            assert [t.name for t in s.tables()] == ["good.csv"]
            assert "zip bomb" in s.unreadable()[0].reason


class TestOthers:
    def test_parquet_with_nested_columns(self, tmp_path: Path) -> None:
        """Lists and structs become text that is scanned."""
        pq.write_table(pa.table({"a": [{"phone": "13812345678"}], "n": [1]}), tmp_path / "a.parquet")
        with open_location(str(tmp_path)) as s:
            assert "13812345678" in str(rows(s, "a.parquet")[0]["a"])

    def test_json_lines_and_json(self, tmp_path: Path) -> None:
        """Nested keys are joined; a line that is no JSON is kept as text."""
        (tmp_path / "a.jsonl").write_text('{"u":{"tel":"138"},"n":1}\nnot json\n{"u":{"tel":null},"x":[1,2]}\n', encoding="utf-8")
        (tmp_path / "b.json").write_text(json.dumps([{"名": "张"}, {"名": "李"}], ensure_ascii=False), encoding="utf-8")
        with open_location(str(tmp_path)) as s:
            assert [t.rows for t in s.tables()] == [3, 2]
            assert rows(s, "a.jsonl")[0]["u.tel"] == "138"
            assert rows(s, "a.jsonl")[1]["text"] == "not json"

    def test_text_lines(self, tmp_path: Path) -> None:
        """A chat export in GB18030 is one row a line."""
        (tmp_path / "chat.txt").write_bytes("客服: 您好\n\n顾客: 我的电话\n".encode("gb18030"))
        with open_location(str(tmp_path)) as s:
            assert [r["text"] for r in rows(s, "chat.txt")] == ["客服: 您好", "顾客: 我的电话"]

    def test_corrupt_and_binary_files_are_listed(self, tmp_path: Path) -> None:
        """What can't be read is named with its reason, without a value."""
        (tmp_path / "a.parquet").write_bytes(b"PAR1 13812345678 PAR1")
        (tmp_path / "b.bin").write_bytes(bytes(range(32)) * 50)
        (tmp_path / "c.xlsx").write_bytes(b"PK\x03\x04 no zip 13812345678")
        with open_location(str(tmp_path)) as s:
            assert s.tables() == ()
            assert {u.item for u in s.unreadable()} == {"a.parquet", "b.bin", "c.xlsx"}
            assert "138" not in str(s.unreadable())

    def test_folders_are_walked_and_links_left(self, tmp_path: Path) -> None:
        """Sub-folders are read; a link is listed, not followed."""
        (tmp_path / "x" / "y").mkdir(parents=True)
        (tmp_path / "x" / "y" / "a.csv").write_text("a\n1\n", encoding="utf-8")
        (tmp_path / "l.csv").symlink_to(tmp_path / "x" / "y" / "a.csv")
        with open_location(str(tmp_path)) as s:
            assert [t.name for t in s.tables()] == ["x/y/a.csv"]
            assert s.unreadable()[0].item == "l.csv"


def test_missing_path_says_so(tmp_path: Path) -> None:
    """A path that isn't there is one clear sentence."""
    with pytest.raises(SourceMissing, match="no such file or folder"):
        open_location(str(tmp_path / "nothing"))


def test_unknown_table_says_so(tmp_path: Path) -> None:
    """Asking for a table that isn't there names it."""
    (tmp_path / "a.csv").write_text("a\n1\n", encoding="utf-8")
    with open_location(str(tmp_path)) as s, pytest.raises(SourceUnreadable, match="no table"):
        list(s.batches("zzz"))


def test_columns_whose_names_say_more_than_their_words(tmp_path: Path) -> None:
    """Illnesses of which the list knows one in thirty, a maker's own advertising id, names under a name seldom used."""
    names = ["魏雨静", "钱贞春", "孔娜", "任敏刚", "许伟敏", "郝涵华", "常英", "葛浩振"]
    rows = [f"{'慢性胃炎' if i % 30 == 0 else f'某种少见的病{i}'},{i * 0x1F3A9C77D1E2B % (1 << 64):016x},{names[i % 8]}"
            for i in range(120)]
    (tmp_path / "x.csv").write_text("diagnose,oaid,ename\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert {"health", "advertising_id", "person_name"} <= samples.commanded(str(tmp_path / "x.csv"))
