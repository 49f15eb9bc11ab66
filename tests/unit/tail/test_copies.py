"""Streams of forks: what ended in the source did not end the fork, nor was it forked again."""

from uuid import uuid4

import pytest

from signoff.events.codec import encode
from signoff.events.errors import CodecError
from signoff.events.store.base import Recorded
from signoff.events.times import iso
from signoff.events.types import (
    SYSTEM,
    Copy,
    Event,
    EventData,
    ExecutionCancelled,
    ExecutionForked,
    Source,
)
from signoff.tail.feed_frames import FeedEvent, feed_event
from signoff.tail.frames import frame_of

AT = iso(1_750_000_000.0)
SOURCE = uuid4()


@pytest.mark.parametrize(("copy_of", "ends"), [(None, "execution"), (Copy(event_id=9, timestamp=AT), "run")])
def test_the_copy_of_an_end_ends_a_run_and_never_the_execution(copy_of: Copy | None, ends: str) -> None:
    data = ExecutionCancelled(reason="", actor=SYSTEM, duration=0, start_time=AT, end_time=AT)

    assert frame_of(encoded(data, copy_of)).ends == ends


@pytest.mark.parametrize(
    "source",
    [
        Source(execution_id=str(SOURCE), event_id=9),
        Source(execution_id="order-7", log_id=str(SOURCE), event_id=9),
    ],
)
def test_a_fork_names_the_log_that_it_was_forked_from_and_a_copy_of_that_none(source: Source) -> None:
    data = ExecutionForked(source=source, as_of=AT, actor=SYSTEM, reason="", mode="sync")

    assert in_a_feed(encoded(data)).forked_from == SOURCE
    assert in_a_feed(encoded(data, Copy(event_id=9, timestamp=AT))).forked_from is None


def test_a_fork_of_what_is_no_log_is_no_event() -> None:
    source = Source(execution_id="order-7", event_id=9)
    data = ExecutionForked(source=source, as_of=AT, actor=SYSTEM, reason="", mode="sync")

    with pytest.raises(CodecError, match="execution:forked"):
        in_a_feed(encoded(data))


def encoded(data: EventData, copy_of: Copy | None = None) -> bytes:
    event = Event(
        type=data.TYPE, event_id=9, execution_id="fork", workflow_id="w", timestamp=AT, causation_id="1",
        copy_of=copy_of, data=data,
    )  # fmt: skip
    return encode(event)


def in_a_feed(raw: bytes) -> FeedEvent:
    return feed_event(Recorded(uuid4(), 9, "signoff:Any", raw, 1), uuid4())
