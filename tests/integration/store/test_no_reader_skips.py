"""A reader that tails the log never passes an event by, whoever commits when."""

import asyncio
from contextlib import aclosing
from typing import Any, cast
from uuid import uuid4

import asyncpg
import pytest

from signoff.events.store.postgres import PostgresStore
from signoff.events.store.sql import queries
from support.stores import LIMIT, Writer, events, until

INSERT = """
INSERT INTO stored_events (originator_id, originator_version, topic, state)
VALUES ($1, 1, 'signoff:Tested', '{}') RETURNING notification_id
"""


async def begin(url: str, *, locked: bool) -> Any:
    """A transaction of another writer that has drawn a position and is not committed."""
    connection = await asyncpg.connect(url, timeout=LIMIT)
    await connection.execute(queries("postgres")["begin_locked"] if locked else "BEGIN")
    await connection.fetchval(INSERT, uuid4())
    return connection


async def waits_for_the_lock(url: str) -> bool:
    connection = await asyncpg.connect(url, timeout=LIMIT)
    try:
        waiting: int = await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        )
        return waiting > 0
    finally:
        await connection.close()


async def positions_seen(url: str, *, locked: bool) -> list[int]:
    """What a follower sees of two writers, the first of which commits last."""
    await asyncio.to_thread(queries, "postgres")
    store = await PostgresStore.open(url)
    writer = await Writer.of(store)
    held = await begin(url, locked=locked)
    appending = asyncio.create_task(writer.append(*events(uuid4(), [1])))
    await until(lambda: waits_for_the_lock(url)) if locked else await appending
    seen: list[int] = []
    async with aclosing(cast("Any", store.subscribe(after=0))) as batches, asyncio.timeout(LIMIT):
        first = asyncio.create_task(anext(batches))
        if not locked:
            seen += [event.position for event in await first]
        await held.execute("COMMIT")
        await appending
        if locked:
            seen += [event.position for event in await first]
        while seen[-1] < await store.last_position():
            seen += [event.position for event in await anext(batches)]
    await held.close()
    await store.close()
    return seen


async def test_an_append_waits_for_the_transaction_before_it_and_no_follower_skips(log_url: str) -> None:
    assert await positions_seen(log_url, locked=True) == [1, 2]


async def test_without_the_lock_a_follower_would_skip(log_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    named = await asyncio.to_thread(queries, "postgres")
    unlocked = {**named, "begin_locked": "BEGIN"}
    monkeypatch.setattr("signoff.events.store.postgres.queries", lambda _dialect: unlocked)

    assert await positions_seen(log_url, locked=False) == [2]  # position 1 was never seen
