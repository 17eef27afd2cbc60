"""The step: evidence of the case -> RiskReport."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from workbench.classification.model import Findings
from workbench.inventory import Inventory
from workbench.law import Packs, guess_record, load_packs, retention_of
from workbench.risk.anonymity import ReidentificationReport
from workbench.risk.evidence import Risk
from workbench.risk.measure import after_erasure, assets, ledger_evidence, own_evidence
from workbench.risk.model import STATES, Left, RiskReport, Score, Stage
from workbench.risk.multipliers import FILE, RISKS, model
from workbench.risk.score import Inputs, Scorer

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.case.config import CaseConfig

DETAILED = 40
"""assets whose points are written out; the rest keep score and band"""


def assess(
    case: Case, remaining: Mapping[str, Left] | None = None, multipliers: str = "", now: Mapping[str, Left] | None = None
) -> RiskReport:
    """Assess the case and save the report.

    remaining: what stays of each table after the plan (``workbench.plan.remaining``); without it the projection erases what
    no rule keeps and leaves the rest sealed. now: what proven erasure has left of each table already
    (``workbench.erasure.left``). multipliers: a file of the company's own. How easily the data identify a person
    follows the newest ``reidentification``; without one, every class of quasi-identifiers counts as small.
    """
    with case.step("assess" if remaining is None else "reassess") as run:  # the second belongs to the plan or the erasure
        inventory, findings = case.load(Inventory), case.load(Findings)
        inputs = inputs_of(case, inventory, findings, remaining, multipliers, now)
        stage: Stage = "found" if remaining is None else "planned" if now is None else "erased"
        report = report_of(inputs, case.id, findings, case.today().isoformat()).model_copy(update={"stage": stage})
        case.save(report)
        run.note(
            scored=len(report.assets), coverage_percent=round(100 * _coverage(report)), calibrated=report.calibrated
        )
        return report


def inputs_of(
    case: Case,
    inventory: Inventory,
    findings: Findings,
    remaining: Mapping[str, Left] | None = None,
    multipliers: str = "",
    now: Mapping[str, Left] | None = None,
) -> Inputs:
    """Everything the scores depend on, gathered from the case."""
    c = case.config
    packs = load_packs(c.case.jurisdictions, c.case.sectors, [case.resolve(p) for p in c.packs])
    chosen = multipliers or str(case.settings("assess").get("multipliers", ""))
    m = model(case.resolve(chosen) if chosen else FILE)
    left = remaining if remaining is not None else law_only(inventory, findings, packs, c, case)
    measured = case.find(ReidentificationReport)
    facts = assets(inventory, findings, packs, left, measured.small_classes() if measured else None)
    whole = float(sum(a.records for a in facts))
    facts = after_erasure(facts, now or {})
    saved = case.all_evidence()
    have = {(e.item, e.asset) for e in saved}
    own = (*own_evidence(inventory, findings, facts, findings.as_of), *ledger_evidence(case))
    evidence = (*(e for e in own if (e.item, e.asset) not in have), *saved)
    return Inputs(facts, tuple(evidence), m, c.case.turnover, whole=whole)


def law_only(
    inventory: Inventory, findings: Findings, packs: Packs, config: CaseConfig, case: Case
) -> dict[str, Left]:
    """A projection before there is a plan: what no rule keeps goes, what a rule keeps stays sealed."""
    declared = {r.table: r.type for r in config.records}
    personal = {(f.source, f.table) for f in findings.findings if f.detector}
    out = {}
    for t in inventory.tables:
        if (t.source, t.name) not in personal:
            continue
        type_ = declared.get(t.id) or (g.type.id if (g := guess_record(packs, t.name, file=bool(t.file))) else "")
        bound = any(x.keeps for x in retention_of(packs, type_, case.today())) if type_ else False
        out[t.id] = Left(0.0, 1.0 if bound else 0.0)
    return out


def report_of(inputs: Inputs, case_id: str, findings: Findings, as_of: str) -> RiskReport:
    """The pure function under :func:`assess`: same inputs, same bytes."""
    totals, scores = score_all(inputs)
    known = {i.id for i in inputs.model.items}
    return RiskReport(
        case_id=case_id,
        as_of=as_of,
        multipliers=f"{inputs.model.version} {inputs.model.sha256}",
        calibrated=inputs.model.calibrated,
        cap=inputs.cap,
        floor=inputs.floor,
        persons=findings.persons,
        assets=inputs.assets,
        totals=totals,
        scores=scores,
        unknown_items=tuple(sorted({e.item for e in inputs.evidence} - known)),
    )


def score_all(inputs: Inputs, detailed: int = DETAILED) -> tuple[tuple[Score, ...], tuple[Score, ...]]:
    """(totals, per asset) in the order risk, state."""
    scorer = Scorer(inputs)
    totals: list[Score] = []
    scores: list[Score] = []
    for risk in RISKS:
        for state in STATES:
            parts = [scorer.part(a, risk, state) for a in inputs.assets]
            totals.append(scorer.total(risk, state, parts))
            first = {id(p) for p in sorted(parts, key=lambda p: (-p.log_eal, p.asset.asset))[:detailed]}
            scores += [scorer.score(p, risk, state, id(p) in first) for p in parts]
    return tuple(totals), tuple(scores)


def totals_of(inputs: Inputs, risks: Sequence[Risk] = RISKS) -> tuple[Score, ...]:
    """Totals only, of all risks or some: what a slider redraws."""
    scorer = Scorer(inputs)
    return tuple(scorer.total(r, s, [scorer.part(a, r, s) for a in inputs.assets]) for r in risks for s in STATES)


def _coverage(report: RiskReport) -> float:
    found = [s.coverage for s in report.totals if s.state == "residual"]
    return sum(found) / len(found) if found else 0.0


__all__ = ["assess", "inputs_of", "law_only", "report_of", "score_all", "totals_of"]
