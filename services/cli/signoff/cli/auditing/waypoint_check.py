"""Holds the waypoints of a unit's logs against the fold of the events before them."""

from collections import deque
from typing import Final
from uuid import UUID

from signoff.audit.life.folding import WAYPOINT, Folded, decode_waypoint
from signoff.audit.verify.execution import UNFOLDABLE
from signoff.audit.verify.faults import Fault, Place
from signoff.cli.auditing.units import Unit
from signoff.engine.state import State
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore, Recorded

_PAGE: Final = 1_000
_CAUSE: Final = (
    "somebody wrote to the table. States as of an event, and what was shown, compared or forked by them, may "
    "be wrong: delete the row, and it is made again"
)


class WaypointCheck:
    """Folds logs that have waypoints, as whoever made them, and compares.

    Args:
        store: has them.
        unit: whose logs are read, in order.
    """

    def __init__(self, store: EventStore, unit: Unit) -> None:
        self._store = store
        self._until = unit.until
        self._read_to = (unit.after, 2**62)  # behind the last one of the log before
        self._ahead: deque[tuple[UUID, int]] = deque()
        self._more = True
        self._log_id: UUID | None = None
        self._folded = Folded(State())

    async def take(self, log_id: UUID, events: list[Recorded]) -> list[Fault]:
        """Fold the next events of a log, all of which can be folded; what is wrong with its waypoints.

        Raises:
            StoreUnavailableError: the database is away.
        """
        if log_id != self._log_id:
            self._log_id, self._folded = log_id, Folded(State())
        faults: list[Fault] = []
        while events and (version := await self._next(log_id)) is not None:
            count = sum(event.version <= version for event in events)
            try:
                self._folded.take(events[:count])
            except UNFOLDABLE as error:
                self._ahead.popleft()
                return [*faults, _fault(log_id, version, f"cannot be compared: {error}")]
            if version > events[-1].version:
                break
            self._ahead.popleft()
            faults += await self._compare(log_id, version)
            events = events[count:]
        return faults

    async def _next(self, log_id: UUID) -> int | None:
        """The next waypoint of a log; those of logs before it are passed over."""
        while True:
            while self._ahead and self._ahead[0][0] < log_id:
                self._ahead.popleft()
            if self._ahead or not self._more:
                break
            after, version = self._read_to
            page = await self._store.upkeep.waypoints(
                after=after, version=version, until=self._until, limit=_PAGE
            )
            self._more = len(page) == _PAGE
            self._ahead += page
            self._read_to = page[-1] if page else self._read_to
        return self._ahead[0][1] if self._ahead and self._ahead[0][0] == log_id else None

    async def _compare(self, log_id: UUID, version: int) -> list[Fault]:
        waypoint = await self._store.waypoint(log_id, upto=version)
        if waypoint is None or (waypoint.version, waypoint.format) != (version, WAYPOINT):
            return []  # it was deleted meanwhile, or nobody reads it
        try:
            if decode_waypoint(waypoint) == self._folded:
                return []
        except CodecError as error:
            return [_fault(log_id, version, str(error))]
        return [_fault(log_id, version, "is not the state that follows from the log")]


def _fault(log_id: UUID, version: int, what: str) -> Fault:
    place = Place(log_id=str(log_id), event_id=version, table="fold_waypoints")
    meaning = f"the waypoint at event {version} {what}"
    return Fault(kind="projection", place=place, meaning=meaning, cause=_CAUSE)
