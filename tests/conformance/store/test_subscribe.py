"""Following the log."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast
from uuid import uuid4

import pytest

from signoff.events.store.base import EventStore, Recorded
from support.stores import LIMIT, Writer, events

Batches = AsyncGenerator[list[Recorded], None]


async def take(batches: AsyncIterator[list[Recorded]], count: int) -> list[Recorded]:
    found: list[Recorded] = []
    async with asyncio.timeout(LIMIT):
        while len(found) < count:
            found += await anext(batches)
    return found


async def test_a_follower_has_the_past_and_then_the_new(store: EventStore) -> None:
    writer, log = await Writer.of(store), uuid4()
    await writer.append(*events(log, range(1, 4)))

    async with aclosing(cast("Batches", store.subscribe(after=1))) as batches:
        past = await take(batches, 2)
        await writer.append(*events(log, [4]))
        new = await take(batches, 1)

    assert [event.position for event in past + new] == [2, 3, 4]


async def test_batches_are_not_larger_than_asked_for(store: EventStore) -> None:
    writer = await Writer.of(store)
    await writer.append(*events(uuid4(), range(1, 11)))

    async with aclosing(cast("Batches", store.subscribe(after=0, limit=4))) as batches:
        sizes = [len(await anext(batches)) for _ in range(3)]

    assert sizes == [4, 4, 2]


async def test_a_waiting_follower_is_woken_by_an_append_and_not_by_its_poll(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signoff.events.store.subscription.POLL", 3_600)
    writer, log = await Writer.of(store), uuid4()

    async with aclosing(cast("Batches", store.subscribe(after=0))) as batches:
        for version in range(1, 11):
            waiting = asyncio.create_task(take(batches, 1))
            await asyncio.sleep(0)
            await writer.append(*events(log, [version]))
            assert [event.version for event in await waiting] == [version]


async def test_every_follower_sees_everything_in_order_while_many_write(store: EventStore) -> None:
    writer = await Writer.of(store)

    async def write() -> None:
        log = uuid4()
        for version in range(1, 11):
            await writer.append(*events(log, [version]))

    async def follow() -> list[int]:
        async with aclosing(cast("Batches", store.subscribe(after=0, limit=7))) as batches:
            return [event.position for event in await take(batches, 200)]

    *_, one, two = await asyncio.gather(*(write() for _ in range(20)), follow(), follow())

    assert one == two == list(range(1, 201))
