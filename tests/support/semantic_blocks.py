"""Registered blocks that the cases in tests/semantics use, in this process and in servers."""

import asyncio
from typing import Any

from signoff.blocks import Context, Registry, block


@block("test.attempt")
async def attempt(ctx: Context) -> dict[str, Any]:
    """Tells which try it is, and by which key others know it."""
    return {"attempt": ctx.attempt, "key": ctx.idempotency_key.removeprefix(ctx.execution_id)}


@block("test.flaky")
async def flaky(ctx: Context, fails: int, says: str = "boom") -> int:
    """Fails on its first tries; then gives the number of the try."""
    if ctx.attempt <= fails:
        raise RuntimeError(f"{says} {ctx.attempt}")
    return ctx.attempt


@block("test.give")
async def give(value: Any = None) -> Any:
    """Gives its parameter back."""
    return value


@block("test.hasty", timeout=0.1)
async def hasty() -> None:
    """Never ends in its time."""
    await asyncio.Event().wait()


@block("test.hold")
async def hold(ctx: Context) -> int:
    """Never ends on its first try."""
    if ctx.attempt == 1:
        await asyncio.Event().wait()
    return ctx.attempt


@block("test.say")
async def say(ctx: Context, text: str, fails: int = 0) -> int:
    """Streams a text, character by character; then fails on its first tries."""
    for character in text:
        ctx.emit(character)
        await asyncio.sleep(0.01)
    if ctx.attempt <= fails:
        raise RuntimeError("said and done for")
    return ctx.attempt


@block("test.slow")
async def slow() -> None:
    """Takes a moment."""
    await asyncio.sleep(0.02)


HOLDING = "test.hold"
"""The type whose first try ends only with its process."""


def registry() -> Registry:
    """The blocks of this module."""
    return Registry(
        vars(each)["__signoff_block__"] for each in (attempt, flaky, give, hasty, hold, say, slow)
    )
