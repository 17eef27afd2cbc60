"""SQLJOB: one database from selection to proof, phase by phase; each phase is written down before the next begins."""
# ruff: noqa: S608  (identifiers come from the catalogue and are quoted; values are bound or checked)

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.erasure import coarse, execute, logical, technique
from workbench.erasure.hidden import columns_of, hidden_of, measure_batches
from workbench.erasure.job import Job, Phase
from workbench.erasure.model import (
    DisposalResult,
    Preflight,
    ScrubResult,
    StoreProof,
    TableProof,
)
from workbench.erasure.needles import Hunt, Sampler, again, choose, compare
from workbench.erasure.pace import Pace, limits
from workbench.erasure.selection import Line, Selection, Unlink, select, table_order
from workbench.erasure.sqlstore import JOURNAL, SqlStore
from workbench.erasure.strategy import Choice, fitted, shipped
from workbench.errors import ErasureError
from workbench.plan.model import Generalisation

if TYPE_CHECKING:
    from workbench.vault.vault import Vault

SAMPLE = 4_000
"""rows read for needles, per disposal"""


class SqlJob(Job):
    """Erasure of one database source."""

    def __init__(self, context: Any, store: SqlStore) -> None:
        super().__init__(context)
        self.store = store
        self.engine = store.engine
        self.rates = fitted(self.case.private("erasure-private")) or shipped()
        self.choices: dict[str, Choice] = {}

    def open(self) -> None:
        self.store.open()
        self._found_links()
        if self.phase >= Phase.SELECTED:
            self.sel = self._stored()
        self.store.prepare()

    def close(self) -> None:
        self.store.close()

    def _found_links(self) -> None:
        """Links that the inventory found in the data count for conditions, as they did for the plan; they bind no row."""
        from workbench.inventory import Inventory

        inventory = self.case.find(Inventory)
        for link in inventory.links if inventory is not None else ():
            table = self.store.tables.get(link.table)
            if link.source != self.name or table is None or link.key.declared or link.key.ref_table not in self.store.tables:
                continue
            known = {(k.columns, k.ref_table) for k in table.foreign_keys}
            if (link.key.columns, link.key.ref_table) not in known:
                keys = (*table.foreign_keys, link.key)
                self.store.tables[link.table] = table.model_copy(update={"foreign_keys": keys})

    # -- selection -------------------------------------------------------------------------------------------

    def survey(self) -> list[DisposalResult]:
        """Counts by the same selection, rolled back: a dry run changes nothing."""
        self.store.begin()
        try:
            self.sel = select(self.store, self.disposals)
            self.choices = technique.choices(self.store, self.sel, self.rates, limits(self.case).strategy)
            return self.results()
        finally:
            self.store.rollback()
            self.store.forget()

    def release(self) -> None:
        self.store.release()

    def clear(self) -> None:
        self.store.begin()
        self.store.finish_copy()
        for work in self.store.work_tables():
            self.store.drop(work)
        self.store.commit()

    def choose(self) -> None:
        self.store.begin()
        try:
            self.sel = select(self.store, self.disposals)
            self.store.commit()
        except BaseException:
            self.store.rollback()
            raise
        execute.rehearse(self.store, self.sel)
        self.state["lines"] = [{"work": x.work, "rows": x.rows, "refused": x.refused, "links": x.links_cleared}
                               for x in self.sel.lines]
        self.choices = technique.choices(self.store, self.sel, self.rates, limits(self.case).strategy)
        self.state["techniques"] = {t: c.dump() for t, c in self.choices.items()}
        self.state["unlinks"] = [asdict(u) for u in self.sel.unlinks]
        self.state["totals"] = self.sel.totals

    def _stored(self) -> Selection:
        groups, cyclic = table_order(self.store)
        lines = [Line(d, s["work"], s["rows"], s["refused"], s["links"])
                 for d, s in zip(self.disposals, self.state["lines"], strict=True)]
        self.choices = {t: Choice(**c) for t, c in self.state.get("techniques", {}).items()}
        unlinks = [Unlink(**(u | {"columns": tuple(u["columns"])})) for u in self.state["unlinks"]]
        return Selection(lines, unlinks, [t for g in groups for t in g], cyclic, self.state["totals"])

    def results(self) -> list[DisposalResult]:
        done = self.state.get("counts", {})
        out = []
        for line in self.sel.lines:
            d = line.disposal
            mine = done.get(d.id, {})
            cleared = sum(u.rows for u in self.sel.unlinks if u.parent == d.set.table and line.goes)
            strategy, zh, en, seconds = technique.of_line(self.store, self.sel, line, self.rates, self.choices)
            out.append(DisposalResult(
                disposal=d.id, source=self.name, table=d.set.table, action=d.action, planned=line.rows + line.refused,
                deleted=mine.get("deleted", 0), suppressed=mine.get("suppressed", 0),
                archived=self.state.get("archived", {}).get(d.id, 0), refused=line.refused, links_cleared=cleared,
                strategy=strategy, reason=en, reason_zh=zh, seconds_estimated=seconds))
        return out

    def preflight(self) -> Iterator[Preflight]:
        yield from self.store.preflight(self.sel.touched())
        yield from technique.preflight(self.name, self.store, self.sel, self.rates, self.choices)

    # -- archive ---------------------------------------------------------------------------------------------

    def seal(self, vault: Vault) -> None:
        from workbench.vault.archive import add_rows

        archived = self.state.setdefault("archived", {})
        for line in self.sel.lines:
            d = line.disposal
            if d.action not in ("lock", "hand_over") or not line.rows:
                continue
            table = self.store.tables[d.set.table]
            columns = d.keep_columns or tuple(c.name for c in table.columns)
            sealed = add_rows(vault, self.store.arrow(d.set.table, columns, line.work), disposal=d.id,
                              source=self.name, table=d.set.table, retention_class=d.retention_class or
                              (f"hand-over/{d.receiver}" if d.receiver else ""), columns=columns,
                              keep_until=d.keep_until.isoformat() if d.keep_until else "", plan=self.plan)
            if sealed.rows != line.rows:
                raise ErasureError(f"{d.id}: {sealed.rows} rows are in the archive and {line.rows} are to be sealed",
                                   "nothing was erased; the source changed: make plan and backup again")
            archived[d.id] = sealed.rows

    # -- control ---------------------------------------------------------------------------------------------

    def control(self) -> None:
        cleared = self._cleared()
        before = self._observe(staying=True, cleared=cleared)
        self.state["before"] = {t: s.dump() for t, s in before.items()}
        self.store.flush()
        samplers = self._samplers()
        needles, shared = choose(samplers, self._kept_text())
        hunt = Hunt(needles)
        hunt.scan(self.store.files())
        small = {(s.table, s.column): s.small for s in samplers}
        columns = [(s.table, s.column) for s in samplers]
        self.state["control_sha256"] = self.notes.save(hunt, shared, small, self.case.now(), columns)
        self._needles = needles

    def _samplers(self) -> list[Sampler]:
        key, out = self.notes.key(), []
        for line in self.sel.lines:
            d = line.disposal
            columns = self._own(d.set.table, (c.name for c in self.store.tables[d.set.table].columns) if line.goes else d.altered)
            steps = {} if line.goes else {g.column: g for g in d.coarser}
            if not columns or not line.rows or not line.changes:
                continue
            mine = [Sampler(key, d.set.table, c, self.store.forms_for(d.set.table, c)) for c in columns]
            for block in self.store.sample(d.set.table, columns, line.work, line.rows, SAMPLE):
                for i, sampler in enumerate(mine):
                    sampler.add(_told([row[i] for row in block], steps.get(columns[i])))
            for sampler in mine:
                if sampler.needles():
                    sampler.must(_told(self.store.ends(d.set.table, sampler.column, line.work), steps.get(sampler.column)))
            out += mine
        merged: dict[tuple[str, str], Sampler] = {}
        for s in out:  # two disposals of one table share a sampler
            first = merged.setdefault((s.table, s.column), s)
            if first is not s:
                first.merge(s)
        return list(merged.values())

    def _own(self, table: str, columns: Iterable[str]) -> list[str]:
        """Without generated columns: what they hold may be stored nowhere, and is gone with what they are made of."""
        owner = self.store.tables[table]
        return [c for c in columns if not ((info := owner.column(c)) and info.generated)]

    def _kept_text(self) -> Iterator[bytes]:
        yield self.store.schema_text()
        with self.store.reader() as read:
            for name in sorted(set(self.store.tables) - self.store.derived):
                columns = [c.name for c in self.store.tables[name].columns]
                partial = [(x.work, set(x.disposal.suppress), x.disposal.coarser) for x in self.sel.of(name)
                           if not x.goes and x.changes and x.disposal.altered and x.rows]
                partial += [(u.work, set(u.columns), ()) for u in self.sel.unlinks if u.table == name]
                yield from self._text(read, name, columns, self._without(name, [w for w, _, _ in partial]))
                for work, hidden, steps in partial:
                    left = [c for c in columns if c not in hidden]
                    join = f"JOIN {self.store.t(work)} w ON {self.store.match(name, 't', 'w')}"
                    yield from self._text(read, name, left, join, {left.index(g.column): g for g in steps})

    def _text(self, read: Any, table: str, columns: Sequence[str], tail: str,
              steps: Mapping[int, Generalisation] | None = None) -> Iterator[bytes]:
        """Text of cells that stay; steps: which of ``columns`` will be coarser by then."""
        if not columns:
            return
        names = ", ".join(f"t.{self.store.q(c)}" for c in columns)
        block, size = list[bytes](), 0
        for row in read(f"SELECT {names} FROM {self.store.t(table)} t {tail}"):
            for i, cell in enumerate(row):
                if steps and i in steps:
                    cell = coarse.coarse(cell, steps[i].how, steps[i].width)
                if cell is not None:
                    block += self.store.forms_kept(cell)
            size += 1
            if size >= 5_000:
                yield b"\x00".join(block)
                block, size = [], 0
        yield b"\x00".join(block)

    def _without(self, table: str, works: Iterable[str] = ()) -> str:
        """SQL that leaves out the rows in the going lines of a table, and in ``works``."""
        names = [x.work for x in self.sel.of(table) if x.goes and x.rows] + list(works)
        parts = [f"NOT EXISTS (SELECT 1 FROM {self.store.t(w)} w WHERE {self.store.match(table, 't', 'w')})"
                 for w in names]
        return "WHERE " + " AND ".join(parts) if parts else "WHERE 1=1"

    def _cleared(self) -> dict[str, set[str]]:
        out: dict[str, set[str]] = {}
        for line in self.sel.lines:
            if not line.goes and line.changes and line.rows:
                out.setdefault(line.disposal.set.table, set()).update(line.disposal.altered)
        for u in self.sel.unlinks:
            out.setdefault(u.table, set()).update(u.columns)
        for name, columns in out.items():
            table = self.store.tables[name]
            columns |= {c.name for c in table.columns if table.made_of(c.name) & columns}
        return out

    def _observe(self, *, staying: bool, cleared: dict[str, set[str]]) -> dict[str, logical.TableState]:
        out = {}
        with self.store.reader() as read:
            for name, table in sorted(self.store.tables.items()):
                if name in self.store.derived:
                    continue
                names = [c.name for c in table.columns]
                where = self._without(name) if staying else ""
                state = logical.observe(read, self.store.q, self.store.t(name), names,
                                        [d.model_copy(update={"suppress": tuple(self._own(name, d.suppress))})
                                         for d in self.disposals if d.set.table == name],
                                        cleared.get(name, set()), where, self._neutral(name))
                state.total = self.sel.totals.get(name, 0) if staying else state.rows
                state.orphans = self._orphans(read, name, where)
                out[name] = state
        return out

    def _neutral(self, table: str) -> dict[str, str]:
        out = {}
        for line in self.sel.of(table):
            for column in line.disposal.suppress:
                sql = self.store.neutral(table, column) or ""
                if sql.startswith("'") and sql.endswith("'"):
                    out[column] = sql[1:-1].replace("''", "'")
        return out

    def _orphans(self, read: Any, child: str, where: str) -> int:
        total = 0
        for key in self.store.tables[child].foreign_keys:
            if key.ref_table not in self.store.tables or not key.declared:
                continue
            q = self.store.q
            join = " AND ".join(f"p.{q(r)} = t.{q(c)}" for c, r in zip(key.columns, key.ref_columns, strict=True))
            filled = " AND ".join(f"t.{q(c)} IS NOT NULL" for c in key.columns)
            sql = (f"SELECT count(*) FROM {self.store.t(child)} t {where or 'WHERE 1=1'} AND {filled} AND NOT EXISTS "
                   f"(SELECT 1 FROM {self.store.t(key.ref_table)} p WHERE {join})")
            total += int(next(iter(read(sql)))[0])
        return total

    # -- execution, scrub, proof -----------------------------------------------------------------------------

    def execute(self) -> None:
        def written(saved: dict[str, str]) -> None:
            self.state["triggers"] = saved
            self.reached(self.phase)

        self.store.pending_triggers = written
        self.store.triggers_off(self.sel.touched(), self.state.get("triggers", {}))
        if self.store.swaps:
            self.state["counts"] = self.store.swap(self.sel, self.state, lambda: self.reached(self.phase))
            return
        pace = Pace(self.store, self.progress, limits(self.case), self.case.private("erasure-private"))
        execute.carry_out(self.store, self.sel, pace, self.choices, self._instead)
        self.state["counts"] = execute.counts(self.store, self.sel.lines)

    def _instead(self, table: str, choice: Choice) -> None:
        """A table goes another way than planned: known after a kill, and said in the certificate."""
        self.choices[table] = choice
        self.state["techniques"][table] = choice.dump()
        self.reached(self.phase)

    def after_execute(self) -> None:
        """Work tables go; what has to be read by them is read before."""
        self._hidden()
        self.reached(self.phase)
        self.store.triggers_on(self.state.get("triggers", {}))
        self.store.begin()
        for work in self.store.work_tables():
            if work != JOURNAL:
                self.store.drop(work)
        self.store.drop(JOURNAL)
        self.store.commit()

    def _hidden(self) -> None:
        """How well rows hide people that no condition on their own columns tells from others."""
        told = self.state.setdefault("hidden", {})
        for line in self.sel.lines:
            d = line.disposal
            columns, sensitive = columns_of(self.case, d) if d.k and line.rows and d.id not in told else ([], "")
            if columns and self.store.stable_key(d.set.table) and self.store.has(line.work):
                wanted = [*columns, *([sensitive] if sensitive else [])]
                found = measure_batches(self.case, self.store.arrow(d.set.table, wanted, line.work), columns, sensitive)
                told |= {d.id: hidden_of(d, found, own=True).model_dump()} if found is not None else {}

    def scrub(self) -> list[ScrubResult]:
        self.store.rewritten = frozenset(t for t, c in self.choices.items() if c.strategy in ("copy", "truncate"))
        return list(self.store.scrub(self.sel.touched()))

    def prove(self) -> tuple[list[TableProof], StoreProof]:
        cleared = {t: {c.name for c in table.columns} - set(self._before(t).columns)
                   for t, table in self.store.tables.items() if t in self.state["before"]}
        after = self._observe(staying=False, cleared=cleared)
        refused = Counter[str]()
        for line in self.sel.lines:
            refused[line.disposal.set.table] += line.refused
        tables = [logical.judge(self.name, t, self._before(t), after[t], refused[t])
                  for t in sorted(self.store.tables) if t in self.state["before"]]
        return tables, self._store_proof()

    def _before(self, table: str) -> logical.TableState:
        return logical.TableState(**self.state["before"][table])

    def _store_proof(self) -> StoreProof:
        control = self.notes.load()
        needles: list[Any] | None = getattr(self, "_needles", None)
        if control is None:
            return self.no_control("no positive control was taken before the deletion")
        note = ""
        if needles is None:
            try:
                needles = again(control, self.notes.key(), self.store.forms_for, self.sealed_cells)
            except ErasureError as e:
                return self.no_control(e.what)
            if len(needles) < len(control["needles"]):
                note = f"{len(control['needles']) - len(needles)} needles could not be found again after a crash"
        self.store.flush()
        hunt = Hunt(needles)
        hunt.scan(self.store.files())
        columns, files = compare(self.name, control, hunt)
        return self.store_proof(control, columns, files, hunt, note)

    def fingerprint(self) -> str:
        where = self.store.where_files()
        print_ = hashlib.sha256(where.encode()).hexdigest()[:16] if where else "unknown"
        return f"{self.store.engine} {self.store.version()} {print_}"

    def where(self) -> Path | None:
        return Path(self.store.where_files()) if self.store.where_files() else None


def _told(cells: list[Any], g: Generalisation | None) -> list[Any]:
    """Cells whose original has to be gone: of a column that becomes coarser only those that become other ones."""
    return cells if g is None else coarse.changed(cells, g)
