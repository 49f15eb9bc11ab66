"""Whose turn it is, without any process."""

import asyncio

import pytest

from signoff.sandbox.errors import SandboxBusyError, SandboxClosedError
from signoff.sandbox.places import Places


def places(
    *, usual: int = 1, patience: float = 30.0, queue_limit: int = 100, wait_limit: float = 30.0
) -> Places:
    return Places(usual=usual, patience=patience, queue_limit=queue_limit, wait_limit=wait_limit)


async def queue(room: Places, names: list[str], entered: list[str]) -> list[asyncio.Task]:
    """One task per name, waiting in this order; each notes its name when it has its place."""

    async def come(name: str) -> None:
        await room.enter(name[0])
        entered.append(name)

    tasks = [asyncio.create_task(come(name)) for name in names]
    await settle()
    return tasks


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_workspaces_take_turns_and_each_keeps_its_order():
    room, entered = places(), []
    await room.enter("a")
    tasks = await queue(room, ["a1", "a2", "a3", "b1", "c1", "b2"], entered)
    for workspace in ("a", "a", "b", "c", "a", "b"):
        room.leave(workspace)
        await settle()
    assert entered == ["a1", "b1", "c1", "a2", "b2", "a3"]
    await asyncio.gather(*tasks)


async def test_patience_opens_places_up_to_four_times_the_usual_for_workspaces_together():
    room, entered = places(patience=0.0), []
    await room.enter("a")
    tasks = await queue(room, ["a1", "a2", "a3", "b1", "b2"], entered)
    waiting = set(tasks)
    while len(waiting) > 2:
        done, waiting = await asyncio.wait(waiting, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert done
    await settle()
    assert sorted(entered) == ["a1", "a2", "b1"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_cancelled_waiter_gives_its_turn_to_the_next():
    room, entered = places(), []
    await room.enter("a")
    first, second = await queue(room, ["a1", "a2"], entered)
    first.cancel()
    await settle()
    room.leave("a")
    await second
    assert entered == ["a2"]


async def test_a_place_that_arrives_together_with_a_cancellation_is_not_lost():
    room, entered = places(), []
    await room.enter("a")
    first, second = await queue(room, ["a1", "a2"], entered)
    room.leave("a")
    first.cancel()
    await second
    assert entered == ["a2"]


async def test_a_waiter_past_its_patience_that_is_cancelled_gives_its_turn_to_the_next():
    room, entered = places(patience=0.0), []
    for _ in range(3):
        await room.enter("a")
    first, second = await queue(room, ["a1", "a2"], entered)
    first.cancel()
    room.leave("a")
    await second
    assert entered == ["a2"]


async def test_closing_sends_away_who_waits_and_who_is_being_cancelled():
    room, entered = places(), []
    await room.enter("a")
    first, second = await queue(room, ["a1", "a2"], entered)
    first.cancel()
    room.close()
    with pytest.raises(SandboxClosedError):
        await second
    await asyncio.wait([first])
    assert first.cancelled()


async def test_waiting_has_a_limit():
    room = places(wait_limit=0.01, patience=0.0)
    for _ in range(3):
        await room.enter("a")
    with pytest.raises(SandboxBusyError, match=r"for 0.01 s"):
        await room.enter("a")


async def test_a_flood_of_one_workspace_lets_another_in_at_the_first_place_that_comes_free():
    room, entered = places(usual=2), []
    for _ in range(2):
        await room.enter("flood")
    tasks = await queue(room, [*(f"f{n}" for n in range(50)), "m1"], entered)
    room.leave("flood")
    await settle()
    room.leave("flood")
    await settle()
    assert entered == ["f0", "m1"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_workspace_that_comes_back_waits_for_each_other_workspace_once():
    room, entered = places(), []
    await room.enter("f")
    tasks = await queue(room, ["f1", "f2", "f3", "m1", "m2", "m3"], entered)
    for workspace in ("f", "f", "m", "f", "m", "f"):
        room.leave(workspace)
        await settle()
    assert entered == ["f1", "m1", "f2", "m2", "f3", "m3"]
    await asyncio.gather(*tasks)


async def test_places_opened_for_the_impatient_are_never_all_of_one_workspace():
    room, entered = places(patience=0.0), []
    await room.enter("f")
    tasks = await queue(room, [f"f{n}" for n in range(20)], entered)
    await asyncio.wait(tasks[:2], timeout=5)
    late = await queue(room, ["m1"], entered)
    await asyncio.wait(late, timeout=5)
    assert entered == ["f0", "f1", "m1"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
