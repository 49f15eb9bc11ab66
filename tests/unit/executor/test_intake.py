"""Commands on their way from the topic into inboxes: none skipped, none twice, none too many."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from signoff.events.bus.base import Message, Record
from signoff.events.bus.memory import MemoryBus
from signoff.events.topics import COMMANDS
from signoff.events.topology import apply
from signoff.executor.partition.inbox import FULL, Inbox
from signoff.executor.partition.intake import Intake
from support.executors import until


class Target:
    """A partition that notes what it is given."""

    def __init__(self, number: int, next_offset: int = 0) -> None:
        self.number = number
        self.next_offset = next_offset
        self.inbox = Inbox()
        self.fault: str | None = None
        self.accepted: list[int] = []

    def accept(self, message: Message) -> None:
        self.accepted.append(message.offset)
        self.inbox.put(message)

    def close(self) -> None:
        self.inbox.close()


class Wrapped:
    """A reader in which a test meddles."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reader, name)


class Readers:
    """A bus whose readers are wrapped."""

    def __init__(self, bus: MemoryBus, wrap: Callable[[Any], Any]) -> None:
        self._bus = bus
        self._wrap = wrap

    async def reader(self, topic: str) -> Any:
        return self._wrap(await self._bus.reader(topic))


@pytest.fixture
async def bus() -> AsyncIterator[MemoryBus]:
    bus = MemoryBus()
    await apply(bus, partitions=2)
    yield bus
    await bus.close()


@asynccontextmanager
async def reading(bus: Any) -> AsyncIterator[Any]:
    intake: Any = Intake(bus)
    task = asyncio.create_task(intake.read())
    yield intake
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def send(bus: MemoryBus, count: int, partition: int = 1) -> None:
    for _ in range(count):
        await bus.send(COMMANDS, partition, Record(b"k", b"v"))


async def test_commands_are_read_from_where_the_log_goes_on(bus: MemoryBus) -> None:
    await send(bus, 10)
    async with reading(bus) as intake:
        target = Target(1, next_offset=4)
        intake.add(target)

        await until(lambda: target.accepted == [4, 5, 6, 7, 8, 9])


async def test_a_partition_that_is_taken_again_while_a_poll_waits_misses_nothing(bus: MemoryBus) -> None:
    await send(bus, 10)
    async with reading(bus) as intake:
        before = Target(1)
        intake.add(before)
        await until(lambda: len(before.accepted) == 10)

        intake.remove(1)
        again = Target(1, next_offset=5)
        intake.add(again)
        await send(bus, 3)  # the poll that waits gets these, from the assignment before

        await until(lambda: len(again.accepted) >= 8)
        assert again.accepted == [5, 6, 7, 8, 9, 10, 11, 12]


async def test_partitions_that_stay_are_read_on_while_others_come_and_go(bus: MemoryBus) -> None:
    class Restless(Wrapped):
        async def poll(self, **given: Any) -> list[Message]:
            messages: list[Message] = await self.reader.poll(**given)
            intake.add(Target(0))  # the other partition never comes to rest
            return messages

    async with reading(Readers(bus, Restless)) as intake:
        staying = Target(1)
        intake.add(staying)
        await send(bus, 10)

        await until(lambda: staying.accepted == [*range(10)])


async def test_a_full_inbox_is_given_no_more_until_there_is_room(bus: MemoryBus) -> None:
    async with reading(bus) as intake:
        target = Target(1)
        intake.add(target)
        await send(bus, 3 * FULL)
        await until(lambda: target.inbox.full)
        await until(lambda: 1 in intake._paused)
        assert len(target.accepted) < 3 * FULL

        while len(target.accepted) < 3 * FULL:
            await until(lambda: len(target.inbox) > 0 or len(target.accepted) == 3 * FULL)
            await target.inbox.take(FULL)

        assert target.accepted == [*range(3 * FULL)]


async def test_a_partition_that_was_paused_goes_on_after_another_was_added(bus: MemoryBus) -> None:
    async with reading(bus) as intake:
        target = Target(1)
        intake.add(target)
        await send(bus, 2 * FULL)
        await until(lambda: 1 in intake._paused)

        await target.inbox.take(FULL // 4)  # not full any more, and not drained enough to be resumed
        await target.inbox.take(FULL)
        intake.add(Target(0))

        await until(lambda: len(target.accepted) == 2 * FULL or target.inbox.full)
        await target.inbox.take(2 * FULL)
        await until(lambda: len(target.accepted) == 2 * FULL)


async def test_nothing_is_read_while_too_many_blocks_wait(bus: MemoryBus) -> None:
    async with reading(bus) as intake:
        target = Target(1)
        intake.overloaded = True
        intake.add(target)
        await send(bus, 5)
        await until(lambda: 1 in intake._paused)
        assert target.accepted == []

        intake.overloaded = False

        await until(lambda: len(target.accepted) == 5)


async def test_a_position_that_the_topic_does_not_hold_closes_its_partition(bus: MemoryBus) -> None:
    async with reading(bus) as intake:
        lost, other = Target(1, next_offset=7), Target(0)
        intake.add(lost)
        intake.add(other)

        await until(lambda: lost.fault is not None)
        await send(bus, 1, partition=0)
        await until(lambda: other.accepted == [0])
