"""Goes through the logs of an installation, each once, a bounded number at a time."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar
from uuid import UUID

from signoff.events.store.base import EventStore
from signoff.events.store.upkeep import NO_LOG

Result = TypeVar("Result")

_PAGE: Final = 200
_PARALLEL: Final = 4
_VERSION_7: Final = 7


async def every_log(store: EventStore, *, after: UUID = NO_LOG) -> AsyncIterator[list[UUID]]:
    """All logs in order, by pages, but for those of executions that start meanwhile.

    Args:
        store: the log.
        after: begin after this log.
    """
    began = int(time.time() * 1000)
    while page := await store.upkeep.logs(after=after, limit=_PAGE):
        after = page[-1]
        yield [log_id for log_id in page if not _is_newer(log_id, began)]


def _is_newer(log_id: UUID, moment: int) -> bool:
    """Whether a log's id was drawn after a moment (milliseconds); of a derived id nobody knows."""
    return log_id.version == _VERSION_7 and log_id.int >> 80 > moment


async def some_logs(store: EventStore, count: int) -> list[UUID]:
    """The logs of some events, chosen by chance: long logs more likely than short ones."""
    last = await store.last_position()
    found: dict[UUID, None] = {}
    for position in random.sample(range(last), min(count, last)):
        page = await store.read_all(after=position, limit=1)
        found |= dict.fromkeys(event.log_id for event in page)
    return list(found)


async def for_each(work: Callable[[UUID], Awaitable[Result]], log_ids: list[UUID]) -> AsyncIterator[Result]:
    """Do some work for logs, a few at a time; results come in their order."""
    for start in range(0, len(log_ids), _PARALLEL):
        for result in await asyncio.gather(*map(work, log_ids[start : start + _PARALLEL])):
            yield result
