"""``/api/environment``: the values of ``{{NAME}}``, which go in and never come out."""

from typing import Final

from aiohttp import web
from msgspec import Struct

from signoff.access.callers import Principal
from signoff.gateway.gateway import GATEWAY
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import NoQuery, read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route
from signoff.gateway.people.environment import (
    EnvironmentBody,
    EnvironmentName,
    environment_of,
    find_name,
    remove_value,
    set_value,
)


class EnvironmentList(Struct, frozen=True, kw_only=True, rename="camel"):
    """The names of a workspace's values, in order."""

    environment: list[EnvironmentName]


async def list_names(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/environment``."""
    read_query(request, NoQuery)
    return answer(EnvironmentList(environment=environment_of(request.app[GATEWAY], caller)))


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/environment/{name}``: that there is such a value, and since when."""
    return answer(find_name(request, caller))


async def put(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/environment/{name}``: set a value, or another one in its place."""
    body = convert(await read_object(request), EnvironmentBody)
    return answer(await set_value(request, caller, request.match_info["name"], body))


async def remove(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/environment/{name}``."""
    await remove_value(request, caller)
    return web.Response(status=204)


ROUTES: Final = (
    Route(
        method="GET", path="/api/environment", handler=list_names, operation="environment:read",
        name="listEnvironment", summary="The names of the workspace's environment values", tag="Environment",
        query=NoQuery,
        answers={200: Answer(body=EnvironmentList, description="The names, in order; never a value.")},
    ),
    Route(
        method="GET", path="/api/environment/{name}", handler=show, operation="environment:read",
        name="getEnvironmentValue", summary="Whether an environment value is set, and since when",
        tag="Environment", answers={200: Answer(body=EnvironmentName, description="It is set.")},
        errors={404: "No such value."},
    ),
    Route(
        method="PUT", path="/api/environment/{name}", handler=put, operation="environment:write",
        name="setEnvironmentValue", summary="Set an environment value", tag="Environment",
        body=EnvironmentBody, body_required=True,
        answers={200: Answer(body=EnvironmentName, description="It is set.")},
        errors={409: "The workspace has as many values as it may have, or this one was just removed."},
    ),
    Route(
        method="DELETE", path="/api/environment/{name}", handler=remove, operation="environment:write",
        name="removeEnvironmentValue", summary="Remove an environment value", tag="Environment",
        headers=CommandHeaders,
        answers={204: Answer(description="It is gone.")}, errors={404: "No such value."},
    ),
)  # fmt: skip
