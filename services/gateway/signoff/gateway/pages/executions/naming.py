"""Who started executions, and who acted in them, by the names that people know."""

from collections.abc import Iterable, Mapping
from typing import Final

from aiohttp import web

from signoff.access.callers import Principal
from signoff.engine.points.standing import person_of
from signoff.events.types import Actor
from signoff.gateway.executions.searching import StartedBy
from signoff.gateway.inbox.people import names_of

_SYSTEM: Final = "Signoff itself"


async def starters(
    request: web.Request, caller: Principal, started_by: Iterable[StartedBy | None]
) -> Mapping[StartedBy, str]:
    """What those who started executions are called.

    Raises:
        StoreUnavailableError: it cannot be said now.
    """
    known = {each for each in started_by if each is not None}
    people = {each: person_of(Actor(type=each.type, id=each.id)) for each in known}  # type: ignore[arg-type]
    names = await names_of(request.app, caller.workspace_id, people=people.values())
    return {
        each: _SYSTEM if each.type == "system" else names.person(person).name
        for each, person in people.items()
    }


async def actor_name(request: web.Request, caller: Principal, actor: Actor | None) -> str:
    """What somebody who acted is called; empty for nobody.

    Raises:
        StoreUnavailableError: it cannot be said now.
    """
    if actor is None:
        return ""
    if actor.name:
        return actor.name
    one = StartedBy(type=actor.type, id=actor.id)
    return (await starters(request, caller, [one]))[one]
