"""``runFromBlock``: what an execution takes from an earlier one to begin in the middle of a workflow.

The graph is that of the version that is active now. Outputs are taken by block id: a block that is gone is
forgotten, and one that is new, and stands on the way to where the run begins, has not been executed.
"""

import asyncio
from collections.abc import Mapping
from typing import Final, cast, get_args

from msgspec import UNSET, Struct, UnsetType

from signoff.access.callers import Principal
from signoff.engine.definitions.catalog import TriggerKind, find_entry
from signoff.engine.definitions.definition import decode
from signoff.engine.definitions.graph import Graph, compile_graph, fires, following
from signoff.engine.state import PausePoint, State
from signoff.events.codec import encode_json
from signoff.events.store.base import ExecutionRow, WorkflowRow
from signoff.events.store.search import Search
from signoff.events.types import Json, Source
from signoff.gateway.errors import ApiError, Detail, bad_request
from signoff.gateway.executions.history import fold
from signoff.gateway.executions.origins import source_of
from signoff.gateway.gateway import Gateway, find_execution
from signoff.gateway.schemas import RunFromBlock

LATEST: Final = "latest"
"""In place of an execution's id: the newest of the workflow."""

_OUTPUTS: Final = 384 * 1024
_VARIABLES: Final = 64 * 1024


class Past(Struct, frozen=True, kw_only=True):
    """What lies before the first block of a run. Values are in stored form.

    Attributes:
        source: where it is from.
        trigger_block_id: the start block of the source.
        start_block_id: the block to begin with; ``None`` where that is the start block itself.
        outputs: of the blocks before it, by id.
        variables: of the workflow, as the source left them.
        input: of the source, resolved, where the run begins with the start block.
    """

    source: Source
    trigger_block_id: str
    start_block_id: str | None
    outputs: dict[str, Json] = {}
    variables: dict[str, Json] = {}
    input: Json | UnsetType = UNSET


async def past_of(
    gateway: Gateway, caller: Principal, workflow: WorkflowRow, definition: Json, wanted: RunFromBlock
) -> Past:
    """Read what a run from a block takes from its source.

    Args:
        gateway: the ports.
        caller: who asks.
        workflow: its active version runs.
        definition: that version, in Sim's serialized form.
        wanted: from which block, and of which execution.

    Raises:
        ApiError: 400, there is no such execution or block, or it cannot be begun with.
        BlobError: a large value cannot be moved.
    """
    row = await _source(gateway, caller, workflow, wanted.execution_id)
    state = (await fold(gateway.store, row.log_id)).state
    graph = await asyncio.to_thread(_graph, definition, state)
    outputs = _executed(state)
    check_start(graph, wanted.start_block_id, outputs)
    source = source_of(row, state, "run-from-block")
    blobs, workspace_id = gateway.blobs, row.workspace_id
    if wanted.start_block_id == graph.entry:
        given = await blobs.resolve(state.input, workspace_id=workspace_id)
        return Past(source=source, trigger_block_id=graph.entry, start_block_id=None, input=given)
    past = Past(
        source=source,
        trigger_block_id=graph.entry,
        start_block_id=wanted.start_block_id,
        outputs=await blobs.shrink(
            before(graph, wanted.start_block_id, outputs), workspace_id=workspace_id, budget=_OUTPUTS
        ),
        variables=await blobs.shrink(state.variables, workspace_id=workspace_id, budget=_VARIABLES),
    )
    if len(encode_json([past.outputs, past.variables])) > _OUTPUTS + _VARIABLES:
        raise _refusal("executionId", "The execution has too many outputs for another one to begin with")
    return past


async def _source(
    gateway: Gateway, caller: Principal, workflow: WorkflowRow, execution_id: str
) -> ExecutionRow:
    missing = f"No execution state found for execution {execution_id}. Run the full workflow first."
    if execution_id != LATEST:
        try:
            return await find_execution(
                gateway, caller, execution_id, workflow_id=workflow.workflow_id, missing=missing
            )
        except ApiError as error:
            raise _refusal("executionId", str(error)) from error
    of_workflow = Search(workspace_id=workflow.workspace_id, workflow_ids=(workflow.workflow_id,))
    rows = await gateway.store.executions(of_workflow, limit=1)
    if not rows:
        raise _refusal("executionId", "No execution state found for workflow. Run the full workflow first.")
    return rows[0]


def _graph(definition: Json, state: State) -> Graph:
    """The active definition, compiled for the block that the source began with."""
    decoded = decode(definition)
    entry = find_entry(decoded.blocks, trigger_kind(state.trigger), state.trigger_block_id)
    if entry is None:
        raise _refusal("executionId", "The workflow no longer has the block that this execution started with")
    return compile_graph(decoded, entry.id)


def trigger_kind(trigger: str) -> TriggerKind:
    """How a run starts that an execution's ``trigger`` names; any other starts as a call does."""
    return cast("TriggerKind", trigger) if trigger in get_args(TriggerKind) else "api"


def input_format(definition: Json, trigger: str) -> Json:
    """The fields of the block that a run starts with, as the definition has them."""
    entry = find_entry(decode(definition).blocks, trigger_kind(trigger))
    return None if entry is None else entry.params.get("inputFormat")


def _executed(state: State) -> dict[str, Json]:
    """The outputs of blocks that ended, in stored form; a pause that nobody decided has not."""
    waiting = {point.block_id for point in state.points.values() if not _is_decided(state, point)}
    return {block_id: output for block_id, output in state.outputs.items() if block_id not in waiting}


def _is_decided(state: State, point: PausePoint) -> bool:
    return point.entry_id is not None and state.entries[point.entry_id].run_id in state.runs


def check_start(graph: Graph, start: str, outputs: Mapping[str, Json]) -> None:
    """Make sure that a run can begin with a block.

    Args:
        graph: what runs.
        start: the block's id.
        outputs: of the blocks that the source executed.

    Raises:
        ApiError: 400, it is not there, stands in a container, or one before it was not executed.
    """
    node = graph.nodes.get(start)
    if node is None:
        raise _refusal("startBlockId", f"Block not found in workflow: {start}")
    if node.around:
        container = node.around[-1]
        kind = graph.containers[container].kind
        raise _refusal("startBlockId", f"Cannot run from block inside {kind}: {container}")
    missing = _not_executed(graph, start, outputs)
    if missing is not None:
        raise _refusal("startBlockId", f"Upstream dependency not executed: {missing}")


def _not_executed(graph: Graph, start: str, outputs: Mapping[str, Json]) -> str | None:
    """A block that leads to ``start``, was reached over edges that fired, and has no output."""
    seen = {graph.entry}
    pending = [graph.entry]
    while pending:
        block_id = pending.pop()
        if block_id == start:
            continue
        if block_id not in outputs:
            if start in following(graph, block_id):
                return block_id
            continue
        output = outputs[block_id]
        failed = isinstance(output, dict) and output.keys() == {"error"}
        for edge in graph.nodes[block_id].edges:
            if edge.target not in seen and fires(edge, output=output, failed=failed):
                seen.add(edge.target)
                pending.append(edge.target)
    return None


def before(graph: Graph, start: str, outputs: Mapping[str, Json]) -> dict[str, Json]:
    """The outputs of blocks that do not run again.

    A block in a loop has that of its last iteration; those of single branches are not among them.
    """
    again = following(graph, start)
    return {
        block_id: outputs[block_id]
        for block_id, node in graph.nodes.items()
        if block_id in outputs and (node.around[0] if node.around else block_id) not in again
    }


def _refusal(field: str, message: str) -> ApiError:
    return bad_request(message, Detail(f"runFromBlock.{field}", message))
