"""STATEMENTS: what the ledger of a case must hold beyond signatures: outcomes to intents, approvals before execution,
certificates that agree with the run, outside anchors, a clock that runs one way.

Each function returns a short detail, or raises naming the entry.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import VerificationError
from workbench.ledger import Ledger, anchor

if TYPE_CHECKING:
    from workbench.erasure import Erasure
    from workbench.ledger import Entry


def outside(ledger: Ledger) -> str:
    """Cosignatures and time stamps that came along, each checked; says so when there is none."""
    found = anchor.anchors(ledger)
    if not found:
        return ("none: no witness and no time-stamp authority has seen this ledger; whoever holds the log's key could have "
                "dropped its newest entries")
    return "; ".join(f"{a.by} saw the first {a.size} of {len(ledger)} entries at {a.at}" for a in found)


def clocks(ledger: Ledger) -> str:
    """Times of entries never run back."""
    anchor.clocks(ledger)
    return ""


def intents(ledger: Ledger) -> str:
    closed: set[int] = set()
    intents: dict[int, str] = {}
    for e in ledger.of_type("step/v1"):
        p = e.predicate
        if p["phase"] == "intent":
            intents[e.seq] = p["step"]
            closed.update(p.get("resumes", []))
        else:
            if intents.get(p["intent"]) != p["step"]:
                what = f"ledger entry {e.seq} is an outcome without its intent"
                raise VerificationError(what, where=f"entry {e.seq}")
            closed.add(p["intent"])
    left = sorted(set(intents) - closed)
    # the step that packs the bundle is under way while it is packed
    left = [s for s in left if intents[s] != "archive" or s != max(intents)]
    if left:
        raise VerificationError(f"ledger entry {left[0]} says that step {intents[left[0]]} began; nothing says how it "
                                "ended", where=f"entry {left[0]}")
    return f"{len(intents)} steps"


def approvals(ledger: Ledger) -> str:
    """Every run that carried out a plan, also one that failed, began under two people's standing approvals.

    Roles are what the log's own key registered before; an approval counts until it expires; an objection stops until
    it is lifted.
    """
    runs = [e for e in ledger.of_type("step/v1") if e.predicate["phase"] == "outcome"
            and e.predicate["step"] == "erase" and e.predicate["materials"].get("plan")
            and _touched(ledger, e.predicate["materials"]["plan"], e.seq)]
    for run in runs:
        intent = ledger.entries[run.predicate["intent"]]
        plan = run.predicate["materials"]["plan"]
        maker = {e.predicate["person"] for e in ledger.of_type("step/v1") if e.subjects.get("plan") == plan}
        able: set[str] = set()
        signed: dict[str, str] = {}
        objecting: set[str] = set()
        for e in ledger.entries[: intent.seq]:
            p = e.predicate
            if e.type in ("key/v1", "roles/v1") and "roles" in p:
                (able.add if "approver" in p["roles"] else able.discard)(p["owner"])
            if e.type != "approval/v1" or e.subjects.get("plan") != plan:
                continue
            if ledger.keys[e.key_id][0] != p["person"]:
                raise VerificationError(f"ledger entry {e.seq} approves in another's name", where=f"entry {e.seq}")
            if p["decision"] == "approve" and p["expires"] > intent.predicate["at"]:
                signed[p["person"]] = e.key_id
            elif p["decision"] == "object":
                objecting.add(p["person"])
            elif p["decision"] == "lift":
                objecting.discard(p["person"])
        if len({k for person, k in signed.items() if person in able and person not in maker}) < 2:
            raise VerificationError(f"ledger entry {run.seq} carried out a plan that two people had not approved",
                                    where=f"entry {run.seq}")
        if objecting:
            raise VerificationError(f"ledger entry {run.seq} carried out a plan to which {sorted(objecting)[0]} objected",
                                    where=f"entry {run.seq}")
    return f"{len(runs)} executed plans"


def _touched(ledger: Ledger, plan: str, before: int) -> bool:
    """Whether certificates were opened for ``plan`` before entry ``before``: from then on rows may be gone."""
    return any(e.type == "certificates/v1" and e.seq < before and e.subjects.get("plan") == plan for e in ledger.entries)


def certificates(ledger: Ledger, data: Path) -> str:
    """Every certificate is closed, signed by a key of this case, and agrees with the run that it certifies."""
    from workbench.erasure import Certificates, Erasure, verify_certificate

    def value(digest_: str) -> bytes:
        return (data / "values" / f"{digest_}.json").read_bytes()

    runs = [(e, Erasure.from_bytes(value(d))) for e in ledger.entries for name, d in e.subjects.items()
            if name.partition("#")[0] == Erasure.kind and e.predicate.get("result", "done") == "done"]
    found = 0
    for entry, run in runs:
        counts_agree(entry, run)
        if run.dry_run or not run.certificates:
            continue
        seen: set[str] = set()
        planned = {d.disposal: d.planned for d in run.disposals}
        for certificate in Certificates.from_bytes(value(run.certificates)).certificates:
            verify_certificate(certificate, keys=ledger.standing(entry.seq), plan=run.plan, planned=planned,
                               seen=seen)
            found += 1
    return f"{found} certificates"


def quarantine(ledger: Ledger) -> str:
    for e in ledger.of_type("quarantine/v1"):
        if not any(r.seq > e.seq and r.predicate["result"] == "done" and r.predicate["step"] == e.predicate["step"]
                   for r in ledger.of_type("record/v1")):
            raise VerificationError("a record was quarantined and never made again", where=f"entry {e.seq}")
    return ""




def counts_agree(entry: Entry, run: Erasure) -> None:
    """The counts that an outcome tells are those of the value it signed for."""
    told = entry.predicate.get("counts", {})
    for name in ("deleted", "archived", "suppressed"):
        want = sum(getattr(d, name) for d in run.disposals)
        if name in told and told[name] != want:
            raise VerificationError(f"ledger entry {entry.seq} tells of {told[name]} rows {name}, its value of {want}",
                                    where=f"entry {entry.seq}")
