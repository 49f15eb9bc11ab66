"""Outbound HTTP that cannot be turned against the network it runs in (server-side request forgery).

The check stands where a socket is made for one numeric address. Whatever led there (a name, a literal, a
redirect, a second answer of a name server that changed its mind) has been resolved by then, and the address
that is checked is the one that is connected to.
"""

import ipaddress
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from errno import EACCES
from typing import TypeAlias

import aiohttp
from aiohttp.abc import AbstractCookieJar

from signoff.runtime.names import Names

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

SETTING = "SIGNOFF_ALLOW_PRIVATE_NETWORKS"

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_ALSO_REFUSED: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's wire server: a public address that is reached from inside only
        "192.0.0.0/24",  # IETF assignments (RFC 6890); the metadata of a cloud among them
        "64:ff9b:1::/48",  # local NAT64 (RFC 8215): may lead to private IPv4
        "2001::/32",  # Teredo (RFC 4380): holds an IPv4 address
        "::/96",  # IPv4-compatible, deprecated by RFC 4291
        "fec0::/10",  # site-local, deprecated by RFC 3879
    )
)


class AddressRefusedError(OSError):
    """An address that workflows may not reach; an OSError, so that a name's other addresses are tried."""

    def __init__(self, address: str) -> None:
        super().__init__(
            EACCES, f"Address {address} is not public; to allow it, add its network to {SETTING}"
        )


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read the networks of SIGNOFF_ALLOW_PRIVATE_NETWORKS.

    Args:
        text: CIDR blocks or addresses, separated by commas, such as `10.0.0.0/8, ::1`; may be empty.

    Raises:
        ValueError: one is neither; the message names it.
    """
    parts = [part.strip() for part in text.split(",")]
    try:
        return tuple(ipaddress.ip_network(part) for part in parts if part)
    except ValueError as problem:
        raise ValueError(f"{SETTING}: {problem}. Write CIDR blocks, such as 10.0.0.0/8,::1/128") from problem


def check_address(text: str, allowed: Sequence[Network]) -> None:
    """Let a numeric address pass if it is public, or in one of the allowed networks.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64) is judged by that.

    Args:
        text: the address as a socket has it.
        allowed: networks that may be reached although they are not public.

    Raises:
        AddressRefusedError: it may not be reached.
    """
    written = ipaddress.ip_address(text)
    address = _carried(written)
    if any(candidate in network for network in allowed for candidate in (written, address)):
        return
    public = address.is_global and not address.is_multicast
    if not public or any(address in network for network in _ALSO_REFUSED):
        raise AddressRefusedError(text)


@asynccontextmanager
async def guarded_session(
    allowed: Sequence[Network],
    *,
    connections: int = 200,
    middlewares: Sequence[aiohttp.ClientMiddlewareType] = (),
) -> AsyncIterator[aiohttp.ClientSession]:
    """The HTTP session for requests that workflows ask for; closed on leaving.

    It keeps no cookies (workspaces share it) and takes no proxy from the environment (a proxy would resolve
    names behind our back).

    Args:
        allowed: networks that may be reached although they are not public.
        connections: how many may be open at once; more requests wait.
        middlewares: stand around each request, those to where redirects lead, too.
    """

    def open_socket(info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
        family, kind, protocol, _, address = info
        check_address(str(address[0]), allowed)
        return socket.socket(family, kind, protocol)

    names = Names()
    connector = aiohttp.TCPConnector(limit=connections, socket_factory=open_socket, resolver=names)
    jar: AbstractCookieJar = aiohttp.DummyCookieJar()
    try:
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=jar, trust_env=False, middlewares=middlewares
        ) as session:
            yield session
    finally:
        await names.close()


def _carried(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
