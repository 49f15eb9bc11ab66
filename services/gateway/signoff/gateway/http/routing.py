"""Routes as data: what the router, the authorization, the OpenAPI document and the isolation tests read."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Literal, TypeAlias

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.access.permissions import Operation
from signoff.events.types import Json
from signoff.gateway.errors import GatewayError

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Rate: TypeAlias = Literal["sync", "async", "reads"]
"""What a request counts as, where rates are limited. An execute decides by its mode."""

Style: TypeAlias = Literal["v1", "v2"]

Handler: TypeAlias = Callable[[web.Request, Principal], Awaitable[web.StreamResponse]]
"""Serves a request of an authenticated caller who may do the route's operation."""

OpenHandler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Serves a request of anybody: sign-in, and what checks its callers itself."""

_NAME: Final = re.compile(r"\{(\w+)(?::[^{}]+)?\}")


class Answer(Struct, frozen=True, kw_only=True):
    """One documented answer.

    Attributes:
        body: the type of the JSON, or ``None`` where there is none (or it is no JSON).
        description: what it means to the caller.
        media: its media type.
        headers: name → what it says; each is there in every such answer.
        may_have: the same of headers that are there at times.
        example: a JSON value that fits ``body``.
        streamed: what it holds where it is a stream of server-sent events instead, for callers that asked.
    """

    body: object = None
    description: str
    media: str = "application/json"
    headers: Mapping[str, str] = {}
    may_have: Mapping[str, str] = {}
    example: Json = None
    streamed: str = ""


class Endpoint(Struct, frozen=True, kw_only=True):
    """What a route is to its callers, whoever serves it.

    Attributes:
        method: of HTTP.
        path: with ``{names}``, as aiohttp takes it.
        operation: what its caller must be allowed to do in the workspace; ``None``: open to anybody.
        name: of the operation in the OpenAPI document, such as ``cancelExecution``.
        summary: a line for the reader of the docs.
        description: what else that reader must know.
        tag: the chapter of the docs.
        names: what a name in the path means, where it is not what it means everywhere.
        query: a struct of its query parameters.
        headers: a struct of the headers that it reads, besides those of all routes.
        body: the type of its JSON body, or ``None``.
        body_media: what the body is; other than JSON it has no type.
        body_also: another media type that the body may have.
        body_note: what it holds, where its type does not say so.
        body_required: a request without a body is refused.
        body_example: a JSON value that fits ``body``, or the text of another one.
        answers: by status; the errors of all routes are added.
        answered_by_blocks: a ``response`` block may answer instead, with its own status, data and headers.
        errors: statuses of further errors, with what they mean.
        takes_stream_token: a token of one stream lets its caller in, too.
        takes_form: its body is a form, as a browser sends it.
        takes_link: a decision link lets its person in, too, where the path's ``{execution}`` and
            ``{context}`` name the link's pause point.
        sends_code: it sends the person of a link a code: no code is asked for before.
        rate: what it counts as; ``None``: its handler counts it, when it knows.
        style: how its errors are spelled: ``v1`` ``{"error": text}``, ``v2`` ``{"error": {code, message}}``.
    """

    method: Method
    path: str
    operation: Operation | None
    name: str
    summary: str
    description: str = ""
    tag: str
    names: Mapping[str, str] = {}
    query: type[Struct] | None = None
    headers: type[Struct] | None = None
    body: object = None
    body_media: str = "application/json"
    body_also: str = ""
    body_note: str = ""
    body_required: bool = False
    body_example: Json = None
    answers: Mapping[int, Answer]
    answered_by_blocks: bool = False
    errors: Mapping[int, str] = {}
    takes_stream_token: bool = False
    takes_form: bool = False
    takes_link: bool = False
    sends_code: bool = False
    rate: Rate | None = "reads"
    style: Style = "v1"

    @property
    def path_names(self) -> list[str]:
        """The names in the path, in their order."""
        return _NAME.findall(self.path)

    @property
    def pattern(self) -> str:
        """The path without its names: two routes with the same one catch the same requests."""
        return _NAME.sub("{}", self.path)


class Route(Endpoint, frozen=True, kw_only=True):
    """An endpoint that the gateway serves.

    Attributes:
        handler: serves it; an `OpenHandler` where there is no operation.
        starts: it sets an execution to work, as all routes of ``executions:start`` do: it is admitted by what
            the executors can take.
    """

    handler: Handler | OpenHandler
    starts: bool = False


def check_distinct(endpoints: Iterable[Endpoint]) -> None:
    """Make sure that no endpoint hides another one, and that each has a name of its own.

    Raises:
        GatewayError: names the two that clash.
    """
    seen: dict[str, Endpoint] = {}
    for endpoint in endpoints:
        for key in (f"{endpoint.method} {endpoint.pattern}", endpoint.name):
            other = seen.setdefault(key, endpoint)
            if other is not endpoint:
                raise GatewayError(
                    f"{endpoint.method} {endpoint.path} ({endpoint.name}) and {other.method} {other.path} "
                    f"({other.name}) clash: change the path or the name of one of them"
                )
