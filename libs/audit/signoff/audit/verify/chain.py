"""The chain of a log: that each event is one, has its number and place, and follows on the one before it.

Events come by log and version, a page at a time; what is kept of a log is its last event's hash.
"""

import hashlib
from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from signoff.audit.verify.faults import WRITER, Fault, Kind, Place
from signoff.audit.verify.moments import Moments
from signoff.events.codec import TOPIC_BY_TYPE, Header, decode_header
from signoff.events.errors import CodecError
from signoff.events.store.base import Recorded
from signoff.events.times import is_time

_DELETER: Final = "somebody deleted rows of the database, or restored a part of it; the server deletes none"


def is_dated(header: Header) -> bool:
    """Whether the times that an event has are such as are written."""
    return is_time(header.timestamp) and (header.copy_of is None or is_time(header.copy_of.timestamp))


class ChainCheck:
    """Checks events in the order of a scan.

    Args:
        moments: by which an event that was put in later and dated back is known; ``None``: by nothing.

    Attributes:
        logs: how many were begun.
        events: how many were checked.
        broken: the logs with faults, of the events that were taken last.
    """

    def __init__(self, moments: Moments | None = None) -> None:
        self.logs = 0
        self.events = 0
        self.broken: set[UUID] = set()
        self._moments = moments
        self._log_id: UUID | None = None
        self._name = ""
        self._version = 0
        self._position = 0
        self._prev: str | None = None
        self._first: Header | None = None
        self._timestamp = ""

    def take(self, page: Sequence[Recorded]) -> list[Fault]:
        """Check some events that follow on those before; what is wrong with them."""
        faults: list[Fault] = []
        self.broken = set()
        for event in page:
            if event.log_id != self._log_id:
                self._begin(event.log_id)
            found = self._check(event)
            if found:
                faults += found
                self.broken.add(event.log_id)
        self.events += len(page)
        return faults

    def _begin(self, log_id: UUID) -> None:
        self.logs += 1
        self._log_id, self._name = log_id, str(log_id)
        self._version, self._position = 0, 0
        self._prev, self._first, self._timestamp = None, None, ""

    def _check(self, event: Recorded) -> list[Fault] | None:
        """The faults of the next event; ``None`` when it has none, as nearly all."""
        state = event.state
        try:
            header = decode_header(state)
        except CodecError as error:
            unreadable = self._fault("unreadable", event, f"event {event.version} cannot be read ({error})")
            self._go_on(event)
            return [unreadable]
        first = self._first or header
        follows = event.version == self._version + 1
        well = (
            follows
            and header.event_id == event.version
            and event.position > self._position
            and header.prev == self._prev
            and (header.log_id or header.execution_id) == self._name
            and header.execution_id == first.execution_id
            and header.workflow_id == first.workflow_id
            and header.timestamp >= self._timestamp
            and is_dated(header)
            and (self._moments is None or self._moments.lacking(event, header.timestamp) is None)
            and TOPIC_BY_TYPE.get(header.type, event.topic) == event.topic
        )
        faults = None if well else list(self._faults(event, header, first, follows=follows))
        self._first = first
        self._version, self._position = event.version, event.position
        self._prev = b2a_base64(hashlib.sha256(state).digest(), newline=False).decode("ascii")
        if faults is None:
            self._timestamp = header.timestamp
        elif is_dated(header):
            self._timestamp = max(header.timestamp, self._timestamp)
        return faults

    def _go_on(self, event: Recorded) -> None:
        """Behind bytes that are no event: the next one must carry their hash all the same."""
        self._version, self._position = event.version, event.position
        self._prev = b2a_base64(hashlib.sha256(event.state).digest(), newline=False).decode("ascii")

    def _faults(self, event: Recorded, header: Header, first: Header, *, follows: bool) -> Iterator[Fault]:
        version, before = event.version, self._version
        owner = header.log_id or header.execution_id
        if not follows:
            lost = f"event {before + 1}" if version == before + 2 else f"events {before + 1} to {version - 1}"
            yield self._fault("version", event, f"{lost} of the log are not there", _DELETER, at=before + 1)
        if header.event_id != version:
            meaning = f"in the place of event {version} stands one that says it is event {header.event_id}"
            yield self._fault("version", event, meaning, WRITER)
        elif follows and header.prev != self._prev:
            yield self._unlinked(event, header)
        if owner != self._name or header.execution_id != first.execution_id or (
            header.workflow_id != first.workflow_id
        ):  # fmt: skip
            whose = f"{owner} ({header.workflow_id})"
            meaning = (
                f"event {version} says that it belongs to {whose}: it was moved here, or its name changed"
            )
            yield self._fault("misplaced", event, meaning, WRITER)
        if event.position <= self._position:
            why = f"event {before} at {self._position}" if event.position > 0 else "positions begin with 1"
            meaning = f"event {version} stands at position {event.position}, and {why}"
            yield self._fault("misplaced", event, meaning, WRITER)
        if TOPIC_BY_TYPE.get(header.type, event.topic) != event.topic:
            meaning = f"the row of event {version} calls it {event.topic}, and its bytes {header.type}"
            yield self._fault("misplaced", event, meaning, WRITER)
        if not is_dated(header):
            yield self._fault("time", event, f"a time of event {version} is none", WRITER)
        elif header.timestamp < self._timestamp:
            meaning = (
                f"event {version} is of {header.timestamp}, and an event before it of {self._timestamp}: "
                "one of them was dated otherwise"
            )
            yield self._fault("time", event, meaning, WRITER)
        else:
            yield from self._dated_back(event, header)

    def _dated_back(self, event: Recorded, header: Header) -> Iterator[Fault]:
        number = None if self._moments is None else self._moments.lacking(event, header.timestamp)
        if number is None:
            return
        meaning = (
            f"event {event.version} is of {header.timestamp}, and checkpoint {number}, which was made after "
            "that, does not cover it: it was put in later, and dated back, or `signoff recover` put it back "
            "after a restore"
        )
        fault = self._fault("time", event, meaning, WRITER)
        yield replace(fault, place=replace(fault.place, checkpoint=number))

    def _unlinked(self, event: Recorded, header: Header) -> Fault:
        if self._version == 0:
            meaning = (
                "event 1 carries the hash of an event before it, and there is none: it was no first event"
            )
            return self._fault("chain", event, meaning, WRITER)
        if header.prev is None:
            meaning = f"event {event.version} carries no hash of the event before it: it was put here"
            return self._fault("chain", event, meaning, WRITER)
        meaning = (
            f"the bytes of event {self._version} are not those whose hash event {event.version} carries: "
            "one of the two was changed since"
        )
        return self._fault("chain", event, meaning, WRITER, at=self._version)

    def _fault(
        self, kind: Kind, event: Recorded, meaning: str, cause: str = WRITER, *, at: int | None = None
    ) -> Fault:
        """A fault of the event that is checked; or of the one before it, or one that is not there: ``at``."""
        position = self._position if at == self._version else None
        execution = None if self._first is None else self._first.execution_id
        place = Place(
            log_id=self._name,
            execution_id=None if execution == self._name else execution,
            event_id=event.version if at is None else at,
            position=event.position if at is None else position,
        )
        return Fault(kind=kind, place=place, meaning=meaning, cause=cause)
