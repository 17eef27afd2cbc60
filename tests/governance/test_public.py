"""The public pages: everything a notice must say, nobody identifiable, usable by everybody, checkable."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.case import Case
from workbench.errors import ParameterError
from workbench.freeze import freeze
from workbench.governance.public import page, write_notice
from workbench.governance.suppression import HIDDEN, suppress, total_text
from workbench.governance.texts import load
from workbench.plan.model import Disposal, Plan, RecordSet, RuleRef, Text


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def _planned(case: Case) -> None:
    rule = RuleRef(id="cn.x", provision="会计法第1条 / Accounting Law, art. 1", term="P30Y", confidence="T")

    def line(n: int, action: str, rows: int, **more: object) -> Disposal:
        return Disposal(id=f"D{n:03d}", set=RecordSet(source="shop", table="orders"), action=action, rows=rows,  # type: ignore
                        reason=Text(zh="测试", en="test"), **more)  # type: ignore[arg-type]

    lines = (line(1, "erase", 4000), line(2, "lock", 7, rules=(rule,), keep_until=dt.date(2056, 12, 31)),
             line(3, "anonymise", 30), line(4, "ask", 500, receiver="<script>alert(1)</script>"))
    case.save(Plan(case_id=case.id, as_of=dt.date(2026, 11, 23), inventory="0" * 64, findings="0" * 64,
                   config="0" * 64, packs=(), disposals=lines))


@given(st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 60), max_size=7))
def test_no_small_count_can_be_read_or_worked_out(counts: dict[str, int]) -> None:
    """With the total known, what is hidden adds up to at least the minimum and is never one cell alone."""
    shown = suppress(counts, minimum=10, total=True)
    assert all(shown[k] == HIDDEN for k, n in counts.items() if 0 < n < 10)
    hidden = [k for k in counts if shown[k] == HIDDEN]
    if hidden and len(hidden) < len(counts):
        assert len(hidden) > 1
        assert sum(counts[k] for k in hidden) >= 10
    if total_text(counts, minimum=10) != HIDDEN and counts:
        assert sum(counts.values()) == 0 or sum(counts.values()) >= 10


def test_the_page_hides_small_counts_and_says_so(shop: Callable[..., Case]) -> None:
    case = shop()
    _planned(case)
    html, hidden = page(case, "closing", "en")
    assert hidden == 2, "7 sealed rows, and the 30 that would give them away"
    assert not re.search(r"<td>7</td>|<td>30</td>", html)
    assert "4,000" in html
    assert "4,537" in html
    assert "Accounting Law, art. 1 [T]" in html


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_is_inert_and_escaped(shop: Callable[..., Case], lang: str) -> None:
    case = shop()
    _planned(case)
    html, _ = page(case, "closing", lang)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "default-src &#39;none&#39;" in html
    assert not re.search(r"(src|href)=\"(https?:)?//", html)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_structure_suits_a_screen_reader(shop: Callable[..., Case], lang: str) -> None:
    """Language, title, one h1, no skipped level, one main, scoped headers, unique ids, every region named."""
    case = shop()
    _planned(case)
    html, _ = page(case, "closing", lang)
    p = _Page()
    p.feed(html)
    tags = [t for t, _ in p.tags]
    assert dict(p.tags)["html"]["lang"] == ("zh-CN" if lang == "zh" else "en")
    assert tags.count("h1") == tags.count("main") == tags.count("title") == 1
    levels = [int(t[1]) for t in tags if re.fullmatch(r"h[1-6]", t)]
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert all(a.get("scope") for t, a in p.tags if t == "th")
    ids = [a["id"] for _, a in p.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(a["aria-labelledby"] in ids for _, a in p.tags if "aria-labelledby" in a)
    assert ids[0] == "main"


def _luminance(colour: str) -> float:
    full = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(full[i:i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_every_text_colour_has_a_contrast_of_at_least_four_and_a_half(shop: Callable[..., Case]) -> None:
    html, _ = page(shop(), "closing", "zh")
    for colour in set(re.findall(r"[;{]color:(#[0-9a-f]{3,6})", html)):
        for ground in ("#fff", "#f5f7f9"):
            assert (_luminance(ground) + 0.05) / (_luminance(colour) + 0.05) >= 4.5


def test_it_says_what_a_notice_must_say(shop: Callable[..., Case]) -> None:
    """Facts E2: who, what stops, categories, kept, rights, children, complaint, refunds, version."""
    case = shop()
    freeze(case)
    _planned(case)
    for lang in ("zh", "en"):
        html, _ = page(case, "closing", lang)
        for part in ("who", "stops", "kept", "rights", "children", "complain", "refunds", "proof", "collection",
                     "custodian", "version", "contact"):
            assert load("public")["labels"][part][lang].replace("'", "&#39;") in html, part
        assert "2026-08-31" in html
        assert "2056-12-31" in html


def test_a_final_report_needs_an_erasure(shop: Callable[..., Case]) -> None:
    case = shop()
    with pytest.raises(ParameterError, match="nothing was erased"):
        write_notice(case, "final")
    with pytest.raises(ParameterError, match="no public page"):
        write_notice(case, "party")  # type: ignore[arg-type]
