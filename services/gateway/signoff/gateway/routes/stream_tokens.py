"""``POST /api/stream-tokens``: a token for one stream, since a browser's ``EventSource`` sends no headers."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.gate import WORKSPACE_HEADER
from signoff.access.keys.tokens import StreamTokens
from signoff.events.store.base import ExecutionStatus
from signoff.events.times import iso
from signoff.gateway.errors import bad_field, bad_request
from signoff.gateway.gateway import GATEWAY, find_execution
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.responses import NO_STORE, answer
from signoff.gateway.http.routing import Answer, Route
from signoff.tail import BadFilterError, filter_of
from signoff.tail.feed_filter import MOST


class FeedBody(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a feed has, as the parameters of `GET /api/stream` say it; all of it must hold for each event.

    Attributes:
        types: Types of events, or families of them such as `pause:*`.
        workflow_id: Workflows.
        status: States into which the events bring their execution.
        workspace_id: The one workspace; else all that the caller may see.
        execution_id: Executions, by any of their ids, by commas.
    """

    types: Annotated[list[str], Meta(max_length=MOST)] = []
    workflow_id: Annotated[list[str], Meta(max_length=MOST)] = []
    status: Annotated[list[ExecutionStatus], Meta(max_length=MOST)] = []
    workspace_id: str | None = None
    execution_id: str | None = None

    def parameters(self) -> dict[str, list[str]]:
        """The same as a query has it."""
        given = {
            "types": self.types,
            "workflowId": self.workflow_id,
            "status": list[str](self.status),
            "workspaceId": [self.workspace_id or ""],
            "executionId": [self.execution_id or ""],
        }
        return {name: values for name, values in given.items() if any(values)}


class StreamTokenBody(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What the token is for: exactly one of the two.

    Attributes:
        execution_id: An execution, by any of its ids, in the workspace that the request is about.
        feed: A feed across executions.
    """

    execution_id: str | None = None
    feed: FeedBody | None = None


class StreamToken(Struct, frozen=True, kw_only=True, rename="camel"):
    """A token, for `?token=`.

    Attributes:
        token: The token. It reads this one stream, and no more than its maker may read when it is used.
        expires_at: Until when a stream may be opened with it. The stream itself may last longer.
    """

    token: str
    expires_at: str


async def make(request: web.Request, caller: Principal) -> web.Response:
    """Make a token for a stream."""
    body = convert(await read_object(request), StreamTokenBody)
    if (body.execution_id is None) == (body.feed is None):
        raise bad_request("The body must have executionId or feed, and not both")
    gateway = request.app[GATEWAY]
    tokens = StreamTokens(gateway.sealer)
    if body.execution_id is not None:
        row = await find_execution(gateway, caller, body.execution_id, missing="Execution not found")
        token, expires_at = tokens.for_execution(
            caller.actor, workspace_id=row.workspace_id, log_id=row.log_id
        )
    else:
        token, expires_at = tokens.for_feed(caller.actor, _parameters(request, body.feed or FeedBody()))
    return answer(StreamToken(token=token, expires_at=iso(expires_at)), headers=NO_STORE)


def _parameters(request: web.Request, feed: FeedBody) -> dict[str, list[str]]:
    """The feed's parameters; a workspace that the request names bounds it as it bounds any request."""
    parameters = feed.parameters()
    named = request.query.get("workspaceId") or request.headers.get(WORKSPACE_HEADER)
    if named:
        parameters.setdefault("workspaceId", [named])
    try:
        filter_of(parameters)
    except BadFilterError as error:
        raise bad_field(f"feed.{error.parameter}", f"must be {error.must}") from error
    return parameters


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="POST",
        path="/api/stream-tokens",
        handler=make,
        operation="executions:read",
        name="createStreamToken",
        summary="A token to open one stream, for an `EventSource`.",
        description="It is good for 60 seconds, and is sent as `?token=`. Whoever made it is looked up again "
        "when it is used, and while the stream lasts.",
        tag="Streams",
        body=StreamTokenBody,
        body_required=True,
        body_example={"feed": {"types": ["pause:*"], "workflowId": ["refund-approval"]}},
        answers={
            200: Answer(
                body=StreamToken,
                description="The token.",
                headers={"Cache-Control": "`no-store`."},
                example={"token": "AbC…", "expiresAt": "2026-01-01T00:01:00.000000Z"},
            )
        },
        errors={404: "There is no such execution."},
    ),
)
