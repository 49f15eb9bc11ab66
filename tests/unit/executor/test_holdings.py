"""What works on partitions, as their leases come and go."""

import asyncio
import contextlib
from collections.abc import Collection
from typing import Any

from signoff.events.bus.memory import MemoryBus
from signoff.events.store.base import Lease
from signoff.events.store.memory import MemoryStore
from signoff.events.topology import apply
from signoff.executor.ownership.holdings import Holdings
from signoff.runtime.health import Health

NUMBER = 3


class Relay:
    """A relay whose last events take until they are let through."""

    def __init__(self) -> None:
        self.publishing = asyncio.Event()
        self.through = asyncio.Event()

        self.added = 0

    def add(self, *_: int) -> asyncio.Task[None]:
        self.added += 1
        return asyncio.create_task(asyncio.sleep(0))

    async def remove(self, _: int, *, limit: float = 0.0) -> None:
        if limit:
            self.publishing.set()
            await self.through.wait()


class Partition:
    """A partition that has nothing to do."""

    number = NUMBER
    fault = None

    def __init__(self) -> None:
        self.begun, self._closed = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        self.begun.set()
        await self._closed.wait()

    def drain(self, _: float) -> None:
        self.close()

    def close(self) -> None:
        self._closed.set()

    def held(self) -> bool:
        return not self._closed.is_set()


class Stubborn(MemoryBus):
    """A bus that answers also those who have given up."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def bounds(self, topic: str, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        self.asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return await super().bounds(topic, partitions)


class Anything:
    """Leases that are all held, and an intake that reads nothing."""

    def held(self, _: int) -> bool:
        return True

    def add(self, _: Any) -> None: ...

    def remove(self, _: int) -> None: ...


async def test_a_lease_may_run_out_while_the_last_events_of_its_partition_are_published() -> None:
    store, bus, relay, partition = MemoryStore(partitions=8), MemoryBus(), Relay(), Partition()
    await apply(bus, partitions=8)
    given: Any = {"make": lambda _: partition, "relay": relay, "intake": Anything()}
    holdings = Holdings(store, bus, leases=Anything, health=Health(), **given)
    await holdings.gained(Lease(partition=NUMBER, owner="me", epoch=1, next_offset=0, relayed=0))
    await partition.begun.wait()
    handing_over = asyncio.create_task(holdings.handing_over(NUMBER))
    await relay.publishing.wait()

    await holdings.lost(NUMBER)

    assert NUMBER not in holdings.owned
    relay.through.set()
    await handing_over


async def test_nothing_begins_for_a_lease_that_ran_out_while_log_and_topics_were_compared() -> None:
    store, bus, relay, partition = MemoryStore(partitions=8), Stubborn(), Relay(), Partition()
    await apply(bus, partitions=8)
    given: Any = {"make": lambda _: partition, "relay": relay, "intake": Anything()}
    holdings = Holdings(store, bus, leases=Anything, health=Health(), **given)
    await holdings.gained(Lease(partition=NUMBER, owner="me", epoch=1, next_offset=0, relayed=0))
    await bus.asked.wait()

    await holdings.lost(NUMBER)

    assert (dict(holdings.owned), relay.added) == ({}, 0)
