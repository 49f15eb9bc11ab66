"""The stopwatch of a request, by a clock of its own."""

import pytest

from signoff.gateway.http import timing
from signoff.gateway.http.timing import Stopwatch


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> Stopwatch:
    return Stopwatch(clock)


def test_all_time_is_the_gateways_own_that_nothing_is_waited_for(clock: Clock, watch: Stopwatch) -> None:
    clock.now += 0.0025

    assert watch.server_timing() == "gateway;dur=2.50, wait;dur=0.00"


def test_what_is_waited_for_the_executor_is_told_apart(clock: Clock, watch: Stopwatch) -> None:
    clock.now += 0.001
    for _ in range(2):
        with watch.waiting:
            clock.now += 0.2
    clock.now += 0.001

    assert watch.server_timing() == "gateway;dur=2.00, wait;dur=400.00"


def test_a_slow_body_is_nobodys_time(clock: Clock, watch: Stopwatch) -> None:
    with watch.receiving:
        clock.now += 5.0

    assert watch.server_timing() == "gateway;dur=0.00, wait;dur=0.00"


def test_waits_that_overlap_count_once(clock: Clock, watch: Stopwatch) -> None:
    with watch.waiting:
        clock.now += 0.1
        with watch.waiting:
            clock.now += 0.1
        clock.now += 0.1

    assert watch.server_timing() == "gateway;dur=0.00, wait;dur=300.00"


def test_a_wait_that_fails_ends_all_the_same(clock: Clock, watch: Stopwatch) -> None:
    def fail() -> None:
        clock.now += 0.1
        raise TimeoutError

    with pytest.raises(TimeoutError), watch.waiting:
        fail()

    clock.now += 0.001
    assert watch.server_timing() == "gateway;dur=1.00, wait;dur=100.00"


def test_outside_of_requests_nothing_is_measured() -> None:
    with timing.waiting(), timing.receiving():
        pass
