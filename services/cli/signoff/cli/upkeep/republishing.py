"""Publishes events again from the log, so that the topic has what it lacks.

Records come again with equal bytes, marked as republished. A consumer drops those that it has had, and one
that waits at a gap goes on there, if what follows on the missing event comes again behind it. So from the
first event on all of a log is published, also what its executor publishes meanwhile: each page is
acknowledged before the next is read, and it is done when nothing more has followed in the logs of the last.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.audit.verify.topic_sources import LogHeaders
from signoff.events.bus.base import Bus, Record
from signoff.events.cloudevents import record_of
from signoff.events.codec import decode_header
from signoff.events.errors import CodecError, SignoffError
from signoff.events.store.base import EventStore, Recorded
from signoff.events.store.paging import is_full
from signoff.events.topics import EXECUTIONS, record_key

_PAGE: Final = 1_000
_PAGE_BYTES: Final = 4 * 1024 * 1024
_ROUNDS: Final = 1_000
"""Pages that may follow once the end of the log was reached: who writes a log that fast has to rest."""


class RepublishError(SignoffError):
    """Events cannot be published again; the text says why."""


class Republished(Struct, kw_only=True):
    """What became of a partition.

    Attributes:
        partition: which.
        events: how many were published, or would be.
        first: the position of the first; 0 for none.
        last: that of the last.
    """

    partition: int
    events: int = 0
    first: int = 0
    last: int = 0


class Republisher:
    """Publishes events of one partition, or of one log in it, again.

    Args:
        store: the log.
        bus: the broker.
        partition: which.
        log_id: only this log's.
        dry_run: count them, and publish nothing.
    """

    def __init__(
        self,
        store: EventStore,
        bus: Bus,
        partition: int,
        *,
        log_id: UUID | None = None,
        dry_run: bool = False,
    ) -> None:
        self._store = store
        self._bus = bus
        self._partition = partition
        self._log_id = log_id
        self._dry_run = dry_run
        self._headers = LogHeaders(store)
        self._published = Republished(partition=partition)
        self._after = 0
        self._version = 0

    async def run(self, after: int) -> Republished:
        """Publish what has a position above ``after``.

        Raises:
            RepublishError: bytes in the log are no event, or it is written faster than it can be read.
            BusError: the broker is away: what came before is on the topic, and doing it again does no harm.
            StoreUnavailableError: the database is away.
        """
        self._after = after
        is_at_end = False
        while not is_at_end:
            page, is_at_end = await self._read()
            await self._publish(page)
        if not self._dry_run:
            await self._follow({event.log_id for event in page})
        return self._published

    async def _follow(self, logs: set[UUID]) -> None:
        """Publish what follows in the logs of the last page, for their executor may have been faster."""
        for _ in range(_ROUNDS):
            page, is_at_end = await self._read()
            following = [event for event in page if event.log_id in logs]
            await self._publish(following)
            if is_at_end:
                logs = {event.log_id for event in following}
            if not logs:
                return
        raise RepublishError(
            f"partition {self._partition}: executions go on faster than they can be published again: begin "
            "once more when there is less to do"
        )

    async def _read(self) -> tuple[list[Recorded], bool]:
        """The next events, and whether there are no more."""
        if self._log_id is None:
            page = await self._store.read_all(
                after=self._after, limit=_PAGE, partitions=[self._partition], size=_PAGE_BYTES
            )
        else:
            page = await self._store.read(self._log_id, after=self._version, limit=_PAGE, size=_PAGE_BYTES)
        is_at_end = not is_full(page, limit=_PAGE, size=_PAGE_BYTES)
        page = [event for event in page if event.position > self._after]
        if page:
            self._after, self._version = page[-1].position, page[-1].version
        return page, is_at_end

    async def _publish(self, events: Sequence[Recorded]) -> None:
        if not events:
            return
        self._published.events += len(events)
        self._published.first = self._published.first or events[0].position
        self._published.last = events[-1].position
        if not self._dry_run:
            await self._headers.know(events)
            records = [self._record(event) for event in events]
            await (await self._bus.publish(EXECUTIONS, self._partition, records))

    def _record(self, event: Recorded) -> Record:
        common = self._headers.of(event.log_id)
        try:
            header = decode_header(event.state)
        except CodecError as error:
            raise _damaged(event) from error
        if common is None:
            raise _damaged(event)
        return record_of(header, event.state, record_key(event.log_id), common, again=True)


def _damaged(event: Recorded) -> RepublishError:
    return RepublishError(
        f"log {event.log_id} cannot be read at event {event.version}, or at its first: "
        "`signoff audit verify` tells more"
    )
