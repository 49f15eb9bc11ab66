"""Group append: callers queue, and share one transaction. For every store that has a commit to share.

There is no delay: the first append is written at once, and those that come while it is under way, and while
the next transaction begins, make up the next group. So load makes the groups.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from signoff.events.errors import AppendUnknownError, SignoffError, StoreUnavailableError
from signoff.events.store.base import Append

Write = Callable[[list[Append]], Awaitable[Sequence[int | SignoffError]]]
"""Writes a group in one transaction: a position or a refusal for each member, in order.

It raises ``StoreUnavailableError`` or ``AppendUnknownError`` for what befell all of them, and any other
:class:`~signoff.events.errors.SignoffError` for what some member did to the group: nothing was written.
"""

Begin = Callable[[], Awaitable[None]]
"""Begins the transaction that the next call of :data:`Write` ends; it raises what that raises for all."""

MAX_WAITING: Final = 1_000
MAX_EVENTS: Final = 1_000
MAX_BYTES: Final = 4 * 1024 * 1024


class _Member(Struct, eq=False):
    append: Append
    size: int
    result: asyncio.Future[int]


class Batcher:
    """Gathers appends into groups and writes one group at a time.

    Args:
        write: writes a group; never called again before it has returned.
        begin: begins the transaction, where that takes a while: then the group is made up afterwards, and is
            empty if all who waited have gone.
        max_waiting: appends that may wait; more are refused.
        max_events: events in a group; a larger append is a group of its own.
        max_bytes: bytes of state in a group; likewise.
    """

    def __init__(
        self,
        write: Write,
        *,
        begin: Begin | None = None,
        max_waiting: int = MAX_WAITING,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._write = write
        self._begin = begin
        self._max_waiting = max_waiting
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._waiting: deque[_Member] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    async def append(self, append: Append) -> int:
        """Write an append in the next group and return its position.

        An append that is cancelled while it waits is not written; one under way goes on.

        Raises:
            StoreUnavailableError: the queue is full, or the batcher closed.
            SignoffError: what the store refused this append for.
        """
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        if len(self._waiting) >= self._max_waiting:
            raise StoreUnavailableError(f"{len(self._waiting)} appends wait already: try again later")
        result: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Member(append, sum(len(event.state) for event in append.events), result))
        if self._writer is None:
            self._writer = asyncio.create_task(self._run(), name="log writer")
        return await result

    async def close(self) -> None:
        """Take no more appends, and wait for those that are waiting and under way."""
        self._closed = True
        if self._writer is not None:
            await asyncio.wait({self._writer})

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._write_group(self._next_group)
        finally:
            self._writer = None
            self._fail_waiting()

    def _fail_waiting(self) -> None:
        """Leave nobody waiting when the writer itself was cancelled."""
        while self._waiting:
            _settle(self._waiting.popleft(), StoreUnavailableError("the writer was stopped"))

    def _next_group(self) -> list[_Member]:
        group: list[_Member] = []
        events = size = 0
        while self._waiting:
            member = self._waiting[0]
            events += len(member.append.events)
            size += member.size
            if group and (events > self._max_events or size > self._max_bytes):
                break
            self._waiting.popleft()
            if not member.result.done():
                group.append(member)
        return group

    async def _write_group(self, take: Callable[[], list[_Member]]) -> None:
        group: list[_Member] = []
        try:
            if self._begin is not None:
                await self._begin()
            group = take()
            if not group and self._begin is None:
                return
            answers = await self._write([member.append for member in group])
        except (StoreUnavailableError, AppendUnknownError) as error:
            _settle_all(group or take(), error)
        except SignoffError as error:
            await self._write_alone(group or take(), error)
        except BaseException as error:
            _settle_all(group or take(), error)
            if not isinstance(error, Exception):
                raise
        else:
            for member, answer in zip(group, answers, strict=True):
                _settle(member, answer)

    async def _write_alone(self, group: list[_Member], error: SignoffError) -> None:
        """Find the member that spoils the group: each in a transaction of its own."""
        if len(group) == 1:
            _settle_all(group, error)
            return
        for member in group:
            await self._write_group(partial(_alone, member))


def _alone(member: _Member) -> list[_Member]:
    return [] if member.result.done() else [member]


def _settle_all(group: list[_Member], error: BaseException) -> None:
    for member in group:
        _settle(member, error)


def _settle(member: _Member, answer: int | BaseException) -> None:
    if member.result.done():
        return  # its caller has gone
    if isinstance(answer, asyncio.CancelledError):
        member.result.set_exception(AppendUnknownError("the writer was stopped while it wrote"))
    elif isinstance(answer, BaseException):
        member.result.set_exception(answer)
    else:
        member.result.set_result(answer)
