"""What is made of an execution's log for its pages."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

from signoff.audit.life.folding import Folded, state_as_of
from signoff.events.store.base import EventStore, Recorded
from signoff.events.store.paging import bytes_of
from signoff.gateway.pages.executions.look import Look
from signoff.gateway.pages.executions.timeline import Timeline
from signoff.gateway.pages.executions.trace import Trace

_STATE: Final = 4 * 1024 * 1024
"""Bytes of a log whose state is kept, too: it has values that the events have, and a trace has none."""

_AN_EVENT: Final = 250
"""Bytes that an event takes in a trace, about."""


class Seen(Struct, frozen=True, kw_only=True):
    """An execution as a page shows it.

    Attributes:
        look: at the execution after an event.
        timeline: of its blocks up to then.
        now: the moment up to which the timeline goes, seconds since the epoch.
        trace: of its log, to which later events are added.
    """

    look: Look
    timeline: Timeline
    now: float
    trace: Trace


class Traced:
    """What happened to the blocks of an execution, and how it stands, as far as its log was taken.

    Attributes:
        trace: of the log.
        seen: how the execution was shown last as of now.
    """

    def __init__(self) -> None:
        self.trace = Trace()
        self.seen: Seen | None = None
        self._folded: Folded | None = None
        self._bytes = 0

    @property
    def version(self) -> int:
        """The last event that was taken."""
        return self.trace.version

    @property
    def weight(self) -> int:
        """The bytes that it takes, about: a trace has no values, however large the log is."""
        return self.version * _AN_EVENT + (self._bytes if self._bytes <= _STATE else 0)

    def take(self, page: Sequence[Recorded]) -> None:
        """Take further events.

        Raises:
            CodecError: bytes that are no event.
            ValueError: an event does not follow.
        """
        self.trace.take(page)
        self._bytes += bytes_of(page)
        if self._bytes > _STATE:
            self._folded = None
        elif self._folded is not None:
            self._folded.take(page)

    async def state(self, store: EventStore, log_id: UUID) -> Folded:
        """The execution after the last event that was taken. It changes when more is taken.

        Raises:
            CodecError: the log holds what is no event.
            ValueError: the log cannot be folded.
            StoreUnavailableError: the database is away.
        """
        folded = self._folded or await state_as_of(store, log_id, upto=self.version)
        if self._bytes <= _STATE:
            self._folded = folded
        return folded
