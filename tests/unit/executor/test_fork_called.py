"""Whether people decided in an execution that was called: its own log says, and not the caller's."""

from typing import Final
from uuid import UUID

import pytest

from signoff.events.codec import TOPIC_BY_TYPE
from signoff.events.store.base import Append, NewEvent
from signoff.events.store.memory import MemoryStore
from signoff.events.times import iso
from signoff.events.topics import child_log_id
from signoff.events.types import SYSTEM, ChildChanged, Command
from signoff.executor.forks import called
from signoff.executor.forks.called import CalledExecutions
from support.bdd import HUMAN, LOG, Story, an_id, calls, workflow

CALLING: Final = workflow("start > call > end", call="workflow")
ASKING: Final = workflow("start > ask > end", ask=HUMAN)
AUTOMATIC: Final = workflow("start > work")


def calling(log_id: UUID = LOG) -> Story:
    """An execution whose child ended before it had heard anything of it."""
    caller = Story(CALLING, {"call": calls()}, log_id=log_id).start().finish("call")
    ended = ChildChanged(
        instance="call", child_execution_id=str(child_of(log_id)), event_id=9, status="completed"
    )
    caller.send(
        Command(
            command_id=an_id(1_000),
            type=ended.TYPE,
            execution_id=str(log_id),
            issued_at=iso(caller.now),
            actor=SYSTEM,
            data=ended,
        )
    )
    return caller


def child_of(log_id: UUID) -> UUID:
    return child_log_id(log_id, "call", 1)


def decided(log_id: UUID) -> Story:
    story = Story(ASKING, log_id=log_id).start().work()
    story.resume("ask", {"approved": True})
    return story.work()


async def found(caller: Story, *logs: Story) -> frozenset[str]:
    """What is found among the executions that a story called, with some logs in the store."""
    store = MemoryStore()
    await store.migrate(partitions=1)
    [lease] = await store.acquire("test", most=1, ttl=60)
    events = [
        NewEvent(log.log_id, event.event_id, TOPIC_BY_TYPE[event.type], raw)
        for log in logs
        for event, raw in zip(log.events, log.raws, strict=True)
    ]
    await store.append(Append(partition=lease.partition, epoch=lease.epoch, events=events))
    try:
        return await CalledExecutions(store).decided_in(caller.events)
    finally:
        await store.close()


async def test_a_decision_of_which_the_caller_never_heard_is_found() -> None:
    child = child_of(LOG)

    assert await found(calling(), decided(child)) == {str(child)}


async def test_an_execution_in_which_nobody_was_asked_is_none() -> None:
    assert await found(calling(), Story(AUTOMATIC, log_id=child_of(LOG)).start().work()) == frozenset()


async def test_a_decision_is_found_behind_several_calls() -> None:
    child = child_of(LOG)

    assert await found(calling(), calling(child), decided(child_of(child))) == {str(child)}


async def test_in_what_is_not_there_people_may_have_decided() -> None:
    assert await found(calling(), calling(UUID(int=7))) == {str(child_of(LOG))}


async def test_in_what_is_too_long_to_be_looked_at_people_may_have_decided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(called, "MOST_EVENTS", 2)
    child = child_of(LOG)

    assert await found(calling(), Story(AUTOMATIC, log_id=child).start().work()) == {str(child)}
