"""The plan as a pure function: inventory, findings, packs, case settings and a date in; ordered disposals out.

Service has stopped (PIPL 47(1)(2)), so everything personal is erased unless a rule keeps it; what a rule keeps is
locked (47(2)): sealed by the year its term ends, its personal columns cleared in the live row. Detail rows follow
their parent. People whom kept rows point at become tombstones. Holds beat everything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from workbench.case.config import CaseConfig, Hold
from workbench.classification.model import Finding, Findings
from workbench.errors import PlanError
from workbench.inventory import Inventory
from workbench.law import Packs
from workbench.law.dates import FOREVER
from workbench.law.query import Term, deletion_duties
from workbench.plan import columns as cols
from workbench.plan.anonymise import Asked, anonymised, asked, asked_of
from workbench.plan.bases import Band, Subject, bands, conflict, hard_limit, resolve
from workbench.plan.drafts import Draft, number, ref
from workbench.plan.gates import config_digest, duties, gates
from workbench.plan.graph import children_first, linked_tables
from workbench.plan.media import media
from workbench.plan.model import Condition, PackRef, Plan, RuleRef, Text
from workbench.plan.spans import DateSpan
from workbench.plan.texts import both, day, duty, join
from workbench.risk.evidence import Evidence
from workbench.sources.base import ForeignKey


def plan(
    inventory: Inventory,
    findings: Findings,
    packs: Packs,
    config: CaseConfig,
    as_of: dt.date,
    evidence: Sequence[Evidence] = (),
    spans: Sequence[DateSpan] = (),
) -> Plan:
    """The plan for one day. Same input in any order, same bytes.

    Raises:
        PlanError: case.toml names a record type or a date column that does not exist.
    """
    return Planner(inventory, findings, packs, config, as_of, evidence, spans).make(
        tuple(PackRef(id=i, version=v, sha256=h) for i, v, h in packs.refs())
    )


class Planner:
    """One planning run; :func:`plan` is its front door."""

    def __init__(
        self,
        inventory: Inventory,
        findings: Findings,
        packs: Packs,
        config: CaseConfig,
        as_of: dt.date,
        evidence: Sequence[Evidence],
        spans: Sequence[DateSpan],
    ) -> None:
        self.inventory, self.findings, self.packs, self.config = inventory, findings, packs, config
        self.as_of, self.evidence = as_of, evidence
        self.spans = {(s.source, s.table, s.column): s for s in spans}
        d = config.dates
        self.events = {"service_end": d.service_end, "dissolution": d.dissolution, "deregistration": d.deregistration}
        self.stop = d.service_end or as_of
        self.general = deletion_duties(packs, as_of)
        self.warnings: list[Text] = []
        self.asked = asked(config)
        self.subjects = self._subjects()
        self.reasons: dict[Draft, Text] = {}
        self.base: dict[str, list[Draft]] = {}
        self.children: dict[str, list[str]] = {}
        for id_, s in self.subjects.items():
            for parent in sorted({f"{s.table.source}.{k.ref_table}" for k in s.keys} - {id_}):
                self.children.setdefault(parent, []).append(id_)

    # -- what there is ------------------------------------------------------------------------------------------

    def _subjects(self) -> dict[str, Subject]:
        found: dict[tuple[str, str], list[Finding]] = {}
        for f in sorted(self.findings.findings, key=lambda f: (f.source, f.table, f.column, f.detector or "")):
            if f.detector:
                found.setdefault((f.source, f.table), []).append(f)
        profiles = {(p.source, p.table): p for p in self.findings.tables}
        links: dict[tuple[str, str], set[ForeignKey]] = {}
        for link in self.inventory.links:
            links.setdefault((link.source, link.table), set()).add(link.key)
        out = {}
        for t in sorted(self.inventory.tables, key=lambda t: (t.source, t.name)):
            key = (t.source, t.name)
            merged = {(k.columns, k.ref_table): k for k in (*links.get(key, ()), *t.foreign_keys)}
            s = Subject(t, tuple(found.get(key, ())), profiles.get(key), tuple(merged[k] for k in sorted(merged)))
            resolve(s, self.packs, self.config, self.as_of)
            s.holds = tuple(sorted(h.id for h in self.config.holds if self._covers(h, t.id)))
            out[t.id] = s
        return out

    def _covers(self, hold: Hold, table_id: str) -> bool:
        return (hold.until is None or hold.until >= self.as_of) and any(fnmatchcase(table_id, g) for g in hold.covers)

    # -- the run ------------------------------------------------------------------------------------------------

    def make(self, refs: tuple[PackRef, ...]) -> Plan:
        linked_tables(self.subjects)
        order = children_first(self.subjects)
        for level in reversed(order):  # parents first: details copy their bands
            for id_ in level:
                self.base[id_] = self._base(self.subjects[id_])
        final: dict[str, list[Draft]] = {k: list(v) for k, v in self.base.items()}
        for level in order:
            for id_ in level:
                final[id_] = self._split(self.subjects[id_], final)
        drafts = []
        for n, level in enumerate(order):
            for id_ in level:
                for d in final[id_]:
                    d.order = n
                    drafts.append(d)
        self._holds_cover()
        self._records_match()
        gate_list, not_before = gates(self.packs, self.config, self.as_of, self.findings, self.evidence)
        for d in drafts:
            if d.action in ("erase", "lock", "anonymise", "hand_over") and d.level != "none" and not_before:
                d.not_before = max(d.not_before, not_before) if d.not_before else not_before
            self.reasons[d] = join(d.why)
        disposals = number(drafts, self.reasons) + media(self.config, len(drafts), self.as_of, not_before)
        facts = self._facts(drafts)
        return Plan(
            case_id=self.config.case.id,
            as_of=self.as_of,
            inventory=self.inventory.digest,
            findings=self.findings.digest,
            config=config_digest(self.config),
            packs=refs,
            disposals=disposals,
            gates=gate_list,
            duties=duties(self.packs, self.config, self.as_of, facts, self.findings.persons),
            warnings=self._warnings(drafts),
        )

    def _holds_cover(self) -> None:
        """A hold that covers nothing is a slip of the pen, and the most dangerous one."""
        names = [t.id for t in self.inventory.tables] + [f"assets.{a.name}" for a in self.config.assets]
        for hold in self.config.holds:
            for pattern in hold.covers:
                if not any(fnmatchcase(n, pattern) for n in names):
                    raise PlanError(f"hold {hold.id} covers {pattern!r}, which is no table of this case",
                                    "write source.table as the inventory has it, or source.*")

    def _records_match(self) -> None:
        """As of holds: what was meant to be kept as a voucher would be erased as whatever its name suggests."""
        for spec in self.config.records:
            if not any(t.id == spec.table or fnmatchcase(t.id, spec.table) for t in self.inventory.tables):
                raise PlanError(f"[[records]] names {spec.table!r}, which is no table of this case",
                                "write source.table as the inventory has it, or source.*")
        for a in self.asked:
            if not any(t.id == a.table or fnmatchcase(t.id, a.table) for t in self.inventory.tables):
                raise PlanError(f"settings.plan.anonymise names {a.table!r}, which is no table of this case",
                                "write source.table as the inventory has it, or source.*")

    def _facts(self, drafts: list[Draft]) -> frozenset[str]:
        facts = set()
        if self.findings.minors:
            facts.add("minors")
        if any(d.action == "hand_over" for d in drafts):
            facts.add("hand_over")
        if any(a.kind == "partner" for a in self.config.assets):
            facts.add("partners")
        if self.config.case.reason == "bankruptcy":
            facts.add("bankruptcy")
        if any(f.category == "biometric" for s in self.subjects.values() for f in s.findings):
            facts.add("biometric")
        chosen = self.config.settings.get("plan", {})
        facts |= {w for w in ("simple_exit", "important_data") if chosen.get(w) is True}
        return frozenset(facts)

    # -- base sets ----------------------------------------------------------------------------------------------

    def _base(self, s: Subject) -> list[Draft]:
        if s.holds:
            held = self._held(s, s.holds)
            parent = self._parent(s)
            if parent is not None:  # details are needed as long as their parents are
                held.keep_until = max(
                    [held.keep_until or FOREVER, *(b.keep_until for b in self.base[parent[1].id] if b.keep_until)]
                )
            return [held]
        if not s.linked:
            return [self._plain(s)]
        receiver = self._receiver(s)
        if receiver:
            return [self._transferred(s, receiver)]
        if s.type and s.type.plain and s.type.id != "none":
            return [self._plain(s)]
        if any(t.keeps for t in s.terms):
            return self._bound(s)
        if any(t.value.max_term for t in s.terms):
            return [self._erased(s, s.terms, why_rows=s.table.rows)]
        above = self._parent(s)
        if above is not None:
            return self._following(s, *above)
        if s.declared and s.declared.type == "none" and not s.personal:
            return [self._plain(s)]
        return [self._erased(s, (), why_rows=s.table.rows)]

    def _as_asked(self, s: Subject, want: Asked, drafts: list[Draft]) -> list[Draft]:
        """Rows that nothing keeps stay anonymised where a person asked for it; what a duty seals of them is sealed first."""
        if not any(d.action in ("erase", "anonymise") for d in drafts):
            s.notes.append(both(f"{s.id}:没有可匿名化的行,settings.plan.anonymise 对它不起作用。",
                                f"{s.id}: no row of it may be anonymised, so settings.plan.anonymise changes nothing there."))
        return [anonymised(d, want) if d.action in ("erase", "anonymise") else d for d in drafts]

    def _receiver(self, s: Subject) -> str:
        """Who takes the table over, by settings.plan.receivers (pattern = receiver)."""
        named = self.config.settings.get("plan", {}).get("receivers", {})
        if not isinstance(named, dict):
            raise PlanError("settings.plan.receivers must be a table", 'write receivers = {"shop.orders" = "New Co"}')
        hits = [str(v) for g, v in sorted(named.items()) if fnmatchcase(s.id, g)]
        return hits[0] if hits else ""

    def _transferred(self, s: Subject, receiver: str) -> Draft:
        rule = self.packs.rule("cn.closing.receiver_notice")
        value = rule.at(self.as_of) if rule else None
        refs = (ref(self.packs, Term(rule, value, ())),) if rule and value else ()
        return Draft(
            s,
            "hand_over",
            rows=s.table.rows,
            receiver=receiver,
            rules=refs + self._general_refs(s),
            retention_class=f"handover/{self.as_of.year}",
            why=[
                both(
                    f"整体移转给{receiver};移转前告知个人接收方的名称和联系方式,目的改变须重新取得同意。",
                    f"Handed over to {receiver}; before it, tell the persons the receiver's name and contact; "
                    "a new purpose needs new consent.",
                )
            ],
        )

    def _plain(self, s: Subject) -> Draft:
        certain = tuple(dict.fromkeys(f.column for f in s.findings if f.confidence == "high"))
        clear = tuple(c for c in certain if c not in s.structural)
        if clear:
            return Draft(
                s,
                "anonymise",
                suppress=clear,
                rows=s.table.rows,
                rules=self._general_refs(s),
                why=[
                    both(
                        f"参照数据保留;其中确认的个人信息列({'、'.join(clear)})清除。",
                        f"Reference data stay; the columns in which personal information is certain ({', '.join(clear)}) are cleared.",
                    )
                ],
            )
        if s.personal:
            s.notes.append(
                both(
                    f"{s.id}:有不确定的个人信息迹象({'、'.join(s.personal)}),按参照数据保留,请复核。",
                    f"{s.id}: uncertain signs of personal information ({', '.join(s.personal)}); kept as "
                    "reference data, please review.",
                )
            )
        return Draft(
            s,
            "keep",
            level="none",
            method="",
            rows=s.table.rows,
            why=[both("未发现个人信息,也不指向个人。", "Nothing personal was found in it and it points at no person.")],
        )

    def _held(self, s: Subject, ids: Iterable[str]) -> Draft:
        """One line for everything a hold covers; a longer statutory term still stands behind it."""
        holds = [h for h in self.config.holds if h.id in set(ids)]
        ends = [h.until or FOREVER for h in holds]
        until = max(ends, default=FOREVER)
        terms = [t for t in s.terms if t.keeps and t.value.min_term != "inherit"]
        bound = [b.until for b in bands(s, self.as_of, self.events, None) if b.until] if terms else []
        names = tuple(sorted(h.id for h in holds))
        return Draft(
            s,
            "lock",
            holds=names,
            level="none",
            method="",
            rows=s.table.rows,
            keep_until=max([until, *bound]),
            not_before=until + dt.timedelta(1) if until < FOREVER else FOREVER,
            retention_class=f"hold.{names[0]}/{until.year}",
            rules=tuple(ref(self.packs, t) for t in terms),
            why=[
                both(
                    f"保全令 {'、'.join(names)} 覆盖这些行,至{day(until)}不作任何清除;只存储和保护。",
                    f"Hold {', '.join(names)} covers these rows; nothing is cleared until {day(until)}, "
                    "only stored and protected.",
                )
            ],
        )

    def _erased(
        self,
        s: Subject,
        terms: Sequence[Term],
        where: tuple[Condition, ...] = (),
        why_rows: int | None = None,
        band: Band | None = None,
    ) -> Draft:
        rules = tuple(ref(self.packs, t) for t in terms) + self._general_refs(s)
        d = Draft(s, "erase", where=where, band=band, rules=rules, rows=why_rows, delete_by=self.stop)
        limits = [
            hard
            for t in terms
            if band and band.last and not t.rule.yields and (hard := t.delete_by(band.last, self.stop))
        ]
        if band is not None and band.last is not None and terms:
            ends = [k for t in terms if t.keeps and (k := t.keep_until(band.last))]
            last = max(ends) if ends else None
            if last and last < self.as_of:
                d.delete_by = max(self.stop, last + dt.timedelta(1)) if not limits else min(limits)
            zh = "、".join(t.rule.names.zh for t in terms if t.keeps)
            en = ", ".join(t.rule.names.en for t in terms if t.keeps)
            d.why.append(
                both(f"{zh}的保存期在{day(self.as_of)}前已满。", f"The term of {en} ran out before {day(self.as_of)}.")
            )
        elif s.type is not None and s.type.id not in ("none", "detail"):
            d.why.append(
                both(
                    f"按“{s.type.names.zh}”理解,无法定保存期。",
                    f"Read as {s.type.names.en.lower()}: no statute keeps it.",
                )
            )
        elif not s.personal:
            d.why.append(both("各行属于要删除的个人。", "Its rows belong to persons who are erased."))
        d.why.append(self._stopped(s))
        if s.guess and not s.declared:
            d.why.append(_guessed(s))
        return d

    def _stopped(self, s: Subject) -> Text:
        cited = [t for t in self.general if t.rule.applies_to.person != "child" or s.minors]
        zh = "、".join(self.packs.cite(t.value, "zh") for t in cited)
        en = "; ".join(self.packs.cite(t.value, "en") for t in cited)
        child = both("其中有不满14周岁儿童。", "Children under 14 are among them.") if s.minors else both("", "")
        return join(
            (
                both(
                    f"服务于{day(self.stop)}停止,应主动删除({zh})。",
                    f"Service stopped on {day(self.stop)}: delete of own motion ({en}).",
                ),
                child,
            )
        )

    def _general_refs(self, s: Subject) -> tuple[RuleRef, ...]:
        return tuple(ref(self.packs, t) for t in self.general if t.rule.applies_to.person != "child" or s.minors)

    def _bound(self, s: Subject) -> list[Draft]:
        span = self.spans.get((s.table.source, s.table.name, s.date)) if s.date else None
        handover = self._handover(s)
        out = []
        for band in bands(s, self.as_of, self.events, span):
            if band.until is None or band.until < self.as_of:
                out.append(self._erased(s, s.terms, band.where, band.rows, band))
                continue
            clash = conflict(s, band, self.stop)
            if clash is not None:
                out.append(self._asked(s, band, *clash))
                continue
            out.append(self._locked(s, band, handover))
        return out

    def _handover(self, s: Subject) -> Term | None:
        assert s.type is not None
        pairs = [p for p in self.packs.binding(s.type.id, self.as_of, "handover") if not p[0].plan_only]
        return Term(*pairs[0], ()) if pairs else None

    def _asked(self, s: Subject, band: Band, t: Term, by: dt.date) -> Draft:
        assert band.winner is not None
        return Draft(
            s,
            "ask",
            where=band.where,
            band=band,
            level="none",
            method="",
            rows=band.rows,
            keep_until=band.until,
            delete_by=by,
            rules=tuple(ref(self.packs, x) for x in s.terms),
            why=[
                both(
                    f"期限冲突:{band.winner.rule.names.zh}要求保存至{day(band.until)},{t.rule.names.zh}要求在{day(by)}前删除;由人决定,在此之前不动。",
                    f"Clocks conflict: {band.winner.rule.names.en} wants it kept through {day(band.until)}, {t.rule.names.en} wants it "
                    f"gone by {day(by)}; a person decides and nothing happens before.",
                )
            ],
        )

    def _locked(self, s: Subject, band: Band, handover: Term | None) -> Draft:
        assert band.winner is not None
        assert band.until is not None
        keeping = [t for t in s.terms if t.keeps]
        d = Draft(
            s,
            "hand_over" if handover else "lock",
            where=band.where,
            band=band,
            rows=band.rows,
            keep_until=band.until,
            retention_class=f"{band.winner.rule.id}/{band.until.year}",
            rules=tuple(ref(self.packs, t) for t in keeping) + ((ref(self.packs, handover),) if handover else ()),
            keep_columns=cols.sealed(s, band),
            suppress=cols.cleared(s, {c.column for c in band.where}),
            party=bool(s.type and s.type.party),
        )
        d.delete_by = hard_limit(s, band, self.stop) or (band.until + dt.timedelta(1) if band.until < FOREVER else None)
        d.why += [duty(t, self.packs.cite(t.value, "zh"), self.packs.cite(t.value, "en")) for t in keeping]
        if handover:
            d.receiver = handover.rule.receiver.en if handover.rule.receiver else ""
            zh = handover.rule.receiver.zh if handover.rule.receiver else ""
            d.suppress = ()
            d.keep_columns = ()
            d.why.append(
                both(
                    f"公司终止时移交{zh}({self.packs.cite(handover.value, 'zh')}),不得自行删除。",
                    f"On closing it is handed over to {d.receiver} ({self.packs.cite(handover.value, 'en')}), not deleted.",
                )
            )
            return d
        d.why.append(self._kept(s, band, d))
        if len([t for t in keeping if t.value.min_term != "inherit"]) > 1:
            d.why.append(
                both(
                    f"多条规则并存,从最长者:{band.winner.rule.id}。",
                    f"Several rules bind; the longest wins: {band.winner.rule.id}.",
                )
            )
        if not s.date:
            d.why.append(
                both(
                    "数据中没有起算日期,按最迟可能的日期计算。",
                    "The data hold no start date; the latest possible one is taken.",
                )
            )
        if s.guess and not s.declared:
            d.why.append(_guessed(s))
        return d

    def _kept(self, s: Subject, band: Band, d: Draft) -> Text:
        gone = [c for c in s.personal if c in d.suppress and d.keep_columns and c not in d.keep_columns]
        text = both(
            f"按类别密封至{day(band.until)},期间只存储和保护。",
            f"Sealed by class through {day(band.until)}; until then only stored and protected.",
        )
        if gone:
            text = join(
                (
                    text,
                    both(
                        f"该义务不需要的列({'、'.join(gone)})不封存,直接清除。",
                        f"Columns the duty does not need ({', '.join(gone)}) are not sealed but cleared.",
                    ),
                )
            )
        return text

    # -- details ------------------------------------------------------------------------------------------------

    def _parent(self, s: Subject) -> tuple[ForeignKey, Subject] | None:
        """The bound parent that detail rows follow: the first key to a table that a rule or a hold keeps."""
        if not (s.type and s.type.detail) and s.personal:
            return None
        options = []
        for k in s.keys:
            p = self.subjects.get(f"{s.table.source}.{k.ref_table}")
            if p is None or p is s or not p.linked or p.id not in self.base:
                continue
            if p.holds or any(t.keeps for t in p.terms) or p.follows:
                options.append((k, p))
        return options[0] if options else None

    def _following(self, s: Subject, key: ForeignKey, parent: Subject) -> list[Draft]:
        s.follows = (key, parent.id)
        column = ",".join(key.columns)
        out = []
        for b in self.base[parent.id]:
            d = Draft(
                s,
                b.action,
                at=[("parent_in", column, (b,))],
                rules=b.rules,
                keep_until=b.keep_until,
                retention_class=b.retention_class,
                delete_by=b.delete_by,
                holds=b.holds,
                level=b.level,
                method=b.method,
                receiver=b.receiver,
                not_before=b.not_before,
            )
            if b.action == "lock" and b.level != "none":
                d.suppress = cols.cleared(s, set())
                d.keep_columns = cols.sealed(s, None)
            if b.action == "anonymise":
                d.suppress = cols.cleared(s, set())
            d.why.append(
                both(f"明细行随主表 {parent.table.name} 处置。", f"Detail rows share the fate of {parent.table.name}.")
            )
            d.why += b.why
            out.append(d)
        out.append(
            Draft(
                s,
                "erase",
                where=(Condition(column=column, op="parent_gone", value=parent.table.name),),
                rules=self._general_refs(s),
                delete_by=self.stop,
                why=[
                    both(f"主表 {parent.table.name} 中没有对应行。", f"No row of {parent.table.name} belongs to it."),
                    self._stopped(s),
                ],
            )
        )
        return out

    # -- who is still pointed at --------------------------------------------------------------------------------

    def _split(self, s: Subject, final: dict[str, list[Draft]]) -> list[Draft]:
        pointing = [d for child in self.children.get(s.id, ()) for d in final[child] if d.stays]
        want = asked_of(s, self.asked)
        if not pointing:
            return final[s.id] if want is None else self._as_asked(s, want, final[s.id])
        held = tuple(d for d in pointing if d.holds)
        own_term = any(t.keeps for t in s.terms)  # a record of its own, not the person that a record names
        party = () if own_term else tuple(d for d in pointing if d.party and d.action == "lock" and not d.holds)
        if want is not None and not held and not party:  # no row leaves, whether it is pointed at or not
            return self._as_asked(s, want, final[s.id])
        out: list[Draft] = []
        for d in final[s.id]:
            if d.holds:  # a hold that ends does not end what kept records still need
                d.keep_until = max([d.keep_until or FOREVER, *(x.keep_until for x in (*party, *held) if x.keep_until)])
            out += (
                self._tombstones(d, held, party, len(pointing) > len(held) + len(party)) if d.action == "erase" else [d]
            )
        return out if want is None else self._as_asked(s, want, out)

    def _tombstones(self, d: Draft, held: tuple[Draft, ...], party: tuple[Draft, ...], others: bool) -> list[Draft]:
        s = d.subject
        out, rest = [], []
        used = {c.column for c in d.where} | {c for _, col, _ in d.at for c in col.split(",")}
        if held:
            names = sorted({h for x in held for h in x.holds})
            h = self._held(s, names)
            h.where, h.at, h.origin, h.rows = d.where, [*d.at, ("referenced", "", held)], d, None
            h.keep_until = max([h.keep_until or FOREVER, *(x.keep_until for x in held if x.keep_until)])
            h.why.append(both("被保全的记录指向这些行。", "Held records point at these rows."))
            out.append(h)
            rest.append(("unreferenced", "", held))
        if party:
            out.append(self._named(d, party, rest, used))
            rest = [*rest, ("unreferenced", "", party)]
        clear = cols.tombstone(s, used)
        t = Draft(
            s,
            "anonymise",
            where=(*d.where, Condition(op="referenced")),
            at=[*d.at, *rest],
            suppress=clear,
            origin=d,
            rules=d.rules,
            delete_by=d.delete_by,
            why=[
                both(
                    "仍有保留的记录指向这些行:清除其内容,只留编号。",
                    "Rows that stay still point here: the content is cleared, only the key remains.",
                ),
                *d.why,
            ],
        )
        e = Draft(
            s,
            "erase",
            where=(*d.where, Condition(op="unreferenced")),
            at=list(d.at),
            origin=d,
            rules=d.rules,
            delete_by=d.delete_by,
            why=[both("没有保留的记录指向这些行。", "No row that stays points here."), *d.why],
        )
        keys = [
            c
            for c in s.personal
            if c in s.structural and any(f.column == c and f.confidence == "high" for f in s.findings)
        ]
        if keys:
            s.notes.append(
                both(
                    f"{s.id}:主键或外键列({'、'.join(keys)})含个人信息,保留行会留下它;请改用替代编号。",
                    f"{s.id}: key columns ({', '.join(keys)}) hold personal information that tombstones keep; "
                    "replace them with surrogate keys.",
                )
            )
        return [*out, t, e] if others else [*out, e]

    def _named(
        self, d: Draft, party: tuple[Draft, ...], rest: list[tuple[str, str, tuple[Draft, ...]]], used: set[str]
    ) -> Draft:
        """People whom a kept voucher or order names: only the name is sealed with it."""
        s = d.subject
        longest = max(party, key=lambda x: (x.keep_until or dt.date.min, x.retention_class))
        tables = sorted({x.subject.table.name for x in party})
        return Draft(
            s,
            "lock",
            where=d.where,
            at=[*d.at, *rest, ("referenced", "", party)],
            origin=d,
            keep_until=longest.keep_until,
            retention_class=longest.retention_class,
            rules=longest.rules,
            suppress=cols.tombstone(s, used),
            keep_columns=cols.party_columns(s, party),
            party=False,
            delete_by=longest.delete_by,
            why=[
                both(
                    f"保存中的 {'、'.join(tables)} 指向这些行:只把对方名称随其封存至{day(longest.keep_until)},其余内容清除,只留编号。",
                    f"Kept rows of {', '.join(tables)} point here: only the party's name is sealed with them through "
                    f"{day(longest.keep_until)}, the rest is cleared and the key remains.",
                ),
                *longest.why,
            ],
        )

    # -- warnings -----------------------------------------------------------------------------------------------

    def _warnings(self, drafts: list[Draft]) -> tuple[Text, ...]:
        out = [n for s in self.subjects.values() for n in s.notes]
        for s in self.subjects.values():
            if s.guess and not s.declared and s.linked and any(t.keeps for t in s.terms):
                out.append(join((both(f"{s.id}:", f"{s.id}:"), _guessed(s))))
        for id_ in sorted({f"{t.source}.{t.file}" for t in self.inventory.tables if t.file and t.format in ("sqlite", "duckdb")}):
            out.append(
                both(
                    f"{id_} 是文件夹中的数据库:只能整个删除;要逐行处置,请在 case.toml 中单列为数据源(url)并移出该文件夹。",
                    f"{id_} is a database inside a folder: it can only be erased whole; to go by rows, name it as a source of "
                    "its own (url) in case.toml and move it out of the folder.",
                )
            )
        for u in self.inventory.unreadable:
            out.append(
                both(
                    f"{u.source} 中有一项无法读取({u.reason}),不在计划内。",
                    f"An item of {u.source} could not be read ({u.reason}) and is not in the plan.",
                )
            )
        if self.config.dates.service_end is None:
            out.append(
                both(
                    "case.toml 未写 dates.service_end,按计划日处理。",
                    "dates.service_end is not set in case.toml; the plan's day is taken.",
                )
            )
        ids = sorted({r.id for d in drafts for r in d.rules})
        unsigned = [i for i in ids if (r := self.packs.rule(i)) and not r.review.by]
        if unsigned:
            weak = self.packs.weakest(unsigned, self.as_of)
            out.append(
                both(
                    f"所用 {len(unsigned)} 条规则均未经律师签核;最低可信度 {weak}:{'、'.join(unsigned)}。",
                    f"{len(unsigned)} rules used are not signed off by a lawyer; least confidence {weak}: {', '.join(unsigned)}.",
                )
            )
        return tuple(sorted(set(out), key=lambda t: t.en))


def _guessed(s: Subject) -> Text:
    assert s.type is not None
    extra_zh = f",日期列取 {s.date}" if s.date and s.date_guessed else ""
    extra_en = f", date column {s.date}" if s.date and s.date_guessed else ""
    return both(
        f"由名称中的“{s.guess}”推定为{s.type.names.zh}{extra_zh}(推定,可在 [[records]] 更正)。",
        f"Taken to be {s.type.names.en.lower()} from the word '{s.guess}' in its name{extra_en} (a guess; correct it in [[records]]).",
    )
