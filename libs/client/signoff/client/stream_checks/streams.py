"""Checks of an execution's stream: its form, its bytes, its life."""

from typing import Final

from signoff.client.stream_checks.evidence import (
    Evidence,
    data_of,
    event_from,
    expect,
    status_of,
)
from signoff.client.stream_checks.frames import (
    DONE,
    HEARTBEAT,
    RETRY,
    difference,
    frame_of,
    frames_of,
    hash_of,
    shown,
)
from signoff.client.stream_checks.wire import Listener

_TERMINAL: Final = frozenset({"execution:completed", "execution:cancelled", "execution:error"})
_EARLY: Final = 0.6
_LATE: Final = 1.4
"""Parts of the interval between which a heartbeat comes."""


async def is_answered_as_a_stream(evidence: Evidence) -> None:
    """S-1."""
    replay = evidence.replays[0]
    expect(replay.status == 200, "status 200", replay.status)
    told = {name: replay.headers.get(name, "").lower() for name in ("Content-Type", "Cache-Control")}
    expect(told["Content-Type"].startswith("text/event-stream"), "Content-Type: text/event-stream", told)
    expect("no-cache" in told["Cache-Control"], "Cache-Control: no-cache", told)
    named = replay.headers.get("X-Execution-Id")
    expect(named == evidence.execution_id, f"X-Execution-Id: {evidence.execution_id}", named)


async def begins_with_retry(evidence: Evidence) -> None:
    """S-2."""
    for heard in _all(evidence):
        first = heard.blocks[0] if heard.blocks else b"nothing"
        expect(first == RETRY, shown(RETRY), first)
        expect(heard.blocks.count(RETRY) == 1, "retry once", f"{heard.blocks.count(RETRY)} times")


async def has_nothing_but_frames(evidence: Evidence) -> None:
    """S-3."""
    for heard in _all(evidence):
        for block in heard.blocks:
            known = block in (RETRY, DONE, HEARTBEAT) or frame_of(block) is not None
            expect(known, r"id: <n>\ndata: <json>\n\n", block)
        expect(not heard.rest, "an empty line behind each frame", heard.rest)


async def counts_its_events(evidence: Evidence) -> None:
    """S-4."""
    for heard in _all(evidence):
        frames = frames_of(heard.blocks)
        for number, frame in enumerate(frames, 1):
            expect(frame.id == str(number), f"id {number} at place {number}", f"id {frame.id}")
            event = event_from(frame)
            expect(
                event.event_id == number, f"eventId {number} with id {number}", f"eventId {event.event_id}"
            )
        expect(bool(frames), "an event", "none")


async def has_the_bytes_of_the_log(evidence: Evidence) -> None:
    """S-5."""
    _same(evidence.raws, data_of(evidence.replays[0]))
    if evidence.live is not None:
        _same(evidence.raws, data_of(evidence.live.followed))


async def is_chained(evidence: Evidence) -> None:
    """S-6."""
    frames = frames_of(evidence.replays[0].blocks)
    hashes = [None, *(hash_of(frame.data) for frame in frames)]
    for frame, wanted in zip(frames, hashes, strict=False):
        event = event_from(frame)
        expect(event.prev == wanted, f"prev {wanted} in event {event.event_id}", event.prev)


async def is_replayed_alike(evidence: Evidence) -> None:
    """S-7."""
    first, second = evidence.replays
    _same(first.blocks, second.blocks)
    again = await evidence.heard(evidence.path, {"Last-Event-ID": "0"})
    _same(first.blocks, again.blocks)


async def says_its_end(evidence: Evidence) -> None:
    """S-8."""
    ended = [*evidence.replays, *([evidence.live.paused, evidence.live.followed] if evidence.live else [])]
    for heard in ended:
        expect(heard.ending == "closed", "a response that ends", status_of(heard))
        last = heard.blocks[-1] if heard.blocks else b"nothing"
        expect(last == DONE, shown(DONE), last)
        expect(heard.blocks.count(DONE) == 1, "[DONE] once", f"{heard.blocks.count(DONE)} times")


async def stays_through_pauses_when_asked(evidence: Evidence) -> None:
    """S-9."""
    live = evidence.lived
    plain = [event_from(frame).type for frame in frames_of(live.paused.blocks)]
    expect("execution:paused" in plain, "an end at execution:paused", plain)
    expect(not _TERMINAL & {*plain}, "an end at the pause", plain)
    followed = [event_from(frame).type for frame in frames_of(live.followed.blocks)]
    expect("execution:paused" in followed and followed[-1] in _TERMINAL, "the end of the execution", followed)


async def is_live(evidence: Evidence) -> None:
    """S-10."""
    live, limit = evidence.lived, evidence.limits.live
    _same(evidence.raws, data_of(live.followed))
    late = live.followed.times[-1] - live.resumed_at
    expect(late <= limit, f"the end within {limit:g} s of the decision", f"after {late:.1f} s")


async def fills_silence(evidence: Evidence) -> None:
    """S-11."""
    heard = evidence.lived.followed
    check_heartbeat(heard, [block == HEARTBEAT for block in heard.blocks], evidence.limits.heartbeat)


async def survives_cuts(evidence: Evidence) -> None:
    """S-12."""
    _same(evidence.raws, [frame.data for piece in evidence.lived.cut for frame in piece])


def check_heartbeat(heard: Listener, beats: list[bool], interval: float) -> None:
    """Check when the first heartbeat came.

    Args:
        heard: a stream with a silence in it.
        beats: which of its blocks are heartbeats.
        interval: seconds of silence after which they come.

    Raises:
        BrokenRuleError: none, or at another time.
    """
    expect(any(beats), f"a heartbeat after {interval:g} s of silence", "none")
    at = beats.index(True)
    begun = heard.times[at - 1] if at else heard.begun
    waited = heard.times[at] - begun
    within = interval * _EARLY <= waited <= interval * _LATE
    expect(within, f"a heartbeat after {interval:g} s of silence", f"one after {waited:.1f} s")


def _all(evidence: Evidence) -> list[Listener]:
    return [*evidence.replays, *([evidence.live.paused, evidence.live.followed] if evidence.live else [])]


def _same(expected: list[bytes], seen: list[bytes]) -> None:
    found = difference(expected, seen)
    expect(found is None, *(found or ("", "")))
