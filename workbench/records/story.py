"""STORY: what a bundle (or a case folder) tells when it is read again: who did what to which category, when, on what proof.

    story = read(Path("bundle"))
    story.lines[0].category, story.lines[0].erased

Reads the ledger and the signed values behind it and nothing else: no source, no key, no program of that time.
Every value is compared with the digest that the ledger gives; ``workbench verify`` does the rest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from workbench.case.config import CaseConfig, load_config
from workbench.case.steps import STEPS
from workbench.classification.model import Findings
from workbench.erasure.model import Certificates, Erasure
from workbench.errors import CaseError, VerificationError
from workbench.ledger import Entry, Ledger, anchor
from workbench.plan.model import Plan
from workbench.records.retention import records_until
from workbench.values import Value

V = TypeVar("V", bound=Value)


@dataclass(frozen=True)
class Line:
    """One category of personal information from first to last. Rows that hold several categories count in each."""

    category: str
    columns: tuple[str, ...]
    """source.table.column"""
    sensitive: bool
    actions: tuple[str, ...]
    erased: int
    cleared: int
    sealed: int
    until: str
    """latest date to which sealed rows are kept"""
    certificates: int
    verdicts: tuple[str, ...]


@dataclass(frozen=True)
class Event:
    """One thing that somebody did."""

    seq: int
    at: str
    kind: str
    """step, approval, key, witness, ... as in the ledger"""
    what: str
    """step id, decision, owner"""
    who: str
    """name of the person, or their id when case.toml no longer names them"""
    where: str
    result: str
    counts: dict[str, Any]
    record: str
    """file name of the record without language and suffix, or nothing"""


@dataclass(frozen=True)
class Asked:
    """A customer's request and what was proven for it; nothing in it tells whose it is."""

    id: str
    sort: str
    received: str
    state: str
    receipt_sha256: str
    rows_then: int
    proof: dict[str, Any]
    """the newest deletion proof, or nothing"""


@dataclass(frozen=True)
class Story:
    """Everything the viewer shows."""

    config: CaseConfig
    origin: str
    root: str
    entries: int
    first: str
    last: str
    lines: tuple[Line, ...]
    steps: dict[str, tuple[int, str]]
    """step -> (entry, time) of its newest outcome"""
    events: tuple[Event, ...]
    asked: tuple[Asked, ...]
    outside: tuple[anchor.Anchor, ...]
    until: dt.date
    """the day on which the records themselves have served"""

    def proof(self, code: str) -> Asked | None:
        """The request whose receipt's secret code this is."""
        digest = hashlib.sha256(code.strip().encode()).hexdigest()
        return next((a for a in self.asked if hmac.compare_digest(a.receipt_sha256, digest)), None)


class Reader:
    """The newest values of a bundle or case folder, by its ledger."""

    def __init__(self, folder: Path) -> None:
        folder = folder.expanduser().resolve()
        self.base = folder / "data" if (folder / "data" / "ledger").is_dir() else folder
        if not (self.base / "ledger" / "entries.jsonl").is_file():
            raise CaseError("there is no bundle or case", "name the folder", where=str(folder))
        self.ledger = Ledger.open(self.base / "ledger")
        self.config = load_config(self.base / "case.toml")

    def digests(self, kind: str) -> list[str]:
        """Digests of the values of a kind, oldest first; of steps, only those that ended well count."""
        return [d for e in self.ledger.entries if e.type == "value/v1" or e.predicate.get("result") == "done"
                for name, d in sorted(e.subjects.items(), key=lambda i: (len(i[0]), i[0])) if name.partition("#")[0] == kind]

    def bytes(self, digest: str) -> bytes:
        """A value's bytes; VerificationError when they are not the ones that were signed for."""
        path = self.base / "values" / f"{digest}.json"
        try:
            data = path.read_bytes()
        except OSError:
            raise VerificationError("a value is missing", "workbench verify FOLDER", where=path.name) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise VerificationError("a value was changed", "workbench verify FOLDER", where=path.name)
        return data

    def newest(self, kind: type[V]) -> V | None:
        """The newest value of a kind."""
        found = self.digests(kind.kind)
        return kind.from_bytes(self.bytes(found[-1])) if found else None

    def plain(self, kind: str) -> Iterator[dict[str, Any]]:
        """Values of a kind that another room owns, as plain JSON."""
        return (json.loads(self.bytes(d)) for d in self.digests(kind))


def read(folder: Path) -> Story:
    """The story of a bundle or case folder.

    Raises:
        CaseError: it is neither. VerificationError: a value is missing or changed. LedgerError: the ledger does not hold together.
    """
    r = Reader(folder)
    ledger, entries = r.ledger, r.ledger.entries
    times = [str(e.predicate["at"]) for e in entries if "at" in e.predicate]
    erasure = next((e for d in reversed(r.digests(Erasure.kind)) if not (e := Erasure.from_bytes(r.bytes(d))).dry_run), None)
    return Story(
        config=r.config, origin=ledger.origin, root=ledger.root_hex, entries=len(entries),
        first=times[0] if times else "", last=times[-1] if times else "", lines=tuple(_lines(r, erasure)), steps=_steps(r),
        events=tuple(_events(r)), asked=tuple(_asked(r)), outside=tuple(anchor.anchors(ledger)),
        until=records_until(r.config, entries))


def _steps(r: Reader) -> dict[str, tuple[int, str]]:
    return {str(e.predicate["step"]): (e.seq, str(e.predicate["at"])) for e in r.ledger.of_type("step/v1")
            if e.predicate.get("result") == "done"}


def _lines(r: Reader, erasure: Erasure | None) -> Iterator[Line]:
    findings, plan = r.newest(Findings), r.newest(Plan)
    if findings is None:
        return
    results = {d.disposal: d for d in erasure.disposals} if erasure else {}
    held = Certificates.from_bytes(r.bytes(erasure.certificates)).certificates if erasure and erasure.certificates else ()
    for category in sorted({str(f.category) for f in findings.findings if f.detector}):
        mine = [f for f in findings.findings if f.detector and str(f.category) == category]
        lines = [d for d in plan.disposals if category in d.categories] if plan else []
        done = [results[d.id] for d in lines if d.id in results]
        ids = {d.id for d in lines}
        yield Line(
            category=category, columns=tuple(sorted({f"{f.source}.{f.table}.{f.column}" for f in mine})),
            sensitive=any(f.sensitive for f in mine), actions=tuple(sorted({d.action for d in lines})),
            erased=sum(d.deleted for d in done), cleared=sum(d.suppressed for d in done), sealed=sum(d.archived for d in done),
            until=max((d.keep_until.isoformat() for d in lines if d.keep_until and (x := results.get(d.id)) and x.archived),
                      default=""),
            certificates=sum(c.disposal in ids for c in held), verdicts=tuple(sorted({d.verdict for d in done})))


def _events(r: Reader) -> Iterator[Event]:
    names = {p.id: p.name for p in r.config.people}
    notebooks = {s.id: s.notebook.removesuffix(".ipynb") for s in STEPS}
    for e in r.ledger.entries:
        p = e.predicate
        if e.type == "step/v1" and p["phase"] == "intent":
            continue
        who = str(p.get("witness" if e.type == "witness/v1" else "person", p.get("owner", "")))
        yield Event(seq=e.seq, at=str(p.get("at", "")), kind=e.type.partition("/")[0], what=_what(e), who=names.get(who, who),
                    where=str(p.get("place", "")), result=str(p.get("result", p.get("decision", ""))),
                    counts=dict(p.get("counts", {})), record=notebooks.get(str(p.get("step", "")), "")
                    if e.type in ("step/v1", "record/v1") else "")


def _what(e: Entry) -> str:
    p = e.predicate
    if e.type == "approval/v1":
        return str(p["decision"])
    if e.type == "witness/v1":
        return str(p["size"])
    if e.type == "value/v1":
        return ", ".join(sorted(e.subjects))
    if e.type == "reveal/v1":
        return str(p["column"])
    return str(p.get("step", p.get("to", p.get("owner", p.get("verdict", "")))))


def _asked(r: Reader) -> Iterator[Asked]:
    newest = {v["id"]: v for v in r.plain("request")}
    proofs = {v["id"]: v for v in r.plain("deletion-proof")}
    for id_, v in sorted(newest.items()):
        yield Asked(id=id_, sort=v["sort"], received=v["received_at"], state=v["state"], receipt_sha256=v["receipt_sha256"],
                    rows_then=sum(int(h["rows"]) for h in v["hits"]), proof=proofs.get(id_, {}))
