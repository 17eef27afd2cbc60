"""SEALER: a helper process that seals parts of large files, because the cipher holds the interpreter's lock.

Reads one JSON line a part on standard input (the key travels there, never in argv) and answers one line each.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from workbench.errors import VaultError
from workbench.vault import age, store
from workbench.vault.model import SealedObject


class Helper:
    """The parent's side of one helper process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "workbench.vault.sealer"], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, path: Path, offset: int, length: int, folder: Path, identity: bytes) -> None:
        """Begin one part."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([str(path), offset, length, str(folder), identity.hex()]) + "\n")
        self._process.stdin.flush()

    def answer(self) -> SealedObject:
        """The object of the oldest part asked for."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        told = json.loads(line) if line else {"error": "the helper process ended"}
        if "error" in told:
            raise VaultError(told["error"], "run the step again; it resumes")
        return SealedObject(**told)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


def main() -> None:
    """The helper's side."""
    import os

    from workbench.vault.kek import harden

    os.umask(0o077)
    harden()
    for line in sys.stdin:
        path, offset, length, folder, key = json.loads(line)
        identity = bytes.fromhex(key)
        try:
            with Path(path).open("rb") as f:
                f.seek(offset)
                part = f.read(length)
            told = store.put(Path(folder), part, age.public(identity), identity).model_dump()
        except (VaultError, OSError) as e:
            told = {"error": e.what if isinstance(e, VaultError) else f"a part could not be sealed: {type(e).__name__}"}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
