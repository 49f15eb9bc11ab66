"""One reader: from history to live, to its end."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from uuid import uuid4

import pytest

from signoff.events.errors import StoreUnavailableError
from signoff.events.ids import new_id
from signoff.tail import HEARTBEAT, CursorPastEndError, Frame, Hub, Reader, TailClosedError
from signoff.tail import reader as reader_module
from support.growing_logs import (
    LIMIT,
    GrowingLog,
    Ledger,
    cancelled,
    closed,
    completed,
    failed,
    notified,
    paused,
    resumed,
    started,
    step,
    until,
)
from support.hubs import WatchedStore


def _ids(frames: Sequence[Frame]) -> list[int]:
    return [frame.event_id for frame in frames]


async def _to_end(reader: Reader) -> list[Frame]:
    async with asyncio.timeout(LIMIT):
        frames = await reader.begin()
        while not reader.ended:
            frames += await reader.read()
    return frames


async def _read(
    hub: Hub, log: GrowingLog, *, after: int = 0, run: object = None, follow: bool = False
) -> list[Frame]:
    run_id = None if run is None else str(run)
    with hub.open(log.log_id, after=after, run_id=run_id, follow=follow) as reader:
        return await _to_end(reader)


async def _rest(reader: Reader) -> list[Frame]:
    frames: list[Frame] = []
    async with asyncio.timeout(LIMIT):
        while not reader.ended:
            frames += await reader.read()
    return frames


async def _up_to(event_id: int, reader: Reader) -> list[Frame]:
    frames: list[Frame] = []
    async with asyncio.timeout(LIMIT):
        while not frames or frames[-1].event_id < event_id:
            frames += await reader.read()
    return frames


async def _at_end_of_history(reader: Reader) -> list[Frame]:
    """What history gives a reader that then waits."""
    async with asyncio.timeout(LIMIT):
        frames = await reader.begin()
        assert not reader.ended
        return frames


# --- From history to live ---------------------------------------------------------------------------


async def test_history_comes_first_and_then_what_happens(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), step(), status="running")

    with hub.open(log.log_id, after=0) as reader:
        history = await _at_end_of_history(reader)
        await until(lambda: hub.live)
        await log.add(step())
        live = await reader.read()
        await log.add(completed(), status="completed")
        end = await reader.read()

    assert [_ids(history), _ids(live), _ids(end)] == [[1, 2], [3], [4]]
    assert [frame.raw for frame in history + live + end] == log.raws
    assert reader.ended


async def test_a_frame_on_the_wire_has_the_very_bytes_of_the_log(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), step(), completed(), status="completed")

    frames = await _read(hub, log)

    assert [frame.sse for frame in frames] == [
        b"id: %d\ndata: %b\n\n" % (event_id, raw) for event_id, raw in enumerate(log.raws, 1)
    ]


async def test_a_reader_goes_on_after_its_cursor(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), step(), step(), completed(), status="completed")

    assert [_ids(await _read(hub, log, after=after)) for after in range(5)] == [
        [1, 2, 3, 4], [2, 3, 4], [3, 4], [4], []
    ]  # fmt: skip


@pytest.mark.parametrize("run", [None, uuid4()])
async def test_a_cursor_past_the_end_is_refused_with_the_last_event(
    hub: Hub, ledger: Ledger, run: object
) -> None:
    log = ledger.log()
    await log.add(started(), step(), status="running")

    with pytest.raises(CursorPastEndError) as refused:
        await _read(hub, log, after=3, run=run)

    assert refused.value.last_event_id == 2


async def test_a_log_may_be_followed_before_it_exists(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()

    with hub.open(log.log_id, after=0) as reader:
        assert await _at_end_of_history(reader) == []
        await until(lambda: hub.live)
        await log.add(started(), completed(), status="completed")
        frames = await reader.read()

    assert _ids(frames) == [1, 2]


async def test_a_long_history_is_read_in_pages_of_bounded_size(
    hub: Hub, ledger: Ledger, store: WatchedStore
) -> None:
    log = ledger.log()
    await log.add(started(), status="running")
    for _ in range(8):
        await log.add(*(step(20_000) for _ in range(25)))
    await log.add(completed(), status="completed")

    with hub.open(log.log_id, after=0) as reader:
        pages = [await reader.begin()]
        while not reader.ended:
            pages.append(await reader.read())

    assert [frame.raw for page in pages for frame in page] == log.raws
    assert max(sum(len(frame.raw) for frame in page) for page in pages) < 1.5 * 1024 * 1024


async def test_repeated_and_late_records_are_not_sent_again(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), step(), status="running")

    with hub.open(log.log_id, after=0) as reader:
        await _at_end_of_history(reader)
        await until(lambda: hub.live)
        await log.publish(*log.raws)
        await log.add(step())
        await log.publish(*log.raws)
        await log.add(completed(), status="completed")
        frames = await _rest(reader)

    assert _ids(frames) == [3, 4]


async def test_what_the_topic_left_out_is_read_from_the_log(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), status="running")

    with hub.open(log.log_id, after=0) as reader:
        await _at_end_of_history(reader)
        await until(lambda: hub.live)
        await log.add(step(), step(), publish=False)
        await log.add(step())
        frames = await _up_to(4, reader)

    assert _ids(frames) == [2, 3, 4]


async def test_what_is_on_the_topic_but_not_in_the_log_is_never_sent(hub: Hub, ledger: Ledger) -> None:
    log, other = ledger.log(), ledger.log()
    await log.add(started(), status="running")
    await other.add(started(), *(step() for _ in range(4)), status="running", publish=False)

    with hub.open(log.log_id, after=0) as reader:
        await _at_end_of_history(reader)
        await until(lambda: hub.live)
        await log.publish(other.raws[4])
        assert await reader.read(wait=0.05) == []
        await log.add(step())
        frames = await reader.read()

    assert [frame.raw for frame in frames] == [log.raws[1]]


async def test_a_record_that_is_no_event_harms_nobody(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), status="running")

    with hub.open(log.log_id, after=0) as reader:
        await _at_end_of_history(reader)
        await until(lambda: hub.live)
        await log.publish(b"garbage", b'{"type":"execution:error"}')
        await log.add(step())
        frames = await reader.read()

    assert _ids(frames) == [2]


async def test_a_reader_that_reads_slowly_gets_everything_from_the_log(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), status="running")

    with hub.open(log.log_id, after=0) as reader:
        frames = await _at_end_of_history(reader)
        await until(lambda: hub.live)
        for _ in range(10):
            await log.add(*(step() for _ in range(100)))
        await log.add(completed(), status="completed")
        await asyncio.sleep(0)
        frames += await _rest(reader)

    assert [frame.raw for frame in frames] == log.raws


async def test_a_read_gives_nothing_when_nothing_happens_in_time(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), status="running")
    with hub.open(log.log_id, after=1) as reader:
        await _at_end_of_history(reader)

        assert await reader.read(wait=0.01) == []
        assert not reader.ended


async def test_frames_may_be_followed_one_by_one_with_heartbeats_in_silence(
    hub: Hub, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Reader.read, "__kwdefaults__", {"wait": 0.01})
    log = ledger.log()
    await log.add(started(), status="running")

    followed: list[object] = []
    async with aclosing(hub.follow(log.log_id, after=0)) as following:
        async for each in following:
            followed.append(each)
            if each is HEARTBEAT and HEARTBEAT not in followed[:-1]:
                await log.add(completed(), status="completed")

    frames = [each for each in followed if isinstance(each, Frame)]
    assert (_ids(frames), followed[1]) == ([1, 2], HEARTBEAT)


async def test_frames_may_be_followed_one_by_one(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), step(), completed(), status="completed")

    followed = [each async for each in hub.follow(log.log_id, after=1)]

    assert HEARTBEAT not in followed
    assert [frame.event_id for frame in followed if isinstance(frame, Frame)] == [2, 3]


# --- Ends -------------------------------------------------------------------------------------------


async def test_a_stream_ends_at_once_when_the_execution_is_paused(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), paused(), status="paused")

    assert _ids(await _read(hub, log)) == [1, 2]
    assert await _read(hub, log, after=2) == []


async def test_what_is_recorded_during_a_pause_does_not_keep_a_stream_open(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), paused(), status="paused")
    await log.add(notified())

    assert _ids(await _read(hub, log)) == [1, 2, 3]


async def test_a_stream_goes_through_earlier_pauses_to_the_next_one(hub: Hub, ledger: Ledger) -> None:
    log, run = ledger.log(), new_id()
    await log.add(started(), paused(), status="paused")
    await log.add(resumed(run), (run, step()), status="running")

    with hub.open(log.log_id, after=0) as reader:
        frames = await _at_end_of_history(reader)
        await until(lambda: hub.live)
        await log.add((run, paused()), status="paused")
        frames += await _rest(reader)

    assert _ids(frames) == [1, 2, 3, 4, 5]


async def test_a_live_stream_ends_when_the_execution_pauses(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), status="running")

    with hub.open(log.log_id, after=0) as reader:
        await _at_end_of_history(reader)
        await until(lambda: hub.live)
        await log.add(paused(), status="paused")
        frames = await _rest(reader)

    assert _ids(frames) == [2]


async def test_a_live_stream_ends_at_a_pause_that_somebody_was_told_of_at_once(
    hub: Hub, ledger: Ledger
) -> None:
    log = ledger.log()
    await log.add(started(), status="running")

    with hub.open(log.log_id, after=0) as reader:
        await _at_end_of_history(reader)
        await until(lambda: hub.live)
        await log.add(paused(), notified(), status="paused")
        frames = await _rest(reader)

    assert _ids(frames) == [2, 3]


async def test_a_live_stream_ends_behind_what_it_learns_of_only_at_the_pause(
    hub: Hub, ledger: Ledger
) -> None:
    log = ledger.log()
    await log.add(started(), status="running")

    with hub.open(log.log_id, after=0) as reader:
        await _at_end_of_history(reader)
        await until(lambda: hub.live)
        raws = await log.add(paused(), notified(), status="paused", publish=False)
        await log.publish(raws[0])
        frames = await _rest(reader)

    assert _ids(frames) == [2, 3]


async def test_a_pause_with_a_queued_resume_behind_it_is_not_the_end(hub: Hub, ledger: Ledger) -> None:
    log, run = ledger.log(), new_id()
    await log.add(started(), status="running")

    with hub.open(log.log_id, after=0) as reader:
        await _at_end_of_history(reader)
        await until(lambda: hub.live)
        raws = await log.add(paused(), resumed(run), status="running", publish=False)
        await log.publish(raws[0])
        frames = await _up_to(3, reader)
        await log.publish(raws[1])
        await log.add((run, completed()), status="completed")
        frames += await _rest(reader)

    assert _ids(frames) == [2, 3, 4]


async def test_a_run_that_pauses_beside_another_one_does_not_end_the_stream(hub: Hub, ledger: Ledger) -> None:
    log, run = ledger.log(), new_id()
    await log.add(started(), resumed(run), status="running")

    with hub.open(log.log_id, after=0) as reader:
        frames = await _at_end_of_history(reader)
        await until(lambda: hub.live)
        await log.add((run, paused()), status="running")
        frames += await reader.read()
        assert await reader.read(wait=0.02) == []
        assert not reader.ended
        await log.add(completed(), status="completed")
        frames += await _rest(reader)

    assert _ids(frames) == [1, 2, 3, 4]


async def test_with_follow_a_stream_stays_through_pauses_to_the_end(hub: Hub, ledger: Ledger) -> None:
    log, run = ledger.log(), new_id()
    await log.add(started(), paused(), status="paused")

    with hub.open(log.log_id, after=0, follow=True) as reader:
        frames = await _at_end_of_history(reader)
        await until(lambda: hub.live)
        await log.add(resumed(run), (run, failed(final=False)), status="paused")
        frames += await reader.read()
        assert await reader.read(wait=0.02) == []
        await log.add(cancelled(), status="cancelled")
        frames += await _rest(reader)

    assert _ids(frames) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("follow", [False, True])
async def test_what_ended_ends_at_once_from_any_cursor(hub: Hub, ledger: Ledger, follow: bool) -> None:
    for end, status in (
        (completed(), "completed"),
        (failed(final=True), "failed"),
        (cancelled(), "cancelled"),
    ):
        log = ledger.log()
        await log.add(started(), end, status=status)  # type: ignore[arg-type]

        assert [_ids(await _read(hub, log, after=after, follow=follow)) for after in (0, 1, 2)] == [
            [1, 2],
            [2],
            [],
        ]


async def test_a_failed_run_ends_the_stream_of_an_execution_that_waits(hub: Hub, ledger: Ledger) -> None:
    log, run = ledger.log(), new_id()
    await log.add(started(), paused(), resumed(run), (run, failed(final=False)), status="paused")

    assert _ids(await _read(hub, log)) == [1, 2, 3, 4]


async def test_an_end_with_events_behind_it_was_not_the_end(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), failed(final=True), status="failed")
    await log.add(step(), completed(), status="completed")

    assert _ids(await _read(hub, log)) == [1, 2, 3, 4]


# --- One run ----------------------------------------------------------------------------------------


async def test_a_runs_stream_has_its_events_only_to_its_end(hub: Hub, ledger: Ledger) -> None:
    log, run, later = ledger.log(), new_id(), new_id()
    await log.add(started(), paused(), resumed(run), (run, step()), (run, paused()), status="paused")
    await log.add(resumed(later), (later, step()), status="running")

    frames = await _read(hub, log, run=run)

    assert [frame.raw for frame in frames] == log.raws[2:5]


async def test_a_runs_stream_that_is_live_ends_with_the_run(hub: Hub, ledger: Ledger) -> None:
    log, run = ledger.log(), new_id()
    await log.add(started(), resumed(run), status="running")

    with hub.open(log.log_id, after=0, run_id=str(run)) as reader:
        frames = await _at_end_of_history(reader)
        await until(lambda: hub.live)
        await log.add(step(), (run, step()), step())
        await log.add((run, paused()), status="running")
        frames += await _rest(reader)

    assert _ids(frames) == [2, 4, 6]


async def test_a_run_that_ended_before_the_cursor_ends_at_once(hub: Hub, ledger: Ledger) -> None:
    log, run, later = ledger.log(), new_id(), new_id()
    await log.add(started(), paused(), resumed(run), (run, paused()), resumed(later), status="running")

    assert await _read(hub, log, run=run, after=4) == []


async def test_a_cancelled_execution_ends_the_streams_of_its_runs(hub: Hub, ledger: Ledger) -> None:
    log, run = ledger.log(), new_id()
    await log.add(started(), paused(), resumed(run), status="running")
    await log.add(closed(), cancelled(), status="cancelled")

    assert _ids(await _read(hub, log, run=run)) == [3, 5]


# --- The log away -----------------------------------------------------------------------------------


async def test_a_log_that_is_away_at_the_beginning_is_an_error(
    hub: Hub, ledger: Ledger, store: WatchedStore
) -> None:
    log = ledger.log()
    await log.add(started(), status="running")
    store.away = True

    with hub.open(log.log_id, after=0) as reader, pytest.raises(StoreUnavailableError):
        await reader.begin()


async def test_a_log_that_goes_away_later_is_waited_for(
    hub: Hub, ledger: Ledger, store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "_RETRY_SECONDS", 0.01)
    log = ledger.log()
    await log.add(started(), status="running")

    with hub.open(log.log_id, after=0) as reader:
        await _at_end_of_history(reader)
        await until(lambda: hub.live)
        await log.add(step(), publish=False)
        store.away = True
        await log.add(step())
        assert await reader.read(wait=0.1) == []
        store.away = False
        frames = await reader.read()

    assert _ids(frames) == [2, 3]


async def test_closing_the_hub_ends_a_read_under_way(hub: Hub, ledger: Ledger) -> None:
    log = ledger.log()
    await log.add(started(), status="running")
    with hub.open(log.log_id, after=1) as reader:
        await _at_end_of_history(reader)
        reading = asyncio.create_task(reader.read())
        await asyncio.sleep(0)

        hub.end()

        with pytest.raises(TailClosedError):
            await asyncio.wait_for(reading, 1)
