"""ERASURE: gone from the rows, from the store's bytes, and certified by code that did not do the deleting.

In: a case with a sealed backup, a plan, and two people's approval. Out: an :class:`Erasure` and a signed certificate
for each disposal.

    dry_run(case)                        # the counts, the preflight; changes nothing
    erase(case, approvals.check(case))   # resumes after a crash; a repetition returns the first result
    reassess(case)                       # the risk that is left
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.erasure.certify import verify_certificate
    from workbench.erasure.flow import dry_run, erase
    from workbench.erasure.left import left, reassess
    from workbench.erasure.model import Certificate, Certificates, DisposalResult, Erasure, StoreProof, TableProof

_WHERE = {
    "certify": ("verify_certificate",),
    "flow": ("dry_run", "erase"),
    "left": ("left", "reassess"),
    "model": ("Certificate", "Certificates", "DisposalResult", "Erasure", "StoreProof", "TableProof"),
}

__all__ = ["Certificate", "Certificates", "DisposalResult", "Erasure", "StoreProof", "TableProof", "dry_run", "erase",
           "left", "reassess", "verify_certificate"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for module, names in _WHERE.items():
        if name in names:
            return getattr(import_module(f"workbench.erasure.{module}"), name)
    raise AttributeError(name)
