"""What is missing of logs on a partition, as those who consume it meet that.

What is missing of a log stops that log alone, until it comes, and what follows on it comes again: then nobody
has missed anything.
"""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.audit.verify.faults import Fault, Place
from signoff.audit.verify.topic_records import LOSER, PUBLISHER
from signoff.events.bus.base import Message
from signoff.events.store.base import Recorded
from signoff.events.topics import EXECUTIONS

_MOST: Final = 10_000
"""Logs of a partition that are followed at once while something of them is missing."""


class _Missing(Struct):
    """A log of which something is missing.

    Attributes:
        expected: the version that consumers wait for.
        last: the last version that was passed over meanwhile.
        position: of the event that is missing.
        late: the offset at which it did come, behind what follows on it.
    """

    expected: int
    last: int
    position: int
    late: int | None = None


class Gaps:
    """Follows logs of which something is missing.

    Args:
        partition: of the topic.
    """

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._missing: dict[UUID, _Missing] = {}

    def miss(self, event: Recorded) -> None:
        """An event of the log is not where it should be on the topic."""
        missing = self._missing.get(event.log_id)
        if missing is not None:
            missing.last = event.version
        elif len(self._missing) < _MOST:
            self._missing[event.log_id] = _Missing(event.version, event.version, event.position)

    def follow(self, event: Recorded) -> None:
        """An event is there; where one before it is missing, it must come again."""
        missing = self._missing.get(event.log_id)
        if missing is not None:
            missing.last = event.version

    def comes_late(self, record: Message, event: Recorded) -> bool:
        """Whether a record of an earlier event is the one that its log waits for."""
        missing = self._missing.get(event.log_id)
        if missing is None or event.version != missing.expected:
            return False
        missing.late = record.offset if missing.late is None else missing.late
        missing.expected += 1
        if missing.expected > missing.last:
            del self._missing[event.log_id]
        return True

    def forget(self) -> None:
        """Follow none of them any more: one fault says it of all."""
        self._missing.clear()

    def faults(self) -> Iterator[Fault]:
        """What is missing still."""
        for log_id, missing in self._missing.items():
            yield self._fault(log_id, missing)

    def _fault(self, log_id: UUID, missing: _Missing) -> Fault:
        place = Place(
            topic=EXECUTIONS, partition=self._partition, offset=missing.late, log_id=str(log_id),
            event_id=missing.expected, position=missing.position,
        )  # fmt: skip
        if missing.late is not None:
            meaning = (
                f"event {missing.expected} stands before events that come before it, and does not come "
                "again behind them"
            )
            return Fault(kind="topic", place=place, meaning=meaning, cause=PUBLISHER)
        several = missing.last - missing.expected
        behind = f", and {several} that follow on it wait for it in vain" if several else ""
        meaning = f"event {missing.expected} is not on the topic{behind}"
        return Fault(kind="topic", place=place, meaning=meaning, cause=LOSER)
