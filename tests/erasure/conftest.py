"""Cases with a plan, protected and approved, for erasure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from workbench.case import Case, approvals
from workbench.case.approvals import Approval
from workbench.plan.model import Condition, Disposal, Plan, RecordSet, Text
from workbench.vault import protect

PEOPLE = """
[case]
id = "shop"
company = "测试公司"
place = "上海"
[[people]]
id = "op"
name = "O"
roles = ["operator"]
[[people]]
id = "a1"
name = "A"
roles = ["approver"]
[[people]]
id = "a2"
name = "B"
roles = ["approver", "supervisor"]
[dates]
as_of = 2026-11-23
[settings.vault]
argon2_mib = 8
object_mib = 1
"""


def disposal(id_: str, source: str, table: str, action: str, where: Sequence[tuple[str, str, str]] = (),
             **more: object) -> Disposal:
    conditions = tuple(Condition(column=c, op=op, value=v) for c, op, v in where)  # type: ignore[arg-type]
    return Disposal(id=id_, set=RecordSet(source=source, table=table, where=conditions), action=action,  # type: ignore
                    reason=Text(zh="测试", en="test"), **more)  # type: ignore[arg-type]


class Bench:
    """A case folder under test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.case: Case

    def open(self, sources: str) -> Case:
        (self.folder / "case.toml").write_text(PEOPLE + sources, encoding="utf-8")
        self.case = Case.open(self.folder)
        return self.case

    def plan(self, *disposals: Disposal) -> Plan:
        plan = Plan(case_id="shop", as_of=dt.date(2026, 11, 23), inventory="0" * 64, findings="0" * 64,
                    config="0" * 64, packs=(), disposals=disposals)
        self.case.save(plan)
        return plan

    def approve(self) -> Approval:
        approvals.approve(self.case, "a1")
        approval = approvals.approve(self.case, "a2")
        assert approval is not None
        return approval

    def ready(self, *disposals: Disposal) -> Approval:
        protect(self.case)
        self.plan(*disposals)
        return self.approve()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "correct horse battery")
    folder = tmp_path / "case"
    folder.mkdir()
    return Bench(folder)


@pytest.fixture
def line() -> Callable[..., Disposal]:
    return disposal
