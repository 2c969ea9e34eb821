import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrouter.kit.hashing import (
    canonical_json,
    leaf_digest,
    merkle_root_hex,
    sha256_hex,
)

# The test vectors of Certificate Transparency (RFC 6962): eight leaves, and the root
# over the first one, two, ... eight of them.
# Source: github.com/google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc
LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_canonical_json_sorts_keys_and_leaves_no_spaces() -> None:
    value = {"b": [1, 2.5, None], "a": {"z": "\u00e9", "y": True}}
    assert canonical_json(value) == (
        b'{"a":{"y":true,"z":"\xc3\xa9"},"b":[1,2.5,null]}'
    )


@given(st.dictionaries(st.text(max_size=4), st.integers(-(2**63), 2**63 - 1)))
def test_canonical_json_does_not_depend_on_the_order_of_keys(
    value: dict[str, int],
) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical_json(backwards) == canonical_json(value)


def test_canonical_json_keeps_the_order_of_lists() -> None:
    assert canonical_json([2, 1]) != canonical_json([1, 2])


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, 2**64, {1: "a"}, "\ud800"])
def test_canonical_json_refuses_what_is_not_json(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_sha256_is_the_standards() -> None:
    # FIPS 180-2, appendix B.1.
    assert sha256_hex(b"abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@pytest.mark.parametrize("count", range(1, 9))
def test_the_root_over_each_count_of_leaves_is_the_known_one(count: int) -> None:
    leaves = [leaf_digest(bytes.fromhex(leaf)) for leaf in LEAVES[:count]]
    assert merkle_root_hex(leaves) == ROOTS[count - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle_root_hex([]) == hashlib.sha256(b"").hexdigest()


def test_a_node_cannot_pass_for_a_leaf() -> None:
    left, right = leaf_digest(b"a"), leaf_digest(b"b")
    assert merkle_root_hex([leaf_digest(left + right)]) != merkle_root_hex(
        [left, right]
    )


def test_the_root_depends_on_the_order_of_leaves() -> None:
    left, right = leaf_digest(b"a"), leaf_digest(b"b")
    assert merkle_root_hex([right, left]) != merkle_root_hex([left, right])


def test_a_doubled_last_leaf_changes_the_root() -> None:
    leaves = [leaf_digest(bytes([number])) for number in range(3)]
    assert merkle_root_hex([*leaves, leaves[-1]]) != merkle_root_hex(leaves)


def test_the_leaves_are_left_as_they_were() -> None:
    leaves = [leaf_digest(bytes([number])) for number in range(5)]
    before = list(leaves)
    merkle_root_hex(leaves)
    assert leaves == before
