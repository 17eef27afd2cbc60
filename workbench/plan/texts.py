"""Sentences of a plan, in both languages, built from rules and dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from workbench.law.dates import FOREVER, is_duration, parse_duration
from workbench.law.query import Term
from workbench.plan.model import Disposal, Generalisation, Text

LEVELS = {
    "none": Text(zh="不删除", en="nothing deleted"),
    "logical": Text(zh="逻辑删除", en="logical"),
    "store": Text(zh="存储文件内清除", en="gone from the store's files"),
    "volume": Text(zh="介质上清除", en="gone from the volume"),
}
ACTIONS = {
    "erase": Text(zh="彻底删除", en="erase"),
    "lock": Text(zh="封存", en="lock"),
    "anonymise": Text(zh="匿名化", en="anonymise"),
    "hand_over": Text(zh="移交", en="hand over"),
    "keep": Text(zh="保留", en="keep"),
    "destroy_medium": Text(zh="销毁介质", en="destroy medium"),
    "ask": Text(zh="人工决定", en="a person decides"),
}


def both(zh: str, en: str) -> Text:
    """A sentence in both languages."""
    return Text(zh=zh, en=en)


def join(texts: Iterable[Text]) -> Text:
    """Sentences one after the other."""
    parts = tuple(texts)
    return Text(zh="".join(t.zh for t in parts), en=" ".join(t.en for t in parts))


def term(text: str) -> Text:
    """A term in words.

    >>> term("P30Y").zh, term("P6M").en, term("permanent").en
    ('30年', '6 months', 'permanently')
    """
    if text == "permanent":
        return both("永久", "permanently")
    if not is_duration(text):
        return both("从其规定", "as its own rule says")
    months, days, hours = parse_duration(text)
    zh, en = "", []
    for n, word_zh, word_en in (
        (months // 12, "年", "year"),
        (months % 12, "个月", "month"),
        (days, "日", "day"),
        (int(hours), "小时", "hour"),
    ):
        if n:
            zh += f"{n}{word_zh}"
            en.append(f"{n} {word_en}{'s' if n != 1 else ''}")
    return both(zh, " ".join(en))


def day(value: dt.date | None) -> str:
    """ISO date, or a word for never."""
    return "∞" if value is None or value == FOREVER else value.isoformat()


def duty(t: Term, cite_zh: str, cite_en: str) -> Text:
    """One duty to keep, with its law."""
    length = term(t.value.min_term)
    events_zh = "或".join(e.names.zh for e in t.events)
    events_en = " or ".join(e.names.en for e in t.events)
    start = both(f"自{events_zh}起", f", counted from when {events_en}") if t.events else both("", "")
    if t.round == "year":
        start = both(f"自{events_zh}起", f", counted from {events_en}")
    return both(
        f"{t.rule.names.zh}{start.zh}保存{length.zh}({cite_zh})。",
        f"{t.rule.names.en}: keep {length.en}{start.en} ({cite_en}).",
    )


def coarse(g: Generalisation) -> Text:
    """What a column still says, in words.

    >>> coarse(Generalisation(column="born", how="band", width=10)).en
    'born in bands of 10'
    """
    c, w = g.column, g.width
    return {
        "month": both(f"{c} 只到月", f"{c} to the month"),
        "year": both(f"{c} 只到年", f"{c} to the year"),
        "band": both(f"{c} 按 {w} 分档", f"{c} in bands of {w}"),
        "prefix": both(f"{c} 只留前 {w} 个字符", f"first {w} characters of {c}"),
        "ip24": both(f"{c} 只留 /24 网段", f"{c} to its /24 network"),
        "keep": both(f"{c} 不变", f"{c} as it is"),
        "sensitive": both(f"{c} 不变(敏感值,测 l)", f"{c} as it is (sensitive; l is measured)"),
    }[g.how]


def anonymised(d: Disposal, lang: str) -> str:
    """What still stands in the rows of an anonymising line, and the k that is wanted; empty for others."""
    words = [t.zh if lang == "zh" else t.en for t in map(coarse, d.generalise)]
    return ("；" if lang == "zh" else "; ").join([*words, *([f"k ≥ {d.k}"] if d.k else [])])
