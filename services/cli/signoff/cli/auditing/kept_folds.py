"""Holds the waypoints and snapshots of a unit's logs against the fold of the events before them."""

from collections import deque
from typing import Final, Literal, Protocol
from uuid import UUID

from signoff.audit.life.folding import WAYPOINT, Folded, decode_waypoint
from signoff.audit.verify.execution import UNFOLDABLE
from signoff.audit.verify.faults import Fault, Place
from signoff.cli.auditing.units import Unit
from signoff.engine.state import State
from signoff.events.errors import CodecError
from signoff.events.store.base import EventStore, Recorded
from signoff.executor.logs.loaded import Loaded
from signoff.executor.logs.snapshots import bears_out

_PAGE: Final = 1_000
_CAUSES: Final = {
    "waypoint": (
        "somebody wrote to the table. States as of an event, and what was shown, compared or forked by them, "
        "may be wrong: delete the row, and it is made again"
    ),
    "snapshot": (
        "somebody wrote to the table. What was decided since may be wrong, and who was let in, if it is the "
        "directory's: delete the row, and it is made again; then restart what has it in memory"
    ),
}


class _Listing(Protocol):
    async def __call__(
        self, *, after: UUID, version: int, until: UUID, limit: int
    ) -> list[tuple[UUID, int]]: ...


class _Marks:
    """At which events of a unit's logs something is kept; asked for log by log, in order."""

    def __init__(self, listing: _Listing, unit: Unit) -> None:
        self._listing = listing
        self._until = unit.until
        self._read_to = (unit.after, 2**62)  # behind the last one of the log before
        self._ahead: deque[tuple[UUID, int]] = deque()
        self._more = True

    async def next(self, log_id: UUID) -> int | None:
        """The next event of a log at which something is kept; what logs before it have is passed over."""
        while True:
            while self._ahead and self._ahead[0][0] < log_id:
                self._ahead.popleft()
            if self._ahead or not self._more:
                break
            after, version = self._read_to
            page = await self._listing(after=after, version=version, until=self._until, limit=_PAGE)
            self._more = len(page) == _PAGE
            self._ahead += page
            self._read_to = page[-1] if page else self._read_to
        return self._ahead[0][1] if self._ahead and self._ahead[0][0] == log_id else None

    def passed(self) -> None:
        """That one was looked at."""
        self._ahead.popleft()


class WaypointCheck:
    """Folds logs that have waypoints, as whoever made them, and compares.

    Args:
        store: has them.
        unit: whose logs are read, in order.
    """

    def __init__(self, store: EventStore, unit: Unit) -> None:
        self._store = store
        self._marks = _Marks(store.upkeep.waypoints, unit)
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
        while events and (version := await self._marks.next(log_id)) is not None:
            count = sum(event.version <= version for event in events)
            try:
                self._folded.take(events[:count])
            except UNFOLDABLE as error:
                self._marks.passed()
                return [*faults, _fault("waypoint", log_id, version, f"cannot be compared: {error}")]
            if version > events[-1].version:
                break
            self._marks.passed()
            faults += await self._compare(log_id, version)
            events = events[count:]
        return faults

    async def _compare(self, log_id: UUID, version: int) -> list[Fault]:
        waypoint = await self._store.waypoint(log_id, upto=version)
        if waypoint is None or (waypoint.version, waypoint.format) != (version, WAYPOINT):
            return []  # it was deleted meanwhile, or nobody reads it
        try:
            is_right = decode_waypoint(waypoint) == self._folded
        except CodecError as error:
            return [_fault("waypoint", log_id, version, str(error))]
        return [] if is_right else [_fault("waypoint", log_id, version)]


class SnapshotCheck:
    """Compares snapshots with a fold that somebody else makes.

    Args:
        store: has them.
        unit: whose logs are read, in order.
    """

    def __init__(self, store: EventStore, unit: Unit) -> None:
        self._store = store
        self._marks = _Marks(store.upkeep.snapshots, unit)

    async def parts(self, log_id: UUID, events: list[Recorded]) -> list[list[Recorded]]:
        """The next events of a log, divided behind the one that its snapshot stands at.

        Raises:
            StoreUnavailableError: the database is away.
        """
        version = await self._marks.next(log_id)
        count = len(events) if version is None else sum(event.version <= version for event in events)
        return [part for part in (events[:count], events[count:]) if part]

    async def compare(self, loaded: Loaded) -> list[Fault]:
        """What is wrong with the snapshot of a log that is folded so far, if it stands there.

        Raises:
            StoreUnavailableError: the database is away.
        """
        log_id, version = loaded.log_id, loaded.state.version
        if await self._marks.next(log_id) != version:
            return []
        self._marks.passed()
        snapshot = await self._store.snapshot(log_id)
        try:
            is_right = snapshot is None or bears_out(loaded, snapshot)
        except CodecError as error:
            return [_fault("snapshot", log_id, version, str(error))]
        return [] if is_right else [_fault("snapshot", log_id, version)]


def _fault(
    kind: Literal["waypoint", "snapshot"],
    log_id: UUID,
    version: int,
    what: str = "is not the state that follows from the log",
) -> Fault:
    place = Place(log_id=str(log_id), event_id=version, table=f"fold_{kind}s")
    meaning = f"the {kind} at event {version} {what}"
    return Fault(kind="projection", place=place, meaning=meaning, cause=_CAUSES[kind])
