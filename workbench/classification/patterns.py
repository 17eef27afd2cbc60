"""PATTERNS: detectors written as a pattern and, if need be, a named check: users' own ones and national numbers.

The pattern runs in RE2 (through Arrow): linear time whatever a user writes. Only what it finds goes to the check. A pattern
that needs words around the value marks the value itself: ``(?P<v>...)``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.classification import reference
from workbench.classification.slots import ANY, CHECKED, COUNTERS, MATCHES, SHAPE, STRONG, WHOLE_ANY, WHOLE_STRONG
from workbench.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.classification.rules import Detector

MATCHES_A_CELL = 20
_NAMED: dict[str, Callable[[str], bool]] = {
    "luhn": lambda t: reference.luhn("".join(c for c in t if c.isdigit())),
    "mod11-2": lambda t: reference.resident_id(t) == 2,
    "mod11-10": lambda t: reference.mod11_10("".join(c for c in t if c.isdigit())),
    "mod97-10": reference.iban,
    "uscc": lambda t: reference.uscc(t) == 2,
}


@cache
def check_of(name: str) -> Callable[[str], bool]:
    """A check by name: ``luhn``, ``mod11-2``, ``mod11-10``, ``mod97-10``, ``uscc``, ``hkid``, ``tw_id``, or ``stdnum:fr.nir``.

    Raises: ParameterError for a name that is none.
    """
    if not name:
        return lambda _: True
    if name.startswith("stdnum:"):
        return _stdnum(name.removeprefix("stdnum:"))
    if name in _NAMED:
        return _NAMED[name]
    if name in ("hkid", "tw_id", "cn_org_code", "jp_my_number", "us_ssn", "packed_ipv4", "digits_4"):
        from workbench.classification import national

        found: Callable[[str], bool] = getattr(national, name)
        return found
    raise ParameterError(f"there is no check named {name!r}", "use one of: " + ", ".join(sorted(_NAMED)) + ", stdnum:...")


def _stdnum(path: str) -> Callable[[str], bool]:
    if not re.fullmatch(r"[a-z_]{2,5}(\.[a-z_]+)?", path):
        raise ParameterError(f"{path!r} is not a module of python-stdnum", "write it like stdnum:fr.nir")
    try:
        module = import_module(f"stdnum.{path}")
    except ImportError:
        raise ParameterError(f"python-stdnum has no module {path}", "look it up in its documentation") from None

    def valid(text: str) -> bool:
        try:
            return bool(module.is_valid(text))
        except Exception:  # some modules raise KeyError and the like on odd input
            return False

    return valid


def scan_patterns(
    text: Any, detectors: Sequence[Detector], key: tuple[int, int]
) -> Iterator[tuple[str, NDArray[np.int64], NDArray[np.uint64]]]:
    """(detector's id, counters, hashes of matched values) of each pattern that matches somewhere in a column of strings.

    All of them are looked for in one pass first: most columns hold none.
    """
    if not detectors:
        return
    cells = _strings(text)
    either = "|".join(f"(?:{d.pattern.replace('(?P<v>', '(?:')})" for d in detectors)
    if not pc.any(pc.match_substring_regex(cells, either)).as_py():
        return
    for d in detectors:
        counts, found = scan_pattern(cells, d, key)
        if counts.any():
            yield d.id, counts, found


def scan_pattern(text: Any, detector: Detector, key: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """(counters, hashes of matched values) of one pattern over one column of strings."""
    from workbench.sources.keyed import siphash_reference

    counts = np.zeros(COUNTERS, np.int64)
    hashes: list[int] = []
    if detector.pattern[0] == "^" and detector.pattern[-1] == "$" and not detector.check and "(?P<v>" not in detector.pattern:
        return _whole_cells(_strings(text), detector.pattern, key)
    pattern = detector.pattern if "(?P<v>" in detector.pattern else f"(?P<v>{detector.pattern})"
    cells = _strings(text)
    rows = pc.indices_nonzero(pc.fill_null(pc.match_substring_regex(cells, pattern), False))
    left = cells.take(rows)
    check = check_of(detector.check)
    seen: dict[int, int] = {}
    for turn in range(MATCHES_A_CELL):
        if not len(left):
            break
        found = pc.struct_field(pc.extract_regex(left, pattern), "v")
        keep = []
        for i, (value, cell) in enumerate(zip(found.to_pylist(), left.to_pylist(), strict=True)):
            if not value:
                continue
            keep.append(i)
            row = rows[i].as_py()
            counts[SHAPE] += 1
            good = check(value)
            if good:
                counts[CHECKED] += 1
                counts[MATCHES] += 1
                whole = turn == 0 and value == cell.strip()
                seen[row] = seen.get(row, 0) | (1 if not whole else 3)
                hashes.append(siphash_reference("".join(value.split()).lower().encode(), key))
        left = pc.replace_substring_regex(left.take(keep), pattern, "\u0001", max_replacements=1)
        rows = rows.take(pa.array(keep, pa.int64()))
        again = pc.indices_nonzero(pc.match_substring_regex(left, pattern))
        left, rows = left.take(again), rows.take(again)
    counts[ANY] = counts[STRONG] = len(seen)
    counts[WHOLE_ANY] = counts[WHOLE_STRONG] = sum(f & 2 > 0 for f in seen.values())
    return counts, np.array(hashes, np.uint64)


def _whole_cells(cells: Any, pattern: str, key: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """A pattern over whole cells without a check: nothing to do cell by cell."""
    from workbench.sources.keyed import hash_cells

    counts = np.zeros(COUNTERS, np.int64)
    found = cells.filter(pc.fill_null(pc.match_substring_regex(cells, pattern), False))
    for counter in (SHAPE, CHECKED, MATCHES, ANY, STRONG, WHOLE_ANY, WHOLE_STRONG):
        counts[counter] = len(found)
    return counts, hash_cells(found, key)


def _strings(text: Any) -> Any:
    if pa.types.is_binary(text.type) or pa.types.is_large_binary(text.type):
        return pa.array([None if v is None else v.decode("utf-8", "replace") for v in text.to_pylist()], pa.large_string())
    return text
