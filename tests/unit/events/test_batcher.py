"""Group append: who shares a transaction with whom, and what becomes of them."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from signoff.events.errors import (
    AppendUnknownError,
    SignoffError,
    StoreUnavailableError,
    ValueNotStorableError,
    VersionConflictError,
)
from signoff.events.store.base import Append, NewEvent
from signoff.events.store.batcher import Batcher

_AT_ONCE = 5.0
"""Seconds after which something waits that should not."""


class Log:
    """Takes groups, each when it is let through, and answers as told."""

    def __init__(self) -> None:
        self.groups: list[list[Append]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures: list[BaseException] = []
        self.refused: dict[int, SignoffError] = {}
        self.poison: Append | None = None
        self.under_way = 0

    async def write(self, group: list[Append]) -> Sequence[int | SignoffError]:
        assert self.under_way == 0, "two groups at once"
        self.under_way += 1
        try:
            self.groups.append(group)
            await self.gate.wait()
            if self.failures:
                raise self.failures.pop(0)
            if self.poison is not None and self.poison in group:
                raise ValueNotStorableError("$", "poison")
            return [self.refused.get(append.epoch, append.epoch) for append in group]
        finally:
            self.under_way -= 1

    def sizes(self) -> list[int]:
        return [len(group) for group in self.groups]


def an_append(number: int, *, events: int = 1, size: int = 1) -> Append:
    log_id = uuid4()
    return Append(
        partition=0,
        epoch=number,
        events=[NewEvent(log_id, version, "t", b"x" * size) for version in range(1, events + 1)],
    )


async def start(batcher: Batcher, *appends: Append) -> list["asyncio.Task[int]"]:
    """Begin appends, and let them reach the batcher."""
    tasks = [asyncio.create_task(batcher.append(append)) for append in appends]
    await asyncio.sleep(0)
    return tasks


async def held_up(log: Log, batcher: Batcher) -> "asyncio.Task[int]":
    """Have a first group under way that does not end yet."""
    log.gate.clear()
    (first,) = await start(batcher, an_append(0))
    await asyncio.sleep(0)
    assert log.sizes() == [1]
    return first


async def test_an_append_that_comes_alone_is_written_at_once() -> None:
    log = Log()

    assert await Batcher(log.write).append(an_append(7)) == 7

    assert log.sizes() == [1]


async def test_appends_that_come_while_a_group_is_under_way_share_the_next() -> None:
    log = Log()
    batcher = Batcher(log.write)
    first = await held_up(log, batcher)
    rest = await start(batcher, *(an_append(n) for n in range(1, 6)))

    log.gate.set()

    assert await asyncio.gather(first, *rest) == [0, 1, 2, 3, 4, 5]
    assert log.sizes() == [1, 5]


async def test_a_group_has_no_more_events_and_bytes_than_allowed() -> None:
    log = Log()
    batcher = Batcher(log.write, max_events=4, max_bytes=100)
    first = await held_up(log, batcher)
    few = [an_append(n, events=2) for n in range(1, 4)]
    large = [an_append(n, size=60) for n in range(4, 6)]
    rest = await start(batcher, *few, *large)

    log.gate.set()
    await asyncio.gather(first, *rest)

    assert log.sizes() == [1, 2, 2, 1]


async def test_an_append_over_the_limits_is_a_group_of_its_own() -> None:
    log = Log()
    batcher = Batcher(log.write, max_events=4)
    first = await held_up(log, batcher)
    rest = await start(batcher, an_append(1), an_append(2, events=9), an_append(3))

    log.gate.set()
    await asyncio.gather(first, *rest)

    assert log.sizes() == [1, 1, 1, 1]


async def test_a_refused_member_fails_and_the_others_do_not() -> None:
    log = Log()
    batcher = Batcher(log.write)
    log.refused[2] = VersionConflictError("two")
    first = await held_up(log, batcher)
    rest = await start(batcher, an_append(1), an_append(2), an_append(3))

    log.gate.set()
    results = await asyncio.gather(first, *rest, return_exceptions=True)

    assert results == [0, 1, log.refused[2], 3]


async def test_the_member_that_spoils_its_group_is_found_by_trying_each_alone() -> None:
    log = Log()
    batcher = Batcher(log.write)
    first = await held_up(log, batcher)
    members = [an_append(n) for n in range(1, 4)]
    log.poison = members[1]
    rest = await start(batcher, *members)

    log.gate.set()
    results = await asyncio.gather(first, *rest, return_exceptions=True)

    assert [type(result) for result in results] == [int, int, ValueNotStorableError, int]
    assert log.sizes() == [1, 3, 1, 1, 1]


@pytest.mark.parametrize("error", [StoreUnavailableError("away"), AppendUnknownError("unknown")])
async def test_what_befalls_the_database_befalls_the_group_and_is_not_tried_again(
    error: SignoffError,
) -> None:
    log = Log()
    batcher = Batcher(log.write)
    first = await held_up(log, batcher)
    rest = await start(batcher, an_append(1), an_append(2))
    log.failures = [error, error]

    log.gate.set()
    results = await asyncio.gather(first, *rest, return_exceptions=True)

    assert results == [error] * 3
    assert log.sizes() == [1, 2]
    assert await batcher.append(an_append(3)) == 3


async def test_appends_over_the_bound_are_refused_at_once() -> None:
    log = Log()
    batcher = Batcher(log.write, max_waiting=2)
    first = await held_up(log, batcher)
    rest = await start(batcher, an_append(1), an_append(2))

    async with asyncio.timeout(_AT_ONCE):
        with pytest.raises(StoreUnavailableError, match="wait already"):
            await batcher.append(an_append(3))

    log.gate.set()
    assert await asyncio.gather(first, *rest) == [0, 1, 2]


async def test_an_append_cancelled_while_it_waits_is_not_written() -> None:
    log = Log()
    batcher = Batcher(log.write)
    first = await held_up(log, batcher)
    given_up, kept = await start(batcher, an_append(1), an_append(2))
    given_up.cancel()
    await asyncio.wait({given_up})

    log.gate.set()

    assert await asyncio.gather(first, kept) == [0, 2]
    assert [append.epoch for append in log.groups[1]] == [2]


async def test_an_append_cancelled_while_it_is_written_does_not_disturb_the_others() -> None:
    log = Log()
    batcher = Batcher(log.write)
    first = await held_up(log, batcher)
    (second,) = await start(batcher, an_append(1))
    first.cancel()
    await asyncio.wait({first})

    log.gate.set()

    assert await second == 1


async def test_closing_waits_for_what_is_waiting_and_takes_no_more() -> None:
    log = Log()
    batcher = Batcher(log.write)
    first = await held_up(log, batcher)
    rest = await start(batcher, an_append(1))
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0)

    with pytest.raises(StoreUnavailableError, match="closed"):
        await batcher.append(an_append(2))
    assert not closing.done()

    log.gate.set()
    await closing
    assert await asyncio.gather(first, *rest) == [0, 1]


async def test_a_writer_that_has_never_written_closes_at_once() -> None:
    await Batcher(Log().write).close()


async def test_a_fault_in_the_code_reaches_every_caller_and_the_next_append_is_tried() -> None:
    log = Log()
    batcher = Batcher(log.write)
    first = await held_up(log, batcher)
    rest = await start(batcher, an_append(1))
    fault = ZeroDivisionError()
    log.failures = [fault]

    log.gate.set()
    results = await asyncio.gather(first, *rest, return_exceptions=True)

    assert results == [fault, 1]
    assert await batcher.append(an_append(2)) == 2
