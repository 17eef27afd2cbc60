"""FIT: measure on the user's own server what each strategy costs, and keep the constants with the case.

Made-up rows go into a schema (PostgreSQL), a database (MariaDB) or a file beside the store (SQLite) called ``wb_erase_fit``,
are deleted there by the same code as in an erasure, with the rewrite that zero residue demands, and the scratch place is
taken away whatever happens. Nobody's table is read or written. Seconds = fixed + gone * a + kept * b is solved by least
squares without negative constants, over runs of several sizes and shares, and ``erasure-private/rates.json`` keeps it.
"""
# ruff: noqa: S608  (names are this module's own)

from __future__ import annotations

import datetime as dt
import itertools
import platform
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.erasure.strategy import FITTED, Choice, Rate, Rates, fitted, shipped
from workbench.errors import ErasureError, ParameterError

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.case.config import SourceSpec
    from workbench.erasure.selection import Selection
    from workbench.erasure.sqlstore import SqlStore

PLACE = "wb_erase_fit"
SMALLEST, USUAL = 6_000, 120_000
"""rows of both tables together"""
RUNS = ((1.0, 10), (1.0, 50), (1.0, 90), (0.1, 50))
"""(part of the size, per cent deleted) for each strategy"""
ROOM = 1_500
"""bytes of disk that a row may need at worst: table, indexes, key table, copies, log"""
TABLES = ("o", "c")
Told = Callable[[str], None]

LOAD = {
    "postgresql": ("DROP TABLE IF EXISTS o, c",
                   "CREATE TABLE c (id bigint PRIMARY KEY, name text, n int)",
                   "CREATE TABLE o (id bigint PRIMARY KEY, c bigint NOT NULL, t text, n int)",
                   "INSERT INTO c SELECT i, 'name ' || i || ' xxxxxxxxxx', i % 100 FROM generate_series(1, {p}) i",
                   "INSERT INTO o SELECT i, 1 + i % {p}, 'order ' || i || ' yyyyyyyyyyyyyyyy', (1 + i % {p}) % 100 "
                   "FROM generate_series(1, {o}) i",
                   "CREATE INDEX oc ON o (c)", "ALTER TABLE o ADD CONSTRAINT link FOREIGN KEY (c) REFERENCES c (id)",
                   "ANALYZE c", "ANALYZE o"),
    "mariadb": ("SET SESSION unique_checks = 0, foreign_key_checks = 0", "DROP TABLE IF EXISTS o", "DROP TABLE IF EXISTS c",
                "CREATE TABLE c (id BIGINT PRIMARY KEY, name VARCHAR(40), n INT) ENGINE=InnoDB",
                "CREATE TABLE o (id BIGINT PRIMARY KEY, c BIGINT NOT NULL, t VARCHAR(60), n INT, "
                "CONSTRAINT link FOREIGN KEY (c) REFERENCES c (id)) ENGINE=InnoDB",
                "INSERT INTO c SELECT seq, CONCAT('name ', seq, ' xxxxxxxxxx'), seq % 100 FROM seq_1_to_{p}",
                "INSERT INTO o SELECT seq, 1 + seq % {p}, CONCAT('order ', seq, ' yyyyyyyyyyyyyyyy'), (1 + seq % {p}) % 100 "
                "FROM seq_1_to_{o}", "SET SESSION unique_checks = 1, foreign_key_checks = 1"),
    "sqlite": ("DROP TABLE IF EXISTS o", "DROP TABLE IF EXISTS c",
               "CREATE TABLE c (id INTEGER PRIMARY KEY, name TEXT, n INTEGER)",
               "CREATE TABLE o (id INTEGER PRIMARY KEY, c INTEGER NOT NULL REFERENCES c (id), t TEXT, n INTEGER)",
               "INSERT INTO c WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {p}) "
               "SELECT i, 'name ' || i || ' xxxxxxxxxx', i % 100 FROM s",
               "INSERT INTO o WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {o}) "
               "SELECT i, 1 + i % {p}, 'order ' || i || ' yyyyyyyyyyyyyyyy', (1 + i % {p}) % 100 FROM s",
               "CREATE INDEX oc ON o (c)", "ANALYZE"),
}
"""one parent and five children each, the child's link indexed; n says which hundredth a parent and its children are in"""


def fit(case: Case, *, source: str = "", rows: int = USUAL, told: Told = lambda text: None) -> Rates:
    """Measure each engine of the case's databases (or that of ``source`` alone) and write ``rates.json``.

    Args:
        rows: made-up rows in both tables together; more take longer and fit larger tables better.
        told: gets one line for each measurement.

    Raises:
        ParameterError: no such database source, or too few rows.
        ErasureError: no right to make the scratch place, no room, or a replica that follows; nothing is left behind.
    """
    if rows < SMALLEST:
        raise ParameterError(f"--rows {rows} is too small to measure anything", f"--rows {USUAL}")
    rates = fitted(case.private("erasure-private")) or shipped()
    chosen: dict[str, SourceSpec] = {}
    for spec in case.config.sources:
        if spec.url and source in ("", spec.name) and (engine := engine_of(spec.url)) in rates.engines:
            chosen.setdefault(engine, spec)
    if not chosen:
        known = [s.name for s in case.config.sources if s.url and engine_of(s.url) in rates.engines]
        raise ParameterError(f"{source or 'this case'} is no database with more than one way to delete",
                             "one of: " + ", ".join(known) if known else "nothing is to be measured here")
    for engine, spec in chosen.items():
        mine = measure(engine, spec, case.folder, rows, told)
        when = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
        where = f"{when}, {spec.name} from {platform.node()}, {rows} rows"
        rates = rates.model_copy(update={"engines": {**rates.engines, engine: mine}, "measured": {**rates.measured, engine: where}})
        from workbench.ledger import write_durably

        write_durably(case.private("erasure-private") / FITTED, rates.canonical())
    return rates


def engine_of(url: str) -> str:
    """The engine's name in the rates, by URL."""
    name = url.split(":", 1)[0].split("+", 1)[0]
    return {"postgres": "postgresql", "mysql": "mariadb"}.get(name, name)


def measure(engine: str, spec: SourceSpec, base: Path, rows: int, told: Told = lambda text: None) -> dict[str, Rate]:
    """Constants of one engine, from runs in a scratch place that is gone afterwards."""
    with scratch(engine, spec, base, rows) as store:
        load(store, rows // 60)
        run(store, 50, "batches")  # the first of all pays for caches and growing files
        out = {}
        for name in shipped().engines[engine]:
            runs = RUNS if name != "truncate" else ((1.0, 100), (0.1, 100))
            points = []
            for part, share in runs:
                load(store, max(100, int(rows * part) // 6))
                size = sum(store.size(t) for t in TABLES)
                took, gone, kept = run(store, share, name)
                told(f"{spec.name}: {name}, {share} % of {gone + kept:,} rows in {took:.2f} s")
                points.append((gone, kept, took, size / (gone + kept) / shipped().width))
            out[name] = solve(points)
        return out


def solve(points: Sequence[tuple[int, int, float, float]]) -> Rate:
    """Constants from (rows gone, rows kept, seconds, width of a row as a multiple of the rates') of both tables together.

    Least squares of the relative error, so that small runs count as much as large ones, over every set of constants that
    are not zero; the best without a negative one.
    """
    seconds = np.array([p[2] for p in points])
    matrix = np.array([(len(TABLES), p[0] / 1e6, p[1] / 1e6 * max(0.25, p[3] or 1.0)) for p in points]) / seconds[:, None]
    best, least = np.zeros(3), float("inf")
    for size in (3, 2, 1):
        for columns in itertools.combinations(range(3), size):
            part = matrix[:, columns]
            found, *_ = np.linalg.lstsq(part, np.ones(len(points)), rcond=None)
            error = float(((part @ found - 1) ** 2).sum())
            if (found >= 0).all() and error < least - 1e-12:
                least, best = error, np.zeros(3)
                best[list(columns)] = found
    return Rate(**{k: round(float(v), 3) for k, v in zip(("fixed", "gone", "kept"), best, strict=True)})


def load(store: SqlStore, parents: int) -> None:
    """Both tables anew."""
    store.begin()
    for sql in LOAD[store.engine]:
        store.run(sql.format(p=parents, o=5 * parents))
    store.commit()
    store.tables = {t.name: t for t in _catalogue(store)}


def _catalogue(store: SqlStore) -> list[Any]:
    from workbench.sources import open_source

    with open_source(store.spec, store.base) as source:
        return [t for t in source.tables() if t.name in TABLES]


def prepared(store: SqlStore, share: int, tables: Sequence[str] = TABLES) -> Selection:
    """Key tables of the rows with n below ``share``, as a selection would make them; committed."""
    from workbench.erasure.selection import Line, Selection, table_order
    from workbench.plan.model import Disposal, RecordSet, Text

    store.begin()
    lines = []
    for i, table in enumerate(tables):
        erased = Disposal(id=f"D{i}", set=RecordSet(source=store.name, table=table), action="erase", reason=Text(zh="", en=""))
        line = Line(erased, f"wb_erase_k{i}")
        line.rows = store.make_keys(line.work, table, f"t.n < {share}")
        lines.append(line)
    store.commit()
    groups, cyclic = table_order(store)
    totals = {t: int(store.one(f"SELECT count(*) FROM {store.t(t)}")) for t in store.tables}
    store.commit()
    return Selection(lines, order=[t for g in groups for t in g], cyclic=cyclic, totals=totals)


def deleted(store: SqlStore, sel: Selection, chosen: Mapping[str, Choice], *, rewrite: bool = True) -> tuple[float, int]:
    """(seconds, rows gone) of carrying a selection out and, if wanted, rewriting the tables whose bytes are not new."""
    from workbench.erasure.execute import carry_out, counts

    start = time.perf_counter()
    carry_out(store, sel, choices=chosen)
    gone = sum(c["deleted"] for c in counts(store, sel.lines).values())
    for work in store.work_tables():  # as an erasure does before it scrubs
        store.drop(work)
    store.commit()
    if rewrite:
        store.rewrite([t for t in sel.touched() if chosen[t].strategy not in ("copy", "truncate")])
    return time.perf_counter() - start, gone


def run(store: SqlStore, share: int, strategy: str) -> tuple[float, int, int]:
    """(seconds, rows gone, rows kept) of one deletion and the rewrite; the key tables are made before the clock starts."""
    sel = prepared(store, share)
    took, gone = deleted(store, sel, {t: Choice(strategy, 0.0, "", "") for t in TABLES})
    return took, gone, sum(sel.totals.values()) - gone


@contextmanager
def scratch(engine: str, spec: SourceSpec, base: Path, rows: int) -> Iterator[SqlStore]:
    """A store whose only tables are ours; taken away at the end, by a connection of its own, also after Ctrl-C."""
    if engine == "sqlite":
        with _file(spec, base, rows) as (other, folder), _opened(engine, other, folder) as store:
            yield store
        return
    kind = "SCHEMA" if engine == "postgresql" else "DATABASE"
    with _opened(engine, spec, base, read=False) as store:
        if why := store.live()[1]:
            raise ErasureError(f"{why}, and made-up rows would reach them", "where a replica follows only short transactions are "
                               "used, so there is nothing to choose and nothing to measure", where=spec.name)
        _room(spec.name, store.free(), rows, store.where_files() or "the server's volume")
        if _there(store):
            raise ErasureError(f"{PLACE} is there already: an earlier fit was killed, or another one is running",
                               f"if none is running: DROP {kind} {store.q(PLACE)}{' CASCADE' * (engine == 'postgresql')};",
                               where=spec.name)
        try:
            store.commit()
            store.run(f"CREATE {kind} {store.q(PLACE)}")
            store.commit()
        except ErasureError as e:
            store.rollback()
            grant = "GRANT CREATE ON DATABASE ... TO this user;" if engine == "postgresql" else \
                f"GRANT ALL ON {store.q(PLACE)}.* TO this user;"
            raise ErasureError(f"this user may not make a scratch {kind.lower()} ({e.what})",
                               f"as an administrator: {grant} or go on with the shipped constants", where=spec.name) from None
    try:
        with _opened(engine, spec.model_copy(update={"schema_": PLACE}), base) as store:
            yield store
    finally:
        with _opened(engine, spec, base, read=False) as store:
            store.run("SET lock_timeout = '60s'" if engine == "postgresql" else "SET SESSION lock_wait_timeout = 60")
            store.run(f"DROP {kind} IF EXISTS {store.q(PLACE)}{' CASCADE' * (engine == 'postgresql')}")
            store.commit()


def _there(store: SqlStore) -> bool:
    view = "pg_namespace WHERE nspname" if store.engine == "postgresql" else "information_schema.schemata WHERE schema_name"
    return bool(store.one(f"SELECT 1 FROM {view} = '{PLACE}'"))


@contextmanager
def _file(spec: SourceSpec, base: Path, rows: int) -> Iterator[tuple[SourceSpec, Path]]:
    """A database file of our own on the volume of the user's."""
    from sqlalchemy.engine import make_url

    theirs = base / str(make_url(spec.url).database)
    beside = theirs.parent
    if not theirs.is_file():
        raise ErasureError("the database file is not there", "see url in case.toml", where=spec.name)
    _room(spec.name, shutil.disk_usage(beside).free, rows, str(beside))
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{PLACE}-", dir=beside))
    except OSError:
        raise ErasureError("a scratch file cannot be made beside the database", f"allow writing to {beside}", where=spec.name) from None
    try:
        (folder / "fit.sqlite").touch(mode=0o600)
        with theirs.open("rb") as f:
            wal = f.read(20)[18:19] == b"\x02"  # the file format's own mark: 2 where the journal is a WAL
        with closing(sqlite3.connect(folder / "fit.sqlite")) as mine:
            mine.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
            mine.execute("PRAGMA user_version = 1")  # an empty file is no database yet
        yield spec.model_copy(update={"url": "sqlite:///fit.sqlite"}), folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _room(name: str, free: int, rows: int, where: str) -> None:
    if free < rows * ROOM:
        raise ErasureError(f"{rows} made-up rows may need {rows * ROOM >> 20} MiB and {free >> 20} are free at {where}",
                           f"free some space, or --rows {max(SMALLEST, free // ROOM // 2)}", where=name)


@contextmanager
def _opened(engine: str, spec: SourceSpec, base: Path, *, read: bool = True) -> Iterator[SqlStore]:
    """A connected store; ``read``: with its catalogue, which for the user's own schema is not needed."""
    from importlib import import_module

    from workbench.erasure.stores import ENGINES

    module, name = ENGINES[engine]
    made: Any = getattr(import_module(f"workbench.erasure.{module}"), name)
    store: SqlStore = made(spec, base)
    store.open() if read else store.connect()
    try:
        yield store
    finally:
        with suppress(Exception):
            store.rollback()
        store.close()
