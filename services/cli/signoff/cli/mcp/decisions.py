"""Tools about decisions: what waits for one, and, with an approver's own key, taking it."""

from collections.abc import AsyncGenerator
from typing import Annotated, Final

from msgspec import Meta, Struct

from signoff.cli.mcp.calls import Answer, Call, take
from signoff.cli.mcp.errors import ApproverError, ToolError
from signoff.cli.mcp.executions import ExecutionId
from signoff.cli.mcp.following import ExecutionAnswer, Wait, follow, standing
from signoff.cli.mcp.pending import Pending, pending_of
from signoff.cli.mcp.tools import Tool
from signoff.client import AsyncExecution
from signoff.client.errors import Json

_MOST_EXECUTIONS: Final = 50
"""Paused executions that `list_pauses` looks into: each is asked for by itself."""


class ListPauses(Struct, frozen=True, forbid_unknown_fields=True):
    """What `list_pauses` takes."""

    workflow_id: Annotated[str, Meta(description="Only of this workflow.")] = ""
    execution_id: Annotated[str, Meta(description="Only of this execution.")] = ""
    limit: Annotated[int, Meta(ge=1, le=50, description="How many at most.")] = 20


class PausesAnswer(Answer, frozen=True, kw_only=True):
    """What `list_pauses` answers."""

    pauses: list[Pending]


class Decide(Struct, frozen=True, forbid_unknown_fields=True):
    """What `decide` takes."""

    execution_id: ExecutionId
    context_id: Annotated[str, Meta(min_length=1, description="Which decision: from `list_pauses`.")]
    content_digest: Annotated[
        str, Meta(min_length=1, description="The `content_digest` of what was shown: from `list_pauses`.")
    ]
    input: Annotated[dict[str, Json], Meta(description="What fills the decision's form.")]
    wait_seconds: Wait = 30.0


async def list_pauses(call: Call, given: ListPauses) -> PausesAnswer:
    """What people are waited for."""
    paused, further = await _paused(call, given)
    found, more = await take(_pending(call, paused), given.limit)
    some = "there may be more: ask for those of one workflow or execution" if more or further else ""
    return PausesAnswer(pauses=found, note=some)


async def _pending(call: Call, paused: list[AsyncExecution]) -> AsyncGenerator[Pending, None]:
    for execution in paused:
        for each in await pending_of(call.client, execution):
            yield each


async def _paused(call: Call, given: ListPauses) -> tuple[list[AsyncExecution], bool]:
    """The paused executions to look into, the newest first, and whether there are further ones."""
    handle = call.client.executions.handle
    if given.execution_id:
        return [handle(given.execution_id, workflow_id=given.workflow_id or None)], False
    search = call.client.executions.search(
        workflows=[given.workflow_id] if given.workflow_id else [],
        statuses=["paused"],
        page_size=_MOST_EXECUTIONS,
    )
    found, further = await take(search, _MOST_EXECUTIONS)
    return [handle(each.execution_id, workflow_id=each.workflow_id) for each in found], further


async def decide(call: Call, given: Decide) -> ExecutionAnswer:
    """Take a decision as the approver, on what the agent itself may see."""
    if call.approver is None:
        raise ApproverError("this server takes no decisions: a person decides at the `link` of the pause")
    await call.approver.check(call.key)
    execution = call.client.executions.handle(given.execution_id)
    workflow_id = await execution.find_workflow()
    # Seen with the agent's key: the approver's shows it nothing that it could not see by itself.
    point = await call.client.pauses.point(workflow_id, execution.id, given.context_id)
    if not point.is_open:
        raise ToolError(f"{given.context_id} waits for no decision any more: it is {point.resume_status}")
    if point.content_digest != given.content_digest:
        raise ToolError(
            "what is shown is not what you saw: call `list_pauses`, look at it again, and decide with its "
            "`content_digest`"
        )
    async with call.approver.client() as client:
        resumed = await client.pauses.resume(
            workflow_id,
            execution.id,
            given.context_id,
            given.input,
            content_digest=given.content_digest,
        )
    run = call.client.executions.handle(execution.id, workflow_id=workflow_id, run_id=resumed.run_id)
    followed = await follow(run, after=0, within=given.wait_seconds, report=call.report)
    return await standing(call, execution, followed)


LIST_PAUSES: Final = Tool(
    name="list_pauses",
    title="List decisions that are waited for",
    description="List what waits for a person's decision: what they are shown, the form that they fill in, "
    "and the link where they do it.",
    arguments=ListPauses,
    answer=PausesAnswer,
    run=list_pauses,
    reads=True,
)

DECIDE: Final = Tool(
    name="decide",
    title="Decide as the approver",
    description="Take a decision that an execution waits for, in the name of the approver whose key this "
    "server holds. Only when the approver told you to, and only on what you read in `list_pauses`: it cannot "
    "be undone.",
    arguments=Decide,
    answer=ExecutionAnswer,
    run=decide,
    destroys=True,
)
