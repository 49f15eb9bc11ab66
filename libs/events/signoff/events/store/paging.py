"""Pages of the log: so many events, and so many bytes of their states."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from signoff.events.store.base import Recorded

PAGE_BYTES: Final = 8 * 1024 * 1024
"""Bytes with which a page is full for whoever has no better number."""


def is_full(page: Sequence[Recorded], *, limit: int, size: int) -> bool:
    """Whether a page was ended by its limit of events or of bytes, so that there may be more behind it."""
    return len(page) >= limit or bytes_of(page) >= size


def bytes_of(page: Iterable[Recorded]) -> int:
    """The bytes of the states of some events."""
    return sum(len(event.state) for event in page)


def page_of(events: Iterable[Recorded], *, limit: int | None, size: int | None) -> Iterator[Recorded]:
    """A page of events: at most ``limit``, and none after those that have ``size`` bytes."""
    used = 0
    for event in islice(events, limit):
        if size is not None and used >= size:
            return
        used += len(event.state)
        yield event
