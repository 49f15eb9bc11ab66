"""Checks of feeds."""

from collections.abc import Mapping
from typing import Final

from signoff.client.stream_checks.cursors import body_of, sample
from signoff.client.stream_checks.evidence import Evidence, data_of, event_from, expect, feed_path, status_of
from signoff.client.stream_checks.frames import (
    DONE,
    FEED_HEARTBEAT,
    OPENED,
    RETRY,
    Frame,
    difference,
    frame_of,
    frames_of,
    shown,
)
from signoff.client.stream_checks.streams import check_heartbeat
from signoff.client.stream_checks.wire import Listener

_CURSORS: Final = 4
"""Of so many places in the feed it is gone on from."""


async def begins_with_a_cursor(evidence: Evidence) -> None:
    """S-23."""
    async with evidence.wire.listen(feed_path(executionId=evidence.execution_id)) as heard:
        await heard.until(lambda now: len(now.blocks) > 1, limit=evidence.limits.live)
    expect(heard.status == 200, "status 200", heard.status)
    told = heard.headers.get("Content-Type", "")
    expect(told.startswith("text/event-stream"), "Content-Type: text/event-stream", told)
    expect(heard.blocks[:1] == [RETRY], shown(RETRY), heard.blocks[:1])
    first = [frame.data for frame in frames_of(heard.blocks[1:2])]
    expect(first == [OPENED], f"{shown(OPENED)} with an id", heard.blocks[1:2])


async def has_the_bytes_of_the_log(evidence: Evidence) -> None:
    """S-24."""
    heard = evidence.lived.feed
    for block in heard.blocks:
        known = block == RETRY or FEED_HEARTBEAT.fullmatch(block) or frame_of(block) is not None
        expect(bool(known), r"id: <cursor>\ndata: <json>\n\n", block)
    events = _events(heard)
    places = [event_from(frame).event_id for frame in events]
    expect(places == [*range(1, len(evidence.log) + 1)], f"events 1 to {len(evidence.log)}", places)
    _same(evidence.raws, [frame.data for frame in events])
    cursors = {frame.id for frame in frames_of(heard.blocks)}
    expect(len(cursors) == len(events) + 1, "a cursor of its own with each frame", f"{len(cursors)} cursors")


async def is_replayed_alike(evidence: Evidence) -> None:
    """S-25."""
    first, *events = _frames(evidence)
    for _ in range(2):
        _same([frame.block for frame in events], await _after(evidence, first.id, len(events)))


async def goes_on_after_a_cursor(evidence: Evidence) -> None:
    """S-26."""
    frames = _frames(evidence)
    blocks = [frame.block for frame in frames]
    for at in sample(len(frames) - 1)[:: max(1, len(frames) // _CURSORS)]:
        rest = blocks[at + 1 :]
        _same(rest, await _after(evidence, frames[at].id, len(rest)))
        _same(rest, await _heard(evidence, {"cursor": frames[at].id}, {}, len(rest)))
    header = {"Last-Event-ID": frames[-2].id}
    _same(blocks[-1:], await _heard(evidence, {"cursor": frames[0].id}, header, 1))


async def carries_its_cursor_on(evidence: Evidence) -> None:
    """S-27."""
    heard = evidence.lived.feed
    found = [FEED_HEARTBEAT.fullmatch(block) for block in heard.blocks]
    check_heartbeat(heard, [each is not None for each in found], evidence.limits.heartbeat)
    at = next(place for place, each in enumerate(found) if each is not None)
    beat = found[at]
    rest = [frame.block for frame in frames_of(heard.blocks[at + 1 :])]
    _same(rest, await _after(evidence, beat[1].decode() if beat else "", len(rest)))


async def has_what_its_filters_leave(evidence: Evidence) -> None:
    """S-28."""
    for bad in ({"types": "none:such"}, {"status": "none"}, {"cursor": "none"}):
        told = await evidence.wire.ask("GET", feed_path(**bad))
        right = told.status == 400 and isinstance(body_of(told).get("error"), str)
        expect(right, f"400 with an error for {bad}", (told.status, told.body[:200]))
    if evidence.live is None:
        return
    first, *events = _frames(evidence)
    for filters, wanted in (
        ({"types": "execution:*"}, "execution:"),
        ({"types": "block:completed"}, "block:completed"),
        ({"status": "completed"}, "execution:completed"),
    ):
        left = [frame.block for frame in events if event_from(frame).type.startswith(wanted)]
        _same(left, await _heard(evidence, filters, {"Last-Event-ID": first.id}, len(left)))


async def has_no_end(evidence: Evidence) -> None:
    """S-29."""
    heard = evidence.lived.feed
    expect(heard.ending == "open", "a feed that stays open", status_of(heard))
    expect(DONE not in heard.blocks and b"[DONE]" not in data_of(heard), "no [DONE]", "[DONE]")


def _frames(evidence: Evidence) -> list[Frame]:
    """The frames of the feed: that it opened, and at least one event."""
    frames = frames_of(evidence.lived.feed.blocks)
    expect(len(frames) > 1, "a feed with events", f"{len(frames)} frames")
    return frames


def _events(heard: Listener) -> list[Frame]:
    return [frame for frame in frames_of(heard.blocks) if frame.data != OPENED]


async def _after(evidence: Evidence, cursor: str, count: int) -> list[bytes]:
    return await _heard(evidence, {}, {"Last-Event-ID": cursor}, count)


async def _heard(
    evidence: Evidence, filters: Mapping[str, str], headers: Mapping[str, str], count: int
) -> list[bytes]:
    """The frames of a feed of the execution until so many came, and all that came with them."""
    path = feed_path(executionId=evidence.execution_id, **filters)
    async with evidence.wire.listen(path, headers=headers) as heard:
        await heard.until(lambda now: len(frames_of(now.blocks)) >= count, limit=evidence.limits.live)
    return [frame.block for frame in frames_of(heard.blocks)]


def _same(expected: list[bytes], seen: list[bytes]) -> None:
    found = difference(expected, seen)
    expect(found is None, *(found or ("", "")))
