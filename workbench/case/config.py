"""CASE.TOML: what a person writes about one closing company, checked field by field.

Every message names the key (``sources[1].url``) and what to type. Nothing here opens a source or a key.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from workbench.errors import BadSetting, CaseError

Role = Literal["operator", "approver", "supervisor", "inspector", "custodian", "counsel"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,47}$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Company(_Section):
    """Who closes, why, when and where. ``[case]`` in case.toml."""

    id: Name
    """short id, used in file names and the ledger's origin line"""
    company: str
    """registered name in the original language"""
    company_en: str = ""
    credit_code: str = ""
    """unified social credit code, if any"""
    reason: Literal["dissolution", "bankruptcy", "merger", "division", "revocation", "expiry", "other"] = "dissolution"
    place: str
    """city where the work is done; goes into every record"""
    timezone: str = "Asia/Shanghai"
    language: Literal["zh", "en"] = "zh"
    jurisdictions: tuple[str, ...] = ("CN",)
    sectors: tuple[str, ...] = ()
    """e.g. ecommerce, finance, medical, telecom: selects sector packs"""
    turnover: int | None = None
    """last year's turnover in CNY; scales fines in the risk model"""
    contact: str = ""
    """public contact for customers' requests, printed in notices"""

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("is not an IANA time zone such as Asia/Shanghai") from None
        return value


class Dates(_Section):
    """The closing's dates. Unset ones are unknown to the planner, which then takes the cautious reading."""

    dissolution: dt.date | None = None
    """the cause of dissolution arose (T0 of Company Law deadlines)"""
    service_end: dt.date | None = None
    """products or services stop; PIPL 47(1)(2) starts here"""
    claims_end: dt.date | None = None
    """creditors' claim period ends; nothing irreversible before it"""
    deregistration: dt.date | None = None
    as_of: dt.date | None = None
    """the day the plan is made for; today when unset"""


class Person(_Section):
    """One natural person taking part, by role. Keys live in ``keys/<id>.pub`` and ``keys/<id>.key``."""

    id: Name
    name: str
    roles: tuple[Role, ...]
    organisation: str = ""


class SourceSpec(_Section):
    """Where data lie. Exactly one of ``url`` (database) and ``path`` (file or folder)."""

    name: Name
    url: str = ""
    """SQLAlchemy-style: sqlite:///shop.sqlite, postgresql://user@host/db, mariadb://user@host/db, duckdb:///x.duckdb"""
    path: str = ""
    """a file or a folder, relative to the case folder or absolute"""
    password_env: str = ""
    """name of the environment variable that holds the password"""
    password_keyring: str = ""
    """keyring entry as service/username"""
    schema_: str = Field("", alias="schema")
    """database schema, when not the default one"""
    system: str = ""
    """business name of the system, for reports"""

    @model_validator(mode="after")
    def _one_place(self) -> SourceSpec:
        if bool(self.url) == bool(self.path):
            raise ValueError("give exactly one of url = ... (database) and path = ... (file or folder)")
        userinfo = self.url.partition("://")[2].rpartition("@")[0]
        secret = re.search(r"[?&;](password|passwd|pwd|sslpassword|token|secret)=", self.url, re.IGNORECASE)
        if ":" in userinfo or secret:
            raise ValueError("holds a password; name it in password_env or password_keyring and take it out of url")
        return self


class Asset(_Section):
    """Something that holds customer data and is not a source we can read: device, medium, paper, partner's copy."""

    name: str
    kind: Literal["device", "medium", "paper", "partner", "cloud", "other"]
    place: str = ""
    keeper: str = ""
    serial: str = ""
    encrypted: Literal["yes", "no", "unknown"] = "unknown"
    holds_data: str = ""
    """what kind of customer data, in words; no names"""
    contract: str = ""
    disposal: str = ""
    """wished disposal in words"""
    last_inspected: dt.date | None = None


class RecordSpec(_Section):
    """Says what a table's rows are in law: ties a table to a record type of the packs and to its start-event column."""

    table: str
    """source.table, or source.* for all tables of a source"""
    type: str
    """record type id of a pack, e.g. accounting.voucher, commerce.order; 'none' for nothing a statute keeps"""
    date: str = ""
    """column that holds the start event's date; empty: unknown, the cautious reading applies"""
    keep_columns: tuple[str, ...] = ()
    """columns the retention duty needs; empty: the pack's own list decides"""


class Hold(_Section):
    """A legal hold: beats every deletion rule for what it covers."""

    id: Name
    reason: str
    covers: tuple[str, ...]
    """source.table globs"""
    since: dt.date
    until: dt.date | None = None
    by: str = ""
    """person id who ordered it"""


class VaultSpec(_Section):
    """Where sealed sets go; at least two places for the backup."""

    places: tuple[str, ...] = ("vault/place-1", "vault/place-2")
    custodian: str = ""
    """who keeps the archive after deregistration: a person id or a name"""
    custodian_until: dt.date | None = None
    passphrase_env: str = "WORKBENCH_VAULT_PASSPHRASE"

    @field_validator("places")
    @classmethod
    def _two(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < 2:
            raise ValueError("name at least two different places for the backup")
        return value


class CaseConfig(_Section):
    """All of case.toml."""

    case: Company
    dates: Dates = Dates()
    people: tuple[Person, ...]
    sources: tuple[SourceSpec, ...]
    assets: tuple[Asset, ...] = ()
    records: tuple[RecordSpec, ...] = ()
    holds: tuple[Hold, ...] = ()
    vault: VaultSpec = VaultSpec()
    packs: tuple[str, ...] = ()
    """extra rule packs (paths) of the company's own policies"""
    settings: dict[str, dict[str, Any]] = {}
    """[settings.STEP] tables: further settings of a step, checked by that step"""

    @model_validator(mode="after")
    def _coherent(self) -> CaseConfig:
        for label, ids in (("people", [p.id for p in self.people]), ("sources", [s.name for s in self.sources])):
            twice = sorted({i for i in ids if ids.count(i) > 1})
            if twice:
                raise ValueError(f"{label}: the id {twice[0]!r} is used twice")
        roles = {r for p in self.people for r in p.roles}
        if "operator" not in roles:
            raise ValueError("people: nobody has the role operator")
        if sum("approver" in p.roles for p in self.people) < 2:
            raise ValueError("people: approval needs two people with the role approver")
        if not self.sources:
            raise ValueError("sources: name at least one [[sources]]")
        return self

    def person(self, id_: str) -> Person:
        """The person with that id; CaseError lists the ids there are."""
        for p in self.people:
            if p.id == id_:
                return p
        raise CaseError(f"no person {id_!r} in case.toml", "use one of: " + ", ".join(p.id for p in self.people))

    def with_role(self, role: Role) -> tuple[Person, ...]:
        """Everybody holding ``role``, in file order."""
        return tuple(p for p in self.people if role in p.roles)


def load_config(path: Path) -> CaseConfig:
    """Read and check ``case.toml`` at ``path``.

    Raises:
        CaseError: there is no such file, or it is not TOML (line and column named).
        BadSetting: a field is missing, unknown or wrong; ``where`` names file and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CaseError(f"no case.toml in {path.parent}", f"workbench new {path.parent}") from None
    except (OSError, UnicodeDecodeError) as e:
        what = f"case.toml cannot be read: {type(e).__name__}"
        raise CaseError(what, "save it as UTF-8 text", where=str(path)) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise CaseError(f"case.toml is not valid TOML: {e}", "mend that line", where=str(path)) from None
    try:
        return CaseConfig.model_validate(data)
    except ValidationError as e:
        first = e.errors(include_input=False, include_url=False)[0]
        key = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in first["loc"]).lstrip(".") or "case.toml"
        message = first["msg"].removeprefix("Value error, ")
        raise BadSetting(f"{key}: {message}", "edit case.toml", where=str(path)) from None
