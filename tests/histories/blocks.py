"""Registered blocks of the recorded workflows, written so that every released version can load them."""

import asyncio
from typing import Any

from signoff.blocks import Context, Registry, block


@block("histories.flaky", retry=None)
async def flaky(ctx: Context, fails: int) -> int:
    """Fails on its first tries; then gives the number of the try."""
    if ctx.attempt <= fails:
        raise RuntimeError(f"try {ctx.attempt} fails")
    return ctx.attempt


@block("histories.say")
async def say(ctx: Context, text: str) -> int:
    """Streams a text word by word, where the version can."""
    emit: Any = getattr(ctx, "emit", None)
    for word in text.split():
        if emit is not None:
            emit(f"{word} ")
        await asyncio.sleep(0.02)
    return len(text)


def registry() -> Registry:
    """The blocks of this module."""
    return Registry(vars(each)["__signoff_block__"] for each in (flaky, say))
