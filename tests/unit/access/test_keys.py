"""API keys: random, found by scanners, and known again by a digest."""

import pytest

from signoff.access.keys.making import PREFIX, digest_of, new_key


def test_a_new_key_is_random_and_says_whose_it_is() -> None:
    keys = {new_key() for _ in range(100)}

    assert len(keys) == 100
    assert all(key.startswith(PREFIX) and len(key) >= len(PREFIX) + 43 for key in keys)


def test_a_digest_tells_keys_apart_and_does_not_hold_them() -> None:
    key = new_key()

    assert digest_of(key) == digest_of(key)
    assert digest_of(key) != digest_of(f"{key}x")
    assert key not in digest_of(key)


@pytest.mark.parametrize("key", ["", "ключ", "\udcff", "x" * 100_000])
def test_whatever_a_header_holds_has_a_digest(key: str) -> None:
    assert len(digest_of(key)) == 44
