"""What operators' tools do in a log in memory."""

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from uuid import UUID

from msgspec import Struct

from signoff.events.store.base import DeadCommand, ExecutionRow, Lease, PointRow, Recorded, Row, Snapshot
from signoff.events.store.paging import page_of
from signoff.events.store.upkeep import NO_LOG, Derived, Misshapen, kept_rows, rows_of
from signoff.events.store.words import execution_words


class MemoryTables(Struct, frozen=True, kw_only=True):
    """The parts of a log in memory that its upkeep looks at and changes."""

    logs: Mapping[UUID, Sequence[Recorded]]
    executions: MutableMapping[UUID, ExecutionRow]
    runs: MutableMapping[UUID, UUID]
    points: MutableMapping[tuple[UUID, str], PointRow]
    dead: MutableMapping[tuple[int, int], DeadCommand]
    snapshots: Mapping[UUID, Snapshot]
    waypoints: Mapping[UUID, Mapping[int, Snapshot]]


class MemoryUpkeep:
    """An :class:`~.upkeep.Upkeep` of a log in memory.

    Args:
        tables: its rows.
        put: puts a row.
        take: takes a partition for an owner, up to a moment.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        tables: MemoryTables,
        *,
        put: Callable[[Row], None],
        take: Callable[[int, str, float], Lease],
        clock: Callable[[], float],
    ) -> None:
        self._tables = tables
        self._put = put
        self._take = take
        self._clock = clock

    async def now(self) -> float:
        """The time by this process's clock."""
        return self._clock()

    async def logs(self, *, after: UUID = NO_LOG, limit: int) -> list[UUID]:
        """The ids of logs that have events, or rows of an execution or a point, in order."""
        tables = self._tables
        known = {*tables.logs, *tables.executions, *(log_id for log_id, _ in tables.points)}
        return sorted(log_id for log_id in known if log_id > after)[:limit]

    async def scan(self, *, after: UUID, version: int, until: UUID, limit: int, size: int) -> list[Recorded]:
        """Events by log and version."""
        events = (
            event
            for log_id in sorted(self._tables.logs)
            if after <= log_id <= until
            for event in self._tables.logs[log_id]
            if (log_id, event.version) > (after, version)
        )
        return list(page_of(events, limit=limit, size=size))

    async def history(self, *, after: int, limit: int, size: int) -> list[Recorded]:
        """Events of all logs by position."""
        events = (event for log in self._tables.logs.values() for event in log if event.position > after)
        by_position = sorted(events, key=lambda event: event.position)
        return list(page_of(by_position, limit=limit, size=size))

    async def misshapen(self, *, limit: int) -> list[Misshapen]:  # noqa: ARG002
        """None: values in memory have their types."""
        return []

    async def rows(self, *, after: UUID, until: UUID, limit: int) -> list[Derived]:
        """The rows of executions and their points as they are kept, by log."""
        known = sorted(log_id for log_id in self._tables.executions if after < log_id <= until)[:limit]
        until = known[-1] if len(known) == limit else until
        points = (row for row in self._tables.points.values() if after < row.log_id <= until)
        return kept_rows(
            [self._tables.executions[log_id] for log_id in known],
            sorted(points, key=lambda row: (row.log_id, row.context_id)),
        )

    async def points(self, log_id: UUID) -> list[PointRow]:
        """The points of an execution that inboxes find."""
        found = (row for row in self._tables.points.values() if row.log_id == log_id)
        return sorted(found, key=lambda row: row.context_id)

    async def words(self, log_id: UUID) -> set[str]:
        """The words that a search finds an execution by."""
        row = self._tables.executions.get(log_id)
        return set() if row is None else set(execution_words(row))

    async def wordless(self) -> int:
        """None: a search makes the words of a row."""
        return 0

    async def give_words(self) -> None:
        """Nothing is without."""

    async def runs(self, run_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The logs of runs, as the projection has them."""
        return {each: self._tables.runs[each] for each in run_ids if each in self._tables.runs}

    async def waypoints(
        self, *, after: UUID, version: int, until: UUID, limit: int
    ) -> list[tuple[UUID, int]]:
        """The waypoints that are kept of logs: log and version of each, in that order."""
        every = ((log_id, each) for log_id, kept in self._tables.waypoints.items() for each in kept)
        return sorted(each for each in every if each > (after, version) and each[0] <= until)[:limit]

    async def snapshots(
        self, *, after: UUID, version: int, until: UUID, limit: int
    ) -> list[tuple[UUID, int]]:
        """The snapshots that are kept of logs: log and version of each, in that order."""
        every = ((log_id, kept.version) for log_id, kept in self._tables.snapshots.items())
        return sorted(each for each in every if each > (after, version) and each[0] <= until)[:limit]

    async def put_derived(self, derived: Derived) -> bool:
        """Put the rows of a log in place of those that are there, if it still has that version."""
        tables = self._tables
        events = tables.logs.get(derived.log_id)
        if (events[-1].version if events else 0) != derived.version:
            return False
        for point in await self.points(derived.log_id):
            del tables.points[point.log_id, point.context_id]
        tables.executions.pop(derived.log_id, None)
        for row in rows_of(derived):
            self._put(row)
        return True

    async def seize(self, partitions: Collection[int], *, owner: str, ttl: float) -> list[Lease]:
        """Take partitions, whoever holds them, each with a raised epoch."""
        until = self._clock() + ttl
        return [self._take(number, owner, until) for number in sorted(partitions)]

    async def settle_dead(self, partition: int, offset: int, *, settled: str, by: str) -> bool:  # noqa: ARG002
        """Take a dead command away: nothing here outlives its process."""
        return self._tables.dead.pop((partition, offset), None) is not None
