"""Trees against a recursive reference written from RFC 6962 alone."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.ledger import merkle


def reference(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + reference(leaves[:k]) + reference(leaves[k:])).digest()


def leaves(n: int) -> list[bytes]:
    return [merkle.leaf_hash(str(i).encode()) for i in range(n)]


def test_roots_equal_the_reference_for_every_size() -> None:
    """Sizes 0 to 257, powers of two and their neighbours included."""
    tree = merkle.Tree()
    assert tree.root() == reference([])
    for n, leaf in enumerate(leaves(257), 1):
        tree.append(leaf)
        assert tree.root() == reference(leaves(n))


@given(st.integers(1, 200), st.data())
def test_every_inclusion_proof_verifies_and_only_where_it_belongs(n: int, data: st.DataObject) -> None:
    """A proof holds for its index, size, leaf and root and for no other."""
    all_ = leaves(n)
    i = data.draw(st.integers(0, n - 1))
    proof, root = merkle.inclusion_proof(all_, i), merkle.root_of(all_)
    assert merkle.verify_inclusion(all_[i], i, n, proof, root)
    assert not merkle.verify_inclusion(merkle.leaf_hash(b"other"), i, n, proof, root)
    assert not merkle.verify_inclusion(all_[i], i, n, [*proof, b"\0" * 32], root)
    assert not merkle.verify_inclusion(all_[i], n, n, proof, root)
    assert not merkle.verify_inclusion(all_[i], -1, n, proof, root)
    if proof:
        assert not merkle.verify_inclusion(all_[i], i, n, proof[:-1], root)
        assert not merkle.verify_inclusion(merkle.node_hash(proof[0], all_[i]), i // 2, n, proof[1:], merkle.leaf_hash(root))


@given(st.integers(1, 200), st.data())
def test_consistency_shows_a_prefix_and_refuses_a_fork(n: int, data: st.DataObject) -> None:
    """Old root and new root fit together only when the old tree is a prefix of the new one."""
    m = data.draw(st.integers(1, n))
    all_ = leaves(n)
    proof = merkle.consistency_proof(all_, m)
    old, new = merkle.root_of(all_[:m]), merkle.root_of(all_)
    assert merkle.verify_consistency(m, n, old, new, proof)
    forged = merkle.root_of([merkle.leaf_hash(b"forged"), *all_[1:m]])
    assert not merkle.verify_consistency(m, n, forged, new, proof)
    if m < n:
        assert not merkle.verify_consistency(m, n, old, new, [*proof, b"\0" * 32])
        assert not merkle.verify_consistency(m, n, old, new, proof[:-1])


@pytest.mark.parametrize("first", [0, -1, 6])
def test_proofs_of_impossible_sizes_are_refused(first: int) -> None:
    """Size 0, negative, or larger than the tree."""
    with pytest.raises(IndexError):
        merkle.consistency_proof(leaves(5), first)
    assert not merkle.verify_consistency(first, 5, b"", b"", [])


def test_a_node_cannot_pass_for_a_leaf() -> None:
    """Leaves and nodes are hashed under different prefixes (second pre-image)."""
    a, b = leaves(2)
    assert merkle.leaf_hash(a + b) != merkle.node_hash(a, b)
