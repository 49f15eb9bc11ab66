"""Places for dry runs: bounded, and shared between workspaces."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from signoff.audit.life.what_if import TooManyDryRunsError
from signoff.executor.forks.places import AT_ONCE, MOST_WAITING, Places

SOON = 0.01
LONG = 30.0


@pytest.fixture
async def held() -> AsyncIterator[AsyncExitStack]:
    """Places that a test holds until its end."""
    async with AsyncExitStack() as stack:
        yield stack


async def test_one_workspace_leaves_a_place_for_another(held: AsyncExitStack) -> None:
    places = Places(patience=SOON)
    for _ in range(AT_ONCE - 1):
        await held.enter_async_context(places.place("busy"))

    with pytest.raises(TooManyDryRunsError):
        await held.enter_async_context(places.place("busy"))

    await held.enter_async_context(places.place("another"))


async def test_who_waits_is_served_in_turn_with_other_workspaces(held: AsyncExitStack) -> None:
    places = Places(patience=LONG)
    first = await held.enter_async_context(AsyncExitStack())
    await first.enter_async_context(places.place("busy"))
    await held.enter_async_context(places.place("busy"))
    await held.enter_async_context(places.place("third"))
    served: list[str] = []

    async def take(workspace_id: str) -> None:
        async with places.place(workspace_id):
            served.append(workspace_id)

    async with asyncio.TaskGroup() as group:
        for workspace_id in ("busy", "busy", "another"):
            group.create_task(take(workspace_id))
        await asyncio.sleep(0)
        await first.aclose()
        await held.aclose()

    assert served[0] == "another"
    assert sorted(served) == ["another", "busy", "busy"]


async def test_who_stops_waiting_takes_no_place(held: AsyncExitStack) -> None:
    places = Places(patience=LONG)
    first = await held.enter_async_context(AsyncExitStack())
    for _ in range(AT_ONCE - 1):
        await first.enter_async_context(places.place("busy"))
    waiting = asyncio.create_task(held.enter_async_context(places.place("busy")))
    await asyncio.sleep(0)

    waiting.cancel()
    await first.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    for _ in range(AT_ONCE - 1):
        await held.enter_async_context(places.place("busy"))


async def test_a_workspace_waits_in_a_short_line_only(held: AsyncExitStack) -> None:
    places = Places(patience=LONG)
    for _ in range(AT_ONCE - 1):
        await held.enter_async_context(places.place("busy"))
    waiting = [
        asyncio.create_task(held.enter_async_context(places.place("busy"))) for _ in range(MOST_WAITING)
    ]
    await asyncio.sleep(0)

    with pytest.raises(TooManyDryRunsError, match="of this workspace"):
        await held.enter_async_context(places.place("busy"))

    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
