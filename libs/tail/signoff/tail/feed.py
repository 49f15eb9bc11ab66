"""One feed: what its reader may see of the whole log, with no gap and no duplicate, for ever.

It is live while everything after its position is in its buffer. Where that does not hold (it begins in
the past, or its reader is too slow for the buffer), it reads the log in pages up to where its buffer begins.
"""

import asyncio
from collections import deque
from collections.abc import Collection
from typing import Final, Protocol, Self
from uuid import UUID

from signoff.events.errors import StoreUnavailableError
from signoff.events.topics import chosen_log_id
from signoff.tail.buffer import MAX_BYTES, MAX_FRAMES
from signoff.tail.errors import TailClosedError
from signoff.tail.feed_filter import FeedFilter
from signoff.tail.feed_frames import FeedEvent, FeedFrame
from signoff.tail.reader import HEARTBEAT_SECONDS
from signoff.tail.wake import Wake

WINDOW: Final = 10_000
"""Positions that one read of history looks through: its time is bounded however few events fit."""

_RETRY_SECONDS: Final = 1.0
_PAGE: Final = 500
_PAGE_BYTES: Final = 1024 * 1024


class FeedSource(Protocol):
    """Where a feed's events come from."""

    @property
    def head(self) -> int:
        """The position up to which everything was offered to the feeds."""
        ...

    async def read(self, feed: "Feed", *, upto: int, limit: int, size: int) -> tuple[list[FeedEvent], int]:
        """A page of history after a feed's position, and the position up to which it is complete.

        It has at most ``limit`` events, and no more once they have ``size`` bytes.

        Raises:
            StoreUnavailableError: the log is away.
        """
        ...

    def frame(self, event: FeedEvent) -> FeedFrame:
        """The frame of an event."""
        ...

    def cursor(self, position: int) -> str:
        """A cursor of a place where no event is sent."""
        ...

    def move(self, feed: "Feed", workspace_ids: frozenset[UUID]) -> None:
        """Offer the feed from now on the events of these workspaces."""
        ...

    def leave(self, feed: "Feed") -> None:
        """The feed is done."""
        ...


class Feed:
    """Follows the whole log for one task. Use it as a context manager, so that it is given up.

    Attributes:
        filter: what it is about.
        position: everything up to here was handed out, or is not for this feed.
        workspace_ids: those that its reader may see now.
        log_ids: the only logs that matter, with what is forked from them; empty: any.
    """

    def __init__(
        self, source: FeedSource, filter_: FeedFilter, *, after: int, executions: frozenset[UUID]
    ) -> None:
        self.filter = filter_
        self.position = after
        self.workspace_ids: frozenset[UUID] = frozenset()
        self.log_ids: frozenset[UUID] = frozenset()
        self._source = source
        self._executions = executions
        self._buffer: deque[FeedFrame] = deque()
        self._bytes = 0
        self._since = source.head  # everything above it is in the buffer
        self._wake = Wake()
        self._closed = False

    def __enter__(self) -> Self:
        """Nothing more is needed to begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the feed up."""
        self._source.leave(self)

    @property
    def cursor(self) -> str:
        """Where to go on after all that was handed out."""
        return self._source.cursor(self.position)

    # What others tell -------------------------------------------------------------------------------

    def may_see(self, workspace_ids: Collection[UUID]) -> None:
        """Say which workspaces the reader may see from now on: of others nothing more is handed out."""
        new = frozenset(workspace_ids)
        if new == self.workspace_ids:
            return
        self.workspace_ids = new
        self.log_ids = self._logs()
        self._source.move(self, new)
        self._forget(since=self._source.head)
        self._wake.set()

    def wants(self, event: FeedEvent) -> bool:
        """Whether the feed has an event."""
        wanted = self.filter
        return (
            event.workspace_id in self.workspace_ids
            and (wanted.types is None or event.type in wanted.types)
            and (not wanted.statuses or event.status in wanted.statuses)
            and (not wanted.workflow_ids or event.workflow_id in wanted.workflow_ids)
            and (not self.log_ids or event.log_id in self.log_ids or event.forked_from in self.log_ids)
        )

    def offer(self, frame: FeedFrame) -> None:
        """Take a live event that the feed wants. All of them come, in their order, from ``head`` on."""
        if frame.position <= self.position:
            return  # the feed was opened further on than the shared reader was
        if len(self._buffer) >= MAX_FRAMES or self._bytes + len(frame.sse) > MAX_BYTES:
            self._forget(since=frame.position - 1)
        self._buffer.append(frame)
        self._bytes += len(frame.sse)
        self._wake.set()

    def close(self) -> None:
        """End a read under way, and each later one, with TailClosedError."""
        self._closed = True
        self._wake.set()

    # What the caller asks ---------------------------------------------------------------------------

    async def read(self, *, wait: float = HEARTBEAT_SECONDS) -> list[FeedFrame]:
        """The next frames. While the log is away it is asked again each second.

        Returns:
            Nothing when ``wait`` seconds went by without any; :attr:`cursor` may have moved on all the same.
            A page of history that is being read is waited for: given up, it would be read in vain.

        Raises:
            TailClosedError: the feeds were closed, or this one was.
        """
        now = asyncio.get_running_loop().time
        ends = now() + wait
        while True:
            self._wake.clear()
            if self._closed:
                raise TailClosedError("this feed was closed; follow again from its cursor")
            pause = ends - now() if self._is_live else 0.0  # behind: there may be more at once
            try:
                frames = self._live() if self._is_live else await self._history()
            except StoreUnavailableError:  # the source says so in the log, once for all feeds
                frames, pause = [], _RETRY_SECONDS
            rest = ends - now()
            if frames or rest <= 0:
                return frames
            if pause > 0:
                await self._wake.wait(min(pause, rest))

    @property
    def _is_live(self) -> bool:
        return self.position >= self._since

    def _live(self) -> list[FeedFrame]:
        frames = list(self._buffer)
        self.position = max(self.position, self._source.head)
        self._buffer.clear()
        self._bytes = 0
        return frames

    async def _history(self) -> list[FeedFrame]:
        visible = self.workspace_ids
        upto = min(self.position + WINDOW, self._since)
        events, complete = await self._source.read(self, upto=upto, limit=_PAGE, size=_PAGE_BYTES)
        if self.workspace_ids != visible:
            return []  # read again, with what may be seen by now
        self.position = complete
        return [self._source.frame(event) for event in events if self.wants(event)]

    def _forget(self, *, since: int) -> None:
        self._buffer.clear()
        self._bytes = 0
        self._since = since

    def _logs(self) -> frozenset[UUID]:
        """The logs that the executions of the filter may have, in the workspaces that may be seen."""
        names = self.filter.execution_ids
        chosen = {chosen_log_id(str(each), name) for each in self.workspace_ids for name in names}
        return self._executions | chosen
