"""What operators' tools need of a log."""

from uuid import uuid4

import pytest

from signoff.events.errors import LeaseLostError
from signoff.events.store.base import DeadCommand, EventStore, RunRow
from signoff.events.store.inbox import InboxSearch
from signoff.events.store.upkeep import Derived
from support.stores import PARTITIONS, STARTED, WORKSPACE, Writer, events, execution, point


def dead(partition: int, offset: int) -> DeadCommand:
    return DeadCommand(
        partition=partition, offset=offset, command_id=f"command-{offset}", log_id=None, reason="a fault",
        command=b"{}", died_at=STARTED + offset,
    )  # fmt: skip


async def test_all_logs_are_named_in_order_also_those_of_which_only_a_row_is_left(store: EventStore) -> None:
    writer = await Writer.of(store)
    logs = [uuid4() for _ in range(5)]
    for log_id in logs[:3]:
        await writer.append(*events(log_id, [1, 2]))
    await writer.append(rows=[execution(log_id=logs[3]), point(log_id=logs[4])])

    first = await store.upkeep.logs(limit=2)
    others = await store.upkeep.logs(after=first[-1], limit=100)

    assert first + others == sorted(logs)
    assert await store.upkeep.logs(after=others[-1], limit=100) == []


async def test_no_row_that_a_store_wrote_is_misshapen(store: EventStore) -> None:
    log_id = uuid4()
    await (await Writer.of(store)).append(
        *events(log_id, [1, 2]), rows=[execution(log_id=log_id), point(log_id=log_id)]
    )

    assert await store.upkeep.misshapen(limit=100) == []


async def test_derived_rows_take_the_place_of_those_that_are_there(store: EventStore) -> None:
    writer = await Writer.of(store)
    log_id, run_id, other = uuid4(), uuid4(), uuid4()
    wrong = [
        execution(log_id=log_id, trigger="wrong", workflow_id="wrong", version=1),
        RunRow(run_id=run_id, log_id=other),
        point(log_id=log_id, context_id="gone", title="wrong"),
        point(log_id=log_id, context_id="kept", title="wrong", workflow_id="wrong"),
    ]
    await writer.append(*events(log_id, [1, 2]), rows=wrong)
    right = Derived(
        log_id=log_id,
        version=2,
        execution=execution(log_id=log_id, version=2),
        runs=(RunRow(run_id=run_id, log_id=log_id),),
        points=(point(log_id=log_id, context_id="kept", title="right"),),
    )

    assert await store.upkeep.put_derived(right)

    assert await store.execution(log_id) == right.execution
    assert await store.upkeep.runs([run_id, uuid4()]) == {run_id: log_id}
    assert tuple(await store.upkeep.points(log_id)) == right.points
    assert tuple(await store.inbox(InboxSearch(workspace_ids=(WORKSPACE,)))) == right.points


async def test_rows_of_a_version_that_the_log_has_passed_change_nothing(store: EventStore) -> None:
    writer = await Writer.of(store)
    log_id = uuid4()
    newer = execution(log_id=log_id, version=3)
    await writer.append(*events(log_id, [1, 2, 3]), rows=[newer])

    older = Derived(log_id=log_id, version=2, execution=execution(log_id=log_id, version=2))

    assert not await store.upkeep.put_derived(older)
    assert await store.execution(log_id) == newer


async def test_the_rows_of_a_log_that_is_not_there_go(store: EventStore) -> None:
    writer = await Writer.of(store)
    log_id = uuid4()
    await writer.append(rows=[execution(log_id=log_id), point(log_id=log_id)])

    assert await store.upkeep.put_derived(Derived(log_id=log_id, version=0))

    assert await store.execution(log_id) is None
    assert await store.upkeep.points(log_id) == []


async def test_a_seized_partition_is_lost_to_its_owner(store: EventStore) -> None:
    writer = await Writer.of(store, "one")
    number = writer.lease.partition
    await writer.append(*events(uuid4(), [1]), next_offset=7)

    (lease,) = await store.upkeep.seize([number], owner="two", ttl=60)

    assert (lease.partition, lease.owner, lease.epoch, lease.next_offset) == (number, "two", 2, 7)
    assert await store.renew({number: writer.lease.epoch}, owner="one", ttl=60) == frozenset()
    with pytest.raises(LeaseLostError):
        await writer.append(*events(uuid4(), [1]))
    await Writer(store, lease).append(*events(uuid4(), [1]))
    assert number not in {each.partition for each in await store.acquire("three", most=PARTITIONS, ttl=60)}


async def test_a_settled_command_counts_no_longer_until_it_dies_again(store: EventStore) -> None:
    writer = await Writer.of(store)
    number = writer.lease.partition
    await writer.append(rows=[dead(number, 1), dead(number, 2)])

    assert await store.upkeep.settle_dead(number, 1, settled="retried", by="ops@host")
    assert not await store.upkeep.settle_dead(number, 1, settled="retried", by="ops@host")
    assert [each.offset for each in await store.dead_commands()] == [2]

    await writer.append(rows=[dead(number, 1)])
    assert {each.offset for each in await store.dead_commands()} == {1, 2}


async def test_the_clock_is_the_one_that_leases_run_by(store: EventStore) -> None:
    before = await store.upkeep.now()
    await store.acquire("me", most=1, ttl=60)

    (lease,) = [each for each in await store.leases() if each.owner == "me"]

    assert 55 < lease.seconds_left <= 60
    assert before <= await store.upkeep.now()
