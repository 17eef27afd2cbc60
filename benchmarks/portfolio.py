"""A portfolio of 200 cases: seconds until it is there.

Run: python benchmarks/portfolio.py FOLDER_OF_A_CASE [CASES]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from workbench.governance.portfolio import portfolio


def main(case: Path, number: int) -> None:
    """Copy the case's toml, ledger and values ``number`` times and open them all."""
    with tempfile.TemporaryDirectory() as text:
        for n in range(number):
            for part in ("ledger", "values"):
                shutil.copytree(case / part, Path(text) / f"c{n:04d}" / part)
            shutil.copyfile(case / "case.toml", Path(text) / f"c{n:04d}" / "case.toml")
        begun = time.perf_counter()
        found = portfolio([Path(text)])
        print(f"{len(found.cases)} cases, {found.red} red: {time.perf_counter() - begun:.2f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200)
