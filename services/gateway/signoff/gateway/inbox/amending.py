"""Other content for a pause point, as the command that records it."""

from aiohttp import web
from msgspec import UNSET

from signoff.engine.points.decisions import content_refusal, open_refusal
from signoff.engine.points.pauses import content_digest
from signoff.events.types import AmendPause, Outcome
from signoff.gateway.executions.deciding import maker
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.inbox.asking import Ask
from signoff.gateway.inbox.content import ContentBody, amended
from signoff.gateway.inbox.point import ReadPoint
from signoff.gateway.inbox.refusals import point_refused


async def amendment(
    request: web.Request, ask: Ask, read: ReadPoint, body: ContentBody, *, seen: str
) -> AmendPause:
    """What changes a pause point. What is left out stays; nothing is kept of what is refused.

    Args:
        request: that it came with.
        ask: by whom, of which point.
        read: the point.
        body: what it is to show.
        seen: digest of the content that is changed.

    Raises:
        ApiError: 400, 422, it is not for this point; 409, nobody decides that any more; 412, it shows
            something else by now.
        BlobError: its large values cannot be kept.
    """
    if ask.command_id not in read.state.commands:  # else it is a retry, and the log knows what to answer
        refusal = open_refusal(read.state, ask.context_id) or content_refusal(read.point, seen)
        if refusal is not None:
            outcome = Outcome(
                command_id=ask.command_id,
                execution_id=read.state.execution_id,
                outcome="refused",
                refusal=refusal,
            )
            raise await point_refused(request.app, ask.row, outcome, context_id=ask.context_id)
    response = amended(read.point, body)
    title = read.point.title if body.title is UNSET else body.title
    caller = ask.asked.principal
    return AmendPause(
        context_id=ask.context_id,
        maker=maker(request, caller),
        title=title,
        response=await request.app[GATEWAY].blobs.offload(response, workspace_id=caller.workspace_id),
        content_digest=content_digest(response, read.state.definition_digest, title),
        seen_digest=seen,
        reason=body.reason,
    )
