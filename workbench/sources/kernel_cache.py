"""KERNEL CACHE: compiled functions on disk, thrown away when any file of compiled functions changed.

numba looks at the file of a function alone. A function compiled into its caller would live on in the caller's cache after its own
file changed: the program would run code that is no longer in its source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numba
from numba.core.caching import InTreeCacheLocator, UserProvidedCacheLocator, UserWideCacheLocator

ROOT = Path(__file__).parents[1]
FILES = ("sources/keyed.py", "sources/copyout.py", "classification/checks.py", "classification/scanner.py", "classification/names.py",
         "classification/columns.py")
"""every file with compiled functions; a test compares"""


@cache
def stamp() -> str:
    """Digest of all of them."""
    digest = hashlib.sha256()
    for name in FILES:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


class InTree(InTreeCacheLocator):
    """Beside the source, where that can be written."""

    def get_source_stamp(self) -> str:
        return stamp()


class UserWide(UserWideCacheLocator):
    """In the user's cache folder."""

    def get_source_stamp(self) -> str:
        return stamp()


class Provided(UserProvidedCacheLocator):
    """Where NUMBA_CACHE_DIR says."""

    def get_source_stamp(self) -> str:
        return stamp()


@contextmanager
def our_stamp() -> Iterator[None]:
    """Functions compiled in this block are cached under the stamp of all."""
    before = numba.config.CACHE_LOCATOR_CLASSES  # type: ignore[attr-defined]
    numba.config.CACHE_LOCATOR_CLASSES = ",".join(  # type: ignore[attr-defined]
        f"{__name__}.{c.__name__}" for c in (Provided, InTree, UserWide))
    try:
        yield
    finally:
        numba.config.CACHE_LOCATOR_CLASSES = before  # type: ignore[attr-defined]
