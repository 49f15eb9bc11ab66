"""A log that is read for several partitions at once: each gets its own events, and the log is read once."""

import asyncio
from collections.abc import AsyncIterator, Collection
from random import Random
from typing import Any

import pytest

from signoff.audit.verify import partition_log
from signoff.audit.verify.partition_log import PartitionLog
from signoff.events.store.base import Recorded
from signoff.events.store.memory import MemoryStore
from support.stores import PARTITIONS, Writer, events, log_in

WHOLE = 10_000


class Counting(MemoryStore):
    """A store that notes which partitions it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[set[int]] = []

    async def read_all(self, *, partitions: Collection[int] | None = None, **given: Any) -> list[Recorded]:
        self.asked.append(set(partitions or ()))
        return await super().read_all(partitions=partitions, **given)


@pytest.fixture
async def store() -> AsyncIterator[Counting]:
    """A log of eight events of each of some partitions, in any order."""
    store = Counting()
    await store.migrate(partitions=PARTITIONS)
    writer, order = await Writer.of(store), [number for number in range(4) for _ in range(8)]
    Random(7).shuffle(order)
    logs = [log_in(number) for number in range(4)]
    for place, number in enumerate(order):
        await writer.append(*events(logs[number], [order[: place + 1].count(number)]))
    yield store
    await store.close()


async def follow(log: PartitionLog, number: int, *, upto: int, limit: int, size: int) -> list[list[Recorded]]:
    """All pages of a partition."""
    pages: list[list[Recorded]] = []
    after = 0
    while page := await log.page(number, after=after, upto=upto, limit=limit, size=size):
        pages.append(page)
        after = page[-1].position
        await asyncio.sleep(0)
    return pages


@pytest.mark.parametrize("each", [1, 3, 100])
@pytest.mark.parametrize("ahead", [0, WHOLE])
async def test_each_partition_has_its_own_events_at_its_own_pace(
    store: Counting, monkeypatch: pytest.MonkeyPatch, each: int, ahead: int
) -> None:
    monkeypatch.setattr(partition_log, "_EACH", each)
    monkeypatch.setattr(partition_log, "_AHEAD", ahead)
    log, upto = PartitionLog(store, range(4), partitions=PARTITIONS), await store.last_position()

    found = await asyncio.gather(
        *(follow(log, number, upto=upto, limit=number + 1, size=WHOLE) for number in range(4))
    )

    for number, pages in enumerate(found):
        own = await store.read_all(after=0, limit=WHOLE, partitions=[number])
        assert [event for page in pages for event in page] == own
        assert [len(page) for page in pages[:-1]] == [number + 1] * (len(pages) - 1)


async def test_what_is_read_for_one_is_not_read_again_for_the_others(store: Counting) -> None:
    log, upto = PartitionLog(store, range(4), partitions=PARTITIONS), await store.last_position()

    for number in range(4):
        await log.page(number, after=0, upto=upto, limit=WHOLE, size=WHOLE)

    assert store.asked == [{0, 1, 2, 3}]


async def test_who_asks_for_nothing_is_left_behind_and_misses_nothing(
    store: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_log, "_EACH", 1)
    monkeypatch.setattr(partition_log, "_AHEAD", 1)
    log, upto = PartitionLog(store, [0, 1], partitions=PARTITIONS), await store.last_position()

    await log.page(0, after=0, upto=upto, limit=WHOLE, size=WHOLE)

    assert {0, 1} in store.asked
    assert store.asked[-1] == {0}
    own = await store.read_all(after=0, limit=WHOLE, partitions=[1])
    assert await log.page(1, after=0, upto=upto, limit=WHOLE, size=WHOLE) == own


async def test_a_page_behind_is_read_anew(store: Counting) -> None:
    log, upto = PartitionLog(store, [0], partitions=PARTITIONS), await store.last_position()
    whole = await log.page(0, after=0, upto=upto, limit=WHOLE, size=WHOLE)
    await log.page(0, after=whole[4].position, upto=upto, limit=WHOLE, size=WHOLE)

    assert await log.page(0, after=whole[1].position, upto=upto, limit=2, size=WHOLE) == whole[2:4]
