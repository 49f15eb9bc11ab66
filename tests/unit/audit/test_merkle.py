"""Merkle trees as RFC 6962 has them."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.audit.checkpoints.merkle import audit_path, root_by_path, root_of

LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "root"),
    [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ],
)
def test_roots_are_those_of_the_vectors_of_certificate_transparency(size: int, root: str) -> None:
    assert root_of(LEAVES[:size]).hex() == root


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=40), st.data())
def test_a_path_leads_to_the_root_from_its_own_leaf_alone(leaves: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(leaves) - 1))

    path = audit_path(leaves, at)

    root = root_of(leaves)
    assert root_by_path(leaves[at], path, index=at, size=len(leaves)) == root
    assert root_by_path(leaves[at] + b"!", path, index=at, size=len(leaves)) != root
    assert root_by_path(leaves[at], [*path, bytes(32)], index=at, size=len(leaves)) is None
    assert not path or root_by_path(leaves[at], path[:-1], index=at, size=len(leaves)) is None


def test_a_leaf_is_no_node() -> None:
    left, right = (hashlib.sha256(b"\x00" + leaf).digest() for leaf in (b"a", b"b"))

    assert root_of([left + right]) != root_of([b"a", b"b"])


def test_an_index_outside_of_the_tree_proves_nothing() -> None:
    assert root_by_path(b"a", [], index=1, size=1) is None
