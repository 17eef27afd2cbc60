"""Step 0: the case is put on record: who closes, why, when, where; people and the keys they sign with."""

from __future__ import annotations

import hashlib

from workbench.case.case import Case
from workbench.case.config import CaseConfig
from workbench.values import Value


class Opened(Value):
    """A case as it was put on record."""

    case_id: str
    company: str
    reason: str
    place: str
    at: str
    people: tuple[tuple[str, str, str], ...]
    """(person id, roles, key id)"""
    sources: tuple[str, ...]
    holds: tuple[str, ...]
    config: str
    """SHA-256 of case.toml"""


def open_record(case: Case) -> Opened:
    """Register people's keys, note holds and sources, save the case's digest. Run again after case.toml changed."""
    with case.step("case") as run:
        cfg: CaseConfig = case.config
        keys = {owner: kid for kid, (owner, _) in case.ledger.keys.items() if kid not in case.ledger.revoked}
        value = Opened(
            case_id=case.id, company=cfg.case.company, reason=cfg.case.reason, place=cfg.case.place, at=case.now(),
            people=tuple((p.id, ",".join(p.roles), keys.get(p.id, "")) for p in cfg.people),
            sources=tuple(s.name for s in cfg.sources), holds=tuple(h.id for h in cfg.holds),
            config=hashlib.sha256((case.folder / "case.toml").read_bytes()).hexdigest())
        case.save(value)
        run.note(people=len(cfg.people), sources=len(cfg.sources), holds=len(cfg.holds))
        return value
