"""All feeds of this process: one reading of the whole log for all of them."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import Final, cast
from uuid import UUID

import structlog

from signoff.events.codec import TOPIC_BY_TYPE
from signoff.events.errors import CodecError, StoreUnavailableError
from signoff.events.store.base import EventStore, Recorded
from signoff.events.store.paging import is_full
from signoff.events.types import ExecutionForked
from signoff.tail.cursors import Cursors
from signoff.tail.errors import FeedPastEndError, TailClosedError, TailFullError
from signoff.tail.feed import Feed
from signoff.tail.feed_filter import UUID_TEXT, FeedFilter
from signoff.tail.feed_frames import FeedEvent, FeedFrame, feed_event, feed_frame
from signoff.tail.hub import Watch, log_failure
from signoff.tail.places import Places

MAX_FEEDS: Final = 1000

_BATCH: Final = 128
"""Events handed on at once: fewer than a feed's buffer holds, so that a prompt reader never overflows."""

_READS: Final = 2
"""Pages of history read at once: however many feeds are behind, streams of executions are not."""

_RETRY_SECONDS: Final = 1.0

_ALSO: Final = (TOPIC_BY_TYPE[ExecutionForked.TYPE],)
"""Read of every log, where a feed is about some executions: the events say which of them was forked."""

_log = structlog.get_logger("signoff.tail")


class Feeds:
    """Lets callers follow everything that they may see, across executions, in the order of the log.

    It reads the log while anybody follows it, and not otherwise. The header of each event of a workspace
    that is followed is decoded once, whatever the number of feeds.

    Args:
        store: the log; its primary.
        cursors: write and read the places where feeds go on.
        watch: told of each background task, as :meth:`signoff.runtime.health.Health.watch` is; by
            default a failure is only logged.
        max_feeds: more than so many get TailFullError.

    Attributes:
        head: the position up to which everything was offered to the feeds.
    """

    def __init__(
        self, store: EventStore, cursors: Cursors, *, watch: Watch | None = None, max_feeds: int = MAX_FEEDS
    ) -> None:
        self.head = 0
        self._store = store
        self._cursors = cursors
        self._watch = watch or log_failure
        self._max_feeds = max_feeds
        self._places = Places(store)
        self._feeds: set[Feed] = set()
        self._followed: dict[UUID, set[Feed]] = {}
        self._reads = asyncio.Semaphore(_READS)
        self._reading: asyncio.Task[None] | None = None
        self._store_away = False
        self._closed = False

    @property
    def count(self) -> int:
        """How many feeds are open."""
        return len(self._feeds)

    # For callers ------------------------------------------------------------------------------------

    async def open(
        self, filter_: FeedFilter, workspace_ids: Collection[UUID], *, cursor: str | None = None
    ) -> Feed:
        """Begin to follow what happens in some workspaces. Use the feed as a context manager, at once.

        Args:
            filter_: what of it.
            workspace_ids: those that the reader may see; see also :meth:`Feed.may_see`.
            cursor: where to go on; without one, with what happens from now on.

        Raises:
            BadCursorError: the cursor is none of this server's.
            FeedPastEndError: the log ends before it.
            TailFullError: there are too many feeds.
            TailClosedError: the feeds were closed.
            StoreUnavailableError: the log is away.
        """
        self._check_room()
        position = None if cursor is None else self._cursors.position(cursor)
        last = await self._store.last_position()
        if position is not None and position > last:
            raise FeedPastEndError(self._cursors.between(last))
        executions = await self._executions(filter_)
        self._check_room()  # others came while the log was asked
        self._start(last)
        feed = Feed(self, filter_, after=last if position is None else position, executions=executions)
        self._feeds.add(feed)
        feed.may_see(workspace_ids)
        return feed

    def end(self) -> None:
        """End all feeds at once, with TailClosedError, and take no new ones."""
        self._closed = True
        for feed in self._feeds:
            feed.close()

    async def close(self) -> None:
        """The same, and stop what runs in the background."""
        self.end()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    def _check_room(self) -> None:
        if self._closed:
            raise TailClosedError("this process stops; follow elsewhere")
        if len(self._feeds) >= self._max_feeds:
            raise TailFullError(f"{self._max_feeds} feeds are as many as this process takes; try again later")

    async def _executions(self, filter_: FeedFilter) -> frozenset[UUID]:
        """The logs of the filter's executions that are named by their UUID or by a run's."""
        named = [UUID(name) for name in filter_.execution_ids if UUID_TEXT.fullmatch(name)]
        rows = await asyncio.gather(*(self._store.locate([each]) for each in named))
        return frozenset(each if row is None else row.log_id for each, row in zip(named, rows, strict=True))

    # For feeds --------------------------------------------------------------------------------------

    async def read(self, feed: Feed, *, upto: int, limit: int, size: int) -> tuple[list[FeedEvent], int]:
        """A page of history after a feed's position, and the position up to which it is complete."""
        wanted = feed.filter
        async with self._reads:  # feeds that come back all at once queue here, not in the database
            try:
                rows = await self._store.read_feed(
                    feed.workspace_ids, after=feed.position, upto=upto, limit=limit, size=size,
                    topics=wanted.topics, workflow_ids=wanted.workflow_ids, log_ids=feed.log_ids, also=_ALSO,
                )  # fmt: skip
            except StoreUnavailableError as error:
                self._say_away(error)
                raise
        self._say_back()
        full = is_full([row.event for row in rows], limit=limit, size=size)
        complete = rows[-1].event.position if full else upto
        events = (_readable(row.event, row.workspace_id) for row in rows)
        return [event for event in events if event is not None], complete

    def frame(self, event: FeedEvent) -> FeedFrame:
        """The frame of an event."""
        return feed_frame(event, self._cursors)

    def cursor(self, position: int) -> str:
        """A cursor of a place where no event is sent."""
        return self._cursors.between(position)

    def move(self, feed: Feed, workspace_ids: frozenset[UUID]) -> None:
        """Offer the feed from now on the events of these workspaces, and of no others."""
        for workspace_id, feeds in list(self._followed.items()):
            feeds.discard(feed)
            if not feeds:
                del self._followed[workspace_id]
        for workspace_id in workspace_ids:
            self._followed.setdefault(workspace_id, set()).add(feed)

    def leave(self, feed: Feed) -> None:
        """The feed is done; leaving twice is leaving once."""
        self._feeds.discard(feed)
        self.move(feed, frozenset())
        if not self._feeds and self._reading is not None:
            self._reading.cancel()
            self._reading = None

    # In the background ------------------------------------------------------------------------------

    def _start(self, last: int) -> None:
        if self._reading is None:
            self.head = last
            self._reading = asyncio.create_task(self._run(), name="feeds")
            self._watch(self._reading, "feeds")

    async def _run(self) -> None:
        try:
            # Each of our stores gives a generator, which must be closed: it listens to the database.
            batches = cast(
                "AsyncGenerator[list[Recorded]]", self._store.subscribe(after=self.head, limit=_BATCH)
            )
            async with aclosing(batches):
                async for batch in batches:
                    self._deliver(batch, await self._places_of(batch))
        except Exception:
            self.end()  # nobody offers them anything any more; readers come back elsewhere
            raise

    async def _places_of(self, batch: Sequence[Recorded]) -> dict[UUID, UUID]:
        while True:
            try:
                places = await self._places.of(batch)
            except StoreUnavailableError as error:
                self._say_away(error)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self._say_back()
                return places

    def _deliver(self, batch: Sequence[Recorded], places: Mapping[UUID, UUID]) -> None:
        for recorded in batch:
            workspace_id = places.get(recorded.log_id)
            feeds = None if workspace_id is None else self._followed.get(workspace_id)
            if workspace_id is not None and feeds:
                self._offer(_readable(recorded, workspace_id), feeds)
        self.head = batch[-1].position

    def _offer(self, event: FeedEvent | None, feeds: Collection[Feed]) -> None:
        if event is None:
            return
        frame = None
        for feed in feeds:
            if feed.wants(event):
                frame = frame or self.frame(event)
                feed.offer(frame)

    def _say_away(self, error: StoreUnavailableError) -> None:
        if not self._store_away:
            _log.warning("the log is away; feeds wait for it", reason=str(error))
        self._store_away = True

    def _say_back(self) -> None:
        if self._store_away:
            _log.info("the log is back")
        self._store_away = False


def _readable(recorded: Recorded, workspace_id: UUID) -> FeedEvent | None:
    try:
        return feed_event(recorded, workspace_id)
    except CodecError as error:  # its own log cannot be folded either; `signoff doctor` tells of it
        _log.error("an event cannot be read", position=recorded.position, reason=str(error))
        return None
