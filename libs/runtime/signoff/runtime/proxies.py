"""The address of a client that may be behind proxies."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network


def client_address(remote: str | None, forwarded_for: str, trusted: Sequence[str]) -> str:
    """Where a request comes from.

    ``X-Forwarded-For`` can be set by anybody: each entry is believed as far as a trusted proxy wrote it. So
    the address is the last one, from the connection backwards, that is no trusted proxy's.

    Args:
        remote: the other end of the connection; ``None`` where it is gone.
        forwarded_for: the header, its fields joined by commas, or nothing.
        trusted: networks (CIDR) of our proxies.
    """
    address = remote or ""
    for entry in reversed([each.strip() for each in forwarded_for.split(",") if each.strip()]):
        if not _is_within(address, trusted):
            break
        address = entry
    return address


def held_with(address: str) -> str:
    """What the client at an address has altogether: of IPv6 a /64, from which it may choose at will.

    Args:
        address: of a client; a text that is none stays as it is.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    mapped = parsed.ipv4_mapped
    return str(ip_network((parsed.packed[:8] + bytes(8), 64)) if mapped is None else mapped)


def _is_within(address: str, networks: Sequence[str]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in ip_network(each) for each in networks)
