"""Feeds: everything that a reader may see, in the order of the log, whoever is slow and whatever is away."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from signoff.events.codec import Header
from signoff.events.errors import CodecError
from signoff.events.store.base import ExecutionStatus
from signoff.events.topics import chosen_log_id, directory_log_id
from signoff.events.types import EventData
from signoff.tail import (
    BadCursorError,
    Cursors,
    Feed,
    FeedFilter,
    FeedFrame,
    FeedPastEndError,
    Feeds,
    TailClosedError,
    TailFullError,
    filter_of,
)
from signoff.tail import feed as feed_module
from signoff.tail import feed_frames as frames_module
from support.executors import until
from support.growing_logs import (
    LIMIT,
    GrowingLog,
    Ledger,
    cancelled,
    closed,
    completed,
    failed,
    forked,
    notified,
    paused,
    resumed,
    started,
    step,
)
from support.hubs import WatchedStore

HERE, THERE, ELSEWHERE = uuid4(), uuid4(), uuid4()
CURSORS = Cursors([b"s" * 32])
EVERYTHING = FeedFilter()


@pytest.fixture
async def feeds(store: WatchedStore) -> AsyncIterator[Feeds]:
    feeds = Feeds(store, CURSORS)
    yield feeds
    await feeds.close()


def _raw(frame: FeedFrame) -> bytes:
    cursor, data = frame.sse.removesuffix(b"\n\n").split(b"\n")
    assert cursor == b"id: " + CURSORS.at_event(frame.position).encode()
    return data.removeprefix(b"data: ")


async def _take(feed: Feed, count: int) -> list[bytes]:
    """The next events' bytes; fails if others come with them."""
    got: list[bytes] = []
    async with asyncio.timeout(LIMIT):
        while len(got) < count:
            got += [_raw(frame) for frame in await feed.read()]
    assert len(got) == count
    return got


async def _running(ledger: Ledger, workspace: UUID = HERE, workflow: str = "refund") -> GrowingLog:
    log = ledger.log(workspace=workspace, workflow=workflow)
    await log.add(started(workspace), status="running")
    return log


def _chosen(ledger: Ledger, name: str, workflow: str = "refund") -> GrowingLog:
    log_id = chosen_log_id(str(HERE), name)
    return ledger.log(log_id=log_id, workspace=HERE, execution_id=name, workflow=workflow)


# --- What a feed has --------------------------------------------------------------------------------


async def test_a_feed_begins_with_what_happens_next_and_is_live(feeds: Feeds, ledger: Ledger) -> None:
    log = await _running(ledger)
    with await feeds.open(EVERYTHING, [HERE]) as feed:
        (second,) = await log.add(step())
        assert await _take(feed, 1) == [second]

        other = await _running(ledger)
        assert await _take(feed, 1) == other.raws


async def test_a_feed_goes_on_at_its_cursor_in_history_and_then_live(feeds: Feeds, ledger: Ledger) -> None:
    log = await _running(ledger)
    await log.add(step(), step())
    with await feeds.open(EVERYTHING, [HERE], cursor=CURSORS.at_event(1)) as feed:
        assert await _take(feed, 2) == log.raws[1:]

        await log.add(step())
        assert await _take(feed, 1) == log.raws[3:]


async def test_other_workspaces_and_logs_of_none_are_not_in_a_feed(feeds: Feeds, ledger: Ledger) -> None:
    with await feeds.open(EVERYTHING, [HERE, ELSEWHERE]) as feed:
        await _running(ledger, THERE)
        await ledger.log(log_id=directory_log_id()).add(step())
        mine = await _running(ledger, HERE)
        also = await _running(ledger, ELSEWHERE)

        assert await _take(feed, 2) == mine.raws + also.raws
    with await feeds.open(EVERYTHING, [HERE, ELSEWHERE], cursor=CURSORS.at_event(0)) as feed:
        assert await _take(feed, 2) == mine.raws + also.raws


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"types": ["pause:*"]}, ["pause:notified", "pause:closed"]),
        ({"types": ["execution:started,execution:resumed"]}, ["execution:started", "execution:resumed"]),
        ({"status": ["running"]}, ["execution:started", "execution:resumed"]),
        ({"status": ["paused"]}, ["execution:paused", "execution:error"]),
        ({"status": ["failed,cancelled"]}, ["execution:error", "execution:cancelled"]),
        ({"workflowId": ["another"]}, []),
    ],
)
async def test_a_feed_has_what_its_filter_says(
    feeds: Feeds, ledger: Ledger, parameters: dict[str, list[str]], expected: list[str], live: bool
) -> None:
    with await feeds.open(filter_of(parameters), [HERE], cursor=CURSORS.at_event(0)) as feed:
        if live:
            assert await feed.read(wait=0) == []
        log, run = ledger.log(workspace=HERE), uuid4()
        await log.add(
            started(HERE), step(), notified(), paused(), resumed(run), failed(final=False), closed(),
            failed(final=True), cancelled(), status="running",
        )  # fmt: skip
        found = await _take(feed, len(expected))

    assert [msgspec.json.decode(raw)["type"] for raw in found] == expected


@pytest.mark.parametrize("named", ["by its UUID", "as its client chose", "by a run of it"])
async def test_a_feed_of_one_execution_has_its_events_alone(feeds: Feeds, ledger: Ledger, named: str) -> None:
    run = uuid4()
    log = _chosen(ledger, "order-17") if named == "as its client chose" else ledger.log(workspace=HERE)
    await log.add(started(HERE), resumed(run), status="running")
    name = str(run) if named == "by a run of it" else log.execution_id
    filter_ = filter_of({"executionId": [name]})
    with await feeds.open(filter_, [HERE, THERE], cursor=CURSORS.at_event(0)) as feed:
        assert await _take(feed, 2) == log.raws

        await _running(ledger)
        await log.add(step())
        assert await _take(feed, 1) == log.raws[2:]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("named", ["by its UUID", "as its client chose"])
async def test_a_feed_of_executions_tells_also_what_is_forked_from_them(
    feeds: Feeds, ledger: Ledger, named: str, live: bool
) -> None:
    source = _chosen(ledger, "order-17") if named == "as its client chose" else ledger.log(workspace=HERE)
    second = _chosen(ledger, "order-18")
    filter_ = filter_of({"executionId": [source.execution_id, "order-18"]})
    with await feeds.open(filter_, [HERE, THERE], cursor=CURSORS.at_event(0)) as feed:
        if live:
            assert await feed.read(wait=0) == []
        fork, other = ledger.log(workspace=HERE), await _running(ledger)
        begun = [await log.add(started(HERE), status="running") for log in (source, second)]
        _, told, _ = await fork.add(started(HERE), forked(source), step(), status="running")
        await ledger.log(workspace=HERE).add(started(HERE), forked(other), status="running")
        (last,) = await second.add(step())

        assert await _take(feed, 4) == [*begun[0], *begun[1], told, last]


async def test_the_same_name_of_another_workspaces_execution_is_another_execution(
    feeds: Feeds, ledger: Ledger
) -> None:
    with await feeds.open(filter_of({"executionId": ["order-17"]}), [THERE]) as feed:
        await _chosen(ledger, "order-17").add(started(HERE), status="running")
        await _running(ledger, THERE)

        assert await feed.read(wait=0.05) == []


# --- Permissions ------------------------------------------------------------------------------------


async def test_a_workspace_that_is_lost_stops_at_once_also_what_was_not_taken_yet(
    feeds: Feeds, ledger: Ledger
) -> None:
    with await feeds.open(EVERYTHING, [HERE, THERE]) as feed:
        lost, kept = await _running(ledger, THERE), await _running(ledger, HERE)
        feed.may_see([HERE])
        await lost.add(step())
        await kept.add(step())

        assert await _take(feed, 2) == kept.raws


async def test_a_workspace_that_is_lost_while_history_is_read_is_not_in_the_page(
    feeds: Feeds, ledger: Ledger, store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, kept = await _running(ledger, THERE), await _running(ledger, HERE)
    reading, go_on = asyncio.Event(), asyncio.Event()
    read_feed = store.read_feed

    async def slow(*args: Any, **options: Any) -> Any:
        rows = await read_feed(*args, **options)
        reading.set()
        await go_on.wait()
        return rows

    monkeypatch.setattr(store, "read_feed", slow)
    with await feeds.open(EVERYTHING, [HERE, THERE], cursor=CURSORS.at_event(0)) as feed:
        taking = asyncio.create_task(_take(feed, 1))
        await asyncio.wait_for(reading.wait(), LIMIT)
        feed.may_see([HERE])
        go_on.set()

        assert await taking == kept.raws
    assert lost.version == 1


async def test_a_workspace_that_is_gained_comes_in(feeds: Feeds, ledger: Ledger) -> None:
    with await feeds.open(EVERYTHING, [HERE]) as feed:
        gained = await _running(ledger, THERE)
        mine = await _running(ledger, HERE)
        assert await _take(feed, 1) == mine.raws
        feed.may_see([HERE, THERE])
        (later,) = await gained.add(step())

        assert await _take(feed, 1) == [later]


# --- Slow readers, and limits -----------------------------------------------------------------------


async def test_a_reader_that_is_too_slow_reads_the_log_and_misses_nothing(
    feeds: Feeds, ledger: Ledger, store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "MAX_FRAMES", 8)
    log = await _running(ledger)
    with await feeds.open(EVERYTHING, [HERE]) as slow, await feeds.open(EVERYTHING, [HERE]) as prompt:
        for _ in range(30):
            (raw,) = await log.add(step())
            assert await _take(prompt, 1) == [raw]
        assert len(slow._buffer) <= 8

        assert await _take(slow, 30) == log.raws[1:]


async def test_frames_are_made_once_for_all_feeds_and_headers_read_once(
    feeds: Feeds, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await _running(ledger)
    decoded: list[bytes] = []
    decode = frames_module.decode_header
    monkeypatch.setattr(frames_module, "decode_header", lambda raw: (decoded.append(raw), decode(raw))[1])
    with await feeds.open(EVERYTHING, [HERE]) as one, await feeds.open(EVERYTHING, [HERE]) as two:
        (raw,) = await log.add(step())
        await _running(ledger, THERE)  # nobody follows it: not even read

        assert (await one.read())[0] is (await two.read())[0]
    assert decoded == [raw]


async def test_the_cursor_moves_on_while_nothing_of_the_feed_happens(
    feeds: Feeds, ledger: Ledger, store: WatchedStore
) -> None:
    with await feeds.open(filter_of({"types": ["pause:*"]}), [HERE]) as feed:
        log = await _running(ledger)
        await log.add(*(step() for _ in range(5)))
        async with asyncio.timeout(LIMIT):
            while CURSORS.position(feed.cursor) < await store.last_position():
                assert await feed.read(wait=0.01) == []


async def test_the_cursor_moves_on_through_a_long_history_without_any_match(
    feeds: Feeds, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "WINDOW", 3)
    log = await _running(ledger)
    await log.add(*(step() for _ in range(20)), notified())
    with await feeds.open(filter_of({"types": ["pause:*"]}), [HERE], cursor=CURSORS.at_event(0)) as feed:
        assert await _take(feed, 1) == log.raws[-1:]
        assert CURSORS.position(feed.cursor) == 22


async def test_there_are_only_so_many_feeds_and_one_that_ends_makes_room(store: WatchedStore) -> None:
    feeds = Feeds(store, CURSORS, max_feeds=1)
    with await feeds.open(EVERYTHING, [HERE]), pytest.raises(TailFullError, match="1 feeds are as many"):
        await feeds.open(EVERYTHING, [HERE])

    with await feeds.open(EVERYTHING, [HERE]):
        assert feeds.count == 1
    await feeds.close()


async def test_a_cursor_past_the_end_is_told_the_last(feeds: Feeds, ledger: Ledger) -> None:
    await _running(ledger)

    with pytest.raises(FeedPastEndError) as refused:
        await feeds.open(EVERYTHING, [HERE], cursor=CURSORS.at_event(2))
    with pytest.raises(BadCursorError):
        await feeds.open(EVERYTHING, [HERE], cursor="17")

    assert CURSORS.position(refused.value.last) == 1
    assert feeds.count == 0


async def test_feeds_end_when_they_are_closed(feeds: Feeds) -> None:
    with await feeds.open(EVERYTHING, [HERE]) as feed:
        reading = asyncio.create_task(feed.read())
        await asyncio.sleep(0)
        feeds.end()

        with pytest.raises(TailClosedError):
            await reading
    with pytest.raises(TailClosedError):
        await feeds.open(EVERYTHING, [HERE])


async def test_what_happens_while_history_is_read_waits_for_nothing_else_to_happen(
    feeds: Feeds, ledger: Ledger, store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "WINDOW", 10)
    log = await _running(ledger)
    await log.add(*(step() for _ in range(20)))
    read, pauses = store.read_feed, list[bytes]()

    async def meanwhile(*given: Any, **named: Any) -> Any:
        if not pauses:
            pauses.extend(await log.add(paused()))
            last = await store.last_position()
            await until(lambda: feeds.head == last)
        return await read(*given, **named)

    monkeypatch.setattr(store, "read_feed", meanwhile)
    with await feeds.open(
        filter_of({"types": ["execution:paused"]}), [HERE], cursor=CURSORS.at_event(0)
    ) as feed:
        async with asyncio.timeout(LIMIT):
            frames = await feed.read(wait=2 * LIMIT)

    assert [_raw(frame) for frame in frames] == pauses


async def test_a_page_of_history_that_takes_long_is_not_read_in_vain(
    feeds: Feeds, ledger: Ledger, store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = await _running(ledger)
    read, asked, answered = store.read_feed, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any, **named: Any) -> Any:
        asked.set()
        await answered.wait()
        return await read(*given, **named)

    monkeypatch.setattr(store, "read_feed", slow)
    with await feeds.open(EVERYTHING, [HERE], cursor=CURSORS.at_event(0)) as feed:
        reading = asyncio.create_task(feed.read(wait=0))
        await asked.wait()
        answered.set()

        assert [_raw(frame) for frame in await reading] == log.raws


async def test_feeds_wait_for_a_log_that_is_away(
    feeds: Feeds, ledger: Ledger, store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "_RETRY_SECONDS", 0.01)
    log = await _running(ledger)
    store.away = True
    with await feeds.open(EVERYTHING, [HERE], cursor=CURSORS.at_event(0)) as feed:
        assert await feed.read(wait=0.05) == []
        store.away = False

        assert await _take(feed, 1) == log.raws


@pytest.mark.parametrize("live", [True, False])
async def test_an_event_that_cannot_be_read_stops_no_feed(
    feeds: Feeds, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, live: bool
) -> None:
    log = await _running(ledger)
    cursor = CURSORS.at_event(1)
    decode = frames_module.decode_header
    with await feeds.open(EVERYTHING, [HERE], cursor=cursor) as feed:
        if live:
            assert await feed.read(wait=0) == []
        broken, whole = await log.add(step(), step())

        def fail(raw: bytes) -> Header:
            if raw == broken:
                raise CodecError("not an event")
            return decode(raw)

        monkeypatch.setattr(frames_module, "decode_header", fail)
        assert await _take(feed, 1) == [whole]


# --- Everything at once -----------------------------------------------------------------------------

_FILTERS: list[dict[str, list[str]]] = [
    {},
    {"types": ["pause:*"]},
    {"types": ["block:completed", "execution:*"]},
    {"status": ["paused", "failed"]},
    {"workflowId": ["refund"]},
    {"workflowId": ["leave", "refund"], "status": ["completed"]},
    {"executionId": ["chosen-1"]},
]


def _some_event(chance: random.Random) -> tuple[EventData, ExecutionStatus | None]:
    return chance.choice([
        (step(chance.randrange(40)), None), (notified(), None), (closed(), None), (paused(), "paused"),
        (failed(final=False), "paused"), (failed(final=True), "failed"), (completed(), "completed"),
    ])  # fmt: skip


def _matches(raw: bytes, parameters: dict[str, list[str]], log: GrowingLog) -> bool:
    """The rule again, in the plainest words."""
    event = msgspec.json.decode(raw)
    kind = event["type"]
    if kind == "execution:error":
        status = "failed" if event["data"]["final"] else "paused"
    else:
        status = {"execution:started": "running"}.get(kind, kind.removeprefix("execution:"))
    types = parameters.get("types", [kind])
    return (
        any(kind == each or (each.endswith("*") and kind.startswith(each[:-1])) for each in types)
        and status in parameters.get("status", [status])
        and event["workflowId"] in parameters.get("workflowId", [event["workflowId"]])
        and log.execution_id in parameters.get("executionId", [log.execution_id])
    )


@pytest.mark.parametrize("seed", range(12))
async def test_readers_that_come_and_go_see_exactly_what_is_theirs_in_order(
    store: WatchedStore, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(feed_module, "MAX_FRAMES", 6)
    monkeypatch.setattr(feed_module, "WINDOW", 40)
    monkeypatch.setattr(feed_module, "_PAGE", 7)
    monkeypatch.setattr(feed_module, "_PAGE_BYTES", 2000)
    chance = random.Random(seed)
    places = [HERE, THERE, ELSEWHERE]
    feeds = Feeds(store, CURSORS)
    written: list[tuple[bytes, GrowingLog, UUID]] = []
    done = False

    async def write() -> None:
        nonlocal done
        logs: list[tuple[GrowingLog, UUID]] = []
        for number in range(300):
            if not logs or number == 100 or chance.random() < 0.1:
                workspace, workflow = chance.choice(places), chance.choice(["refund", "leave", "x"])
                if number == 100:
                    workspace, log = HERE, _chosen(ledger, "chosen-1", workflow)
                else:
                    log = ledger.log(workspace=workspace, workflow=workflow)
                logs.append((log, workspace))
                raws = await log.add(started(workspace), status="running", publish=False)
            else:
                log, workspace = chance.choice(logs)
                event, status = _some_event(chance)
                raws = await log.add(event, status=status, publish=False)
            written.extend((raw, log, workspace) for raw in raws)
            await asyncio.sleep(chance.choice([0, 0, 0, 0.0005]))
        done = True

    async def read() -> None:
        visible = chance.sample(places, k=chance.randrange(1, 4))
        parameters = chance.choice(_FILTERS)
        await asyncio.sleep(chance.random() * 0.05)
        begin = await store.last_position()
        cursor, got = CURSORS.at_event(begin), list[bytes]()
        while not done or CURSORS.position(cursor) < len(written):
            with await feeds.open(filter_of(parameters), visible, cursor=cursor) as feed:
                while chance.random() > 0.1:
                    frames = await feed.read(wait=0.005)
                    taken = frames[: chance.randrange(len(frames) + 1)] if chance.random() < 0.2 else frames
                    got += [_raw(frame) for frame in taken]
                    if len(taken) < len(frames):  # the connection is cut: some frames did not arrive
                        cursor = CURSORS.at_event(taken[-1].position) if taken else cursor
                        break
                    cursor = feed.cursor
                    await asyncio.sleep(chance.choice([0, 0, 0.003]))
        expected = [
            raw
            for raw, log, workspace in written[begin:]
            if workspace in visible and _matches(raw, parameters, log)
        ]
        assert got == expected

    async with asyncio.timeout(3 * LIMIT):
        await asyncio.gather(write(), *(read() for _ in range(15)))
    await feeds.close()
