"""The directory as a process has it: folded from the log, and kept as the log is."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec
import structlog

from signoff.access.directory.fold import FORMAT, Directory, evolve_directory
from signoff.events.codec import decode_event
from signoff.events.errors import StoreError, StoreUnavailableError
from signoff.events.store.base import EventStore
from signoff.events.store.snapshots import Kept, kept_fold
from signoff.events.topics import directory_log_id

LOOK_EVERY: Final = 0.5
"""Seconds between two looks at the log: after so long a change counts in every process."""

STALE_AFTER: Final = 30.0
"""Seconds without a look after which the fold may not be relied on: a key may have been revoked since."""

_PAGE: Final = 1000
_REACH_LIMIT: Final = 10.0

_log = structlog.get_logger("signoff.access")


_decoder: Final = msgspec.json.Decoder(Kept[Directory])


class LiveDirectory:
    """Follows the directory's log. One for a process.

    Args:
        store: the log.
        look_every: seconds between two looks at it.
        clock: monotonic, seconds.
    """

    def __init__(
        self,
        store: EventStore,
        *,
        look_every: float = LOOK_EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._look_every = look_every
        self._clock = clock
        self._state = Directory()
        self._looked_at: float | None = None
        self._looking = asyncio.Lock()
        self._asking = asyncio.Lock()
        self._moved = asyncio.Condition()

    @property
    def state(self) -> Directory:
        """The fold. It is to be read only, and not to be held across an await.

        Raises:
            StoreUnavailableError: the log could not be read for so long that the fold may be wrong.
        """
        if self._looked_at is None or self._clock() - self._looked_at > STALE_AFTER:
            raise StoreUnavailableError("the directory cannot be read")
        return self._state

    @property
    def latest(self) -> Directory:
        """The fold as it was last seen, however long ago: for what nobody is let in by."""
        return self._state

    @property
    def version(self) -> int:
        """The last event that is folded."""
        return self._state.version

    async def check(self) -> None:
        """For readiness: whether the fold can be relied on.

        Raises:
            StoreUnavailableError: it cannot.
        """
        _ = self.state

    async def look(self) -> None:
        """Fold what is new in the log.

        Raises:
            StoreUnavailableError: the log cannot be read.
        """
        async with self._looking:
            before = self.version
            if self._looked_at is None:
                await self._from_snapshot()
            page = await self._store.read(directory_log_id(), after=self.version, limit=_PAGE)
            while page:
                for recorded in page:
                    evolve_directory(self._state, decode_event(recorded.state))
                full = len(page) == _PAGE
                page = (
                    await self._store.read(directory_log_id(), after=self.version, limit=_PAGE)
                    if full
                    else []
                )
            self._looked_at = self._clock()
        if self.version != before:
            async with self._moved:
                self._moved.notify_all()

    async def look_unless_fresh(self, age: float) -> None:
        """Look, unless the last look is no longer ago than ``age`` seconds; of many who ask, one does.

        Raises:
            StoreUnavailableError: the log cannot be read.
        """
        async with self._asking:
            if self._looked_at is None or self._clock() - self._looked_at > age:
                await self.look()

    async def _from_snapshot(self) -> None:
        snapshot = await self._store.snapshot(directory_log_id())
        kept = await kept_fold(self._store, snapshot, _decoder, form=FORMAT)
        if kept is not None:
            self._state = kept.state

    async def follow(self) -> None:
        """Look again and again, until cancelled. A log that is away is asked again."""
        away = False
        while True:
            try:
                await self.look()
            except StoreError as error:  # also where the log is not migrated yet
                if not away:
                    _log.warning("the directory cannot be read; trying again", reason=str(error))
                away = True
            else:
                away = False
            await asyncio.sleep(self._look_every)

    async def reached(self, event_id: int) -> None:
        """Return once an event is folded here.

        Raises:
            StoreUnavailableError: it is not after ten seconds.
        """
        if self.version >= event_id:
            return
        await self.look()
        try:
            async with asyncio.timeout(_REACH_LIMIT), self._moved:
                await self._moved.wait_for(lambda: self.version >= event_id)
        except TimeoutError:
            raise StoreUnavailableError("the directory's log did not show the change in time") from None

    async def changed(self, since: int) -> int:
        """Wait until the fold has another version than ``since``; gives it."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.version != since)
        return self.version


@asynccontextmanager
async def following(
    store: EventStore, watch: Callable[[asyncio.Task[None], str], None], *, look_every: float = LOOK_EVERY
) -> AsyncIterator[LiveDirectory]:
    """The directory, live until the block is left. While the log is away it cannot be relied on.

    Args:
        store: the log.
        watch: is told of the task that follows it, as :meth:`signoff.runtime.health.Health.watch` is.
        look_every: seconds between two looks.
    """
    directory = LiveDirectory(store, look_every=look_every)
    with suppress(StoreError):
        await directory.look()
    task = asyncio.create_task(directory.follow(), name="directory")
    watch(task, task.get_name())
    try:
        yield directory
    finally:
        task.cancel()
        await asyncio.wait([task])
