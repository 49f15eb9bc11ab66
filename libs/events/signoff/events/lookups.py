"""Group look-up: callers queue, and share one query. For questions of which many come at once.

There is no delay: who comes first is looked up at once, and those that come while queries are under way make
up the next one. So load makes the groups. Nobody joins a query that has begun: each sees what was committed
before it asked.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from msgspec import Struct

from signoff.events.errors import StoreUnavailableError

Key = TypeVar("Key")
Found = TypeVar("Found")

Look = Callable[[list[Key]], Awaitable[Sequence[Found]]]
"""Looks keys up with one query: what was found for each, in order."""

AT_ONCE: Final = 2
MOST: Final = 500


class _Caller(Struct, Generic[Key, Found], eq=False):
    keys: Sequence[Key]
    found: asyncio.Future[Sequence[Found]]


class Lookups(Generic[Key, Found]):
    """Gathers what callers look up into queries.

    Args:
        look: asks for a group.
        at_once: queries under way at the same time; the rest wait for the next.
        most: keys in a group; a caller with more is a group of their own.
        stopped: makes the error of those who wait while look-ups are stopped.
    """

    def __init__(
        self,
        look: Look[Key, Found],
        *,
        at_once: int = AT_ONCE,
        most: int = MOST,
        stopped: Callable[[str], Exception] = StoreUnavailableError,
    ) -> None:
        self._look = look
        self._stopped = stopped
        self._at_once = at_once
        self._most = most
        self._waiting: deque[_Caller[Key, Found]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = 0

    async def find(self, keys: Sequence[Key]) -> Sequence[Found]:
        """Look keys up with the next query; what was found for each, in order.

        Raises:
            SignoffError: the query failed, for all who shared it.
        """
        if not keys:
            return ()
        caller: _Caller[Key, Found] = _Caller(keys, asyncio.get_running_loop().create_future())
        self._waiting.append(caller)
        if self._running < self._at_once:
            self._running += 1
            task = asyncio.create_task(self._run(), name="look-ups")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await caller.found

    async def _run(self) -> None:
        try:
            await self._look_up_groups()
        finally:
            self._running -= 1  # at once: a caller may come before this task counts as done

    async def _look_up_groups(self) -> None:
        while group := self._next_group():
            try:
                found = await self._look([key for caller in group for key in caller.keys])
            except Exception as error:  # noqa: BLE001  (it is the callers', and goes to each of them)
                _fail(group, error)
            except BaseException:
                _fail([*group, *self._waiting], self._stopped("the look-up was stopped"))
                self._waiting.clear()
                raise
            else:
                _tell(group, found)

    def _next_group(self) -> list[_Caller[Key, Found]]:
        group: list[_Caller[Key, Found]] = []
        count = 0
        while self._waiting:
            caller = self._waiting[0]
            count += len(caller.keys)
            if group and count > self._most:
                break
            self._waiting.popleft()
            if not caller.found.done():
                group.append(caller)
        return group


def _tell(group: Sequence[_Caller[Key, Found]], found: Sequence[Found]) -> None:
    start = 0
    for caller in group:
        end = start + len(caller.keys)
        if not caller.found.done():
            caller.found.set_result(found[start:end])
        start = end


def _fail(group: Sequence[_Caller[Key, Found]], error: Exception) -> None:
    for caller in group:
        if not caller.found.done():
            caller.found.set_exception(error)
