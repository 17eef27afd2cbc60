"""CLASSIFICATION: in go sources (or a case), out come :class:`Findings`: what is personal, how sensitive, how sure, how much,
where, and why. Every row is read; no value is shown.

    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "shop.csv"
    >>> _ = file.write_text("id,mail\\n1,li@example.com\\n2,wu@example.com\\n", encoding="utf-8")
    >>> [(f.column, f.detector, f.matched) for f in scan([str(file)]).findings]
    [('id', None, 0), ('mail', 'email', 2)]
"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.classification.model import Finding, Findings, TableProfile
from workbench.sources.base import Table, Unreadable

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.classification.engine import Engine
    from workbench.classification.partial import Partial
    from workbench.classification.review import Correction
    from workbench.classification.rules import Rules
    from workbench.sources.base import Source

__all__ = ["Finding", "Findings", "TableProfile", "classify", "scan"]


def classify(case: Case) -> Findings:
    """Scan every source of the case, save and return the findings.

    ``[settings.classify]``: ``engine`` (serial, threads, dask), ``workers``, ``rules`` (own YAML files), ``types`` (only these).
    Raises: SourceMissing, SourceRefused when a source can't be opened at all; what can't be read inside one is listed.
    """
    from workbench.classification.review import Correction
    from workbench.classification.rules import load_rules
    from workbench.sources import open_source

    with case.step("classify") as run:
        settings = case.settings("classify")
        rules = load_rules(
            int(case.today().strftime("%Y%m%d")),
            _case_key(case),
            extra=[case.resolve(p) for p in settings.get("rules", ())],
            only=settings.get("types", ()),
        )
        scanner = Scan(rules, settings.get("engine", "threads"), int(settings.get("workers", 0)))
        for spec in case.config.sources:
            with open_source(spec, case.folder) as source:
                scanner.add(source)
        findings = scanner.finish(case.config.case.id, case.today(), case.history(Correction))
        case.save(findings)
        personal = [f for f in findings.findings if f.detector]
        run.note(
            columns=len({(f.source, f.table, f.column) for f in findings.findings}),
            findings=len(personal),
            sensitive=sum(f.sensitive for f in personal),
            persons=findings.persons,
            minors=findings.minors,
            unreadable=len(findings.unreadable),
        )
        return findings


def scan(
    locations: Sequence[str],
    *,
    engine: Engine = "threads",
    workers: int = 0,
    today: dt.date | None = None,
    rules: Sequence[Path] = (),
    types: Sequence[str] = (),
    password_env: str = "",
    progress: Callable[[str], None] | None = None,
) -> Findings:
    """Scan database addresses, files and folders, without a case.

    ``rules``: users' own detectors (YAML files); ``types``: only these detectors, and those we lack are listed as unsupported;
    ``password_env``: variable that holds the database password.

    The sketches of such a scan live in memory only, so their key is fixed and two scans of the same data agree byte for byte.
    Raises: SourceMissing, SourceRefused, SourceUnreadable when a location can't be opened at all.
    """
    from workbench.classification.rules import load_rules
    from workbench.sources import open_location

    day = today or dt.datetime.now(dt.UTC).date()
    scanner = Scan(load_rules(int(day.strftime("%Y%m%d")), extra=rules, only=types), engine, workers, progress)
    names: set[str] = set()
    for location in locations:
        source = open_location(location, password_env=password_env)
        while source.name in names:
            source.name += "-2"
        names.add(source.name)
        with source:
            scanner.add(source)
    return scanner.finish("", day)


class Scan:
    """A scan under way: add sources, then finish."""

    def __init__(
        self, rules: Rules, engine: Engine = "threads", workers: int = 0, progress: Callable[[str], None] | None = None
    ) -> None:
        self.rules, self.engine, self.workers = rules, engine, workers
        self._progress = progress
        self._tables: list[tuple[Table, Partial]] = []
        self._unreadable = [Unreadable(source="*", item=t, reason="unsupported type: no detector finds it") for t in rules.unsupported]

    def add(self, source: Source) -> None:
        """Read all of a source; a table that stops reading is listed with its reason, the rest goes on."""
        from workbench.classification.engine import parts_for, run_streams
        from workbench.errors import SourceError

        failed: list[Unreadable] = []
        for table in source.tables():
            if self._progress:
                self._progress(table.id)
            try:
                parts = source.streams(table.name, parts_for(self.workers) if self.engine == "threads" else 1)
                part = run_streams(parts, self.rules, engine=self.engine, workers=self.workers)
            except SourceError as e:
                failed.append(Unreadable(source=source.name, item=table.name, reason=e.what))
                continue
            except (ValueError, MemoryError) as e:
                failed.append(Unreadable(source=source.name, item=table.name, reason=f"damaged data ({type(e).__name__})"))
                continue
            self._tables.append((table, part))
        known = {(u.source, u.item) for u in source.unreadable()}
        self._unreadable += [*source.unreadable(), *(u for u in failed if (u.source, u.item) not in known)]

    def finish(self, case_id: str, day: dt.date, corrections: Sequence[Correction] = ()) -> Findings:
        """Decide every column and every table; then follow what people decided before."""
        from workbench.classification.decide import decide_column
        from workbench.classification.partial import ColumnPartial
        from workbench.classification.review import apply_corrections
        from workbench.classification.tables import profile_tables

        findings: list[Finding] = []
        for table, part in self._tables:
            for column in table.columns:
                findings += decide_column(table, column, part.get(column.name) or ColumnPartial(), self.rules)
        findings = apply_corrections(findings, corrections, self.rules)
        profiles, persons, minors = profile_tables(self._tables, findings)
        return Findings(
            case_id=case_id,
            as_of=day.isoformat(),
            findings=tuple(findings),
            tables=profiles,
            persons=persons,
            minors=minors,
            unreadable=tuple(sorted(self._unreadable, key=lambda u: (u.source, u.item))),
            rules_digest=self.rules.digest,
        )


def _case_key(case: Case) -> tuple[int, int]:
    """The case's own key of sketches, made once, in its private folder."""
    path = case.private("classification") / "sketch-key.json"
    if not path.exists():
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="ascii") as f:
            json.dump([secrets.randbits(64), secrets.randbits(64)], f)
    a, b = json.loads(path.read_text(encoding="ascii"))
    return int(a), int(b)


