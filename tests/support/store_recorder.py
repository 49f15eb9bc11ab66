"""The library's synchronous recorder on one of our stores, for the test cases that its wheel ships."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from eventsourcing.persistence import (
    ApplicationRecorder,
    DataError,
    IntegrityError,
    Notification,
    OperationalError,
    ProcessRecorder,
    ProgrammingError,
    StoredEvent,
    Subscription,
    Tracking,
)

from signoff.events.audit import LogSubscription
from signoff.events.errors import (
    SchemaError,
    SignoffError,
    StoreUnavailableError,
    ValueNotStorableError,
    VersionConflictError,
)
from signoff.events.store.base import Append, EventStore, Lease, NewEvent, Recorded, TrackingRow

Result = TypeVar("Result")

_CALL_LIMIT: Final = 60.0
_LEASE: Final = 86_400.0
_BATCH: Final = 500


class StoreRecorder(ProcessRecorder):
    """The library's synchronous recorder on one of our stores, which runs in a thread with its own loop.

    It holds the lease of one partition, and writes any aggregate under it: for a store that no executor
    works on.

    Args:
        open_store: opens a migrated store; called in the thread's loop.
        owner: the name on the lease.
    """

    def __init__(
        self, open_store: Callable[[], Awaitable[EventStore]], *, owner: str = "eventsourcing"
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="log recorder", daemon=True)
        self._thread.start()
        self._owner = owner
        try:
            self.store, self._lease = self.run(_opened(open_store, owner))
        except BaseException:
            self._stop_loop()
            raise

    def close(self) -> None:
        """Give the lease back, close the store, and end the thread."""
        try:
            self.run(self.store.release({self._lease.partition: self._lease.epoch}, owner=self._owner))
            self.run(self.store.close())
        finally:
            self._stop_loop()

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, tracking: Tracking | None = None, **_kwargs: Any
    ) -> Sequence[int] | None:
        """Write events, and the tracking with them, in one transaction; gives their positions."""
        if not stored_events and tracking is None:
            return None
        append = Append(
            partition=self._lease.partition,
            epoch=self._lease.epoch,
            events=[
                NewEvent(cast("UUID", e.originator_id), e.originator_version, e.topic, e.state)
                for e in stored_events
            ],
            rows=[] if tracking is None else [_tracking_row(tracking)],
        )
        last = self.run(self.store.append(append))
        return list(range(last - len(stored_events) + 1, last + 1))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of one aggregate, within bounds."""
        log_id = cast("UUID", originator_id)
        after = -1 if gt is None else gt
        if desc and limit is not None:
            head = self.run(self.store.heads([log_id])).get(log_id, 0)
            last = head if lte is None else min(head, lte)
            after = max(after, last - limit)  # versions have no gaps
        events = [_stored(event) for event in self.run(self.store.read(log_id, after=after))]
        wanted = [event for event in events if lte is None or event.originator_version <= lte]
        return (wanted[::-1] if desc else wanted)[:limit]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events of the whole log from a position."""
        after = 0 if start is None else start - inclusive_of_start
        found: list[Notification] = []
        while len(found) < limit:
            batch = self.run(self.store.read_all(after=after, limit=max(limit, _BATCH)))
            found += [_notification(event) for event in batch if _wanted(event, stop, topics)]
            if not batch or (stop is not None and batch[-1].position >= stop):
                break
            after = batch[-1].position
        return found[:limit]

    def max_notification_id(self) -> int | None:
        """The last position, or None for an empty log."""
        return self.run(self.store.last_position()) or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Follow the log from a position."""
        return LogSubscription(self, gt, topics)

    def insert_tracking(self, tracking: Tracking) -> None:
        """Record a position that was processed; one that is not above the last is an error."""
        self.insert_events([], tracking=tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        """The last position recorded under a name, or None."""
        return self.run(self.store.tracked(application_name)) or None

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run some work of the store to its end, and raise the library's errors for ours."""
        with _translated():
            return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_LIMIT)

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_LIMIT)
        self._loop.close()


async def _opened(open_store: Callable[[], Awaitable[EventStore]], owner: str) -> tuple[EventStore, Lease]:
    store = await open_store()
    try:
        leases = await store.acquire(owner, most=1, ttl=_LEASE)
    except BaseException:
        await store.close()
        raise
    if not leases:
        await store.close()
        raise StoreUnavailableError("every partition of this log is held by an executor: stop them first")
    return store, leases[0]


def _tracking_row(tracking: Tracking) -> TrackingRow:
    return TrackingRow(name=tracking.application_name, position=tracking.notification_id)


def _stored(event: Recorded) -> StoredEvent:
    return StoredEvent(
        originator_id=event.log_id, originator_version=event.version, topic=event.topic, state=event.state
    )


def _notification(event: Recorded) -> Notification:
    return Notification(
        id=event.position,
        originator_id=event.log_id,
        originator_version=event.version,
        topic=event.topic,
        state=event.state,
    )


def _wanted(event: Recorded, stop: int | None, topics: Sequence[str]) -> bool:
    return (stop is None or event.position <= stop) and (not topics or event.topic in topics)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except VersionConflictError as error:
        raise IntegrityError(str(error)) from error
    except ValueNotStorableError as error:
        raise DataError(str(error)) from error
    except SchemaError as error:
        raise ProgrammingError(str(error)) from error
    except (SignoffError, TimeoutError) as error:
        raise OperationalError(str(error)) from error
