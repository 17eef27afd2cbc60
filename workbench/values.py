"""VALUE: what travels between steps. Immutable, typed, and known by the SHA-256 of its canonical bytes.

No dict travels between rooms: a step takes values and returns a value, and the chain of their digests is the
audit trail. Canonical bytes are RFC 8785 (JSON Canonicalization Scheme), so any language can recompute a digest.

    >>> class Note(Value):
    ...     text: str
    >>> short(Note(text="x").digest)
    'fcd1ccec08db'
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, ClassVar, Self

import rfc8785
from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


def short(digest: str, length: int = 12) -> str:
    """The beginning of a hexadecimal ``digest`` for people: ``length`` places, or more until one is a letter.

    One beginning of 12 places in 280 is all digits and reads like a bank card's number: masks would take it for one.

    >>> short("622202123456f00d")
    '622202123456f'
    """
    letter = next((n for n, c in enumerate(digest, 1) if c.isalpha()), length)
    return digest[: max(length, letter)]


class Value(BaseModel):
    """Base of every value. Fields are frozen; unknown fields are refused; floats are allowed but discouraged."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")
    kind: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "kind" not in cls.__dict__:
            cls.kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    def canonical(self) -> bytes:
        """RFC 8785 bytes of this value (UTF-8, sorted keys, no insignificant white space)."""
        return rfc8785.dumps(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """SHA-256 of :meth:`canonical`, 64 lower-case hex characters."""
        return hashlib.sha256(self.canonical()).hexdigest()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Parse canonical (or any) JSON bytes; pydantic's ValidationError when they do not fit."""
        return cls.model_validate_json(data)


class Grown(Value):
    """A value with fields that earlier versions did not have. While such a field is empty it is not written, so plans
    that were approved and certificates that were signed before keep their bytes."""

    later: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        out: dict[str, Any] = handler(self)
        return {k: v for k, v in out.items() if v or k not in self.later}
