"""An execution as it was: today's view of it, of any state."""

from msgspec.structs import asdict

from signoff.audit.life.folding import Folded
from signoff.engine.state import State
from signoff.events.blobs import BlobStore
from signoff.events.store.base import ExecutionRow
from signoff.events.times import iso
from signoff.events.types import Json
from signoff.gateway.executions.life_schemas import SourceView, StateView
from signoff.gateway.executions.views import pause_point, paused_brief, queue_entry
from signoff.gateway.links import Links
from signoff.gateway.schemas import ExecutionView


def execution_view(
    state: State, *, final_output: Json = None, block_outputs: dict[str, Json] | None = None
) -> ExecutionView:
    """How an execution is; outputs where they were asked for."""
    ended_at = state.ended_at
    return ExecutionView(
        execution_id=state.execution_id,
        workflow_id=state.workflow_id,
        status=state.status,
        trigger=state.trigger,
        started_at=iso(state.started_at),
        ended_at=None if ended_at is None else iso(ended_at),
        total_duration_ms=None if ended_at is None else round((ended_at - state.started_at) * 1000),
        paused=paused_brief(state),
        error=None if state.failure is None else state.failure.error,
        final_output=final_output,
        block_outputs=block_outputs,
    )


async def state_view(
    blobs: BlobStore, links: Links, row: ExecutionRow, folded: Folded, view: ExecutionView
) -> StateView:
    """An execution with all that it waits and waited for.

    Args:
        blobs: hold large values.
        links: completes those of pauses.
        row: of the execution, for whose values they are.
        folded: its state.
        view: the same as lists show it.

    Raises:
        BlobError: a large value cannot be read.
    """
    state = folded.state
    given: list[Json] = [state.input, state.variables]
    if folded.large:
        given = await blobs.resolve(given, workspace_id=row.workspace_id)
    return StateView(
        **asdict(view),
        event_id=state.version,
        at=iso(state.time),
        workflow_version=state.workflow_version,
        definition_digest=state.definition_digest,
        source=source_view(state),
        input=given[0],
        variables=given[1],
        pause_points=[pause_point(state, point, links) for point in state.points.values()],
        queue=[queue_entry(state, entry) for entry in state.entries.values()],
    )


def source_view(state: State) -> SourceView | None:
    """What an execution goes on from, if it does not begin with nothing."""
    source = state.source
    if source is None:
        return None
    return SourceView(execution_id=source.execution_id, event_id=source.event_id, kind=source.kind)
