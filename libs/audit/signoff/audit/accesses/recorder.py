"""Sends what a process saw of accesses to access logs, each second, in order, until it is acknowledged."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct

from signoff.audit.accesses.gathering import MOST, Gathering, Sight
from signoff.events.bus.base import Bus, Record
from signoff.events.codec import decode_event, encode
from signoff.events.errors import BusError, StoreError
from signoff.events.ids import new_id
from signoff.events.store.base import EventStore
from signoff.events.times import iso
from signoff.events.topics import COMMANDS, PARTITIONS, access_log_id, record_key
from signoff.events.types import (
    SYSTEM,
    AccessEnded,
    AccessesDropped,
    AccessExported,
    AccessFact,
    AccessRead,
    AccessRefused,
    AccessVerified,
    Command,
    RecordAccesses,
)

EVERY: Final = 1.0
"""Seconds between two times that accesses are sent."""

LAST: Final = 2.0
"""Seconds that a process which ends gives to what it has not sent yet."""

_AT_ONCE: Final = 4000
"""Facts that are sent at a time."""

_BATCH: Final = 50
"""Facts of one command: an executor decides them in one step, and others wait as long."""

_TAIL: Final = 100
_LOOK: Final = 0.05

_log = structlog.get_logger("signoff.accesses")


class _Batch(Struct, frozen=True):
    """A command on its way: its log, its number, how many facts it has."""

    log_id: UUID
    number: int
    size: int
    record: Record


class AccessRecorder:
    """Takes note of accesses, and sends them to be recorded. One for a process.

    Noting never waits. What was noted is lost only with the process: a crash takes what it had not sent,
    reads of about six seconds and refusals of one. While the broker is away it waits here, within a bound,
    and what is dropped beyond that is told in the log.

    Args:
        bus: takes commands.
        clock: seconds since the epoch, UTC.
        reads: whether what was allowed is recorded, too; otherwise refusals alone.
        most: facts that may wait.
    """

    def __init__(self, bus: Bus, clock: Callable[[], float], *, reads: bool = True, most: int = MOST) -> None:
        self._bus = bus
        self._clock = clock
        self._reads = reads
        self._gathering = Gathering(clock, most=most)
        self._observer = str(new_id())
        self._numbers = itertools.count(1)
        # Of a process's own: so the logs of a busy day are not all one partition's to write.
        self._partition = random.randrange(PARTITIONS)  # noqa: S311  (nothing secret)
        self._unsent: list[_Batch] = []
        self._sent: dict[UUID, int] = {}

    def __len__(self) -> int:
        """Facts that are not acknowledged."""
        return len(self._gathering) + sum(batch.size for batch in self._unsent)

    def note(self, sight: Sight, *, since: float | None = None) -> None:
        """An access happens now, or ends that began at ``since``; nothing is waited for."""
        if self._reads or sight.refused is not None:
            self._gathering.note(sight, since=since)

    def now(self) -> float:
        """The time of day that accesses are noted by."""
        return self._clock()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """Send in the background, and what is left on leaving; gives the task that does."""
        task = asyncio.create_task(self._keep(), name="accesses")
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])
            await self._send_rest()

    async def recorded(self, store: EventStore) -> None:
        """Wait until everything sent stands in the log, for at most `LAST` seconds.

        For a bus that is gone with the process: what an acknowledgement there is worth.
        """
        try:
            async with asyncio.timeout(LAST):
                await self._until_there(store)
        except TimeoutError:
            _log.error("accesses may not be recorded: no executor took them", logs=len(self._sent))
        except StoreError as error:
            _log.error("accesses may not be recorded: the log is away", reason=str(error))

    async def _until_there(self, store: EventStore) -> None:
        while True:
            if await self._stand_there(store):
                return
            await asyncio.sleep(_LOOK)

    async def _stand_there(self, store: EventStore) -> bool:
        heads = await store.heads(self._sent)
        for log_id, batch in list(self._sent.items()):
            after = max(0, heads.get(log_id, 0) - _TAIL)
            for recorded in await store.read(log_id, after=after):
                data = decode_event(recorded.state).data
                if isinstance(data, AccessFact) and (data.observer, data.batch) == (self._observer, batch):
                    self._sent.pop(log_id, None)
        return not self._sent

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self._send(all_of_it=False)

    async def _send_rest(self) -> None:
        with contextlib.suppress(TimeoutError):  # what is left is told below
            async with asyncio.timeout(LAST):
                while len(self) and await self._send(all_of_it=True):
                    pass
        if left := len(self):
            _log.error("accesses are not recorded: the broker is away, and this process ends", count=left)

    async def _send(self, *, all_of_it: bool) -> bool:
        """Send what is ready, after what was not acknowledged; tells whether that succeeded.

        Whatever is sent again is sent in the same order and to the same partition, so that a batch which had
        arrived is known there.
        """
        if not self._unsent:
            self._unsent = list(self._batched(self._gathering.take(_AT_ONCE, all_of_it=all_of_it)))
        if not self._unsent:
            return True
        records = [batch.record for batch in self._unsent]
        try:
            await (await self._bus.publish(COMMANDS, self._partition, records))
        except BusError as error:
            _log.warning("accesses wait for the broker", count=len(self), reason=str(error))
            return False
        for batch in self._unsent:
            self._note_sent(batch)
        self._unsent = []
        return True

    def _note_sent(self, batch: _Batch) -> None:
        self._sent.pop(batch.log_id, None)
        self._sent[batch.log_id] = batch.number
        if len(self._sent) > _TAIL:
            del self._sent[next(iter(self._sent))]

    def _batched(self, facts: Iterable[tuple[str, str, AccessFact]]) -> Iterator[_Batch]:
        by_log: dict[tuple[str, str], list[AccessFact]] = {}
        for workspace_id, day, fact in facts:
            by_log.setdefault((workspace_id, day), []).append(fact)
        for (workspace_id, day), some in by_log.items():
            for start in range(0, len(some), _BATCH):
                yield self._batch(workspace_id, day, some[start : start + _BATCH])

    def _batch(self, workspace_id: str, day: str, facts: list[AccessFact]) -> _Batch:
        log_id = access_log_id(workspace_id, self._partition, day)
        data = RecordAccesses(
            workspace_id=workspace_id,
            partition=self._partition,
            day=day,
            observer=self._observer,
            batch=next(self._numbers),
            read=[each for each in facts if isinstance(each, AccessRead)],
            ended=[each for each in facts if isinstance(each, AccessEnded)],
            exported=[each for each in facts if isinstance(each, AccessExported)],
            verified=[each for each in facts if isinstance(each, AccessVerified)],
            refused=[each for each in facts if isinstance(each, AccessRefused)],
            dropped=[each for each in facts if isinstance(each, AccessesDropped)],
        )
        command = Command(
            command_id=str(new_id()),
            type=data.TYPE,
            execution_id=str(log_id),
            issued_at=iso(self._clock()),
            actor=SYSTEM,
            data=data,
        )
        return _Batch(log_id, data.batch, len(facts), Record(record_key(log_id), encode(command)))
