"""``/asyncapi.json`` and ``/api/schemas/{name}``: the contracts of topics and events, open to anybody."""

import asyncio
from functools import cache
from typing import Final

from aiohttp import web

from signoff.events.schemas.documents import encode, find
from signoff.events.types import Json
from signoff.gateway.errors import ApiError
from signoff.gateway.http.conditional import CACHEABLE, UNCHANGED, conditional
from signoff.gateway.http.headers import ConditionalHeaders
from signoff.gateway.http.responses import NO_GUESSING
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.openapi import topics

_SCHEMA: Final = "application/schema+json"


@cache
def _asyncapi() -> bytes:
    return encode(topics.build())


async def asyncapi(request: web.Request) -> web.Response:
    """``GET /asyncapi.json``."""
    body = await asyncio.to_thread(_asyncapi)
    return conditional(request, web.Response(body=body, content_type="application/json", headers=NO_GUESSING))


async def schema(request: web.Request) -> web.Response:
    """``GET /api/schemas/{name}``."""
    body = await asyncio.to_thread(find, request.match_info["name"])
    if body is None:
        raise ApiError(404, "No such schema: ask for events, commands, outcomes or a type of one of them")
    return conditional(request, web.Response(body=body, content_type=_SCHEMA, headers=NO_GUESSING))


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        method="GET",
        path="/asyncapi.json",
        handler=asyncapi,
        operation=None,
        name="getAsyncApi",
        summary="The topics, for their consumers.",
        tag="Service",
        headers=ConditionalHeaders,
        answers={
            200: Answer(body=dict[str, Json], description="AsyncAPI 3.0.", headers=CACHEABLE),
            304: UNCHANGED,
        },
    ),
    Route(
        method="GET",
        path="/api/schemas/{name}",
        handler=schema,
        operation=None,
        name="getSchema",
        summary="The JSON Schema of events, commands or outcomes, or of one type of them.",
        tag="Service",
        names={
            "name": "`events`, `commands`, `outcomes`, or a type, such as `block:completed` or "
            "`StartExecution`."
        },
        headers=ConditionalHeaders,
        answers={
            200: Answer(
                body=dict[str, Json],
                media=_SCHEMA,
                description="JSON Schema, 2020-12. Its `$id` stays the same from version to version.",
                headers=CACHEABLE,
            ),
            304: UNCHANGED,
        },
        errors={404: "There is no such schema."},
    ),
)
