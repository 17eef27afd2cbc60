"""Peak resident memory of the whole of protect(), restore_test() and check_media(), each in a process of its own.

    python benchmarks/vault_memory.py [--mb 610] [--table-mb 200] [--times 4] [--work FOLDER] [--postgres URL]

Two cases: a Parquet file of ``--mb`` beside an SQLite database of 20,000 rows, and an SQLite database of ``--table-mb``; then
both ``--times`` as large. Argon2id is set to 8 MiB in them and measured by itself at the product's setting: it runs before the
first byte is read and its memory is given back before that, so a step's peak is the larger of the two, not their sum.
``--postgres``: an empty database; the large table is read from there as well.

Measured on 29 November 2026 (Python 3.11, pyarrow 26, a loaded machine, which changes no peak by more than 5), MiB:

    a file of 610 MB, 2440 MB                 protect 158, 161   restore_test 161, 161   check_media 61, 61
    an SQLite table of 187 MB, 747 MB         protect 184, 187   restore_test 177, 177   check_media 61, 61
    a PostgreSQL table of 4 million rows      protect 178        restore_test 173        check_media 61
    Argon2id (128 MiB)                        172

Of these 41 are Python, pydantic and cryptography, 14 SQLAlchemy, 26 Arrow with 11 of numpy, 15 of compute and Parquet. pandas would
be 30 more; it comes with the first value that Arrow makes from a Python object (a CSV that the csv module has to read).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

WANTED = 200
CASE = """
[case]
id = "bench"
company = "Bench"
place = "here"
[[people]]
id = "op"
name = "O"
roles = ["operator"]
[[people]]
id = "a1"
name = "A"
roles = ["approver"]
[[people]]
id = "a2"
name = "B"
roles = ["approver", "supervisor"]
[settings.vault]
argon2_mib = 8
"""
ROW = 200
"""bytes of a row of the large table, about"""


def make_case(folder: Path, *sources: str) -> None:
    """A case over ``sources``, lines of case.toml."""
    folder.mkdir(exist_ok=True)
    named = "".join(f'[[sources]]\nname = "s{n}"\n{line}\n' for n, line in enumerate(sources))
    (folder / "case.toml").write_text(CASE + named, encoding="utf-8")


def make_table(path: Path, rows: int) -> None:
    """A table of people in an SQLite file."""
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, phone TEXT, placed TEXT, total REAL, photo BLOB)")
        db.executemany("INSERT INTO people VALUES (?,?,?,?,?,?)", (
            (n, f"王{n:07d}", f"139{n:08d}", f"2026-11-{1 + n % 28:02d} 10:00:00", n / 4, os.urandom(ROW - 80)) for n in range(rows)))
    db.close()


def make_postgres(url: str, rows: int) -> None:
    """The same in an empty PostgreSQL database."""
    import psycopg

    with psycopg.connect(url) as db:
        db.execute("CREATE TABLE people (id BIGINT PRIMARY KEY, name TEXT, phone TEXT, placed TIMESTAMPTZ, total NUMERIC(12,2), "
                   "photo BYTEA)")
        db.execute("INSERT INTO people SELECT n, '王' || n, '139' || n, now(), n / 4.0, decode(repeat(md5(n::text), 4), 'hex') "
                   "FROM generate_series(1, %s) n", (rows,))


def step(folder: Path, name: str) -> None:
    """One step, or Argon2id at the product's setting; says the process's peak in kB (ru_maxrss is also that of who started it)."""
    from workbench import vault as room
    from workbench.case import Case

    case = Case.open(folder)
    if name == "argon2id":
        from workbench.vault import kek, vault

        kek.kek(case.private("argon"), case.config.vault.passphrase_env, mib=vault.SETTINGS["argon2_mib"][1], create=True)
    else:
        result = getattr(room, name)(case)
        assert getattr(result, "ok", True), result
    print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))


def peak(folder: Path, name: str) -> float:
    """MiB of a process that does a step."""
    env = {**os.environ, "WORKBENCH_VAULT_PASSPHRASE": "of a throw-away vault"}
    words = (sys.executable, __file__, "--step", str(folder), name)
    return int(subprocess.run(words, env=env, stdout=subprocess.PIPE, check=True).stdout) / 1024


def measure(label: str, folder: Path) -> bool:
    """The peaks of a case, printed; whether all are small enough."""
    peaks = {name: peak(folder, name) for name in ("protect", "restore_test", "check_media")}
    print(f"{label:34}", *(f"{name} {mb:4.0f}" for name, mb in peaks.items()), flush=True)
    shutil.rmtree(folder)
    return max(peaks.values()) <= WANTED


def main() -> None:
    from vault_speed import make_data

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=610)
    parser.add_argument("--table-mb", type=int, default=200)
    parser.add_argument("--times", type=int, default=4)
    parser.add_argument("--work", type=Path, help="where the data and the vaults go")
    parser.add_argument("--postgres", help="URL of an empty database")
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        step(Path(options.step[0]), options.step[1])
        return
    fine = True
    with tempfile.TemporaryDirectory(dir=options.work) as text:
        folder = Path(text, "case")
        for times in (1, options.times):
            make_case(folder, 'path = "files"', 'url = "sqlite:///small.sqlite"')
            (folder / "files").mkdir()
            make_data(folder / "files/data.parquet", options.mb * times)
            make_table(folder / "small.sqlite", 20_000)
            if times == 1:
                print(f"{'Argon2id':34} {peak(folder, 'argon2id'):4.0f}", flush=True)
            fine &= measure(f"a file of {options.mb * times} MB", folder)
            make_case(folder, 'url = "sqlite:///large.sqlite"')
            make_table(folder / "large.sqlite", options.table_mb * 1_000_000 // ROW * times)
            fine &= measure(f"an SQLite table of {(folder / 'large.sqlite').stat().st_size / 1e6:.0f} MB", folder)
        if options.postgres:
            make_postgres(options.postgres, options.table_mb * 1_000_000 // ROW * options.times)
            make_case(folder, f'url = "{options.postgres}"')
            fine &= measure(f"a PostgreSQL table of {options.table_mb * options.times} MB", folder)
    print(f"target: at most {WANTED} MB:", "reached" if fine else "MISSED")


if __name__ == "__main__":
    main()
