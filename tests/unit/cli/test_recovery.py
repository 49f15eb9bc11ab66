"""How partitions go on whose log and topics contradict each other: on an SQLite log and a bus in memory."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from signoff.blocks import Registry
from signoff.cli.serving.embedded import bus_in_memory
from signoff.cli.upkeep.rebuild import Progress, rebuild
from signoff.cli.upkeep.recovery import Closed, RecoveryError, closed_partitions, facts_of, recover
from signoff.events.blobs import BlobStore
from signoff.events.bus.base import Bus, Record
from signoff.events.bus.memory import MemoryBus
from signoff.events.codec import decode_event
from signoff.events.store.sqlite import SqliteStore
from signoff.events.topics import COMMANDS, DEFAULT_WORKSPACE, EXECUTIONS, PARTITIONS, recovery_log_id
from signoff.events.topology import apply
from signoff.events.types import PartitionRecovered
from signoff.executor.blocks.base import Tools
from signoff.runtime.health import Health
from support.executors import REFUND, Site, until
from support.installations import installation_of

GIVEN = {"amount": 250, "customer": "Ada"}
APPROVED = {"approved": True}


class Ground:
    """A log in a file, which can be backed up and restored, and topics that stay as they are."""

    def __init__(self, folder: Path, tools: Tools, bus: Bus) -> None:
        self._file = folder / "signoff.db"
        self._backup = folder / "backup.db"
        self._tools = tools
        self.bus = bus
        self.blobs = BlobStore.open("memory:")

    @asynccontextmanager
    async def site(self) -> AsyncIterator[Site]:
        store = await SqliteStore.open(self._file)
        await store.migrate(partitions=PARTITIONS)
        try:
            yield Site(store, self.bus, self.blobs, self._tools, partitions=PARTITIONS)
        finally:
            await store.close()

    async def back_up(self) -> None:
        await asyncio.to_thread(shutil.copy, self._file, self._backup)

    async def restore(self) -> None:
        for name in ("signoff.db-wal", "signoff.db-shm"):
            await asyncio.to_thread(self._file.with_name(name).unlink, missing_ok=True)
        await asyncio.to_thread(shutil.copy, self._backup, self._file)


@pytest.fixture
async def ground(tmp_path: Path, tools: Tools) -> AsyncIterator[Ground]:
    bus = MemoryBus()
    await apply(bus)
    yield Ground(tmp_path, tools, bus)
    await bus.close()


async def paused(site: Site) -> UUID:
    """An execution that waits for a decision."""
    row = await site.store.workflow(DEFAULT_WORKSPACE, "refund")
    sent = await site.start(row or await site.deploy(REFUND), GIVEN)
    await site.ended(sent)
    return sent.log_id


async def decide(site: Site, log_id: UUID) -> None:
    """Take its decision and wait for what follows."""
    (point,) = await site.store.upkeep.points(log_id)
    await site.ended(await site.resume(log_id, point.context_id, APPROVED))


@pytest.fixture
async def tail_lost(ground: Ground) -> UUID:
    """An execution whose decision the restored log does not have, while the topic does."""
    async with ground.site() as site, site.executor():
        log_id = await paused(site)
        await site.topic_equals_log()
    await ground.back_up()
    async with ground.site() as site, site.executor():
        await decide(site, log_id)
        await site.topic_equals_log()
    await ground.restore()
    return log_id


async def closed_with(site: Site, *, partition: int) -> Closed:
    (found,) = await closed_partitions(site.store, site.bus)
    assert found.partition == partition
    return found


async def recorded(site: Site, partition: int) -> list[PartitionRecovered]:
    raws = await site.raw(recovery_log_id(partition))
    found = [decode_event(raw).data for raw in raws]
    assert all(isinstance(each, PartitionRecovered) for each in found)
    return [each for each in found if isinstance(each, PartitionRecovered)]


async def choose(site: Site, partition: int, choice: Any) -> PartitionRecovered | None:
    done = await recover(installation_of(site), site.bus, [partition], choice)
    return done.recovered[0] if done.recovered else None


async def test_events_that_a_restored_log_lost_come_back_from_the_topic(
    ground: Ground, tail_lost: UUID
) -> None:
    number = tail_lost.int % PARTITIONS
    before = [message.value for message in await _topic(ground.bus, number)]
    async with ground.site() as site:
        lost = (await closed_with(site, partition=number)).tail.events

        done = await choose(site, number, "from-topic")

        assert done is not None
        assert (done.events_restored, done.events_lost, done.commands_skipped) == (lost, 0, 0)
        assert await site.raw(tail_lost) == [
            value for value in before if decode_event(value).execution_id == str(tail_lost)
        ]
        row = await site.store.execution(tail_lost)
        assert row is not None
        assert row.status == "completed"
        assert await site.store.upkeep.points(tail_lost) == []
        assert await closed_partitions(site.store, site.bus) == []
        async with site.executor():
            kinds = await site.kinds(tail_lost)
            await site.topic_equals_log()
    assert kinds.count("execution:resumed") == 1


async def test_an_execution_comes_back_with_its_workflow_from_another_partition(ground: Ground) -> None:
    async with ground.site():
        await ground.back_up()
    async with ground.site() as site, site.executor():
        log_id = await paused(site)
        await site.topic_equals_log()
    await ground.restore()
    async with ground.site() as site:
        numbers = [each.partition for each in await closed_partitions(site.store, site.bus)]
        first = await recover(installation_of(site), site.bus, [log_id.int % PARTITIONS], "from-topic")
        assert first.unfoldable == [log_id]

        await recover(installation_of(site), site.bus, numbers, "from-topic")
        rebuilt = [each async for each in rebuild(installation_of(site), ["executions"], Progress())]

        assert [each.log_id for each in rebuilt] == [log_id]
        assert len(await site.store.upkeep.points(log_id)) == 1


async def test_what_was_chosen_is_recorded_with_who_chose_it_and_what_it_meant(
    ground: Ground, tail_lost: UUID
) -> None:
    number = tail_lost.int % PARTITIONS
    async with ground.site() as site:
        lost = (await closed_with(site, partition=number)).tail.events
        await choose(site, number, "from-topic")
        (event,) = await recorded(site, number)
        last = await site.bus.last(EXECUTIONS, number)

        assert (event.choice, event.actor.name, event.events_restored) == ("from-topic", "ops@host", lost)
        assert [span.log_id for span in event.logs] == [str(tail_lost)]
        assert event.reason.endswith("the database was restored to an earlier time")
        assert last is not None
        assert last.value == (await site.raw(recovery_log_id(number)))[-1]


async def test_lost_events_can_be_given_up(ground: Ground, tail_lost: UUID) -> None:
    number = tail_lost.int % PARTITIONS
    async with ground.site() as site:
        closed = await closed_with(site, partition=number)
        done = await choose(site, number, "skip-to-end")
        assert done is not None
        assert (done.events_lost, done.next_offset) == (closed.tail.events, closed.end)

        async with site.executor():
            await decide(site, tail_lost)

        assert (await site.kinds(tail_lost))[-1] == "execution:completed"
        assert await closed_partitions(site.store, site.bus) == []


async def test_events_that_were_given_up_are_not_in_the_way_of_a_later_recovery(
    ground: Ground, tail_lost: UUID
) -> None:
    number = tail_lost.int % PARTITIONS
    async with ground.site() as site:
        await choose(site, number, "skip-to-end")
        stray = Record(b"not a log", b"not an event")
        await site.bus.send(EXECUTIONS, number, stray)

        closed = await closed_with(site, partition=number)

    assert closed.tail.events == 0
    assert "not possible" in facts_of(closed).choices["from-topic"]


async def test_a_chain_that_does_not_hold_is_not_put_back(ground: Ground, tail_lost: UUID) -> None:
    number = tail_lost.int % PARTITIONS
    last = (await _topic(ground.bus, number))[-1]
    version = decode_event(last.value).event_id
    forged = last.value.replace(b'"eventId":%d' % version, b'"eventId":%d' % (version + 1))
    await ground.bus.send(EXECUTIONS, number, Record(last.key, forged))
    async with ground.site() as site:
        before = await site.store.last_position()

        with pytest.raises(RecoveryError, match="does not follow"):
            await choose(site, number, "from-topic")

        assert await site.store.last_position() == before


async def test_a_broker_made_anew_is_read_from_its_first_command(ground: Ground, tail_lost: UUID) -> None:
    bus = MemoryBus()
    await apply(bus)
    ground.bus = bus
    async with ground.site() as site:
        closed = await closed_partitions(site.store, bus)
        moved = [row for row in await site.store.leases() if row.next_offset]
        assert [each.partition for each in closed] == [row.partition for row in moved]

        for each in closed:
            done = await choose(site, each.partition, "reread")
            assert done is not None
            assert (done.previous_offset, done.next_offset) == (each.next_offset, 0)
        async with site.executor():
            await decide(site, tail_lost)

        assert (await site.kinds(tail_lost))[-1] == "execution:completed"
    await bus.close()


@pytest.mark.parametrize(("choice", "offset", "skipped"), [("reread", 0, 0), ("skip-to-end", 9, 9)])
async def test_a_broker_made_anew_is_known_though_it_has_as_many_commands_as_the_one_before(
    ground: Ground, tail_lost: UUID, choice: Any, offset: int, skipped: int
) -> None:
    number = tail_lost.int % PARTITIONS
    bus = MemoryBus()
    await apply(bus)
    ground.bus = bus
    for _ in range(9):
        await bus.send(COMMANDS, number, Record(b"not a log", b"not a command"))
    async with ground.site() as site:
        assert 0 < (await site.store.leases())[number].next_offset <= 9
        (closed,) = await closed_partitions(site.store, bus, frozenset([number]))
        assert "the broker was made anew" in closed.reason

        done = await choose(site, number, choice)

        assert done is not None
        assert (done.next_offset, done.commands_skipped) == (offset, skipped)
        assert await closed_partitions(site.store, bus, frozenset([number])) == []
    await bus.close()


@pytest.mark.parametrize(("choice", "offset", "skipped"), [("reread", 5, 0), ("skip-to-end", 7, 2)])
async def test_commands_that_expired_unread_are_counted(
    ground: Ground, choice: Any, offset: int, skipped: int
) -> None:
    bus = MemoryBus(first_offsets={COMMANDS: {3: 5}})
    await apply(bus)
    ground.bus = bus
    async with ground.site() as site:
        for _ in range(2):
            await bus.send(COMMANDS, 3, Record(b"not a log", b"not a command"))
        closed = await closed_with(site, partition=3)
        assert facts_of(closed).commands_expired == 5
        assert "5 have expired unread" in facts_of(closed).choices[choice]

        done = await choose(site, 3, choice)

        assert done is not None
        assert (done.next_offset, done.commands_skipped, done.commands_expired) == (offset, skipped, 5)
        assert (await site.store.leases())[3].next_offset == offset
    await bus.close()


async def test_a_closed_partition_opens_by_itself_and_the_others_work_meanwhile(
    ground: Ground, tail_lost: UUID
) -> None:
    number = tail_lost.int % PARTITIONS
    health = Health()
    async with ground.site() as site, site.executor(owns=PARTITIONS - 1, health=health) as executor:
        await until(lambda: _is_closed(health, number))
        workflow = await site.store.workflow(DEFAULT_WORKSPACE, "refund")
        assert workflow is not None
        elsewhere = await site.start(workflow, GIVEN, log_id=site.new_log((number + 1) % PARTITIONS))
        await site.ended(elsewhere)

        await choose(site, number, "from-topic")

        await until(lambda: number in executor.owned)
        assert f"partition {number}" not in (await health.readiness()).checks


async def _is_closed(health: Health, number: int) -> bool:
    check = (await health.readiness()).checks.get(f"partition {number}")
    return check is not None and "signoff recover" in (check.detail or "")


async def test_a_partition_that_is_well_is_left_alone(ground: Ground) -> None:
    async with ground.site() as site, site.executor() as executor:
        log_id = await paused(site)
        await site.topic_equals_log()
        assert await closed_partitions(site.store, site.bus) == []

        assert await choose(site, log_id.int % PARTITIONS, "reread") is None

        await until(lambda: len(executor.owned) == PARTITIONS)
        await decide(site, log_id)


async def test_an_embedded_log_that_was_restored_goes_on_with_a_new_bus(
    ground: Ground, tail_lost: UUID
) -> None:
    async with ground.site() as site:
        ground.bus = await bus_in_memory(site.store)
    await apply(ground.bus)
    async with ground.site() as site, site.executor(Registry()):
        await decide(site, tail_lost)

        assert (await site.kinds(tail_lost))[-1] == "execution:completed"
    await ground.bus.close()


async def _topic(bus: Bus, partition: int) -> list[Any]:
    first, end = (await bus.bounds(EXECUTIONS, [partition]))[partition]
    reader = await bus.reader(EXECUTIONS)
    await reader.assign({partition: first})
    found: list[Any] = []
    while len(found) < end - first:
        found += await reader.poll(wait=0.1)
    await reader.close()
    return found
