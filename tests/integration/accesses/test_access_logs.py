"""Access logs on every store: written by the owners of partitions, once, chained, and read newest first."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from signoff.audit.accesses.log import day_of
from signoff.audit.accesses.reading import Reached, Wanted, read_page
from signoff.events.codec import broken_link
from signoff.events.times import iso
from signoff.events.topics import access_log_id
from signoff.events.types import (
    AccessRead,
    Actor,
    Event,
    Maker,
    RecordAccesses,
    ResumeExecution,
    Sighted,
)
from signoff.executor.logs.loader import SNAPSHOT_EVENTS
from support.executor_faults import FaultyStore
from support.executors import WORKSPACE, Site, until

NOW = 1_785_067_200.0
DAY = day_of(NOW)
ASKING = {"workflow": "asking", "blocks": {"ask": {"type": "human_in_the_loop"}}}
BOB = Actor(type="user", id="bob")

_ticks = itertools.count()


def log_in(partition: int, day: str = DAY) -> UUID:
    return access_log_id(WORKSPACE, partition, day)


def read(number: int = 0, at: float = NOW, by: str = "ada") -> AccessRead:
    return AccessRead(
        workspace_id=WORKSPACE, actor=Actor(type="user", id=by), operation="getExecution",
        about=Sighted(kind="execution", names={"executionId": f"e{number}"}), first_at=iso(at),
    )  # fmt: skip


def batch(number: int, *reads: AccessRead, partition: int = 3, observer: str = "gateway") -> RecordAccesses:
    return RecordAccesses(
        workspace_id=WORKSPACE, partition=partition, day=day_of(NOW), observer=observer, batch=number,
        read=list(reads),
    )  # fmt: skip


async def record(site: Site, data: RecordAccesses) -> str:
    """Gives the outcome."""
    sent = await site.send(data, access_log_id(data.workspace_id, data.partition, data.day))
    return str((await site.outcome(sent)).outcome)


@asynccontextmanager
async def executor(site: Site, **given: Any) -> AsyncIterator[None]:
    """An executor at noon, and a little after."""
    async with site.executor(clock=lambda: NOW + 1e-4 * next(_ticks), **given):
        yield


async def decided(site: Site) -> UUID:
    """An execution that was decided; gives its log."""
    sent = await site.start(await site.deploy(ASKING, "asking"))
    await site.ended(sent)
    assert await decide(site, sent.log_id) == "accepted"
    return sent.log_id


async def decide(site: Site, log_id: UUID) -> str:
    """Gives the outcome."""
    decision = ResumeExecution(context_id="ask", maker=Maker(user_id="bob", auth_method="session"))
    return str((await site.outcome(await site.send(decision, log_id, actor=BOB))).outcome)


def wanted(**given: Any) -> Wanted:
    return Wanted(**{"workspace_id": WORKSPACE, "first": NOW - 60, "end": NOW + 60, "limit": 100, **given})


def told(events: list[Event]) -> list[str]:
    data: list[Any] = [event.data for event in events]
    return [each.about.names["executionId"] for each in data]


async def test_a_batch_is_recorded_once_however_often_and_to_whomever_it_comes(site: Site) -> None:
    async with executor(site):
        assert await record(site, batch(1, read(1), read(2))) == "accepted"
        assert await record(site, batch(1, read(1), read(2))) == "duplicate"
    async with executor(site):
        assert await record(site, batch(1, read(1), read(2))) == "duplicate"
        assert await record(site, batch(2, read(3))) == "accepted"

    assert told(await site.events(log_in(3))) == ["e1", "e2", "e3"]
    assert broken_link(await site.raw(log_in(3))) is None


async def test_a_batch_whose_commit_nobody_knows_of_is_recorded_once(site: Site) -> None:
    store = FaultyStore(site.store)
    async with executor(site, store=store):
        store.unknown = 1
        await record(site, batch(1, read(1)))
        assert await record(site, batch(2, read(2))) == "accepted"

    assert told(await site.events(log_in(3))) == ["e1", "e2"]


async def test_a_long_log_is_loaded_from_its_snapshot(site: Site) -> None:
    async with executor(site):
        number = 0
        while number * 50 <= 2 * SNAPSHOT_EVENTS:
            number += 1
            await record(site, batch(number, *(read(each) for each in range(50))))

        async def snapshot_is_made() -> bool:
            kept = await site.store.snapshot(log_in(3))
            return kept is not None and kept.version > SNAPSHOT_EVENTS

        await until(snapshot_is_made)
    kept = await site.store.snapshot(log_in(3))
    assert kept is not None
    assert len(kept.state) < 500
    async with executor(site):
        assert await record(site, batch(number, read())) == "duplicate"
        assert await record(site, batch(number + 1, read(7))) == "accepted"

    assert broken_link(await site.raw(log_in(3))) is None
    assert told(await site.events(log_in(3)))[-1] == "e7"


async def test_a_refused_decision_is_a_fact_in_the_log_of_its_partition(site: Site) -> None:
    async with executor(site):
        log_id = await decided(site)
        assert await decide(site, log_id) == "refused"

    (refused,) = await site.events(log_in(site.partition_of(log_id)))
    data: Any = refused.data
    assert (refused.type, data.actor, data.auth_method) == ("decision:refused", BOB, "session")
    assert (data.execution_id, data.context_id, data.command) == (str(log_id), "ask", "ResumeExecution")
    assert (data.code, data.reason) == ("ALREADY_RESUMED", "Pause point already resumed or in progress")


async def test_a_refused_decision_is_recorded_once_although_nobody_knows_of_its_commit(site: Site) -> None:
    store = FaultyStore(site.store)
    async with executor(site, store=store):
        log_id = await decided(site)
        await decide(site, log_id)
        store.unknown = 1
        sent = await site.send(ResumeExecution(context_id="ask", maker=Maker()), log_id)
        await until(lambda: not store.unknown)
        assert (await site.outcome(sent)).outcome == "refused"

    log = log_in(site.partition_of(log_id))
    assert [each.type for each in await site.events(log)] == 2 * ["decision:refused"]
    assert broken_link(await site.raw(log)) is None


async def test_refused_decisions_and_batches_share_a_log_across_owners(site: Site) -> None:
    async with executor(site):
        log_id = await decided(site)
        await decide(site, log_id)
    partition = site.partition_of(log_id)
    async with executor(site):
        await record(site, batch(1, read(1), partition=partition))
        await decide(site, log_id)

    events = await site.events(log_in(partition))
    assert [each.type for each in events] == ["decision:refused", "access:read", "decision:refused"]
    assert broken_link(await site.raw(log_in(partition))) is None


async def test_access_logs_are_on_the_topic_as_they_are_in_the_log(site: Site) -> None:
    async with executor(site):
        await record(site, batch(1, read(1), read(2)))
        await site.topic_equals_log()
        (message, _) = await site.topic(3)

    headers = dict(message.headers)
    assert headers["ce_workspaceid"] == WORKSPACE.encode()
    assert headers["ce_type"] == b"access:read"


async def test_pages_give_each_access_once_the_newest_first_over_all_partitions(site: Site) -> None:
    async with executor(site):
        for number in range(12):
            await record(site, batch(number + 1, read(number), partition=number % 5))

    found: list[str] = []
    events, reached = await read_page(site.store, wanted(limit=5))
    while True:
        found += told(events)
        if reached is None:
            break
        events, reached = await read_page(site.store, wanted(limit=5), reached)

    assert found == [f"e{number}" for number in reversed(range(12))]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"actor_id": "eve"}, ["e2"]),
        ({"execution_ids": {"e1", "e9"}}, ["e1"]),
        ({"types": {"access:refused"}}, []),
        ({"first": NOW - 5, "end": NOW}, ["e3"]),
        ({"workspace_id": "another"}, []),
    ],
    ids=["actor", "execution", "type", "time", "workspace"],
)
async def test_a_page_has_what_is_wanted(site: Site, filters: dict[str, Any], expected: list[str]) -> None:
    async with executor(site):
        await record(site, batch(1, read(1), read(2, by="eve"), read(3, at=NOW - 1)))

    events, reached = await read_page(site.store, wanted(**filters))

    assert (told(events), reached) == (expected, None)


async def test_a_page_that_looks_no_further_says_where_to_go_on(site: Site) -> None:
    long_ago = wanted(first=NOW - 100 * 86_400)

    events, reached = await read_page(site.store, long_ago)

    assert events == []
    assert reached == Reached(day=day_of(NOW - 31 * 86_400))
