"""The bridge to the stock ``eventsourcing`` library: our log, read with it.

An auditor opens a log with the library alone, and this module's mapper for typed events::

    PERSISTENCE_MODULE=eventsourcing.postgres  CREATE_TABLE=n  MAPPER_TOPIC=signoff.events.audit:LogMapper

The library is no dependency of Signoff: install it to use this module. ``docs/audit.md`` shows how.
"""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NoReturn, cast
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    ApplicationRecorder,
    Mapper,
    MapperDeserialisationError,
    Notification,
    ProgrammingError,
    StoredEvent,
    Subscription,
)

from signoff.events.codec import decode_event
from signoff.events.errors import CodecError
from signoff.events.topics import event_topic
from signoff.events.types import Event

_BATCH: Final = 500
_PAUSE: Final = 0.2
_OURS: Final = event_topic("")


@dataclass(frozen=True)
class LogEntry:
    """One event of a log as the library hands it out.

    Attributes:
        originator_id: the log: of an execution, a workflow, or anything else.
        originator_version: the event's number in it, from 1 on.
        event: the event itself. A type of a newer version has :class:`~signoff.events.types.Unknown` data.
    """

    originator_id: UUID
    originator_version: int
    event: Event


class LogMapper(Mapper[UUID]):
    """Gives the library typed events of our log; it writes none."""

    def to_domain_event(self, stored_event: StoredEvent) -> LogEntry:
        """Read one stored event.

        Raises:
            MapperDeserialisationError: its state is no event of ours; names its log and its number there.
        """
        log_id = cast("UUID", stored_event.originator_id)
        try:
            event = decode_event(stored_event.state)
        except CodecError as error:
            raise MapperDeserialisationError(
                f"event {stored_event.originator_version} of log {log_id} ({stored_event.topic}) "
                f"cannot be read: {error}"
            ) from error
        return LogEntry(log_id, stored_event.originator_version, event)

    def to_stored_event(self, domain_event: object) -> NoReturn:
        """Refuse: only an executor that holds the partition's lease writes the log."""
        raise TypeError(f"{domain_event!r}: the log is read-only here")


class FollowerMapper(Mapper[UUID]):
    """For an application that follows our log and keeps events of its own: it maps both, and writes its own.

    The library maps what an application follows by the class that maps the application's own events.
    """

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """Read one stored event of either kind.

        Raises:
            MapperDeserialisationError: its state is not what its topic says.
        """
        if stored_event.topic.startswith(_OURS):
            return LogMapper(self.transcoder).to_domain_event(stored_event)
        return super().to_domain_event(stored_event)


class LogSubscription(Subscription[ApplicationRecorder]):
    """Follows a log by asking for what is new: on SQLite and on a standby too, where the library has no way.

    The library's own subscription to PostgreSQL reads only when it is notified, and misses the notice of
    what is written while it begins to listen; this one misses nothing for longer than a fifth of a second.
    """

    def __init__(
        self, recorder: ApplicationRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._last = gt or 0
        self._ready: deque[Notification] = deque()
        self._stopped = threading.Event()

    def __next__(self) -> Notification:
        while not self._stopped.is_set():
            if self._ready:
                return self._ready.popleft()
            self._pull()
        raise StopIteration

    def stop(self) -> None:
        """End the iteration, from any thread."""
        super().stop()
        self._stopped.set()

    def _pull(self) -> None:
        head = self._recorder.max_notification_id() or 0
        if head <= self._last:
            self._stopped.wait(_PAUSE)
            return
        # No further than the head that was seen: what is of other topics is not looked through again.
        found = self._recorder.select_notifications(
            self._last, _BATCH, stop=head, topics=self._topics, inclusive_of_start=False
        )
        self._ready.extend(found)
        self._last = found[-1].id if len(found) == _BATCH else head


class LogRecorder(ApplicationRecorder):
    """Reads by another recorder of the library, writes nothing, and can be followed on every store.

    Args:
        reading: reads the log.
    """

    def __init__(self, reading: ApplicationRecorder) -> None:
        self._reading = reading

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> NoReturn:  # noqa: ARG002
        """Refuse: only an executor that holds the partition's lease writes the log."""
        raise ProgrammingError("the log is read-only here")

    def select_events(self, originator_id: UUID | str, **bounds: Any) -> Sequence[StoredEvent]:
        """The events of one log, within bounds."""
        return self._reading.select_events(originator_id, **bounds)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events of all logs from a position."""
        return self._reading.select_notifications(
            start, limit, stop, topics, inclusive_of_start=inclusive_of_start
        )

    def max_notification_id(self) -> int | None:
        """The last position, or None where nothing was ever written."""
        return self._reading.max_notification_id()

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Follow the log from a position."""
        return LogSubscription(self, gt, topics)


class SignoffLog(Application[UUID]):
    """Our log as an application of the library, to read and to follow: typed, and nothing is written.

    It takes the library's settings, from the environment or as an argument: ``PERSISTENCE_MODULE``, and
    where the database is.
    """

    name = "stored"  # the library reads the table <name>_events
    env: ClassVar[dict[str, str]] = {
        # With the name: another application in the same environment has settings of its own.
        "STORED_CREATE_TABLE": "n",
        "STORED_MAPPER_TOPIC": "signoff.events.audit:LogMapper",
    }
    log_section_size = _BATCH

    def construct_recorder(self) -> ApplicationRecorder:
        """The library's recorder of the database, which can be followed and writes nothing."""
        return LogRecorder(super().construct_recorder())
