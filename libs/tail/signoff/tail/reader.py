"""One reader of one log: history first, then live, with no gap and no duplicate, to its end.

A reader asks the log whenever what came live does not follow on what it sent last. So it never
depends on the topic for more than speed.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol, Self
from uuid import UUID

import structlog

from signoff.events.errors import StoreUnavailableError
from signoff.events.store.base import ExecutionRow, Recorded
from signoff.events.types import ExecutionCancelled
from signoff.tail.buffer import Buffer
from signoff.tail.errors import CursorPastEndError, TailClosedError
from signoff.tail.frames import Frame, frame_of

HEARTBEAT_SECONDS: Final = 15.0
RETRY_SECONDS: Final = 1.0
"""How long a reader waits after the log was away."""

_FIRST_PAGE: Final = 64
_LARGEST_PAGE: Final = 500
_PAGE_BYTES: Final = 1024 * 1024
_SETTLED: Final = frozenset({"paused", "completed", "failed", "cancelled"})
_TERMINAL: Final = frozenset({"completed", "failed", "cancelled"})

_log = structlog.get_logger("signoff.tail")


class Source(Protocol):
    """Where a reader gets its log from: the hub."""

    async def read(self, log_id: UUID, *, after: int, limit: int) -> list[Recorded]:
        """A page of the log."""
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
    """Follows one log. For one task; leave it as a context manager.

    Attributes:
        log_id: names the log.
        ended: nothing comes after what was read: the execution, or the run, has ended or is paused.
    """

    def __init__(
        self, source: Source, log_id: UUID, *, after: int, run_id: str | None, follow: bool, buffer: Buffer
    ) -> None:
        self.log_id = log_id
        self.ended = False
        self._source = source
        self._after = after
        # A run's end may lie before the cursor, so that a run is always read from the beginning.
        self._position = 0 if run_id is not None else after
        self._run_id = run_id
        self._settled = _TERMINAL if follow or run_id is not None else _SETTLED
        self._buffer = buffer
        self._limit = _FIRST_PAGE
        self._must_read = True
        self._last: Frame | None = None
        self._asked_at = -1
        self._wake = asyncio.Event()
        self._closed = False

    def __enter__(self) -> Self:
        """Be sure to leave."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        self._source.leave(self)

    # What the hub tells -----------------------------------------------------------------------------

    def offer(self, frame: Frame) -> None:
        """A live event of this log, in any order, any number of times."""
        if self._buffer.offer(frame):
            self._wake.set()

    def hint(self, event_id: int) -> None:
        """The log has an event with this id."""
        if event_id > self._position and self._buffer.hint(event_id):
            self._wake.set()

    def close(self) -> None:
        """End a read under way, and all later ones, with an error."""
        self._closed = True
        self._wake.set()

    # What the caller asks ---------------------------------------------------------------------------

    async def begin(self) -> list[Frame]:
        """The first frames of history, without waiting for live ones; call it once, before :meth:`read`.

        Empty when history has nothing (more) after the cursor; then :attr:`ended` says whether to
        expect more.

        Raises:
            CursorPastEndError: the log ends before the cursor.
            StoreUnavailableError: the log cannot be read now.
        """
        if self._after:
            await self._check_cursor()
        return await self._next()

    async def read(self, *, wait: float = HEARTBEAT_SECONDS) -> list[Frame]:
        """The next frames: at least one, unless it ended or ``wait`` seconds went by without any.

        While the log is away it is asked again each second.

        Raises:
            TailClosedError: the hub was closed.
        """
        try:
            async with asyncio.timeout(wait):
                while True:
                    self._wake.clear()
                    frames = await self._next_or_retry()
                    if frames or self.ended:
                        return frames
                    await self._wake.wait()
        except TimeoutError:
            return []

    # History and live -------------------------------------------------------------------------------

    async def _next_or_retry(self) -> list[Frame]:
        while True:
            try:
                return await self._next()
            except StoreUnavailableError as error:
                _log.warning("the log is away", log_id=str(self.log_id), reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _next(self) -> list[Frame]:
        """Frames to send that are there already; none at the end of what is known."""
        while not self.ended:
            if self._closed:
                raise TailClosedError("this process stops; go on elsewhere after the last event")
            frames = self._buffer.take(self._position)
            if not frames and (self._must_read or self._buffer.last > self._position):
                frames = await self._page()
            if frames:
                wanted = self._advance(frames)
                if wanted:
                    return wanted
            else:
                await self._settle()
                if not self._must_read:
                    break
        return []

    async def _page(self) -> list[Frame]:
        known = self._buffer.last
        recorded = await self._source.read(self.log_id, after=self._position, limit=self._limit)
        self._must_read = len(recorded) == self._limit
        if recorded:
            size = sum(len(each.state) for each in recorded) // len(recorded)
            self._limit = max(1, min(_LARGEST_PAGE, _PAGE_BYTES // max(1, size)))
        elif known > self._position:
            # Only a log restored to an older state lacks what its topic held: wait for news.
            _log.error("the topic is ahead of the log", log_id=str(self.log_id), event_id=known)
            self._buffer.forget()
        return [frame_of(each.state) for each in recorded]

    def _advance(self, frames: Sequence[Frame]) -> list[Frame]:
        """Move past frames and pick those to send; a run ends for good where its end stands."""
        self._last = frames[-1]
        self._position = self._last.event_id
        if self._run_id is not None:
            frames = self._of_run(frames)
        elif self._at_end() and self._last.ends == "execution":
            self.ended = True
        return [frame for frame in frames if frame.event_id > self._after]

    def _of_run(self, frames: Sequence[Frame]) -> list[Frame]:
        own: list[Frame] = []
        for frame in frames:
            # A cancellation stands in the first run and ends every run that goes on.
            if frame.run_id == self._run_id or frame.type == ExecutionCancelled.TYPE:
                own.append(frame)
                if frame.ends is not None:
                    self.ended = True
                    break
        return own

    def _at_end(self) -> bool:
        return not self._must_read and self._buffer.last <= self._position

    async def _settle(self) -> None:
        """At the end of what is known: ask, where it could be so, whether more is to be expected.

        The projection is written with the events that change its status. So, if it knows of no
        event after our position, its status is the one at our position.
        """
        could_end = self._last is None or self._last.ends is not None
        if self._asked_at == self._position or not (could_end or self._asked_at < 0):
            return
        position = self._position
        row = await self._source.execution(self.log_id)
        if row is not None and row.version > position:
            self._must_read = True
            return
        self._asked_at = position
        self.ended = row is not None and row.status in self._settled and self._at_end()

    async def _check_cursor(self) -> None:
        """The event at the cursor must exist; the primary alone may say that it does not."""
        recorded = await self._source.read(self.log_id, after=self._after - 1, limit=1)
        if not recorded:
            raise CursorPastEndError(await self._source.last_event_id(self.log_id))
