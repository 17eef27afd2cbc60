"""Gates that must be open before anything irreversible, and people's duties with their dates."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

import rfc8785

from workbench.case.config import CaseConfig
from workbench.classification.model import Findings
from workbench.law import Packs, duties_of
from workbench.law.dates import add
from workbench.law.model import DatedValue, Rule
from workbench.plan.model import Duty, Gate, RuleRef, Text
from workbench.plan.texts import both, day
from workbench.risk.evidence import Evidence

SEALED = ("backup.coverage", "backup.sealed", "backup.restore_tested")
REPORTED = "authority.disposal_reported"


def config_digest(config: CaseConfig) -> str:
    """Digest of the parts of case.toml that a plan depends on."""
    parts = config.model_dump(mode="json", include={"case", "dates", "records", "holds", "assets", "packs"})
    parts["plan"] = {k: config.settings.get("plan", {})[k] for k in sorted(config.settings.get("plan", {}))}
    parts["vault"] = {"custodian": config.vault.custodian, "until": str(config.vault.custodian_until or "")}
    return hashlib.sha256(rfc8785.dumps(parts)).hexdigest()


def rule_ref(packs: Packs, rule: Rule, value: DatedValue) -> RuleRef:
    """A duty as the plan cites it."""
    return RuleRef(
        id=rule.id,
        provision=packs.cite(value),
        term=value.due.plus if value.due else "",
        confidence=value.confidence,
        signed_off=bool(rule.review.by),
    )


def _text(rule: Rule) -> Text:
    words = rule.text or rule.names
    return Text(zh=words.zh, en=words.en)


def gates(
    packs: Packs, config: CaseConfig, as_of: dt.date, findings: Findings, evidence: Sequence[Evidence]
) -> tuple[tuple[Gate, ...], dt.date | None]:
    """The gates of a plan and the first day on which something irreversible may happen (None: no date binds).

    A gate without a known date stays shut, and the date is then the last day of the calendar.
    """
    out: list[Gate] = []
    firsts: list[dt.date] = []
    d = config.dates
    if d.service_end is not None:
        out.append(
            Gate(
                id="service.ended",
                open=d.service_end <= as_of,
                until=d.service_end,
                text=both(f"服务在{day(d.service_end)}停止。", f"Service stops on {day(d.service_end)}."),
            )
        )
        firsts.append(d.service_end)
    for rule, value in packs.in_force(as_of):
        if rule.gate == "claims":
            gate = _claims(packs, config, as_of, rule, value)
            out.append(gate)
            firsts.append(gate.until or dt.date(9999, 12, 31))
        elif rule.gate == "report":
            important = config.settings.get("plan", {}).get("important_data") is True
            if important or findings.persons >= (value.threshold or 0):
                done = any(e.item == REPORTED and e.value >= 1 for e in evidence)
                out.append(Gate(id=rule.id, open=done, text=_text(rule), rule=rule_ref(packs, rule, value)))
    sealed = any(e.item in SEALED and e.value >= 1 for e in evidence)
    out.append(
        Gate(
            id="backup.sealed",
            open=sealed,
            text=both("全部数据已加密备份并封存。", "Everything is in a sealed, encrypted backup."),
        )
    )
    for h in sorted(config.holds, key=lambda h: h.id):
        if h.until is None or h.until >= as_of:
            out.append(
                Gate(
                    id=f"hold.{h.id}",
                    open=False,
                    until=h.until,
                    text=both(
                        f"保全令 {h.id} 有效至{day(h.until)},所覆盖的数据不清除。",
                        f"Hold {h.id} stands until {day(h.until)}; what it covers is not cleared.",
                    ),
                )
            )
    return tuple(out), max(firsts, default=None)


def _claims(packs: Packs, config: CaseConfig, as_of: dt.date, rule: Rule, value: DatedValue) -> Gate:
    d = config.dates
    reference = rule_ref(packs, rule, value)
    if d.claims_end is not None:
        return Gate(id=rule.id, open=d.claims_end < as_of, until=d.claims_end, text=_text(rule), rule=reference)
    if d.dissolution is not None and value.due is not None:
        latest = add(d.dissolution, value.due.plus)
        return Gate(
            id=rule.id,
            open=latest < as_of,
            until=latest,
            rule=reference,
            text=both(
                f"未写 dates.claims_end,按最迟的法定期限推算至{day(latest)}:{_text(rule).zh}",
                f"dates.claims_end is not set; the latest statutory clock runs to {day(latest)}: {_text(rule).en}",
            ),
        )
    return Gate(
        id=rule.id,
        open=False,
        until=None,
        rule=reference,
        text=both(
            f"未写 dates.claims_end 和 dates.dissolution,期限不明,不得作不可逆处置:{_text(rule).zh}",
            f"neither dates.claims_end nor dates.dissolution is set: {_text(rule).en}",
        ),
    )


def duties(packs: Packs, config: CaseConfig, as_of: dt.date, facts: frozenset[str], persons: int) -> tuple[Duty, ...]:
    """People's duties with due dates, earliest first; those without a date last."""
    d = config.dates
    events = {
        "dissolution": d.dissolution,
        "service_end": d.service_end,
        "deregistration": d.deregistration,
        "liquidation_closed": None,
    }
    found = [
        Duty(id=x.rule.id, due=x.due, text=_text(x.rule), rule=rule_ref(packs, x.rule, x.value), who=_who(x.rule))
        for x in duties_of(packs, as_of, events, facts, persons)
        if not x.rule.gate or x.rule.gate == "report"
    ]
    return tuple(sorted(found, key=lambda x: (x.due or dt.date.max, x.id)))


def _who(rule: Rule) -> str:
    return "counsel" if rule.kind in ("notice", "handover") else "supervisor" if ".audit" in rule.id else "operator"
