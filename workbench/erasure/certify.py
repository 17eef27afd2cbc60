"""CERTIFY: one certificate a disposal, opened before and closed after, signed by the operator.

A certificate says what was done and how far it is proven, in plain words, and what it does not cover.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import workbench
from workbench.erasure.model import (
    Certificate,
    DisposalResult,
    Hidden,
    Preflight,
    ScrubResult,
    StoreProof,
    TableProof,
    Verdict,
)
from workbench.erasure.place import COPYING, copies
from workbench.errors import VerificationError
from workbench.plan.model import Disposal, Plan, Text
from workbench.values import short

if TYPE_CHECKING:
    from workbench.case import Case
    from workbench.case.approvals import Approval

ABSENT: tuple[str, ...] = ()
LEVELS: dict[str, tuple[str, str]] = {
    "LOGICAL": ("逻辑级：查询不到这些行；未证明存储文件的字节中已不存在。",
                "Logical: no query finds these rows. Not shown: that the store's bytes no longer hold them."),
    "STORE_CLEAN": ("存储级：存储自身的全部文件中找不到任何样本值（删除前的阳性对照找得到）；未声明存储卷的空闲块。",
                    "Store: none of the sampled values is found in the store's own files, where the control taken before "
                    "found them. No claim is made about free blocks of the volume."),
    "FAILED": ("未达到：仍有残留或保留的数据有变。", "Not reached: something is left, or data that were to stay have changed."),
    "INCONCLUSIVE": ("无结论：没有有效的阳性对照，因此不作声明。", "Inconclusive: without a valid positive control no claim is made."),
    "KEPT": ("保留：这些行未被触动。", "Kept: these rows were not touched."),
    "TASK": ("待人工完成并附证据。", "To be done by a person, with evidence."),
    "STARTED": ("已开始，未结束。", "Started, not finished."),
    "NOT_STARTED": ("尚未开始。", "Not started."),
}


def verdict_of(d: Disposal, result: DisposalResult, tables: Iterable[TableProof], proof: StoreProof | None,
               hidden: Hidden | None = None) -> Verdict:
    """The level that one disposal reached. hidden: how well an anonymising one hides people, as measured."""
    if d.action in ("keep", "ask") or (d.action in ("lock", "anonymise") and not d.altered):
        bad = any(t.problem for t in tables if t.table == d.set.table)
        return "FAILED" if bad else "KEPT"
    if d.action == "destroy_medium":
        return "TASK"
    mine = [t for t in tables if t.table == d.set.table]
    going = d.action in ("erase", "hand_over")
    if not mine or any(t.problem for t in mine) or result.planned - result.refused != (
            result.deleted if going else result.suppressed):
        return "FAILED"
    if d.k and result.planned and (hidden is None or not hidden.enough):
        return "FAILED"
    if proof is None or d.level in ("none", "logical") or result.planned == 0:
        return "LOGICAL"
    columns = [c for c in proof.columns if c.table == d.set.table]
    if sum(c.residual_hits for c in columns) or (proof.verdict == "FAILED" and not columns):
        return "FAILED"
    if not proof.control_sha256 or "crash" in proof.note:
        return "INCONCLUSIVE"
    searched = [c for c in columns if c.needles]
    if not searched:
        return "LOGICAL"  # nothing in these rows is long enough to be told from chance
    return "STORE_CLEAN" if all(c.control_hits for c in searched) else "INCONCLUSIVE"


def too_clear(d: Disposal, result: DisposalResult) -> Text | None:
    """What to say of anonymised rows that hide people less well than the plan wants; None when they do, or nothing is wanted."""
    h = result.hidden
    if not d.k or not result.planned or (h is not None and h.enough):
        return None
    zh = f"测得 k = {h.k}" if h else "k 未能测得"
    en = f"k is {h.k}" if h else "k could not be measured"
    return Text(zh=f"未达到匿名化:{zh},计划要求 {d.k}。各列已概括或清除,但不得视为匿名化信息。",
                en=f"Not anonymised: {en}, and the plan wants {d.k}. Columns were made coarser or cleared, but the rows still "
                   "count as personal information.")


def open_certificate(case: Case, plan: Plan, approval: Approval, d: Disposal, result: DisposalResult, store: str,
                     at: str, volume: str = "", checks: Iterable[Preflight] = ()) -> Certificate:
    """The certificate before anything is destroyed."""
    name = short(hashlib.sha256(f"{case.id}|{approval.plan}|{d.id}".encode()).hexdigest())
    operator = case.operator()
    return Certificate(
        id=f"{case.id}-{d.id}-{name}", case_id=case.id, state="open", plan=approval.plan, disposal=d.id,
        approvers=approval.approvers, approval_entries=approval.entries, controller=case.config.case.company,
        operator=operator, people=tuple((p.id, p.name, tuple(p.roles)) for p in case.config.people
                                        if p.id in {operator, *approval.approvers}),
        place=case.config.case.place, store=store, volume=volume, table=d.set.table_id, action=d.action,
        categories=d.categories, deletion_class=" ".join(x for x in (
            d.retention_class, f"until {d.keep_until}" if d.keep_until else "") if x), receiver=d.receiver,
        method=d.method or ("Clear" if d.level == "store" else "Logical-only"), config=plan.config,
        generalised=d.generalise, legal_basis=tuple(f"{r.id}: {r.provision}" for r in d.rules), planned=result.planned, started=at,
        tool=f"winddown-workbench {workbench.__version__}", copies=tuple(copies(case, d, checks)))


def close_certificate(case: Case, opened: Certificate, d: Disposal, result: DisposalResult, proof: StoreProof | None,
                      tables: Iterable[TableProof], scrubs: Iterable[ScrubResult], at: str) -> Certificate:
    """The same certificate after proof, signed."""
    verdict = result.verdict
    columns = [c for c in proof.columns if c.table == d.set.table] if proof else []
    exceptions = ["free blocks of the volume", "memory and swap of the machines that ran the store"]
    if columns and any(c.needles and not c.control_hits for c in columns):
        exceptions.append("columns without a control hit: "
                          + ", ".join(sorted(c.column for c in columns if c.needles and not c.control_hits)))
    if result.refused:
        exceptions.append(f"{result.refused} rows left because rows that stay need them")
    if opened.volume.split(",")[0] in COPYING:
        exceptions.append("old blocks: this file system writes elsewhere instead of over them")
    keys = ["control key (HMAC-SHA-256, 256 bit): made for this run, in one file, overwritten and removed with its proof"] \
        if proof and proof.control_sha256 else []
    steps = [f"{s.step}: {s.command}" + ("" if s.done else " (not done)") for s in scrubs if not s.task]
    zh, en = LEVELS.get(verdict, ("", ""))
    if short_of := too_clear(d, result):
        zh, en = short_of.zh, short_of.en
    signer = case.signer(case.operator())
    body = opened.model_copy(update={
        "state": "closed", "deleted": result.deleted, "suppressed": result.suppressed, "archived": result.archived,
        "refused": result.refused, "ended": at,
        "technique": f"{result.strategy}: {result.reason}" if result.strategy else "", "steps": tuple(steps),
        "control_hits": sum(c.control_hits for c in columns), "residual_hits": sum(c.residual_hits for c in columns),
        "needles": sum(c.needles for c in columns),
        "bytes_scanned": sum(f.bytes for f in proof.files) if proof else 0,
        "encodings": proof.encodings if proof else (), "control_sha256": proof.control_sha256 if proof else "",
        "logical": all(not t.problem for t in tables if t.table == d.set.table), "exceptions": tuple(exceptions),
        "columns": tuple(columns), "files": proof.files if proof else (), "hidden": result.hidden, "keys": tuple(keys),
        "verified_at": proof.scanned_at if proof else "", "verdict": verdict, "level_zh": zh, "level_en": en,
        "key_id": signer.key_id, "public_pem": signer.public_pem,
        "signature": "",
    })
    return body.model_copy(update={"signature": signer.sign(body.canonical()).hex()})


def verify_certificate(certificate: Certificate, *, keys: Iterable[str], plan: str = "",
                       planned: dict[str, int] | None = None, seen: set[str] | None = None) -> None:
    """Refuse a certificate that does not prove what it says.

    Args:
        keys: ids of the keys that may sign (from the ledger); a certificate never vouches for its own key.
        plan: digest of the approved plan; empty: not compared.
        planned: disposal id -> rows, from the erasure's result.
        seen: ids met so far; a second certificate for the same disposal is refused.

    Raises:
        VerificationError: names the certificate and what is wrong with it.
    """
    from workbench.ledger.keys import key_id, parse_public, verify

    def refuse(what: str) -> VerificationError:
        return VerificationError(f"certificate {certificate.id}: {what}", "ask for the original", where=certificate.id)

    c = certificate
    if c.state != "closed":
        raise refuse("was opened and never closed")
    public = parse_public(c.public_pem)
    if key_id(public) != c.key_id or c.key_id not in set(keys):
        raise refuse("is signed with a key that this case does not know")
    body = c.model_copy(update={"signature": ""})
    try:
        signature = bytes.fromhex(c.signature)
    except ValueError:
        raise refuse("has a damaged signature") from None
    if not verify(public, signature, body.canonical()):
        raise refuse("was changed after it was signed")
    if plan and c.plan != plan:
        raise refuse("belongs to another plan")
    if len(set(c.approvers)) < 2:
        raise refuse("names fewer than two approvers")
    if c.verdict == "STORE_CLEAN" and not (c.control_sha256 and c.control_hits and c.needles):
        raise refuse("claims clean bytes without a positive control")
    if c.verdict == "STORE_CLEAN" and (c.residual_hits or not c.logical):
        raise refuse("claims clean bytes and counts residue")
    if c.verdict in ("STORE_CLEAN", "LOGICAL") and c.hidden is not None and not c.hidden.enough:
        raise refuse(f"claims a level, and its k is {c.hidden.k} where {c.hidden.wanted} was wanted")
    done = c.deleted if c.action in ("erase", "hand_over") else c.suppressed
    if c.verdict in ("STORE_CLEAN", "LOGICAL") and done + c.refused != c.planned:
        raise refuse(f"{c.planned} rows were planned, {done} done and {c.refused} refused")
    if planned is not None and planned.get(c.disposal) != c.planned:
        raise refuse("gives another number of planned rows than the erasure's result")
    if seen is not None:
        if c.id in seen:
            raise refuse("is there twice")
        seen.add(c.id)
