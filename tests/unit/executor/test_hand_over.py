"""A partition goes from one executor to another: what is at work ends in time or is tried again, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from signoff.events.bus.base import Record
from signoff.events.errors import StoreError
from signoff.events.store.base import Append
from signoff.events.topics import COMMANDS, DEFAULT_WORKSPACE, workflow_log_id
from signoff.executor.app import Executor
from signoff.executor.ownership import holdings
from support.executor_blocks import Probe
from support.executor_faults import FaultyStore
from support.executors import WORKSPACE, Sent, Site, until

HELD = {"blocks": {"held": {"type": "probe.hold", "then": "after"}, "after": {"type": "probe.work"}}}
ONE = {"blocks": {"only": {"type": "probe.work"}}}
SAME = 3
"""A partition for everything that is to meet in one batch."""


class Stopping:
    """An executor with a block at work, which was told to stop and is handing everything over.

    Attributes:
        executor: it.
        sent: the start of the execution whose block is at work.
    """

    def __init__(self, site: Site, probe: Probe) -> None:
        self._site = site
        self._probe = probe
        self._stack = AsyncExitStack()
        self.executor: Executor
        self.sent: Sent

    async def begin(self) -> asyncio.Task[None]:
        """Come to where all that is left is the block; gives the task that ends with the executor."""
        self.executor = await self._stack.enter_async_context(self._site.executor(self._probe.registry))
        self.sent = await self._site.start(await self._site.deploy(HELD))
        await until(lambda: self._probe.held)
        ending = asyncio.create_task(self._stack.aclose())
        await until(lambda: len(self.executor._leases.owned) == 1)
        return ending


@pytest.fixture
def stopping(site: Site, probe: Probe) -> Stopping:
    return Stopping(site, probe)


async def test_what_ends_in_time_is_recorded_by_the_old_owner_with_what_follows_at_once(
    site: Site, probe: Probe, stopping: Stopping
) -> None:
    ending = await stopping.begin()

    probe.release(stopping.sent.log_id)
    await ending

    assert (await site.kinds(stopping.sent.log_id))[-1] == "execution:completed"
    assert [row.owner for row in await site.store.leases()] == [None] * site.partitions
    assert (probe.tries("held"), probe.tries("after")) == ([1], [1])


async def test_what_does_not_end_in_time_is_tried_again_by_the_next_owner_with_the_same_key(
    site: Site, probe: Probe, stopping: Stopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holdings, "STOPPING", 0.1)
    await (await stopping.begin())

    async with site.executor(probe.registry):
        await site.until_event(stopping.sent.log_id, "execution:completed")

    held = [call for call in probe.calls if call.block_id == "held"]
    assert [call.attempt for call in held] == [1, 2]
    assert len({call.idempotency_key for call in held}) == 1
    kinds = await site.kinds(stopping.sent.log_id)
    assert not {"block:error", "block:retrying"} & set(kinds)


async def test_late_in_a_hand_over_results_are_recorded_and_no_block_begins(
    site: Site, probe: Probe, stopping: Stopping
) -> None:
    ending = await stopping.begin()
    (loop,) = stopping.executor._holdings._loops.values()
    await until(lambda: not loop.partition.begins())

    probe.release(stopping.sent.log_id)
    await ending

    assert (await site.kinds(stopping.sent.log_id))[-2:] == ["block:completed", "block:started"]
    assert (probe.tries("held"), probe.tries("after")) == ([1], [])
    async with site.executor(probe.registry):
        await site.until_event(stopping.sent.log_id, "execution:completed")
    assert (probe.tries("held"), probe.tries("after")) == ([1], [2])


async def test_commands_that_come_while_a_partition_is_handed_over_are_its_next_owners(
    site: Site, probe: Probe, stopping: Stopping
) -> None:
    ending = await stopping.begin()
    number = site.partition_of(stopping.sent.log_id)
    workflow = await site.store.workflow(DEFAULT_WORKSPACE, "refund")
    assert workflow is not None
    later = await site.start(workflow, log_id=site.new_log(number))
    probe.release(later.log_id)
    probe.release(stopping.sent.log_id)
    await ending
    assert await site.raw(later.log_id) == []

    async with site.executor(probe.registry):
        await site.until_event(later.log_id, "execution:completed")
    assert probe.tries("held") == [1, 1]


class Gated(FaultyStore):
    """A store that does not answer the question for one log until it is let through."""

    log_id: UUID | None = None

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.asked, self.through = asyncio.Event(), asyncio.Event()

    async def read(self, log_id: UUID, **given: Any) -> Any:
        if log_id == self.log_id:
            self.asked.set()
            await self.through.wait()
        return await self._store.read(log_id, **given)


async def test_no_command_is_lost_whose_turn_is_under_way_when_the_time_for_a_hand_over_is_up(
    site: Site, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holdings, "STOPPING", 0.1)
    store, stack = Gated(site.store), AsyncExitStack()
    executor = await stack.enter_async_context(site.executor(probe.registry, store=store))
    held, slow = await site.deploy(HELD, "held"), await site.deploy(ONE, "slow")
    sent = await site.start(held, log_id=site.new_log(SAME))
    await until(lambda: probe.held)
    (loop,) = [each for number, each in executor._holdings._loops.items() if number == SAME]
    store.log_id = workflow_log_id(WORKSPACE, "slow")
    async with one_batch(site, monkeypatch):
        await site.start(slow, log_id=site.new_log(SAME))
        await site.cancel(sent.log_id)
    await store.asked.wait()

    ending = asyncio.create_task(stack.aclose())
    await until(lambda: not loop.partition.held())
    store.through.set()
    await ending

    async with site.executor(probe.registry):
        await site.until_event(sent.log_id, "execution:cancelled")


@asynccontextmanager
async def one_batch(site: Site, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Send the commands of a block of code at once."""
    records: list[Record] = []

    async def keep(_topic: str, _partition: int, record: Record) -> None:
        records.append(record)

    with monkeypatch.context() as patch:
        patch.setattr(site.bus, "send", keep)
        yield
    await site.bus.publish(COMMANDS, SAME, records)


class Watched(FaultyStore):
    """A store that notes what became of every append, by partition."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.appended: list[int] = []
        self.failed: list[tuple[int, StoreError]] = []

    async def append(self, append: Append) -> int:
        try:
            position = await super().append(append)
        except StoreError as error:
            self.failed.append((append.partition, error))
            raise
        self.appended.append(append.partition)
        return position


async def test_no_other_partition_waits_while_one_is_handed_over_to_who_joins(
    site: Site, probe: Probe
) -> None:
    last = site.partitions - 1
    stores = [Watched(site.store), Watched(site.store)]
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(site.executor(probe.registry, store=stores[0], owner="one"))
        held, one = await site.deploy(HELD, "held"), await site.deploy(ONE, "one")
        sent = await site.start(held, log_id=site.new_log(last))
        await until(lambda: probe.held)
        half = site.partitions // 2
        second = await stack.enter_async_context(
            site.executor(probe.registry, store=stores[1], owner="two", owns=half - 1)
        )

        others = [await site.start(one, log_id=site.new_log(number)) for number in range(last) for _ in "123"]
        for each in others:
            await site.ended(each)
        assert probe.held
        assert last in first._leases.owned
        assert last not in first.owned
        probe.release(sent.log_id)
        await until(lambda: last in second.owned)

        assert (await site.kinds(sent.log_id))[-1] == "execution:completed"
    assert [each.failed for each in stores] == [[], []]
    assert {*range(half - 1)} <= set(stores[0].appended)
    assert {*range(half, last)} <= set(stores[1].appended)
    assert (probe.tries("held"), set(probe.tries("only"))) == ([1], {1})
