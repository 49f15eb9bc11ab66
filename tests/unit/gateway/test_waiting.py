"""Callers hear of their commands by outcomes and, where none comes, from the log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from msgspec import Raw

from signoff.events.bus.base import Record
from signoff.events.bus.memory import MemoryBus
from signoff.events.codec import TOPIC_BY_TYPE, encode
from signoff.events.errors import BusUnavailableError, StoreUnavailableError
from signoff.events.ids import new_id
from signoff.events.store.base import Append, NewEvent
from signoff.events.store.memory import MemoryStore
from signoff.events.topics import OUTCOMES, partition_of
from signoff.events.topology import apply
from signoff.events.types import (
    NO_EVENT,
    SYSTEM,
    Command,
    Event,
    EventData,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    Outcome,
    ResumeExecution,
    ResumeQueued,
    StartExecution,
)
from signoff.gateway.errors import ApiError
from signoff.gateway.waiting import Call, Ended, Waiting

TIME = "2026-01-01T00:00:00.000000Z"
SOON = 5.0
LOOK_EVERY = 0.01


class CountingStore(MemoryStore):
    """Counts questions, and is away when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.away = False

    async def heads(self, log_ids):  # type: ignore[no-untyped-def]
        self.asked += 1
        if self.away:
            raise StoreUnavailableError("away")
        return await super().heads(log_ids)


class Bench:
    """A log, topics, and the callers that wait on them."""

    def __init__(self, store: CountingStore, bus: MemoryBus, waiting: Waiting) -> None:
        self.store = store
        self.bus = bus
        self.waiting = waiting

    def expect(self, command: Command, *, run_id: str | None = None, within: float = SOON) -> Call:
        return self.waiting.expect(
            command, log_id=UUID(command.execution_id), run_id=run_id, after=0, within=within
        )

    async def tell(self, outcome: Outcome) -> None:
        await self.bus.send(OUTCOMES, self.waiting.reply_to(), Record(b"", encode(outcome)))

    async def append(self, log_id: str, *events: tuple[str, EventData], run_id: str | None = None) -> None:
        """Write events (causation, data) that follow on the log's last one."""
        log = UUID(log_id)
        partition = partition_of(log)
        epoch = next(each.epoch for each in await self.store.leases() if each.partition == partition)
        version = (await self.store.heads([log])).get(log, 0)
        records = [
            NewEvent(log, version + index, TOPIC_BY_TYPE[data.TYPE], encode(Event(
                type=data.TYPE, event_id=version + index, execution_id=log_id, run_id=run_id, workflow_id="w",
                timestamp=TIME, causation_id=cause, data=data,
            )))
            for index, (cause, data) in enumerate(events, 1)
        ]  # fmt: skip
        await self.store.append(Append(partition=partition, epoch=epoch, events=records))

    async def raw(self, log_id: str, event_id: int) -> bytes:
        """The bytes of an event."""
        return (await self.store.read(UUID(log_id), after=event_id - 1, limit=1))[0].state


@asynccontextmanager
async def bench(*, most: int = 100, look_every: float = LOOK_EVERY) -> AsyncIterator[Bench]:
    store, bus = CountingStore(), MemoryBus()
    await store.migrate(partitions=64)
    await apply(bus)
    await store.acquire("test", most=64, ttl=60)
    waiting = Waiting(store, bus, most=most, look_every=look_every)
    await waiting.open()
    tasks = [asyncio.create_task(waiting.listen()), asyncio.create_task(waiting.watch_log())]
    try:
        async with asyncio.timeout(SOON):
            yield Bench(store, bus, waiting)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await waiting.close()
        await bus.close()


def start(*, log_id: str | None = None, digest: str | None = None) -> Command:
    data = StartExecution(
        workspace_id=str(UUID(int=0)), workflow_id="w", workflow_version=1, definition_digest="d", mode="sync"
    )
    return Command(
        command_id=str(new_id()),
        type=data.TYPE,
        execution_id=log_id or str(uuid4()),
        issued_at=TIME,
        actor=SYSTEM,
        request_digest=digest,
        data=data,
    )


def resume(log_id: str) -> Command:
    data = ResumeExecution(context_id="c")
    return Command(
        command_id=str(new_id()), type=data.TYPE, execution_id=log_id, issued_at=TIME, actor=SYSTEM, data=data
    )


def started(digest: str | None = None) -> ExecutionStarted:
    return ExecutionStarted(
        workspace_id="", workflow_version=1, definition_digest="d", trigger="api", mode="sync", actor=SYSTEM,
        request_digest=digest, start_time=TIME,
    )  # fmt: skip


COMPLETED = ExecutionCompleted(success=True, duration=1, start_time=TIME, end_time=TIME)


def accepted(command: Command) -> Outcome:
    return Outcome(
        command_id=command.command_id, execution_id=command.execution_id, outcome="accepted", event_id=1
    )


async def test_a_caller_hears_what_became_of_its_command() -> None:
    async with bench() as at:
        command = start()
        with at.expect(command) as call:
            await at.tell(accepted(command))

            assert (await call.outcome()).outcome == "accepted"


async def test_the_end_of_a_run_tells_that_its_command_was_accepted() -> None:
    async with bench() as at:
        command = start()
        with at.expect(command) as call:
            await at.tell(ended(command))

            assert (await call.outcome()).outcome == "accepted"
            assert await call.ended(within=SOON) == Ended(9)


def ended(command: Command, event: Raw = NO_EVENT) -> Outcome:
    return Outcome(
        command_id=command.command_id,
        execution_id=command.execution_id,
        outcome="ended",
        event_id=9,
        event=event,
    )


async def test_the_news_of_an_end_is_kept_with_its_event() -> None:
    async with bench() as at:
        command = start()
        with at.expect(command) as call:
            await at.tell(ended(command, Raw(b'{"the": "event"}')))

            assert await call.ended(within=SOON) == Ended(9, b'{"the": "event"}')


async def test_news_that_is_repeated_without_its_event_changes_nothing() -> None:
    async with bench() as at:
        command = start()
        with at.expect(command) as call:
            call.tell(ended(command, Raw(b"{}")))
            call.tell(ended(command))

            assert await call.ended(within=SOON) == Ended(9, b"{}")


async def test_outcomes_of_others_and_records_that_are_none_are_passed_over() -> None:
    async with bench() as at:
        command = start()
        with at.expect(command) as call:
            await at.tell(accepted(start()))
            await at.bus.send(OUTCOMES, at.waiting.reply_to(), Record(b"", b"no outcome"))
            await at.tell(accepted(command))

            assert (await call.outcome()).command_id == command.command_id


async def test_a_caller_whose_outcome_was_lost_finds_it_in_the_log() -> None:
    async with bench() as at:
        command = start()
        await at.append(command.execution_id, (command.command_id, started()), ("2", COMPLETED))
        with at.expect(command) as call:
            assert (await call.outcome()).event_id == 1
            ended = await call.ended(within=SOON)

            assert (ended.event_id, ended.raw) == (2, await at.raw(command.execution_id, 2))


async def test_a_queued_decision_is_found_in_the_log_with_its_position() -> None:
    async with bench() as at:
        command = resume(str(uuid4()))
        queued = ResumeQueued(
            resume_entry_id=command.command_id, resume_execution_id="run", context_id="c", mode="sync",
            actor=SYSTEM, queue_position=3,
        )  # fmt: skip
        await at.append(command.execution_id, ("other", started()), (command.command_id, queued))
        with at.expect(command, run_id="run") as call:
            outcome = await call.outcome()

            assert (outcome.outcome, outcome.queue_position, outcome.resume_execution_id) == (
                "queued",
                3,
                "run",
            )


async def test_the_end_of_another_run_is_not_taken_for_the_end_of_ones_own() -> None:
    async with bench() as at:
        command = resume(str(uuid4()))
        resumed = ExecutionResumed(
            resume_execution_id="run",
            context_id="c",
            resume_entry_id=command.command_id,
            mode="sync",
            actor=SYSTEM,
        )
        await at.append(
            command.execution_id, ("other", started()), ("1", COMPLETED), (command.command_id, resumed)
        )
        with at.expect(command, run_id="run") as call:
            await call.outcome()
            await at.append(command.execution_id, ("3", COMPLETED), run_id="run")

            assert (await call.ended(within=SOON)).event_id == 4


@pytest.mark.parametrize(
    ("theirs", "ours", "answer"),
    [
        (None, None, "EXECUTION_ID_CONFLICT"),
        ("d", None, "EXECUTION_ID_CONFLICT"),
        ("d", "e", "EXECUTION_ID_CONFLICT"),
        ("d", "d", None),
    ],
)
async def test_an_execution_that_another_request_began_is_told_apart_by_the_requests_digests(
    theirs: str | None, ours: str | None, answer: str | None
) -> None:
    async with bench() as at:
        command = start(digest=ours)
        await at.append(command.execution_id, ("another", started(theirs)))
        with at.expect(command) as call:
            outcome = await call.outcome()

            assert (outcome.refusal.code if outcome.refusal else None) == answer


async def test_two_callers_with_one_command_both_hear_of_it() -> None:
    async with bench() as at:
        command = start()
        with at.expect(command) as one, at.expect(command) as other:
            await at.tell(accepted(command))

            assert await one.outcome() == await other.outcome()


async def test_a_caller_of_whose_command_nobody_knows_is_told_so_in_time() -> None:
    async with bench() as at:
        command = start()
        with at.expect(command, within=0.05) as call, pytest.raises(ApiError) as caught:
            await call.outcome()

        assert (caught.value.status, caught.value.fields) == (
            503,
            {"outcome": "unknown", "executionId": command.execution_id},
        )


async def test_a_log_that_is_away_does_not_keep_a_caller_beyond_its_time() -> None:
    async with bench() as at:
        at.store.away = True
        with at.expect(start(), within=0.05) as call, pytest.raises(ApiError):
            await call.outcome()


async def test_a_hundred_callers_cost_one_question_a_look() -> None:
    async with bench() as at:
        calls = [at.expect(start(), within=0.1) for _ in range(100)]

        results = await asyncio.gather(*(call.outcome() for call in calls), return_exceptions=True)

        assert all(isinstance(each, ApiError) for each in results)
        assert at.store.asked <= 0.1 / LOOK_EVERY + 2


async def test_more_callers_than_allowed_are_turned_away_and_none_is_kept() -> None:
    async with bench(most=1) as at:
        with at.expect(start()), pytest.raises(ApiError, match="capacity"):
            at.expect(start())

        assert len(at.waiting) == 0


async def test_commands_name_no_place_for_outcomes_while_the_broker_is_away() -> None:
    store, bus = CountingStore(), MemoryBus()
    waiting = Waiting(store, bus, most=1)

    with pytest.raises(BusUnavailableError):
        waiting.reply_to()
