"""The chain of a log: what is wrong with an event is named at that event."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from signoff.audit.verify.chain import ChainCheck
from signoff.events.codec import TOPIC_BY_TYPE, chain_hash, encode
from signoff.events.store.base import Recorded
from signoff.events.types import Copy, Event
from support.relays import FIRED, NOON

LOG = UUID(int=7)


def chained(times: Sequence[str], *, copied: str | None = None) -> list[Recorded]:
    """A log with an event of each time, the last of which is perhaps a copy."""
    events: list[Recorded] = []
    for version, time in enumerate(times, 1):
        copy = Copy(event_id=1, timestamp=copied) if copied is not None and version == len(times) else None
        state = encode(
            Event(
                type=FIRED.TYPE, event_id=version, execution_id=str(LOG), workflow_id="w", timestamp=time,
                causation_id="c", prev=chain_hash(events[-1].state) if events else None, copy_of=copy,
                data=FIRED,
            )
        )  # fmt: skip
        events.append(Recorded(LOG, version, TOPIC_BY_TYPE[FIRED.TYPE], state, version))
    return events


@pytest.mark.parametrize(
    "time",
    ["", "not a time", "../../../x", "2026-02-30T00:00:00.000000Z", "2026-01-01T00:00:00Z", NOON + "Z"],
)
def test_a_time_that_is_none_is_named_once_whatever_follows(time: str) -> None:
    faults = ChainCheck().take(chained([NOON, time, NOON, NOON]))

    assert [(fault.kind, fault.place.event_id) for fault in faults] == [("time", 2)]


def test_a_time_of_a_copy_that_is_none_is_named() -> None:
    faults = ChainCheck().take(chained([NOON, NOON], copied="yesterday"))

    assert [(fault.kind, fault.place.event_id) for fault in faults] == [("time", 2)]


def test_times_as_they_are_written_are_well() -> None:
    assert ChainCheck().take(chained([NOON, NOON, "2026-01-01T00:00:00.000001Z"], copied=NOON)) == []
