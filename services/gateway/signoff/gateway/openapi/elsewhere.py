"""What is told in the one document though other modules serve it: streams, health, metrics."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType, field

from signoff.gateway.http.routing import Answer, Endpoint
from signoff.runtime.health import Readiness


class StreamQuery(Struct, frozen=True, kw_only=True):
    """Where a stream begins, and where it ends.

    Attributes:
        after: It begins after this event; `Last-Event-ID` goes before it.
        follow: Stay through pauses, to the end of the execution.
    """

    after: Annotated[int, Meta(ge=0)] = field(default=0, name="from")
    follow: bool = False


class StreamHeaders(Struct, frozen=True, kw_only=True):
    """What an `EventSource` that comes back says.

    Attributes:
        last_event_id: The last event that it has; what is no event's id is taken for none.
    """

    last_event_id: str | UnsetType = field(default=UNSET, name="Last-Event-ID")


class FeedQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which events a feed has, and where it begins. Filters of different kinds all count.

    Attributes:
        types: Types of events by commas, such as `execution:completed,pause:*`.
        workflow_id: Workflows, by commas or repeated.
        status: Events that bring an execution into one of these states, by commas.
        workspace_id: One workspace; without it, all that the caller may see.
        execution_id: Executions, by commas or repeated, and the `execution:forked` of their forks.
        cursor: It begins after this one; `Last-Event-ID` goes before it. Without either it begins now.
    """

    types: str = ""
    workflow_id: str = ""
    status: str = ""
    workspace_id: str = ""
    execution_id: str = ""
    cursor: str = ""


class FeedHeaders(Struct, frozen=True, kw_only=True):
    """What an `EventSource` that comes back says.

    Attributes:
        last_event_id: The last cursor that it has.
    """

    last_event_id: str | UnsetType = field(default=UNSET, name="Last-Event-ID")


class Alive(Struct, frozen=True):
    """The process lives."""

    status: str


_CHECKS: Final = "What it depends on, check by check."

ELSEWHERE: Final[tuple[Endpoint, ...]] = (
    Endpoint(
        method="GET",
        path="/api/workflows/{workflowId}/executions/{executionId}/stream",
        operation="executions:read",
        name="streamExecution",
        summary="The events of an execution as server-sent events, from any of them on.",
        description="The same frames on each replay, days later and across restarts. The stream ends where "
        "the execution pauses or ends; that of a resumed run's id where that run does.",
        tag="Streams",
        query=StreamQuery,
        headers=StreamHeaders,
        takes_stream_token=True,
        answers={
            200: Answer(
                media="text/event-stream",
                description="Frames `id: <eventId>` and `data: <event>`, without an `event:` line, and "
                "`data: [DONE]` at the end; a comment each 15 seconds in which nothing happens.",
                headers={"X-Execution-Id": "The execution's id."},
            ),
            204: Answer(description="The `Last-Event-ID` is that of the end: an `EventSource` stops asking."),
        },
        errors={
            403: "The execution is not of this workflow, or the caller may not read it.",
            409: "The cursor is past the end of the log; `lastEventId` is the end.",
            429: "The workspace has too many streams open.",
        },
    ),
    Endpoint(
        method="GET",
        path="/api/stream",
        operation="executions:read",
        name="streamFeed",
        summary="Everything that the caller may see, as server-sent events, in the order of the log.",
        description="One connection serves a whole page. What the caller may no longer see stops at once.",
        tag="Streams",
        query=FeedQuery,
        headers=FeedHeaders,
        takes_stream_token=True,
        answers={
            200: Answer(
                media="text/event-stream",
                description="Frames `id: <cursor>` and `data: <event>`; `feed:opened` first where there is "
                "no cursor; a comment with an `id` each 15 seconds in which nothing happens.",
            )
        },
        errors={
            400: "A filter or the cursor is none.",
            403: "The caller may not read it, or the token is for another stream.",
            404: "No such workspace.",
            409: "The cursor is past the end; `lastEventId` is the cursor of the end.",
            429: "The workspace has too many streams open.",
        },
    ),
    Endpoint(
        method="GET",
        path="/healthz",
        operation=None,
        name="getHealth",
        summary="Whether the process lives.",
        tag="Service",
        answers={200: Answer(body=Alive, description="It does.", example={"status": "ok"})},
    ),
    Endpoint(
        method="GET",
        path="/readyz",
        operation=None,
        name="getReadiness",
        summary="Whether the process can work.",
        tag="Service",
        answers={
            200: Answer(body=Readiness, description=f"It can. {_CHECKS}"),
            503: Answer(body=Readiness, description=f"It cannot. {_CHECKS}"),
        },
    ),
    Endpoint(
        method="GET",
        path="/metrics",
        operation=None,
        name="getMetrics",
        summary="Metrics, as Prometheus reads them.",
        tag="Service",
        answers={200: Answer(media="text/plain", description="The metrics of this process.")},
    ),
)
