"""All readers of this process: one reading of the topic, and one regular look at the log, for all of them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Final, TypeVar
from uuid import UUID

import structlog

from signoff.events.bus.base import Bus, Message
from signoff.events.errors import CodecError, StoreUnavailableError
from signoff.events.store.base import EventStore, ExecutionRow, Recorded
from signoff.events.topics import record_key
from signoff.tail.buffer import Buffer
from signoff.tail.errors import TailClosedError, TailFullError
from signoff.tail.frames import HEARTBEAT, Frame, Heartbeat, frame_of
from signoff.tail.reader import HEARTBEAT_SECONDS, Reader
from signoff.tail.topic import TopicTail

Watch = Callable[["asyncio.Task[None]", str], None]
_T = TypeVar("_T")

_AWAY_SECONDS: Final = 1.0
_IDLE_SECONDS: Final = 60.0
_MAX_READERS: Final = 20_000
_READS: Final = 16

_log = structlog.get_logger("signoff.tail")


class Hub:
    """Lets any number of callers follow logs (architecture.md, The way of the data, 4).

    It starts with its first reader and stops a while after the last one, so that a process in
    which nobody reads does not read the topic.

    Args:
        store: the log; its primary.
        bus: the topics, which may be away.
        watch: told of each background task, as :meth:`signoff.runtime.health.Health.watch` is; by
            default a failure is only logged.
        max_readers: more than so many get TailFullError.
        check: every so many seconds readers are compared with the log, in one query.
        check_away: the same while the topic is away.
        idle: seconds after the last reader left until the topic is no longer read.
    """

    def __init__(
        self,
        store: EventStore,
        bus: Bus,
        *,
        watch: Watch | None = None,
        max_readers: int = _MAX_READERS,
        check: float = HEARTBEAT_SECONDS,
        check_away: float = _AWAY_SECONDS,
        idle: float = _IDLE_SECONDS,
    ) -> None:
        self._store = store
        self._bus = bus
        self._topic: TopicTail | None = None
        self._watch = watch or log_failure
        self._max_readers = max_readers
        self._check = check
        self._check_away = check_away
        self._idle = idle
        self._readers: dict[bytes, dict[Reader, None]] = {}
        self._count = 0
        self._reads = asyncio.Semaphore(_READS)
        self._store_away = False
        self._due = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping: asyncio.TimerHandle | None = None
        self._running = False
        self._closed = False

    @property
    def live(self) -> bool:
        """Whether events reach readers by the topic; otherwise they are read from the log."""
        return self._topic is not None and self._topic.live

    @property
    def readers(self) -> int:
        """How many readers follow a log now."""
        return self._count

    # For callers ------------------------------------------------------------------------------------

    def open(self, log_id: UUID, *, after: int, run_id: str | None = None, follow: bool = False) -> Reader:
        """Begin to follow a log. Must be called in the event loop.

        Args:
            log_id: names the log; it may not exist yet.
            after: the id of the event to go on after, 0 for all.
            run_id: follow only this resumed run, to its end. The first run's id is its execution's:
                leave it out.
            follow: stay through pauses, to the execution's end.

        Raises:
            TailFullError: there are too many readers.
            TailClosedError: the hub was closed.
        """
        if self._closed:
            raise TailClosedError("this process stops; follow elsewhere")
        if self._count >= self._max_readers:
            raise TailFullError(f"{self._count} readers are as many as this process takes; try again later")
        reader = Reader(self, log_id, after=after, run_id=run_id, follow=follow, buffer=Buffer())
        self._readers.setdefault(record_key(log_id), {})[reader] = None
        self._count += 1
        self._start()
        return reader

    async def follow(
        self, log_id: UUID, *, after: int, run_id: str | None = None, follow: bool = False
    ) -> AsyncGenerator[Frame | Heartbeat, None]:
        """The same, one frame after the other; a heartbeat after each 15 s without any.

        Close the iterator (``contextlib.aclosing``) when you leave it before its end.

        Raises:
            CursorPastEndError: the log has no event ``after``.
            StoreUnavailableError: the log is away at the beginning; later it is waited for.
            TailClosedError: the hub was closed.
            TailFullError: there are too many readers.
        """
        with self.open(log_id, after=after, run_id=run_id, follow=follow) as reader:
            for frame in await reader.begin():
                yield frame
            while not reader.ended:
                frames = await reader.read()
                for frame in frames:
                    yield frame
                if not frames and not reader.ended:
                    yield HEARTBEAT

    def end(self) -> None:
        """End all readers at once, with TailClosedError, and take no new ones."""
        self._closed = True
        for readers in self._readers.values():
            for reader in readers:
                reader.close()

    async def close(self) -> None:
        """The same, and stop all that runs in the background."""
        self.end()
        self._stop()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # For readers ------------------------------------------------------------------------------------

    async def read(self, log_id: UUID, *, after: int, limit: int, size: int) -> list[Recorded]:
        """A page of a log: so many events, and no more once they have ``size`` bytes."""
        return await self._ask(lambda: self._store.read(log_id, after=after, limit=limit, size=size))

    async def last_event_id(self, log_id: UUID) -> int:
        """The id of a log's last event, 0 for none."""
        return (await self._ask(lambda: self._store.heads([log_id]))).get(log_id, 0)

    async def execution(self, log_id: UUID) -> ExecutionRow | None:
        """An execution's projection."""
        return await self._ask(lambda: self._store.execution(log_id))

    def leave(self, reader: Reader) -> None:
        """The reader is done; leaving twice is leaving once."""
        key = record_key(reader.log_id)
        readers = self._readers.get(key, {})
        if reader not in readers:
            return
        del readers[reader]
        self._count -= 1
        if not readers:
            del self._readers[key]
        if not self._readers and self._running:
            self._stopping = asyncio.get_running_loop().call_later(self._idle, self._stop)

    async def _ask(self, query: Callable[[], Awaitable[_T]]) -> _T:
        async with self._reads:  # readers that come back all at once queue here, not in the database
            try:
                result = await query()
            except StoreUnavailableError as error:
                if not self._store_away:
                    _log.warning("the log is away; readers wait for it", reason=str(error))
                self._store_away = True
                raise
            if self._store_away:
                _log.info("the log is back")
            self._store_away = False
            return result

    # In the background ------------------------------------------------------------------------------

    def _start(self) -> None:
        self._keep_running()
        if not self._running:
            self._running = True
            self._topic = TopicTail(self._bus, deliver=self._deliver, changed=self._due.set)
            self._spawn(self._topic.run(), "stream topic")
            self._spawn(self._check_regularly(), "stream check")

    def _keep_running(self) -> None:
        if self._stopping is not None:
            self._stopping.cancel()
            self._stopping = None

    def _stop(self) -> None:
        self._keep_running()
        self._running = False
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._watch(task, name)

    def _deliver(self, messages: Sequence[Message]) -> None:
        for message in messages:
            readers = self._readers.get(message.key)
            if readers is None:
                continue
            try:
                frame = frame_of(message.value)
            except CodecError as error:  # not ours: the log has what is
                where = {"partition": message.partition, "offset": message.offset}
                _log.error("a record is no event", reason=str(error), **where)
                continue
            for reader in readers:
                reader.offer(frame)

    async def _check_regularly(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._check if self.live else self._check_away):
                    await self._due.wait()
            self._due.clear()
            with suppress(StoreUnavailableError):  # said in the log; asked again soon
                await self._compare()

    async def _compare(self) -> None:
        log_ids = [next(iter(readers)).log_id for readers in self._readers.values()]
        if not log_ids:
            return
        heads = await self._ask(lambda: self._store.heads(log_ids))
        for log_id, head in heads.items():
            for reader in self._readers.get(record_key(log_id), ()):
                reader.hint(head)


def log_failure(task: asyncio.Task[None], name: str) -> None:
    """Watch a background task where nobody else does: its failure is logged."""

    def ended(done: asyncio.Task[None]) -> None:
        if not done.cancelled() and done.exception() is not None:
            _log.error("background task failed", task=name, exc_info=done.exception())

    task.add_done_callback(ended)
