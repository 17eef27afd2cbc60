"""LAW: rule packs as dated YAML, and pure functions over them. Jurisdictions and a date go in; rules in force come out.

>>> from workbench.law import load_packs, retention_of
>>> import datetime as dt
>>> packs = load_packs(("CN",), ("ecommerce",))
>>> [t.rule.id for t in retention_of(packs, "accounting.voucher", dt.date(2026, 11, 23))]
['cn.accounting.voucher', 'cn.tax.records']
>>> keep_until(dt.date(2026, 3, 5), "P30Y", "year")
datetime.date(2056, 12, 31)
"""

from workbench.law.dates import add, first_bound, keep_until
from workbench.law.loader import all_packs, load_pack, load_packs
from workbench.law.model import Category, Pack, RecordType, Rule
from workbench.law.packs_value import Packs
from workbench.law.query import Term, duties_of, retention_of, rules_in_force, thresholds
from workbench.law.records import Guess, guess_date, guess_record

__all__ = [
    "Category",
    "Guess",
    "Pack",
    "Packs",
    "RecordType",
    "Rule",
    "Term",
    "add",
    "all_packs",
    "duties_of",
    "first_bound",
    "guess_date",
    "guess_record",
    "keep_until",
    "load_pack",
    "load_packs",
    "retention_of",
    "rules_in_force",
    "thresholds",
]
