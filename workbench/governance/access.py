"""ACCESS: purpose, quota and second pair of eyes for whatever shows or takes out people's data; all of it in the ledger.

PIPL 51(4) (access rights), Minors Regulation 36 (approval and log of staff access); numbers in ``data/access.yaml``.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import ParameterError
from workbench.governance.register import moment, sign
from workbench.governance.texts import load

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.sources.base import Source

What = Literal["lookup", "export"]
SECONDS = ("approver", "supervisor", "counsel")
"""roles that may be the second person"""


def permit(case: Case, what: What, person: str, purpose: str, rows: int = 0, second: str = "") -> str:
    """Say whether ``person`` may do that now; returns the person's id. Nothing is noted yet (:func:`note`).

    Raises:
        ParameterError: no or an unknown purpose, the day's quota is used up, or many rows without a second person.
    """
    table = load("access")
    who = case.config.person(person).id
    known = {**table["purposes"], **load("requests")["sorts"], **table["list_grounds"]}
    if purpose not in known:
        raise ParameterError(f"{what} needs a purpose" if not purpose else f"there is no purpose {purpose!r}",
                             "use one of: " + ", ".join(sorted(known)))
    used = today(case, what, who)
    if used >= table["quotas"][what]:
        raise ParameterError(f"{who} has used the day's quota of {used} ({what})",
                             "go on tomorrow, or have another person do it; the number stands in data/access.yaml")
    if what == "export" and rows > table["alone"]:
        _second(case, who, second, f"more than {table['alone']:,} rows")
    return who


def note(case: Case, what: What, person: str, purpose: str, rows: int, subjects: dict[str, str] | None = None, **more: str) -> None:
    """The entry that says who took what for which purpose, signed by that person."""
    sign(case, f"{what}/v1", subjects or {}, {"person": person, "at": case.now(), "purpose": purpose, "rows": rows, **more}, person)


def today(case: Case, what: What, person: str) -> int:
    """How often ``person`` did that in the last 24 hours."""
    case.ledger.refresh()
    since = moment(case.now()) - dt.timedelta(days=1)
    return sum(e.predicate["person"] == person and moment(e.predicate["at"]) > since for e in case.ledger.of_type(f"{what}/v1"))


def export_list(case: Case, table: str, person: str, *, ground: str, second: str, reference: str = "") -> Path:
    """Write a whole table (CSV, 0600) into the private ``answers/`` folder, on a ground of ``data/access.yaml`` only.
    Both signatures are in the ledger before the file is begun.

    table: ``source.table``; reference: SHA-256 of the order or of the proof of consent. Two people sign.

    Raises:
        ParameterError: no ground, a ground that does not hold here, no second person, or no such table.
    """
    grounds = load("access")["list_grounds"]
    if ground not in grounds:
        raise ParameterError("a list of customers is not exported without a ground", "one of: " + ", ".join(grounds))
    who = permit(case, "export", person, ground)
    source, _, name = table.partition(".")
    if ground == "hand_over":
        _planned(case, source, name)
    elif not re.fullmatch(r"[0-9a-f]{64}", reference):
        raise ParameterError(f"the ground {ground} needs the SHA-256 of its document", "sha256sum FILE")
    other = _second(case, who, second, "a list of customers")
    path = case.private("answers") / f"list-{re.sub(r'[^0-9A-Za-z]+', '-', table)}.csv"
    with _opened(case, source, name) as (opened, rows):
        sign(case, "consent/v1", {}, {"person": other, "at": case.now(), "ground": ground, "table": table}, other)
        note(case, "export", who, ground, rows, {"reference": reference} if reference else None, table=table, second=other)
        _write(opened, name, path)
    return path


def _planned(case: Case, source: str, name: str) -> None:
    from workbench.plan.model import Plan

    plan = case.find(Plan)
    lines = [d for d in plan.disposals if (d.set.source, d.set.table) == (source, name)] if plan else []
    if not any(d.action == "hand_over" and d.receiver for d in lines):
        raise ParameterError(f"no line of the plan hands {source}.{name} over to a receiver", "a list leaves only where law says so")


def _second(case: Case, who: str, second: str, why: str) -> str:
    able = [p.id for p in case.config.people if set(SECONDS) & set(p.roles) and p.id != who]
    if second not in able:
        raise ParameterError(f"{why} needs a second person", "--second, one of: " + (", ".join(able) or "nobody in case.toml yet"))
    return second


@contextmanager
def _opened(case: Case, source: str, name: str) -> Iterator[tuple[Source, int]]:
    """The source and the table's number of rows; ParameterError when there is no such place."""
    from workbench.sources import open_source

    spec = next((s for s in case.config.sources if s.name == source), None)
    if spec is None:
        raise ParameterError(f"there is no source {source!r}", "write source.table")
    with open_source(spec, case.folder) as opened:
        known = next((t for t in opened.tables() if t.name == name), None)
        if known is None:
            raise ParameterError(f"source {source} has no table {name!r}", "see the inventory")
        yield opened, known.rows


def _write(opened: Source, name: str, path: Path) -> None:
    from pyarrow import csv

    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "wb") as f:
        out: Any = None
        for batch in opened.batches(name):
            out = out or csv.CSVWriter(f, batch.schema)
            out.write_batch(batch)
        if out is not None:
            out.close()
