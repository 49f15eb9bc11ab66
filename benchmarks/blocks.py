"""The registered blocks that the benchmarks run: `SIGNOFF_BLOCKS=benchmarks.blocks`."""

import asyncio

from signoff.blocks import block

_NAP = 0.1


@block
async def noop() -> None:
    """Do nothing, so that a step costs what Signoff costs."""


@block
async def nap() -> None:
    """Be at work for a tenth of a second, so that something is always at work."""
    await asyncio.sleep(_NAP)
