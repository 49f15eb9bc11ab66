"""Free ports on the loopback address."""

import secrets
import socket
from collections.abc import Container
from pathlib import Path

from .waiting import LocalServicesError

_FIRST = 20_000
_TRIES = 200
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1 at this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set it too: connections of an earlier server that linger in TIME_WAIT do not hold its port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def unused_port(taken: Container[int] = ()) -> int:
    """A port that nobody listens on.

    It lies below the range from which the kernel serves outgoing connections, so that no client takes it
    between this call and the server's start, or while a server is restarted.

    Args:
        taken: Ports already given away whose servers may not listen yet.

    Raises:
        LocalServicesError: No free port was found.
    """
    last = int(_EPHEMERAL_RANGE.read_text().split()[0])
    if last <= _FIRST:
        raise LocalServicesError(
            f"outgoing connections may use ports from {last} on, which leaves none for local servers "
            f"from {_FIRST} on: raise the first number in {_EPHEMERAL_RANGE} (32768 is the default)"
        )
    for _ in range(_TRIES):
        port = _FIRST + secrets.randbelow(last - _FIRST)
        if port not in taken and is_free(port):
            return port
    raise LocalServicesError(f"no free port between {_FIRST} and {last} on 127.0.0.1: stop some servers")
