"""Places for requests: so many to one hook, of one workspace, in all. Nobody waits long for one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from uuid import UUID

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
        self._of: dict[UUID | str, asyncio.Semaphore] = {}
        self._users: Counter[UUID | str] = Counter()

    @asynccontextmanager
    async def taken(self, workspace_id: UUID, hook_id: str) -> AsyncIterator[None]:
        """A place for a request to a workspace's hook, until the block is left.

        Raises:
            NoSlotError: none was free in time.
        """
        with (
            self._places_of(hook_id, self._limits.per_hook) as own,
            self._places_of(workspace_id, self._limits.per_workspace) as shared,
        ):
            async with AsyncExitStack() as places:
                try:
                    async with asyncio.timeout(self._limits.turn):
                        # The hook's own first: who waits for a slow one holds no place of the others.
                        for each in (own, shared, self._all):
                            await places.enter_async_context(each)
                except TimeoutError as error:
                    raise NoSlotError from error
                yield

    @contextmanager
    def _places_of(self, whose: UUID | str, most: int) -> Iterator[asyncio.Semaphore]:
        """The places of a hook or a workspace, known while anybody has one or waits for one."""
        places = self._of.setdefault(whose, asyncio.Semaphore(most))
        self._users[whose] += 1
        try:
            yield places
        finally:
            self._users[whose] -= 1
            if not self._users[whose]:
                del self._users[whose], self._of[whose]
