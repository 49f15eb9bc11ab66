"""Tools that start executions, follow them, find them and stop them."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from signoff.cli.mcp.calls import Answer, Call, take
from signoff.cli.mcp.following import ExecutionAnswer, Followed, Wait, follow, standing
from signoff.cli.mcp.tools import Tool
from signoff.cli.mcp.workflows import WorkflowId
from signoff.client import ExecutionStatus
from signoff.client.errors import Json
from signoff.client.resources.executions import Filters

ExecutionId = Annotated[str, Meta(min_length=1, description="The execution's id.")]
Limit = Annotated[int, Meta(ge=1, le=100, description="How many at most.")]
Moment = Annotated[str, Meta(description="A moment, ISO 8601, such as 2026-05-01T12:00:00Z.")]


class StartWorkflow(Struct, frozen=True, forbid_unknown_fields=True):
    """What `start_workflow` takes."""

    workflow_id: WorkflowId
    input: Annotated[
        dict[str, Json], Meta(description="What the workflow's input schema asks for: see `get_workflow`.")
    ] = {}
    wait_seconds: Wait = 30.0
    execution_id: Annotated[
        str,
        Meta(
            max_length=128,
            description="An id of your own choice, unique in the workspace. The same call again starts "
            "nothing twice: it answers the same execution. With another input it is refused.",
        ),
    ] = ""


class GetExecution(Struct, frozen=True, forbid_unknown_fields=True):
    """What `get_execution` takes."""

    execution_id: ExecutionId


class FollowExecution(Struct, frozen=True, forbid_unknown_fields=True):
    """What `follow_execution` takes."""

    execution_id: ExecutionId
    after_event_id: Annotated[
        int, Meta(ge=0, description="The last event that you know: `last_event_id` of the answer before.")
    ] = 0
    wait_seconds: Wait = 30.0


class SearchExecutions(Struct, frozen=True, forbid_unknown_fields=True):
    """What `search_executions` takes; an execution must fit all that is given."""

    workflow_ids: Annotated[list[str], Meta(description="Of one of these workflows.")] = []
    statuses: Annotated[list[ExecutionStatus], Meta(description="In one of these states.")] = []
    error: Annotated[str, Meta(description="Part of why they failed.")] = ""
    attributes: Annotated[
        list[str],
        Meta(
            max_length=5,
            description='What the workflow lets them be found by, such as "customer:Ada" or "amount>=100".',
        ),
    ] = []
    started_after: Moment | None = None
    started_before: Moment | None = None
    forked_from: Annotated[str, Meta(description="Forks of this execution, by its own id.")] = ""
    limit: Limit = 20


class ExecutionLine(Struct, frozen=True, kw_only=True):
    """An execution that was found."""

    execution_id: str
    workflow_id: str
    status: ExecutionStatus
    started_at: str | None = None
    ended_at: str | None = None
    error: str | None = None
    attributes: dict[str, Json] = {}


class SearchAnswer(Answer, frozen=True, kw_only=True):
    """What `search_executions` answers, the newest first."""

    executions: list[ExecutionLine]


class CancelExecution(Struct, frozen=True, forbid_unknown_fields=True):
    """What `cancel_execution` takes."""

    execution_id: ExecutionId


class CancelAnswer(Answer, frozen=True, kw_only=True):
    """What `cancel_execution` answers; ``already``: it had been cancelled before."""

    execution_id: str
    already: bool


async def start_workflow(call: Call, given: StartWorkflow) -> ExecutionAnswer:
    """Start it, and follow it for a while."""
    execution = await call.client.executions.start(
        given.workflow_id,
        given.input,
        execution_id=given.execution_id or None,
        idempotency_key=given.execution_id or None,
    )
    # Whoever gives up waiting knows what was started.
    await call.report(0, f"started execution {execution.id}")
    followed = await follow(execution, after=0, within=given.wait_seconds, report=call.report)
    return await standing(call, execution, followed)


async def get_execution(call: Call, given: GetExecution) -> ExecutionAnswer:
    """How it stands now."""
    return await standing(call, call.client.executions.handle(given.execution_id), Followed())


async def follow_execution(call: Call, given: FollowExecution) -> ExecutionAnswer:
    """Follow it for a while, from the log and then live."""
    execution = call.client.executions.handle(given.execution_id)
    followed = await follow(
        execution, after=given.after_event_id, within=given.wait_seconds, report=call.report
    )
    return await standing(call, execution, followed)


async def search_executions(call: Call, given: SearchExecutions) -> SearchAnswer:
    """Those that fit, the newest first."""
    filters = Filters()
    if given.workflow_ids:
        filters["workflows"] = given.workflow_ids
    if given.statuses:
        filters["statuses"] = given.statuses
    if given.error:
        filters["error"] = given.error
    if given.attributes:
        filters["attributes"] = given.attributes
    if given.started_after is not None:
        filters["started_after"] = given.started_after
    if given.started_before is not None:
        filters["started_before"] = given.started_before
    if given.forked_from:
        filters["forked_from"] = given.forked_from
    search = call.client.executions.search(page_size=given.limit + 1, **filters)
    found, more = await take(search, given.limit)
    lines = [
        ExecutionLine(
            execution_id=each.execution_id,
            workflow_id=each.workflow_id,
            status=each.status,
            started_at=each.started_at,
            ended_at=each.ended_at,
            error=each.error,
            attributes=each.attributes,
        )
        for each in found
    ]
    more_note = "there are more: ask for fewer, such as of one workflow or started before the last of these"
    return SearchAnswer(executions=lines, note=more_note if more else "")


async def cancel_execution(call: Call, given: CancelExecution) -> CancelAnswer:
    """Stop it for good."""
    cancelled = await call.client.executions.handle(given.execution_id).cancel()
    return CancelAnswer(execution_id=cancelled.execution_id, already=cancelled.reason == "already_cancelled")


TOOLS: Final = (
    Tool(
        name="start_workflow",
        title="Start a workflow",
        description="Start an execution of a workflow and wait for it for a while. Answers how it stands "
        "then: completed with its output, failed with its error, paused with the decisions that it waits "
        "for, or still running. It goes on whether or not anybody waits.",
        arguments=StartWorkflow,
        answer=ExecutionAnswer,
        run=start_workflow,
    ),
    Tool(
        name="get_execution",
        title="Look at an execution",
        description="Show how an execution stands now: its status, its output or error, what it waits for.",
        arguments=GetExecution,
        answer=ExecutionAnswer,
        run=get_execution,
        reads=True,
    ),
    Tool(
        name="follow_execution",
        title="Follow an execution",
        description="Wait until an execution ends or pauses, or until the time is over, and tell what "
        "happened meanwhile. Call it again with `last_event_id` as `after_event_id` to go on.",
        arguments=FollowExecution,
        answer=ExecutionAnswer,
        run=follow_execution,
        reads=True,
    ),
    Tool(
        name="search_executions",
        title="Search executions",
        description="Find executions by workflow, status, error, business attributes and time.",
        arguments=SearchExecutions,
        answer=SearchAnswer,
        run=search_executions,
        reads=True,
    ),
    Tool(
        name="cancel_execution",
        title="Cancel an execution",
        description="Stop an execution for good, whether it runs or waits. This cannot be undone.",
        arguments=CancelExecution,
        answer=CancelAnswer,
        run=cancel_execution,
        destroys=True,
    ),
)
