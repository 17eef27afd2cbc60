"""The multipliers file: what each piece of evidence does to a risk, versioned and marked uncalibrated."""

from __future__ import annotations

import hashlib
import math
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.errors import ParameterError
from workbench.risk.evidence import Evidence, Risk

FILE = Path(__file__).with_name("data") / "multipliers.yaml"
RISKS: tuple[Risk, ...] = ("leak", "tamper", "misuse", "error")
Form = Literal[
    "share_bad", "share_good", "flag", "log_count", "root_count", "per_ten", "power", "age_week", "count", "copies"
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Names(_Part):
    """Both languages."""

    zh: str
    en: str


class Item(_Part):
    """One kind of evidence."""

    id: str
    risk: Risk
    form: Form
    bad: float
    good: float
    control: bool = False
    """a measure somebody takes; absent in the inherent state"""
    scope: Literal["case", "table"] = "case"
    names: Names
    spread: float | None = None

    def multiplier(self, value: float) -> float:
        """The multiplier for a measured value, between good and bad.

        >>> round(model().items[0].multiplier(1.0), 9)
        4.0
        """
        low, high = math.log(self.good), math.log(self.bad)
        if self.form in ("share_bad", "flag"):
            return math.exp(low + min(1.0, max(0.0, value)) * (high - low))
        if self.form == "share_good":
            return math.exp(high - min(1.0, max(0.0, value)) * (high - low))
        if self.form == "copies":  # 0 or 1 copy is bad, 3 are as good as it gets
            return math.exp(high - min(1.0, max(0.0, (value - 1) / 2)) * (high - low))
        n = max(0.0, value)
        shapes: dict[str, float] = {
            "log_count": 1 + math.log(max(1.0, n)),
            "root_count": max(1.0, n) ** 0.5,
            "per_ten": 1 + n / 10,
            "power": 1.5 ** min(n, 60.0),
            "age_week": 1 + n / 7,
            "count": 1 + n,
        }
        return min(self.bad, max(self.good, shapes[self.form]))


class Rate(_Part):
    """Events a year with every multiplier at 1."""

    mode: float
    spread: float
    source: str = ""


class Response(_Part):
    """Cost of answering an event: ln(cost in USD) = intercept + slope * ln(records)."""

    intercept: float
    slope: float
    sd: float
    share: dict[Risk, float]


class Fine(_Part):
    """Chance and mode (share of the cap) of a fine at a severity level."""

    chance: float
    mode: float


class Model(_Part):
    """The whole file."""

    version: str
    calibrated: bool
    calibrated_by: str | None = None
    sources: tuple[str, ...]
    currency: str
    cny_per_usd: float
    horizon_days: int
    floor_share: float
    cap_minimum: float
    cap_turnover_share: float
    base_rates: dict[Risk, Rate]
    response: Response
    fine: dict[str, Fine]
    items: tuple[Item, ...]
    spread: float
    sha256: str = ""

    def of(self, risk: Risk) -> tuple[Item, ...]:
        """Items that move a risk, in file order."""
        return tuple(i for i in self.items if i.risk == risk)

    def item(self, id_: str) -> Item | None:
        """The item of that id, or None."""
        return next((i for i in self.items if i.id == id_), None)

    def cap(self, turnover: float | None) -> float:
        """The loss that scores 100: the statutory cap of fines."""
        return max(self.cap_minimum, self.cap_turnover_share * (turnover or 0))


def value_shown(item: Item | None, multiplier: float, evidence: Evidence | None) -> str | None:
    """The measured value behind a point; None where its assets measured different ones, "" where nothing was measured."""
    if item is None or evidence is None:
        return ""
    return f"{evidence.value:g}" if math.isclose(item.multiplier(evidence.value), multiplier, rel_tol=1e-6) else None


@cache
def model(path: Path = FILE) -> Model:
    """The multipliers in ``path``; a company can keep its own calibrated copy.

    Raises:
        ParameterError: the file is missing or wrong; names the key.
    """
    try:
        data = path.read_bytes()
        raw: Any = yaml.safe_load(data)
        return Model.model_validate({**raw, "sha256": hashlib.sha256(data).hexdigest()})
    except (OSError, yaml.YAMLError, TypeError) as e:
        raise ParameterError(
            f"multipliers file cannot be read: {type(e).__name__}", "mend settings.assess.multipliers", where=str(path)
        ) from None
    except ValidationError as e:
        first = e.errors(include_input=False, include_url=False)[0]
        key = ".".join(str(p) for p in first["loc"])
        raise ParameterError(f"multipliers file: {key}: {first['msg']}", "mend that key", where=str(path)) from None
