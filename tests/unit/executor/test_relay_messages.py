"""The relay's messages: whatever follows from an event for another log comes there, with one effect."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from signoff.events.codec import encode
from signoff.events.store.base import Append
from signoff.events.topics import COMMANDS, message_id
from signoff.events.types import ChildCalled, ChildCancelled, ExecutionCompleted, Parent, StartExecution
from signoff.executor.publishing import publisher
from signoff.executor.publishing import relay as module
from support.executors import until
from support.relays import NOON, Writing, start_of_an_execution

TARGET = 1
"""The partition of the other log."""

OTHER = UUID(int=2 << 64 | TARGET)
CALLED = ChildCalled(
    block_id="call",
    child_execution_id=str(OTHER),
    child_workflow_id="b",
    child_workflow_name="B",
    child_workflow_version=1,
    child_definition_digest="sha256:1",
    depth=1,
)
CANCELLED = ChildCancelled(block_id="call", child_execution_id=str(OTHER), reason="enough")
COMPLETED = ExecutionCompleted(success=True, output={"n": 1}, duration=1, start_time=NOON, end_time=NOON)


@pytest.fixture
async def parent() -> AsyncIterator[Writing]:
    async with Writing.open() as writing:
        yield writing


@pytest.fixture
async def child() -> AsyncIterator[Writing]:
    called_by = Parent(execution_id=str(OTHER), block_id="call", instance="call", depth=1)
    async with Writing.open(start_of_an_execution(parent=called_by, trigger="workflow")) as writing:
        yield writing


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REPORT", 0.01)
    monkeypatch.setattr(publisher, "_PAUSE", 0.01)


async def until_sent(writing: Writing, *events: int) -> None:
    """Wait until exactly the messages of some events are on the topic, in order, repetitions apart."""

    async def there() -> bool:
        sent = dict.fromkeys(command.command_id for command in await writing.commands(TARGET))
        return [*sent] == [str(message_id(writing.log_id, event_id)) for event_id in events]

    await until(there)


async def test_a_message_goes_to_the_partition_of_its_own_log(parent: Writing) -> None:
    parent.take()
    await parent.write(CALLED)
    await until_sent(parent, 2)

    (command,) = await parent.commands(TARGET)
    assert command.execution_id == str(OTHER)
    assert isinstance(command.data, StartExecution)
    assert await parent.commands(0) == []


async def test_messages_for_one_log_are_in_the_order_of_their_events(parent: Writing) -> None:
    parent.take()
    await parent.write(CALLED, CANCELLED)
    await parent.write(CALLED)
    await until_sent(parent, 2, 3, 4)

    assert len(await parent.commands(TARGET)) == 3


async def test_a_child_tells_its_parents_log(child: Writing) -> None:
    child.take()
    await child.write(COMPLETED)
    await until_sent(child, 2)


@pytest.mark.parametrize("data", [CALLED, COMPLETED])
async def test_a_new_owner_sends_the_same_messages_again(
    child: Writing, data: ChildCalled | ExecutionCompleted
) -> None:
    child.take()
    await child.write(data)
    await until_sent(child, 2)
    await child.relay.remove(0)

    child.take()
    await until_twice(child)

    first, again = await child.commands(TARGET)
    assert encode(first) == encode(again)


async def until_twice(writing: Writing) -> None:
    async def twice() -> bool:
        return len(await writing.commands(TARGET)) == 2

    await until(twice)


async def test_messages_of_events_that_nobody_handed_over_are_read_from_the_log(parent: Writing) -> None:
    await parent.write(CALLED, hand_over=False)
    await parent.write(CANCELLED, hand_over=False)

    parent.take()

    await until_sent(parent, 2, 3)


async def test_messages_are_sent_once_the_broker_is_back(parent: Writing) -> None:
    parent.take()
    await until(lambda: parent.relay.lag == 0)
    parent.bus.away = True
    await parent.write(CALLED)
    await parent.write(CANCELLED)
    parent.bus.away = False

    await until_sent(parent, 2, 3)


async def test_an_event_counts_as_relayed_only_when_its_message_is_acknowledged_too(
    parent: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = asyncio.Event()
    publish = parent.bus.publish

    async def publish_events_only(topic: str, partition: int, records: object) -> object:
        if topic == COMMANDS and not refused.is_set():
            refused.set()
            parent.bus.away = True
        return await publish(topic, partition, records)

    parent.take()
    await until(lambda: parent.relay.lag == 0)
    monkeypatch.setattr(parent.bus, "publish", publish_events_only)
    await parent.write(CALLED)
    await refused.wait()
    assert parent.relay.lag == 1
    parent.bus.away = False

    await until_sent(parent, 2)
    await until(lambda: parent.relay.lag == 0)


async def test_the_recorded_position_waits_until_the_target_has_read_the_message(parent: Writing) -> None:
    """A bus in memory forgets with its process what it acknowledged: the next owner must send it again."""
    (target,) = await parent.store.acquire("target", most=1, ttl=60)
    assert target.partition == TARGET
    parent.take()
    reporting = asyncio.create_task(parent.relay.report())
    await parent.write(CALLED)
    await until_sent(parent, 2)
    await until(lambda: parent.relay.lag == 0)
    seen = parent.store.leased
    await until(lambda: parent.store.leased > seen + 2)
    assert await parent.relayed() == 0

    await parent.store.append(Append(partition=TARGET, epoch=target.epoch, next_offset=1))

    async def recorded() -> bool:
        return await parent.relayed() == 2

    await until(recorded)
    reporting.cancel()


async def test_a_target_that_takes_no_more_commands_does_not_hold_the_relay_for_ever(
    parent: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FULL", 0.05)
    publish = parent.bus.publish
    held = asyncio.Event()

    async def full(topic: str, partition: int, records: object) -> object:
        if topic == COMMANDS and not held.is_set():
            held.set()
            await asyncio.Event().wait()
        return await publish(topic, partition, records)

    monkeypatch.setattr(parent.bus, "publish", full)
    parent.take()
    await parent.write(CALLED)
    await held.wait()

    await until_sent(parent, 2)


async def test_an_execution_without_children_asks_nobody_about_messages(parent: Writing) -> None:
    parent.take()
    reporting = asyncio.create_task(parent.relay.report())
    await parent.write(COMPLETED)
    await parent.until_published(2)
    seen = parent.store.asked
    await until(lambda: parent.store.asked > seen + 2)

    assert parent.store.leased == 0
    assert await parent.relayed() == 2
    reporting.cancel()
