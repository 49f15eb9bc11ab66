"""Which starts are admitted, when too many come: by the age of the queue, and fair between workspaces."""

from uuid import UUID

import pytest

from signoff.gateway.errors import ApiError
from signoff.gateway.overload.limit import INTERVAL, LEAST, TARGET, AdaptiveLimit
from signoff.gateway.overload.returns import LONGEST, Returns
from signoff.gateway.overload.stalls import MOST, Stalls
from signoff.gateway.overload.starts import Place, Starts

STEP = 1.01 * INTERVAL
GREEDY, SMALL, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)


class Clock:
    """A clock that goes on when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


# The limit ------------------------------------------------------------------------------------------


def intervals(limit: AdaptiveLimit, clock: Clock, count: int, *ages: float) -> None:
    for _ in range(count):
        clock.now += STEP
        for age in ages:
            limit.note(age, waiting=500, now=clock.now)
        clock.now += STEP
        limit.note(max(ages), waiting=500, now=clock.now)


def test_a_queue_in_which_all_wait_long_makes_the_limit_small(clock: Clock) -> None:
    limit = AdaptiveLimit(900)

    intervals(limit, clock, 20, 2 * TARGET, 3 * TARGET)

    assert limit.size == LEAST


def test_a_burst_that_lets_some_through_at_once_does_not(clock: Clock) -> None:
    limit = AdaptiveLimit(900)

    for _ in range(20):
        clock.now += STEP
        for age in (TARGET / 10, 20 * TARGET):
            limit.note(age, waiting=500, now=clock.now)

    assert limit.size == 900


def test_the_first_step_down_is_from_what_waited_and_not_from_what_might_have(clock: Clock) -> None:
    limit = AdaptiveLimit(900)
    limit.note(0.0, waiting=1, now=clock.now)
    clock.now += STEP

    limit.note(5.0, waiting=200, now=clock.now)

    assert limit.size == 150


def test_after_some_calm_seconds_the_limit_is_as_it_was(clock: Clock) -> None:
    limit = AdaptiveLimit(900)
    intervals(limit, clock, 20, 2 * TARGET)

    for _ in range(40):
        clock.now += STEP
        limit.note(0.01, waiting=5, now=clock.now)

    assert limit.size == 900


# Retry-After ------------------------------------------------------------------------------------------


def test_refused_callers_are_told_to_come_back_as_fast_as_they_can_be_served(clock: Clock) -> None:
    returns = Returns(clock=clock, chance=lambda: 0.0)
    for _ in range(20):  # for ten seconds ten are served each second
        for _ in range(5):
            returns.served()
        clock.now += 0.5

    told = [returns.after(GREEDY) for _ in range(100)]

    assert (told[0], told[-1]) == (1, pytest.approx(10, abs=2))
    assert told == sorted(told)


def test_one_workspaces_refusals_do_not_stand_in_anothers_way(clock: Clock) -> None:
    returns = Returns(clock=clock, chance=lambda: 0.0)
    for _ in range(1000):
        returns.after(GREEDY)

    assert returns.after(SMALL) <= 2


def test_nobody_is_sent_away_for_longer_than_half_a_minute_and_jitter(clock: Clock) -> None:
    returns = Returns(clock=clock, chance=lambda: 0.999)

    assert max(returns.after(GREEDY) for _ in range(1000)) <= LONGEST * 1.5 + 1


def test_those_refused_at_one_moment_do_not_come_back_at_one_moment(clock: Clock) -> None:
    returns = Returns(clock=clock)
    told = {Returns(clock=clock).after(GREEDY) for _ in range(100)} | {returns.after(GREEDY)}

    assert min(told) >= 1
    assert len(told) > 1


# Places -----------------------------------------------------------------------------------------------


def fill(starts: Starts, workspace_id: UUID) -> tuple[list[Place], ApiError]:
    """Take places until there are none; gives them, with the refusal."""
    places: list[Place] = []
    while True:
        try:
            places.append(starts.enter(workspace_id))
        except ApiError as refusal:
            return places, refusal


def overloaded(starts: Starts, clock: Clock) -> None:
    """Let the queue be old for a while."""
    while starts.limit.size > LEAST:
        clock.now += STEP
        starts.limit.note(1.0, waiting=starts.queue.total, now=clock.now)


def test_of_an_old_queue_one_workspace_gets_so_many_places_and_then_503(clock: Clock) -> None:
    starts = Starts(1000, clock=clock)
    overloaded(starts, clock)

    places, refusal = fill(starts, GREEDY)

    assert (len(places), refusal.status) == (LEAST, 503)
    assert int(refusal.headers["Retry-After"]) >= 1


def test_beside_a_greedy_workspace_a_small_one_is_admitted_and_the_greedy_one_is_told_why(
    clock: Clock,
) -> None:
    starts = Starts(1000, clock=clock)
    overloaded(starts, clock)
    fill(starts, GREEDY)

    starts.enter(SMALL)
    _, refusal = fill(starts, GREEDY)

    assert (refusal.status, str(refusal)[:14]) == (429, "This workspace")


def test_a_heard_outcome_makes_room_at_once(clock: Clock) -> None:
    starts = Starts(1000, clock=clock)
    overloaded(starts, clock)
    places, _ = fill(starts, GREEDY)
    places[0].send(7)

    places[0].answered()

    assert len(fill(starts, GREEDY)[0]) == 1


def test_who_waits_for_the_end_of_a_run_is_still_among_the_requests(clock: Clock) -> None:
    starts = Starts(20, clock=clock)  # of which two are kept for other requests than starts
    places, _ = fill(starts, GREEDY)
    for number, place in enumerate(places):
        place.send(number)
        place.answered()

    assert fill(starts, GREEDY)[0] == []
    places[0].leave()
    assert len(fill(starts, GREEDY)[0]) == 1


def test_leaving_gives_everything_back_once_however_often(clock: Clock) -> None:
    starts = Starts(100, clock=clock)
    place = starts.enter(GREEDY)
    place.send(7)

    for _ in range(3):
        place.leave()

    assert (starts.queue.total, starts.requests.total) == (0, 0)


# Partitions that stall --------------------------------------------------------------------------------


def test_a_partition_stalls_when_its_oldest_command_waits_far_longer_than_usual(clock: Clock) -> None:
    stalls = Stalls()
    for number in range(100):
        stalls.sent(number, 1, clock.now)
        stalls.answered(number, 1, clock.now + 0.3, heard=True)
    stalls.sent("old", 2, clock.now)

    assert not stalls.stalled(2, clock.now + 1.1)
    assert stalls.stalled(2, clock.now + 1.3)
    assert not stalls.stalled(1, clock.now + 1.3)


def test_what_waits_for_a_stalled_partition_takes_no_place_from_others(clock: Clock) -> None:
    starts = Starts(1000, clock=clock)
    overloaded(starts, clock)
    for place in fill(starts, GREEDY)[0]:
        place.send(5)
    clock.now += 1.0

    admitted, _ = fill(starts, GREEDY)

    assert len(admitted) == LEAST


def test_only_so_many_wait_for_a_stalled_partition(clock: Clock) -> None:
    starts = Starts(1000, clock=clock)
    first = starts.enter(GREEDY)
    first.send(5)
    clock.now += 1.0
    for _ in range(MOST - 1):
        starts.enter(OTHER).send(5)

    refused = starts.enter(SMALL)
    with pytest.raises(ApiError) as refusal:
        refused.send(5)
    refused.leave()
    first.answered()

    assert refusal.value.status == 503
    starts.enter(SMALL).send(6)
