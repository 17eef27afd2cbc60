"""VERIFY: check a bundle, a case folder or a vault place, offline; every failure names a file or an entry.

Checks stand under the four headings of DA/T 70-2018: authenticity, integrity, usability, safety.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from workbench.errors import LedgerError, VerificationError, WorkbenchError
from workbench.ledger import Ledger
from workbench.ledger.keys import verify as good_signature
from workbench.ledger.statement import pae
from workbench.records import statements
from workbench.records.bundle import MANIFEST, SIGNATURE, TAGS, digest
from workbench.values import short

Heading = Literal["authenticity", "integrity", "usability", "safety"]
PAGES = ("index.html", "index.en.html", "viewer.html", "viewer.en.html")
TAG_FILES = {"bagit.txt", "bag-info.txt", MANIFEST, TAGS, SIGNATURE, *PAGES, "VERIFY.md"}


_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


@dataclass(frozen=True)
class Check:
    """One check and how it ended."""

    heading: Heading
    name: str
    ok: bool
    detail: str = ""


@dataclass
class Report:
    """All checks of one run of ``verify``."""

    path: Path
    checks: list[Check] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every check passed (none is not a pass)."""
        return bool(self.checks) and all(c.ok for c in self.checks)

    def __str__(self) -> str:
        lines = []
        for heading in ("authenticity", "integrity", "usability", "safety"):
            for c in self.checks:
                if c.heading == heading:
                    detail = f": {c.detail}" if c.detail else ""
                    lines.append(f"  {'✓' if c.ok else '✗'} {c.heading:<13}{c.name}{detail}")
        bad = sum(not c.ok for c in self.checks)
        total = len(self.checks)
        verdict = f"verified: {total} checks passed" if self.ok else f"NOT verified: {bad} of {total} checks failed"
        return "\n".join([f"{self.path}", *lines, verdict])


def verify(path: Path, checkpoint: Path | None = None) -> Report:
    """Check whatever lies at ``path``; VerificationError when it is nothing we know.

    ``checkpoint``: a public page or note whose checkpoint the ledger must contain (:mod:`workbench.records.published`).
    """
    path = path.expanduser().resolve()
    report = Report(path)
    if any((path / name).exists() for name in (*TAG_FILES, "data/ledger")):
        _bundle(path, report)
    elif (path / "case.toml").exists():
        _case(path, report)
    elif path.is_dir():
        _sealed(path, report)
    else:
        raise VerificationError("there is no bundle, case or vault place", "name the folder", where=str(path))
    if checkpoint is not None:
        from workbench.records.published import compare, read_published

        points = read_published(checkpoint)
        base = path / "data" / "ledger" if (path / "data" / "ledger").is_dir() else path / "ledger"
        _try(report, "authenticity", "published checkpoint", lambda: compare(Ledger.open(base), points))
    return report


def _try(report: Report, heading: Heading, name: str, what: Callable[[], str | None]) -> bool:
    try:
        detail = what() or ""
    except WorkbenchError as e:
        place = f" ({e.where})" if e.where and e.where not in e.what else ""
        report.checks.append(Check(heading, name, False, f"{e.what}{place}"))
        return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        report.checks.append(Check(heading, name, False, f"cannot be read ({type(e).__name__})"))
        return False
    report.checks.append(Check(heading, name, True, detail))
    return True


# -- bundle ------------------------------------------------------------------------------------------------------


def _bundle(bag: Path, report: Report) -> None:
    ledger = Ledger(bag / "data" / "ledger")

    def chain() -> str:
        ledger.refresh()
        cp = ledger.check()
        return f"{cp.size} entries, root {short(cp.root.hex(), 16)}"

    sound = _try(report, "authenticity", "ledger", chain)
    if sound:
        _anchored(ledger, report)
    _try(report, "authenticity", "bundle signature", lambda: _signature(bag, ledger))
    _try(report, "integrity", "tag files", lambda: _tags(bag))
    for problem in _payload(bag):
        report.checks.append(Check("integrity", "file", False, problem))
    if not any(c.name == "file" for c in report.checks):
        report.checks.append(Check("integrity", "files", True, f"{len(_manifest(bag / MANIFEST))} as in the manifest"))
    if sound:
        data = bag / "data"
        _try(report, "integrity", "records", lambda: _records(ledger, data))
        _try(report, "integrity", "values", lambda: _values(ledger, data / "values"))
        _try(report, "authenticity", "intents and outcomes", lambda: statements.intents(ledger))
        _try(report, "authenticity", "approvals", lambda: statements.approvals(ledger))
        _try(report, "authenticity", "certificates", lambda: statements.certificates(ledger, data))
        _try(report, "safety", "quarantine", lambda: statements.quarantine(ledger))
    if (bag / "data" / "archive").is_dir():
        _sealed(bag / "data" / "archive", report, _expected(ledger, bag / "data" / "values") if sound else None)
    elif sound and _archived(ledger, bag / "data"):
        report.checks.append(Check("integrity", "vault archive", False, "rows were archived and data/archive is missing"))
    _try(report, "usability", "pages", lambda: _pages(bag))


def _anchored(ledger: Ledger, report: Report) -> None:
    _try(report, "authenticity", "clock", lambda: statements.clocks(ledger))
    _try(report, "authenticity", "outside witness", lambda: statements.outside(ledger))


def _manifest(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    lower: set[str] = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1], 1):
        want, sep, name = line.partition("  ")
        pure = PurePosixPath(name)
        if not sep or len(want) != 64 or pure.is_absolute() or ".." in pure.parts or name in found:
            raise VerificationError(f"line {number} of {path.name} is malformed", where=path.name)
        # our names are plain ASCII: Unicode twins, control characters and names differing in case only are attacks
        if not _PLAIN.fullmatch(name) or name.lower() in lower or len(name) > 255:
            raise VerificationError(f"line {number} of {path.name} holds a name that could be mistaken for another",
                                    where=path.name)
        lower.add(name.lower())
        found[name] = want
    return found


def _payload(bag: Path) -> Iterator[str]:
    try:
        listed = _manifest(bag / MANIFEST)
    except WorkbenchError as e:
        yield e.what
        return
    except (OSError, UnicodeDecodeError) as e:
        yield f"{MANIFEST} cannot be read ({type(e).__name__})"
        return
    present: set[str] = set()
    for f in sorted(bag.rglob("*")):
        name = f.relative_to(bag).as_posix()
        if f.is_symlink():
            yield f"{name} is a symbolic link"
        elif f.is_file() and f.stat().st_nlink > 1:
            yield f"{name} is a hard link: its bytes may change from elsewhere"
        elif not f.is_dir() and not f.is_file():
            yield f"{name} is not a regular file"
        elif f.is_dir():
            continue
        elif name.startswith("data/"):
            present.add(name)
            if name not in listed:
                yield f"{name} is not in the manifest"
            elif digest(f) != listed[name]:
                yield f"{name} was changed"
        elif name not in TAG_FILES:
            yield f"{name} does not belong to the bundle"
    for name in sorted(set(listed) - present):
        yield f"{name} is missing"


def _tags(bag: Path) -> str:
    listed = _manifest(bag / TAGS)
    for name in sorted(TAG_FILES - {TAGS, SIGNATURE}):
        if name not in listed:
            raise VerificationError(f"{name} is not in {TAGS}", where=TAGS)
        if not (bag / name).exists():
            raise VerificationError(f"{name} is missing", where=name)
        if digest(bag / name) != listed[name]:
            raise VerificationError(f"{name} was changed", where=name)
    return f"{len(listed)} files"


def _signature(bag: Path, ledger: Ledger) -> str:
    try:
        return _check_signature(bag, ledger)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise VerificationError(f"{SIGNATURE} was changed", where=SIGNATURE) from None


def _check_signature(bag: Path, ledger: Ledger) -> str:
    raw = (bag / SIGNATURE).read_bytes()
    seal = json.loads(raw)
    if json.dumps(seal, indent=1).encode() != raw:
        raise VerificationError(f"{SIGNATURE} was changed", where=SIGNATURE)
    payload = base64.b64decode(seal["payload"], validate=True)
    (only,) = seal["signatures"]
    known = ledger.keys.get(only["keyid"])
    if known is None or only["keyid"] in ledger.revoked or known[0] != seal["signer"]:
        raise VerificationError("the bundle is signed by a key that the ledger does not know", where=SIGNATURE)
    sig = base64.b64decode(only["sig"], validate=True)
    if base64.b64encode(sig).decode() != only["sig"] or base64.b64encode(payload).decode() != seal["payload"]:
        raise VerificationError(f"{SIGNATURE} was changed", where=SIGNATURE)
    if seal["payloadType"] != "application/vnd.in-toto+json" or not good_signature(known[1], sig, pae(payload)):
        raise VerificationError("the bundle's signature is wrong", where=SIGNATURE)
    if payload.decode() != f"{digest(bag / TAGS)}  {TAGS}\n":
        raise VerificationError(f"{TAGS} was changed after the bundle was signed", where=TAGS)
    return f"signed by {seal['signer']}"


def _records(ledger: Ledger, base: Path) -> str:
    files: dict[str, tuple[str, int]] = {}
    for e in ledger.of_type("record/v1"):
        for name, want in e.subjects.items():
            files[name] = (want, e.seq)
    for name, (want, seq) in sorted(files.items()):
        path = base / name
        if not path.is_file():
            raise VerificationError(f"{name} is missing", where=f"entry {seq}")
        if digest(path) != want:
            raise VerificationError(f"{name} is not the file that ledger entry {seq} signed for", where=name)
    for path in sorted((base / "records").glob("*")):
        if f"records/{path.name}" not in files and path.is_file():
            raise VerificationError(f"records/{path.name} is in no ledger entry", where=path.name)
    return f"{len(files)} files as signed"


def _values(ledger: Ledger, folder: Path) -> str:
    wanted = {d: e.seq for e in ledger.entries if e.type in ("value/v1", "step/v1") for d in e.subjects.values()}
    for want, seq in sorted(wanted.items()):
        path = folder / f"{want}.json"
        if not path.is_file():
            raise VerificationError(f"values/{short(want)}… of ledger entry {seq} is missing", where=f"entry {seq}")
        if digest(path) != want:
            raise VerificationError(f"values/{short(want)}… was changed", where=path.name)
    return f"{len(wanted)} values as signed"


def _archived(ledger: Ledger, data: Path) -> bool:
    """Whether the newest erasure sealed rows into the archive."""
    from workbench.erasure import Erasure

    digests = [d for e in ledger.entries for n, d in e.subjects.items() if n.partition("#")[0] == Erasure.kind]
    try:
        return bool(digests) and any(
            d.archived for d in Erasure.from_bytes((data / "values" / f"{digests[-1]}.json").read_bytes()).disposals)
    except (OSError, ValueError):
        return True


def _pages(bag: Path) -> str:
    pages = [*(bag / n for n in PAGES), *sorted((bag / "data" / "records").glob("*.html")),
             *sorted((bag / "data" / "reports").glob("*.html"))]
    for p in pages:
        text = html.unescape(p.read_text(encoding="utf-8"))
        if "Content-Security-Policy" not in text or "default-src 'none'" not in text:
            raise VerificationError(f"{p.name} could ask the network for something", where=p.name)
    return f"{len(pages)} inert pages"


# -- case folder and vault places --------------------------------------------------------------------------------


def _case(folder: Path, report: Report) -> None:
    ledger = Ledger(folder / "ledger")

    def chain() -> str:
        ledger.refresh()
        if not ledger.entries:
            raise LedgerError("the ledger is empty", "workbench run CASE")
        return f"{ledger.check().size} entries"

    if _try(report, "authenticity", "ledger", chain):
        _anchored(ledger, report)
        _try(report, "integrity", "records", lambda: _records(ledger, folder))
        _try(report, "integrity", "values", lambda: _values(ledger, folder / "values"))
        _try(report, "authenticity", "intents and outcomes", lambda: statements.intents(ledger))
        _try(report, "authenticity", "approvals", lambda: statements.approvals(ledger))
        _try(report, "authenticity", "certificates", lambda: statements.certificates(ledger, folder))
    from workbench.case import load_config

    expected = _expected(ledger, folder / "values")
    sealed = any(name.partition("#")[0] == "sealed-backup" for e in ledger.entries for name in e.subjects)
    for place in load_config(folder / "case.toml").vault.places:
        path = Path(place).expanduser()
        path = path if path.is_absolute() else folder / path
        if path.is_dir():
            _sealed(path, report, expected)
        elif sealed:
            report.checks.append(Check("integrity", f"vault {path.name}", False, f"{place} is missing: mount or restore it"))


def _expected(ledger: Ledger, values: Path) -> dict[str, str]:
    """Set id -> SHA-256 of its SHA256SUMS as the ledger's newest sealed backups say."""
    found: dict[str, str] = {}
    for e in ledger.entries:
        for name, want in e.subjects.items():
            path = values / f"{want}.json"
            if name.partition("#")[0] in ("sealed-backup", "sealed-archive") and path.is_file() and digest(path) == want:
                told = json.loads(path.read_bytes())
                found[told.get("set_id", "archive")] = told["manifest_sha256"]
    return found


def _sealed(folder: Path, report: Report, expected: dict[str, str] | None = None) -> None:
    from workbench.vault.store import sealed_files, verify_sealed

    def check() -> str:
        if not any(sealed_files(folder)):
            raise VerificationError("there is no bundle, case or sealed set", where=str(folder))
        problems = verify_sealed(folder, expected)
        for p in problems:
            report.checks.append(Check("integrity", "sealed object", False, _problem(p)))
        return "sealed objects as in their manifest" if not problems else ""

    _try(report, "integrity", f"vault {folder.name}", check)


def _problem(problem: Any) -> str:
    return " ".join(str(v) for v in problem.model_dump().values() if v)
