"""A log read from its end, for lists that show the newest first. The port reads forward only."""

from collections.abc import AsyncGenerator, Collection
from typing import Final
from uuid import UUID

from signoff.events.store.base import EventStore, Recorded

WINDOW: Final = 50
"""Events that are looked through at first, and records of one topic in memory at most."""

_GROWTH: Final = 8


async def backwards(
    store: EventStore, log_id: UUID, *, before: int, topics: Collection[str]
) -> AsyncGenerator[Recorded, None]:
    """The events of some topics, the newest first.

    The log is looked through in windows that grow over what is of other topics, so that a few events among
    many cost a few queries.

    Args:
        store: the log.
        log_id: of one log.
        before: the events that have a lower ``eventId``.
        topics: which; stable names.
    """
    size = WINDOW
    while before > 1:
        start = max(0, before - 1 - size)
        pages = [await _page(store, log_id, topic, start, before) for topic in topics]
        if size > WINDOW and any(len(page) > WINDOW for page in pages):
            size = max(WINDOW, size // _GROWTH)
            continue
        found = sorted((each for page in pages for each in page), key=_version, reverse=True)
        for recorded in found:
            yield recorded
        before = start + 1
        size = WINDOW if found else size * _GROWTH


async def _page(store: EventStore, log_id: UUID, topic: str, after: int, before: int) -> list[Recorded]:
    page = await store.read(log_id, after=after, limit=WINDOW + 1, topic=topic)
    return [each for each in page if each.version < before]


def _version(recorded: Recorded) -> int:
    return recorded.version
