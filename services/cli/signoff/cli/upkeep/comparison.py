"""Compares the rows of a log with what follows from it, while executors may be writing to it."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from signoff.events.store.base import EventStore, ExecutionRow, PointRow, WorkflowRow
from signoff.events.store.upkeep import Derived
from signoff.events.store.words import execution_words
from signoff.executor.logs.derivation import Deriver, Reading
from signoff.executor.logs.loader import BrokenExecutionError

Table: TypeAlias = Literal["executions", "runs", "inbox", "workflows"]
"""What a projection is called."""

TRIES: Final = 5
"""How often a log that moves on meanwhile is read."""


class Compared(Struct, frozen=True, kw_only=True):
    """What became of a comparison.

    Attributes:
        reading: the log; ``None`` for one that cannot be folded, or moved on each time.
        kept: the rows that are there.
        differing: the projections whose rows are not what follows from the log.
        unfoldable: why it cannot be folded.
    """

    log_id: UUID
    reading: Reading | None = None
    kept: Derived | None = None
    differing: frozenset[Table] = frozenset()
    unfoldable: str | None = None

    @property
    def is_marked_broken(self) -> bool:
        """Whether an executor could not fold it."""
        return self.kept is not None and self.kept.execution is not None and bool(self.kept.execution.broken)

    @property
    def wakes(self) -> bool:
        """Whether something is in flight of which a new owner would not know."""
        if self.reading is None or self.kept is None:
            return False
        row, known = self.reading.derived.execution, self.kept.execution
        return row is not None and not row.parked and (known is None or known.parked)


async def compare(store: EventStore, deriver: Deriver, log_id: UUID) -> Compared:
    """Compare the rows of a log with its fold.

    Raises:
        StoreUnavailableError: the database is away.
        BlobError: the object store is away.
    """
    for _ in range(TRIES):
        try:
            reading = await deriver.read(log_id)
        except BrokenExecutionError as error:
            kept = Derived(log_id=log_id, version=0, execution=await store.execution(log_id))
            return Compared(log_id=log_id, kept=kept, unfoldable=error.reason)
        kept = await _kept(store, reading.derived)
        differing = await _differing(store, deriver, reading, kept)
        if (await store.heads([log_id])).get(log_id, 0) == reading.version:
            return Compared(log_id=log_id, reading=reading, kept=kept, differing=differing)
    return Compared(log_id=log_id)


def is_equal(reading: Reading, kept: Derived, runs: Mapping[UUID, UUID]) -> bool:
    """Whether rows are surely those that follow from a log; where not, :func:`compare` knows.

    Args:
        reading: the log of an execution.
        kept: its rows and its points, of about the same moment.
        runs: the logs of runs as the projection has them, among them this execution's.
    """
    row, derived = kept.execution, reading.derived
    if derived.workflow is not None or row is None or derived.execution is None:
        return derived.workflow is None and row is derived.execution and not kept.points
    return (
        row.broken is None
        and row.version == reading.version
        and _plain(row) == _plain(derived.execution)
        and all(runs.get(run.run_id) == run.log_id for run in derived.runs)
        and [_plain(point) for point in kept.points] == [_plain(point) for point in derived.points]
    )


def is_of_earlier_version(compared: Compared) -> bool:
    """Whether all that differs is what an execution's row has been given since it was written."""
    if compared.reading is None or compared.kept is None or compared.differing != {"executions"}:
        return False
    row, kept = compared.reading.derived.execution, compared.kept.execution
    if row is None or kept is None or kept.version != row.version:
        return False
    unforked = msgspec.structs.replace(row, forked_from=None)
    unsearched = msgspec.structs.replace(
        unforked, actor_type=None, actor_id=None, error=None, error_code=None, attributes={}
    )
    return _plain(kept) in map(_plain, (unsearched, unforked, row))  # the last: it has no words


async def _kept(store: EventStore, derived: Derived) -> Derived:
    known = await store.upkeep.runs([run.run_id for run in derived.runs])
    workflow = derived.workflow
    return Derived(
        log_id=derived.log_id,
        version=derived.version,
        execution=await store.execution(derived.log_id),
        workflow=workflow and await store.workflow(workflow.workspace_id, workflow.workflow_id),
        runs=tuple(run for run in derived.runs if known.get(run.run_id) == run.log_id),
        points=tuple(await store.upkeep.points(derived.log_id)),
    )


async def _differing(
    store: EventStore, deriver: Deriver, reading: Reading, kept: Derived
) -> frozenset[Table]:
    derived = reading.derived
    differing: set[Table] = set()
    if not await _same_execution(deriver, reading, kept.execution) or not await _is_found(store, kept):
        differing.add("executions")
    if kept.runs != derived.runs:
        differing.add("runs")
    if [_plain(row) for row in kept.points] != [_plain(row) for row in derived.points]:
        differing.add("inbox")
    if not _same_workflow(derived.workflow, kept.workflow):
        differing.add("workflows")
    return frozenset(differing)


async def _same_execution(deriver: Deriver, reading: Reading, kept: ExecutionRow | None) -> bool:
    """Whether a row is what follows from the log.

    While steps go on that lists do not show, the row stays what it was at an earlier version.
    """
    row = reading.derived.execution
    if row is None or kept is None:
        return row is kept
    if kept.broken is not None or not reading.shown <= kept.version <= reading.version:
        return False
    if kept.version < reading.version and not row.parked:
        row = (await deriver.read(row.log_id, upto=kept.version)).derived.execution
    return row is not None and _plain(row) == _plain(kept)


async def _is_found(store: EventStore, kept: Derived) -> bool:
    """Whether searches find an execution by the words of its row: one of an earlier version has none."""
    row = kept.execution
    return row is None or await store.upkeep.words(row.log_id) == set(execution_words(row))


def _same_workflow(derived: WorkflowRow | None, kept: WorkflowRow | None) -> bool:
    """Whether a row is what follows from the log. A moment that has come meanwhile may be due still."""
    if derived is None or kept is None:
        return derived is kept
    if (derived.due_at is None) != (kept.due_at is None):
        return False
    in_time = derived.due_at is None or kept.due_at is None or kept.due_at <= derived.due_at
    return in_time and _plain(kept) == _plain(msgspec.structs.replace(derived, due_at=kept.due_at))


def _plain(row: ExecutionRow | PointRow | WorkflowRow) -> list[object]:
    """A row's columns; times to the microsecond, as databases keep them."""
    return [
        round(value * 1_000_000) if isinstance(value, float) else value
        for value in msgspec.structs.astuple(row)
    ]
