"""The container: age files that others open, and that open only when every byte is right."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.vault import age, sealing, sm4
from workbench.vault.model import SealedObject
from workbench.vault.store import PIECE, WINDOW, put, read, read_into, verify_sealed, write_manifest

SIZES = (0, 1, 65_535, 65_536, 65_537, 131_072, 131_073, 1_000_000)


@pytest.mark.parametrize("size", SIZES)
def test_pyrage_opens_ours_and_we_open_its(size: int) -> None:
    """Both ways with the Rust implementation, at every border of a chunk."""
    identity, data = age.new_identity(), os.urandom(size)
    theirs = pyrage.x25519.Identity.from_str(age.identity_text(identity))
    assert str(theirs.to_public()) == age.recipient_text(age.public(identity))
    assert pyrage.decrypt(bytes(age.encrypt(data, age.public(identity))), [theirs]) == data
    assert age.decrypt(pyrage.encrypt(data, [theirs.to_public()]), identity) == data


@pytest.mark.skipif(not shutil.which("age"), reason="no age command on this machine")
@pytest.mark.parametrize("size", SIZES)
def test_the_age_command_opens_ours_and_we_open_its(tmp_path: Path, size: int) -> None:
    """Both ways with Debian's age, the tool a stranger has."""
    identity, data = age.new_identity(), os.urandom(size)
    (tmp_path / "key").write_text(age.identity_text(identity) + "\n")
    (tmp_path / "plain").write_bytes(data)
    sealed = subprocess.run(["age", "-r", age.recipient_text(age.public(identity)), str(tmp_path / "plain")],
                            capture_output=True, check=True).stdout
    assert age.decrypt(sealed, identity) == data
    (tmp_path / "x.age").write_bytes(age.encrypt(data, age.public(identity)))
    opened = subprocess.run(["age", "-d", "-i", str(tmp_path / "key"), str(tmp_path / "x.age")], capture_output=True)
    assert opened.returncode == 0
    assert opened.stdout == data


@given(st.binary(max_size=200_000))
@settings(max_examples=30, deadline=None)
def test_what_is_sealed_opens_again(data: bytes) -> None:
    """Round trip of any bytes."""
    identity = age.new_identity()
    assert age.decrypt(age.encrypt(data, age.public(identity)), identity) == data


def test_four_thousand_corruptions_of_one_file_are_all_refused() -> None:
    """Flips, cuts, swaps, duplications, insertions, reordering: none opens, nothing is released, chunks are named."""
    rng = random.Random(20261123)
    identity = age.new_identity()
    data = rng.randbytes(140_000)
    good = bytes(age.encrypt(data, age.public(identity)))
    head = good.index(b"\n", good.index(b"\n--- ") + 1) + 1 + 16
    located = flips = 0
    for n in range(4_000):
        bad = bytearray(good)
        kind = n % 6
        at = rng.randrange(len(good))
        if kind == 0:
            bad[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del bad[at:]
        elif kind == 2:
            i, j = rng.sample(range(len(good) - 64), 2)
            bad[i : i + 64], bad[j : j + 64] = good[j : j + 64], good[i : i + 64]
        elif kind == 3:
            bad[at:at] = good[at : at + rng.randrange(1, 100)] or b"x"
        elif kind == 4:
            size = 65_552
            a, b = 0, 1
            first, second = head + a * size, head + b * size
            bad[first : first + size], bad[second : second + size] = good[second : second + size], good[first : first + size]
        else:
            bad += rng.randbytes(rng.randrange(1, 40))
        if bytes(bad) == good:
            continue
        with pytest.raises(age.Damaged) as e:
            age.decrypt(bad, identity)
        if kind == 0 and at >= head:
            flips += 1
            located += e.value.chunks == ((at - head) // 65_552,)
    assert flips > 500
    assert located == flips


KINDS = ("altered", "truncated", "reordered", "swapped", "rolled back")


def test_ten_thousand_corruptions_of_a_set_release_nothing_and_are_located(tmp_path: Path) -> None:
    """Five kinds over the objects of a set, through the reader that restores use: none opens, no view of the plaintext comes
    out, the error names the object and, where bytes were altered, their chunk; the keyless check names it too."""
    rng = random.Random(5)
    identity = age.new_identity()
    recipient, size = age.public(identity), age.SEALED_CHUNK
    plains = [rng.randbytes(n) for n in (70_000, 131_072, 140_000, 66_000)]
    things = [put(tmp_path, p, recipient, identity) for p in plains]
    write_manifest(tmp_path, "s", things)
    good = [(tmp_path / t.path).read_bytes() for t in things]
    older = [bytes(age.encrypt(p[:-9] + b"older one", recipient)) for p in plains]  # whole, of the same key and size
    window, plain = memoryview(bytearray(WINDOW)), memoryview(bytearray(150_000))
    refused = dict.fromkeys(KINDS, 0)
    for n in range(10_000):
        kind, at = KINDS[n % 5], rng.randrange(len(things))
        thing, bad = things[at], bytearray(good[at])
        chunk = -1
        if kind == "altered":
            spot = rng.randrange(len(bad))
            bad[spot] ^= 1 << rng.randrange(8)
            chunk = (spot - age.HEAD) // size
        elif kind == "truncated":
            del bad[rng.randrange(len(bad)):]
        elif kind == "reordered":
            last = (len(bad) - age.HEAD) // size  # of the whole chunks
            a, b = (age.HEAD + i * size for i in rng.sample(range(last), 2)) if last > 1 else (age.HEAD, age.HEAD + 4_000)
            width = size if last > 1 else 1_000
            bad[a : a + width], bad[b : b + width] = bad[b : b + width], bad[a : a + width]
        elif kind == "swapped":
            bad[:] = good[(at + rng.randrange(1, len(good))) % len(good)]
        else:
            bad[:] = older[at]
        path = tmp_path / thing.path
        path.unlink()  # writing over a file makes ext4 flush it
        path.write_bytes(bad)
        with pytest.raises(age.Damaged) as e:
            read_into(tmp_path, thing, identity, window, plain)
        assert e.value.where == str(path)
        assert chunk < 0 or e.value.chunks == (chunk,)
        refused[kind] += 1
        if n % 100 < 5:
            assert thing.path in {p.object for p in verify_sealed(tmp_path)}
        path.unlink()
        path.write_bytes(good[at])
    assert refused == dict.fromkeys(KINDS, 2_000)
    assert verify_sealed(tmp_path) == ()
    assert all(read_into(tmp_path, t, identity, window, plain) == p for t, p in zip(things, plains, strict=True))


def test_objects_swapped_or_rolled_back_are_refused(tmp_path: Path) -> None:
    """Two whole objects of the same key under each other's name, or an older version, do not pass for each other."""
    identity = age.new_identity()
    one = put(tmp_path, b"one" * 1000, age.public(identity), identity)
    two = put(tmp_path, b"two" * 1000, age.public(identity), identity)
    a, b = (tmp_path / x.path for x in (one, two))
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second)
    b.write_bytes(first)
    for thing in (one, two):
        with pytest.raises(age.Damaged, match="another object") as e:
            read(tmp_path, thing, identity)
        assert thing.id in e.value.where
    older = SealedObject(id=one.id, bytes=one.bytes, sha256=two.sha256)
    a.write_bytes(first)
    with pytest.raises(age.Damaged):
        read(tmp_path, older, identity)


@pytest.mark.parametrize("cipher", ["age", "sm4"])
def test_objects_of_every_size_are_read_through_the_window(tmp_path: Path, cipher: str) -> None:
    """Around one and two pieces of the reader, to the byte; also an age file that another program wrote."""
    key = age.new_identity() if cipher == "age" else sm4.Secret(os.urandom(32))
    head = age.HEAD if cipher == "age" else sm4.HEAD
    ends = [n * PIECE - head - d for n in (1, 2) for d in (0, 8 * n * age.TAG)]
    data = os.urandom(max(ends) + 200)
    window, plain = memoryview(bytearray(WINDOW)), memoryview(bytearray(len(data) + 10_000))
    for size in sorted({0, 1, *(end + d for end in ends for d in (-17, -1, 0, 1, 16, 129))}):
        thing = put(tmp_path, data[:size], sealing.recipient(key), key)
        assert read(tmp_path, thing, key) == data[:size]
        assert read_into(tmp_path, thing, key, window, plain) == data[:size]
    if cipher == "age":
        theirs = pyrage.encrypt(data, [pyrage.x25519.Identity.from_str(age.identity_text(key)).to_public()])
        thing = SealedObject(id="ab" * 16, bytes=len(theirs), sha256=hashlib.sha256(theirs).hexdigest())
        (tmp_path / thing.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / thing.path).write_bytes(theirs)
        assert read(tmp_path, thing, key) == data


def test_another_key_is_told_and_nothing_is_released(tmp_path: Path) -> None:
    """The wrong identity gives an error, not bytes; an object's file is 0600."""
    identity = age.new_identity()
    thing = put(tmp_path, b"secret", age.public(identity), identity)
    with pytest.raises(age.Damaged, match="not for this key"):
        read(tmp_path, thing, age.new_identity())
    assert (tmp_path / thing.path).stat().st_mode & 0o777 == 0o600
