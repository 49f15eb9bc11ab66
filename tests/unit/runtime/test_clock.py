"""The time of day is the database's, whatever this process's own clock shows."""

import asyncio

import pytest

from signoff.events.errors import StoreUnavailableError
from signoff.events.store.memory import MemoryStore
from signoff.runtime.clock import SKEW, DatabaseClock

NOON = 1_790_000_000.0


class Times:
    """A database and a process, each with its idea of the time; an answer takes a while."""

    def __init__(self) -> None:
        self.database = NOON
        self.own = NOON
        self.steady = 1000.0
        self.delay = 0.0
        self.asleep = 0.0
        self.away = False
        self.store = MemoryStore(clock=self._told)
        self.clock = DatabaseClock(self.store, steady=lambda: self.steady, own=lambda: self.own)

    def pass_by(self, seconds: float) -> None:
        self.database += seconds
        self.own += seconds
        self.steady += seconds

    def _told(self) -> float:
        if self.away:
            raise StoreUnavailableError("the database is away")
        self.pass_by(self.asleep + self.delay / 2)
        told = self.database
        self.pass_by(self.delay / 2)
        return told


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.mark.parametrize("wrong", [3600.0, -3600.0])
async def test_a_clock_that_is_wrong_from_the_start_changes_nothing(times: Times, wrong: float) -> None:
    times.own += wrong

    await times.clock.ask()

    assert times.clock() == NOON


@pytest.mark.parametrize("wrong", [3600.0, -3600.0])
async def test_a_clock_that_is_set_while_the_process_runs_changes_nothing(times: Times, wrong: float) -> None:
    await times.clock.ask()

    times.own += wrong
    times.pass_by(0.5)

    assert times.clock() == NOON + 0.5


async def test_the_way_of_the_answer_counts_by_half(times: Times) -> None:
    times.delay = 0.4

    await times.clock.ask()

    assert times.clock() == times.database


async def test_an_answer_that_took_long_does_not_replace_a_better_one(times: Times) -> None:
    await times.clock.ask()
    times.database += 7.0
    times.delay = 0.6

    await times.clock.ask()

    assert times.clock() == NOON + 0.6


@pytest.mark.parametrize("moved", [0.0, 3600.0])
async def test_a_first_answer_that_took_long_never_puts_the_time_ahead(times: Times, moved: float) -> None:
    times.delay, times.asleep = 8.0, moved  # the machine slept while the question was on its way

    await times.clock.ask()

    assert times.clock() <= times.database


async def test_the_time_goes_on_while_the_database_is_away(times: Times) -> None:
    await times.clock.ask()
    times.away = True
    with pytest.raises(StoreUnavailableError):
        await times.clock.ask()

    times.pass_by(60.0)

    assert times.clock() == NOON + 60.0


async def test_before_the_first_answer_it_is_not_known_and_the_own_clock_must_do(times: Times) -> None:
    times.own += 2.0
    knowing = asyncio.create_task(times.clock.known())
    await asyncio.sleep(0)
    assert not knowing.done()
    assert times.clock() == NOON + 2.0

    await times.clock.ask()

    await knowing
    assert times.clock() == NOON


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (3600.0, "this machine's clock is 3600 s ahead of the database's: set it, with NTP"),
        (-3600.0, "this machine's clock is 3600 s behind the database's: set it, with NTP"),
        (SKEW, None),
    ],
)
async def test_readiness_says_which_clock_to_set(times: Times, wrong: float, said: str | None) -> None:
    await times.clock.ask()

    times.own += wrong

    assert await times.clock.check() == said
