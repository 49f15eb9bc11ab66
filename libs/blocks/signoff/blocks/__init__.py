"""The kit for authors of blocks: write a typed Python function, and workflows can call it.

    from signoff.blocks import Context, block

    @block(timeout=30)
    async def charge(ctx: Context, amount: float, customer: str) -> Receipt:
        ...

Name the module under the entry point group `signoff.blocks` of your package, or in the executor's
configuration.
"""

from signoff.blocks.context import Cancellation, Context, Heartbeat, Log
from signoff.blocks.errors import (
    BlockCancelledError,
    BlockDefinitionError,
    BlockError,
    BlockExitError,
    BlockInputError,
    BlockResultError,
    HeartbeatError,
    PermanentError,
    SecretNotFoundError,
)
from signoff.blocks.registry import Registry
from signoff.blocks.spec import BlockSpec, Retry, block, check_name

__all__ = [
    "BlockCancelledError",
    "BlockDefinitionError",
    "BlockError",
    "BlockExitError",
    "BlockInputError",
    "BlockResultError",
    "BlockSpec",
    "Cancellation",
    "Context",
    "Heartbeat",
    "HeartbeatError",
    "Log",
    "PermanentError",
    "Registry",
    "Retry",
    "SecretNotFoundError",
    "block",
    "check_name",
]
