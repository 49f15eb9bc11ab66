"""Group look-up: who shares a query with whom, and what becomes of them."""

import asyncio
from collections.abc import Sequence

import pytest

from signoff.events.errors import StoreUnavailableError
from signoff.events.lookups import Lookups


class Table:
    """Answers queries, each when it is let through."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.gate = asyncio.Event()
        self.failures: list[BaseException] = []

    async def look(self, keys: list[int]) -> Sequence[str]:
        self.asked.append(keys)
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return [f"row {key}" for key in keys]


@pytest.fixture
def table() -> Table:
    return Table()


async def start(lookups: Lookups[int, str], *callers: Sequence[int]) -> list["asyncio.Task[Sequence[str]]"]:
    """Begin look-ups, and let them reach the table."""
    tasks = [asyncio.create_task(lookups.find(keys)) for keys in callers]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_who_comes_while_queries_are_under_way_shares_the_next_one(table: Table) -> None:
    lookups = Lookups(table.look, at_once=2)
    tasks = await start(lookups, [1])
    tasks += await start(lookups, [2])
    tasks += await start(lookups, [3])
    tasks += await start(lookups, [4, 5], [3])

    table.gate.set()

    assert [*map(list, await asyncio.gather(*tasks))] == [
        ["row 1"], ["row 2"], ["row 3"], ["row 4", "row 5"], ["row 3"]
    ]  # fmt: skip
    assert table.asked == [[1], [2], [3, 4, 5, 3]]


async def test_nobody_waits_for_company(table: Table) -> None:
    table.gate.set()
    lookups = Lookups(table.look)

    assert [*await lookups.find([1])] == ["row 1"]
    assert [*await lookups.find([2])] == ["row 2"]

    assert table.asked == [[1], [2]]


async def test_a_query_has_so_many_keys_at_most_unless_one_caller_has_more(table: Table) -> None:
    lookups = Lookups(table.look, at_once=1, most=3)
    tasks = await start(lookups, [0])
    tasks += await start(lookups, [1, 2], [3, 4], [5, 6, 7, 8], [9])

    table.gate.set()
    await asyncio.gather(*tasks)

    assert table.asked == [[0], [1, 2], [3, 4], [5, 6, 7, 8], [9]]


async def test_nothing_is_asked_for_nothing(table: Table) -> None:
    assert [*await Lookups(table.look).find([])] == []

    assert table.asked == []


async def test_a_failed_query_fails_those_who_share_it_and_nobody_after(table: Table) -> None:
    lookups = Lookups(table.look, at_once=1)
    tasks = await start(lookups, [1])
    tasks += await start(lookups, [2], [3])
    table.failures.append(StoreUnavailableError("away"))

    table.gate.set()
    first, second, third = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(first, StoreUnavailableError)
    assert ([*second], [*third]) == (["row 2"], ["row 3"])  # type: ignore[misc]


async def test_who_has_gone_is_not_looked_up(table: Table) -> None:
    lookups = Lookups(table.look, at_once=1)
    (first,) = await start(lookups, [1])
    gone, last = await start(lookups, [2], [3])

    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    table.gate.set()
    await asyncio.gather(first, last)

    assert table.asked == [[1], [3]]


async def test_who_goes_while_looked_up_takes_the_answer_from_nobody(table: Table) -> None:
    lookups = Lookups(table.look, at_once=1)
    (first,) = await start(lookups, [1])
    gone, last = await start(lookups, [2], [3])
    table.gate.set()
    await first
    table.gate.clear()
    await start(lookups)
    assert table.asked == [[1], [2, 3]]

    gone.cancel()
    table.gate.set()

    assert [*await last] == ["row 3"]


async def test_a_query_that_is_stopped_leaves_nobody_waiting(table: Table) -> None:
    lookups = Lookups(table.look, at_once=1)
    tasks = await start(lookups, [1])
    tasks += await start(lookups, [2])

    table.failures.append(asyncio.CancelledError())
    table.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(result) for result in results] == [StoreUnavailableError] * 2


async def test_who_comes_again_at_once_is_looked_up_again(table: Table) -> None:
    """The task that answered them has not ended by then."""
    table.gate.set()
    lookups = Lookups(table.look, at_once=1)

    async def twice() -> list[str]:
        return [*await lookups.find([1]), *await lookups.find([2])]

    assert await asyncio.wait_for(twice(), 5) == ["row 1", "row 2"]
