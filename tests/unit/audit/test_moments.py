"""Events that were put in later and dated back, and those that a restore put back."""

from uuid import UUID, uuid4

from signoff.audit.checkpoints.checkpoint import Checkpoint
from signoff.audit.verify.chain import ChainCheck
from signoff.audit.verify.moments import CLOCKS, Moments
from signoff.events.store.base import Recorded
from signoff.events.times import iso

NOON = 1_790_000_000.0
HOUR = 3600.0
LOG = uuid4()


def checkpoint(number: int, *, after: int, position: int, time: float) -> Checkpoint:
    return Checkpoint(
        shard=0, number=number, after=after, position=position, heads=1, root="root", time=iso(time)
    )


def hourly(count: int) -> Moments:
    """A checkpoint each hour, each of ten positions."""
    moments = Moments()
    for at in range(count):
        each = checkpoint(at + 1, after=10 * at, position=10 * at + 10, time=NOON + at * HOUR)
        moments.add(each, is_accepted=False)
    return moments


def lacking(
    moments: Moments, position: int, time: float, *, log_id: UUID = LOG, version: int = 1
) -> int | None:
    return moments.lacking(Recorded(log_id, version, "topic", b"", position), iso(time))


def test_an_event_behind_a_checkpoint_is_not_older_than_it() -> None:
    moments = hourly(3)

    assert lacking(moments, 31, NOON + 2 * HOUR) is None
    assert lacking(moments, 31, NOON + 2 * HOUR - CLOCKS) is None
    assert lacking(moments, 31, NOON + 2 * HOUR - CLOCKS - 1) == 3
    assert lacking(moments, 31, NOON - 100 * HOUR) == 1
    assert lacking(moments, 30, NOON + 1.5 * HOUR) is None
    assert lacking(moments, 10, NOON - 100 * HOUR) is None


def test_without_checkpoints_no_event_is_too_old() -> None:
    assert lacking(Moments(), 7, 0.0) is None


def test_what_a_restore_put_back_is_known_by_a_checkpoint_of_before() -> None:
    moments = hourly(3)
    moments.put_back(LOG, 4)
    moments.add(checkpoint(4, after=10, position=12, time=NOON + 9 * HOUR), is_accepted=True)

    assert lacking(moments, 13, NOON + HOUR, version=4) is None
    assert lacking(moments, 13, NOON + HOUR, version=5) == 4
    assert lacking(moments, 13, NOON + HOUR, log_id=uuid4()) == 4


def test_what_no_checkpoint_had_covered_before_an_accepted_restore_may_be_put_back() -> None:
    moments = hourly(3)
    moments.add(checkpoint(4, after=10, position=12, time=NOON + 9 * HOUR), is_accepted=True)
    moments.add(checkpoint(5, after=12, position=20, time=NOON + 10 * HOUR), is_accepted=False)

    assert lacking(moments, 21, NOON + 2 * HOUR + 5) is None
    assert lacking(moments, 21, NOON + 2 * HOUR - 5) == 4
    assert lacking(moments, 21, NOON + 9 * HOUR + 5) == 5


def test_a_checkpoint_that_goes_back_takes_the_place_of_those_that_it_covers_anew() -> None:
    moments = hourly(3)
    moments.add(checkpoint(4, after=10, position=15, time=NOON + 9 * HOUR), is_accepted=False)

    assert lacking(moments, 14, NOON + HOUR) is None  # it stands there since the restore
    assert lacking(moments, 16, NOON + HOUR) == 4


def test_an_event_without_a_time_is_named_once() -> None:
    state = (
        b'{"type":"x","eventId":1,"executionId":"%s","workflowId":"w","timestamp":"../..","causationId":"c",'
        b'"data":{}}'
    )
    event = Recorded(LOG, 1, "x", state % str(LOG).encode(), 31)

    assert [fault.kind for fault in ChainCheck(hourly(3)).take([event])] == ["time"]
