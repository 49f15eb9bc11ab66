"""Simulated processes: whatever runs in the context of one stops when it is killed or frozen."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final

CURRENT: Final[ContextVar["Process | None"]] = ContextVar("simulated_process", default=None)
"""The process that the running code belongs to; ``None``: the world outside all of them."""


class Process:
    """What is killed, frozen and restarted as one. A restarted service is another process.

    Every task and callback inherits its context, and by it the loop knows whose it is.

    Args:
        name: of the service and how often it began, such as ``executor-1.2``.

    Attributes:
        skew: seconds that its wall clock is ahead of everybody's.
        alive: not killed, and not ended.
        frozen: as by SIGSTOP: nothing of it runs until it is thawed.
        held: what would have run meanwhile.
        stop: set to ask it to end, as by SIGTERM.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.skew = 0.0
        self.alive = True
        self.frozen = False
        self.held: deque[asyncio.Handle] = deque()
        self.stop = asyncio.Event()
        self.on_death: list[Callable[[], None]] = []
        self.context: Context = copy_context()
        self.context.run(CURRENT.set, self)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a coroutine as a task of this process."""
        loop = asyncio.get_running_loop()
        return self.context.copy().run(lambda: loop.create_task(work, name=f"{self.name} {name}"))

    def kill(self) -> None:
        """End at once, between two awaits: nothing of it ever runs again, no ``finally`` either."""
        if not self.alive:
            return
        self.alive = False
        self.held.clear()
        died, self.on_death = self.on_death, []
        for tell in died:
            tell()

    def __repr__(self) -> str:
        return self.name
