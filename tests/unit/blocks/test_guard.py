import pytest

from signoff.runtime.guard import AddressRefusedError, check_address, parse_networks

REFUSED = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::808:808",
    "2002:7f00:1::",
    "2001::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused(address):
    with pytest.raises(AddressRefusedError, match="SIGNOFF_ALLOW_PRIVATE_NETWORKS"):
        check_address(address, ())


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_passes(address):
    check_address(address, ())


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203"])
def test_an_allowed_network_passes_however_its_address_is_written(address):
    check_address(address, parse_networks("10.0.0.0/8"))


def test_allowing_one_network_allows_no_other():
    with pytest.raises(AddressRefusedError):
        check_address("127.0.0.1", parse_networks("10.0.0.0/8, ::1"))


def test_networks_are_read_from_a_list_with_commas():
    assert [str(network) for network in parse_networks(" 10.0.0.0/8,, ::1 ")] == ["10.0.0.0/8", "::1/128"]


@pytest.mark.parametrize("text", ["localhost", "10.0.0.1/8", "10.0.0.0/33"])
def test_a_network_that_is_none_is_named(text):
    with pytest.raises(ValueError, match=f"SIGNOFF_ALLOW_PRIVATE_NETWORKS: .*{text}"):
        parse_networks(text)
