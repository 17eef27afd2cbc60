"""The case folder: what is written where, by whom, and how a step is noted.

    case.toml      what a person wrote
    keys/          Ed25519 keys (0600) of people and of the log
    values/        every saved value under its SHA-256
    ledger/        the append-only log; it alone says which value is the newest of its kind
    vault/ ...     private folders of the rooms
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

import workbench
from workbench.case.config import CaseConfig, load_config
from workbench.case.evidence import Evidence, EvidenceSet
from workbench.case.steps import laws_of
from workbench.errors import CaseError, LedgerError, WorkbenchError
from workbench.i18n import mask
from workbench.ledger import Entry, Ledger, Signer, exclusive, write_durably
from workbench.ledger.keys import key_id, parse_public, passphrase
from workbench.values import Value, short

if TYPE_CHECKING:
    from collections.abc import Sequence


V = TypeVar("V", bound=Value)
MAKERS = {
    "freeze": "freeze", "inventory": "inventory", "findings": "classify", "risk-report": "assess",
    "sealed-backup": "protect", "plan": "plan", "erasure": "erase", "archive": "archive",
}
"""kind of value -> step that makes it, for error messages"""


class StepRun:
    """A step under way: what it used, made and counted. Made by :meth:`Case.step`."""

    def __init__(self, case: Case, name: str, person: str, seq: int) -> None:
        self.case, self.name, self.person, self.seq = case, name, person, seq
        self.products: dict[str, str] = {}
        self.materials: dict[str, str] = {}
        self.counts: dict[str, int | str | bool] = {}
        self.laws: list[str] = []

    def add(self, kind: str, digest: str) -> None:
        """Remember a product; further ones of the same kind are named ``kind#2``, ``kind#3``, ..."""
        if digest in (d for name, d in self.products.items() if name.partition("#")[0] == kind):
            return
        taken = sum(name.partition("#")[0] == kind for name in self.products)
        self.products[kind if not taken else f"{kind}#{taken + 1}"] = digest

    def note(self, **counts: int | str | bool) -> None:
        """Add counts or short words to the outcome entry. Never a data value."""
        self.counts.update(counts)

    def basis(self, *rule_ids: str) -> None:
        """Name rules that this step followed; they go into the outcome entry."""
        self.laws.extend(r for r in rule_ids if r not in self.laws)


class Case:
    """One closing company's case folder, opened."""

    def __init__(self, folder: Path, config: CaseConfig) -> None:
        self.folder, self.config = folder, config
        self.ledger = Ledger.open(folder / "ledger")
        self._run: StepRun | None = None
        self._signers: dict[str, Signer] = {}

    def __repr__(self) -> str:
        return f"Case({self.config.case.id!r}, {len(self.ledger)} ledger entries)"

    @classmethod
    def open(cls, folder: str | Path) -> Case:
        """Open ``folder``; see :func:`workbench.open_case`."""
        os.umask(0o077)  # everything a case writes is its owner's alone
        path = Path(folder).expanduser().resolve()
        if str(folder) == ".":  # a notebook stands in the case's notebooks/ folder
            path = next((p for p in (path, *path.parents[:2]) if (p / "case.toml").exists()), path)
        return cls(path, load_config(path / "case.toml"))

    # -- small facts -------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The case's short id."""
        return self.config.case.id

    @property
    def lang(self) -> str:
        """Language of records: zh or en; the runner may choose with WORKBENCH_LANG."""
        chosen = os.environ.get("WORKBENCH_LANG", "")
        return chosen if chosen in ("zh", "en") else self.config.case.language

    def today(self) -> dt.date:
        """The day the case is worked on: ``dates.as_of``, else today in the case's time zone."""
        return self.config.dates.as_of or dt.datetime.now(ZoneInfo(self.config.case.timezone)).date()

    @staticmethod
    def now() -> str:
        """UTC now, ISO 8601 to the second."""
        return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def resolve(self, text: str) -> Path:
        """A path of case.toml: absolute, or relative to the case folder."""
        path = Path(text).expanduser()
        return path if path.is_absolute() else self.folder / path

    def private(self, *parts: str) -> Path:
        """A folder of mode 0700 inside the case, made when missing."""
        path = self.folder
        for part in parts:
            path = path / part
            path.mkdir(mode=0o700, exist_ok=True)
        return path

    def settings(self, step: str) -> dict[str, Any]:
        """``[settings.STEP]`` of case.toml, or nothing."""
        return dict(self.config.settings.get(step, {}))

    # -- people's keys -----------------------------------------------------------------------------------------

    def signer(self, person: str) -> Signer:
        """The signing key of a person (or of ``log``): ``<ID>.key`` in ``keys/``, or in the folder WORKBENCH_KEY_FOLDER (a stick).

        A passphrase comes from the environment variable ``WORKBENCH_KEY_<ID>``. Raises LedgerError, also when a change of
        this key was cut short.
        """
        if person != "log":
            self.config.person(person)
        if person not in self._signers:
            path = self.folder / "keys" / f"{person}.key"
            if path.with_name(f"{person}.next.key").exists():
                raise LedgerError(f"the change of {person}'s key was cut short", f"workbench key rotate {self.folder} --as {person}")
            if not path.exists() and (stick := os.environ.get("WORKBENCH_KEY_FOLDER")):
                path = Path(stick) / f"{person}.key"
            self._signers[person] = Signer.load(person, path, passphrase(person))
        return self._signers[person]

    def has_key(self, person: str) -> bool:
        """Whether a person has a key: here, brought along as ``<ID>.pub``, or on the stick."""
        names = (f"{person}.key", f"{person}.pub")
        stick = os.environ.get("WORKBENCH_KEY_FOLDER")
        return any((self.folder / "keys" / n).exists() or bool(stick and (Path(stick) / n).exists()) for n in names)

    def operator(self) -> str:
        """Person who runs steps: ``WORKBENCH_PERSON`` or the first operator of case.toml."""
        chosen = os.environ.get("WORKBENCH_PERSON")
        if chosen:
            return self.config.person(chosen).id
        return self.config.with_role("operator")[0].id

    def begin(self) -> None:
        """Make what is missing: the log's and operators' keys, the ledger, registration of keys and roles. Idempotent.

        Approvers and supervisors get theirs when they first sign (:meth:`enrol`), or bring ``keys/<id>.pub`` along.
        """
        with self.lock():
            self._key("log")
            log = self.signer("log")
            if not self.ledger.entries:
                Ledger.create(self.folder / "ledger", self.id, log, {
                    "case": self.id, "company": self.config.case.company, "at": self.now(),
                    "software": f"winddown-workbench {workbench.__version__}",
                })
                self.ledger.refresh()
            for p in self.config.people:
                if "operator" in p.roles:
                    self._key(p.id)
                if (self.folder / "keys" / f"{p.id}.pub").exists() or (self.folder / "keys" / f"{p.id}.key").exists():
                    self._register(p.id, log)

    def enrol(self, person: str) -> None:
        """Make and register the key of a person who has none yet; with ``WORKBENCH_KEY_<ID>`` it gets that passphrase."""
        self.config.person(person)
        if not self.ledger.entries:
            self.begin()
        with self.lock():
            self._key(person)
            self._register(person, self.signer("log"))

    def _key(self, name: str) -> None:
        """Make the key of ``name`` unless there is one, or its public half was brought along."""
        keys = self.private("keys")
        if not (keys / f"{name}.key").exists() and not (keys / f"{name}.pub").exists():
            Signer.create(name, keys / f"{name}.key", passphrase(name))
        if not (keys / f"{name}.pub").exists():  # killed between the two files
            self.signer(name).publish(keys / f"{name}.pub")

    def _register(self, person: str, log: Signer) -> None:
        """Note a person's public key and roles in the ledger, once and whenever the roles change."""
        roles = list(self.config.person(person).roles)
        path = self.folder / "keys" / f"{person}.pub"
        if not path.exists():
            self.signer(person).publish(path)
        pem = path.read_text(encoding="ascii")
        kid = key_id(parse_public(pem))
        mine = [k for k, (owner, _) in self.ledger.keys.items() if owner == person and k not in self.ledger.revoked]
        if not mine:
            self.ledger.append("key/v1", {}, {"owner": person, "public": pem, "roles": roles, "at": self.now()}, log, log)
        elif kid not in mine:
            cut = path.with_name(f"{person}.next.key").exists()
            raise LedgerError(f"keys/{person}.pub is not the key the ledger knows for {person}",
                              f"workbench key rotate {self.folder} --as {person}" if cut else "put the registered key back")
        else:
            told = [e.predicate["roles"] for e in self.ledger.entries
                    if e.type in ("key/v1", "roles/v1") and e.predicate.get("owner") == person and "roles" in e.predicate]
            if told and told[-1] != roles:
                self.ledger.append("roles/v1", {}, {"owner": person, "roles": roles, "at": self.now()}, log, log)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One writer of keys at a time; waits."""
        with exclusive(self.folder / ".lock"):
            yield

    @contextmanager
    def running(self) -> Iterator[None]:
        """One run of steps at a time; CaseError at once when another is under way."""
        with exclusive(self.folder / ".running", busy=CaseError("another workbench is running in this case",
                                                                "wait for it to end, then run again")):
            yield

    # -- values ------------------------------------------------------------------------------------------------

    def save(self, value: Value, person: str = "") -> str:
        """Store ``value`` under its digest; inside a step it becomes a product, else it is noted at once.

        ``person``: who signs the note, when it is somebody else than the operator (their key is made when missing).
        """
        digest = value.digest
        path = self.private("values") / f"{digest}.json"
        if not path.exists():
            write_durably(path, value.canonical())
        if self._run is not None:
            self._run.add(value.kind, digest)
        else:
            who = person or self.operator()
            if person:
                self.enrol(person)
            self.append("value/v1", {value.kind: digest}, {"person": who, "at": self.now()}, who)
        return digest

    def append(self, type_: str, subjects: dict[str, str], predicate: dict[str, Any], person: str) -> Entry:
        """Add a ledger entry signed by ``person``."""
        if not self.ledger.entries:
            self.begin()
        return self.ledger.append(type_, subjects, predicate, self.signer(person), self.signer("log"))

    def _digests(self, kind: str) -> list[str]:
        self.ledger.refresh()
        sets = [e.subjects for e in self.ledger.entries
                if e.type == "value/v1" or (e.type == "step/v1" and e.predicate.get("result") == "done")]
        if self._run is not None:
            sets.append(self._run.products)
        return [d for subjects in sets
                for name, d in sorted(subjects.items(), key=lambda item: (len(item[0]), item[0]))
                if name.partition("#")[0] == kind]

    def digest_of(self, kind: str) -> str:
        """Digest of the newest value of that kind, its file checked; CaseError when there is none or it was changed."""
        found = self._digests(kind)
        if not found:
            raise CaseError(f"this case has no {kind} yet", f"workbench run {self.folder} {MAKERS.get(kind, kind)}")
        self._bytes(kind, found[-1])
        return found[-1]

    def find(self, kind: type[V]) -> V | None:
        """The newest saved value of ``kind``, or None; CaseError when its file was changed."""
        found = self._digests(kind.kind)
        return self.read(kind, found[-1]) if found else None

    def load(self, kind: type[V]) -> V:
        """The newest saved value of ``kind``; CaseError naming the step that makes one when there is none."""
        value = self.find(kind)
        if value is None:
            step = MAKERS.get(kind.kind, kind.kind)
            raise CaseError(f"this case has no {kind.kind} yet", f"workbench run {self.folder} {step}")
        return value

    def history(self, kind: type[V], last: int = 0) -> tuple[V, ...]:
        """Every saved value of ``kind``, oldest first; only the ``last`` so many when given."""
        return tuple(self.read(kind, d) for d in self._digests(kind.kind)[-last:])

    def read(self, kind: type[V], digest: str) -> V:
        """The value of that digest, checked against it.

        Raises:
            CaseError: the file is missing or its bytes are not the ones that were signed for.
        """
        data = self._bytes(kind.kind, digest)
        try:
            value = kind.from_bytes(data)
        except ValidationError:
            raise CaseError(f"the saved {kind.kind} was written by another version of the workbench",
                            self._again(kind.kind), where=f"values/{digest}.json") from None
        if self._run is not None:
            self._run.materials[kind.kind] = digest
        return value

    def _again(self, kind: str) -> str:
        return f"workbench run {self.folder} {MAKERS.get(kind, '')}".rstrip()

    def _bytes(self, kind: str, digest: str) -> bytes:
        path = self.folder / "values" / f"{digest}.json"
        try:
            data = path.read_bytes()
        except OSError:
            raise CaseError(f"the saved {kind} is missing", self._again(kind), where=str(path)) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise CaseError(f"the saved {kind} was changed after it was signed for",
                            f"put the file back from a copy, or make it again: {self._again(kind)}", where=str(path))
        return data

    # -- steps -------------------------------------------------------------------------------------------------

    @contextmanager
    def step(self, name: str, **settings: int | str | bool) -> Iterator[StepRun]:
        """Note a step: an intent entry before, an outcome entry after, also when it fails.

        An intent of the same step that a killed run left open is closed by this one (``resumes``). Steps nest
        only as part of the outer one: an inner call adds to it.
        """
        if self._run is not None:
            yield self._run
            return
        self.begin()
        person = self.operator()
        intent = self.append("step/v1", {}, {
            "phase": "intent", "step": name, "person": person, "settings": {k: settings[k] for k in sorted(settings)},
            "resumes": [e.seq for e in self.open_intents() if e.predicate["step"] == name], **self._where_when(),
        }, person)
        run = self._run = StepRun(self, name, person, intent.seq)
        try:
            yield run
        except BaseException as e:
            self._run = None
            kind = type(e).__name__
            what = mask(e.what) if isinstance(e, WorkbenchError) else kind
            self._outcome(run, "failed", {"error": kind, "what": what[:300]}, products={})
            raise
        self._run = None
        self._outcome(run, "done", {}, products=run.products)

    def _outcome(self, run: StepRun, result: str, extra: dict[str, Any], products: dict[str, str]) -> None:
        self.append("step/v1", products, {
            "phase": "outcome", "step": run.name, "intent": run.seq, "person": run.person, "result": result,
            "materials": dict(sorted(run.materials.items())), "counts": dict(sorted(run.counts.items())),
            "legalBasis": run.laws or laws_of(run.name, self.config.case.jurisdictions), **self._where_when(), **extra,
        }, run.person)

    def _where_when(self) -> dict[str, Any]:
        host = short(uuid.uuid5(uuid.NAMESPACE_DNS, platform.node()).hex)  # tells machines apart without naming them
        return {"at": self.now(), "place": self.config.case.place, "timezone": self.config.case.timezone,
                "host": host, "software": f"winddown-workbench {workbench.__version__}"}

    def open_intents(self) -> tuple[Entry, ...]:
        """Intents without an outcome that no later run took over: each is an alarm."""
        self.ledger.refresh()
        closed: set[int] = set()
        for e in self.ledger.of_type("step/v1"):
            if e.predicate["phase"] == "outcome":
                closed.add(e.predicate["intent"])
            else:
                closed.update(e.predicate.get("resumes", []))
        return tuple(e for e in self.ledger.of_type("step/v1")
                     if e.predicate["phase"] == "intent" and e.seq not in closed)

    def outcome(self, step: str) -> Entry | None:
        """The newest outcome entry of ``step``, done or failed."""
        self.ledger.refresh()
        mine = [e for e in self.ledger.of_type("step/v1")
                if e.predicate["phase"] == "outcome" and e.predicate["step"] == step]
        return mine[-1] if mine else None

    def stands(self, step: str) -> Entry | None:
        """As :meth:`outcome`, but a record that failed after it counts: a notebook may refuse what its step has done."""
        entry = self.outcome(step)
        failed = [e for e in self.ledger.of_type("record/v1")
                  if entry is not None and e.seq > entry.seq and e.predicate["step"] == step]
        return failed[-1] if failed and failed[-1].predicate["result"] == "failed" else entry

    # -- evidence ----------------------------------------------------------------------------------------------

    def evidence(self, room: str, items: Sequence[Evidence]) -> str:
        """Save what a room measured; replaces the room's earlier set for risk."""
        class _Set(EvidenceSet):
            kind = f"evidence-{room}"

        return self.save(_Set(room=room, items=tuple(items)))

    def all_evidence(self) -> tuple[Evidence, ...]:
        """The newest evidence of every room, by room and item."""
        self.ledger.refresh()
        rooms = sorted({name for e in self.ledger.entries for name in e.subjects if name.startswith("evidence-")}
                       | {k for k in (self._run.products if self._run else {}) if k.startswith("evidence-")})
        items: list[Evidence] = []
        for room in rooms:
            found = self._digests(room)
            if found:
                items.extend(self.read(EvidenceSet, found[-1]).items)
        return tuple(sorted(items, key=lambda i: (i.item, i.asset)))

    def status(self) -> object:
        """Where the case stands and what is next; shows itself in Jupyter and in a terminal."""
        from workbench.case.status import status

        return status(self)
