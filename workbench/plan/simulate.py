"""SIMULATION: the same plan under other circumstances, side by side. Nothing is saved, nothing is changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.case.config import CaseConfig
from workbench.classification.model import Findings
from workbench.inventory import Inventory
from workbench.law import Pack, Packs
from workbench.law.commands import with_pack
from workbench.plan.compare import Moved, compare
from workbench.plan.model import Plan
from workbench.plan.planner import plan
from workbench.plan.spans import DateSpan
from workbench.risk.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd

    from workbench.case import Case


@dataclass(frozen=True)
class Scenario:
    """What is different. Unset fields leave things as they are."""

    as_of: dt.date | None = None
    """plan for another day"""
    dates: Mapping[str, dt.date | None] = field(default_factory=dict)
    """dissolution, service_end, claims_end, deregistration"""
    lift: tuple[str, ...] = ()
    """holds that end"""
    receivers: Mapping[str, str] = field(default_factory=dict)
    """table pattern -> who takes it over"""
    records: Mapping[str, str] = field(default_factory=dict)
    """table -> record type"""
    pack: Pack | None = None
    """a pack that replaces the one of its id"""

    def config(self, config: CaseConfig) -> CaseConfig:
        """The case's settings under this scenario."""
        raw: dict[str, Any] = config.model_dump(mode="python", by_alias=True)
        raw["dates"] = {**raw["dates"], **dict(self.dates)}
        raw["holds"] = [h for h in raw["holds"] if h["id"] not in self.lift]
        if self.records:
            kept = [r for r in raw["records"] if r["table"] not in self.records]
            raw["records"] = [*kept, *({"table": t, "type": k} for t, k in sorted(self.records.items()))]
        if self.receivers:
            chosen = {**raw["settings"].get("plan", {})}
            chosen["receivers"] = {**chosen.get("receivers", {}), **dict(self.receivers)}
            raw["settings"] = {**raw["settings"], "plan": chosen}
        return CaseConfig.model_validate(raw)


@dataclass(frozen=True)
class Ground:
    """What stays the same in every scenario."""

    inventory: Inventory
    findings: Findings
    packs: Packs
    config: CaseConfig
    as_of: dt.date
    evidence: tuple[Evidence, ...] = ()
    spans: tuple[DateSpan, ...] = ()

    def plan(self, scenario: Scenario | None = None) -> Plan:
        """The plan under a scenario."""
        s = scenario or Scenario()
        packs = with_pack(self.packs, s.pack) if s.pack else self.packs
        return plan(self.inventory, self.findings, packs, s.config(self.config), s.as_of or self.as_of, self.evidence, self.spans)


def ground(case: Case) -> Ground:
    """The case as it stands, for simulations: the newest inventory and findings, months counted once."""
    from workbench.plan.decisions import standing
    from workbench.plan.make import date_spans, packs_of

    inventory, findings, packs = case.load(Inventory), case.load(Findings), packs_of(case)
    config = standing(case).applied(case.config)
    spans = date_spans(case, inventory, findings, packs, config)
    return Ground(inventory, findings, packs, config, case.today(), case.all_evidence(), spans)


def simulate(base: Ground, scenarios: Mapping[str, Scenario]) -> dict[str, tuple[Plan, tuple[Moved, ...]]]:
    """Each scenario's plan and what moves against the plan as it stands."""
    now = base.plan()
    return {name: (p := base.plan(s), compare(now, p)) for name, s in scenarios.items()}


def side_by_side(base: Ground, scenarios: Mapping[str, Scenario], lang: str = "zh") -> pd.DataFrame:
    """Rows by disposal, gates and moved lines of each scenario, beside the plan as it stands."""
    import pandas as pd

    now = base.plan()
    columns: dict[str, dict[str, Any]] = {"现状" if lang == "zh" else "as it stands": _summary(now, (), lang)}
    for name, (p, moved) in simulate(base, scenarios).items():
        columns[name] = _summary(p, moved, lang)
    return pd.DataFrame(columns)


def _summary(p: Plan, moved: Sequence[Moved], lang: str) -> dict[str, Any]:
    from workbench.plan.texts import ACTIONS

    zh = lang == "zh"
    out: dict[str, Any] = {}
    for name, words in ACTIONS.items():
        out[f"{words.zh if zh else words.en}"] = sum(d.action == name for d in p.disposals)
    firsts = [d.not_before for d in p.disposals if d.not_before]
    ends = [d.keep_until for d in p.disposals if d.keep_until and d.keep_until.year < 9999]
    out["最早不可逆处置" if zh else "first irreversible step"] = str(min(firsts)) if firsts else "–"
    out["最晚保存至" if zh else "last day of keeping"] = str(max(ends)) if ends else "–"
    out["未开的关口" if zh else "gates shut"] = ", ".join(g.id for g in p.gates if not g.open)
    out["变动行数" if zh else "lines that move"] = len([m for m in moved if m.kind == "disposal"])
    return out
