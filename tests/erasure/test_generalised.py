"""Anonymised by making columns coarser: in every store the original bytes are gone, k is measured, twice gives the same."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

sys.path.insert(0, str(Path(__file__).parent))
from kills import driver, storm
from servers import PG_BIN, Maria, Postgres, hits, server_folder

from workbench.case import Case
from workbench.erasure import Certificates, Erasure, certify, dry_run, erase, hidden
from workbench.erasure.coarse import coarse
from workbench.erasure.logical import coarse_enough
from workbench.erasure.sqlite import SqliteStore
from workbench.errors import ErasureError, VerificationError
from workbench.plan.model import Disposal, Generalisation
from workbench.plan.texts import anonymised
from workbench.records.certificate_document import sections

Line = Callable[..., Disposal]
N = 400
NAMES = ("id", "name", "born", "seen", "code", "ip", "income", "joined")
STEPS = tuple(Generalisation(column=c, how=h, width=w) for c, h, w in (  # type: ignore[arg-type]
    ("born", "year", 0), ("seen", "month", 0), ("code", "prefix", 1), ("ip", "ip24", 0), ("income", "band", 10_000_000)))


def row(i: int) -> tuple[Any, ...]:
    """Rows of even number joined long ago and are anonymised; the others stay as they are."""
    old = i % 2 == 0
    return (i, f"{'CANARY' if old else 'KEEPER'}NAME{i:05d}", dt.date(1950 + i // 2 % 2, 1 + i % 12, 1 + i % 28),
            f"{2020 + i // 2 % 2}-03-{1 + i % 28:02d} 10:{i % 60:02d}:00", f"{'AB'[i // 4 % 2]}{'CANARY' if old else 'KEEPER'}CODE{i:05d}",
            f"10.{1 if old else 9}.{i // 4 % 2}.{3 + i % 250}", 13_800_000_000 + 1000 * i + 7, dt.date(2010 if old else 2024, 5, 1))


def after(i: int) -> tuple[Any, ...]:
    """The row as it has to be afterwards."""
    was = row(i)
    if i % 2:
        return was
    return (i, None, was[2].replace(month=1, day=1), f"{was[3][:7]}-01 00:00:00", was[4][0], was[5].rsplit(".", 1)[0] + ".0",
            13_800_000_000, was[7])


def lines(line: Line, table: str, k: int = 50) -> list[Disposal]:
    return [line("D1", "s", table, "anonymise", [("joined", "<", "2020-01-01")], suppress=("name",), generalise=STEPS, k=k),
            line("D2", "s", table, "keep", [("joined", ">=", "2020-01-01")])]


def proven(bench: Any, result: Erasure) -> None:
    """What holds of every store: clean bytes against a control, and k as counted by hand."""
    assert result.problems == ()
    assert result.verdict == "STORE_CLEAN"
    searched = {c.column for s in result.stores for c in s.columns if c.needles}
    assert {"name", "code", "ip"} <= searched
    assert all(c.control_hits and not c.residual_hits for s in result.stores for c in s.columns if c.needles)
    classes = Counter(after(i)[2:7] for i in range(0, N, 2))
    told = result.disposals[0].hidden
    assert told is not None
    assert (told.k, told.uniques, told.rows, told.own, told.wanted) == (min(classes.values()), 0, N // 2, True, 50)
    (mine,) = (c for c in bench.case.load(Certificates).certificates if c.disposal == "D1")
    assert (mine.hidden, mine.generalised, mine.verdict, mine.suppressed) == (told, STEPS, "STORE_CLEAN", N // 2)


def sqlite_people(path: Path, rows: int = N) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT, born DATE, seen TEXT NOT NULL, code TEXT, ip TEXT, "
                   "income BIGINT, joined TEXT)")
        db.executemany("INSERT INTO p VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                       [[str(x) if isinstance(x, dt.date) else x for x in row(i)] for i in range(rows)])
    db.close()


def sqlite_rows(path: Path) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(path)
    found = db.execute("SELECT * FROM p ORDER BY id").fetchall()
    db.close()
    return [(*r[:2], dt.date.fromisoformat(r[2]), *r[3:7], dt.date.fromisoformat(r[7])) for r in found]


def test_sqlite(bench: Any, line: Line) -> None:
    """Rows are exactly as told, kept ones untouched, and no original is left in the file."""
    path = bench.folder / "p.sqlite"
    sqlite_people(path)
    assert path.read_bytes().count(b"CANARY") == N
    bench.open('[[sources]]\nname = "s"\nurl = "sqlite:///p.sqlite"\n')
    result = erase(bench.case, bench.ready(*lines(line, "p")))
    proven(bench, result)
    assert sqlite_rows(path) == [after(i) for i in range(N)]
    assert b"CANARY" not in path.read_bytes()
    assert b"10.1.1.5" not in path.read_bytes()
    assert (13_800_000_000 + 2007).to_bytes(6, "big") not in path.read_bytes()


def test_a_scrub_step_left_out_shows(bench: Any, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the byte proof: without VACUUM the coarser rows look right, and the proof still finds the originals."""
    monkeypatch.setattr(SqliteStore, "secure", "OFF")
    monkeypatch.setattr(SqliteStore, "skip_steps", frozenset({"vacuum"}))
    sqlite_people(bench.folder / "p.sqlite")
    bench.open('[[sources]]\nname = "s"\nurl = "sqlite:///p.sqlite"\n')
    result = erase(bench.case, bench.ready(*lines(line, "p")))
    assert sqlite_rows(bench.folder / "p.sqlite") == [after(i) for i in range(N)]
    assert result.verdict == "FAILED"
    assert sum(c.residual_hits for s in result.stores for c in s.columns) > 0


def test_a_step_that_does_nothing_shows(bench: Any, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the logical proof: cells that were not made coarser are counted by the verifier."""
    from workbench.erasure import coarse as module

    sqlite_people(bench.folder / "p.sqlite")
    bench.open('[[sources]]\nname = "s"\nurl = "sqlite:///p.sqlite"\n')
    approval = bench.ready(*lines(line, "p"))
    monkeypatch.setattr(module, "sql", lambda store, table, g, neutral: store.q(g.column))
    monkeypatch.setattr(hidden, "foretell", lambda case, d: iter(()))
    result = erase(bench.case, approval)
    assert result.verdict == "FAILED"
    assert result.tables[0].uncleared > N
    assert "say too much" in result.tables[0].problem


def test_duckdb(bench: Any, line: Line) -> None:
    """As SQLite, through the fresh file."""
    path = bench.folder / "p.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("CREATE TABLE p (id INTEGER, name VARCHAR, born DATE, seen VARCHAR, code VARCHAR, ip VARCHAR, income BIGINT, "
                   "joined DATE)")
        db.executemany("INSERT INTO p VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [row(i) for i in range(N)])
    bench.open('[[sources]]\nname = "s"\nurl = "duckdb:///p.duckdb"\n')
    result = erase(bench.case, bench.ready(*lines(line, "p")))
    proven(bench, result)
    with duckdb.connect(str(path), read_only=True) as db:
        assert [dated(r) for r in db.execute("SELECT * FROM p ORDER BY id").fetchall()] == [dated(after(i)) for i in range(N)]
    assert all(b"CANARY" not in p.read_bytes() for p in bench.folder.iterdir() if p.is_file())


def dated(cells: tuple[Any, ...]) -> tuple[Any, ...]:
    """Without the time of a text date, which databases leave out."""
    return (*cells[:3], str(cells[3]).removesuffix(" 00:00:00"), *cells[4:])


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    if not (PG_BIN / "postgres").exists():
        pytest.skip("no PostgreSQL server on this machine")
    with server_folder() as folder:
        made = Postgres(folder)
        yield made
        made.stop()


@pytest.fixture(scope="module")
def maria() -> Iterator[Maria]:
    if not shutil.which("mariadb-install-db"):
        pytest.skip("no MariaDB server on this machine")
    with server_folder() as folder:
        made = Maria(folder)
        yield made
        made.stop()


SERVER = ("CREATE TABLE p (id INT PRIMARY KEY, name VARCHAR(60), born DATE, seen VARCHAR(30) NOT NULL, code VARCHAR(40), ip VARCHAR(40), "
          "income BIGINT, joined DATE, {more})")


def on_server(bench: Any, line: Line, server: Any, url: str, cx: Any, more: str, values: str, steps: tuple[Generalisation, ...]) -> None:
    with cx.cursor() as cursor:
        cursor.execute(SERVER.format(more=more))
        cursor.executemany(f"INSERT INTO p VALUES ({', '.join(['%s'] * 8)}, {values})", [row(i) for i in range(N)])
    cx.commit()
    bench.open(f'[[sources]]\nname = "s"\nurl = "{url}"\n')
    first, second = lines(line, "p")
    approval = bench.ready(first.model_copy(update={"generalise": (*STEPS, *steps)}), second)
    assert sum(hits(server.data, b"CANARYCODE").values()) >= N // 2
    result = erase(bench.case, approval)
    assert (result.verdict, result.problems) == ("STORE_CLEAN", ())
    told = result.disposals[0].hidden
    assert told is not None
    assert (told.k, told.own) == (min(Counter(after(i)[2:7] for i in range(0, N, 2)).values()), True)
    assert all(c.control_hits and not c.residual_hits for s in result.stores for c in s.columns if c.needles)
    assert {"name", "code", "ip", "income"} <= {c.column for s in result.stores for c in s.columns if c.needles}
    with cx.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(NAMES)} FROM p ORDER BY id")
        assert [dated(tuple(r)) for r in cursor.fetchall()] == [dated(after(i)) for i in range(N)]
    assert hits(server.data, b"CANARY") == {}
    assert hits(server.data, b"10.1.1.5") == {}


def test_postgresql(bench: Any, line: Line, postgres: Postgres) -> None:
    """Also moments with and without a zone, decimals, floats and the address type; no byte of an original in the data directory."""
    postgres.sql("CREATE DATABASE people")
    more = "at timestamptz, t timestamp, d numeric(14, 4), f double precision, i inet, h smallint"
    made = "'2000-07-31 23:59:59+00', '2000-07-31 23:59:59', -0.0001, 99999.99, '10.2.3.4', -7"
    steps = tuple(Generalisation(column=c, how=h, width=w) for c, h, w in (  # type: ignore[arg-type]
        ("at", "month", 0), ("t", "year", 0), ("d", "band", 100_000), ("f", "band", 100_000), ("i", "ip24", 0), ("h", "band", 5)))
    with postgres.connect("people") as cx:
        on_server(bench, line, postgres, postgres.url("people"), cx, more, made, steps)
        cx.execute("SET TimeZone = 'Asia/Shanghai'")
        found = cx.execute("SELECT at::text, t::text, d, f, i::text, h FROM p WHERE id = 0").fetchone()
    assert found == ("2000-08-01 00:00:00+08", "2000-01-01 00:00:00", Decimal(-100_000), 0.0, "10.2.3.0/24", -10)


def test_mariadb(bench: Any, line: Line, maria: Maria) -> None:
    """Also moments, decimals and floats, and a column the server would touch on every update."""
    maria.sql("CREATE DATABASE people CHARACTER SET utf8mb4")
    more = "t DATETIME, d DECIMAL(14, 4), f DOUBLE, h SMALLINT, up TIMESTAMP NOT NULL DEFAULT '2024-01-01' ON UPDATE CURRENT_TIMESTAMP"
    steps = tuple(Generalisation(column=c, how=h, width=w) for c, h, w in (  # type: ignore[arg-type]
        ("t", "month", 0), ("d", "band", 100_000), ("f", "band", 100_000), ("h", "band", 5)))
    cx = maria.connect("people")
    try:
        on_server(bench, line, maria, maria.url("people"), cx, more, "'1990-07-31 23:59:59', 99999.9999, -0.5, -7, '2024-01-01'", steps)
        with cx.cursor() as cursor:
            cursor.execute("SELECT t, d, f, h, up FROM p WHERE id = 0")
            found = cursor.fetchone()
    finally:
        cx.close()
    assert found == (dt.datetime(1990, 7, 1), Decimal(0), -100_000.0, -10, dt.datetime(2024, 1, 1))


# -- files -----------------------------------------------------------------------------------------------------


def write(path: Path) -> None:
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as f:
            csv.writer(f).writerows([NAMES, *(row(i) for i in range(N))])
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(dict(zip(NAMES, row(i), strict=True)), default=str) + "\n" for i in range(N)))
    elif path.suffix == ".parquet":
        columns = dict(zip(NAMES, map(list, zip(*(row(i) for i in range(N)), strict=True)), strict=True))
        table = pa.table(columns)
        table = table.set_column(4, pa.field("code", pa.dictionary(pa.int32(), pa.string())), table["code"].dictionary_encode())
        pq.write_table(table, path, compression="zstd", row_group_size=150)
    else:
        book = Workbook()
        book.active.append(NAMES)
        for i in range(N):
            book.active.append(row(i))
        book.save(path)


def read(path: Path) -> list[tuple[Any, ...]]:
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as f:
            raw: list[Any] = list(csv.reader(f))[1:]
    elif path.suffix == ".jsonl":
        raw = [tuple(json.loads(x).values()) for x in path.read_text().splitlines()]
    elif path.suffix == ".parquet":
        raw = [tuple(r.values()) for r in pq.read_table(path).to_pylist()]
    else:
        raw = list(load_workbook(path).active.iter_rows(min_row=2, values_only=True))
    return [(int(r[0]), r[1] or None, day(r[2]), r[3], r[4], r[5], int(r[6]), day(r[7])) for r in raw]


def day(cell: Any) -> dt.date:
    return cell.date() if isinstance(cell, dt.datetime) else cell if isinstance(cell, dt.date) else dt.date.fromisoformat(str(cell)[:10])


@pytest.mark.parametrize("name", ["p.csv", "p.jsonl", "p.parquet", "p.xlsx"])
def test_files(bench: Any, line: Line, name: str) -> None:
    """Cells keep their types, the file its format; no original is left, packed or not."""
    import zipfile

    folder = bench.folder / "exports"
    folder.mkdir()
    write(folder / name)
    bench.open('[[sources]]\nname = "s"\npath = "exports"\n')
    result = erase(bench.case, bench.ready(*lines(line, f"{name}#Sheet" if name.endswith("xlsx") else name)))
    proven(bench, result)
    assert read(folder / name) == [after(i) for i in range(N)]
    data = (folder / name).read_bytes()
    if zipfile.is_zipfile(folder / name):
        with zipfile.ZipFile(folder / name) as box:
            data += b"".join(box.read(n) for n in box.namelist())
    if name.endswith("parquet"):
        data += str(pq.ParquetFile(folder / name, read_dictionary=["code"]).read()["code"].chunks).encode()
        assert pq.read_schema(folder / name).field("code").type == pa.dictionary(pa.int32(), pa.string())
    assert b"CANARY" not in data
    assert b"KEEPER" in data


# -- what is wanted, and what is not reached -------------------------------------------------------------------


def test_too_small_a_k_stops_before_the_first_row(bench: Any, line: Line) -> None:
    """The k that will be is counted beforehand; a run that cannot reach what the plan wants changes nothing."""
    path = bench.folder / "p.sqlite"
    sqlite_people(path)
    before = sqlite_rows(path)
    bench.open('[[sources]]\nname = "s"\nurl = "sqlite:///p.sqlite"\n')
    approval = bench.ready(*lines(line, "p", k=51))
    told = [c for c in dry_run(bench.case).preflight if c.check == "anonymity"]
    assert [(c.colour, "will have 50 rows" in c.en) for c in told] == [("red", True)]
    with pytest.raises(ErasureError, match="the plan wants 51"):
        erase(bench.case, approval)
    assert sqlite_rows(path) == before


def test_too_small_a_k_afterwards_is_not_certified(bench: Any, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured below what the plan wants, the result says so, and nobody can read the certificate as one of anonymisation."""
    path = bench.folder / "p.sqlite"
    sqlite_people(path)
    bench.open('[[sources]]\nname = "s"\nurl = "sqlite:///p.sqlite"\n')
    approval = bench.ready(*lines(line, "p", k=51))
    monkeypatch.setattr(hidden, "foretell", lambda case, d: iter(()))
    result = erase(bench.case, approval)
    assert result.verdict == "FAILED"
    assert [p for p in result.problems if "Not anonymised: k is 50, and the plan wants 51" in p] == list(result.problems)
    assert b"CANARY" not in path.read_bytes(), "the bytes are gone all the same"
    (mine,) = (c for c in bench.case.load(Certificates).certificates if c.disposal == "D1")
    assert (mine.verdict, mine.level_zh[:6]) == ("FAILED", "未达到匿名化")
    for lang, words in (("zh", "未达到匿名化"), ("en", "not anonymised")):
        (first, *_) = sections(bench.case, (mine,), lang)
        assert words in first.title
    forged = mine.model_copy(update={"verdict": "STORE_CLEAN", "signature": ""})
    signer = bench.case.signer("op")
    forged = forged.model_copy(update={"signature": signer.sign(forged.canonical()).hex()})
    with pytest.raises(VerificationError, match="k is 50 where 51 was wanted"):
        certify.verify_certificate(forged, keys=[signer.key_id])


def test_k_is_of_the_lines_own_rows_whatever_tells_them_apart(bench: Any, line: Line) -> None:
    """Rows known only by links: others of the table, which say more, neither help k nor spoil it."""
    path = bench.folder / "p.sqlite"
    sqlite_people(path)
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE o (id INTEGER PRIMARY KEY, p INTEGER NOT NULL REFERENCES p(id), what TEXT)")
        db.executemany("INSERT INTO o VALUES (?, ?, 'kept')", [(i, i) for i in range(1, N, 2)])
    db.close()
    bench.open('[[sources]]\nname = "s"\nurl = "sqlite:///p.sqlite"\n')
    mine = line("D1", "s", "p", "anonymise", [("", "unreferenced", "")], suppress=("name",), generalise=STEPS, k=50)
    result = erase(bench.case, bench.ready(mine, line("D2", "s", "p", "keep", [("", "referenced", "")]), line("D3", "s", "o", "keep")))
    proven(bench, result)
    assert sqlite_rows(path) == [after(i) for i in range(N)]


def test_from_the_setting_to_the_certificate(bench: Any) -> None:
    """A person asks in case.toml; the planner plans it, two people approve it, erasure carries it out and measures it."""
    from workbench.classification import classify
    from workbench.inventory import take_inventory
    from workbench.plan import make_plan
    from workbench.vault import protect

    path = bench.folder / "p.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE visitors (id INTEGER PRIMARY KEY, name TEXT, email TEXT, born TEXT, pages INTEGER)")
        db.executemany("INSERT INTO visitors VALUES (?, ?, ?, ?, ?)", [
            (i, "王小明李大华张伟"[i % 6:i % 6 + 2],
             f"canary{i:05d}@mail.example", f"{1950 + i % 40}-0{1 + i % 9}-11", i) for i in range(N)])
    db.close()
    bench.open('[[sources]]\nname = "s"\nurl = "sqlite:///p.sqlite"\n[settings.plan.anonymise]\n'
               '"s.visitors" = { k = 8, columns = { born = "year", pages = "band 1000", email = "prefix 3" } }\n')
    text = (bench.folder / "case.toml").read_text().replace("[dates]\n", "[dates]\nservice_end = 2026-01-01\nclaims_end = 2026-02-01\n")
    (bench.folder / "case.toml").write_text(text)
    bench.case = Case.open(bench.folder)
    take_inventory(bench.case)
    classify(bench.case)
    protect(bench.case)
    plan = make_plan(bench.case)
    assert [(d.action, d.k, d.suppress) for d in plan.disposals] == [("anonymise", 8, ("name",))]
    result = erase(bench.case, bench.approve())
    assert (result.verdict, result.problems) == ("STORE_CLEAN", ())
    told = result.disposals[0].hidden
    assert told is not None
    assert (told.k, told.wanted, set(told.columns)) == (10, 8, {"born", "pages", "email"})
    db = sqlite3.connect(path)
    assert set(db.execute("SELECT name, email, pages, substr(born, 5) FROM visitors").fetchall()) == {(None, "can", 0, "-01-01")}
    db.close()
    assert b"canary0" not in path.read_bytes()


@pytest.mark.parametrize(("column", "how", "says"), [
    ("id", "band", "must be unique"), ("income", "prefix", "cannot be made coarser by 'prefix'"), ("gone", "year", "is not there")])
def test_what_a_store_cannot_do_is_said_before_anything_starts(bench: Any, line: Line, column: str, how: str, says: str) -> None:
    """A dry run refuses it too."""
    with duckdb.connect(str(bench.folder / "p.duckdb")) as db:
        db.execute("CREATE TABLE p (id INTEGER PRIMARY KEY, income BIGINT); INSERT INTO p VALUES (1, 12345)")
    bench.open('[[sources]]\nname = "s"\nurl = "duckdb:///p.duckdb"\n')
    approval = bench.ready(line("D1", "s", "p", "anonymise", generalise=(Generalisation(column=column, how=how, width=3),)))  # type: ignore[arg-type]
    for run in (lambda: dry_run(bench.case), lambda: erase(bench.case, approval)):
        with pytest.raises(ErasureError, match=says):
            run()


def test_text_files_have_no_columns(bench: Any, line: Line) -> None:
    """Refused with what to do instead."""
    (bench.folder / "exports").mkdir()
    (bench.folder / "exports" / "a.txt").write_text("200031 one\n200032 two\n")
    bench.open('[[sources]]\nname = "s"\npath = "exports"\n')
    approval = bench.ready(line("D1", "s", "a.txt", "anonymise", generalise=(Generalisation(column="text", how="prefix", width=3),)))
    with pytest.raises(ErasureError, match="export the file to CSV"):
        erase(bench.case, approval)


def test_kills_change_nothing(bench: Any, line: Line, tmp_path: Path) -> None:
    """kill -9 at ten points, database and file: every end is the undisturbed one, k included."""
    sqlite_people(bench.folder / "p.sqlite")
    (bench.folder / "exports").mkdir()
    write(bench.folder / "exports" / "p.csv")
    bench.open('[[sources]]\nname = "s"\nurl = "sqlite:///p.sqlite"\n[[sources]]\nname = "f"\npath = "exports"\n')
    bench.ready(*lines(line, "p"), *(d.model_copy(update={"id": d.id + "f", "set": d.set.model_copy(
        update={"source": "f", "table": "p.csv"})}) for d in lines(line, "p")))
    made = iter(range(1000))

    def fresh() -> Path:
        return Path(shutil.copytree(bench.folder, tmp_path / f"wild{next(made)}"))

    def after_run(folder: Path) -> None:
        assert sqlite_rows(folder / "p.sqlite") == read(folder / "exports" / "p.csv") == [after(i) for i in range(N)]
        done = Case.open(folder).load(Erasure)
        assert (done.verdict, done.problems) == ("STORE_CLEAN", ())
        assert [d.hidden.k for d in done.disposals if d.hidden] == [50, 50]
        assert [d.suppressed for d in done.disposals if d.action == "anonymise"] == [N // 2, N // 2]

    with driver(tmp_path) as run:
        twin = fresh()
        events = run.erase(twin)
        after_run(twin)
        assert storm(run, 10, events, 3, fresh, lambda folder: None, after_run) == 10


CELLS = st.one_of(st.none(), st.dates(), st.datetimes(), st.integers(), st.floats(), st.decimals(allow_nan=False, places=3),
                  st.text(max_size=20), st.dates().map(str), st.integers().map(str), st.ip_addresses(v=4).map(str))


@given(CELLS, st.sampled_from(["month", "year", "band", "prefix", "ip24"]), st.integers(1, 10**6))
def test_twice_is_once_and_the_verifier_agrees(cell: Any, how: Any, width: int) -> None:
    """For any cell: made coarser again it stays the same, and the verifier, who has other code, finds it coarse enough."""
    once = coarse(cell, how, width)
    assert coarse(once, how, width) == once
    assert once is None or coarse_enough(once, Generalisation(column="c", how=how, width=width))


def test_the_plan_says_it_in_both_languages(line: Line) -> None:
    """Every way has its words."""
    d = lines(line, "p")[0]
    assert anonymised(d, "en") == ("born to the year; seen to the month; first 1 characters of code; ip to its /24 network; "
                                   "income in bands of 10000000; k ≥ 50")
    assert anonymised(d, "zh").startswith("born 只到年；seen 只到月")
