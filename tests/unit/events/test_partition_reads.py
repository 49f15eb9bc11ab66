"""Reading by partition: who shares a pass over the log with whom, and that each has all that is theirs."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from signoff.events.store.base import Recorded
from signoff.events.store.paging import bytes_of, page_of
from signoff.events.store.postgres_partitions import PartitionReads

PARTITIONS = 4


class Log:
    """Events of which each has its position's remainder as partition; answers what the query asks."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.passes: list[tuple[int, set[int]]] = []
        self.events = [
            Recorded(UUID(int=position % PARTITIONS), position, "topic", b"x" * size, position)
            for position, size in enumerate(sizes, 1)
        ]

    async def fetch(
        self, _name: str, after: int, until: int, partitions: list[int], limit: int, size: int
    ) -> list[tuple[object, ...]]:
        self.passes.append((after, set(partitions)))
        await asyncio.sleep(0)
        found = [
            event
            for event in self.events
            if after < event.position <= until and event.position % PARTITIONS in partitions
        ]
        return [
            (
                event.position % PARTITIONS,
                event.log_id,
                event.version,
                event.topic,
                event.state,
                event.position,
            )
            for event in page_of(found, limit=limit, size=size)
        ]

    def read(
        self,
        reads: PartitionReads,
        partition: int,
        *,
        after: int = 0,
        limit: int = 10,
        size: int | None = None,
    ) -> "asyncio.Task[list[Recorded]]":
        upto = len(self.events)
        reading = reads.read([partition], after=after, upto=upto, limit=limit, size=size)
        return asyncio.create_task(reading)

    def alone(self, partition: int, *, after: int, limit: int, size: int | None) -> list[Recorded]:
        """What a caller gets who is alone."""
        own = (each for each in self.events if each.position % PARTITIONS == partition)
        return [*page_of((each for each in own if each.position > after), limit=limit, size=size)]


async def test_who_asks_at_the_same_time_shares_a_pass() -> None:
    log = Log([10] * 40)
    reads = PartitionReads(log.fetch)

    await asyncio.gather(*(log.read(reads, number) for number in range(PARTITIONS)))

    assert log.passes == [(0, {0, 1, 2, 3})]


async def test_who_is_far_ahead_does_not_wait_for_one_who_is_behind() -> None:
    log = Log([0] * 100_000)
    reads = PartitionReads(log.fetch)

    behind, ahead = log.read(reads, 0, limit=1), log.read(reads, 1, after=90_000, limit=1)

    assert [event.position for event in await behind + await ahead] == [4, 90_001]
    assert log.passes == [(0, {0}), (90_000, {1})]


async def test_a_partition_with_nothing_is_looked_through_to_the_end() -> None:
    log = Log([0] * 120_000)
    log.events = [event for event in log.events if event.position % PARTITIONS != 1]
    reads = PartitionReads(log.fetch)

    found = await reads.read([1], after=0, upto=120_000, limit=5, size=None)

    assert found == []
    assert [after for after, _ in log.passes] == [0, 50_000, 100_000]


callers = st.tuples(
    st.integers(0, PARTITIONS - 1), st.integers(0, 60), st.integers(1, 20), st.none() | st.integers(1, 300)
)


@given(st.lists(st.integers(0, 100), max_size=60), st.lists(callers, min_size=1, max_size=6))
def test_each_has_what_it_would_have_alone(
    sizes: list[int], wanted: list[tuple[int, int, int, int | None]]
) -> None:
    log = Log(sizes)

    async def read_all() -> list[list[Recorded]]:
        reads = PartitionReads(log.fetch)
        return await asyncio.gather(
            *(
                log.read(reads, number, after=after, limit=most, size=size)
                for number, after, most, size in wanted
            )
        )

    pages = asyncio.run(read_all())

    assert pages == [
        log.alone(number, after=after, limit=most, size=size) for number, after, most, size in wanted
    ]
    assert all(
        size is None or bytes_of(page[:-1]) < size for page, (*_, size) in zip(pages, wanted, strict=True)
    )
