"""What operators' tools need of a log beyond what services do: all logs, projections anew, others' leases."""

from collections.abc import Collection
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from signoff.events.store.base import ExecutionRow, Lease, PointRow, Row, RunRow, WorkflowRow

NO_LOG: Final = UUID(int=0)
"""Before every log, in their order."""


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


def rows_of(derived: Derived) -> list[Row]:
    """All rows, for an append."""
    several = (derived.execution, derived.workflow, *derived.runs, *derived.points)
    return [row for row in several if row is not None]


class Upkeep(Protocol):
    """The port of ``signoff doctor`` and ``signoff recover``. Errors are those of the store."""

    async def now(self) -> float:
        """The time by the clock that leases run by, in seconds since the epoch."""
        ...

    async def logs(self, *, after: UUID = NO_LOG, limit: int) -> list[UUID]:
        """The ids of logs that have events, or rows of an execution or a point, in order."""
        ...

    async def points(self, log_id: UUID) -> list[PointRow]:
        """The points of an execution that inboxes find: one that lacks a list or a word is left out."""
        ...

    async def runs(self, run_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The logs of runs, as the projection has them; those unknown are left out."""
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
