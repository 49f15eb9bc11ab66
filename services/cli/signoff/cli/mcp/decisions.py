"""Tools about decisions: what waits for one, and, with an approver's own key, taking it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import replace

from signoff.cli.mcp.calls import Answer, Call, take
from signoff.cli.mcp.errors import ApproverError, ToolError
from signoff.cli.mcp.executions import ExecutionId
from signoff.cli.mcp.following import ExecutionAnswer, Followed, Wait, follow, standing
from signoff.cli.mcp.pending import Pending, pending, pending_of
from signoff.cli.mcp.tools import Tool
from signoff.client.errors import Json


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
    found, more = await take(_pending(call, given), given.limit)
    some = "there are more: ask for those of one workflow or execution" if more else ""
    return PausesAnswer(pauses=found, note=some)


async def _pending(call: Call, given: ListPauses) -> AsyncGenerator[Pending, None]:
    if given.execution_id:
        execution = call.client.executions.handle(given.execution_id, workflow_id=given.workflow_id or None)
        for each in await pending_of(call.client, execution):
            yield each
        return
    workflows = [given.workflow_id] if given.workflow_id else []
    open_points = call.client.inbox.list(
        scope="all", workflows=workflows, sort="-opened", page_size=given.limit + 1
    )
    async with aclosing(open_points) as items:
        async for item in items:
            place = (item.workflow_id, item.execution_id, item.context_id)
            point = await call.client.pauses.point(*place)
            if point.is_open:  # it may have been decided meanwhile
                yield pending(item.execution_id, item.workflow_id, point)


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
    if resumed.run_id is None:
        answer = await standing(call, execution, Followed())
        told = f"the decision counts: {resumed.approvals} of {resumed.required} are for it by now"
        return replace(answer, note=told)
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
