"""Free ports on the loopback address."""

import fcntl
import os
import socket
import tempfile
from collections.abc import Container, Iterator, Sequence
from functools import cache
from itertools import cycle
from pathlib import Path
from random import SystemRandom

from .waiting import LocalServicesError

_FIRST = 20_000
_STRETCH = 400
"""Ports of one process: it gives a port a second time only after all of them."""
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_held: list[int] = []


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
    between this call and the server's start, or while a server is restarted; and no other process of ours is
    given it as long as this one lives, or a server that it started (:func:`held`).

    Args:
        taken: Ports already given away whose servers may not listen yet.

    Raises:
        LocalServicesError: No free port was found.
    """
    stretch = _own_stretch()
    for _ in range(_STRETCH):
        port = next(stretch)
        if port not in taken and is_free(port):
            return port
    raise LocalServicesError(f"none of {_STRETCH} ports on 127.0.0.1 is free: stop some servers")


def held() -> Sequence[int]:
    """The descriptors that hold this process's ports: a server that has them, too, holds them on."""
    return _held


@cache
def _own_stretch() -> Iterator[int]:
    """The ports of this process, again and again."""
    last = int(_EPHEMERAL_RANGE.read_text().split()[0])
    if last < _FIRST + _STRETCH:
        raise LocalServicesError(
            f"outgoing connections may use ports from {last} on, which leaves too few for local servers "
            f"from {_FIRST} on: raise the first number in {_EPHEMERAL_RANGE} (32768 is the default)"
        )
    firsts = list(range(_FIRST, last - _STRETCH + 1, _STRETCH))
    SystemRandom().shuffle(firsts)
    for first in firsts:
        descriptor = lock(first)
        if descriptor is not None:
            _held.append(descriptor)
            return cycle(range(first, first + _STRETCH))
    raise LocalServicesError(f"{len(firsts)} processes have all ports from {_FIRST} on: stop some of them")


def lock(first: int) -> int | None:
    """Take the stretch that begins with a port, until what is returned is closed; None for one in use."""
    path = Path(tempfile.gettempdir()) / f"signoff-ports-{os.getuid()}-{first}"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
