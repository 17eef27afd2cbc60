"""What the risk room measures itself: facts of each table from inventory and findings, and evidence from the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.classification.model import Finding, Findings
from workbench.errors import LedgerError
from workbench.inventory import Inventory
from workbench.law import Packs
from workbench.ledger import anchor
from workbench.risk.evidence import Evidence
from workbench.risk.model import SEALED, AssetFacts, Left
from workbench.risk.severity import DIRECT, ease

if TYPE_CHECKING:
    from workbench.case import Case


def assets(
    inventory: Inventory,
    findings: Findings,
    packs: Packs,
    remaining: Mapping[str, Left],
    small_classes: Mapping[str, float] | None = None,
) -> tuple[AssetFacts, ...]:
    """One entry per table that holds something personal, sorted by id.

    remaining: shares of records that stay after the plan, by table id (all in clear where unknown).
    small_classes: share of records in quasi-identifier classes under 5, where it was measured.
    """
    found: dict[str, list[Finding]] = {}
    for f in findings.findings:
        if f.detector:
            found.setdefault(f"{f.source}.{f.table}", []).append(f)
    profiles = {f"{p.source}.{p.table}": p for p in findings.tables}
    dpc = {c.id: c.dpc for c in packs.categories}
    rows = {t.id: t.rows for t in inventory.tables}
    out = []
    for id_ in sorted(found):
        fs = found[id_]
        p = profiles.get(id_)
        minors = max([f.minors for f in fs] + [p.minors if p else 0])
        direct = any(f.detector in DIRECT and f.matched for f in fs)
        left = remaining.get(id_, Left(1.0))
        out.append(
            AssetFacts(
                asset=id_,
                records=p.persons if p and p.persons else min(rows.get(id_, 0), max(f.matched for f in fs)),
                dpc=4 if minors else max(dpc.get(f.category or "", 1) for f in fs),
                ei=ease(direct, (small_classes or {}).get(id_), False),
                clear=_clear(fs),
                remaining=min(1.0, max(0.0, left.clear)),
                sealed=min(1.0, max(0.0, left.sealed)),
                categories=tuple(sorted({f.category for f in fs if f.category} | ({"minor14"} if minors else set()))),
            )
        )
    return tuple(out)


def after_erasure(facts: tuple[AssetFacts, ...], now: Mapping[str, Left]) -> tuple[AssetFacts, ...]:
    """Facts of today once part of the plan is done: ``now`` says what is left of each table it touched."""
    out = []
    for a in facts:
        if a.asset in now:
            clear, sealed = now[a.asset]
            records = round(a.records * (clear + SEALED * sealed))
            gone = {} if clear > 0 else {"clear": 0.0, "ei": min(a.ei, 0.25) if sealed > 0 else 0.0}
            stays = {"remaining": min(1.0, a.remaining / clear) if clear > 0 else 1.0, "sealed": 0.0}
            a = a.model_copy(update={"records": records, **gone, **stays})
        out.append(a)
    return tuple(out)


def _clear(fs: list[Finding]) -> float:
    """Share of non-null cells of identifier columns that hold an identifier in clear."""
    direct = [f for f in fs if f.detector in DIRECT] or fs
    cells = sum(f.nonnull for f in direct)
    return min(1.0, sum(f.matched for f in direct) / cells) if cells else 0.0


def own_evidence(
    inventory: Inventory, findings: Findings, facts: tuple[AssetFacts, ...], at: str
) -> tuple[Evidence, ...]:
    """Evidence read from inventory and findings."""
    digest = findings.digest
    out = [
        Evidence(item="data.clear_identifiers", asset=a.asset, value=round(a.clear, 6), at=at, by="risk", sha256=digest)
        for a in facts
    ]
    embedded: dict[str, float] = {}
    cleared = {a.asset for a in facts if not a.records or not a.clear}
    for f in findings.findings:
        if f.detector and f.nonnull and f"{f.source}.{f.table}" not in cleared:
            id_ = f"{f.source}.{f.table}"
            embedded[id_] = max(
                embedded.get(id_, 0.0), (f.matched - f.whole) / f.nonnull if f.whole < f.matched else 0.0
            )
    out += [
        Evidence(item="text.free_hits", asset=k, value=round(v, 6), at=at, by="risk", sha256=digest)
        for k, v in sorted(embedded.items())
    ]
    if inventory.links:
        declared = sum(link.key.declared for link in inventory.links) / len(inventory.links)
        out.append(
            Evidence(item="integrity.declared", value=round(declared, 6), at=at, by="risk", sha256=inventory.digest)
        )
    return tuple(out)


def ledger_evidence(case: Case) -> tuple[Evidence, ...]:
    """Failed runs and two-person approval, as the ledger shows them; nothing when it has no entries."""
    failed, approvers = 0, set()
    entries = list(case.ledger.entries)
    if not entries:
        return ()
    for e in entries:
        if e.type == "step/v1" and e.predicate.get("result") == "failed":
            failed += 1
        if e.type == "approval/v1" and e.predicate.get("decision") == "approve":
            approvers.add(e.predicate.get("person"))
    out = [
        Evidence(item="runs.failed", value=failed, at=case.now(), by="risk"),
        _verified(case),
    ]
    if approvers:
        out.append(Evidence(item="approval.two_person", value=float(len(approvers) >= 2), at=case.now(), by="risk"))
    return tuple(out)


def _verified(case: Case) -> Evidence:
    """Whether the ledger agrees with its checkpoint, its clocks and what people outside saw; the reason when it does not."""
    note, held = "entries, checkpoint, clocks and witnesses agree", 1.0
    try:
        case.ledger.check()
        anchor.clocks(case.ledger)
        anchor.anchors(case.ledger)
    except LedgerError as e:
        note, held = str(e), 0.0
    return Evidence(item="ledger.verified", value=held, at=case.now(), by="ledger", note=note)
