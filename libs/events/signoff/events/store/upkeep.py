"""What tools of operators and auditors need of a log beyond what services do: all of it, rows, leases."""

from collections.abc import Collection
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from signoff.events.store.entries import Lease, Recorded
from signoff.events.store.projections import ExecutionRow, PointRow, Row, RunRow, WorkflowRow

NO_LOG: Final = UUID(int=0)
"""Before every log, in their order …"""

LAST_LOG: Final = UUID(int=2**128 - 1)
"""… and not before any."""


class Derived(Struct, frozen=True, kw_only=True):
    """All rows that follow from a log, as it is up to one of its versions.

    ``version`` is that of its last event; 0, and no rows, for a log that does not exist.
    """

    log_id: UUID
    version: int
    execution: ExecutionRow | None = None
    workflow: WorkflowRow | None = None
    runs: tuple[RunRow, ...] = ()
    points: tuple[PointRow, ...] = ()


class Misshapen(Struct, frozen=True, kw_only=True):
    """A row that holds something else than its columns may: whoever reads passes over it.

    Attributes:
        table: whose row it is; a projection's by its name.
        log_id: whose it is, where that can be told.
        version: the same of an event.
        position: the same.
        found: what it holds, in words.
    """

    table: str
    log_id: UUID | None = None
    version: int | None = None
    position: int | None = None
    found: str


def rows_of(derived: Derived) -> list[Row]:
    """All rows, for an append."""
    several = (derived.execution, derived.workflow, *derived.runs, *derived.points)
    return [row for row in several if row is not None]


def kept_rows(executions: list[ExecutionRow], points: list[PointRow]) -> list[Derived]:
    """The rows of executions put together by their logs, in order."""
    by_log: dict[UUID, list[PointRow]] = {}
    for point in points:
        by_log.setdefault(point.log_id, []).append(point)
    rows = {row.log_id: row for row in executions}
    return [
        Derived(
            log_id=log_id, version=0, execution=rows.get(log_id), points=tuple(by_log.get(log_id, ()))
        )
        for log_id in sorted({*rows, *by_log})
    ]  # fmt: skip


class Upkeep(Protocol):
    """The port of ``signoff doctor``, ``recover`` and ``audit verify``. Errors are those of the store."""

    async def now(self) -> float:
        """The time by the clock that leases run by, in seconds since the epoch."""
        ...

    async def logs(self, *, after: UUID = NO_LOG, limit: int) -> list[UUID]:
        """The ids of logs that have events, or rows of an execution or a point, in order."""
        ...

    async def scan(self, *, after: UUID, version: int, until: UUID, limit: int, size: int) -> list[Recorded]:
        """Events by log and version: how all of a log is read in bounded memory, a page at a time.

        Args:
            after: the log to go on with …
            version: … after this version of it.
            until: the last log.
            limit: at most so many events.
            size: bytes of states; once the page has them it ends.
        """
        ...

    async def history(self, *, after: int, limit: int, size: int) -> list[Recorded]:
        """Events of all logs by position, in large pages: how all of it is taken elsewhere.

        Args:
            after: positions above this one.
            limit: at most so many events.
            size: bytes of states; once the page has them it ends.
        """
        ...

    async def misshapen(self, *, limit: int) -> list[Misshapen]:
        """Rows that no event and no row of this version is like, which reading passes over.

        Args:
            limit: at most so many events, and so many rows of projections.
        """
        ...

    async def rows(self, *, after: UUID, until: UUID, limit: int) -> list[Derived]:
        """The rows of executions and their points as they are kept, by log, without workflows and runs.

        Args:
            after: of logs above this one …
            until: … up to this one.
            limit: at most so many executions. With as many, the page covers no log after the last of them.

        Raises:
            MisshapenRowError: one of them is none.
        """
        ...

    async def points(self, log_id: UUID) -> list[PointRow]:
        """The points of an execution that inboxes find: one that lacks a list or a word is left out."""
        ...

    async def words(self, log_id: UUID) -> set[str]:
        """The words that a search finds an execution by; none where its row has changed since they were."""
        ...

    async def wordless(self) -> int:
        """How many executions have no words, or those of an earlier version of their row."""
        ...

    async def give_words(self) -> None:
        """Give words to those, a page in a transaction. Meanwhile searches read their rows.

        Where a row is none it ends, with a warning: what is left is for ``signoff doctor``.
        """
        ...

    async def runs(self, run_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The logs of runs, as the projection has them; those unknown are left out."""
        ...

    async def waypoints(
        self, *, after: UUID, version: int, until: UUID, limit: int
    ) -> list[tuple[UUID, int]]:
        """The waypoints that are kept of logs: log and version of each, in that order.

        Args:
            after: the log to go on with …
            version: … after this version of it.
            until: the last log.
            limit: at most so many.
        """
        ...

    async def snapshots(
        self, *, after: UUID, version: int, until: UUID, limit: int
    ) -> list[tuple[UUID, int]]:
        """The snapshots that are kept of logs, as :meth:`waypoints` tells those; one of a log."""
        ...

    async def put_derived(self, derived: Derived) -> bool:
        """Put the rows of a log in place of those that are there, if it still has that version.

        No append comes between: it holds the writers' lock. So no row is replaced by an older one.

        Returns:
            Whether it was done; otherwise the log has moved on, and nothing was written.
        """
        ...

    async def seize(self, partitions: Collection[int], *, owner: str, ttl: float) -> list[Lease]:
        """Take partitions, whoever holds them, each with a raised epoch: their owners can write no more."""
        ...

    async def settle_dead(self, partition: int, offset: int, *, settled: str, by: str) -> bool:
        """Note what became of a dead command: it counts no longer.

        Args:
            partition: where it lies.
            offset: likewise.
            settled: what became of it.
            by: whose doing that was.

        Returns:
            Whether there was such a command.
        """
        ...
