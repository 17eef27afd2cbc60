"""Sealing, full verification and keyless verification against borg and restic, on one Parquet file, in one run.

    python benchmarks/vault_speed.py [--mb 600] [--work FOLDER] [--threads 2]

Prints MB/s of wall time (1e6 bytes of the file per second), ratios against the issue's targets, and peak memory of the
sealing process. A peer that is not installed is said to be so.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def make_data(path: Path, mb: int) -> int:
    """A Parquet file of made-up rows of about ``mb`` MB, hard to compress further."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(7)
    schema = pa.schema([("id", pa.int64()), ("a", pa.binary(24)), ("b", pa.binary(32)), ("t", pa.int64())])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while path.stat().st_size < mb * 1_000_000:
            n = 200_000
            writer.write_table(pa.table({
                "id": np.arange(n), "a": pa.array([x.tobytes() for x in rng.bytes(24 * n) and np.frombuffer(
                    rng.bytes(24 * n), "V24")], pa.binary(24)),
                "b": pa.array([x.tobytes() for x in np.frombuffer(rng.bytes(32 * n), "V32")], pa.binary(32)),
                "t": rng.integers(0, 1 << 40, n)}, schema=schema))
    return path.stat().st_size


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def seal(path: Path, folder: Path, threads: int) -> list[object]:
    """What protect does with a file: parts of 16 MiB, hashed, sealed, synced, read back, opened, renamed."""
    from workbench.vault import age
    from workbench.vault.backup import seal_stream

    identity = age.new_identity()
    things, _, _ = seal_stream(path, folder, identity, threads - 1)
    return [identity, things]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=600)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--threads", type=int, default=2, help="processes that seal")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as text:
        base = Path(text)
        data = base / "data.parquet"
        pid = os.fork()  # so that making the data does not count towards the sealing process's memory
        if pid == 0:
            make_data(data, options.mb)
            os._exit(0)
        os.waitpid(pid, 0)  # counted among the children, so the figure below is an upper bound
        size = data.stat().st_size
        print(f"data: {size / 1e6:.0f} MB Parquet; threads {options.threads}; {os.cpu_count()} cores")
        run(base, data, size, options.threads)


def run(base: Path, data: Path, size: int, threads: int) -> None:
    from workbench.vault import store

    speed: dict[str, float] = {}
    made: list[object] = []
    speed["ours: seal"] = timed(lambda: made.extend(seal(data, base / "set", threads)))
    rss = max(resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    identity, things = made
    assert isinstance(identity, bytes)
    assert isinstance(things, list)
    store.write_manifest(base / "set", "bench", things)
    from workbench.vault.store import verify_keys_parallel

    speed["ours: check with keys"] = timed(lambda: verify_keys_parallel(base / "set", things, identity, threads))
    speed["ours: check without keys"] = timed(lambda: store.verify_sealed(base / "set"))
    speed["plain sha256"] = timed(lambda: [hashlib.file_digest(f, "sha256") for f in [data.open("rb")]])
    peers(base, data, speed)
    print(f"{'what':28} {'MB/s':>8}")
    for name, seconds in speed.items():
        print(f"{name:28} {size / 1e6 / seconds:8.0f}")
    print(f"peak memory of the sealing process: {rss:.0f} MB (target <= 200)")
    for mine, peer, want in (("ours: seal", "borg create", 3.0), ("ours: seal", "restic backup", 5.0),
                             ("ours: check with keys", "restic check --read-data", 1.0),
                             ("ours: check without keys", "plain sha256", 0.7)):
        if peer in speed:
            ratio = speed[peer] / speed[mine]
            print(f"{mine} / {peer}: {ratio:.2f} (target {want}) {'reached' if ratio >= want else 'MISSED'}")
        else:
            print(f"{peer}: not installed, not compared")


def peers(base: Path, data: Path, speed: dict[str, float]) -> None:
    env = {**os.environ, "BORG_PASSPHRASE": "x" * 12, "RESTIC_PASSWORD": "x" * 12, "BORG_BASE_DIR": str(base / "borgbase"),
           "RESTIC_CACHE_DIR": str(base / "cache"), "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}

    def call(*words: str) -> None:
        subprocess.run(words, env=env, check=True, capture_output=True, cwd=base)

    if shutil.which("borg"):
        call("borg", "init", "-e", "repokey-blake2", str(base / "borg"))
        speed["borg create"] = timed(lambda: call("borg", "create", "--compression", "none", f"{base / 'borg'}::a", str(data)))
        speed["borg check --verify-data"] = timed(lambda: call("borg", "check", "--verify-data", str(base / "borg")))
    if shutil.which("restic"):
        call("restic", "init", "-r", str(base / "restic"))
        speed["restic backup"] = timed(lambda: call("restic", "-r", str(base / "restic"), "backup", str(data)))
        speed["restic check --read-data"] = timed(lambda: call("restic", "-r", str(base / "restic"), "check", "--read-data"))


if __name__ == "__main__":
    main()
