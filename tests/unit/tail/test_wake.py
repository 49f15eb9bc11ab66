"""Waiting for news."""

import asyncio

from signoff.tail.wake import Wake
from support.growing_logs import LIMIT


async def test_news_end_a_wait() -> None:
    wake = Wake()
    waiting = asyncio.create_task(wake.wait(LIMIT))
    await asyncio.sleep(0)

    wake.set()

    assert await waiting is True


async def test_news_that_came_before_are_not_waited_for() -> None:
    wake = Wake()
    wake.set()

    assert await wake.wait(LIMIT) is True


async def test_what_was_cleared_is_no_news() -> None:
    wake = Wake()
    wake.set()
    wake.clear()

    assert await wake.wait(0.01) is False


async def test_a_wait_ends_with_its_time() -> None:
    assert await Wake().wait(0.01) is False


async def test_no_time_is_no_wait() -> None:
    assert await Wake().wait(-1) is False


async def test_news_at_the_moment_when_time_is_up_are_kept_for_the_next_wait() -> None:
    wake = Wake()
    waiting = asyncio.create_task(wake.wait(0.01))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.01, wake.set)
    await waiting

    assert await wake.wait(LIMIT) is True


async def test_a_wait_that_is_cancelled_leaves_nothing_behind() -> None:
    wake = Wake()
    waiting = asyncio.create_task(wake.wait(LIMIT))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    wake.set()

    assert await wake.wait(LIMIT) is True
