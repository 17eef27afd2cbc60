"""DRILLS: an incident rehearsed in a sandbox: made-up rows under the names of the case's own tables, its own ledger and keys.

The sandbox holds no source of the case and none of its data; it is made in the case's private ``drills/`` folder, damaged
there for real, watched by the same code, and removed. GB/T 35273 10.1: at least yearly.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import ParameterError
from workbench.governance.incidents import SORTS, drill
from workbench.governance.model import Incident, Sort
from workbench.governance.register import entries, moment, next_id
from workbench.values import Value

if TYPE_CHECKING:
    from workbench.case import Case

ROWS = 200


class Rehearsal(Value):
    """One drill: what was provoked, whether the program saw it, how long that took, and which incident people work on."""

    id: str
    case_id: str
    at: str
    sort: Sort
    tables: tuple[str, ...]
    """whose names the scenario borrowed"""
    seen: bool
    opened_as: str
    """sort and origin of the incident that opened in the sandbox"""
    milliseconds: int
    """from the damage to the open incident"""
    incident: str
    """the drill's own entry, whose steps people tick against the clock"""
    person: str


def rehearse(case: Case, sort: Sort, person: str) -> tuple[Rehearsal, Incident]:
    """Provoke an incident of that sort in a sandbox, see whether it opens, and begin the people's part of the drill.

    Raises:
        ParameterError: there is no such sort.
    """
    from workbench.case import Case
    from workbench.governance.watch import watch_folder

    if sort not in SORTS:
        raise ParameterError(f"there is no sort of incident {sort!r}", "use one of: " + ", ".join(SORTS))
    who = case.config.person(person).id
    id_ = next_id(case, Rehearsal, "D")
    folder = case.private("drills") / id_
    shutil.rmtree(folder, ignore_errors=True)  # a drill that was killed
    tables = _tables(case)
    try:
        _build(case, folder, tables)
        sandbox = Case.open(folder)
        _prepare(sandbox)
        _PROVOKE[sort](sandbox)
        begun = time.monotonic()
        found = watch_folder(folder)
        took = int((time.monotonic() - begun) * 1000)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    mine = [i for i in found if i.sort == sort]
    item = drill(case, sort, who)
    value = Rehearsal(id=id_, case_id=case.id, at=case.now(), sort=sort, tables=tables, seen=bool(mine),
                      opened_as=", ".join(f"{i.sort} {i.origin}" for i in found), milliseconds=took, incident=item.id, person=who)
    case.save(value, who)
    return value, item


def due(case: Case) -> bool:
    """Whether the last drill is more than a year ago, or there was none."""
    last = max((r.at for r in entries(case, Rehearsal)), default="")
    return not last or moment(case.now()) - moment(last) > dt.timedelta(days=365)


def _tables(case: Case) -> tuple[str, ...]:
    from workbench.inventory import Inventory

    inventory = case.find(Inventory)
    largest = sorted(inventory.tables, key=lambda t: -t.rows)[:3] if inventory else []
    return tuple(t.name for t in largest) or ("customers",)


def _build(case: Case, folder: Path, tables: tuple[str, ...]) -> None:
    """A case.toml with the same people and a database of made-up rows."""
    folder.mkdir(mode=0o700)
    db = sqlite3.connect(folder / "made-up.sqlite")
    for name in tables:
        db.execute(f'CREATE TABLE "{name.replace(chr(34), "")}" (id INTEGER PRIMARY KEY, made_up TEXT)')
        db.executemany(f'INSERT INTO "{name.replace(chr(34), "")}" VALUES (?, ?)', [(n, f"row {n}") for n in range(ROWS)])  # noqa: S608
    db.commit()
    db.close()
    say: Callable[[object], str] = json.dumps  # a JSON string or list of strings is also TOML
    c = case.config.case
    lines = ["[case]", 'id = "drill"', f"company = {say(c.company)}", f"place = {say(c.place)}",
             f"jurisdictions = {say(list(c.jurisdictions))}"]
    for p in case.config.people:
        lines += ["[[people]]", f"id = {say(p.id)}", f"name = {say(p.name)}", f"roles = {say(list(p.roles))}"]
    lines += ["[[sources]]", 'name = "drill"', 'url = "sqlite:///made-up.sqlite"']
    (folder / "case.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _prepare(sandbox: Case) -> None:
    from workbench.freeze import freeze
    from workbench.governance.grants import note_grants

    sandbox.begin()
    freeze(sandbox)
    note_grants(sandbox, sandbox.config.with_role("approver")[0].id, "drill")


def _leak(sandbox: Case) -> None:
    from workbench.case.steps import step
    from workbench.records.gate import inspect
    from workbench.records.runner import quarantine

    page = sandbox.private("records") / "drill.html"
    page.write_text("tel 13800138000", encoding="utf-8")
    quarantine(sandbox, step("inventory"), [page], inspect([page]))


def _tamper(sandbox: Case) -> None:
    path = sandbox.folder / "ledger" / "entries.jsonl"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _misuse(sandbox: Case) -> None:
    path = sandbox.folder / "made-up.sqlite"
    path.chmod(path.stat().st_mode | 0o004)


def _error(sandbox: Case) -> None:
    db = sqlite3.connect(sandbox.folder / "made-up.sqlite")
    (name,) = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchone()
    db.execute(f'DELETE FROM "{name}" WHERE id < 5')  # noqa: S608 - made-up rows in a table of our own
    db.commit()
    db.close()


_PROVOKE: dict[Sort, Callable[[Case], None]] = {"leak": _leak, "tamper": _tamper, "misuse": _misuse, "error": _error}
