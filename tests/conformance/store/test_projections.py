"""Rows beside the log, written with its events."""

import asyncio
from uuid import uuid4

from msgspec.structs import replace

from signoff.events.store.base import (
    DeadCommand,
    EventStore,
    RunRow,
    WorkflowRow,
)
from support.stores import STARTED, WORKSPACE, Writer, events, execution, log_in


def workflow(workflow_id: str, **changes: object) -> WorkflowRow:
    row = WorkflowRow(
        log_id=uuid4(),
        workspace_id=WORKSPACE,
        workflow_id=workflow_id,
        name="Refund",
        version=1,
        digest="sha256",
        is_deployed=True,
        deployed_at=STARTED,
    )
    return replace(row, **changes)


async def test_an_execution_is_found_by_its_log_with_every_field(store: EventStore) -> None:
    writer = await Writer.of(store)
    full = execution(
        execution_id="order-7",
        status="paused",
        pause_status="partially_resumed",
        parked=True,
        ended_at=STARTED + 2,
        due_at=STARTED + 3,
        broken="it cannot be folded",
        actor_type="apiKey",
        actor_id="key-1",
        error="it failed",
        error_code="BLOCK_FAILED",
        attributes={"customer": "ACME", "amount": 5, "rate": 0.5, "urgent": False},
        forked_from="order-6",
    )
    await writer.append(*events(full.log_id, [1]), rows=[full])

    assert await store.execution(full.log_id) == full
    assert await store.execution(uuid4()) is None


async def test_an_executions_row_follows_the_execution(store: EventStore) -> None:
    writer, row = await Writer.of(store), execution(due_at=STARTED)
    await writer.append(rows=[row])

    ended = replace(row, status="completed", version=9, parked=True, ended_at=STARTED + 1, due_at=None)
    await writer.append(rows=[replace(row, version=5), ended])

    assert await store.execution(row.log_id) == ended


async def test_an_execution_is_located_by_its_log_or_a_run_of_it(store: EventStore) -> None:
    writer, row, other, run = await Writer.of(store), execution(), execution(), uuid4()
    await writer.append(rows=[row, other, RunRow(run_id=run, log_id=row.log_id)])
    await writer.append(rows=[RunRow(run_id=run, log_id=row.log_id)])

    assert await store.locate([row.log_id]) == row
    assert await store.locate([uuid4(), run]) == row
    assert await store.locate([uuid4()]) is None


async def test_those_who_locate_at_the_same_time_get_their_own_executions(store: EventStore) -> None:
    writer, rows, run = await Writer.of(store), [execution() for _ in range(20)], uuid4()
    await writer.append(rows=[*rows, RunRow(run_id=run, log_id=rows[0].log_id)])
    asked = [*([row.log_id] for row in rows), [run], [uuid4()], [rows[1].log_id]]

    found = await asyncio.gather(*map(store.locate, asked))

    assert found == [*rows, rows[0], None, rows[1]]


async def test_a_new_owner_finds_what_is_not_parked(store: EventStore) -> None:
    writer = await Writer.of(store)
    one, two = execution(partition=3), execution(partition=3)
    await writer.append(rows=[one, two, execution(partition=3, parked=True), execution(partition=4)])

    assert sorted(await store.unparked(3)) == sorted([one.log_id, two.log_id])

    await writer.append(rows=[replace(one, parked=True)])
    assert await store.unparked(3) == [two.log_id]


async def test_what_is_due_is_found_earliest_first(store: EventStore) -> None:
    writer = await Writer.of(store)
    late, soon, now, other = (
        execution(partition=partition, due_at=STARTED + due)
        for partition, due in ((1, 9), (1, 5), (2, 1), (3, 1))
    )
    await writer.append(rows=[late, soon, now, other, execution(partition=1)])

    assert await store.due([1, 2], before=STARTED + 5, limit=9) == [
        (now.log_id, STARTED + 1),
        (soon.log_id, STARTED + 5),
    ]
    assert await store.due([1, 2], before=STARTED + 9, limit=1) == [(now.log_id, STARTED + 1)]
    assert await store.due([], before=STARTED + 9, limit=1) == []

    await writer.append(rows=[replace(now, due_at=None)])
    assert await store.due([2], before=STARTED + 9, limit=9) == []


async def test_a_workflow_is_due_like_an_execution_in_the_partition_of_its_log(store: EventStore) -> None:
    writer = await Writer.of(store)
    soon = workflow("soon", log_id=log_in(2), due_at=STARTED + 1)
    late = workflow("late", log_id=log_in(2), due_at=STARTED + 9)
    other = workflow("other", log_id=log_in(3), due_at=STARTED + 1)
    never = workflow("never", log_id=log_in(2))
    run = execution(partition=2, due_at=STARTED + 2)
    await writer.append(rows=[late, soon, other, never, run])

    assert await store.due([1, 2], before=STARTED + 5, limit=9) == [
        (soon.log_id, STARTED + 1),
        (run.log_id, STARTED + 2),
    ]
    assert await store.due([2, 3], before=STARTED + 9, limit=1) == [
        (min(soon.log_id, other.log_id), STARTED + 1)
    ]
    assert await store.workflow(WORKSPACE, "soon") == soon

    await writer.append(rows=[replace(soon, due_at=None)])
    assert await store.due([2], before=STARTED + 5, limit=9) == [(run.log_id, STARTED + 2)]


async def test_broken_executions_are_found(store: EventStore) -> None:
    writer = await Writer.of(store)
    old = execution(broken="event 3 does not fold", updated_at=STARTED)
    new = execution(broken="event 4 does not fold", updated_at=STARTED + 1)
    await writer.append(rows=[old, new, execution()])

    assert await store.broken() == [new, old]
    assert await store.broken(limit=1) == [new]


async def test_dead_commands_are_found_newest_first(store: EventStore) -> None:
    writer = await Writer.of(store)
    old, new = (
        DeadCommand(
            partition=1,
            offset=offset,
            command_id=str(uuid4()),
            log_id=log_id,
            reason="KeyError: 'x'",
            command=b'{"type":\xff}',
            died_at=STARTED + offset,
        )
        for offset, log_id in ((1, None), (2, uuid4()))
    )
    await writer.append(rows=[old])
    await writer.append(rows=[new, old])

    assert await store.dead_commands() == [new, old]
    assert await store.dead_commands(limit=1) == [new]


async def test_a_workflow_has_its_active_version(store: EventStore) -> None:
    writer, first = await Writer.of(store), workflow("refund")
    await writer.append(rows=[first])
    second = replace(first, version=2, digest="other", is_deployed=False, deployed_at=STARTED + 1)
    await writer.append(rows=[second])

    assert await store.workflow(WORKSPACE, "refund") == second
    assert await store.workflow(WORKSPACE, "deploy") is None
    assert await store.workflow(uuid4(), "refund") is None


async def test_workflows_are_listed_by_id_in_the_order_of_code_points(store: EventStore) -> None:
    writer = await Writer.of(store)
    names = ["B", "a", "a-b", "ab", "z", "é", "漢", "😀"]
    await writer.append(rows=[workflow(name) for name in reversed(names)])
    await writer.append(rows=[workflow("elsewhere", workspace_id=uuid4())])

    first = await store.workflows(WORKSPACE, limit=3)
    rest = await store.workflows(WORKSPACE, after=first[-1].workflow_id)

    assert [row.workflow_id for row in first + rest] == names


async def test_of_several_ids_the_first_one_that_names_a_log_counts(store: EventStore) -> None:
    writer, row, other = await Writer.of(store), execution(), execution()
    await writer.append(rows=[row, other])

    assert await store.locate([row.log_id, other.log_id]) == row
    assert await store.locate([other.log_id, row.log_id]) == other
