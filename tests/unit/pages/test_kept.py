"""What is worked out once is kept; who asks while it is being made waits for that."""

import asyncio

import pytest

from signoff.gateway.pages.kept import Kept


async def test_many_who_ask_at_once_get_what_is_made_once() -> None:
    made = 0
    go_on = asyncio.Event()

    async def make() -> str:
        nonlocal made
        made += 1
        await go_on.wait()
        return "drawing"

    kept: Kept[str] = Kept()
    asking = [asyncio.create_task(kept.get("a", make)) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()
    go_on.set()

    results = await asyncio.gather(*asking, return_exceptions=True)

    assert made == 1
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == ["drawing"] * 4


async def test_a_failure_is_told_to_those_who_wait_and_tried_again() -> None:
    answers: list[BaseException | str] = [RuntimeError("away"), "there"]

    async def make() -> str:
        answer = answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    kept: Kept[str] = Kept()
    with pytest.raises(RuntimeError, match="away"):
        await kept.get("a", make)

    assert await kept.get("a", make) == "there"


async def test_what_was_used_longest_ago_makes_room() -> None:
    made: list[str] = []

    async def get(name: str, size: int = 100) -> None:
        async def make() -> str:
            made.append(name)
            return "x" * size

        await kept.get(name, make)

    kept: Kept[str] = Kept(most=3, room=350)
    for name in ("a", "b", "a", "c"):
        await get(name)
    await get("d")  # too much with a, b and c
    await get("large", 1_000)  # not kept, and drives nothing out
    made.clear()
    for name in ("a", "c", "d", "b", "large"):
        await get(name)

    assert made == ["b", "large"]
