"""What national cryptography costs: 64 MiB sealed and opened in memory in both containers, by turns, in one run.

    .venv/bin/python benchmarks/vault_sm4.py [--turns 5]

Printed: medians of MB/s on one thread. 24 Nov 2026, one hyperthread of two, load 2: age 940 MB/s sealed and 600 opened, SM4-GCM 99 and
106; alone 1,030 and 1,080 against 143 and 141: seven to ten times slower, on a processor without SM4 instructions.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

from workbench.vault import age, sealing, sm4


def main() -> None:
    """Seal and open, by turns."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--turns", type=int, default=5)
    data = os.urandom(64 * 1024 * 1024)
    keys = {"age": age.new_identity(), "sm4": sm4.Secret(os.urandom(32))}
    took: dict[tuple[str, str], list[float]] = {}
    for _ in range(ask.parse_args().turns):
        for name, key in keys.items():
            start = time.perf_counter()
            sealed = sealing.encrypt(memoryview(data), sealing.recipient(key))
            middle = time.perf_counter()
            assert sealing.decrypt(sealed, key) == data
            took.setdefault((name, "sealed"), []).append(middle - start)
            took.setdefault((name, "opened"), []).append(time.perf_counter() - middle)
    for (name, what), seconds in took.items():
        print(f"{name:4} {what} {len(data) / 1e6 / statistics.median(seconds):8,.0f} MB/s")


if __name__ == "__main__":
    main()
