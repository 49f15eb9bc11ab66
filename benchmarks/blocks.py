"""The registered blocks that the benchmarks run: `SIGNOFF_BLOCKS=benchmarks.blocks`."""

from signoff.blocks import block


@block
async def noop() -> None:
    """Do nothing, so that a step costs what Signoff costs."""
