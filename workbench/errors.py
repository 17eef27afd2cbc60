"""Every error a user can meet, in one tree.

WorkbenchError
├── CaseError              the case folder or its case.toml
│   └── BadSetting         a value in case.toml, with its place
├── ParameterError         a parameter or an argument that a step does not know, or of the wrong type
├── SourceError            a database or file that holds data
│   ├── SourceMissing      it is not there
│   ├── SourceRefused      it is there and does not let us in
│   └── SourceUnreadable   it is there and is not what it claims to be
├── LawError               a rule pack
├── PlanError              a plan that cannot be made or is not executable
│   └── ApprovalError      not approved, approved by the wrong people, or approved for something else
├── VaultError             sealed sets, keys, backups
├── ErasureError           the carrying out of a plan
│   └── StoreBusy          another client holds a lock that we need
├── LedgerError            the append-only log
├── RecordError            an executed notebook or its record
└── VerificationError      something does not match what was signed

An error says *what* happened, *where* if that helps, and *what to type next*. It never holds a data value:
whoever raises one from a driver's exception passes its class or SQLSTATE, not its text, and ``from None``.
"""

from __future__ import annotations

from typing import Any


class WorkbenchError(Exception):
    """Base of the tree.

    what: one clause, no trailing full stop; todo: the command or edit that mends it.
    """

    exit_code = 2

    def __init__(self, what: str, todo: str = "", *, where: str = "") -> None:
        self.what, self.todo, self.where = what, todo, where
        super().__init__(what, todo, where)

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        next_ = f" Next: {self.todo}" if self.todo else ""
        return f"{self.what}{place}.{next_}"

    def __reduce__(self) -> tuple[Any, ...]:
        # picklable: errors cross process borders in the runner and in Dask
        return (_rebuild, (type(self), self.what, self.todo, self.where))


def _rebuild(cls: type[WorkbenchError], what: str, todo: str, where: str) -> WorkbenchError:
    return cls(what, todo, where=where)


class CaseError(WorkbenchError):
    """The case folder or its case.toml."""


class BadSetting(CaseError):
    """A value in case.toml; ``where`` names file and key."""


class ParameterError(WorkbenchError, ValueError):
    """An unknown parameter or one of the wrong type; raised before a kernel starts."""


class SourceError(WorkbenchError):
    """A database or a file that holds data."""


class SourceMissing(SourceError, FileNotFoundError):
    """The source is not there."""


class SourceRefused(SourceError, PermissionError):
    """The source is there and does not let us in."""


class SourceUnreadable(SourceError):
    """The source is there and is not what it claims to be."""


class LawError(WorkbenchError):
    """A rule pack; ``where`` names file, line and rule."""


class PlanError(WorkbenchError):
    """A plan that cannot be made or is not executable."""


class ApprovalError(PlanError):
    """Not approved, approved by the wrong people, or approved for something else."""


class VaultError(WorkbenchError):
    """Sealed sets, keys, backups."""


class ErasureError(WorkbenchError):
    """The carrying out of a plan; the message says what is done and what continues it."""


class StoreBusy(ErasureError):
    """Another client holds a lock that we need, or the store is in use."""


class LedgerError(WorkbenchError):
    """The append-only log."""


class RecordError(WorkbenchError):
    """An executed notebook or its record."""


class VerificationError(WorkbenchError):
    """Something does not match what was signed; ``where`` names the file or entry."""

    exit_code = 1
