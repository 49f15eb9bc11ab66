"""What the log must be able to hold."""

import asyncio
from uuid import uuid4

import pytest

from signoff.events.errors import ValueNotStorableError
from signoff.events.store.base import DeadCommand, EventStore, NewEvent
from signoff.events.store.search import Search
from support.stores import STARTED, WORKSPACE, Writer, events, execution

STRANGE = "a\x00b\x01c\x010\\ é 漢 😀 '\"\u2028"


@pytest.mark.parametrize(
    "state",
    [
        b"",
        b"{}",
        b"\x00\x01\xff\xfe no text at all",
        '{"é":"漢😀","n":"\\u0000"}'.encode(),
        b'"' + b"x" * 1024 * 1024 + b'"',
    ],
    ids=["empty", "object", "binary", "unicode", "one mebibyte"],
)
async def test_the_bytes_of_a_state_come_back_as_they_went_in(store: EventStore, state: bytes) -> None:
    writer, log = await Writer.of(store), uuid4()

    await writer.append(*events(log, [1, 2], state))

    assert [event.state for event in await store.read(log)] == [state, state]
    assert [event.state for event in await store.read_all(after=0, limit=9)] == [state, state]


async def test_every_text_comes_back_as_it_went_in(store: EventStore) -> None:
    writer = await Writer.of(store)
    row = execution(workflow_id=STRANGE, execution_id=STRANGE, broken=STRANGE)
    dead = DeadCommand(
        partition=0,
        offset=1,
        command_id=STRANGE,
        log_id=None,
        reason=STRANGE,
        command=b"\x00\xff",
        died_at=STARTED,
    )

    await writer.append(rows=[row, dead])
    await store.track(STRANGE, 4)

    assert await store.execution(row.log_id) == row
    assert await store.executions(Search(workspace_id=WORKSPACE, workflow_ids=(STRANGE,))) == [row]
    assert await store.dead_commands() == [dead]
    assert await store.tracked(STRANGE) == 4


async def test_times_keep_their_microseconds(store: EventStore) -> None:
    writer = await Writer.of(store)
    rows = [
        execution(started_at=1_750_000_000 + n / 1_000_000, due_at=n / 1_000_000) for n in range(1, 200, 7)
    ]

    await writer.append(rows=rows)

    assert [await store.execution(row.log_id) for row in rows] == rows


async def test_what_no_database_can_hold_fails_alone(store: EventStore) -> None:
    writer, good, bad = await Writer.of(store), uuid4(), uuid4()

    results = await asyncio.gather(
        writer.append(*events(good, [1])),
        writer.append(NewEvent(bad, 1, "a topic\x00", b"")),
        writer.append(rows=[execution(trigger="a lone surrogate \ud800")]),
        writer.append(*events(good, [2])),
        return_exceptions=True,
    )

    assert [type(result) for result in results] == [int, ValueNotStorableError, ValueNotStorableError, int]
    assert await store.heads([good, bad]) == {good: 2}
