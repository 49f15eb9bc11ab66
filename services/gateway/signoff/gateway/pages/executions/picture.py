"""The graph of the version that an execution runs."""

from typing import Any

from aiohttp import web

from signoff.engine.state import State
from signoff.events.store.base import ExecutionRow
from signoff.gateway.gateway import GATEWAY, find_definition
from signoff.gateway.pages.graph.drawing import Drawing
from signoff.gateway.pages.graph.kept import DRAWINGS


async def picture_of(request: web.Request, row: ExecutionRow, state: State) -> Drawing:
    """The graph that an execution runs through.

    Raises:
        ApiError: 404, its version is not in the log.
    """

    async def read() -> dict[str, Any]:
        gateway = request.app[GATEWAY]
        document = await find_definition(gateway, row.workspace_id, row.workflow_id, state.workflow_version)
        if not isinstance(document, dict):
            raise TypeError("a definition is an object")
        return document

    return await request.app[DRAWINGS].of(read, digest=state.definition_digest)
