"""Many executions, some at once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from signoff.events.store.base import ExecutionRow
from signoff.events.store.memory import MemoryStore
from signoff.events.store.search import Search
from signoff.gateway.executions.bulk import AT_ONCE, BulkResult, candidates, each, matching
from support.stores import STARTED, WORKSPACE, Writer, execution

EVERYTHING = Search(workspace_id=WORKSPACE)


async def listed(count: int) -> AsyncIterator[ExecutionRow]:
    for _ in range(count):
        yield execution()


def result(row: ExecutionRow) -> BulkResult:
    return BulkResult(execution_id=str(row.log_id), result="cancelled")


async def test_so_many_are_under_way_at_once_and_no_more() -> None:
    under_way, seen = 0, []

    async def act(row: ExecutionRow) -> BulkResult:
        nonlocal under_way
        under_way += 1
        seen.append(under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return result(row)

    assert len([each_result async for each_result in each(listed(100), act)]) == 100
    assert max(seen) == AT_ONCE


async def test_when_one_goes_wrong_none_is_left_under_way() -> None:
    never = asyncio.Event()
    begun: list[asyncio.Task[object] | None] = []

    async def act(row: ExecutionRow) -> BulkResult:
        begun.append(asyncio.current_task())
        if len(begun) == AT_ONCE:
            raise RuntimeError("out of order")
        await never.wait()
        return result(row)

    with pytest.raises(RuntimeError, match="out of order"):
        await anext(each(listed(100), act))

    assert all(task is not None and task.done() for task in begun)


async def test_what_is_found_is_read_page_by_page_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signoff.gateway.executions.bulk._PAGE", 3)
    store = MemoryStore()
    rows = [execution(started_at=STARTED + n) for n in range(8)]
    await (await Writer.of(store)).append(rows=rows)

    for most in (1, 3, 5, 6, 8, 100):
        assert [row async for row in matching(store, EVERYTHING, most=most)] == rows[::-1][:most]
    assert [row async for row in matching(store, None, most=5)] == []


def test_an_action_is_for_what_it_can_change() -> None:
    def narrowed(*statuses: str) -> Search:
        return Search(workspace_id=WORKSPACE, statuses=statuses)

    assert candidates(EVERYTHING, "cancel") == narrowed("running", "paused")
    assert candidates(EVERYTHING, "retry") == narrowed("failed")
    assert candidates(narrowed("paused", "failed"), "cancel") == narrowed("paused")
    assert candidates(narrowed("completed"), "retry") is None
