"""Rates: how many requests go through, and what the others are told."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from signoff.access.keys.limits import Limiter, MemoryLimiter, SharedLimiter
from signoff.events.store.memory import MemoryStore
from signoff.runtime.settings import Rate

TEN_A_MINUTE = Rate(10, 60.0)


class Clock:
    """Time as a test has it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(clock: Clock) -> AsyncIterator[MemoryStore]:
    store = MemoryStore()
    await store.migrate(partitions=1)
    yield store
    await store.close()


@pytest.fixture(params=["memory", "shared"])
def limiter(request: pytest.FixtureRequest, store: MemoryStore, clock: Clock) -> Limiter:
    return (
        MemoryLimiter(clock=clock) if request.param == "memory" else SharedLimiter(store.records, clock=clock)
    )


async def _taken(limiter: Limiter, rate: Rate, tries: int, name: str = "a") -> int:
    standings = [await limiter.take(name, rate) for _ in range(tries)]
    return sum(each.retry_after is None for each in standings)


async def test_as_many_requests_go_through_as_the_rate_says(limiter: Limiter) -> None:
    assert await _taken(limiter, TEN_A_MINUTE, 25) == 10


async def test_each_name_has_a_bucket_of_its_own(limiter: Limiter) -> None:
    await _taken(limiter, TEN_A_MINUTE, 10, "a")

    assert await _taken(limiter, TEN_A_MINUTE, 3, "b") == 3


async def test_a_bucket_fills_again_evenly(limiter: Limiter, clock: Clock) -> None:
    await _taken(limiter, TEN_A_MINUTE, 10)
    clock.now += 18.0  # three tenths of the window

    assert await _taken(limiter, TEN_A_MINUTE, 10) == 3


async def test_a_full_bucket_holds_no_more_than_its_rate(limiter: Limiter, clock: Clock) -> None:
    await limiter.take("a", TEN_A_MINUTE)
    clock.now += 3600.0

    assert await _taken(limiter, TEN_A_MINUTE, 25) == 10


async def test_who_is_refused_is_told_when_the_next_one_goes_through(limiter: Limiter, clock: Clock) -> None:
    await _taken(limiter, TEN_A_MINUTE, 10)
    refused = await limiter.take("a", TEN_A_MINUTE)
    assert refused.retry_after is not None

    clock.now += refused.retry_after + 0.001
    allowed = await limiter.take("a", TEN_A_MINUTE)

    assert (refused.remaining, round(refused.retry_after), allowed.retry_after) == (0, 6, None)


async def test_the_standing_says_what_is_left_and_when_all_is_back(limiter: Limiter, clock: Clock) -> None:
    for _ in range(4):
        standing = await limiter.take("a", TEN_A_MINUTE)

    assert (standing.limit, standing.remaining, standing.reset_at - clock.now) == (10, 6, 24.0)


async def test_looking_counts_nothing(limiter: Limiter) -> None:
    await limiter.take("a", TEN_A_MINUTE)
    looks = [(await limiter.look("a", TEN_A_MINUTE)).remaining for _ in range(3)]

    assert looks == [9, 9, 9]


async def test_gateways_together_let_no_more_through_than_one(store: MemoryStore, clock: Clock) -> None:
    rate = Rate(200, 60.0)
    gateways = [SharedLimiter(store.records, clock=clock) for _ in range(4)]

    counts = await asyncio.gather(*(_taken(each, rate, 100) for each in gateways))

    assert sum(counts) == 200


async def test_many_callers_of_one_gateway_ask_the_shared_bucket_together(
    store: MemoryStore, clock: Clock
) -> None:
    rate = Rate(1000, 60.0)
    asked = _counting(store)
    limiter = SharedLimiter(store.records, clock=clock)

    standings = await asyncio.gather(*(limiter.take("a", rate) for _ in range(500)))

    assert all(each.retry_after is None for each in standings)
    assert asked() == 10  # a lease is a twentieth of the rate


async def test_what_a_lease_leaves_goes_back(store: MemoryStore, clock: Clock) -> None:
    rate = Rate(200, 3600.0)
    first, second = (SharedLimiter(store.records, clock=clock) for _ in range(2))
    await first.take("a", rate)  # nine more are leased to it
    clock.now += 1.5

    counts = [await _taken(first, rate, 1), await _taken(second, rate, 200), await _taken(first, rate, 200)]

    assert sum(counts) == 199


async def test_gateways_whose_clocks_differ_fill_a_bucket_once(store: MemoryStore, clock: Clock) -> None:
    rate = Rate(20, 60.0)
    ahead = Clock()
    ahead.now = clock.now + 30.0
    gateways = [SharedLimiter(store.records, clock=each) for each in (clock, ahead)]

    counts = [await _taken(gateways[turn % 2], rate, 1) for turn in range(100)]

    assert sum(counts) <= 30  # what it holds, and what the clock that is ahead adds once


async def test_a_clock_that_was_set_right_again_fills_no_bucket_twice(limiter: Limiter, clock: Clock) -> None:
    await _taken(limiter, TEN_A_MINUTE, 9)
    clock.now -= 30.0
    await _taken(limiter, TEN_A_MINUTE, 1)
    clock.now += 30.0

    assert await _taken(limiter, TEN_A_MINUTE, 10) == 0


async def test_a_bucket_from_a_clock_that_was_far_ahead_fills_all_the_same(
    limiter: Limiter, clock: Clock
) -> None:
    clock.now += 86_400.0
    await _taken(limiter, TEN_A_MINUTE, 9)
    clock.now -= 86_400.0
    await _taken(limiter, TEN_A_MINUTE, 1)
    clock.now += 60.0

    assert await _taken(limiter, TEN_A_MINUTE, 20) == 10


def _counting(store: MemoryStore) -> Callable[[], int]:
    """Count the writes of records."""
    count = 0
    put = store.records.put

    async def counted(*given: object, **named: object) -> int:
        nonlocal count
        count += 1
        return await put(*given, **named)  # type: ignore[arg-type]

    store.records.put = counted  # type: ignore[method-assign]
    return lambda: count
