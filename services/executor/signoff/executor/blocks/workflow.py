"""``workflow`` and ``workflow_input``: calls another workflow and waits for its execution."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias
from uuid import UUID

import structlog

from signoff.engine.definitions.definition import Block
from signoff.engine.definitions.values import parse_json
from signoff.events.errors import StoreUnavailableError
from signoff.events.store.base import WorkflowRow
from signoff.events.types import Json
from signoff.executor.blocks.base import BlockFailureError, Call, Child, Plain, Tools

FindWorkflow: TypeAlias = Callable[[UUID, str], Awaitable[WorkflowRow | None]]
"""Gives the active version of a workspace's workflow, deployed or not: ``EventStore.workflow``."""

_PAUSE: Final = 0.5

_log = structlog.get_logger("signoff.executor.blocks")


class CallWorkflow(Plain):
    """Finds the version that is active now; the engine starts its execution.

    Args:
        find: where workflows are found.
    """

    def __init__(self, block: Block, names: Mapping[str, str], *, find: FindWorkflow) -> None:
        super().__init__(block, names)
        self._find = find

    async def run(self, call: Call, _: Tools) -> Child:
        """Name the version that is called, and the child's input.

        Raises:
            BlockFailureError: nothing is selected, or it takes no new executions.
        """
        workflow_id = call.params.get("workflowId")
        if not isinstance(workflow_id, str) or not workflow_id.strip():
            raise BlockFailureError(
                "No workflow selected for execution", code="INVALID_VALUE", retryable=False
            )
        row = await self._found(UUID(call.workspace_id), workflow_id.strip())
        if row is None or not row.is_deployed:
            raise BlockFailureError(
                "Child workflow is not deployed. Please deploy the workflow before invoking it.",
                code="WORKFLOW_NOT_DEPLOYED",
                retryable=False,
            )
        return Child(
            workflow_id=row.workflow_id,
            name=row.name,
            version=row.version,
            digest=row.digest,
            input=child_input(call.params),
        )

    async def _found(self, workspace_id: UUID, workflow_id: str) -> WorkflowRow | None:
        """Wait for a database that is away, as the log itself does; the block's time limit ends it."""
        while True:
            try:
                return await self._find(workspace_id, workflow_id)
            except StoreUnavailableError as error:
                _log.warning("the called workflow is looked for again", reason=str(error))
                await asyncio.sleep(_PAUSE)


def child_input(params: Mapping[str, Any]) -> Json:
    """A child's input: ``inputMapping``, an object or its JSON text, before ``input`` as it is.

    Args:
        params: the calling block's, references resolved.
    """
    mapping = params.get("inputMapping")
    if mapping is None:
        given = params.get("input")
        return {} if given is None else given
    if isinstance(mapping, str):
        mapping = parse_json(mapping, None)
    return mapping if isinstance(mapping, dict) else {}
