"""PORTFOLIO: many cases at once for whoever is responsible for them: where each stands, what is due, what is red.

Reads case.toml and ledger of each folder, and the newest register values; no source is opened, nothing is written.
"""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbench.errors import ParameterError, WorkbenchError
from workbench.values import Value


class CaseLine(Value):
    """One case in the portfolio."""

    folder: str
    id: str
    company: str
    step: str
    """the last step done"""
    done: int
    """steps of the flow that are done"""
    next_date: str = ""
    """the next date of case.toml that lies ahead"""
    next_what: str = ""
    incidents: int = 0
    findings: int = 0
    severe: int = 0
    requests: int = 0
    red: tuple[str, ...] = ()


class Portfolio(Value):
    """All of them, red ones first."""

    at: str
    cases: tuple[CaseLine, ...]

    @property
    def red(self) -> int:
        """Cases with something red."""
        return sum(bool(c.red) for c in self.cases)


def portfolio(folders: Iterable[Path], *, today: dt.date | None = None) -> Portfolio:
    """Lines for every case folder in ``folders`` (or below a folder that is no case itself).

    The ledger's checkpoint and chain are not verified here (``workbench verify`` does that); a ledger whose number of
    entries is not the checkpoint's shows red.

    Raises:
        ParameterError: no case among them.
    """
    found: list[Path] = []
    for folder in folders:
        found += [folder] if (folder / "case.toml").is_file() else sorted(p.parent for p in folder.glob("*/case.toml"))
    if not found:
        raise ParameterError("there is no case folder among these", "name folders that hold a case.toml")
    day = today or dt.datetime.now(dt.UTC).date()
    lines = sorted((_line(f, day) for f in found), key=lambda c: (not c.red, c.next_date or "9", c.id))
    return Portfolio(at=dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), cases=tuple(lines))


def _line(folder: Path, today: dt.date) -> CaseLine:
    try:
        config = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
        case = config["case"]
        dates = {k: v for k, v in config.get("dates", {}).items() if k != "as_of" and isinstance(v, dt.date)}
        entries = _entries(folder)
        return _stand(folder, case, dates, entries, today)
    except (OSError, ValueError, KeyError, TypeError, WorkbenchError) as e:
        return CaseLine(folder=folder.name, id=folder.name, company="", step="", done=0,
                        red=(f"cannot be read ({type(e).__name__})",))


def _stand(folder: Path, case: dict[str, Any], dates: dict[str, dt.date], entries: list[dict[str, Any]],
           today: dt.date) -> CaseLine:
    from workbench.case.steps import STEPS

    order = [s.id for s in STEPS]
    state: dict[str, str] = {}
    begun: set[int] = set()
    values: dict[str, dict[str, str]] = {}
    for e in entries:
        p = e["predicate"]
        if e["type"] == "step/v1" and p["phase"] == "intent":
            begun.add(p["seq"])
            begun.difference_update(p.get("resumes", []))
        elif e["type"] == "step/v1":
            begun.discard(p["intent"])
            state[p["step"]] = p["result"]
        if e["type"] in ("value/v1", "step/v1"):
            for kind, digest in e["subjects"].items():
                values.setdefault(kind.partition("#")[0], {})[digest] = ""
    red = [f"{s} failed" for s in order if state.get(s) == "failed"]
    red += ["a step was interrupted"] if begun else []
    size = folder / "ledger" / "checkpoint"
    if size.is_file() and int(size.read_text(encoding="utf-8").splitlines()[1]) != len(entries):
        red.append("ledger and checkpoint differ")
    incidents = [i for i in _newest(folder, values.get("incident", {})) if i["state"] == "open" and i["origin"] != "drill"]
    incidents += [json.loads(p.read_bytes()) for p in sorted((folder / "incidents").glob("I-*.json"))]
    findings = [f for f in _newest(folder, values.get("finding", {})) if f["state"] == "open"]
    requests = [r for r in _newest(folder, values.get("request", {})) if r["state"] in ("open", "found")]
    severe = sum(f["severity"] == "severe" for f in findings)
    red += ([f"{len(incidents)} incidents"] if incidents else []) + ([f"{severe} severe findings"] if severe else [])
    late = [r for r in requests if any(d["due"] and d["due"] < today.isoformat() for d in r["deadlines"])]
    red += [f"{len(late)} requests overdue"] if late else []
    done = [s for s in order if state.get(s) == "done"]
    ahead = sorted((v, k) for k, v in dates.items() if v >= today)
    if "erase" not in done and dates.get("deregistration", today) < today:
        red.append("deregistered and not erased")
    return CaseLine(folder=folder.name, id=case["id"], company=case["company"], step=done[-1] if done else "", done=len(done),
                    next_date=ahead[0][0].isoformat() if ahead else "", next_what=ahead[0][1] if ahead else "",
                    incidents=len(incidents), findings=len(findings), severe=severe, requests=len(requests), red=tuple(red))


def _entries(folder: Path) -> list[dict[str, Any]]:
    from workbench.ledger.statement import read

    path = folder / "ledger" / "entries.jsonl"
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    found = [read(line, n) for n, line in enumerate(lines)]
    return [{"type": e.type, "predicate": e.predicate, "subjects": e.subjects} for e in found]


def _newest(folder: Path, digests: dict[str, str]) -> list[dict[str, Any]]:
    newest: dict[str, dict[str, Any]] = {}
    for digest in digests:
        value = json.loads((folder / "values" / f"{digest}.json").read_bytes())
        newest[value["id"]] = value
    return list(newest.values())
