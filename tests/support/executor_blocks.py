"""Python blocks for the tests of executors."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

from signoff.blocks import Context, Registry, block


def registry(*functions: Callable[..., object]) -> Registry:
    """A registry of functions that ``@block`` marked."""
    return Registry(vars(function)["__signoff_block__"] for function in functions)


class Probe:
    """Python blocks that a test watches.

    ``work`` gives back its ``value``. ``hold`` is held on its first try until the test releases its
    execution; a later try returns at once. ``endless`` never returns.

    Attributes:
        calls: the context of each call, in order.
        held: the executions in which ``hold`` is held.
    """

    def __init__(self) -> None:
        self.calls: list[Context] = []
        self.held: set[str] = set()
        self._released: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.registry = registry(self._work(), self._hold(), self._endless())

    def tries(self, block_id: str) -> list[int]:
        """The attempts that a block was called with."""
        return [context.attempt for context in self.calls if context.block_id == block_id]

    def release(self, log_id: UUID) -> None:
        """Let ``hold`` of an execution return."""
        self._released[str(log_id)].set()

    def _work(self) -> Callable[..., object]:
        @block("probe.work")
        async def work(ctx: Context, value: object = None) -> object:
            self.calls.append(ctx)
            return {"value": value}

        return work

    def _hold(self) -> Callable[..., object]:
        @block("probe.hold")
        async def hold(ctx: Context) -> object:
            self.calls.append(ctx)
            if ctx.attempt == 1:
                self.held.add(ctx.execution_id)
                try:
                    await self._released[ctx.execution_id].wait()
                finally:
                    self.held.discard(ctx.execution_id)
            return {"attempt": ctx.attempt}

        return hold

    def _endless(self) -> Callable[..., object]:
        @block("probe.endless")
        async def endless(ctx: Context) -> None:
            self.calls.append(ctx)
            await asyncio.Event().wait()

        return endless
