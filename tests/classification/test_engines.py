"""Any split, any order, any engine: the same bytes."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.classification import scan
from workbench.classification.engine import run
from workbench.classification.partial import Partial, distinct, kernel, merge
from workbench.classification.rules import load_rules
from workbench.classification.slots import NUMBER, SHAPE

RULES = load_rules(20261123)


def table(n: int, seed: int = 3) -> pa.Table:
    r = random.Random(seed)
    return pa.table({
        "phone": [f"1{r.choice('358')}{r.randrange(10**9):09d}" for _ in range(n)],
        "remark": [f"身份证11010519491231002X {i}" if i % 50 == 0 else "无" for i in range(n)],
        "mail": [f"u{r.randrange(10**6)}@x.com" if i % 3 else None for i in range(n)],
        "n": list(range(n)),
    })  # fmt: skip


def same(a: Partial, b: Partial) -> bool:
    if a.keys() != b.keys():
        return False
    for name, x in a.items():
        y = b[name]
        if (x.counts != y.counts).any() or (x.stats != y.stats).any() or (x.groups != y.groups).any():
            return False
        if list(x.cells) != list(y.cells) or x.values.keys() != y.values.keys():
            return False
        if any(list(x.values[k]) != list(y.values[k]) for k in x.values):
            return False
    return True


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=12), st.randoms())
def test_any_split_and_order_gives_the_same_partial(sizes: list[int], r: random.Random) -> None:
    """However a table is cut and joined, the partial is the same."""
    data = table(sum(sizes))
    whole = kernel(data.combine_chunks().to_batches()[0], RULES)
    parts, at = [], 0
    for size in sizes:
        parts.append(kernel(data.slice(at, size).combine_chunks().to_batches()[0], RULES))
        at += size
    r.shuffle(parts)
    while len(parts) > 1:
        a, b = parts.pop(r.randrange(len(parts))), parts.pop(r.randrange(len(parts)))
        parts.append(merge(a, b))
    assert same(parts[0], whole)


def test_threads_equal_serial(tmp_path: Path) -> None:
    """Findings of one thread and of four are byte-identical."""
    import pyarrow.parquet as pq

    pq.write_table(table(20_000), tmp_path / "t.parquet")
    one = scan([str(tmp_path)], engine="serial").canonical()
    assert scan([str(tmp_path)], engine="threads", workers=4).canonical() == one


def test_sketch_estimates_within_five_percent() -> None:
    """The distinct sketch of 100,000 values is within 5 %, and exact below its size."""
    big = pa.record_batch({"v": pa.array([str(i) for i in range(100_000)])})
    assert abs(distinct(kernel(big, RULES)["v"].cells) - 100_000) < 5_000
    small = pa.record_batch({"v": pa.array([str(i % 700) for i in range(5_000)])})
    assert distinct(kernel(small, RULES)["v"].cells) == 700


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary(), pa.string()])
def test_arrow_types_of_text_are_alike(kind: pa.DataType) -> None:
    """Large strings, dictionaries and bytes are scanned as strings are."""
    plain = pa.array(["13812345678", None, "x"])
    other = plain.cast(pa.binary()) if pa.types.is_binary(kind) else plain.cast(kind)
    assert same(kernel(pa.record_batch({"a": other}), RULES), kernel(pa.record_batch({"a": plain}), RULES))


def test_numbers_are_read_by_their_digits() -> None:
    """A phone kept as an integer is a phone; a decimal is none."""
    part = run([pa.record_batch({"a": pa.array([13812345678, 5]), "f": pa.array([0.13812345678, 1.5])})], RULES, engine="serial")
    from workbench.classification.slots import ANY, NUMBER

    assert part["a"].counts[NUMBER["cn_mobile"]][ANY] == 1
    assert part["f"].counts[NUMBER["cn_mobile"]][ANY] == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(-(10**12), 10**12), st.sampled_from([0, 9_999, 10_000, 9_999_999, 10**7, 13812345678]))))
def test_integers_count_as_their_text_does(values: list[int | None]) -> None:
    """The quick way over integers finds in every slot what the walk over their decimal text finds."""
    numbers = kernel(pa.record_batch({"n": pa.array(values, pa.int64())}), RULES)["n"]
    texts = kernel(pa.record_batch({"n": pa.array([None if v is None else str(v) for v in values], pa.string())}), RULES)["n"]
    assert (numbers.counts[:, 2:8] == texts.counts[:, 2:8]).all()
    assert list(numbers.stats[:2]) == list(texts.stats[:2])
    assert distinct(numbers.cells) == distinct(texts.cells)


def test_failed_checks_count_each_time_however_batches_are_cut() -> None:
    """Repeated cells without a match take a short way, but not those whose check failed: the rate is held against chance."""
    cells = ["1234567890123456"] * 4 + ["110101199001010000"] * 4 + ["A1234560", "x 12345678901234567 y"] * 3
    whole = kernel(pa.record_batch([pa.array(cells)], ["a"]), RULES)["a"].counts
    parts: Partial = {}
    for cell in cells:
        parts = merge(parts, kernel(pa.record_batch([pa.array([cell])], ["a"]), RULES))
    assert (whole == parts["a"].counts).all()
    assert whole[NUMBER["bank_card"]][SHAPE] == 11
