"""STRATEGY: how the rows of each table go, chosen by what it costs until no byte is left, with estimate and reason.

Four ways: keyset batches (short transactions, pausable), one set delete, a copy of the kept rows that takes the table's
place, and TRUNCATE when everything goes. Constants stand in ``data/rates.toml``; a case may have measured its own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field

from workbench.errors import ErasureError
from workbench.values import Value

NAMES = {"batches": ("分批按键删除", "keyset batches"), "set": ("一次集合删除", "set delete"),
         "copy": ("复制保留行并替换", "copy kept rows and swap"), "truncate": ("截断", "truncate"),
         "fresh": ("写入新库", "fresh store"), "rewrite": ("重写并替换", "rewrite and replace")}
GENTLE = 1.1
"""the gentler way is taken as long as it costs at most this much more: batches before a set before a copy"""
FITTED = "rates.json"
LONGEST_SET = 60.0
"""seconds that one statement may hold its locks; beyond, batches"""


class Rate(Value):
    """Seconds = fixed + rows that go * gone / 1e6 + rows that stay * kept / 1e6."""

    fixed: float
    gone: float
    kept: float

    def seconds(self, gone: int, kept: int, width: float) -> float:
        """Estimate for rows ``width`` times as wide as those measured."""
        return self.fixed + gone * self.gone / 1e6 + kept * self.kept * width / 1e6


class Rates(Value):
    """Constants by engine and strategy; ``erasure-private/rates.json`` of a case takes the place of the shipped ones."""

    width: float
    unindexed: float
    engines: dict[str, dict[str, Rate]]
    measured: Mapping[str, str] = Field(default_factory=dict)
    """engine -> when, where and on how many rows; engines that are not in it have the shipped constants"""


@cache
def shipped() -> Rates:
    """The constants that come with the program."""
    data = tomllib.loads((Path(__file__).parent / "data" / "rates.toml").read_text(encoding="utf-8"))
    engines = {k: v for k, v in data.items() if isinstance(v, dict)}
    return Rates(width=data["width"], unindexed=data["unindexed"], engines=engines)


class CannotCopy(Exception):
    """A table that cannot be copied after all; nothing of it was changed."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh, self.en = zh, en
        super().__init__(en)


def fitted(folder: Path) -> Rates | None:
    """The constants that ``workbench erase fit`` measured on this site, if somebody did.

    Raises:
        ErasureError: the file is none of ours.
    """
    path = folder / FITTED
    try:
        return Rates.from_bytes(path.read_bytes()) if path.exists() else None
    except ValueError:
        raise ErasureError(f"{FITTED} holds no constants", f"rm {path}, then workbench erase fit {folder.parent}") from None


@dataclass
class Sizes:
    """What the choice depends on."""

    gone: int
    rows: int
    bytes: int = 0
    """of the table with its indexes; 0: unknown"""
    free: int = 1 << 62
    """bytes free where the store lies"""
    unindexed: int = 0
    """rows of child tables whose link to this table has no index and is checked row by row"""
    live: tuple[str, str] = ("", "")
    """(zh, en) why only short transactions will do, such as a replica"""
    cannot_copy: tuple[str, str] = ("", "")
    """(zh, en) what of this table a copy could not carry"""


@dataclass
class Choice:
    """How one table's rows go."""

    strategy: str
    seconds: float
    zh: str
    en: str
    others: dict[str, float] = field(default_factory=dict)
    """the other ways and their estimate, seconds"""

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    def instead(self, strategy: str, zh: str, en: str) -> Choice:
        """The same after something showed during execution that it cannot be done so."""
        return Choice(strategy, self.seconds, f"{zh}；原定{NAMES[self.strategy][0]}",
                      f"{en}; {NAMES[self.strategy][1]} was planned", self.others)


def best(engine: str, sizes: Sizes, rates: Rates, forced: str = "") -> Choice:
    """The cheapest way that this table allows; the gentler one when they cost the same."""
    kept, mine = max(0, sizes.rows - sizes.gone), rates.engines[engine]
    width = max(0.25, sizes.bytes / sizes.rows / rates.width) if sizes.bytes and sizes.rows else 1.0
    share = sizes.gone / max(1, sizes.rows)
    cost = {name: round(rate.seconds(sizes.gone, kept, width), 1) for name, rate in mine.items()}
    checks = round(sizes.gone * sizes.unindexed * rates.unindexed / 1e6, 1)
    for name in ("batches", "set"):
        cost[name] = round(cost[name] + checks, 1)
    may, zh, en = _allowed(sizes, kept, cost)
    least = min(cost[n] for n in may)
    name = next(n for n in may if cost[n] <= least * GENTLE + 0.1)
    forced = "truncate" if forced == "copy" and not kept else forced
    if forced in may:
        name, zh, en = forced, [*zh, "由 case.toml 指定"], [*en, "set in case.toml"]
    if engine in rates.measured:
        zh, en = [*zh, f"按本机实测常数（{rates.measured[engine]}）"], [*en, f"by constants fitted here ({rates.measured[engine]})"]
    told = ", ".join(f"{NAMES[n][1]} {cost[n]} s" for n in cost if n != name and (n != "truncate" or not kept))
    told_zh = "，".join(f"{NAMES[n][0]} {cost[n]} 秒" for n in cost if n != name and (n != "truncate" or not kept))
    return Choice(name, cost[name], "；".join([f"删除该表 {share:.0%} 的行", f"约 {cost[name]} 秒（{told_zh}）", *zh]),
                  "; ".join([f"{share:.0%} of the table goes", f"about {cost[name]} s ({told})", *en]),
                  {n: s for n, s in cost.items() if n != name})


def _allowed(sizes: Sizes, kept: int, cost: dict[str, float]) -> tuple[list[str], list[str], list[str]]:
    """(strategies, gentlest first, reasons in Chinese, in English) for those left out."""
    may, zh, en = ["batches"], list[str](), list[str]()
    if sizes.live[1]:
        return may, [f"只用短事务：{sizes.live[0]}"], [f"short transactions only: {sizes.live[1]}"]
    if cost["set"] <= LONGEST_SET:
        may.append("set")
    if sizes.cannot_copy[1]:
        return may, [f"不能替换：{sizes.cannot_copy[0]}"], [f"no swap: {sizes.cannot_copy[1]}"]
    if not kept:
        may.append("truncate")
    elif sizes.bytes * kept / max(1, sizes.rows) * 2.2 > sizes.free:
        zh, en = ["不能替换：磁盘空间不足"], ["no swap: too little disk for two copies of the kept rows"]
    else:
        may.append("copy")
    return may, zh, en
