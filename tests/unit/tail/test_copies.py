"""Streams of forks: what ended in the source did not end the fork."""

import pytest

from signoff.events.codec import encode
from signoff.events.times import iso
from signoff.events.types import SYSTEM, Copy, Event, ExecutionCancelled
from signoff.tail.frames import frame_of

AT = iso(1_750_000_000.0)


@pytest.mark.parametrize(("copy_of", "ends"), [(None, "execution"), (Copy(event_id=9, timestamp=AT), "run")])
def test_the_copy_of_an_end_ends_a_run_and_never_the_execution(copy_of: Copy | None, ends: str) -> None:
    data = ExecutionCancelled(reason="", actor=SYSTEM, duration=0, start_time=AT, end_time=AT)
    event = Event(
        type=data.TYPE, event_id=9, execution_id="fork", workflow_id="w", timestamp=AT, causation_id="1",
        copy_of=copy_of, data=data,
    )  # fmt: skip

    assert frame_of(encode(event)).ends == ends
