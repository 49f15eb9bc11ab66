"""What an executor tells of the ends of runs: the event too, as long as it is small and there is room."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from signoff.events.bus.memory import MemoryBus
from signoff.events.codec import decode_outcome
from signoff.events.ids import new_id
from signoff.events.topics import OUTCOMES
from signoff.events.topology import apply
from signoff.events.types import SYSTEM, CancelExecution, Command, Outcome
from signoff.executor.partition.outcomes import LARGEST_EVENT, Outcomes
from support.executors import LIMIT, Site

LARGEST = b'"%b"' % (b"x" * (LARGEST_EVENT - 2))
"""A JSON text of just that many bytes."""


class Desk:
    """Outcomes of an executor, and what their reader is told."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self.outcomes = Outcomes(bus)

    def wait_for(self, log_id: UUID) -> None:
        """Somebody wants to know how the first run of a log ends."""
        command = Command(
            command_id=str(new_id()),
            type=CancelExecution.TYPE,
            execution_id=str(log_id),
            issued_at="2026-01-01T00:00:00.000000Z",
            actor=SYSTEM,
            reply_to=0,
            data=CancelExecution(reason="stop"),
        )
        self.outcomes.wait_for(log_id, str(log_id), command)

    def end(self, event: bytes | None) -> None:
        """A run that somebody waits for ends."""
        log_id = new_id()
        self.wait_for(log_id)
        self.outcomes.ended(log_id, str(log_id), str(log_id), 2, event)

    async def told(self, count: int) -> list[Outcome]:
        """Send what is ready; gives so many outcomes."""
        reader = await self._bus.reader(OUTCOMES)
        await reader.assign({0: 0})
        sending = asyncio.create_task(self.outcomes.send())
        try:
            found: list[Outcome] = []
            async with asyncio.timeout(LIMIT):
                while len(found) < count:
                    found += [decode_outcome(message.value) for message in await reader.poll(wait=1.0)]
            return found
        finally:
            sending.cancel()
            await asyncio.wait([sending])
            await reader.close()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    bus = MemoryBus()
    await apply(bus, partitions=1)
    yield Desk(bus)
    await bus.close()


async def test_the_news_of_an_end_has_the_bytes_that_were_committed(site: Site) -> None:
    async with site.executor():
        sent = await site.start(await site.deploy({"blocks": {"say": {"type": "variables", "set": {}}}}))

        ended = await site.ended(sent)

    assert ended.event_id is not None
    assert bytes(ended.event) == (await site.raw(sent.log_id))[ended.event_id - 1]


@pytest.mark.parametrize(("event", "told"), [(LARGEST, LARGEST), (LARGEST[:-1] + b'x"', b""), (None, b"")])
async def test_an_event_goes_with_the_news_up_to_its_largest_size(
    desk: Desk, event: bytes | None, told: bytes
) -> None:
    desk.end(event)

    (outcome,) = await desk.told(1)

    assert (outcome.outcome, outcome.event_id, bytes(outcome.event)) == ("ended", 2, told)


async def test_of_many_ends_at_once_those_beyond_the_room_are_told_without_their_events(desk: Desk) -> None:
    for _ in range(20):
        desk.end(LARGEST)

    outcomes = await desk.told(20)

    assert [bool(len(each.event)) for each in outcomes] == [True] * 8 + [False] * 12


async def test_there_is_room_again_once_what_was_ready_is_sent(desk: Desk) -> None:
    for _ in range(8):
        desk.end(LARGEST)
    await desk.told(8)

    desk.end(LARGEST)

    assert bytes((await desk.told(9))[-1].event) == LARGEST
