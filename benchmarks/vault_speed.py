"""Sealing, full verification and keyless verification against borg, restic and plain SHA-256, on one Parquet file, in one run.

    python benchmarks/vault_speed.py [--mb 610] [--work FOLDER] [--turns 5] [--times 4]

Each measurement is a process of its own, so each peak of memory is its own too. In every turn all of them are done one
after the other, each after a ``sync``, into new folders; medians of the turns. MB/s are 1e6 bytes of the file a second.

Fair to the peers: one copy on the same file system as ours; restic and borg with their defaults (zstd, lz4), against which the
targets were set, and without compression, since we leave bytes that are compressed already as they are. What they
need for a file of 1 KB (start, key derivation, locks, cache) is taken off their times; ours run from the first byte read
to the manifest synced, without Python's start and Argon2id. Files are in the page cache before they are checked.
A peer that is not installed is said to be so. On a shared machine only those measurements count during which others used at
most ``--others`` of one core (from /proc/stat); rounds go on, at most three times ``--turns``, until every name has enough
of them; without one quiet measurement of each there is no verdict. ``--times``: a file so many times larger, for the memory alone.

Measured on 29 November 2026, two cores, alone, ext4 on a virtual disk, restic 0.14, borg 1.2.4, Python 3.11, cryptography 50; 610 MB,
medians of 3 measurements of each, all quiet:

    sealing            1484 MB/s  5.7 x borg create (260; wanted 3)      6.0 x restic backup (247; wanted 5)
    check with keys    1252 MB/s  4.6 x borg check (272)                 1.9 x restic check --read-data (673; wanted 1)
    check without keys 3068 MB/s  1.8 x SHA-256 by one thread (1750)     6.2 x sha256sum (497; wanted 0.7)
    without compression: sealing 5.5 x borg (271), 5.0 x restic (297); by processor time 3.3 x borg, 6.2 x restic
    peak MB: sealing 77, with keys 86, without 42; the same with four times the data

Those peaks are of the data path alone; the memory of whole steps: benchmarks/vault_memory.py.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

WANTED = (("seal", "borg create", 3.0), ("seal", "restic backup", 5.0), ("check with keys", "restic check", 1.0),
          ("check with keys", "borg check", 1.0), ("check without keys", "sha256sum", 0.7),
          ("check without keys", "hashlib", 0.7))


def make_data(path: Path, mb: int) -> None:
    """A Parquet file of made-up rows of about ``mb`` MB, hard to compress further."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(7)
    schema = pa.schema([("id", pa.int64()), ("a", pa.binary(24)), ("b", pa.binary(32)), ("t", pa.int64())])
    n = 200_000
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while path.stat().st_size < mb * 1_000_000:
            wide = [pa.FixedSizeBinaryArray.from_buffers(pa.binary(w), n, [None, pa.py_buffer(rng.bytes(w * n))]) for w in (24, 32)]
            writer.write_table(pa.table([np.arange(n), *wide, rng.integers(0, 1 << 40, n)], schema=schema))


# -- what runs in a process of its own ---------------------------------------------------------------------------------


@contextlib.contextmanager
def clock() -> Iterator[None]:
    """Prints the wall and processor seconds of what is done inside."""
    start, before = time.perf_counter(), time.process_time()
    yield
    print(time.perf_counter() - start, time.process_time() - before)


def seal(data: Path, folder: Path) -> None:
    """What protect does with a file: parts of 8 MiB, hashed, sealed, synced, renamed; then the manifest."""
    from workbench.vault import age, store
    from workbench.vault.writer import seal_stream

    identity = age.new_identity()
    with clock():
        things, _ = seal_stream(data, folder, identity)
        store.write_manifest(folder, "bench", things)
    key = {"identity": identity.hex(), "things": [t.model_dump() for t in things]}
    Path(f"{folder}.key").write_text(json.dumps(key))


def check_keys(data: Path, folder: Path) -> None:
    """What restore_test does with a file whose source is gone: every object hashed and opened, the whole hashed."""
    from workbench.vault import store
    from workbench.vault.model import SealedObject
    from workbench.vault.writer import open_stream

    key = json.loads(Path(f"{folder}.key").read_text())
    things = [SealedObject(**t) for t in key["things"]]
    identity, sha = bytes.fromhex(key["identity"]), hashlib.sha256()
    with clock():
        for part in open_stream(lambda thing, a, b: store.read_into(folder, thing, identity, a, b), things):
            sha.update(part)
    with data.open("rb") as f:
        assert sha.hexdigest() == hashlib.file_digest(f, "sha256").hexdigest()


def check_keyless(data: Path, folder: Path) -> None:
    """What check_media does."""
    from workbench.vault import verify_sealed

    with clock():
        problems = verify_sealed(folder)
    assert problems == ()


def plain(data: Path, folder: Path) -> None:
    """SHA-256 of the same files, one thread, from Python: twice as fast as coreutils where the processor has SHA-NI."""
    files = sorted(folder.rglob("*.age"))
    with clock():
        for path in files:
            with path.open("rb") as f:
                hashlib.file_digest(f, "sha256")


def stages(data: Path, folder: Path) -> None:
    """Seconds of one core that each stage of sealing takes alone; one line of JSON."""
    from workbench.vault import age, store
    from workbench.vault.writer import PART, Slab, put_direct

    recipient, source, target = age.public(age.new_identity()), Slab(PART), Slab(age.sealed_size(PART) + 4096)
    out: dict[str, float] = defaultdict(float)

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        value = work()
        out[name] += time.perf_counter() - start
        return value

    with data.open("rb", buffering=0) as f:
        while length := timed("read", lambda: store.fill(f, source.view[:PART])):
            part = source.view[:length]
            size = timed("ChaCha20-Poly1305", lambda part=part: age.encrypt_into((part,), len(part), recipient, target.view))
            timed("SHA-256 of the objects", lambda size=size: hashlib.sha256(target.view[:size]))
            timed("all of an object", lambda part=part: put_direct(folder, (part,), len(part), recipient, target))
    out["write and sync"] = out.pop("all of an object") - out["ChaCha20-Poly1305"] - out["SHA-256 of the objects"]
    print(json.dumps(out))


CHILDREN = {f.__name__: f for f in (seal, check_keys, check_keyless, plain, stages, make_data)}


# -- what runs them ----------------------------------------------------------------------------------------------------


def busy() -> float:
    """Seconds that all cores of this machine have worked since it started."""
    user, nice, system, _, _, irq, soft, *_ = map(int, Path("/proc/stat").read_text().split(None, 9)[1:9])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


class Run:
    """Figures of one benchmark: wall and processor seconds and peak MB of each process, by name."""

    def __init__(self, base: Path, data: Path) -> None:
        self.base, self.data = base, data
        self.wall: dict[str, list[float]] = defaultdict(list)
        self.cpu: dict[str, list[float]] = defaultdict(list)
        self.others: dict[str, list[float]] = defaultdict(list)
        self.quiet = False
        self.peak: dict[str, float] = defaultdict(float)
        self.env = {**os.environ, "BORG_PASSPHRASE": "x" * 12, "RESTIC_PASSWORD": "x" * 12, "BORG_BASE_DIR": str(base / "borgbase"),
                    "RESTIC_CACHE_DIR": str(base / "cache"), "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}

    def call(self, name: str, *words: str, less: tuple[float, float] = (0, 0)) -> tuple[float, float, str]:
        """Run a command, note it under ``name`` (unless empty); ``less``: seconds that do not count."""
        os.sync()
        start, before = time.perf_counter(), busy()
        child = subprocess.Popen(words, env=self.env, cwd=self.base, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert child.stdout is not None
        said = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        wall, cpu = time.perf_counter() - start, used.ru_utime + used.ru_stime
        if status:
            raise SystemExit(f"{words[0]} {words[1]} failed")
        if name:
            self.wall[name].append(wall - less[0])
            self.cpu[name].append(cpu - less[1])
            self.others[name].append((busy() - before - cpu) / wall)
            self.peak[name] = max(self.peak[name], used.ru_maxrss / 1024)
        return wall, cpu, said

    def ours(self, name: str, child: str, folder: Path, data: Path | None = None) -> None:
        """A measurement in its own Python; it says itself how long the work took."""
        _, _, said = self.call(name, sys.executable, __file__, "--child", child, str(data or self.data), str(folder))
        self.wall[name][-1], self.cpu[name][-1] = map(float, said.split())

    def turns(self, wanted: int, others: float) -> None:
        """Rounds until each name was measured ``wanted`` times with at most ``others`` of a core used by others."""
        plainly = " uncompressed"
        groups: tuple[tuple[tuple[str, ...], Callable[[], None]], ...] = (
            (("seal", "sha256sum", "hashlib", "check without keys", "check with keys"), self.own),
            (("borg create", "borg check"), self.borg),
            (("restic backup", "restic check"), self.restic),
            (("borg create" + plainly, "borg check" + plainly), lambda: self.borg(plainly, "--compression", "none")),
            (("restic backup" + plainly, "restic check" + plainly), lambda: self.restic(plainly, "--compression", "off")))
        for _ in range(3 * wanted):
            for names, group in groups:
                if any(sum(o <= others for o in self.others[n]) < wanted for n in names):
                    group()
        kept = {name: [i for i, o in enumerate(used) if o <= others] for name, used in self.others.items() if used}
        self.quiet = all(kept.values())
        for name, quiet in kept.items() if self.quiet else ():  # never a quiet one of ours against a loaded one of theirs
            self.wall[name] = [self.wall[name][i] for i in quiet]
            self.cpu[name] = [self.cpu[name][i] for i in quiet]

    def own(self) -> None:
        folder = self.base / "set"
        self.ours("seal", "seal", folder)
        for path in folder.rglob("*.age"):
            path.read_bytes()
        self.call("sha256sum", "sha256sum", *map(str, sorted(folder.rglob("*.age"))))
        self.ours("hashlib", "plain", folder)
        self.ours("check without keys", "check_keyless", folder)
        self.ours("check with keys", "check_keys", folder)
        shutil.rmtree(folder)

    def borg(self, kind: str = "", *options: str) -> None:
        if not shutil.which("borg"):
            return
        repo = self.base / "borg"
        self.call("", "borg", "init", "-e", "repokey-blake2", str(repo))
        less = self.call("", "borg", "create", *options, f"{repo}::tiny", "tiny")[:2]
        check = self.call("", "borg", "check", "--verify-data", str(repo))[:2]
        self.call("borg create" + kind, "borg", "create", *options, f"{repo}::a", str(self.data), less=less)
        self.call("borg check" + kind, "borg", "check", "--verify-data", str(repo), less=check)
        shutil.rmtree(repo)

    def restic(self, kind: str = "", *options: str) -> None:
        if not shutil.which("restic"):
            return
        repo = str(self.base / "restic")
        self.call("", "restic", "init", "-r", repo)
        less = self.call("", "restic", "-r", repo, *options, "backup", "tiny")[:2]
        check = self.call("", "restic", "-r", repo, "check", "--read-data")[:2]
        self.call("restic backup" + kind, "restic", "-r", repo, *options, "backup", str(self.data), less=less)
        self.call("restic check" + kind, "restic", "-r", repo, "check", "--read-data", less=check)
        shutil.rmtree(repo)


def lines(run: Run, size: int) -> Iterator[str]:
    """The figures in words."""
    median = {n: (statistics.median(run.wall[n]), statistics.median(run.cpu[n])) for n in run.wall}
    yield f"{'what':28} {'MB/s':>6} {'least':>6} {'most':>6} {'per CPU second':>15} {'peak MB':>8} {'counted':>8}"
    for name, (wall, cpu) in median.items():
        low, high = size / 1e6 / max(run.wall[name]), size / 1e6 / min(run.wall[name])
        yield (f"{name:28} {size / 1e6 / wall:6.0f} {low:6.0f} {high:6.0f} {size / 1e6 / cpu:15.0f} {run.peak[name]:8.0f} "
               f"{f'{len(run.wall[name])}/{len(run.others[name])}':>8}")
    for mine, peer, want in WANTED:
        if peer not in median:
            yield f"{peer}: not installed, not compared"
            continue
        ratio, cpu = (median[peer][n] / median[mine][n] for n in (0, 1))
        best = min(run.wall[peer]) / min(run.wall[mine])
        alike = f"{peer} uncompressed"
        also = f"; {median[alike][0] / median[mine][0]:.2f} of {alike}" if alike in median else ""
        verdict = "no verdict: never quiet" if not run.quiet else "reached" if ratio >= want else "MISSED"
        yield (f"{mine} / {peer}: {ratio:.2f} by wall clock (best of each {best:.2f}), {cpu:.2f} by processor time"
               f"{also} (target {want}) {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=610)
    parser.add_argument("--work", type=Path, help="where the data, our set and the peers' repositories go")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--others", type=float, default=0.3)
    parser.add_argument("--times", type=int, default=4)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, data, second = options.child
        CHILDREN[name](Path(data), int(second) if name == "make_data" else Path(second))
        return
    with tempfile.TemporaryDirectory(dir=options.work) as text:
        base = Path(text)
        run = Run(base, base / "data.parquet")
        (base / "tiny").write_bytes(bytes(1024))
        run.call("", sys.executable, __file__, "--child", "make_data", str(run.data), str(options.mb))
        size = run.data.stat().st_size
        print(f"{size / 1e6:.0f} MB of Parquet, {options.turns} turns, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
        run.turns(options.turns, options.others)
        print(*lines(run, size), sep="\n")
        said = json.loads(run.call("", sys.executable, __file__, "--child", "stages", str(run.data), str(base / "stages"))[2])
        print("sealing, seconds of one core by stage:", ", ".join(f"{k} {v:.2f}" for k, v in said.items()))
        shutil.rmtree(base / "stages")
        large(run, options.times)
        print(f"load at the end {os.getloadavg()[0]:.1f}")


def large(run: Run, times: int) -> None:
    """Peak memory with a file that is ``times`` as large."""
    data, folder = run.base / "large", run.base / "set"
    with data.open("wb") as f:
        for _ in range(times):
            with run.data.open("rb") as g:
                shutil.copyfileobj(g, f, 1 << 22)
    for name, child in (("seal", "seal"), ("check without keys", "check_keyless"), ("check with keys", "check_keys")):
        run.ours(f"{name}, large", child, folder, data)
    peaks = ", ".join(f"{n.removesuffix(', large')} {p:.0f}" for n, p in run.peak.items() if n.endswith(", large"))
    print(f"peak MB with {times} times the data: {peaks} (target <= 200)")


if __name__ == "__main__":
    main()
