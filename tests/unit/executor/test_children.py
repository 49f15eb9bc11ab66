"""Parents and children on a log and topics of this process, and what a death of it leaves undone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from signoff.cli.serving.embedded import bus_in_memory
from signoff.events.bus.memory import MemoryBus
from signoff.events.store.base import EventStore
from signoff.events.store.search import Search
from signoff.events.topics import COMMANDS, child_log_id
from signoff.events.topology import apply
from signoff.executor.blocks.base import Tools
from support.children import DOUBLES, ChildrenSuite, calls, children, ended, started, workflow
from support.executor_blocks import Probe
from support.executor_faults import FaultyBus, FaultyStore
from support.executors import Site, of_type, until
from support.stores import Clock

FAMILY = {
    "A": workflow(
        before={"type": "probe.work", "then": ["one", "two"]}, one=calls("B"), two=calls("B", then="after"),
        after={"type": "probe.work"},
    ),
    "B": workflow(call=calls("C", then="last"), last={"type": "probe.work"}),
    "C": DOUBLES,
}  # fmt: skip


class TestInMemory(ChildrenSuite):
    """On the adapters that keep nothing."""


async def reborn(site: Site) -> Site:
    """The site after its process died: the log is there, and all that the bus held is gone."""
    bus = await bus_in_memory(site.store)
    await apply(bus, partitions=site.partitions)
    return Site(site.store, bus, site.blobs, site.tools, partitions=site.partitions)


async def test_a_family_goes_on_after_a_death_at_any_append_and_calls_no_child_twice(tools: Tools) -> None:
    some_at_once = asyncio.Semaphore(8)  # else a slow machine keeps none of their leases

    async def dies(appends: int) -> bool:
        async with some_at_once:
            return await dies_after(appends, tools)

    died = await asyncio.gather(*map(dies, range(1, 41)))

    assert died[:10] == [True] * 10
    assert died[-1] is False, "the last of these executors should have come to the end"


async def dies_after(appends: int, tools: Tools) -> bool:
    """Run a family, let its process vanish after some appends, and another one go on; says if it did."""
    clock, probe = Clock(), Probe()
    site = await Site.in_memory(tools, clock=clock)
    store = FaultyStore(site.store)
    async with site.executor(probe.registry, store=store):
        rows = {name: await site.deploy(each, workflow_id=name) for name, each in FAMILY.items()}
        store.lasting = appends
        sent = await site.start(rows["A"], {"n": 21}, mode="async")

        async def over() -> bool:
            return store.away or "execution:completed" in await site.kinds(sent.log_id)

        await until(over)
    finished = await blocks_ended(site.store)
    clock.now += 10
    later = await reborn(site)
    ran: list[tuple[str, str]] = []
    again = Probe()
    async with later.executor(again.registry):
        if await later.raw(sent.log_id):
            events = await ended(later, sent.log_id)
            ran = [(each.execution_id, each.block_id) for each in again.calls]
            assert events[-1].type == "execution:completed", events[-1]
            assert len(await later.store.executions(Search(workspace_id=UUID(int=0)), limit=100)) == 5
            assert not set(ran) & finished, "a finished block ran again"
    await site.close()
    await later.close()
    return store.away


async def blocks_ended(store: EventStore) -> set[tuple[str, str]]:
    """Blocks that the log says have ended, by execution."""
    site = Site(store, MemoryBus(), None, None)  # type: ignore[arg-type]  # reads only
    logs = {recorded.log_id for recorded in await store.read_all(after=0, limit=10_000)}
    return {
        (str(log_id), data.block_id)
        for log_id in logs
        for data in of_type(await site.events(log_id), "block:completed")
    }


class Deaf(FaultyBus):
    """A bus that takes commands for some partitions, and hands none of them out."""

    def __init__(self, bus: Any) -> None:
        super().__init__(bus)
        self.deaf: set[int] = set()

    async def reader(self, topic: str) -> Any:
        reader = await self._bus.reader(topic)
        return DeafReader(reader, self.deaf) if topic == COMMANDS else reader


class DeafReader:
    """Its reader."""

    def __init__(self, reader: Any, deaf: set[int]) -> None:
        self._reader = reader
        self._deaf = deaf

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def poll(self, *, wait: float, limit: int = 500) -> Any:
        messages = await self._reader.poll(wait=wait, limit=limit)
        return [each for each in messages if each.partition not in self._deaf]


@pytest.fixture
async def deaf(tools: Tools) -> AsyncIterator[Site]:
    site = await Site.in_memory(tools)
    site.bus = Deaf(site.bus)
    yield site
    await site.close()


def calls_into_another_partition(site: Site) -> UUID:
    """A log of partition 0 whose block ``call`` has its child elsewhere."""
    while True:
        log_id = site.new_log(0)
        if site.partition_of(child_log_id(log_id, "call", 1)):
            return log_id


async def test_a_start_that_the_bus_forgot_with_its_process_is_sent_again(
    deaf: Site,
) -> None:
    """All is on the bus, and the process ends in good order: its relay records its positions."""
    site = deaf
    async with site.executor() as executor:
        rows = {
            name: await site.deploy(each, workflow_id=name)
            for name, each in {"A": workflow(call=calls("B")), "B": DOUBLES}.items()
        }
        parent = calls_into_another_partition(site)
        site.bus.deaf |= set(range(1, site.partitions))
        await site.start(rows["A"], {"n": 21}, log_id=parent, mode="async")
        (child,) = await children(site, parent)
        await until(lambda: executor._relay.lag == 0)
    assert await site.raw(child) == []

    later = await reborn(site)
    async with later.executor():
        assert (await ended(later, parent))[-1].type == "execution:completed"
    await later.close()


async def test_started_twice_by_two_relays_a_child_runs_once(site: Site) -> None:
    async with site.executor():
        sent = await started(site, A=workflow(call=calls("B")), B=DOUBLES)
        await ended(site, sent.log_id)
        (child,) = await children(site, sent.log_id)
        log = await site.raw(child)
        reader = await site.bus.reader(COMMANDS)
        partition = site.partition_of(child)
        await reader.assign({partition: (await site.bus.bounds(COMMANDS, [partition]))[partition][0]})
        messages = [each for each in await reader.poll(wait=0.1) if each.key == str(child).encode()]
        await reader.close()
        for message in messages:
            await site.send_bytes(message.value, child)
        end = (await site.bus.bounds(COMMANDS, [partition]))[partition][1]

        async def read() -> bool:
            return (await site.store.leases())[partition].next_offset == end

        await until(read)
        assert messages
        assert await site.raw(child) == log
