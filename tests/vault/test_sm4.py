"""National cryptography: an own container, opened by a second reader that shares no code with the first."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from workbench.case import Case
from workbench.errors import BadSetting
from workbench.vault import (
    age,
    archive_rows,
    archived_batches,
    close_window,
    protect,
    restore_test,
    sealing,
    sm4,
    store,
)
from workbench.vault.restoring import parquet_batches
from workbench.vault.vault import open_vault, settings

SWITCH = '[settings.vault]\ncipher = "sm4"\n'


def reads_sm4() -> bool:
    """Whether this machine's openssl and hashlib know SM4 and SM3."""
    import hashlib

    there = shutil.which("openssl") and "sm3" in hashlib.algorithms_available
    return bool(there) and b"sm4-ctr" in subprocess.run(["openssl", "enc", "-list"], capture_output=True).stdout


def stranger(reader: Path, thing: Path, key: bytes) -> subprocess.CompletedProcess[bytes]:
    """The reader that lies in the set, with nothing of ours importable."""
    return subprocess.run([sys.executable, "-I", str(reader), str(thing)], input=key.hex().encode() + b"\n", capture_output=True)


@pytest.mark.skipif(not reads_sm4(), reason="openssl here has no SM4 or SM3")
@pytest.mark.parametrize("size", [0, 1, 16, 65_536, 65_537, 140_000])
def test_the_second_reader_opens_what_was_sealed_and_nothing_else(tmp_path: Path, size: int) -> None:
    """At every border of a chunk; a changed tag, a cut or another key releases not a byte."""
    key, data, path = sm4.Secret(os.urandom(32)), os.urandom(size), tmp_path / "x.sm4"
    sealed = sealing.encrypt(memoryview(data), sealing.recipient(key))
    assert len(sealed) == sm4.sealed_size(size)
    path.write_bytes(sealed)
    assert stranger(store.READER, path, key).stdout == data
    for bad, other in ((sealed[:-1] + bytes([sealed[-1] ^ 1]), key), (sealed[:-3], key), (sealed, os.urandom(32))):
        path.write_bytes(bad)
        refused = stranger(store.READER, path, other)
        assert refused.returncode
        assert not refused.stdout


def test_a_thousand_corruptions_are_all_refused() -> None:
    """Flips, cuts, swapped and doubled chunks: none opens, and a flip in a chunk is located."""
    rng, key = random.Random(20261124), sm4.Secret(os.urandom(32))
    data = os.urandom(200_000)
    sealed = bytes(sealing.encrypt(memoryview(data), key))
    assert sealing.decrypt(sealed, key) == data
    step = age.CHUNK + age.TAG
    for turn in range(1000):
        bad = bytearray(sealed)
        if turn % 4 == 0:
            del bad[rng.randrange(len(bad)) :]
        elif turn % 4 == 1:
            a, b = sorted(rng.sample(range(3), 2))
            first, second = (slice(sm4.HEAD + n * step, sm4.HEAD + (n + 1) * step) for n in (a, b))
            bad[first], bad[second] = bad[second], bad[first]
        elif turn % 4 == 2:
            at = sm4.HEAD + rng.randrange(4) * step
            bad[at:at] = bad[at : at + step]
        else:
            at = rng.randrange(len(bad))
            bad[at] ^= 1 << rng.randrange(8)
        with pytest.raises(age.Damaged) as e:
            sealing.decrypt(bad, key)
        if turn % 4 == 3 and at >= sm4.HEAD:
            assert e.value.chunks == ((at - sm4.HEAD) // step,)
    with pytest.raises(age.Damaged, match="not for this key"):
        sealing.decrypt(sealed, sm4.Secret(os.urandom(32)))


def test_a_case_is_sealed_tested_and_shredded(make_case: Callable[..., Case]) -> None:
    """Backup and archive; the set's own reader opens an object; after the window no key of the backup is left."""
    case = make_case()
    toml = case.folder / "case.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("[settings.vault]\n", SWITCH), encoding="utf-8")
    case = Case.open(case.folder)
    backup = protect(case)
    places = [case.resolve(p) for p in case.config.vault.places]
    assert not [p for place in places for p in store.verify_sealed(place)]
    assert not list(places[0].rglob("*.age"))
    assert restore_test(case).ok
    table = next(t for t in backup.tables if t.table == "customers")
    with open_vault(case) as vault:
        thing = next(o for line in vault.journal(backup.set_id) for o in line.get("objects", []) if o["id"] == table.objects[0])
        slot = vault.slot_of(backup.set_id, table.objects[0])
        assert slot is not None
        key = slot.key
    here = places[1] / backup.set_id
    assert thing["form"] == "sm4"
    if reads_sm4():
        plain = stranger(here / store.READER.name, here / f"objects/{thing['id'][:2]}/{thing['id']}.sm4", key).stdout
        assert sum(b.num_rows for b in parquet_batches(plain)) == 300
    rows = archive_rows(case, [pa.record_batch({"id": [1, 2]})], disposal="D1", source="shop", table="orders",
                        retention_class="cn.tax/2040", columns=("id",))
    tables = [p.read_bytes() for p in (case.folder / "vault-private" / "keys").glob("table-*.sealed")]
    assert all(t.startswith(sm4.NAME) for t in tables)
    close_window(case)
    with open_vault(case) as vault:
        assert vault.slot_of(backup.set_id, table.objects[0]) is None
        assert all(s.set == "archive" for s in vault.keys.slots.values())
    assert sum(b.num_rows for b in archived_batches(case, rows)) == 2


def test_a_vault_that_changes_its_cipher_opens_both(make_case: Callable[..., Case]) -> None:
    """What was sealed before stays as it is; what comes after is sealed in the other container."""
    case = make_case()
    first = archive_rows(case, [pa.record_batch({"id": [1]})], disposal="D1", source="shop", table="a",
                         retention_class="cn.a/2040", columns=("id",))
    toml = case.folder / "case.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("[settings.vault]\n", SWITCH), encoding="utf-8")
    case = Case.open(case.folder)
    second = archive_rows(case, [pa.record_batch({"id": [1, 2]})], disposal="D2", source="shop", table="b",
                          retention_class="cn.b/2040", columns=("id",))
    assert [o.form for o in (*first.objects, *second.objects)] == ["age", "sm4"]
    assert [sum(b.num_rows for b in archived_batches(case, r)) for r in (first, second)] == [1, 2]
    assert not [p for place in case.config.vault.places for p in store.verify_sealed(case.resolve(place))]


def test_a_mistyped_cipher_is_named(make_case: Callable[..., Case]) -> None:
    """One sentence with what to write."""
    case = make_case(extra="")
    toml = case.folder / "case.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("[settings.vault]\n", '[settings.vault]\ncipher = "sm2"\n'), encoding="utf-8")
    with pytest.raises(BadSetting, match="'sm2'"):
        settings(Case.open(case.folder))
