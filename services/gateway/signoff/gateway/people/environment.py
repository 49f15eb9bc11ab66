"""A workspace's environment: the values of ``{{NAME}}``, which go in and never come out."""

from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from signoff.access.callers import Principal
from signoff.access.secrets.environment import MAX_VALUE, NAME
from signoff.events.times import iso
from signoff.events.topics import DEFAULT_WORKSPACE
from signoff.events.types import EnvironmentRemoved, EnvironmentSet
from signoff.gateway.directory import change, done_before
from signoff.gateway.errors import ApiError, bad_field
from signoff.gateway.gateway import GATEWAY, Gateway


class EnvironmentBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A value to set. It is kept encrypted and is never answered."""

    value: Annotated[str, Meta(min_length=1, description="At most 32 KiB of UTF-8.")]


class EnvironmentName(Struct, frozen=True, kw_only=True, rename="camel"):
    """A value that is set. ``source`` is ``operator`` for those of the server's own configuration."""

    name: str
    source: str = "workspace"
    set_at: str | None = None


def find_name(request: web.Request, caller: Principal) -> EnvironmentName:
    """The value that a path names by ``name``.

    Raises:
        ApiError: 404.
    """
    name = request.match_info["name"]
    for each in environment_of(request.app[GATEWAY], caller):
        if each.name == name:
            return each
    raise ApiError(404, "Environment value not found")


def environment_of(gateway: Gateway, caller: Principal) -> list[EnvironmentName]:
    """The names of the values that the caller's workspace has, in order."""
    workspace = gateway.directory.state.workspaces[str(caller.workspace_id)]
    found = {name: EnvironmentName(name=name, set_at=iso(at)) for name, at in workspace.environment.items()}
    if caller.workspace_id == DEFAULT_WORKSPACE:
        for name in gateway.settings.environment.keys() - found.keys():
            found[name] = EnvironmentName(name=name, source="operator")
    return sorted(found.values(), key=lambda each: each.name)


async def set_value(
    request: web.Request, caller: Principal, name: str, body: EnvironmentBody
) -> EnvironmentName:
    """Set a value of the caller's workspace.

    Raises:
        ApiError: 400, the name or the value is none; 409, there are too many, or it was just removed.
    """
    if not NAME.fullmatch(name):
        raise bad_field("name", "must be letters, digits and _, at most 128, and begin with no digit")
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
    return EnvironmentName(name=name, set_at=iso(set_at))


async def remove_value(request: web.Request, caller: Principal) -> None:
    """Remove the value that a path names by ``name``.

    Raises:
        ApiError: 404.
    """
    name = request.match_info["name"]
    gateway, workspace_id = request.app[GATEWAY], str(caller.workspace_id)
    if not done_before(request, caller):
        fact = EnvironmentRemoved(actor=caller.actor, workspace_id=workspace_id, name=name)
        await change(request, caller, [fact])
    if name not in gateway.directory.state.workspaces[workspace_id].environment:  # else it was set again
        await gateway.environments.remove(caller.workspace_id, name)
