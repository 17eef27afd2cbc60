"""The quick PostgreSQL reader gives what ADBC gives, and an end with an error where the stream breaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from workbench.errors import SourceUnreadable
from workbench.sources import copyout, open_location, postgres

psycopg = pytest.importorskip("psycopg")
ADMIN = "postgresql://root@127.0.0.1:5432/postgres"
URL = "postgresql://root@127.0.0.1:5432/wb_copyout"
MADE = """
CREATE TABLE t (id bigint PRIMARY KEY, s smallint, i int, f real, d double precision, b boolean, txt text, v varchar(40), c char(7),
    raw bytea, day date, at timestamp, tz timestamptz, n numeric(9,3), j jsonb, u uuid, a int[]);
INSERT INTO t SELECT i, (i % 300) - 150, -i, i / 7.0, 1e300 / i, i % 3 = 0, repeat('王小明' || i, (i % 5)::int), 'x' || i, 'c' || i % 9,
    decode(repeat(md5(i::text), 16), 'hex'), date '0044-03-15 BC' + i, timestamp '1969-12-31 23:59:59.999999' + i * interval '1 hour',
    timestamptz '2026-11-29 12:00+08' - i * interval '1 day', i / 8.0, '{"k": 1}', md5(i::text)::uuid, ARRAY[i, 2]
    FROM generate_series(1, 70000) i;
INSERT INTO t (id) SELECT -i FROM generate_series(1, 3000) i;
INSERT INTO t (id, d, f, txt, raw) VALUES (100001, 'NaN', '-Infinity', '', ''), (100002, '-0', 0, repeat('长', 900000), NULL),
    (9223372036854775807, 'Infinity', 1, 'x', '\\x00'), (-9223372036854775808, 1, 1, 'y', NULL);
CREATE TABLE empty (id int, txt text);
"""


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    try:
        admin = psycopg.connect(ADMIN, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        pytest.skip("no PostgreSQL answers on 127.0.0.1:5432")
    with admin:
        admin.execute("DROP DATABASE IF EXISTS wb_copyout WITH (FORCE)")
        admin.execute("CREATE DATABASE wb_copyout")
        with psycopg.connect(URL, autocommit=True) as cx:
            cx.execute(MADE)
        yield URL
        admin.execute("DROP DATABASE IF EXISTS wb_copyout WITH (FORCE)")


def table(batches: Any, schema: pa.Schema) -> pa.Table:
    made = pa.Table.from_batches(list(batches), schema=schema)
    made.validate(full=True)
    return made.sort_by("id").combine_chunks()


def plain(cells: Any) -> str:
    """Dates before the year 1 have no Python form: as the numbers that they are."""
    whole = {"date32[day]": pa.int32()}.get(str(cells.type), pa.int64() if pa.types.is_timestamp(cells.type) else cells.type)
    return repr(cells.cast(whole).to_pylist())


def test_every_type_and_null_is_read_as_adbc_reads_it(database: str) -> None:
    """Also cells larger than a batch's room, empty texts, NaN, negative zero and the ends of bigint."""
    with open_location(database) as source:
        assert isinstance(source, postgres.PostgresSource)
        for name in ("t", "empty"):
            columns = [c.name for c in source.table(name).columns]
            schema = source._schemas[name]
            assert copyout.readable(schema)
            with psycopg.connect(database, client_encoding="UTF8") as cx:
                mine = table(copyout.read(cx, source._select(name, columns), schema), schema)
            theirs = table(source.batches(name), schema)
            assert mine.num_rows == theirs.num_rows
            for column in columns:  # repr tells NaN and negative zero apart from others
                assert plain(mine[column]) == plain(theirs[column]), column


def test_parts_of_a_table_are_the_table(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the sessions that a scan uses, twice on the same ones."""
    monkeypatch.setattr(postgres, "FEW_PAGES", 10)
    with open_location(database) as source:
        schema = source.table("t") and source._schemas["t"]  # type: ignore[attr-defined]
        for _ in range(2):
            parts = source.streams("t", 3)
            assert len(parts) == 3
            assert sorted(table((b for p in parts for b in p()), schema)["id"].to_pylist()) \
                == sorted(table(source.batches("t"), schema)["id"].to_pylist())


@pytest.mark.parametrize("how", ["the server ends the session", "the reader stops early"])
def test_a_broken_stream_is_an_error_and_the_next_read_starts_anew(database: str, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(postgres, "FEW_PAGES", 10)
    monkeypatch.setattr(copyout, "ROWS", 256)  # so that most of the part does not fit in the buffers between server and client
    with open_location(database) as source:
        source.tables()
        stream = source.streams("t", 2)[0]()
        next(stream)
        if how.startswith("the server"):
            with psycopg.connect(ADMIN, autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'wb_copyout' "
                              "AND query LIKE 'COPY (%' AND state = 'active'")
            with pytest.raises(SourceUnreadable, match="stopped while reading"):
                list(stream)
        else:
            stream.close()
        again = sum(b.num_rows for p in source.streams("t", 2) for b in p())
        assert again == 73_004


def test_what_is_no_copy_stream_is_refused(monkeypatch: pytest.MonkeyPatch, database: str) -> None:
    """A column more or less than the schema says."""
    schema = pa.schema([("id", pa.int64()), ("s", pa.int16())])
    for sql in ("SELECT id FROM t", "SELECT id, i FROM t", "SELECT id, no_such FROM t"):
        with psycopg.connect(database) as cx, pytest.raises(copyout.NotReadable):
            list(copyout.read(cx, sql, schema))
