"""New ids. Derived ones, which are the same for everybody, are in :mod:`signoff.events.topics`."""

import os
import time
from collections.abc import Callable
from uuid import UUID


def new_id(clock_ms: Callable[[], int] | None = None) -> UUID:
    """A UUIDv7 (RFC 9562, 5.7): time-ordered, so that indexes stay compact.

    Args:
        clock_ms: milliseconds since the epoch, UTC; the system's clock by default.
    """
    now = clock_ms() if clock_ms else time.time_ns() // 1_000_000
    value = (now & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
