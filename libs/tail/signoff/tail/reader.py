"""One reader of one log: history first, then live, with no gap and no duplicate, to its end.

Live events are a shortcut only: whenever one does not follow on what was read last, the log is asked.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol, Self
from uuid import UUID

import structlog

from signoff.events.errors import StoreUnavailableError
from signoff.events.store.base import ExecutionRow, Recorded
from signoff.events.store.paging import is_full
from signoff.events.types import ExecutionCancelled
from signoff.tail.buffer import Buffer
from signoff.tail.errors import CursorPastEndError, TailClosedError
from signoff.tail.frames import Frame, frame_of
from signoff.tail.wake import Wake

HEARTBEAT_SECONDS: Final = 15.0

_RETRY_SECONDS: Final = 1.0
_PAGE: Final = 500
_PAGE_BYTES: Final = 1024 * 1024
_TERMINAL: Final = frozenset({"completed", "failed", "cancelled"})
_SETTLED: Final = _TERMINAL | {"paused"}

_log = structlog.get_logger("signoff.tail")


class Source(Protocol):
    """Where a reader's log is: the hub. Each method raises StoreUnavailableError when it is away."""

    async def read(self, log_id: UUID, *, after: int, limit: int, size: int) -> list[Recorded]:
        """A page of the log: so many events, and no more once they have ``size`` bytes."""
        ...

    async def last_event_id(self, log_id: UUID) -> int:
        """The id of the log's last event, 0 for none."""
        ...

    async def execution(self, log_id: UUID) -> ExecutionRow | None:
        """The execution's projection."""
        ...

    def leave(self, reader: "Reader") -> None:
        """The reader is done."""
        ...


class Reader:
    """Follows one log, for one task. Use it as a context manager, so that it leaves the hub.

    Attributes:
        log_id: names the log.
        ended: nothing comes after what was read: the execution, or the run, ended or paused.
    """

    __slots__ = (
        "_after", "_buffer", "_closed", "_may_be_settled", "_must_read", "_position", "_run_id", "_settled",
        "_source", "_wake", "ended", "log_id",
    )  # fmt: skip

    def __init__(
        self, source: Source, log_id: UUID, *, after: int, run_id: str | None, follow: bool, buffer: Buffer
    ) -> None:
        self.log_id = log_id
        self.ended = False
        self._source = source
        self._after = after
        # From the event at the cursor, which shows that it exists; a run from the log's beginning,
        # since the run's end may lie before the cursor.
        self._position = max(0, after - 1) if run_id is None else 0
        self._run_id = run_id
        self._settled = _TERMINAL if follow or run_id is not None else _SETTLED
        self._buffer = buffer
        self._must_read = True
        self._may_be_settled = True
        self._wake = Wake()
        self._closed = False

    def __enter__(self) -> Self:
        """Nothing more is needed to begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the hub."""
        self._source.leave(self)

    # What the hub tells -----------------------------------------------------------------------------

    def offer(self, frame: Frame) -> None:
        """A live event of this log: in any order, any number of times."""
        if self._buffer.offer(frame):
            self._wake.set()

    def hint(self, event_id: int) -> None:
        """The log has an event with this id."""
        if event_id > self._position and self._buffer.hint(event_id):
            self._wake.set()

    def close(self) -> None:
        """End a read under way, and each later one, with TailClosedError."""
        self._closed = True
        self._wake.set()

    # What the caller asks ---------------------------------------------------------------------------

    async def begin(self) -> list[Frame]:
        """The first frames of history, without waiting for more. Call it once, before :meth:`read`.

        Returns:
            Nothing when there is no event after the cursor yet; :attr:`ended` says whether there will be.

        Raises:
            CursorPastEndError: the log has no event at the cursor.
            StoreUnavailableError: the log is away.
            TailClosedError: the hub was closed.
        """
        frames = await self._next()
        if self._position < self._after:
            last = await self._source.last_event_id(self.log_id)
            if last < self._after:
                raise CursorPastEndError(last)
        return frames

    async def read(self, *, wait: float = HEARTBEAT_SECONDS) -> list[Frame]:
        """The next frames. While the log is away it is asked again each second.

        Returns:
            Nothing when ``wait`` seconds went by without any, or when nothing comes any more.

        Raises:
            TailClosedError: the hub was closed.
        """
        now = asyncio.get_running_loop().time
        ends = now() + wait
        while True:
            self._wake.clear()
            frames = await self._known(ends)
            if frames or self.ended or not await self._wake.wait(ends - now()):
                return frames

    async def _known(self, ends: float) -> list[Frame]:
        """The frames that are there, for which a log that is away is waited for until then."""
        try:
            async with asyncio.timeout_at(ends):
                while True:
                    try:
                        return await self._next()
                    except StoreUnavailableError:  # the hub says so in the log, once for all readers
                        await asyncio.sleep(_RETRY_SECONDS)
        except TimeoutError:
            return []

    # History and live -------------------------------------------------------------------------------

    async def _next(self) -> list[Frame]:
        """Frames to hand out that are there already; none at the end of what is known."""
        while not self.ended:
            if self._closed:
                raise TailClosedError("this process stops; follow again, elsewhere, after the last event")
            frames = self._buffer.take(self._position) or await self._history()
            if frames:
                wanted = self._advance(frames)
                if wanted:
                    return wanted
            else:
                await self._settle()
                if not self._must_read:
                    break
        return []

    def _behind(self) -> bool:
        return self._must_read or self._buffer.last > self._position

    async def _history(self) -> list[Frame]:
        if not self._behind():
            return []
        known = self._buffer.last
        page = await self._source.read(self.log_id, after=self._position, limit=_PAGE, size=_PAGE_BYTES)
        self._must_read = is_full(page, limit=_PAGE, size=_PAGE_BYTES)
        if not page and known > self._position:
            # A log that was restored to an older state lacks what the topic held: wait for news of it.
            _log.error("the topic is ahead of the log", log_id=str(self.log_id), event_id=known)
            self._buffer.forget()
        return [frame_of(each.state) for each in page]

    def _advance(self, frames: Sequence[Frame]) -> list[Frame]:
        """Move past frames, and pick those to hand out."""
        self._position = frames[-1].event_id
        # Not of the last one alone: whom a pause was told to is noted behind it.
        self._may_be_settled |= any(frame.ends is not None for frame in frames)
        if self._run_id is not None:
            frames = self._of_run(frames)
        elif frames[-1].ends == "execution" and not self._behind():
            self.ended = True
        return [frame for frame in frames if frame.event_id > self._after]

    def _of_run(self, frames: Sequence[Frame]) -> list[Frame]:
        own: list[Frame] = []
        for frame in frames:
            # A cancellation stands in the first run, and ends every run that goes on.
            if frame.run_id == self._run_id or frame.type == ExecutionCancelled.TYPE:
                own.append(frame)
                if frame.ends is not None:
                    self.ended = True
                    break
        return own

    async def _settle(self) -> None:
        """At the end of what is known: ask, where it could be so, whether nothing more is to come.

        The projection is written with the events that change its status. So, where it knows of no
        event after our position, its status is the one at our position.
        """
        if not self._may_be_settled:
            return
        position = self._position
        row = await self._source.execution(self.log_id)
        self._may_be_settled = False
        if row is None:
            return
        if row.version > position:
            self._must_read = self._may_be_settled = True
        elif row.status in self._settled:
            self.ended = not self._behind()
            self._may_be_settled = not self.ended
