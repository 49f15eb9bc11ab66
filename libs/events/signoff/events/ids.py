"""New ids, and those that callers name. Derived ones, the same for all, are in `signoff.events.topics`."""

import os
import re
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


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


def read_uuid(text: str) -> UUID | None:
    """The UUID that a text is, in its one spelling with four hyphens; ``None`` for any other text."""
    return UUID(text) if _UUID.fullmatch(text) else None
