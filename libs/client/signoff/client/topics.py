"""For consumers of the topic ``signoff.executions``: each event exactly once, in order.

The topic repeats records after a fault, with equal bytes. A :class:`Receiver` keeps the last ``eventId`` of
each log, its *cursor*: it passes over what is not above it, and nothing passes a gap. It needs only key,
value and headers of a record, so that it serves with any Kafka client, and with events that come another
way, such as from the history. Partitions and offsets mean nothing to it: cursors stay good when a consumer
group is balanced anew, and on another cluster that the topic was copied to.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from signoff.client.answers.executions import StreamEvent
from signoff.client.errors import ClientError
from signoff.client.topics_cursors import Cursors, CursorTakenError, SqlCursors

__all__ = [
    "CursorTakenError",
    "Cursors",
    "Gap",
    "GapError",
    "Headers",
    "Receiver",
    "Record",
    "Source",
    "SqlCursors",
    "TopicEvent",
    "UnreadableRecordError",
]

Headers: TypeAlias = Iterable[tuple[str, bytes]]
"""As Kafka clients give them."""

Record: TypeAlias = tuple[bytes, bytes, Headers | None]
"""Key, value and headers of a record; without headers it is only slower."""

_EVENT_ID: Final = "ce_eventid"
_REPUBLISHED: Final = "ce_republished"
_WORKSPACE: Final = "ce_workspaceid"
_DIGITS: Final = 18


class Source(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an event in a fork is a copy of.

    Attributes:
        event_id: its place in the log of the fork's source.
        timestamp: when it was recorded there.
    """

    event_id: int
    timestamp: str


class TopicEvent(StreamEvent, frozen=True, kw_only=True, rename="camel"):
    """An event that this consumer has not had.

    Attributes:
        log_id: the log's UUID, the key of its record.
        copy_of: in an execution that was forked, what this is a copy of. What was done for that one, such as
            to pay, is not to be done again.
        republished: the record may have been on the topic before; that it is new here says nothing of others.
        joined: the first of its log that this consumer has met, and not the log's first: the events before
            are in the history.
    """

    log_id: str = ""
    copy_of: Source | None = None
    republished: bool = msgspec.field(default=False, name="$republished")  # no name that an event may have
    joined: bool = msgspec.field(default=False, name="$joined")


class Gap(Struct, frozen=True):
    """Events of a log that did not come.

    Attributes:
        key: the log's UUID.
        expected: the ``eventId`` that comes next.
        found: the one that came.
    """

    key: str
    expected: int
    found: int

    def __str__(self) -> str:
        return (
            f"event {self.found} of log {self.key} came where event {self.expected} is next: they have "
            f"expired from the topic, or are lost there. `signoff topics republish --from {self.key}` brings "
            "them again, and the execution's history has them"
        )


class GapError(ClientError):
    """A log's events do not follow on each other, and its consumer must not go on.

    Attributes:
        gap: what is missing.
    """

    def __init__(self, gap: Gap) -> None:
        super().__init__(str(gap))
        self.gap = gap


class UnreadableRecordError(ClientError):
    """A record is no event, or its key or header says otherwise than its bytes: somebody has changed it."""


_event: Final = msgspec.json.Decoder(TopicEvent)


class Receiver:
    """Makes of records, some of them repeated, each event exactly once and in order.

    "Exactly once" holds for what is written in one transaction with the cursors. With a dict of cursors
    it holds as long as the process lives; another one reads the topic from its beginning.

    Args:
        cursors: the last ``eventId`` of each log: a dict, a :class:`SqlCursors`, or whatever else does as
            much. It grows by an entry for each log.
        start: ``beginning``: the consumer wants all of every log, and misses what comes before the first
            record; ``anywhere``: it takes a log from the first record on that it meets.
        on_gap: told of a gap, and that log's records are passed over until the missing one comes; without it
            a gap is raised. Either way nothing behind it is handed out.
    """

    def __init__(
        self,
        cursors: Cursors,
        *,
        start: Literal["beginning", "anywhere"] = "beginning",
        on_gap: Callable[[Gap], None] | None = None,
    ) -> None:
        self._cursors = cursors
        self._joins = start == "anywhere"
        self._on_gap = on_gap

    def events(self, records: Iterable[Record]) -> Iterator[TopicEvent]:
        """The events of records that are new.

        Each counts as handled, and its cursor moves, when the next is asked for: one whose handling raises
        comes again, and so does one after which the loop is left with ``break``.

        Args:
            records: in the order of their partition.

        Raises:
            GapError: events are missing, unless ``on_gap`` is told.
            UnreadableRecordError: a record is no event.
            CursorTakenError: another consumer was faster: roll back.
        """
        for key, value, headers in records:
            event = self.check(key, value, headers)
            if event is not None:
                yield event
                self.done(event)

    def check(self, key: bytes, value: bytes, headers: Headers | None = None) -> TopicEvent | None:
        """The event of a record; ``None`` when this consumer has had it. Moves no cursor.

        Args:
            key: the log's UUID as text.
            value: the event.
            headers: of the record.

        Raises:
            GapError: events are missing, unless ``on_gap`` is told.
            UnreadableRecordError: it is no event.
        """
        given = dict(headers or ())
        name = key.decode("utf-8", "replace")
        cursor = self._cursors.get(name)
        told = _number(given.get(_EVENT_ID))
        if told is not None and cursor is not None and told <= cursor:
            return None
        event = _read(name, value, told)
        if cursor is not None and event.event_id <= cursor:
            return None
        expected = 1 if cursor is None else cursor + 1
        joined = cursor is None and self._joins and event.event_id > expected
        if event.event_id != expected and not joined:
            self._miss(Gap(name, expected, event.event_id))
            return None
        workspace = given.get(_WORKSPACE)
        return msgspec.structs.replace(
            event,
            raw=value,
            log_id=name,
            workspace_id=None if workspace is None else workspace.decode("utf-8", "replace"),
            republished=given.get(_REPUBLISHED) == b"true",
            joined=joined,
        )

    def done(self, event: TopicEvent) -> None:
        """An event is handled: move its log's cursor.

        Raises:
            CursorTakenError: another consumer was faster: roll back.
        """
        self._cursors[event.log_id] = event.event_id

    def _miss(self, gap: Gap) -> None:
        if self._on_gap is None:
            raise GapError(gap)
        self._on_gap(gap)


def _number(header: bytes | None) -> int | None:
    """What a header says; what is no number is left to the event's own bytes."""
    return int(header) if header is not None and header.isdigit() and len(header) <= _DIGITS else None


def _read(key: str, value: bytes, told: int | None) -> TopicEvent:
    try:
        event = _event.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableRecordError(
            f"a record of log {key} is no event ({error}): `signoff topics verify` tells more"
        ) from error
    owner = event.log_id or event.execution_id
    if owner not in {None, key} or told not in {None, event.event_id}:
        raise UnreadableRecordError(
            f"a record is of log {key} by its key and event {told} by its header, and event "
            f"{event.event_id} of {owner} by its bytes: `signoff topics verify` tells more"
        )
    return event
