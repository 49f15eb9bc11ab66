"""Merkle trees as RFC 6962 has them (section 2.1): a root over leaves, the proof that one is among them."""

import hashlib
from collections.abc import Sequence
from typing import Final

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf; its prefix keeps it apart from that of a node."""
    return hashlib.sha256(_LEAF + leaf).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves in their order; of none, the hash of nothing."""
    level = [leaf_hash(leaf) for leaf in leaves]
    while len(level) > 1:
        level = _above(level)
    return level[0] if level else hashlib.sha256().digest()


def audit_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """What proves that a leaf is under the root: its siblings, from the leaf's up.

    Args:
        leaves: all of them.
        index: of the leaf to prove.
    """
    level, path = [leaf_hash(leaf) for leaf in leaves], []
    while len(level) > 1:
        if (sibling := index ^ 1) < len(level):
            path.append(level[sibling])
        level, index = _above(level), index // 2
    return path


def root_by_path(leaf: bytes, path: Sequence[bytes], *, index: int, size: int) -> bytes | None:
    """The root that a proof leads to; ``None`` where it cannot belong to such a tree.

    Args:
        leaf: the leaf.
        path: as :func:`audit_path` gives it.
        index: of the leaf.
        size: how many leaves the tree has.
    """
    if not 0 <= index < size:
        return None
    found, siblings = leaf_hash(leaf), iter(path)
    while size > 1:
        if index ^ 1 < size:
            sibling = next(siblings, None)
            if sibling is None:
                return None
            found = _node(sibling, found) if index % 2 else _node(found, sibling)
        index, size = index // 2, (size + 1) // 2
    return None if next(siblings, None) is not None else found


def _above(level: Sequence[bytes]) -> list[bytes]:
    """The level above: pairs, and a last one without a sibling as it is, as the RFC's split makes it."""
    pairs = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return pairs + list(level[len(pairs) * 2 :])


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
