"""What waits for a decision, as a model is told of it."""

from msgspec import Struct

from signoff.cli.mcp.forms import schema_of
from signoff.client import AsyncClient, AsyncExecution, PausePoint
from signoff.client.errors import Json


class Pending(Struct, frozen=True, kw_only=True):
    """One decision that is waited for.

    Attributes:
        execution_id: the execution that waits.
        workflow_id: its workflow.
        context_id: names the decision within the execution.
        block_id: the block that waits.
        title: what is decided, in a line, where its author says so.
        priority: how much it matters.
        approvals: what those who approved count, where several people decide.
        required: what the approvals must come to.
        waiting_since: ISO 8601.
        shown: what the maker of the decision is shown, by name.
        form: JSON Schema of what they fill in.
        link: the page where a person decides.
        content_digest: of what is shown: a decision names it, so that nobody decides on what they have
            not seen.
    """

    execution_id: str
    workflow_id: str
    context_id: str
    block_id: str
    shown: dict[str, Json]
    form: dict[str, Json]
    link: str
    waiting_since: str | None = None
    content_digest: str | None = None
    title: str | None = None
    priority: str = "normal"
    approvals: int = 0
    required: int = 1


async def pending_of(client: AsyncClient, execution: AsyncExecution) -> list[Pending]:
    """What an execution waits for people to decide, each with its digest."""
    workflow_id = await execution.find_workflow()
    return [
        pending(
            execution.id,
            workflow_id,
            await client.pauses.point(workflow_id, execution.id, point.context_id),
        )
        for point in await execution.pauses()
        if point.is_open
    ]


def pending(execution_id: str, workflow_id: str, point: PausePoint) -> Pending:
    """A pause point as a model is told of it."""
    return Pending(
        execution_id=execution_id,
        workflow_id=workflow_id,
        context_id=point.context_id,
        block_id=point.block_id,
        waiting_since=point.registered_at,
        shown=point.shown,
        form=schema_of(point.form),
        link=point.resume_links.ui_url,
        content_digest=point.content_digest,
        title=point.title,
        priority=point.priority,
        approvals=0 if point.quorum is None else point.quorum.approvals,
        required=1 if point.quorum is None else point.quorum.required,
    )
