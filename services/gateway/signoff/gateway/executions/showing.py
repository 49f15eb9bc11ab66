"""How an execution is shown: as it is or was, with the outputs that are asked for."""

import re
from operator import itemgetter
from typing import Final

from msgspec import Struct

from signoff.audit.life.folding import Folded, state_as_of
from signoff.engine.state import State
from signoff.events.store.base import ExecutionRow
from signoff.events.types import Json
from signoff.gateway.executions.history import fold
from signoff.gateway.executions.life_schemas import StateView
from signoff.gateway.executions.moments import read_event_id
from signoff.gateway.executions.selection import select
from signoff.gateway.executions.state_views import execution_view, state_view
from signoff.gateway.gateway import Gateway, find_definition
from signoff.gateway.http.moments import EventOrMoment
from signoff.gateway.http.queries import ByCommas
from signoff.gateway.schemas import ExecutionView

_BRANCH: Final = re.compile(r"₍(\d+)₎")
_BRANCHES: Final = re.compile(r"(?:₍\d+₎)+")


class ViewQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is shown of an execution.

    Attributes:
        include_output: Show the output of the run that ended last.
        selected_outputs: Blocks whose outputs to show, each as `Block`, `Block.path` or `id.path`.
        as_of: As it was after this event, or at this moment, in place of now.
    """

    include_output: bool = False
    selected_outputs: ByCommas[str] = []
    as_of: EventOrMoment | None = None


async def folded_as_of(gateway: Gateway, row: ExecutionRow, as_of: str | None) -> Folded:
    """An execution as it is now, or as it was.

    Raises:
        ApiError: 400, the text names no event; 422, it has no such event.
    """
    if as_of is None:
        return await fold(gateway.store, row.log_id)
    event_id = await read_event_id(gateway, row, "asOf", as_of)
    return await state_as_of(gateway.store, row.log_id, upto=event_id)


async def shown(gateway: Gateway, row: ExecutionRow, folded: Folded, query: ViewQuery) -> ExecutionView:
    """How an execution is, with the outputs that were asked for."""
    return execution_view(
        folded.state,
        final_output=await final_output(gateway, row, folded) if query.include_output else None,
        block_outputs=await block_outputs(gateway, row, folded, query.selected_outputs)
        if query.selected_outputs
        else None,
    )


async def final_output(gateway: Gateway, row: ExecutionRow, folded: Folded) -> Json:
    """What the run that ended last gave, be it a pause."""
    if not folded.last_ending:
        return None
    return (await gateway.endings.read(row.workspace_id, row.log_id, folded.last_ending)).output


async def block_outputs(
    gateway: Gateway, row: ExecutionRow, folded: Folded, texts: list[str]
) -> dict[str, Json]:
    """The outputs that ``selectedOutputs`` names, by its texts.

    Raises:
        ApiError: 400, a text names no block.
    """
    definition = await find_definition(gateway, row.workspace_id, row.workflow_id, row.workflow_version)
    outputs: dict[str, Json] = {}
    for selected in select(texts, definition):
        output = folded.state.outputs.get(selected.block_id)
        branches = [] if output is not None else _branches(folded.state, selected.block_id)
        value = [output, *branches]
        if folded.large:
            value = await gateway.blobs.resolve(value, workspace_id=row.workspace_id)
        picked = [selected.pick(each) for each in value]
        outputs[selected.text] = picked[1:] if branches else picked[0]
    return outputs


def _branches(state: State, block_id: str) -> list[Json]:
    """The outputs of a block in a parallel, one for each branch that it ended in, in their order."""
    found = [
        (tuple(map(int, _BRANCH.findall(marks))), output)
        for key, output in state.outputs.items()
        if key.startswith(block_id) and _BRANCHES.fullmatch(marks := key[len(block_id) :])
    ]
    return [output for _, output in sorted(found, key=itemgetter(0))]


class StateQuery(ViewQuery, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is shown of an execution.

    Attributes:
        include_output: Show the output of the run that ended last.
        selected_outputs: Blocks whose outputs to show, each as `Block`, `Block.path` or `id.path`.
        as_of: As it was after this event, or at this moment, in place of now.
    """


async def state_of(gateway: Gateway, row: ExecutionRow, query: ViewQuery) -> tuple[Folded, StateView]:
    """An execution as it is, or as it was after an event: folded, and as callers see it.

    Raises:
        ApiError: 400, it has no such event.
        BlobError: a large value cannot be read.
    """
    folded = await folded_as_of(gateway, row, query.as_of)
    view = await shown(gateway, row, folded, query)
    return folded, await state_view(gateway.blobs, gateway.links, row, folded, view)
