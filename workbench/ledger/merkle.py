"""RFC 6962 Merkle trees: roots, inclusion and consistency proofs.

Leaf hash = SHA-256(0x00 || entry), node hash = SHA-256(0x01 || left || right); the two prefixes keep a node from
passing for a leaf (RFC 6962 section 2.1). Proof checks follow RFC 9162 sections 2.1.3.2 and 2.1.4.2.

    >>> tree = Tree()
    >>> for entry in (b"a", b"b", b"c"):
    ...     tree.append(leaf_hash(entry))
    >>> proof = tree.inclusion(1)
    >>> verify_inclusion(leaf_hash(b"b"), 1, 3, proof, tree.root())
    True
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one entry as a leaf (32 bytes)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees (32 bytes)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree: keeps the leaf hashes and the roots of its complete subtrees, so that any proof is quick.

    ``_levels[k][i]`` is the root over leaves ``i * 2**k`` to ``(i + 1) * 2**k``; 64 bytes a leaf in all.
    """

    def __init__(self, leaves: Sequence[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0])

    @property
    def leaves(self) -> list[bytes]:
        """Leaf hashes, in order."""
        return self._levels[0]

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash; amortised one node hash each."""
        self._levels[0].append(leaf)
        k = 0
        while len(self._levels[k]) % 2 == 0:
            if k + 1 == len(self._levels):
                self._levels.append([])
            self._levels[k + 1].append(node_hash(self._levels[k][-2], self._levels[k][-1]))
            k += 1

    def root(self) -> bytes:
        """Root over all leaves (32 bytes); the empty tree's is SHA-256 of nothing."""
        return self.root_at(len(self))

    def root_at(self, size: int) -> bytes:
        """Root over the first ``size`` leaves; IndexError when there are fewer."""
        if not 0 <= size <= len(self):
            raise IndexError(size)
        return self._over(0, size) if size else EMPTY_ROOT

    def _over(self, lo: int, hi: int) -> bytes:
        n = hi - lo
        if n & (n - 1) == 0:
            k = n.bit_length() - 1
            return self._levels[k][lo >> k]
        k = _split(n)
        return node_hash(self._over(lo, lo + k), self._over(lo + k, hi))

    def inclusion(self, index: int) -> list[bytes]:
        """Hashes that lead from leaf ``index`` to the root; IndexError when there is no such leaf."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        proof: list[bytes] = []
        lo, hi = 0, len(self)
        while hi - lo > 1:
            k = lo + _split(hi - lo)
            if index < k:
                proof.append(self._over(k, hi))
                hi = k
            else:
                proof.append(self._over(lo, k))
                lo = k
        return proof[::-1]

    def consistency(self, first: int) -> list[bytes]:
        """Hashes that show the first ``first`` leaves to be a prefix of this tree; IndexError for an impossible size."""
        n = len(self)
        if not 0 < first <= n:
            raise IndexError(first)
        proof: list[bytes] = []
        lo, hi, whole = 0, n, True
        m = first
        while m != hi - lo:
            k = _split(hi - lo)
            if m <= k:
                proof.append(self._over(lo + k, hi))
                hi = lo + k
            else:
                proof.append(self._over(lo, lo + k))
                lo, m, whole = lo + k, m - k, False
        if not whole:
            proof.append(self._over(lo, hi))
        return proof[::-1]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes."""
    return Tree(leaves).root()


def _split(n: int) -> int:
    return 1 << ((n - 1).bit_length() - 1)


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """:meth:`Tree.inclusion` of a tree over these leaf hashes."""
    return Tree(leaves).inclusion(index)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether ``leaf`` stands at ``index`` of a tree of ``size`` leaves with ``root`` (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, node = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            node = node_hash(p, node)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            node = node_hash(node, p)
        fn >>= 1
        sn >>= 1
    return sn == 0 and node == root


def consistency_proof(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """:meth:`Tree.consistency` of a tree over these leaf hashes."""
    return Tree(leaves).consistency(first)


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree ``(first, first_root)`` is a prefix of ``(second, second_root)`` (RFC 9162 2.1.4.2)."""
    if first < 1 or first > second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = list(proof)
    if not path:
        return False
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            sr = node_hash(sr, c)
        fn >>= 1
        sn >>= 1
    return sn == 0 and fr == first_root and sr == second_root
