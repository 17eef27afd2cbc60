"""RETENTION of the records themselves. They hold no personal data of customers, so nothing forces them to go; they stay as
long as somebody may have to prove what was done, and then end too.

No statute names a term for proofs of deletion. PIPL art. 56 para. 2 asks for three years for impact assessments and
processing records (read); the limitation periods that follow from it are the company's own choice: the default of 20
years is the longest civil limitation period (house default, not signed off by a lawyer). ``[settings.archive] years``
sets another, never under three.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from workbench.case.config import CaseConfig
from workbench.errors import BadSetting
from workbench.ledger import Entry

DEFAULT_YEARS, LEAST_YEARS = 20, 3


def years_of(config: CaseConfig) -> int:
    """Years for which the records are kept; BadSetting unless it is a whole number from 3 to 100."""
    value = config.settings.get("archive", {}).get("years", DEFAULT_YEARS)
    if not isinstance(value, int) or isinstance(value, bool) or not LEAST_YEARS <= value <= 100:
        raise BadSetting(f"settings.archive.years is not a whole number from {LEAST_YEARS} to 100", "edit case.toml")
    return value


def records_until(config: CaseConfig, entries: Iterable[Entry]) -> dt.date:
    """The day after which the records may be destroyed: years after the later of deregistration and the last entry."""
    last = max((str(e.predicate["at"])[:10] for e in entries if "at" in e.predicate), default="")
    day = dt.date.fromisoformat(last) if last else dt.date.min
    day = max(day, config.dates.deregistration or day)
    year = day.year + years_of(config)
    return day.replace(year=year, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=year)


def words(config: CaseConfig, until: dt.date, lang: str) -> str:
    """How long the records stay, and how they end."""
    n = years_of(config)
    if lang == "zh":
        return (f"本档案不含客户个人信息,保存 {n} 年,至 {until.isoformat()}(法律未规定删除证明的保存期限;影响评估与处理情况记录至少 3 年,"
                "《个人信息保护法》第56条)。到期后由保管人在二人在场时销毁整个文件夹及其全部副本,"
                "并留存销毁清单(检查点、日期、签名)。")
    return (f"These records hold no personal data of customers. They are kept {n} years, until {until.isoformat()} (no statute "
            "names a term for proofs of deletion; impact assessments and processing records: at least 3 years, PIPL art. 56). "
            "Then the custodian destroys the folder and every copy before a second person and keeps a list: checkpoint, date, "
            "signatures.")
