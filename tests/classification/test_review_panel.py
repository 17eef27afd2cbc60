"""The review panel without a browser: what it lists, explains, filters and keeps, in both languages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.case import Case
from workbench.classification import classify
from workbench.classification.review import Correction, correct, standing
from workbench.errors import ParameterError
from workbench.ui.review_panel import Panel, chosen, lines_of, review_panel
from workbench.ui.views import view


@pytest.fixture
def case(make_case: Callable[..., Path]) -> Case:
    folder = make_case()
    rows = "\n".join(f"{i},1{3 + i % 7}{i * 79190001 % 10**9:09d},u{i}@x.cn" for i in range(60))
    (folder / "data" / "a.csv").write_text(f"n,code,<b>mail</b>\n{rows}\n", encoding="utf-8")
    opened = Case.open(folder)
    opened.begin()
    classify(opened)
    return opened


def panel_of(case: Case, lang: str) -> Any:
    import ipywidgets

    return Panel(case, lang, ipywidgets)


def pick(panel: Any, column: str) -> None:
    (panel.list.index,) = [i for i, x in enumerate(panel.shown) if x.finding.column == column]


@pytest.mark.parametrize(("lang", "words"), [
    ("zh", ("形状相符", "校验通过", "整格 / 嵌在文字中", "不同值", "随机数的通过率", "佐证", "规则来源", "手机号")),
    ("en", ("of the shape", "check passed", "whole / embedded", "distinct", "would pass by chance", "context", "rule source", "mobile")),
])  # fmt: skip
def test_a_finding_is_explained_without_a_value_and_a_hostile_name_stays_text(case: Case, lang: str, words: tuple[str, ...]) -> None:
    """Counts and reasons in the language; no cell of the file anywhere in the widgets; names are escaped."""
    panel = panel_of(case, lang)
    assert [x.finding.column for x in panel.shown] == ["<b>mail</b>", "code"]
    pick(panel, "code")
    assert all(word in panel.why.value for word in words)
    pick(panel, "<b>mail</b>")
    assert "<b>" not in panel.why.value
    assert "&lt;b&gt;mail" in panel.why.value
    state = str([w.get_state() for w in panel.box.children])
    cells = (case.folder / "data" / "a.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert not [v for row in cells for v in row.split(",")[1:] if v in state]


def test_filters_and_search(case: Case) -> None:
    """By table, sensitivity, confidence, undecided and words; columns with nothing found on request only."""
    panel = panel_of(case, "en")
    f = panel.filters
    f["word"].value = "mobile CODE"
    assert [x.finding.column for x in panel.shown] == ["code"]
    f["word"].value = "no such"
    assert panel.shown == []
    assert "No finding fits" in panel.why.value
    assert all(b.disabled for b in panel.buttons.values())
    f["word"].value, f["sure"].value = "", "none"
    assert [x.finding.column for x in panel.shown] == ["n"]
    assert panel.buttons["reject"].disabled
    f["sure"].value, f["level"].value = "", "sensitive"
    assert panel.shown == []
    f["level"].value, f["table"].value = "", "files.a.csv"
    assert len(panel.shown) == 2
    correct(case, "files", "a.csv", "code", "cn_mobile", "accept", "phones")
    lines = lines_of(panel.findings.findings, case.history(Correction))
    assert [x.finding.column for x in chosen(lines, panel.names, open_only=True)] == ["<b>mail</b>"]


def test_decisions_need_a_reason_are_kept_and_replayed(case: Case) -> None:
    """No reason, or one with a value in it, or a change to nothing: refused and said. Then all three, and a second thought."""
    panel = panel_of(case, "en")
    pick(panel, "code")
    panel.buttons["reject"].click()
    assert "needs a reason" in panel.told.value
    panel.reason.value = "ask wu@example.com"
    panel.buttons["reject"].click()
    assert "personal data" in panel.told.value
    panel.reason.value = "our own order numbers"
    panel.buttons["change"].click()
    assert "right detector" in panel.told.value
    assert case.history(Correction) == ()
    panel.buttons["reject"].click()
    assert panel.told.value.count("Rejected: files.a.csv.code")
    assert panel.reason.value == ""
    assert "followed by the next classify" in panel.why.value
    pick(panel, "<b>mail</b>")
    panel.reason.value, panel.to.value = "a handle, not an address", "wechat"
    panel.buttons["change"].click()
    assert [(c.column, c.decision, c.to, c.by) for c in case.history(Correction)] == [
        ("code", "reject", "", "op"), ("<b>mail</b>", "change", "wechat", "op")]  # fmt: skip
    classify(case)
    again = panel_of(case, "zh")
    assert [(x.finding.column, x.finding.detector, x.key, x.pending) for x in again.shown] == [
        ("<b>mail</b>", "wechat", "email", False), ("code", None, "cn_mobile", False)]  # fmt: skip
    pick(again, "<b>mail</b>")
    assert "扫描所见" in again.why.value
    again.reason.value = "确是邮箱"
    again.buttons["accept"].click()
    assert [f.detector for f in classify(case).findings if "mail" in f.column] == ["email"], "a second thought reaches the same finding"
    assert {c.reason for c in standing(case).items} == {"our own order numbers", "确是邮箱"}


def test_a_rejected_type_stays_listed_beside_another_one(case: Case) -> None:
    """A column with two types of which one is rejected: both have a line, and the change to the other type makes no double."""
    (case.folder / "data" / "a.csv").write_text(
        "contact_phone\n"
        + "\n".join(f"u{i}@x.cn" if i % 2 else f"1{3 + i % 7}{i * 79190001 % 10**9:09d}" for i in range(80))
        + "\n",
        encoding="utf-8",
    )
    first = {f.detector for f in classify(case).findings}
    assert {"email", "cn_mobile"} <= first
    correct(case, "files", "a.csv", "contact_phone", "cn_mobile", "reject", "order numbers")
    found = classify(case).findings
    assert {f.detector for f in found} == first - {"cn_mobile"}
    lines = lines_of(found, case.history(Correction))
    assert {(x.key, x.finding.detector) for x in lines} == {("cn_mobile", None)} | {(d, d) for d in first - {"cn_mobile"}}
    correct(case, "files", "a.csv", "contact_phone", "cn_mobile", "change", "mails", to="email")
    assert [f.detector for f in classify(case).findings].count("email") == 1


def test_the_record_shows_the_decisions_and_no_panel(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small table in both languages; the panel itself returns nothing in record mode."""
    assert "Nobody" in " ".join(b.plain() for b in view(standing(case))("en"))
    correct(case, "files", "a.csv", "code", "cn_mobile", "reject", "order numbers", by="op")
    for lang, word in (("zh", "否定"), ("en", "rejected")):
        text = " ".join(b.plain() for b in view(standing(case))(lang))
        assert word in text
        assert "order numbers" in text
    monkeypatch.setenv("WORKBENCH_RECORD", "1")
    assert review_panel(case) is None


def test_a_reason_with_a_value_is_refused_everywhere(case: Case) -> None:
    """The reason goes into the ledger for ever."""
    with pytest.raises(ParameterError, match="personal data"):
        correct(case, "files", "a.csv", "code", "cn_mobile", "reject", "it is 13912345678 in row 4")
    assert case.history(Correction) == ()


def test_values_are_revealed_only_with_a_reason_and_the_ledger_keeps_it(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one nothing is read; with one they stand in a widget until another line is chosen, and nowhere in the case."""
    from workbench.classification.reveal import reveal

    cell = (case.folder / "data" / "a.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[1]
    panel = panel_of(case, "en")
    pick(panel, "code")
    panel.reveal()
    assert "needs a reason" in panel.told.value
    assert panel.values.value == ""
    panel.reason.value = f"call {cell}"
    panel.reveal()
    assert "holds personal data" in panel.told.value
    panel.reason.value = "why " * 51
    panel.reveal()
    assert "200 is the most" in panel.told.value
    assert panel.values.value == ""
    panel.reason.value = "order numbers or phones?"
    panel.reveal()
    assert cell in panel.values.value
    pick(panel, "<b>mail</b>")
    assert panel.values.value == ""
    shown = reveal(case, "files", "a.csv", "code", reason="again")
    assert cell not in repr(shown)
    with pytest.raises(TypeError):
        __import__("pickle").dumps(shown)
    kept = list(case.ledger.of_type("reveal/v1"))
    assert "order numbers or phones?" in str(kept[0].predicate)
    assert kept[0].key_id == case.signer(kept[0].predicate["person"]).key_id
    assert kept[0].predicate["column"] == "files.a.csv.code"
    held = [p for p in case.folder.rglob("*") if p.is_file() and p.parent.name != "data" and cell.encode() in p.read_bytes()]
    assert held == []
    monkeypatch.setenv("WORKBENCH_RECORD", "1")
    with pytest.raises(ParameterError, match="not revealed in a record"):
        reveal(case, "files", "a.csv", "code", reason="again")
