"""Fuzz: damaged and hostile files and values through the whole scan, for a while; nothing may crash, hang or show a value.

    .venv/bin/python benchmarks/detect_fuzz.py [--seconds 600] [--seed 1]

Each round makes a folder of files (good ones of every kind, then bytes flipped, cut, doubled, spliced, renamed), scans it in
this process under an alarm, and looks for the planted values in everything that came out. A round that takes more than a
minute is a hang. Ends with one line of figures; exit 1 on the first failure, with the round's seed.
"""

# ruff: noqa: E501 - programs in strings and printed lines
from __future__ import annotations

import argparse
import io
import random
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.sources import samples

VALUES = (samples.ID, samples.PHONE, samples.MAIL)
ODD = ("\0", "\u202e", "\ufeff", "😀", "\ud800", "１３８", "\r\n", '"', "=1+1", "%s", "{}", "\\", "𠮷", "ﷺ", "+86", "0x", "…" * 50, "9" * 400, "@" * 99, ":" * 99, "::" * 40, "1.2." * 60, "-" * 99, "(" * 60)


class Hang(Exception):
    """A round took more than a minute."""


def good(folder: Path, r: random.Random) -> None:
    """One good file of every kind."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from openpyxl import Workbook

    text = "".join(r.choice((*ODD, *VALUES, samples.TEXT, "张伟", "a,b", "\n", "\t", " ")) for _ in range(r.randrange(1, 60)))
    clean = text.encode("utf-8", "replace").decode("utf-8")
    (folder / "a.csv").write_bytes(samples.CSV.encode(r.choice(("utf-8", "gb18030", "utf-16", "big5hkscs")), "replace") + text.encode("utf-8", "surrogatepass"))
    (folder / "b.txt").write_bytes(text.encode("utf-8", "surrogatepass"))
    (folder / "c.jsonl").write_bytes(('{"a":' * r.randrange(1, 3000) + clean).encode())
    pq.write_table(pa.table({"手机": [clean, None, samples.PHONE], "b": [[1], [], None], "c": [{"x": clean}, None, None]}), folder / "d.parquet")
    book = Workbook()
    book.active.append(["姓名", "".join(c for c in clean if ord(c) >= 32)[:30000]])
    book.active.append([samples.ID, 13812345678.0])
    book.save(folder / "e.xlsx")
    samples.docx(folder / "f.docx")
    samples.pdf(folder / "g.pdf", list(VALUES))
    samples.mbox(folder / "h.mbox")
    (folder / "i.eml").write_bytes(samples.message().as_bytes())
    samples.zipped(folder / "j.zip")
    samples.tarred(folder / "k.tar.gz")
    import sqlite3

    db = sqlite3.connect(folder / "l.sqlite")
    db.execute('CREATE TABLE "t""x" (a INTEGER, b TEXT)')
    db.executemany('INSERT INTO "t""x" VALUES (?,?)', [(1, clean), (clean, samples.ID.encode()), (None, samples.PHONE)])
    db.commit()
    db.close()


def damage(data: bytes, r: random.Random) -> bytes:
    """The bytes, hurt in one of several ways."""
    raw = bytearray(data)
    for _ in range(r.choice((1, 1, 3, 20))):
        if not raw:
            break
        at = r.randrange(len(raw))
        kind = r.randrange(6)
        if kind == 0:
            raw[at] ^= 1 << r.randrange(8)
        elif kind == 1:
            del raw[at:]
        elif kind == 2:
            raw[at:at] = raw[at : at + r.randrange(1, 2000)]
        elif kind == 3:
            raw[at : at + r.randrange(1, 40)] = bytes(r.randrange(256) for _ in range(r.randrange(0, 40)))
        elif kind == 4:
            raw[at : at + 4] = r.choice((b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff"))
        else:
            del raw[at : at + r.randrange(1, 500)]
    return bytes(raw)


def bombs(folder: Path, r: random.Random) -> None:
    """Something that unpacks to much, or nests deep."""
    kind = r.randrange(4)
    if kind == 0:
        with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("a.txt", b"1" * (60 << 20))
    elif kind == 1:
        data = samples.CSV.encode()
        for _ in range(8):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as z:
                z.writestr("a.zip", data)
            data = out.getvalue()
        (folder / "deep.zip").write_bytes(data)
    elif kind == 2:
        with zipfile.ZipFile(folder / "lol.xlsx", "w") as z:
            z.writestr("xl/workbook.xml", '<!DOCTYPE a [<!ENTITY b "' + "x" * 999 + '">' + "<!ENTITY c '&b;&b;&b;'>" + "]><a>&c;</a>")
    else:
        (folder / "wide.csv").write_text("," * 20_000 + "\n" + "1," * 20_000, encoding="utf-8")


def round_(seed: int) -> int:
    """One folder; the number of files scanned."""
    from workbench.classification import scan
    from workbench.classification.output import lines

    r = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good(folder, r)
        for path in sorted(folder.iterdir()):
            for n in range(2):
                suffix = path.suffix if r.random() < 0.9 else r.choice((".csv", ".xlsx", ".pdf", ".zip", ".txt", ".parquet", ""))
                (folder / f"{path.stem}-{n}{suffix}").write_bytes(damage(path.read_bytes(), r))
        if seed % 10 == 0:
            bombs(folder, r)
        files = len(list(folder.iterdir()))
        found = scan([str(folder)], engine="serial")
        out = "\n".join([*lines(found, "json"), *lines(found, "table"), *lines(found, "csv"), str(found.unreadable)])
        # a heading row may hold a value where the damage took the headings; a table's or column's name is then its own
        names = {f.column for f in found.findings} | {f.table for f in found.findings}
        for value in VALUES:
            if value in out and not any(value in n for n in names):
                raise AssertionError("a value came out")
        if not any(f.detector == "cn_resident_id" for f in found.findings):
            raise AssertionError("the good files' number was not found")
    return files


def main() -> int:
    """Rounds until the time is over."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--seconds", type=int, default=600)
    ask.add_argument("--seed", type=int, default=1)
    given = ask.parse_args()

    def hung(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, hung)
    end = time.monotonic() + given.seconds
    seed, files, slowest = given.seed, 0, 0.0
    while time.monotonic() < end:
        start = time.monotonic()
        signal.alarm(120 if seed == given.seed else 60)
        try:
            files += round_(seed)
        except BaseException:
            traceback.print_exc()
            print(f"FAILED at seed {seed}")
            return 1
        finally:
            signal.alarm(0)
        if seed > given.seed:
            slowest = max(slowest, time.monotonic() - start)
        seed += 1
    print(f"{seed - given.seed} rounds, {files} files, slowest round {slowest:.1f} s, no crash, no hang, no value shown")
    return 0


if __name__ == "__main__":
    sys.exit(main())
