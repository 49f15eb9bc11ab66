"""Whose address counts where proxies stand before a server."""

import pytest

from signoff.runtime.proxies import client_address, held_with

PROXIES = ("10.0.0.0/8", "fd00::/8")


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # a client that lies
        ("10.0.0.2", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.2", "198.51.100.1, 203.0.113.7", "203.0.113.7"),  # it lied to our proxy
        ("10.0.0.2", "203.0.113.7, 10.0.0.3", "203.0.113.7"),  # two proxies
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.2", "nonsense", "nonsense"),
        (None, "203.0.113.7", ""),
    ],
)
def test_the_last_address_that_is_no_trusted_proxys_counts(
    remote: str | None, forwarded: str, address: str
) -> None:
    assert client_address(remote, forwarded, PROXIES) == address


def test_without_trusted_proxies_the_connection_counts() -> None:
    assert client_address("10.0.0.2", "203.0.113.7", ()) == "10.0.0.2"


def test_a_client_is_one_whichever_of_its_addresses_it_takes() -> None:
    assert held_with("2001:db8::1") == held_with("2001:db8::ffff:2") != held_with("2001:db8:0:1::1")
    assert held_with("203.0.113.7") != held_with("203.0.113.8")
    assert held_with("::ffff:203.0.113.7") == "203.0.113.7"
    assert (held_with("nonsense"), held_with("")) == ("nonsense", "")
