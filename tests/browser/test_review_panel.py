"""The review panel in real JupyterLab in headless Chromium: the classify notebook itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser import lab

pytestmark = lab.NEEDS_CHROMIUM
WORDS = {
    "zh": {"accept": "✓ 接受", "change": "✎ 更改", "reject": "✗ 否定", "accepted": "已接受:", "changed": "已更改:",
           "rejected": "已否定:", "table": "人工复核的决定", "shape": "形状相符"},
    "en": {"accept": "✓ accept", "change": "✎ change", "reject": "✗ reject", "accepted": "Accepted:", "changed": "Changed:",
           "rejected": "Rejected:", "table": "Decisions of people", "shape": "of the shape"},
}  # fmt: skip


def identity(i: int) -> str:
    """A made-up resident number with a right check digit."""
    body = f"310101{1960 + i % 40}{1 + i % 12:02d}{1 + i % 28:02d}{i % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


@pytest.fixture
def folder(make_case: Callable[..., Path]) -> Path:
    """A case with one file: numbers, mobiles under a doubtful name, mails, resident numbers, remarks."""
    from workbench.case import Case
    from workbench.case.new import copy_notebooks

    made = make_case()
    lines = [f"{i},1{3 + i % 7}{i * 79190001 % 10**9:09d},u{i}@x.cn,{identity(i)},{'送到 ' + identity(i + 7) if i % 20 == 3 else '无'}"
             for i in range(80)]  # fmt: skip
    (made / "data" / "a.csv").write_text("n,code,mail,id_card,remark\n" + "\n".join(lines) + "\n", encoding="utf-8")
    copy_notebooks(made)
    Case.open(made).begin()
    return made


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_analyst_accepts_changes_and_rejects(folder: Path, browser: Any, lang: str) -> None:
    """Decisions are in the case, and running the notebook again follows and lists them."""
    from workbench.case import Case
    from workbench.classification.model import Findings
    from workbench.classification.review import Correction

    words = WORDS[lang]
    with lab.running(folder, lang) as address:
        page = lab.open_notebook(browser, address, "notebooks/03_classify.ipynb", height=1300)
        lab.run_all(page)
        listed = page.locator(".widget-select select")
        listed.locator("option").first.wait_for(state="attached")
        reason = page.locator(".widget-text input").nth(1)
        page.wait_for_selector(".review-panel[data-lm-suppress-shortcuts]")

        def choose(column: str) -> None:
            texts = listed.locator("option").all_text_contents()
            (at,) = [i for i, t in enumerate(texts) if f"files.a.csv.{column} " in t.replace("\xa0", " ")]
            listed.select_option(index=at)
            page.locator("table.review-facts td", has_text=f"files.a.csv.{column}").wait_for()

        def press(word: str) -> None:
            page.get_by_role("button", name=word, exact=True).click()

        def say(text: str) -> None:
            reason.fill(text)

        choose("code")
        page.locator("table.review-facts th", has_text=words["shape"]).wait_for()
        press(words["reject"])
        page.get_by_role("alert").get_by_text("a correction needs a reason").wait_for()
        assert Case.open(folder).history(Correction) == ()
        say("order numbers 订单号")
        press(words["reject"])
        page.get_by_role("status").get_by_text(words["rejected"]).wait_for()
        choose("id_card")
        say("ten rows seen")
        press(words["accept"])
        page.get_by_role("status").get_by_text(words["accepted"]).wait_for()
        choose("mail")
        say("chat names")
        page.locator(".widget-dropdown select").nth(4).select_option("微信号 (wechat)" if lang == "zh" else "WeChat id (wechat)")
        press(words["change"])
        page.get_by_role("status").get_by_text(words["changed"]).wait_for()
        page.locator(".review-panel").evaluate("box => box.scrollIntoView()")
        lab.picture(page, f"review-panel-{lang}")
        kept = {c.column: c for c in Case.open(folder).history(Correction)}
        assert {k: (c.decision, c.to, c.by) for k, c in kept.items()} == {
            "code": ("reject", "", "op"), "id_card": ("accept", "", "op"), "mail": ("change", "wechat", "op")}  # fmt: skip
        assert kept["mail"].reason == "chat names"
        lab.run_all(page)
        page.get_by_text(words["table"]).first.wait_for()
        page.context.close()
    found = {f.column: (f.detector, f.decided_by) for f in Case.open(folder).load(Findings).findings if f.column in kept}
    assert found == {"code": (None, "op"), "id_card": ("cn_resident_id", "op"), "mail": ("wechat", "op")}
