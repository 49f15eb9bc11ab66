"""Places for requests: so many to one hook, so many in all. Nobody waits long for one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from signoff.executor.hooks.limits import Limits


class NoSlotError(Exception):
    """No place was free in time: what wanted one comes again later."""

    def __init__(self) -> None:
        super().__init__("too many requests to slow receivers are under way")


class Slots:
    """The places of one executor.

    Args:
        limits: how many there are, and how long one is waited for.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._all = asyncio.Semaphore(limits.in_all)
        self._of_hooks: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def taken(self, hook_id: str) -> AsyncIterator[None]:
        """A place for a request to a hook, until the block is left.

        Raises:
            NoSlotError: none was free in time.
        """
        own = self._of_hooks.setdefault(hook_id, asyncio.Semaphore(self._limits.per_hook))
        self._users[hook_id] += 1
        try:
            async with AsyncExitStack() as places:
                try:
                    async with asyncio.timeout(self._limits.turn):
                        # The hook's own first: who waits for a slow one holds no place of the others.
                        await places.enter_async_context(own)
                        await places.enter_async_context(self._all)
                except TimeoutError as error:
                    raise NoSlotError from error
                yield
        finally:
            self._users[hook_id] -= 1
            if not self._users[hook_id]:
                del self._users[hook_id], self._of_hooks[hook_id]
