"""Entry point of the papermill engine ``guarded``.

papermill loads entry points while it is itself being imported, so the engine, which builds on papermill's classes, is
imported only when papermill first asks something of it.
"""

from __future__ import annotations

from typing import Any


class _Later:
    def __getattr__(self, name: str) -> Any:
        from workbench.records.engine import Engine

        return getattr(Engine, name)


GuardedEngine = _Later()
