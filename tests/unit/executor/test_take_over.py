"""What a new owner compares before it writes: a contradiction closes the partition."""

from typing import Any
from uuid import UUID

import pytest

from signoff.cli.serving.embedded import bus_in_memory
from signoff.events.bus.base import Record
from signoff.events.bus.memory import MemoryBus
from signoff.events.errors import BusUnavailableError
from signoff.events.store.base import Append
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import COMMANDS, EXECUTIONS, record_key
from signoff.events.topology import apply
from signoff.executor.ownership import holdings
from signoff.runtime.health import Health
from support.executor_blocks import Probe
from support.executor_faults import FaultyBus
from support.executors import Site, until

ONE = {"blocks": {"only": {"type": "probe.work"}}}
CLOSED = 3


@pytest.fixture
async def worked(site: Site, probe: Probe) -> UUID:
    """An execution in the partition that the tests close, its executor gone."""
    async with site.executor(probe.registry):
        log_id = site.new_log(CLOSED)
        await site.run(await site.deploy(ONE), log_id=log_id)
        await site.topic_equals_log()
    return log_id


async def why_closed(site: Site, probe: Probe, **instead: Any) -> str:
    """Run an executor, whose partition must stay closed and unwritten; gives what readiness says of it."""
    health = Health()
    before = await site.store.last_position()
    row = (await site.store.leases())[CLOSED]
    async with site.executor(probe.registry, health=health, owns=site.partitions - 1, **instead) as executor:
        await site.bus.send(
            COMMANDS, CLOSED, Record(record_key(UUID(int=CLOSED)), b"a command that must wait")
        )
        await until(lambda: readiness_has(health, f"partition {CLOSED}"))
        readiness = await health.readiness()
        assert CLOSED not in executor.owned
    assert readiness.status == "unavailable"
    assert await site.store.last_position() == before
    assert (await site.store.leases())[CLOSED].next_offset == row.next_offset
    return readiness.checks[f"partition {CLOSED}"].detail or ""


async def readiness_has(health: Health, name: str) -> bool:
    return name in (await health.readiness()).checks


async def test_a_topic_ahead_of_the_log_closes_the_partition(site: Site, probe: Probe, worked: UUID) -> None:
    last = (await site.topic(CLOSED))[-1]
    ahead = last.value.replace(b'"eventId":6', b'"eventId":7')
    await site.bus.send(EXECUTIONS, CLOSED, Record(last.key, ahead, last.headers))

    why = await why_closed(site, probe)

    assert f"holds event 7 of {worked}" in why
    assert "restored to an earlier time" in why


async def test_a_last_record_with_other_bytes_than_the_log_closes_the_partition(
    site: Site, probe: Probe, worked: UUID
) -> None:
    last = (await site.topic(CLOSED))[-1]
    await site.bus.send(
        EXECUTIONS, CLOSED, Record(last.key, last.value.replace(b"true", b"null"), last.headers)
    )

    assert f"holds event 6 of {worked}, and the log does not, or differs" in await why_closed(site, probe)


@pytest.mark.parametrize("record", [Record(b"", b"{}"), Record(record_key(UUID(int=CLOSED)), b"\x00")])
@pytest.mark.usefixtures("worked")
async def test_a_last_record_that_is_no_event_closes_the_partition(
    site: Site, probe: Probe, record: Record
) -> None:
    await site.bus.send(EXECUTIONS, CLOSED, record)

    assert "a record that is no event of a log" in await why_closed(site, probe)


async def make_anew(site: Site) -> None:
    """Give the site a broker that has nothing, and let only one partition know of the one before."""
    site.bus = MemoryBus()
    await apply(site.bus, partitions=site.partitions)
    store = site.store
    assert isinstance(store, MemoryStore)
    for number, partition in store._partitions.items():
        if number != CLOSED:
            partition.next_offset = partition.relayed = 0


@pytest.mark.usefixtures("worked")
async def test_a_broker_made_anew_closes_the_partition(site: Site, probe: Probe) -> None:
    await make_anew(site)

    why = await why_closed(site, probe)

    assert "holds offsets 0 to 0, and the log goes on at 1" in why


@pytest.mark.usefixtures("worked")
async def test_a_broker_made_anew_is_known_though_it_has_as_many_commands_as_the_one_before(
    site: Site, probe: Probe
) -> None:
    await make_anew(site)
    await site.bus.send(COMMANDS, CLOSED, Record(b"not a log", b"not a command"))

    why = await why_closed(site, probe)

    assert "never held a record, and events of the log were published there" in why


@pytest.mark.usefixtures("worked")
async def test_a_topic_whose_events_have_expired_is_no_contradiction(site: Site, probe: Probe) -> None:
    site.bus = await bus_in_memory(site.store)
    await apply(site.bus, partitions=site.partitions)

    async with site.executor(probe.registry) as executor:
        assert CLOSED in executor.owned


async def test_commands_that_expired_unread_close_the_partition(site: Site, probe: Probe) -> None:
    later = MemoryBus(first_offsets={COMMANDS: {CLOSED: 100}})
    await apply(later, partitions=site.partitions)
    site.bus = later

    assert "commands expired unread" in await why_closed(site, probe)


async def test_commands_that_expire_while_a_partition_is_owned_close_it(
    site: Site, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(holdings, "find_contradiction", nothing)
    later = MemoryBus(first_offsets={COMMANDS: {CLOSED: 100}})
    await apply(later, partitions=site.partitions)
    site.bus = later

    assert "position out of range" in await why_closed(site, probe)


@pytest.mark.usefixtures("worked")
async def test_other_partitions_work_beside_a_closed_one(site: Site, probe: Probe) -> None:
    await site.bus.send(EXECUTIONS, CLOSED, Record(b"", b"{}"))

    async with site.executor(probe.registry, owns=site.partitions - 1):
        await site.run(await site.deploy(ONE, "other"), log_id=site.new_log(CLOSED + 1))


@pytest.mark.usefixtures("worked")
async def test_a_broker_that_is_away_at_the_take_over_is_waited_for(site: Site, probe: Probe) -> None:
    class Late(FaultyBus):
        asked = 0

        async def last(self, topic: str, partition: int) -> Any:
            self.asked += 1
            if self.asked <= site.partitions:
                raise BusUnavailableError("the broker is away")
            return await site.bus.last(topic, partition)

    async with site.executor(probe.registry, bus=Late(site.bus)):
        await site.run(await site.deploy(ONE))


async def test_what_another_wrote_with_an_old_epoch_is_not_there(site: Site, probe: Probe) -> None:
    async with site.executor(probe.registry):
        (row, *_) = await site.store.leases()
        with pytest.raises(Exception, match="lease lost"):
            await site.store.append(Append(partition=0, epoch=row.epoch - 1, next_offset=99))
        assert (await site.store.leases())[0].next_offset != 99
