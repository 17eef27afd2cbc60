"""k, l, t from DuckDB equal a slow reading row by row, nulls included."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import ParameterError
from workbench.risk.anonymity import Anonymity, connect, contributions, measure

value = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))
rows = st.lists(st.tuples(value, value, value, value), min_size=1, max_size=40)


def slow(data: list[tuple[Any, ...]], qi: int) -> dict[str, Any]:
    """The definitions, one row at a time; a null is a value of its own."""
    classes: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for r in data:
        classes[r[:qi]].append(r[-1])
    whole = Counter(r[-1] for r in data)
    sizes = [len(c) for c in classes.values()]
    entropies, distances = [], []
    for c in classes.values():
        counts = Counter(c)
        entropies.append(-sum(n / len(c) * math.log(n / len(c)) for n in counts.values()))
        distances.append(0.5 * sum(abs(counts[s] / len(c) - n / len(data)) for s, n in whole.items()))
    return {"k": min(sizes), "classes": len(classes), "uniques": sizes.count(1), "small": sum(n for n in sizes if n < 5),
            "l": min(len(set(c)) for c in classes.values()), "entropy": math.exp(min(entropies)), "t": max(distances)}


@settings(max_examples=60, deadline=None)
@given(rows)
def test_duckdb_equals_the_slow_reference(data: list[tuple[Any, ...]]) -> None:
    """Random tables with nulls: every measure agrees."""
    with connect() as con:
        con.register("r", pa.table({n: pa.array([x[i] for x in data], pa.string()) for i, n in enumerate(("q", "w", "e", "s"))}))
        got = measure(con, "r", ("q", "w", "e"), "s")
        plain = measure(con, "r", ("q", "w", "e"))
    want = slow(data, 3)
    assert (got.k, got.classes, got.uniques, got.small_rows, got.distinct_l) == (
        want["k"], want["classes"], want["uniques"], want["small"], want["l"])
    assert got.entropy_l == pytest.approx(want["entropy"], abs=1e-9)
    assert got.t == pytest.approx(want["t"], abs=1e-9)
    assert (plain.k, plain.classes, plain.uniques, plain.small_rows) == (got.k, got.classes, got.uniques, got.small_rows)


def test_entropy_just_below_a_whole_number_is_not_cut_off() -> None:
    """Two equally frequent values are entropy-l 2, even when the logarithm gives 1.9999999."""
    a = Anonymity(rows=2, columns=("q",), classes=1, k=2, uniques=0, small_rows=2, mean_risk=0.5, entropy_l=1.9999999999)
    assert a.entropy_level == 2


def test_a_column_s_contribution_is_the_uniques_it_makes() -> None:
    """A number per row makes everyone unique; a constant adds nothing."""
    with connect() as con:
        con.register("r", pa.table({"n": list(range(20)), "same": [1] * 20, "half": [0, 1] * 10}))
        assert contributions(con, "r", ["n", "same", "half"]) == {"n": 20, "half": 0, "same": 0}


def test_odd_column_names_are_only_names() -> None:
    """A quote in a column name is not SQL."""
    with connect() as con:
        con.register("r", pa.table({'a"; drop': ["x", "y"], "列": ["1", "1"]}))
        assert measure(con, "r", ['a"; drop', "列"]).uniques == 2


def test_the_sensitive_column_is_no_quasi_identifier() -> None:
    """Asking for both is an error."""
    with connect() as con, pytest.raises(ParameterError):
        measure(con, "r", ["s"], "s")
