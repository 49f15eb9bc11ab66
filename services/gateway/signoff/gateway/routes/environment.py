"""``/api/environment``: the values of ``{{NAME}}``, which go in and never come out."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.environment import MAX_VALUE, NAME
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import EnvironmentRemoved, EnvironmentSet
from signoff.gateway.directory import change, done_before
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.gateway import GATEWAY, Gateway
from signoff.gateway.http.bodies import convert, read_object
from signoff.gateway.http.headers import CommandHeaders
from signoff.gateway.http.queries import NoQuery, read_query
from signoff.gateway.http.responses import answer
from signoff.gateway.http.routing import Answer, Route


class EnvironmentBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A value to set. It is kept encrypted and is never answered."""

    value: Annotated[str, Meta(min_length=1, description="At most 32 KiB of UTF-8.")]


class EnvironmentName(Struct, frozen=True, kw_only=True, rename="camel"):
    """A value that is set. ``source`` is ``operator`` for those of the server's own configuration."""

    name: str
    source: str = "workspace"
    set_at: str | None = None


class EnvironmentList(Struct, frozen=True, kw_only=True, rename="camel"):
    """The names of a workspace's values, in order."""

    environment: list[EnvironmentName]


async def list_names(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/environment``."""
    read_query(request, NoQuery)
    return answer(EnvironmentList(environment=_names(request.app[GATEWAY], caller)))


async def show(request: web.Request, caller: Principal) -> web.Response:
    """``GET /api/environment/{name}``: that there is such a value, and since when."""
    name = request.match_info["name"]
    for each in _names(request.app[GATEWAY], caller):
        if each.name == name:
            return answer(each)
    raise ApiError(404, "Environment value not found")


def _names(gateway: Gateway, caller: Principal) -> list[EnvironmentName]:
    workspace = gateway.directory.state.workspaces[str(caller.workspace_id)]
    found = {name: EnvironmentName(name=name, set_at=iso(at)) for name, at in workspace.environment.items()}
    if caller.workspace_id == DEFAULT_WORKSPACE:
        for name in gateway.settings.environment.keys() - found.keys():
            found[name] = EnvironmentName(name=name, source="operator")
    return sorted(found.values(), key=lambda each: each.name)


async def put(request: web.Request, caller: Principal) -> web.Response:
    """``PUT /api/environment/{name}``: set a value, or another one in its place."""
    name = request.match_info["name"]
    if not NAME.fullmatch(name):
        raise bad_field("name", "must be letters, digits and _, at most 128, and begin with no digit")
    body = convert(await read_object(request), EnvironmentBody)
    if len(body.value.encode()) > MAX_VALUE:
        raise bad_field("value", f"must have at most {MAX_VALUE} bytes")
    gateway = request.app[GATEWAY]
    await gateway.environments.put(caller.workspace_id, name, body.value)
    workspace_id = str(caller.workspace_id)
    # That it was set is recorded by each try: processes read a value again for no other reason.
    fact = EnvironmentSet(actor=caller.actor, workspace_id=workspace_id, name=name)
    await change(request, caller, [fact], anew=True)
    set_at = gateway.directory.state.workspaces[workspace_id].environment.get(name)
    if set_at is None:
        raise ApiError(409, "Another request has just removed the value: set it again")
    return answer(EnvironmentName(name=name, set_at=iso(set_at)))


async def remove(request: web.Request, caller: Principal) -> web.Response:
    """``DELETE /api/environment/{name}``."""
    name = request.match_info["name"]
    gateway, workspace_id = request.app[GATEWAY], str(caller.workspace_id)
    if not done_before(request, caller):
        fact = EnvironmentRemoved(actor=caller.actor, workspace_id=workspace_id, name=name)
        await change(request, caller, [fact])
    if name not in gateway.directory.state.workspaces[workspace_id].environment:  # else it was set again
        await gateway.environments.remove(caller.workspace_id, name)
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
