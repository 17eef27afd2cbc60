"""Archives: members leave or lose rows, whatever packs them; the others keep name, order, time, mode and bytes."""

from __future__ import annotations

import io
import shutil
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook, load_workbook

sys.path.insert(0, str(Path(__file__).parent))
from kills import driver, storm

from workbench.case import Case
from workbench.erasure import Erasure, dry_run, erase, rewrite
from workbench.erasure.scan import Scanner, contents
from workbench.errors import ErasureError
from workbench.plan.model import Disposal, Generalisation
from workbench.vault import SealedArchive
from workbench.vault.archive import archived_batches

Line = Callable[..., Disposal]
FORMS = ("a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz")
OLD, YOUNG = ("at", "<", "2020-01-01"), ("at", ">=", "2020-01-01")
WHEN = (2001, 2, 3, 4, 5, 6)


def rows(tag: str, n: int = 60) -> list[list[str]]:
    return [[f"钱{'CANARY' if i % 2 else 'KEEPER'}{tag}{i:04d}", f"{2010 if i % 2 else 2024}-05-01"] for i in range(n)]


def csv_bytes(tag: str) -> bytes:
    return ("name,at\r\n" + "".join(",".join(r) + "\r\n" for r in rows(tag))).encode()


def xlsx_bytes(tag: str) -> bytes:
    book, out = Workbook(), io.BytesIO()
    for row in [["name", "at"], *rows(tag)]:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def docx_bytes(tag: str) -> bytes:
    from docx import Document

    paper, out = Document(), io.BytesIO()
    for name, _ in rows(tag):
        paper.add_paragraph(name)
    paper.save(out)
    return out.getvalue()


def parquet_bytes(tag: str) -> bytes:
    out = io.BytesIO()
    names, dates = zip(*rows(tag), strict=True)
    pq.write_table(pa.table({"name": names, "at": dates}), out, compression="zstd")
    return out.getvalue()


def zip_bytes(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, WHEN)
            info.external_attr, info.compress_type = 0o100640 << 16, zipfile.ZIP_DEFLATED
            box.writestr(info, data)
    return out.getvalue()


@cache
def members() -> dict[str, bytes]:
    return {"备份/people.csv": csv_bytes("PEOPLE"), "book.xlsx": xlsx_bytes("BOOK"), "letter.docx": docx_bytes("LETTER"),
            "part.csv": csv_bytes("PART"), "contract.docx": docx_bytes("CONTRACT"), "log.parquet": parquet_bytes("LOG"),
            "coarse.csv": csv_bytes("COARSE"), "notes/说明.txt": "旧系统的说明".encode(),
            "inner.zip": zip_bytes({"deep.xlsx": xlsx_bytes("DEEP"), "stays.csv": b"sku,title\n1,paper\n"})}


def pack(path: Path, what: dict[str, bytes]) -> None:
    if path.suffix == ".zip":
        path.write_bytes(zip_bytes(what))
        return
    with tarfile.open(path, f"w:{path.suffix[1:]}" if path.suffix != ".tar" else "w") as tar:
        for name, data in what.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uname, info.mtime = len(data), 0o640, "clerk", time.mktime((*WHEN, 0, 0, 0)) + 0.25
            tar.addfile(info, io.BytesIO(data))
        for name, kind, to in (("备份/latest.csv", tarfile.SYMTYPE, "people.csv"), ("hard.csv", tarfile.LNKTYPE, "备份/people.csv"),
                               ("notes/link.txt", tarfile.SYMTYPE, "说明.txt")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, to
            tar.addfile(info)


def listed(path: Path) -> list[tuple[Any, ...]]:
    """(name, kind, mode, time, owner) of each member, in order."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as box:
            return [(i.filename, "", i.external_attr >> 16, i.date_time, "") for i in box.infolist()]
    with tarfile.open(path) as tar:
        return [(m.name, m.type, m.mode, m.mtime, m.uname) for m in tar]


def unpacked(data: bytes) -> dict[str, bytes]:
    """Every member of a zip or tar, and of the zips in it: another reader than the package's."""
    out: dict[str, bytes] = {}
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as box:
            found = {n: box.read(n) for n in box.namelist()}
    else:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            found = {m.name: tar.extractfile(m).read() for m in tar if m.isreg()}  # type: ignore[union-attr]
    for name, inner in found.items():
        out[name] = inner
        if inner[:2] == b"PK":
            out |= {f"{name}!{n}": b for n, b in unpacked(inner).items()}
        elif inner[:4] == b"PAR1":
            out[f"{name}!cells"] = str(pq.read_table(io.BytesIO(inner)).to_pylist()).encode()
    return out


def plan(line: Line, a: str) -> list[Disposal]:
    split = [(f"{a}!book.xlsx#Sheet", "B"), (f"{a}!part.csv", "P"), (f"{a}!log.parquet", "L"), (f"{a}!inner.zip!deep.xlsx#Sheet", "I")]
    return [
        line("D1", "s", f"{a}!备份/people.csv", "erase"), line("D2", "s", f"{a}!letter.docx", "erase"),
        line("D3", "s", f"{a}!contract.docx", "lock", suppress=("text",), retention_class="x/2040"),
        *(line(f"{n}1", "s", t, "erase", [OLD]) for t, n in split), *(line(f"{n}2", "s", t, "keep", [YOUNG]) for t, n in split),
        line("C1", "s", f"{a}!coarse.csv", "anonymise", suppress=("name",), generalise=(Generalisation(column="at", how="year"),), k=20),
        line("D4", "s", f"{a}!notes/说明.txt", "keep"), line("D5", "s", f"{a}!inner.zip!stays.csv", "keep")]


def ready(bench: Any, line: Line, name: str) -> Path:
    folder = bench.folder / "exports"
    folder.mkdir()
    pack(folder / name, members())
    bench.open('[[sources]]\nname = "s"\npath = "exports"\n')
    bench.approval = bench.ready(*plan(line, name))
    return Path(folder / name)


def short(table: str) -> str:
    return table.rsplit("!", 1)[-1].split("#")[0].rsplit("/", 1)[-1]


def clean(path: Path) -> None:
    """What every end of a run has to be."""
    inside = unpacked(path.read_bytes())
    assert not [n for n, data in inside.items() if b"CANARY" in data]
    assert [n for n, *_ in listed(path) if not n.endswith("link.txt")] == [
        "book.xlsx", "part.csv", "log.parquet", "coarse.csv", "notes/说明.txt", "inner.zip"]
    was = members()
    assert inside["notes/说明.txt"] == was["notes/说明.txt"]
    assert inside["inner.zip!stays.csv"] == b"sku,title\n1,paper\n"
    assert inside["part.csv"] == b"name,at\r\n" + b"".join(",".join(r).encode() + b"\r\n" for r in rows("PART") if "KEEPER" in r[0])
    assert inside["coarse.csv"].splitlines()[1:3] == [b",2024-01-01", b",2010-01-01"]
    for place, tag in (("book.xlsx", "BOOK"), ("inner.zip!deep.xlsx", "DEEP")):
        cells = list(load_workbook(io.BytesIO(inside[place])).active.iter_rows(min_row=2, values_only=True))
        assert [list(r) for r in cells] == [r for r in rows(tag) if "KEEPER" in r[0]]
    assert not list(path.parent.glob(".wb-erase*"))


@pytest.mark.parametrize("name", FORMS)
def test_members_leave_or_lose_rows(bench: Any, line: Line, name: str) -> None:
    """A workbook, a CSV, Parquet, documents, and a workbook in a zip in it; the control found each, the proof none."""
    path = ready(bench, line, name)
    before = {n: rest for n, *rest in listed(path)}
    result = erase(bench.case, bench.approval)
    assert (result.verdict, result.problems) == ("STORE_CLEAN", ())
    searched = {c.table for s in result.stores for c in s.columns if c.needles and c.control_hits}
    assert {short(x) for x in searched} == {
        "people.csv", "letter.docx", "contract.docx", "book.xlsx", "part.csv", "log.parquet", "deep.xlsx", "coarse.csv"}
    clean(path)
    assert all(before[n] == rest for n, *rest in listed(path)), "time, mode and owner of what stays"
    (sealed,) = bench.case.load(SealedArchive).rows
    held = [r for b in archived_batches(bench.case, sealed) for r in b.to_pylist()]
    assert held[0]["(file)"] == members()["contract.docx"], "what a duty keeps is sealed as it was"


@pytest.mark.parametrize("name", ["a.zip", "a.tar.xz"])
def test_an_archive_not_rewritten_shows(bench: Any, line: Line, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof looks into members of members: a copy of the old archive is found, however it is packed."""
    ready(bench, line, name)
    monkeypatch.setattr(rewrite, "leave_out", lambda path, temp, *rest: shutil.copyfile(path, temp))
    result = erase(bench.case, bench.approval)
    assert result.verdict == "FAILED"
    left = {short(c.table) for s in result.stores for c in s.columns if c.residual_hits}
    assert left >= {"people.csv", "letter.docx", "book.xlsx", "log.parquet", "deep.xlsx"}


def test_kills_change_nothing(bench: Any, line: Line, tmp_path: Path) -> None:
    """kill -9 at four points of a tar.gz: no half archive, no unpacked member left, the same end."""
    ready(bench, line, "a.tar.gz")
    made = iter(range(1000))

    def fresh() -> Path:
        return Path(shutil.copytree(bench.folder, tmp_path / f"wild{next(made)}"))

    def after_run(folder: Path) -> None:
        clean(folder / "exports" / "a.tar.gz")
        done = Case.open(folder).load(Erasure)
        assert (done.verdict, [s.note for s in done.stores]) == ("STORE_CLEAN", [""])

    with driver(tmp_path) as run:
        events = run.erase(twin := fresh())
        after_run(twin)
        assert storm(run, 4, events, 5, fresh, lambda folder: None, after_run) == 4


def refused(bench: Any, line: Line, name: str, *more: Disposal) -> str:
    """What dry run and run say; the file is untouched."""
    path = bench.folder / "exports" / name
    before = path.read_bytes()
    bench.open('[[sources]]\nname = "s"\npath = "exports"\n')
    approval = bench.ready(*more)
    (red,) = (c for c in dry_run(bench.case).preflight if c.colour == "red")
    with pytest.raises(ErasureError):
        erase(bench.case, approval)
    assert path.read_bytes() == before
    assert red.todo
    return red.en


def test_what_cannot_be_rewritten_is_refused_with_the_next_step(bench: Any, line: Line) -> None:
    """A document of which some rows stay; an encrypted member; two members of one name."""
    folder = bench.folder / "exports"
    folder.mkdir()
    (folder / "a.tar").write_bytes(b"")
    with tarfile.open(folder / "a.tar", "w") as tar:
        for name, data in (("old.docx", docx_bytes("X")), ("b.csv", csv_bytes("B"))):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    said = refused(bench, line, "a.tar", line("D1", "s", "a.tar!old.docx", "anonymise", suppress=("text",)),
                   line("D2", "s", "a.tar!b.csv", "erase"))
    assert "docx can only be erased whole" in said


def test_an_encrypted_member_stops_the_archive(bench: Any, line: Line) -> None:
    """It cannot be copied without its password."""
    folder = bench.folder / "exports"
    folder.mkdir()
    data = bytearray(zip_bytes({"a.csv": csv_bytes("A"), "b.csv": csv_bytes("B")}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rindex(mark) + at] |= 1
    (folder / "a.zip").write_bytes(data)
    assert "encrypted" in refused(bench, line, "a.zip", line("D1", "s", "a.zip!a.csv", "erase", [OLD]),
                                  line("D2", "s", "a.zip!a.csv", "keep", [YOUNG]))


def test_a_bomb_beside_it_is_carried_over_and_never_unpacked_to_memory(bench: Any, line: Line) -> None:
    """The reader refuses it; the rest of the archive is erased all the same, and the bomb is what it was."""
    import tracemalloc

    folder = bench.folder / "exports"
    folder.mkdir()
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("a.csv", csv_bytes("A"))
        with box.open("zeros.csv", "w") as f:
            for _ in range(450):
                f.write(bytes(1 << 20))
    bench.open('[[sources]]\nname = "s"\npath = "exports"\n')
    approval = bench.ready(line("D1", "s", "a.zip!a.csv", "erase", [OLD]), line("D2", "s", "a.zip!a.csv", "keep", [YOUNG]))
    tracemalloc.start()
    result = erase(bench.case, approval)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (result.verdict, result.problems) == ("STORE_CLEAN", ())
    assert peak < 350 << 20
    with zipfile.ZipFile(folder / "a.zip") as box:
        assert [(i.filename, i.file_size) for i in box.infolist()][1] == ("zeros.csv", 450 << 20)
        assert b"CANARY" not in box.read("a.csv")


@pytest.mark.parametrize("packed", ["xlsx in zip", "xlsx in tar.bz2", "parquet in zip in tar", "csv in tar.xz"])
def test_the_scan_looks_into_containers_in_containers(tmp_path: Path, packed: str) -> None:
    """Needles inside two or three packings are found; a needle that is not there is not."""
    path = tmp_path / ("x.tar.bz2" if "bz2" in packed else "x.tar.xz" if "xz" in packed else "x.tar" if "in tar" in packed else "x.zip")
    inner = {"xlsx": xlsx_bytes, "parquet": parquet_bytes, "csv": csv_bytes}[packed.split()[0]]("Q")
    what = zip_bytes({"p": inner}) if "zip in tar" in packed else inner
    pack(path, {"member": what, "备份/people.csv": b"x"} if path.suffix != ".zip" else {"member": what})
    scanner = Scanner([b"CANARYQ0001", b"CANARYQ0002"])
    found = [scanner.count(piece()) for piece in contents(path)]
    assert sum(f[0] for f in found) > 0
    assert sum(f[1] for f in found) == 0
